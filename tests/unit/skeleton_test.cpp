// Skeletons: for every TensorFlow release, tiny real libraries in pip's layout, made from the listings in
// data/wheels. What elf::Process predicts for each library that the release opens is compared with what ld.so
// does.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "elf/loader.h"
#include "plan/wheel_listing.h"
#include "turn.h"

namespace tfdoctor {
namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

// --- running things
// ---------------------------------------------------------------------------------------------------

std::string Output(const Strings& command, const Strings& environment) {
  auto pointers = [](const Strings& strings) {
    std::vector<char*> result;
    for (const std::string& s : strings) result.push_back(const_cast<char*>(s.c_str()));
    result.push_back(nullptr);
    return result;
  };
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
  pid_t child = 0;
  int failed = posix_spawnp(&child, command[0].c_str(), &actions, nullptr, pointers(command).data(),
                            pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string output;
  char buffer[65536];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    output.append(buffer, static_cast<size_t>(n));
  close(ends[0]);
  int status = -1;
  if (failed == 0) waitpid(child, &status, 0);
  EXPECT_EQ(status, 0) << command[0] << ": " << output;
  return output;
}

class WithEnvironment : public ForwardingSystem {
 public:
  WithEnvironment(const System& below, std::map<std::string, std::string> environment)
      : ForwardingSystem(below), environment_(std::move(environment)) {}
  const std::map<std::string, std::string>& Environment() const override { return environment_; }

 private:
  std::map<std::string, std::string> environment_;
};

// --- listings
// ---------------------------------------------------------------------------------------------------------

std::vector<int> Parts(const std::string& version) {
  std::vector<int> parts;
  std::istringstream in(version);
  for (std::string part; std::getline(in, part, '.');) parts.push_back(atoi(part.c_str()));
  return parts;
}

using Versions = std::map<std::string, WheelListing>;

const std::map<std::string, Versions>& Listings() {
  static const auto* const kListings = [] {
    auto* listings = new std::map<std::string, Versions>;
    for (const auto& entry : fs::directory_iterator(TFDOCTOR_SOURCE_DIR "/data/wheels")) {
      if (entry.path().extension() != ".json") continue;
      std::ifstream file(entry.path());
      auto listing = ReadWheelListing(std::string(std::istreambuf_iterator<char>(file), {}));
      if (!listing.ok()) {
        ADD_FAILURE() << entry.path() << ": " << listing.error().message;
        continue;
      }
      EXPECT_EQ(entry.path().filename(), listing->distribution + "-" + listing->version + ".json");
      (*listings)[listing->distribution][listing->version] = *listing;
    }
    return listings;
  }();
  return *kListings;
}

const WheelListing* Listing(const std::string& distribution, const std::string& version) {
  auto versions = Listings().find(distribution);
  if (versions != Listings().end()) {
    auto listing = versions->second.find(version);
    if (listing != versions->second.end()) return &listing->second;
  }
  ADD_FAILURE() << "data/wheels has no " << distribution << "-" << version << ".json";
  return nullptr;
}

using Wheels = std::vector<const WheelListing*>;
enum class Pick { kFloor, kNewest };

bool IsOfAndCuda(const std::string& requirement) {
  return requirement.starts_with("nvidia-") && requirement.find("and-cuda") != std::string::npos;
}

bool HasAndCuda(const WheelListing& tensorflow) {
  return std::any_of(tensorflow.requires_dist.begin(), tensorflow.requires_dist.end(), IsOfAndCuda);
}

// The wheels of the and-cuda extra; of a range either its floor or the newest that is listed.
Wheels AndCuda(const WheelListing& tensorflow, Pick pick) {
  Wheels wheels;
  for (const std::string& line : tensorflow.requires_dist) {
    if (!IsOfAndCuda(line)) continue;
    std::string distribution = line.substr(0, line.find_first_of(" (<=>!~;"));
    size_t equal = line.find("==");
    size_t floor = line.find(">=");
    std::string version;
    if (floor != std::string::npos) {
      version = line.substr(floor + 2, line.find_first_of(",;) ", floor) - floor - 2);
    } else if (equal != std::string::npos) {
      version = line.substr(equal + 2, line.find_first_of(",;) ", equal) - equal - 2);
    }
    if (floor != std::string::npos && pick == Pick::kNewest && Listings().contains(distribution)) {
      for (const auto& [other, unused] : Listings().at(distribution)) {
        if (Parts(version) < Parts(other)) version = other;
      }
    }
    if (const WheelListing* wheel = Listing(distribution, version)) wheels.push_back(wheel);
  }
  return wheels;
}

Wheels Cuda13() {
  Wheels wheels;
  for (const auto& [distribution, versions] : Listings()) {
    bool of_cuda_13 = distribution.ends_with("-cu13") || distribution.find("-cu1") == std::string::npos;
    if (distribution.starts_with("nvidia-") && of_cuda_13) wheels.push_back(&versions.rbegin()->second);
  }
  return wheels;
}

// --- skeletons on disk
// ------------------------------------------------------------------------------------------------

class Folder {
 public:
  Folder() {
    std::string name = fs::temp_directory_path() / "tfdoctor-skeletons-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    path_ = fs::canonical(name);
  }
  ~Folder() { fs::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void WriteFile(const std::string& path, const std::string& content) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

void WriteLibrary(const std::string& path, const ListedLibrary& library) {
  static std::map<const ListedLibrary*, std::string> written;
  std::string& content = written[&library];
  if (content.empty()) content = elf::WriteObject(library.blueprint);
  WriteFile(path, content);
}

// The one object with code in it, linked for real.
void LinkCaller(const std::string& path, const elf::Blueprint& blueprint, const std::string& scratch) {
  Strings command = {SKELETON_LINKER, "-shared",      "-nostdlib",         "-o", path,
                     SKELETON_CALLER, "-L" + scratch, "-Wl,--no-as-needed"};
  auto add = [&](const Strings& options) { command.insert(command.end(), options.begin(), options.end()); };
  for (const std::string& needed : blueprint.needed) {
    if (needed == "libc.so.6") {
      add({"-l:libc.so.6"});
      continue;
    }
    elf::Blueprint stub;  // only its name matters to the linker
    stub.soname = needed;
    WriteFile(scratch + "/" + needed, elf::WriteObject(stub));
    add({"-l:" + needed});
  }
  if (!blueprint.soname.empty()) add({"-Wl,-soname," + blueprint.soname});
  add({blueprint.rpath ? "-Wl,--disable-new-dtags" : "-Wl,--enable-new-dtags"});
  if (blueprint.rpath) add({"-Wl,-rpath," + *blueprint.rpath});
  if (blueprint.runpath) add({"-Wl,-rpath," + *blueprint.runpath});
  if (!blueprint.build_id.empty()) add({"-Wl,--build-id=0x" + blueprint.build_id});
  if (!blueprint.version_definitions.empty()) {
    std::string script;
    for (const std::string& version : blueprint.version_definitions) {
      script += version + (script.empty() ? " { global: *; };\n" : " { };\n");
    }
    WriteFile(scratch + "/versions", script);
    add({"-Wl,--version-script=" + scratch + "/versions"});
  }
  Strings environment;
  if (const char* search = getenv("PATH")) environment.push_back(std::string("PATH=") + search);
  fs::create_directories(fs::path(path).parent_path());
  Output(command, environment);
}

constexpr char kFramework[] = "tensorflow/libtensorflow_framework.so.2";
constexpr char kFirst[] = "tensorflow/python/_pywrap_tensorflow_internal.so";

// The caller skeletons differ between few releases, and linking takes longer than everything else.
void WriteCaller(const std::string& path, const ListedLibrary& library, const Folder& folder) {
  static std::map<std::string, std::string> linked;  // by what is linked; build-ids do not matter to ld.so
  elf::Blueprint blueprint = library.blueprint;
  blueprint.build_id.clear();
  std::string& content = linked[elf::WriteObject(blueprint)];
  if (content.empty()) {
    LinkCaller(path, blueprint, folder.path() + "/link");
    std::ifstream file(path, std::ios::binary);
    content.assign(std::istreambuf_iterator<char>(file), {});
    auto object = elf::ReadObject(*LiveSystem(), path);
    ASSERT_TRUE(object.ok()) << object.error().message;
    EXPECT_EQ(object->soname, blueprint.soname);
    EXPECT_EQ(object->needed, blueprint.needed);
    EXPECT_EQ(object->rpath, blueprint.rpath);
    EXPECT_EQ(object->runpath, blueprint.runpath);
  } else {
    WriteFile(path, content);
  }
}

void Install(const WheelListing& wheel, const std::string& site, const Folder& folder) {
  for (const ListedLibrary& library : wheel.libraries) {
    if (library.path == kFramework) {
      WriteCaller(site + "/" + library.path, library, folder);
    } else {
      WriteLibrary(site + "/" + library.path, library);
    }
  }
}

// As a toolkit has them: all in one folder.
std::string InstallFlat(const Wheels& wheels, const std::string& folder) {
  for (const WheelListing* wheel : wheels) {
    for (const ListedLibrary& library : wheel->libraries) {
      WriteLibrary(folder + "/" + fs::path(library.path).filename().string(), library);
    }
  }
  return folder;
}

// --- prediction and truth
// ---------------------------------------------------------------------------------------------

struct Answer {
  std::string path;     // empty: it does not load
  std::string rule;     // by which the file was found
  std::string failure;  // as dlerror says it
  std::set<std::string> loaded;
  bool operator==(const Answer&) const = default;
};

std::string Difference(const Answer& truth, const Answer& prediction) {
  std::ostringstream text;
  auto print = [&](const char* who, const Answer& answer, const Answer& other) {
    text << "\n  " << who
         << (answer.path.empty() ? "does not load: " + answer.failure
                                 : answer.path + " (" + answer.rule + ")");
    for (const std::string& path : answer.loaded) {
      if (!other.loaded.contains(path)) text << "\n      only here: " << path;
    }
  };
  print("ld.so:      ", truth, prediction);
  print("prediction: ", prediction, truth);
  return text.str();
}

using Answers = std::map<std::string, Answer>;

struct Setting {
  std::string site;
  std::string library_path;  // empty: LD_LIBRARY_PATH is not set
  bool alone = true;         // each library in a fresh copy of the process; else one after the other
  Strings names;
};

// "(RUNPATH from file /x/y.so)" at the end of a line of LD_DEBUG=libs -> "RUNPATH". The file is not compared:
// ld.so names the first object that mentioned the folder, which need not be the one for which it searches
// (fillin_rpath).
std::string RuleOf(const std::string& line) {
  if (line.find(" search cache=") != std::string::npos) return "ld.so.cache";
  const size_t open = line.rfind('(');
  if (open == std::string::npos) return line;
  return line.substr(open + 1, std::min(line.find(" from file ", open), line.find(')', open)) - open - 1);
}

Answers AskLoader(const Setting& setting) {
  Strings command = {SKELETON_OPENER, setting.alone ? "alone" : "in-turn", setting.site + "/" + kFirst};
  command.insert(command.end(), setting.names.begin(), setting.names.end());
  Strings environment = {"LD_DEBUG=libs"};
  if (!setting.library_path.empty()) environment.push_back("LD_LIBRARY_PATH=" + setting.library_path);
  std::istringstream lines(Output(command, environment));
  Answers answers;
  Answer* answer = nullptr;
  std::string name;
  bool of_name = false;  // ld.so searches for `name`, not for something that it needs
  auto rest = [](const std::string& line, const char* word) {
    return line.starts_with(word) ? line.substr(strlen(word)) : std::string();
  };
  for (std::string line; std::getline(lines, line);) {
    if (std::string opened = rest(line, "open "); !opened.empty()) {
      name = opened;
      answer = &answers[name];
      answer->rule = "already loaded";
    } else if (answer == nullptr) {
      continue;
    } else if (std::string path = rest(line, "path "); !path.empty()) {
      answer->path = path;
    } else if (std::string error = rest(line, "error "); !error.empty()) {
      answer->failure = error;
      answer->rule.clear();
    } else if (std::string loaded = rest(line, "loaded "); !loaded.empty()) {
      answer->loaded.insert(loaded);
    } else if (line.find("\tfind library=") != std::string::npos) {
      of_name = line.find("\tfind library=" + name + " [") != std::string::npos;
    } else if (of_name && line.find("\t search ") != std::string::npos) {
      answer->rule = RuleOf(line);
    }
  }
  return answers;
}

// In the words of LD_DEBUG=libs.
std::string RuleOf(const elf::Resolution& resolution) {
  switch (resolution.found_by) {
    case elf::FoundBy::kLibraryPath:
      return "LD_LIBRARY_PATH";
    case elf::FoundBy::kCache:
      return "ld.so.cache";
    case elf::FoundBy::kDefaultFolder:
      return "system search path";
    case elf::FoundBy::kRpath:
      return "RPATH";
    case elf::FoundBy::kRunpath:
      return "RUNPATH";
    default:
      return resolution.detail;
  }
}

Answers Predict(const Setting& setting) {
  static const auto* const kLive = LiveSystem().release();
  std::map<std::string, std::string> environment;
  if (!setting.library_path.empty()) environment["LD_LIBRARY_PATH"] = setting.library_path;
  WithEnvironment system(*kLive, environment);
  Answers answers;
  auto process = elf::Process::Start(system, SKELETON_OPENER);
  if (!process.ok()) {
    ADD_FAILURE() << process.error().message;
    return answers;
  }
  elf::Resolution first = process->Open(setting.site + "/" + kFirst);
  EXPECT_TRUE(first.loads) << first.failure;
  Strings loaded = process->Loaded();
  auto caller = std::find_if(loaded.begin(), loaded.end(), [](const std::string& path) {
    return path.ends_with("/libtensorflow_framework.so.2");
  });
  if (caller == loaded.end()) {
    ADD_FAILURE() << "libtensorflow_framework.so.2 is not loaded";
    return answers;
  }
  for (const std::string& name : setting.names) {
    elf::Process copy = *process;
    elf::Process& process_to_ask = setting.alone ? copy : *process;
    elf::Resolution resolution = process_to_ask.Open(name, *caller);
    EXPECT_TRUE(resolution.unreadable.empty()) << resolution.unreadable[0];
    Answer& answer = answers[name];
    if (resolution.loads) {
      answer.path = resolution.path;
      answer.rule = RuleOf(resolution);
    } else {
      answer.failure = resolution.failure;
    }
    for (const std::string& path : process_to_ask.Loaded()) {
      if (path != SKELETON_OPENER) answer.loaded.insert(path);
    }
  }
  return answers;
}

struct Tally {
  size_t releases = 0, settings = 0, opened = 0, failed = 0, wrong = 0;
};

// ld.so names the first symbol in the order of an object's relocations, the prediction in that of its symbol
// table. In a skeleton they are the same; in a real library, which this machine's cache may have brought in,
// they are not.
std::string WithoutSymbolOfRealLibrary(const std::string& failure, const std::string& skeletons) {
  size_t symbol = failure.find(": undefined symbol: ");
  if (symbol == std::string::npos || failure.starts_with(skeletons)) return failure;
  return failure.substr(0, symbol) + ": undefined symbol" +
         failure.substr(std::min(failure.rfind(','), failure.size()));
}

void Compare(const std::string& what, const Setting& setting, Tally& tally) {
  Answers truth = AskLoader(setting);
  Answers prediction = Predict(setting);
  ++tally.settings;
  ASSERT_EQ(truth.size(), setting.names.size()) << what;
  const std::string skeletons = fs::path(setting.site).parent_path();
  for (Answers* answers : {&truth, &prediction}) {
    for (auto& [name, answer] : *answers)
      answer.failure = WithoutSymbolOfRealLibrary(answer.failure, skeletons);
  }
  for (const auto& [name, answer] : truth) {
    ++(answer.path.empty() ? tally.failed : tally.opened);
    if (prediction[name] == answer) continue;
    if (++tally.wrong > 10) continue;  // enough to see what is wrong
    ADD_FAILURE() << what << (setting.alone ? ", alone: " : ", in turn: ") << name
                  << Difference(answer, prediction[name]);
  }
}

struct Toolkits {
  explicit Toolkits(const Folder& folder) {
    auto tensorflow = [](const char* version) { return *Listing("tensorflow", version); };
    paths["CUDA 11.8"] =
        InstallFlat(AndCuda(tensorflow("2.14.1"), Pick::kFloor), folder.path() + "/cuda-11.8");
    paths["CUDA 12.2"] =
        InstallFlat(AndCuda(tensorflow("2.15.1"), Pick::kFloor), folder.path() + "/cuda-12.2");
    paths["CUDA 12.9"] =
        InstallFlat(AndCuda(tensorflow("2.20.0"), Pick::kNewest), folder.path() + "/cuda-12.9");
    paths["CUDA 13"] = InstallFlat(Cuda13(), folder.path() + "/cuda-13");
    for (const WheelListing* wheel : AndCuda(tensorflow("2.15.1"), Pick::kFloor)) {
      if (wheel->distribution == "nvidia-cublas-cu12") {
        paths["cuBLAS 12.2 alone"] = InstallFlat({wheel}, folder.path() + "/cublas-12.2");
      }
    }
  }
  std::map<std::string, std::string> paths;  // what it is -> folder for LD_LIBRARY_PATH
};

void AddNames(const Strings& names, Strings& to) {
  for (const std::string& name : names) {
    if (!name.empty() && std::find(to.begin(), to.end(), name) == to.end()) to.push_back(name);
  }
}

Strings NamesOpened(const WheelListing& tensorflow) {
  Strings names = tensorflow.opens;
  // Opened by some releases too, with no version in cuda_config.h.
  AddNames({"libnccl.so.2", "libnvshmem_host.so.3", "libnvrtc.so.12", "libnvinfer.so.8"}, names);
  return names;
}

void CompareLayout(const WheelListing& tensorflow, const Wheels& wheels, const Folder& folder,
                   const Toolkits& toolkits, Tally& tally) {
  const std::string what = "tensorflow " + tensorflow.version + " with cuBLAS " + wheels[0]->version;
  Setting setting;
  setting.site = folder.path() + "/site-packages";
  fs::remove_all(setting.site);
  Install(tensorflow, setting.site, folder);
  const Strings opened = NamesOpened(tensorflow);
  Strings all = opened;
  std::string folders;  // of the libraries, as an LD_LIBRARY_PATH
  for (const WheelListing* wheel : wheels) {
    Install(*wheel, setting.site, folder);
    for (const ListedLibrary& library : wheel->libraries) AddNames({library.blueprint.soname}, all);
    folders += setting.site + "/" + fs::path(wheel->libraries.at(0).path).parent_path().string() + ":";
  }
  // Releases before 2.14 have no extra and do not search NVIDIA's wheels; people set the variable.
  const std::string home = HasAndCuda(tensorflow) ? "" : folders;

  setting.names = all;
  setting.library_path = home;
  Compare(what, setting, tally);
  setting.alone = false;
  Compare(what, setting, tally);
  setting.library_path = home.empty() ? folders : "";
  Compare(what + (home.empty() ? ", LD_LIBRARY_PATH at every folder" : ", no LD_LIBRARY_PATH"), setting,
          tally);

  setting.library_path = home;
  for (const WheelListing* wheel : wheels) {
    for (const ListedLibrary& library : wheel->libraries) {
      const std::string file = setting.site + "/" + library.path;
      setting.names = opened;
      AddNames({library.blueprint.soname}, setting.names);
      fs::rename(file, file + ".away");
      Compare(what + " without " + library.path, setting, tally);
      fs::rename(file + ".away", file);
    }
  }
  // Copied beside TensorFlow's objects, as some advise. Up to 2.6 these have an RPATH, which ld.so follows
  // from the object that opens to the one that loaded it; later ones have a RUNPATH, which it does not.
  setting.names = opened;
  setting.alone = true;
  setting.library_path.clear();
  for (const char* beside : {"tensorflow/python/", "tensorflow/"}) {
    Strings copies;
    for (const WheelListing* wheel : wheels) {
      for (const ListedLibrary& library : wheel->libraries) {
        copies.push_back(setting.site + "/" + beside + library.blueprint.soname);
        WriteLibrary(copies.back(), library);
      }
    }
    Compare(what + ", copies in " + beside, setting, tally);
    for (const std::string& path : copies) fs::remove(path);
  }

  for (const auto& [name, path] : toolkits.paths) {
    setting.library_path = path;
    Compare(what + ", LD_LIBRARY_PATH at " + name, setting, tally);
  }
}

void CompareReleases(const Strings& versions) {
  Folder folder;
  Toolkits toolkits(folder);
  Tally tally;
  for (const std::string& version : versions) {
    const WheelListing* tensorflow = Listing("tensorflow", version);
    ASSERT_NE(tensorflow, nullptr);
    ++tally.releases;
    const WheelListing* extra = HasAndCuda(*tensorflow) ? tensorflow : Listing("tensorflow", "2.14.1");
    Wheels newest = AndCuda(*extra, Pick::kNewest);
    Wheels floor = AndCuda(*extra, Pick::kFloor);
    ASSERT_FALSE(newest.empty() || floor.empty()) << version;
    CompareLayout(*tensorflow, newest, folder, toolkits, tally);
    if (floor != newest) CompareLayout(*tensorflow, floor, folder, toolkits, tally);
    if (testing::Test::HasFatalFailure()) return;
  }
  printf(
      "%zu releases, %zu settings compared with ld.so: %zu times a library was opened, %zu times not; %zu "
      "wrong\n",
      tally.releases, tally.settings, tally.opened, tally.failed, tally.wrong);
  EXPECT_EQ(tally.wrong, 0u);
  EXPECT_EQ(tally.releases, versions.size());
  EXPECT_GT(tally.settings, 8 * versions.size());
  EXPECT_GT(tally.opened, 0u);
  EXPECT_GT(tally.failed, 0u);
}

// --- the tests
// --------------------------------------------------------------------------------------------------------

TEST(Skeletons, FiveReleases) { CompareReleases({"2.4.4", "2.15.1", "2.16.1", "2.20.0", "2.21.0"}); }

// Every listed release, in two tests that can run side by side.
void CompareMinors(int first, int last) {
  Strings versions;
  Turn turn(3);
  std::set<int> minors;
  for (const auto& [version, unused] : Listings().at("tensorflow")) {
    const int minor = Parts(version)[1];
    if (minor < first || minor > last) continue;
    if (turn.Next()) versions.push_back(version);
    minors.insert(minor);
  }
  ASSERT_EQ(static_cast<int>(minors.size()), last - first + 1);
  CompareReleases(versions);
}

TEST(Skeletons, EveryReleaseBefore2_14) { CompareMinors(4, 13); }
TEST(Skeletons, EveryReleaseSince2_14) { CompareMinors(14, 22); }

// Known from real installations, so that prediction and skeleton cannot be wrong together.
class KnownFaults : public testing::Test {
 protected:
  // The path below site-packages that `name` is taken from, or what ld.so says.
  std::string Take(const std::string& version, const std::string& name,
                   const std::string& library_path = "") {
    const WheelListing* tensorflow = Listing("tensorflow", version);
    if (tensorflow == nullptr) return {};
    Setting setting{folder_.path() + "/site-packages", library_path, true, {name}};
    fs::remove_all(setting.site);
    Install(*tensorflow, setting.site, folder_);
    for (const WheelListing* wheel : AndCuda(*tensorflow, Pick::kNewest))
      Install(*wheel, setting.site, folder_);
    Answer answer = Predict(setting)[name];
    EXPECT_EQ(answer, AskLoader(setting)[name]);
    if (answer.path.empty()) return answer.failure;
    fs::path below = fs::path(answer.path).lexically_normal().lexically_relative(setting.site);
    return below.string().starts_with("..") ? "outside" : below.string();
  }
  Folder folder_;
};

TEST_F(KnownFaults, Release2_21DoesNotSearchCusolver) {
  EXPECT_EQ(Take("2.20.0", "libcusolver.so.11"), "nvidia/cusolver/lib/libcusolver.so.11");
  EXPECT_NE(Take("2.21.0", "libcusolver.so.11"), "nvidia/cusolver/lib/libcusolver.so.11");
  EXPECT_EQ(Take("2.21.0", "libcublas.so.12"), "nvidia/cublas/lib/libcublas.so.12");
  EXPECT_EQ(Take("2.22.0rc0", "libcusolver.so.11"), "nvidia/cusolver/lib/libcusolver.so.11");
}

TEST_F(KnownFaults, Release2_16_1SearchesOnlyTheRuntime) {
  EXPECT_EQ(Take("2.16.1", "libcudart.so.12"), "nvidia/cuda_runtime/lib/libcudart.so.12");
  EXPECT_NE(Take("2.16.1", "libcudnn.so.8"), "nvidia/cudnn/lib/libcudnn.so.8");
  EXPECT_EQ(Take("2.16.2", "libcudnn.so.8"), "nvidia/cudnn/lib/libcudnn.so.8");
}

TEST_F(KnownFaults, NewCusolverOverOldCublas) {
  const WheelListing* old = Listing("nvidia-cublas-cu12", "12.2.5.6");
  ASSERT_NE(old, nullptr);
  std::string path = InstallFlat({old}, folder_.path() + "/old");
  std::string said = Take("2.20.0", "libcusolver.so.11", path);
  EXPECT_NE(said.find("undefined symbol: cublasSetEnvironmentMode, version libcublas.so.12"),
            std::string::npos)
      << said;
}

std::set<Strings> Symbols(const elf::Blueprint& blueprint) {
  std::set<Strings> symbols;
  for (const elf::Symbol& symbol : blueprint.imports)
    symbols.insert({"needs", symbol.name, symbol.version, symbol.file});
  for (const elf::Export& symbol : blueprint.exports)
    symbols.insert({"has", symbol.name, symbol.version, symbol.bytes});
  for (const elf::VersionNeed& need : blueprint.version_needs) {
    for (const auto& version : need.versions) symbols.insert({"needs", version.name, need.file});
  }
  for (const std::string& version : blueprint.version_definitions) symbols.insert({"has", version});
  return symbols;
}

// Skeletons packed as a wheel and read by the tool give the listing that they were made from.
TEST(WheelListing, ToolReadsWhatWasWritten) {
  Folder folder;
  Strings environment;
  if (const char* search = getenv("PATH")) environment.push_back(std::string("PATH=") + search);
  for (const auto& [distribution, version] :
       {std::pair("nvidia-cusolver-cu12", "11.7.5.82"), std::pair("nvidia-cudnn-cu12", "9.3.0.75")}) {
    const WheelListing* listing = Listing(distribution, version);
    ASSERT_NE(listing, nullptr);
    const std::string site = folder.path() + "/" + distribution;
    for (const ListedLibrary& library : listing->libraries) WriteLibrary(site + "/" + library.path, library);
    WriteFile(site + "/x.dist-info/METADATA",
              std::string("Name: ") + distribution + "\nVersion: " + version + "\nRequires-Dist: some>=1\n");
    const std::string wheel = folder.path() + "/" + distribution + ".whl";
    Output({"python3", "-m", "zipfile", "-c", wheel, site + "/nvidia", site + "/x.dist-info"}, environment);
    Output({"python3", TFDOCTOR_SOURCE_DIR "/tools/list_wheel.py", "read", wheel, "--to", folder.path()},
           environment);
    std::ifstream file(folder.path() + "/" + distribution + "-" + version + ".json");
    auto again = ReadWheelListing(std::string(std::istreambuf_iterator<char>(file), {}));
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(again->requires_dist, Strings{"some>=1"});
    ASSERT_EQ(again->libraries.size(), listing->libraries.size());
    for (size_t i = 0; i < listing->libraries.size(); ++i) {
      const elf::Blueprint& written = listing->libraries[i].blueprint;
      const elf::Blueprint& read = again->libraries[i].blueprint;
      EXPECT_EQ(again->libraries[i].path, listing->libraries[i].path);
      EXPECT_EQ(read.soname, written.soname);
      EXPECT_EQ(read.needed, written.needed);
      EXPECT_EQ(read.rpath, written.rpath);
      EXPECT_EQ(read.runpath, written.runpath);
      EXPECT_EQ(read.build_id, written.build_id);
      EXPECT_EQ(Symbols(read), Symbols(written)) << listing->libraries[i].path;
    }
  }
}

TEST(WheelListing, RefusesWhatIsNoListing) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "no JSON"},
      {"[]", "not an object"},
      {R"({"distribution":"a","version":"1"})", "\"libraries\" is not a list"},
      {R"({"version":"1","libraries":[]})", "\"distribution\" is not a text"},
      {R"({"distribution":"a","version":"1","libraries":[{}]})", "\"path\" is not a text"},
      {R"({"distribution":"a","version":"1","libraries":[1]})", "not an object"},
      {R"({"distribution":"a","version":"1","libraries":[{"path":"p","size":-1}]})",
       "\"size\" is not a whole number"},
      {R"({"distribution":"a","version":"1","libraries":[{"path":"p","needed":"x"}]})",
       "\"needed\" is not a list"},
      {R"({"distribution":"a","version":"1","libraries":[{"path":"p","imports":{"f":{"v":[1]}}}]})",
       "\"imports\" is not a list of texts"},
      {R"({"distribution":"a","version":"1","libraries":[{"path":"p","constants":{"x":"00"}}]})",
       "\"constants\" is not among the exports"},
  };
  for (const auto& [text, fault] : cases) {
    auto listing = ReadWheelListing(text);
    ASSERT_FALSE(listing.ok()) << text;
    EXPECT_EQ(listing.error().message, std::string("not a listing of a wheel: ") + fault);
  }
}

}  // namespace
}  // namespace tfdoctor
