// Whatever src/elf/loader.cpp predicts, ld.so itself is asked: random trees of libraries are written, a real
// process opens them (tests/fakes/opener.c), and its answers are compared with the prediction.
#include "elf/loader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <sstream>

#include "base/text.h"
#include "elf/synth.h"
#include "system/system.h"

namespace tfdoctor::elf {
namespace {

namespace fs = std::filesystem;

const std::string kPrograms = TFDOCTOR_BINARY_DIR "/loader/";

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void WriteFile(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

class TempFolder {
 public:
  TempFolder() {
    // In memory where programs may be run from it: four times as fast.
    struct statvfs shm {};
    const bool in_memory = statvfs("/dev/shm", &shm) == 0 && (shm.f_flag & (ST_NOEXEC | ST_RDONLY)) == 0;
    std::string pattern = in_memory && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : testing::TempDir();
    pattern += "/loader-XXXXXX";
    path_ = fs::canonical(mkdtemp(pattern.data()));
  }
  ~TempFolder() {
    if (std::getenv("TFDOCTOR_KEEP") == nullptr) fs::remove_all(path_);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// This machine with another environment and working folder.
class TestSystem : public ForwardingSystem {
 public:
  TestSystem(const System& below, std::map<std::string, std::string> environment, std::string folder)
      : ForwardingSystem(below), environment_(std::move(environment)), folder_(std::move(folder)) {}
  const std::map<std::string, std::string>& Environment() const override { return environment_; }
  std::string WorkingDirectory() const override { return folder_; }

 private:
  std::map<std::string, std::string> environment_;
  std::string folder_;
};

const System& Machine() {
  static const std::unique_ptr<System> machine = LiveSystem();
  return *machine;
}

// Runs a program to its end; its standard output.
std::string RunProgram(const std::vector<std::string>& command,
                       const std::map<std::string, std::string>& environment, const fs::path& folder,
                       const std::string& input) {
  const fs::path in = folder / ".input";
  const fs::path out = folder / ".output";
  WriteFile(in, input);
  const pid_t child = fork();
  if (child == 0) {
    const int input_file = open(in.c_str(), O_RDONLY);
    const int output_file = open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int nowhere = open("/dev/null", O_WRONLY);
    if (dup2(input_file, 0) < 0 || dup2(output_file, 1) < 0 || dup2(nowhere, 2) < 0) _exit(126);
    if (chdir(folder.c_str()) != 0) _exit(126);
    std::vector<std::string> variables;
    for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
    std::vector<char*> argv;
    std::vector<char*> envp;
    for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    for (const std::string& variable : variables) envp.push_back(const_cast<char*>(variable.c_str()));
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return ReadFile(out);
}

struct Request {
  std::string name;
  std::string caller;  // a path; empty: the program
};

struct Scenario {
  fs::path folder;
  std::string program;
  std::map<std::string, std::string> environment;
  std::vector<Request> requests;
};

// What the scenarios came across, so that a generator that makes only dull ones is noticed.
using Coverage = std::map<std::string, int>;

void Cover(const Resolution& resolution, Coverage& coverage) {
  if (resolution.loads) {
    ++coverage["found by " + std::to_string(static_cast<int>(resolution.found_by))];
    return;
  }
  for (const char* words :
       {"cannot open shared object file", "undefined symbol: ", "' not found (required by ",
        "invalid ELF header", "file too short", "cannot read file data", "wrong ELF class", "nonzero padding",
        "phentsize", "OS ABI"}) {
    if (resolution.failure.find(words) != std::string::npos) ++coverage[words];
  }
}

// Asks both and compares: whether it loads, which file, ld.so's words, and what is loaded in the end.
void Compare(const Scenario& scenario, Coverage& coverage) {
  std::string input;
  for (const Request& request : scenario.requests) {
    input += request.caller.empty() ? "open " : "from " + request.caller + " ";
    input += request.name + "\n";
  }
  const std::string output = RunProgram({scenario.program}, scenario.environment, scenario.folder, input);
  std::vector<std::string> answers;
  std::vector<std::string> loaded;
  for (const std::string_view line : SplitLines(output)) {
    if (line.starts_with("loaded ")) {
      const std::string_view name = line.substr(7);
      if (name != "linux-vdso.so.1") loaded.emplace_back(name.empty() ? scenario.program : name);
    } else {
      answers.emplace_back(line);
    }
  }

  const TestSystem system(Machine(), scenario.environment, scenario.folder);
  Result<Process> process = Process::Start(system, scenario.program);
  if (!process) {
    EXPECT_TRUE(output.empty()) << "predicted: " << process.error().message << "\nreally:\n" << output;
    return;
  }
  for (size_t i = 0; i < scenario.requests.size(); ++i) {
    const Request& request = scenario.requests[i];
    const Resolution predicted = process->Open(request.name, request.caller);
    Cover(predicted, coverage);
    if (predicted.failure.starts_with("Inconsistency detected by ld.so")) {
      EXPECT_EQ(answers.size(), i) << "predicted that ld.so aborts";
      return;
    }
    ASSERT_GT(answers.size(), i) << "the real process died; predicted: " << predicted.failure << "\n"
                                 << output;
    std::string said = predicted.loads ? "ok " + predicted.path : "no " + predicted.failure;
    // The reason behind it is the last error number that ld.so happened to see, possibly none.
    constexpr std::string_view kNotFound = "cannot open shared object file";
    for (std::string* text : {&said, &answers[i]}) {
      if (const size_t at = text->find(kNotFound); at != std::string::npos)
        text->resize(at + kNotFound.size());
    }
    // Which of several unbound symbols is named follows the order of relocation.
    const size_t symbol = said.find("undefined symbol: ");
    if (symbol != std::string::npos && answers[i].find("undefined symbol: ") != std::string::npos) continue;
    EXPECT_EQ(answers[i], said) << request.name << " from " << request.caller << " by " << predicted.detail;
  }
  std::vector<std::string> predicted = process->Loaded();
  std::sort(loaded.begin(), loaded.end());
  std::sort(predicted.begin(), predicted.end());
  EXPECT_EQ(loaded, predicted);
}

class Generator {
 public:
  Generator(unsigned seed, fs::path folder) : random_(seed), folder_(std::move(folder)) {}
  Scenario Make();

 private:
  static constexpr int kNames = 9;

  int Below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool Chance(int percent) { return Below(100) < percent; }
  template <class T>
  const T& Pick(const std::vector<T>& list) {
    return list[static_cast<size_t>(Below(static_cast<int>(list.size())))];
  }
  std::string Name() { return "libn" + std::to_string(Below(kNames)) + ".so"; }
  fs::path Folder() { return folder_ / ("d" + std::to_string(Below(5))); }
  std::string SearchEntry(bool in_environment);
  std::string SearchPath(bool in_environment);
  fs::path Place();
  void WriteLibrary();
  void Spoil(const fs::path& path, const std::string& library);
  std::string Template(const std::string& kind, const std::string& target);

  std::mt19937 random_;
  fs::path folder_;
  std::vector<fs::path> files_;
  bool dense_ = false;  // everything is found, so that versions and symbols decide
  bool preload_ = false;
};

std::string Generator::SearchEntry(bool in_environment) {
  const std::string number = std::to_string(Below(5));
  switch (Below(in_environment ? 10 : 11)) {
    case 0:
      return "";
    case 1:
      return "d" + number;  // relative
    case 2:
      return "$ORIGIN/../d" + number;
    case 3:
      return "${ORIGIN}/../d" + number + "//";
    case 4:
      return (folder_ / "nowhere").string();
    case 5:
      return folder_.string() + "/./d" + number + "/";
    case 6:
      return folder_.string() + "/$LIB";
    case 7:
      return Chance(50) ? folder_.string() + "/${PLATFORM}" : folder_.string() + "/$ORIGINAL/$UNKNOWN";
    case 8:
      return folder_.string() + "/link" + number;
    default:
      return Folder().string();
  }
}

std::string Generator::SearchPath(bool in_environment) {
  std::string path = SearchEntry(in_environment);
  for (int i = Below(4); i > 0; --i) {
    path += (in_environment && Chance(30) ? ";" : ":") + SearchEntry(in_environment);
  }
  return path;
}

fs::path Generator::Place() {
  if (dense_) return folder_ / "d0";
  if (Chance(8)) return folder_ / "lib/x86_64-linux-gnu";
  if (Chance(5)) return folder_ / "lib64";
  if (Chance(5)) return folder_ / Pick<std::string>({"haswell", "x86_64"});
  if (Chance(5)) return folder_;
  fs::path folder = Folder();
  if (Chance(15)) {
    folder /= Pick<std::string>({"glibc-hwcaps/x86-64-v2", "glibc-hwcaps/x86-64-v3", "glibc-hwcaps/x86-64-v4",
                                 "glibc-hwcaps/x86-64-v5", "tls", "tls/x86_64", "haswell", "haswell/x86_64",
                                 "avx512_1", "x86_64"});
  }
  return folder;
}

void Generator::Spoil(const fs::path& path, const std::string& library) {
  std::string bytes = library;
  switch (Below(13)) {
    case 0:
      bytes[18] = static_cast<char>(kMachineAarch64);
      break;
    case 1:
      bytes[4] = 1;  // ELFCLASS32
      break;
    case 2:
      bytes = "INPUT ( libother.so )\n" + std::string(100, ' ');
      break;
    case 3:
      bytes.resize(static_cast<size_t>(Below(64)));
      break;
    case 4:
      fs::create_directories(path);
      return;
    case 5:
      fs::create_symlink("nowhere.so", path);
      return;
    case 6:
      fs::create_symlink(path.filename(), path);
      return;
    case 7:
      bytes[5] = 2;  // big endian
      break;
    case 8:
      bytes[16] = 1;  // ET_REL
      break;
    case 9:
      bytes[54] = 1;  // e_phentsize
      break;
    case 10:
      bytes[9] = 1;  // padding
      break;
    case 11:
      bytes[20] = 9;  // e_version
      break;
    default:
      bytes[7] = 77;  // OS ABI
      break;
  }
  WriteFile(path, bytes);
}

void Generator::WriteLibrary() {
  const std::string name = Name();
  const fs::path path = Place() / name;
  fs::create_directories(path.parent_path());
  if (fs::exists(fs::symlink_status(path))) return;
  if (!files_.empty() && !dense_ && Chance(12)) {
    if (Chance(50)) {
      fs::create_symlink(Pick(files_), path);
    } else {
      fs::create_hard_link(Pick(files_), path);
    }
    return;
  }
  Blueprint print;
  if (Chance(85)) print.soname = Chance(80) ? name : "libs" + std::to_string(Below(4)) + ".so";
  for (int i = Below(3); i > 0; --i) {
    if (!Chance(30)) print.needed.push_back(Chance(96) ? Name() : "libabsent.so");
  }
  if (Chance(10)) print.needed.push_back("libs" + std::to_string(Below(4)) + ".so");
  if (Chance(5)) print.needed.push_back("$ORIGIN/" + Name());
  if (Chance(25)) print.rpath = SearchPath(false);
  if (Chance(35)) print.runpath = Chance(95) ? SearchPath(false) : "";
  print.no_default_folders = Chance(5);
  print.gnu_hash = Chance(70);
  const bool versions = Chance(dense_ ? 90 : 60);
  // Mostly a name of its own library, at times one that all have.
  const auto symbol = [&](const std::string& library, int i) {
    return (Chance(92) ? library.substr(0, 5) : "any") + "_f" + std::to_string(i);
  };
  for (int i = 0; i < 3; ++i) {
    // The odd symbol or version is missing: an older file of the same name.
    if (Chance(94)) print.exports.push_back({symbol(name, i), versions ? "V" + std::to_string(i) : "", ""});
  }
  if (versions && Chance(95)) print.version_definitions = {"V0", "V1", "V2"};
  for (const std::string& needed : print.needed) {
    // Which symbols are bound when a process starts is not predicted, as they are bound lazily.
    if (preload_ || !Chance(dense_ ? 90 : 50) || needed.find('/') != std::string::npos) continue;
    const int number = Below(3);
    print.imports.push_back({symbol(needed, number), "V" + std::to_string(number), needed, Chance(10)});
    if (Chance(10)) print.version_needs.push_back({needed, {{"V9", Chance(80)}}});
  }
  const std::string library = WriteObject(print);
  if (!dense_ && Chance(25)) {
    Spoil(path, library);
    return;
  }
  WriteFile(path, library);
  files_.push_back(path);
}

// A copy of a compiled program or library with the search path of this scenario.
std::string Generator::Template(const std::string& kind, const std::string& target) {
  const std::string variant = Pick<std::string>({"plain", "runpath", "rpath"});
  std::string bytes = ReadFile(kPrograms + kind + "_" + variant + (kind == "caller" ? ".so" : ""));
  const size_t room = bytes.find(std::string(400, 'X'));
  if (room != std::string::npos) {
    std::string path = SearchPath(false);
    if (path.size() > 400) path = folder_ / "d0";
    path.resize(400, '\0');
    bytes.replace(room, path.size(), path);
  }
  const fs::path file = folder_ / target;
  WriteFile(file, bytes);
  fs::permissions(file, fs::perms::owner_all);
  return file;
}

Scenario Generator::Make() {
  Scenario scenario;
  scenario.folder = folder_;
  for (int i = 0; i < 5; ++i) {
    const fs::path folder = folder_ / ("d" + std::to_string(i));
    if (Chance(90)) fs::create_directories(folder);
    if (Chance(50)) fs::create_directory_symlink(folder, folder_ / ("link" + std::to_string(i)));
  }
  dense_ = Chance(35);
  preload_ = Chance(15);
  for (int i = dense_ ? 40 : 10 + Below(14); i > 0; --i) WriteLibrary();
  scenario.program = Template("opener", "bin/opener");
  const std::string caller = Template("caller", "d" + std::to_string(Below(5)) + "/caller.so");
  if (dense_) {
    scenario.environment["LD_LIBRARY_PATH"] = folder_ / "d0";
  } else if (Chance(50)) {
    scenario.environment["LD_LIBRARY_PATH"] = SearchPath(true);
  }
  if (preload_) {
    scenario.environment["LD_PRELOAD"] =
        Name() + Pick<std::string>({" ", ":"}) + (Folder() / Name()).string();
  }
  scenario.requests.push_back({caller, ""});
  for (int i = 0; i < 8; ++i) {
    Request request;
    request.name = Name();
    if (Chance(10)) request.name = "libs" + std::to_string(Below(4)) + ".so";
    if (Chance(10)) request.name = (Folder() / request.name).string();
    if (Chance(5)) request.name = "$ORIGIN/../d" + std::to_string(Below(5)) + "/" + request.name;
    if (Chance(5)) request.name = "d" + std::to_string(Below(5)) + "/" + request.name;
    if (Chance(50)) request.caller = caller;
    scenario.requests.push_back(std::move(request));
  }
  return scenario;
}

TEST(Loader, PredictsWhatLdSoDoes) {
  constexpr unsigned kScenarios = 400;
  const char* given = std::getenv("TFDOCTOR_SEED");
  // "7" repeats scenario 7, "1-5000" is for the patient.
  unsigned first = 1;
  unsigned last = kScenarios;
  if (given != nullptr) {
    char* end = nullptr;
    first = last = static_cast<unsigned>(std::strtoul(given, &end, 10));
    if (*end == '-') last = static_cast<unsigned>(std::strtoul(end + 1, nullptr, 10));
  }
  Coverage coverage;
  for (unsigned seed = first; seed <= last; ++seed) {
    const TempFolder folder;
    Generator generator(seed, folder.path());
    const Scenario scenario = generator.Make();
    Compare(scenario, coverage);
    if (HasFailure()) {
      for (const auto& [name, value] : scenario.environment) std::cerr << name << "=" << value << "\n";
      FAIL() << "in " << folder.path() << "; repeat with TFDOCTOR_SEED=" << seed
             << " (TFDOCTOR_KEEP=1 leaves the folder)";
    }
  }
  if (given != nullptr) return;
  // kPath, kAlreadyLoaded, kRpath, kLibraryPath, kRunpath, and ten ways to fail.
  EXPECT_EQ(coverage.size(), 15U) << testing::PrintToString(coverage);
  for (const auto& [what, count] : coverage) EXPECT_GE(count, 4) << what;
}

// The libraries of this machine's own programs, by name and path: ld.so.cache and the default folders.
TEST(Loader, PredictsThisMachine) {
  const TempFolder folder;
  std::vector<std::string> names;
  int programs = 0;
  for (const char* program :
       {"/usr/bin/python3", "/bin/bash", "/usr/bin/git", "/usr/bin/cmake", "/usr/bin/gdb"}) {
    if (!fs::exists(program)) continue;
    const std::string trace = RunProgram({program}, {{"LD_TRACE_LOADED_OBJECTS", "1"}}, folder.path(), "");
    std::vector<std::string> really;
    for (const std::string_view line : SplitLines(trace)) {
      const std::vector<std::string_view> words = SplitWords(line);
      if (words.empty() || words[0] == "linux-vdso.so.1") continue;
      really.emplace_back(words.size() > 2 && words[1] == "=>" ? words[2] : words[0]);
      names.emplace_back(words[0]);
    }
    const TestSystem system(Machine(), {}, folder.path());
    const Result<Process> process = Process::Start(system, program);
    ASSERT_TRUE(process.ok()) << process.error().message;
    std::vector<std::string> predicted = process->Loaded();
    predicted.erase(predicted.begin());  // the program
    std::sort(really.begin(), really.end());
    std::sort(predicted.begin(), predicted.end());
    EXPECT_EQ(really, predicted) << program;
    ++programs;
  }
  ASSERT_GE(programs, 2);
  Scenario scenario{folder.path(), kPrograms + "opener_plain", {}, {}};
  for (const std::string& name : names) scenario.requests.push_back({name, ""});
  Coverage coverage;
  Compare(scenario, coverage);
  EXPECT_GE(coverage["found by " + std::to_string(static_cast<int>(FoundBy::kCache))], 2);
}

// A process whose files are those of a small case, without random choices.
class SmallCase : public testing::Test {
 protected:
  void Library(const std::string& file, const Blueprint& print) {
    WriteFile(folder_.path() / file, WriteObject(print));
  }
  Process Start() {
    system_ = std::make_unique<TestSystem>(Machine(), environment_, folder_.path());
    Result<Process> process = Process::Start(*system_, kPrograms + "opener_plain");
    EXPECT_TRUE(process.ok());
    return std::move(process.value());
  }
  std::string Path(const std::string& file) { return folder_.path() / file; }

  TempFolder folder_;
  std::map<std::string, std::string> environment_;
  std::unique_ptr<TestSystem> system_;
};

// cuSOLVER 12.9 over cuBLAS 12.2: the file is found, the version is defined, the function is not there.
TEST_F(SmallCase, NamesTheMissingSymbol) {
  Blueprint solver;
  solver.soname = "libcusolver.so.11";
  solver.needed = {"libcublas.so.12"};
  solver.runpath = "$ORIGIN/../cublas";
  solver.imports = {{"cublasSetEnvironmentMode", "libcublas.so.12", "libcublas.so.12"}};
  Blueprint blas;
  blas.soname = "libcublas.so.12";
  blas.exports = {{"cublasCreate", "libcublas.so.12", ""}};
  Library("cusolver/libcusolver.so.11", solver);
  Library("cublas/libcublas.so.12", blas);
  environment_["LD_LIBRARY_PATH"] = Path("cusolver");
  Process process = Start();
  const Process before = process;
  const Resolution resolution = process.Open("libcusolver.so.11");
  EXPECT_FALSE(resolution.loads);
  EXPECT_EQ(resolution.path, Path("cusolver/libcusolver.so.11"));
  EXPECT_EQ(resolution.found_by, FoundBy::kLibraryPath);
  EXPECT_EQ(resolution.failure, Path("cusolver/libcusolver.so.11") +
                                    ": undefined symbol: cublasSetEnvironmentMode, version libcublas.so.12");
  EXPECT_EQ(resolution.missing, "");
  EXPECT_EQ(process.Loaded(), before.Loaded()) << "what fails is unloaded again";
}

TEST_F(SmallCase, NamesWhatIsMissingAndForWhom) {
  Blueprint sparse;
  sparse.needed = {"libnvJitLink-absent.so.12"};
  sparse.runpath = "$ORIGIN/nowhere:$ORIGIN";
  Library("a/libspars.so.12", sparse);
  Library("b/libspars.so.12", {});
  environment_["LD_LIBRARY_PATH"] = Path("a") + ":" + Path("a") + "/:" + Path("b");
  Process process = Start();
  const Resolution resolution = process.Open("libspars.so.12");
  EXPECT_FALSE(resolution.loads);
  EXPECT_EQ(resolution.missing, "libnvJitLink-absent.so.12");
  EXPECT_EQ(resolution.missing_for, Path("a/libspars.so.12"));
  ASSERT_GE(resolution.searched.size(), 4U);
  EXPECT_EQ(resolution.searched[0], Path("a/"));
  EXPECT_EQ(resolution.searched[1], Path("b/"));
  EXPECT_EQ(resolution.searched[2], Path("a/nowhere/"));
  EXPECT_EQ(process.AlsoOnPath("libspars.so.12"), std::vector<std::string>{Path("b/libspars.so.12")});
  const Resolution absent = process.Open("libabsent.so.1");
  EXPECT_EQ(absent.missing, "libabsent.so.1");
  EXPECT_EQ(absent.found_by, FoundBy::kNotFound);
}

// Folders are listed rather than asked name by name: not where they are large, and a name in other letters is
// asked for, since some file systems tell them not apart.
TEST_F(SmallCase, FoldersThatAreListedAndThatAreNot) {
  class Counting : public ForwardingSystem {
   public:
    using ForwardingSystem::ForwardingSystem;
    Result<FileStat> Stat(const std::string& path) const override {
      asked.push_back(path);
      return below().Stat(path);
    }
    bool Asked(const std::string& path) const {
      return std::find(asked.begin(), asked.end(), path) != asked.end();
    }
    mutable std::vector<std::string> asked;
  };
  Library("small/libother.so", {});
  Library("letters/LIBX.so", {});
  Library("large/libx.so", {});
  for (int i = 0; i < 600; i++) WriteFile(Path("large/file" + std::to_string(i)), "");
  environment_["LD_LIBRARY_PATH"] = Path("small") + ":" + Path("letters") + ":" + Path("large");
  const TestSystem system(Machine(), environment_, folder_.path());
  const Counting counting(system);
  Result<Process> process = Process::Start(counting, kPrograms + "opener_plain");
  ASSERT_TRUE(process.ok());
  EXPECT_EQ(process->Open("libx.so").path, Path("large/libx.so"));
  EXPECT_FALSE(counting.Asked(Path("small/libx.so")));
  EXPECT_TRUE(counting.Asked(Path("letters/libx.so")));
  EXPECT_TRUE(process->Open("libother.so").loads);
}

// Who may list a folder and not enter it is told "Permission denied", as ld.so says it.
TEST_F(SmallCase, AFolderThatMayBeListedAndNotEntered) {
  class Closed : public ForwardingSystem {
   public:
    Closed(const System& below, std::string folder) : ForwardingSystem(below), folder_(std::move(folder)) {}
    Result<FileStat> Stat(const std::string& path) const override {
      if (path.starts_with(folder_) && path != folder_) return Error{ErrorKind::kDenied, "Permission denied"};
      return below().Stat(path);
    }

   private:
    std::string folder_;
  };
  Library("closed/libother.so", {});
  environment_["LD_LIBRARY_PATH"] = Path("closed");
  const TestSystem system(Machine(), environment_, folder_.path());
  const Closed closed(system, Path("closed/"));
  Result<Process> process = Process::Start(closed, kPrograms + "opener_plain");
  ASSERT_TRUE(process.ok());
  const Resolution resolution = process->Open("libabsent.so.1");
  EXPECT_FALSE(resolution.loads);
  ASSERT_EQ(resolution.unreadable.size(), 1U);
  EXPECT_TRUE(resolution.unreadable[0].starts_with(Path("closed/libabsent.so.1")));
}

// A file or folder that may not be read: ld.so goes on, and the answer says what was not seen.
TEST_F(SmallCase, SaysWhatItCouldNotRead) {
  class Forbidding : public ForwardingSystem {
   public:
    Forbidding(const System& below, std::string path) : ForwardingSystem(below), path_(std::move(path)) {}
    Result<FileStat> Stat(const std::string& path) const override {
      if (path.starts_with(path_)) return Error{ErrorKind::kDenied, "Permission denied"};
      return below().Stat(path);
    }

   private:
    std::string path_;
  };
  Library("a/libx.so", {});
  Library("b/libx.so", {});
  environment_["LD_LIBRARY_PATH"] = Path("a") + ":" + Path("b");
  const TestSystem system(Machine(), environment_, folder_.path());
  const Forbidding forbidding(system, Path("a"));
  Result<Process> process = Process::Start(forbidding, kPrograms + "opener_plain");
  ASSERT_TRUE(process.ok());
  const Resolution resolution = process->Open("libx.so");
  EXPECT_TRUE(resolution.loads);
  EXPECT_EQ(resolution.path, Path("b/libx.so"));
  ASSERT_EQ(resolution.unreadable.size(), 1U);
  EXPECT_TRUE(resolution.unreadable[0].starts_with(Path("a")));
}

TEST_F(SmallCase, SaysWhyAProgramDoesNotStart) {
  WriteFile(Path("script"), "#!/bin/sh\n");
  WriteFile(Path("static"), WriteObject({}));
  Blueprint program;
  program.interpreter = "/lib64/ld-linux-x86-64.so.2";
  program.needed = {"libabsent.so.1"};
  WriteFile(Path("program"), WriteObject(program));
  program.interpreter = Path("static");
  WriteFile(Path("other"), WriteObject(program));
  const auto error = [&](const std::string& file) {
    const Result<Process> process = Process::Start(Machine(), Path(file));
    return process.ok() ? Error{} : process.error();
  };
  EXPECT_EQ(error("nowhere").kind, ErrorKind::kNotFound);
  EXPECT_EQ(error("script").message, Path("script") + " is a script");
  EXPECT_EQ(error("static").message, Path("static") + " is not a dynamically linked program");
  EXPECT_EQ(error("program").message,
            Path("program") +
                ": error while loading shared libraries: libabsent.so.1: cannot open "
                "shared object file: No such file or directory");
  EXPECT_NE(error("other").message.find("is not the dynamic loader of glibc"), std::string::npos);
}

}  // namespace
}  // namespace tfdoctor::elf
