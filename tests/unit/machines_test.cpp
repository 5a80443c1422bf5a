// Whole machines (tests/machines/*.json): files, links, device nodes, environment and what the driver
// answers, as text, through the real probes and rules to the whole diagnosis. Each has a healthy variant,
// which is usable.
//
// A machine is the parts that it is made "with" (tests/machines/parts.json), patched by what it says itself;
// its healthy variant is patched once more, and usable unless it says what else is expected. Python and the C
// library are those of the machine that runs the test, all else of it is taken away. "driver" is what each
// child writes, line by line; "answers" says the same in short (Answers() below). Or it is a recording.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "diagnose/diagnose.h"
#include "elf/synth.h"
#include "facts/json.h"
#include "image/image.h"
#include "knowledge/knowledge.h"
#include "laid_out.h"
#include "made_environment.h"
#include "probes/probes.h"
#include "redaction/redaction.h"
#include "rules/all.h"
#include "system/caching.h"
#include "system/overlay.h"
#include "system/recording.h"
#include "system/root.h"
#include "turn.h"

namespace tfdoctor {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

const fs::path kOurMachines = fs::path(TFDOCTOR_SOURCE_DIR) / "tests/machines";

// Another folder of machines may be named in TFDOCTOR_MACHINES.
fs::path Machines() {
  const char* named = std::getenv("TFDOCTOR_MACHINES");
  return named == nullptr ? kOurMachines : fs::path(named);
}
constexpr const char* kParts = "parts.json";

Json ReadJson(const fs::path& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in.good()) << path;
  return Json::parse(in);
}

std::string Lines(const Json& lines) {
  std::string text;
  for (const Json& line : lines) text += line.get<std::string>() + "\n";
  return text;
}

// {"hex": "ffffffff"}, for what is no text.
std::string Bytes(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

// "answers" of a machine: {"libcuda": "/usr/lib/…/libcuda.so.1", "libnvidia-ml": "…", "cuda": 12080,
// "driver": "570.86.15", "devices": [{"name", "pci_address", "compute_capability", "total_memory",
// "free_memory"}, …]}: every call succeeds. With "init" (and "nvml_init") cuInit returns that, and opening
// each device node says what "refused" has for it. Null: the machine has no such driver.
class Answers {
 public:
  explicit Answers(const Json& json) : json_(json) {}

  std::map<std::string, std::string> Transcripts() const {
    if (!json_.is_object()) return {};
    std::map<std::string, std::string> transcripts;
    transcripts["cuda " + json_.at("libcuda").get<std::string>()] = Lines(Cuda());
    if (json_.contains("libnvidia-ml") && json_["libnvidia-ml"].is_string())
      transcripts["nvml " + json_["libnvidia-ml"].get<std::string>()] = Lines(Nvml());
    return transcripts;
  }

 private:
  Json Cuda() const {
    Json lines = {"call dlopen", "done dlopen 0", "version " + json_.at("cuda").dump(), "call cuInit"};
    const int init = json_.value("init", 0);
    lines.push_back("done cuInit " + std::to_string(init));
    if (init != 0) {
      if (json_.contains("refused")) {
        for (const auto& [path, error] : json_["refused"].items())
          lines.push_back("refused " + path + " " + error.get<std::string>());
      }
      lines.push_back("end");
      return lines;
    }
    const Json devices = json_.value("devices", Json::array());
    lines.push_back("count " + std::to_string(devices.size()));
    for (size_t i = 0; i < devices.size(); i++) {
      const std::string start = "device " + std::to_string(i) + " ";
      for (const auto& [field, value] : devices[i].items())
        lines.push_back(start + field + " " + Word(value));
      if (!devices[i].contains("context")) lines.push_back(start + "context 0");
      if (!devices[i].contains("compute_mode")) lines.push_back(start + "compute_mode 0");
    }
    lines.push_back("end");
    return lines;
  }

  Json Nvml() const {
    Json lines = {"call dlopen", "done dlopen 0"};
    const int init = json_.value("nvml_init", 0);
    lines.push_back("done nvmlInit " + std::to_string(init));
    if (init == 0) {
      lines.push_back("driver " + json_.at("driver").get<std::string>());
      const Json devices = json_.value("nvml", json_.value("devices", Json::array()));
      lines.push_back("nvml-count " + std::to_string(devices.size()));
      for (size_t i = 0; i < devices.size(); i++) {
        for (const auto& [field, value] : devices[i].items()) {
          if (field == "context") continue;
          const Json values = value.is_array() ? value : Json::array({value});
          for (const Json& one : values)
            lines.push_back("nvml " + std::to_string(i) + " " + field + " " + Word(one));
        }
      }
    }
    if (json_.contains("processes")) {
      for (const auto& [pid, bytes] : json_["processes"].items())
        lines.push_back("process 0 " + pid + " " + bytes.dump());
    }
    lines.push_back("end");
    return lines;
  }

  static std::string Word(const Json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
  }

  Json json_;
};

// The machine that runs the test, whose kernel's messages are nobody's business.
class Below : public ForwardingSystem {
 public:
  explicit Below(const System& live) : ForwardingSystem(live) {}
  Result<std::string> KernelLog() const override {
    return Error{ErrorKind::kDenied, "cannot read the kernel log: Operation not permitted"};
  }
};

// The same with files of at most a megabyte, so that a machine with the CUDA libraries can be packed.
class Capped : public ForwardingSystem {
 public:
  explicit Capped(const System& below) : ForwardingSystem(below) {}
  Result<std::string> Read(const std::string& path, uint64_t offset, size_t length) const override {
    if (offset >= kLargest) return below().Read(path, 0, 0);
    return below().Read(path, offset, std::min<uint64_t>(length, kLargest - offset));
  }
  Result<FileStat> Stat(const std::string& path) const override { return Cap(below().Stat(path)); }
  Result<FileStat> LStat(const std::string& path) const override { return Cap(below().LStat(path)); }

 private:
  static constexpr uint64_t kLargest = 1 << 20;
  static Result<FileStat> Cap(Result<FileStat> stat) {
    if (stat.ok()) stat->size = std::min(stat->size, kLargest);
    return stat;
  }
};

void WriteText(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

class Machine {
 public:
  explicit Machine(const Json& json) : live_(LiveSystem()), below_(*live_), system_(below_) {
    for (const char* folder : {"/proc",
                               "/sys",
                               "/dev",
                               "/run",
                               "/var",
                               "/.dockerenv",
                               "/.singularity.d",
                               "/lib/modules",
                               "/lib/firmware",
                               "/etc/modprobe.d",
                               "/lib/modprobe.d",
                               "/opt",
                               "/usr/local",
                               "/usr/bin/nv-fabricmanager",
                               "/etc/prime-discrete",
                               "/etc/ld.so.cache",
                               "/etc/cdi",
                               "/etc/containerd",
                               "/etc/nvidia-container-runtime",
                               "/usr/bin/dockerd",
                               "/usr/bin/podman",
                               "/snap",
                               "/usr/bin/nvidia-container-runtime-hook",
                               "/usr/bin/nvidia-container-toolkit",
                               "/usr/bin/nvidia-ctk",
                               "/.flatpak-info",
                               "/etc/modprobe.d"}) {
      system_.Remove(folder);
    }
    RemoveDriverLibraries();
    const std::map<std::string, std::string> variables = live_->Environment();
    for (const auto& [name, value] : variables) system_.UnsetEnv(name);
    const std::string processor = json.value("machine", "x86_64");
    system_.SetMachine(processor, processor == "x86_64" ? 3 : 0);
    of_elf_ = processor == "aarch64" ? elf::kMachineAarch64 : elf::kMachineX86_64;
    system_.SetEffectiveUser(1000);
    system_.SetWorkingDirectory("/");
    MakePython(json);
    for (const auto& [name, text] : Part(json, "files")) {
      // Where this Python keeps its packages.
      constexpr std::string_view kSite = "SITE/";
      const std::string path = name.starts_with(kSite) ? site_ + "/" + name.substr(kSite.size()) : name;
      system_.AddFile(path, text.is_object()  ? Bytes(text.at("hex").get<std::string>())
                            : text.is_array() ? Lines(text)
                                              : text.get<std::string>());
    }
    for (const auto& [path, target] : Part(json, "links"))
      system_.AddSymlink(path, target.get<std::string>());
    for (const auto& [path, soname] : Part(json, "libraries"))
      system_.AddFile(path, elf::WriteObject({.soname = soname.get<std::string>(), .machine = of_elf_}),
                      0755);
    for (const auto& [path, mode] : Part(json, "devices"))
      system_.AddDevice(path, 0xc300, static_cast<uint32_t>(std::stoul(mode.get<std::string>(), nullptr, 8)));
    for (const auto& [name, value] : Part(json, "env")) system_.SetEnv(name, value.get<std::string>());
    if (json.contains("kernel_log")) system_.SetKernelLog(Lines(json["kernel_log"]));
    std::map<std::string, std::string> transcripts = Answers(json.value("answers", Json())).Transcripts();
    for (const auto& [child, answer] : Part(json, "driver")) transcripts[child] = Lines(answer);
    for (const auto& [child, answer] : transcripts) {
      ChildEnd end;
      end.how = ChildEnd::How::kExit;
      end.output = answer;
      system_.SetChildAnswer("driver-child " + child, end);
      // Where /lib is a link to /usr/lib, the loader finds the file by the shorter name.
      constexpr std::string_view kLong = " /usr/lib/";
      const size_t at = child.find(kLong);
      if (at == std::string::npos) continue;
      system_.SetChildAnswer(
          "driver-child " + child.substr(0, at) + " /lib/" + child.substr(at + kLong.size()), end);
    }
    question_.python = "/made/env/bin/python";
  }

  // As a root can show it: the driver is not called, and it is seen by who runs the test.
  void OnlyFiles() {
    question_.driver_calls = false;
    system_.SetEffectiveUser(geteuid());
    const std::string machine = MachineOfPrograms(system_);
    system_.SetMachine(machine, IsaLevelOfCpuInfo(system_, machine));
    system_.SetKernelLog(system_.KernelLog().value_or(""));
    if (LaidOut::MakesDevices()) return;
    for (const DirEntry& entry : system_.List("/dev").value_or({})) {
      if (entry.type == FileType::kCharacterDevice) system_.Remove("/dev/" + entry.name);
    }
  }
  // The same from a folder with its files.
  Diagnosis JudgeRoot(const fs::path& folder) const {
    Recording recording;
    const RecordingSystem recorder(system_, recording);
    const CachingSystem machine(recorder);
    (void)ProbeAll(machine, BuiltInKnowledge(), question_);
    (void)recorder.KernelLog();
    (void)recorder.Read("/bin/sh", 0, 64);  // by which a root tells its architecture
    (void)recorder.Read("/proc/cpuinfo", 0, 16 * 1024);
    const LaidOut laid_out(recording, system_, folder);
    RootSettings settings;
    settings.environment = system_.Environment();
    const auto root = RootSystem(folder, std::move(settings));
    EXPECT_TRUE(root.ok());
    const CachingSystem of_root(**root);
    return Diagnose(ProbeAll(of_root, BuiltInKnowledge(), question_), BuiltInKnowledge(), AllRules());
  }

  Diagnosis JudgeCapped() const {
    const Capped capped(system_);
    return Diagnose(ProbeAll(capped, BuiltInKnowledge(), question_), BuiltInKnowledge(), AllRules());
  }
  // The same from an image with its files, which tar packs.
  Diagnosis JudgeImage(const fs::path& folder) const {
    const Capped capped(system_);
    Recording recording;
    const RecordingSystem recorder(capped, recording);
    const CachingSystem machine(recorder);
    (void)ProbeAll(machine, BuiltInKnowledge(), question_);
    (void)recorder.KernelLog();
    (void)recorder.Read("/bin/sh", 0, 64);
    (void)recorder.Read("/proc/cpuinfo", 0, 16 * 1024);
    const LaidOut laid_out(recording, capped, folder / "root");
    const fs::path layout = folder / "layout";
    fs::create_directories(layout / "blobs/sha256");
    const std::string command = "tar -C '" + (folder / "root").string() + "' -cf - . | gzip -1 > '" +
                                (layout / "blobs/sha256/layer").string() + "'";
    EXPECT_EQ(std::system(command.c_str()), 0);  // NOLINT(cert-env33-c)
    Json variables = Json::array();
    for (const auto& [name, value] : system_.Environment()) variables.push_back(name + "=" + value);
    const std::string user = std::to_string(system_.EffectiveUser());
    WriteText(layout / "index.json", R"({"manifests": [{"digest": "sha256:manifest"}]})");
    WriteText(layout / "blobs/sha256/manifest",
              R"({"layers": [{"digest": "sha256:layer"}], "config": {"digest": "sha256:config"}})");
    WriteText(layout / "blobs/sha256/config", Json{{"config", {{"Env", variables}, {"User", user}}}}.dump());
    auto opened = image::ImageSystem::Open(layout.string(), {"x86_64", {}, {}}, {}, {});
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    while (true) {
      const CachingSystem of_image(**opened);
      Diagnosis diagnosis =
          Diagnose(ProbeAll(of_image, BuiltInKnowledge(), question_), BuiltInKnowledge(), AllRules());
      if (!(*opened)->Fetch().value_or(false)) return diagnosis;
    }
  }
  Diagnosis Judge() const {
    return Diagnose(ProbeAll(system_, BuiltInKnowledge(), question_), BuiltInKnowledge(), AllRules());
  }

  // What it shows somebody who only has a recording of it, and the same without names.
  void ExpectTheSameFromARecording() const {
    Recording recording;
    const RecordingSystem recorder(system_, recording);
    const CachingSystem machine(recorder);
    const Facts facts = ProbeAll(machine, BuiltInKnowledge(), question_);
    for (const bool redact : {false, true}) {
      Redactor redactor(system_);
      if (redact) redactor.Redact(recording);
      auto replaced = [&](std::string text) { return redact ? redactor.Replaced(std::move(text)) : text; };
      Result<Recording> read = UnpackRecording(PackRecording(recording));
      EXPECT_TRUE(read.ok()) << read.error().message;
      const ReplaySystem replay(std::move(*read));
      const CachingSystem replayed(replay);
      Question question = question_;
      question.python = replaced(question.python);
      EXPECT_EQ(replaced(ToJson(facts).dump(1)),
                ToJson(ProbeAll(replayed, BuiltInKnowledge(), question)).dump(1));
    }
  }

 private:
  static std::map<std::string, Json> Part(const Json& json, const char* name) {
    std::map<std::string, Json> part;
    if (json.contains(name)) {
      for (const auto& [key, value] : json[name].items()) part[key] = value;
    }
    return part;
  }

  // A driver of the machine that runs the test.
  void RemoveDriverLibraries() {
    for (const char* folder : {"/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64", "/lib64",
                               "/usr/lib", "/lib", "/usr/lib/wsl/lib"}) {
      auto files = live_->List(folder);
      if (!files.ok()) continue;
      for (const DirEntry& file : *files) {
        if (file.name.starts_with("libcuda.so") || file.name.starts_with("libnvidia-ml.so"))
          system_.Remove(std::string(folder) + "/" + file.name);
      }
    }
  }

  // An interpreter and a dynamic loader, as far as the emulation reads them (elf/linker.h).
  void MakeAarch64(const std::string& python) {
    const std::string loader = "/lib/ld-linux-aarch64.so.1";
    constexpr std::string_view kText(
        "GLIBC_2.35\0GNU C Library stable release version 2.35.\0/lib/aarch64-linux-gnu/\0"
        "/usr/lib/aarch64-linux-gnu/\0/lib/\0/usr/lib/\0",
        122);
    system_.AddFile(python, elf::WriteObject({.machine = of_elf_, .interpreter = loader}), 0755);
    system_.AddFile(
        loader,
        elf::WriteObject({.soname = "ld-linux-aarch64.so.1", .machine = of_elf_}) + std::string(kText), 0755);
  }

  // A build that our data does not have: the files of another under this version.
  void CallTensorFlow(const std::string& is, const std::string& called) {
    const std::string from = site_ + "/tensorflow-" + is + ".dist-info";
    const std::string to = site_ + "/tensorflow-" + called + ".dist-info";
    for (const DirEntry& file : system_.List(from).value_or({})) {
      std::string text = system_.ReadAll(from + "/" + file.name, 64 << 20).value_or("");
      for (size_t at = 0; (at = text.find(is, at)) != std::string::npos; at += called.size())
        text.replace(at, is.size(), called);
      system_.AddFile(to + "/" + file.name, text);
    }
    system_.Remove(from);
  }

  // Another one than this TensorFlow asks for; "": none.
  void ReplaceKeras(const std::string& version) {
    for (const DirEntry& file : system_.List(site_).value_or({})) {
      if (file.name.starts_with("keras")) system_.Remove(site_ + "/" + file.name);
    }
    if (version.empty()) return;
    const std::string info = site_ + "/keras-" + version + ".dist-info";
    system_.AddFile(site_ + "/keras/__init__.py", "");
    system_.AddFile(info + "/METADATA", "Metadata-Version: 2.1\nName: keras\nVersion: " + version + "\n");
    system_.AddFile(info + "/RECORD", "keras/__init__.py,,0\n");
  }

  // "tensorflow": "": none. "called": the version that it has instead. "cudnn": this version instead of the
  // newest that it allows. "elsewhere": distributions installed into other folders.
  // "keras": this version instead; "": none.
  void MakePython(const Json& json) {
    const std::string python = live_->RealPath("/usr/bin/python3").value_or("/usr/bin/python3.11");
    if (of_elf_ == elf::kMachineAarch64) MakeAarch64(python);
    const std::string version = python.substr(python.rfind('/') + 1);
    system_.AddSymlink("/made/env/bin/python", python);
    system_.AddFile("/made/env/pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\n");
    site_ = "/made/env/lib/" + version + "/site-packages";
    system_.AddDirectory(site_);
    const std::string tensorflow = json.value("tensorflow", "2.20.0");
    if (tensorflow.empty()) return;
    auto made = MakeSitePackages(tensorflow, site_, system_);
    EXPECT_TRUE(made.ok()) << made.error().message;
    if (json.contains("keras")) ReplaceKeras(json["keras"].get<std::string>());
    for (const auto& [folder, distributions] : Part(json, "elsewhere")) {
      for (const auto& [name, installed] : distributions.items()) {
        auto done = Apply(InstallDistribution{folder, name, installed.get<std::string>()}, system_);
        EXPECT_TRUE(done.ok()) << done.error().message;
      }
    }
    if (json.contains("called")) CallTensorFlow(tensorflow, json["called"].get<std::string>());
    if (!json.contains("cudnn")) return;
    made = Apply(InstallDistribution{site_, "nvidia-cudnn-cu12", json["cudnn"].get<std::string>()}, system_);
    EXPECT_TRUE(made.ok()) << made.error().message;
  }

  std::unique_ptr<System> live_;
  Below below_;
  OverlaySystem system_;
  std::string site_;
  uint16_t of_elf_ = elf::kMachineX86_64;
  Question question_;
};

Json Compose(const Json& machine, const Json& parts) {
  Json whole = Json::object();
  for (const Json& name : machine.value("with", Json::array())) {
    EXPECT_TRUE(parts.contains(name.get<std::string>())) << name;
    whole.merge_patch(parts.value(name.get<std::string>(), Json::object()));
  }
  Json own = machine;
  for (const char* key : {"with", "about", "expect", "healthy"}) own.erase(key);
  whole.merge_patch(own);
  return whole;
}

std::vector<std::string> Named(const std::vector<Finding>& findings) {
  std::vector<std::string> named;
  for (const Finding& finding : findings)
    named.push_back(std::string(finding.rule->id) + (finding.holds ? "" : " open"));
  return named;
}

std::string Unknowns(const Diagnosis& diagnosis) {
  std::string text;
  for (const Unchecked& unchecked : diagnosis.unchecked) text += unchecked.fact + ": " + unchecked.why + "; ";
  return text;
}

// A machine that is a recording (tools/machine_from_recording).
Diagnosis JudgeRecording(const fs::path& path) {
  const Result<std::string> packed = LiveSystem()->ReadAll(path, 64 << 20);
  EXPECT_TRUE(packed.ok()) << packed.error().message;
  Result<Recording> recording = UnpackRecording(*packed);
  EXPECT_TRUE(recording.ok()) << recording.error().message;
  Question question;
  for (const auto& [option, value] : recording->question) {
    const Result<bool> taken = TakeOption(option, value, BuiltInKnowledge(), question);
    EXPECT_TRUE(taken.ok()) << taken.error().message;
  }
  const ReplaySystem replay(std::move(*recording));
  const CachingSystem machine(replay);
  return Diagnose(ProbeAll(machine, BuiltInKnowledge(), question), BuiltInKnowledge(), AllRules());
}

const Json kUsable = {{"verdict", "gpu-usable"}, {"causes", Json::array()}};

void Expect(const Diagnosis& diagnosis, const Json& expect) {
  EXPECT_EQ(Name(diagnosis.verdict), expect.at("verdict").get<std::string>()) << Unknowns(diagnosis);
  EXPECT_EQ(Named(diagnosis.causes), expect.at("causes").get<std::vector<std::string>>());
  const std::vector<std::string> explained = Named(diagnosis.explained);
  EXPECT_EQ(std::set<std::string>(explained.begin(), explained.end()),
            expect.value("explained", Json::array()).get<std::set<std::string>>());
  // Parts of what is said for the root cause.
  for (const Json& part : expect.value("evidence", Json::array())) {
    std::string all;
    if (const Finding* head = diagnosis.headline()) {
      for (const Evidence& evidence : head->evidence) all += evidence.text + "\n";
    }
    EXPECT_NE(all.find(part.get<std::string>()), std::string::npos) << part << " in:\n" << all;
  }
  if (!expect.contains("ask")) return;
  std::vector<std::string> commands;
  for (const Ask& ask : diagnosis.ask) commands.push_back(ask.command);
  EXPECT_EQ(commands, expect["ask"].get<std::vector<std::string>>());
}

TEST(Machines, AreDiagnosedAsExpected) {
  const Json parts = ReadJson(kOurMachines / kParts);
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator(Machines())) {
    if (entry.path().extension() != ".json" || entry.path().filename() == kParts) continue;
    SCOPED_TRACE(entry.path().stem().string());
    const Json machine = ReadJson(entry.path());
    const Json whole = Compose(machine, parts);
    const Diagnosis diagnosis = machine.contains("recording")
                                    ? JudgeRecording(Machines() / machine["recording"].get<std::string>())
                                    : Machine(whole).Judge();
    const Json& expect = machine.at("expect");
    Expect(diagnosis, expect);
    count++;
    if (!machine.contains("healthy")) continue;
    Json healthy = whole;
    for (const Json& name : machine["healthy"].value("with", Json::array()))
      healthy.merge_patch(parts.at(name.get<std::string>()));
    Json patch = machine["healthy"];
    patch.erase("with");
    patch.erase("expect");
    healthy.merge_patch(patch);
    SCOPED_TRACE("the healthy variant");
    Expect(Machine(healthy).Judge(), machine["healthy"].value("expect", kUsable));
  }
  EXPECT_GE(count, Machines() == kOurMachines ? 90U : 1U);
}

TEST(Machines, AreDiagnosedAlikeFromARecording) {
  const Json parts = ReadJson(kOurMachines / kParts);
  Turn turn(3);
  for (const auto& entry : fs::directory_iterator(kOurMachines)) {
    if (entry.path().extension() != ".json" || entry.path().filename() == kParts) continue;
    SCOPED_TRACE(entry.path().stem().string());
    const Json json = ReadJson(entry.path());
    if (!json.contains("recording") && turn.Next())
      Machine(Compose(json, parts)).ExpectTheSameFromARecording();
  }
}

TEST(Machines, AreDiagnosedAlikeInARoot) {
  const Json parts = ReadJson(kOurMachines / kParts);
  std::string name = (fs::temp_directory_path() / "tfdoctor-machines-XXXXXX").string();
  const fs::path folder = mkdtemp(name.data());
  size_t holding = 0;
  for (const auto& entry : fs::directory_iterator(kOurMachines)) {
    if (entry.path().extension() != ".json" || entry.path().filename() == kParts) continue;
    SCOPED_TRACE(entry.path().stem().string());
    const Json json = ReadJson(entry.path());
    // The Python of the root is this machine's, and a root tells its processor by its programs.
    if (json.contains("recording") || json.value("machine", "x86_64") != LiveSystem()->Machine()) continue;
    Machine machine(Compose(json, parts));
    machine.OnlyFiles();
    const Diagnosis live = machine.Judge();
    const Diagnosis in_root = machine.JudgeRoot(folder / entry.path().stem());
    EXPECT_EQ(Name(in_root.verdict), Name(live.verdict)) << Unknowns(in_root);
    EXPECT_EQ(Named(in_root.causes), Named(live.causes)) << Unknowns(in_root);
    EXPECT_EQ(Named(in_root.explained), Named(live.explained));
    holding += live.causes.empty() ? 0 : 1;
  }
  EXPECT_GE(holding, 10U) << "they say little without the driver";
  fs::remove_all(folder);
}

TEST(Machines, AreDiagnosedAlikeInAnImage) {
  const Json parts = ReadJson(kOurMachines / kParts);
  std::string name = (fs::temp_directory_path() / "tfdoctor-images-XXXXXX").string();
  const fs::path folder = mkdtemp(name.data());
  size_t number = 0;
  size_t holding = 0;
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(kOurMachines)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  for (const fs::path& path : paths) {
    if (path.extension() != ".json" || path.filename() == kParts) continue;
    constexpr size_t kEach = 4;  // to pack them takes longer than all else
    if (number++ % kEach != 0) continue;
    SCOPED_TRACE(path.stem().string());
    const Json json = ReadJson(path);
    if (json.contains("recording")) continue;
    Machine machine(Compose(json, parts));
    machine.OnlyFiles();
    const Diagnosis live = machine.JudgeCapped();
    const Diagnosis in_image = machine.JudgeImage(folder / path.stem());
    EXPECT_EQ(Name(in_image.verdict), Name(live.verdict)) << Unknowns(in_image);
    EXPECT_EQ(Named(in_image.causes), Named(live.causes)) << Unknowns(in_image);
    EXPECT_EQ(Named(in_image.explained), Named(live.explained));
    holding += live.causes.empty() ? 0 : 1;
    fs::remove_all(folder / path.stem());
  }
  EXPECT_GE(holding, 5U) << "they say little without the driver";
  fs::remove_all(folder);
}

}  // namespace
}  // namespace tfdoctor
