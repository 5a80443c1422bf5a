// Whole machines (tests/machines/*.json): files, links, device nodes, environment and what the driver
// answers, as text, through the real probes and rules to the whole diagnosis. Each has a healthy variant,
// which is usable.
//
// A machine is the parts that it is made "with" (tests/machines/parts.json), patched by what it says itself;
// its healthy variant is patched once more. Python and the C library are those of the machine that runs the
// test, all else of it is taken away. Or it is a recording.
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
#include "knowledge/knowledge.h"
#include "laid_out.h"
#include "made_environment.h"
#include "probes/probes.h"
#include "rules/all.h"
#include "system/caching.h"
#include "system/overlay.h"
#include "system/recording.h"
#include "system/redaction.h"
#include "system/root.h"

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

class Machine {
 public:
  explicit Machine(const Json& json) : live_(LiveSystem()), system_(*live_) {
    for (const char* folder :
         {"/proc", "/sys", "/dev", "/run", "/var", "/.dockerenv", "/.singularity.d", "/lib/modules",
          "/lib/firmware", "/etc/modprobe.d", "/lib/modprobe.d", "/opt", "/usr/local",
          "/usr/bin/nv-fabricmanager", "/etc/prime-discrete", "/etc/ld.so.cache"}) {
      system_.Remove(folder);
    }
    const std::map<std::string, std::string> variables = live_->Environment();
    for (const auto& [name, value] : variables) system_.UnsetEnv(name);
    system_.SetMachine("x86_64", 3);
    system_.SetEffectiveUser(1000);
    system_.SetWorkingDirectory("/");
    MakePython(json.value("tensorflow", "2.20.0"));
    for (const auto& [path, text] : Part(json, "files"))
      system_.AddFile(path, text.is_array() ? Lines(text) : text.get<std::string>());
    for (const auto& [path, target] : Part(json, "links"))
      system_.AddSymlink(path, target.get<std::string>());
    for (const auto& [path, soname] : Part(json, "libraries"))
      system_.AddFile(path, elf::WriteObject({.soname = soname.get<std::string>()}), 0755);
    for (const auto& [path, mode] : Part(json, "devices"))
      system_.AddDevice(path, 0xc300, static_cast<uint32_t>(std::stoul(mode.get<std::string>(), nullptr, 8)));
    for (const auto& [name, value] : Part(json, "env")) system_.SetEnv(name, value.get<std::string>());
    if (json.contains("kernel_log")) system_.SetKernelLog(Lines(json["kernel_log"]));
    for (const auto& [child, answer] : Part(json, "driver")) {
      ChildEnd end;
      end.how = ChildEnd::How::kExit;
      end.output = Lines(answer);
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

  Diagnosis JudgeOnce() const {
    return Diagnose(ProbeAll(system_, BuiltInKnowledge(), question_), BuiltInKnowledge(), AllRules());
  }
  Diagnosis Judge() const {
    Recording recording;
    const RecordingSystem recorder(system_, recording);
    const CachingSystem machine(recorder);
    const Facts facts = ProbeAll(machine, BuiltInKnowledge(), question_);
    // What it shows somebody who only has a recording of it, and the same without names.
    for (const bool redact : {false, true}) {
      Redactor redactor(system_);
      if (redact) redactor.Redact(recording);
      Result<Recording> read = UnpackRecording(PackRecording(recording));
      EXPECT_TRUE(read.ok()) << read.error().message;
      const ReplaySystem replay(std::move(*read));
      const CachingSystem replayed(replay);
      Question question = question_;
      question.python = redactor.Replaced(question.python);
      EXPECT_EQ(redactor.Replaced(ToJson(facts).dump(1)),
                ToJson(ProbeAll(replayed, BuiltInKnowledge(), question)).dump(1));
    }
    return Diagnose(facts, BuiltInKnowledge(), AllRules());
  }

 private:
  static std::map<std::string, Json> Part(const Json& json, const char* name) {
    std::map<std::string, Json> part;
    if (json.contains(name)) {
      for (const auto& [key, value] : json[name].items()) part[key] = value;
    }
    return part;
  }

  void MakePython(const std::string& tensorflow) {
    const std::string python = live_->RealPath("/usr/bin/python3").value_or("/usr/bin/python3.11");
    const std::string version = python.substr(python.rfind('/') + 1);
    system_.AddSymlink("/made/env/bin/python", python);
    system_.AddFile("/made/env/pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\n");
    auto made = MakeSitePackages(tensorflow, "/made/env/lib/" + version + "/site-packages", system_);
    EXPECT_TRUE(made.ok()) << made.error().message;
  }

  std::unique_ptr<System> live_;
  OverlaySystem system_;
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
    if (option == "python") question.python = value;
    if (option == "script") question.script = value;
  }
  const ReplaySystem replay(std::move(*recording));
  const CachingSystem machine(replay);
  return Diagnose(ProbeAll(machine, BuiltInKnowledge(), question), BuiltInKnowledge(), AllRules());
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
    EXPECT_EQ(Name(diagnosis.verdict), expect.at("verdict").get<std::string>()) << Unknowns(diagnosis);
    EXPECT_EQ(Named(diagnosis.causes), expect.at("causes").get<std::vector<std::string>>());
    std::vector<std::string> explained = Named(diagnosis.explained);
    EXPECT_EQ(std::set<std::string>(explained.begin(), explained.end()),
              expect.value("explained", Json::array()).get<std::set<std::string>>());
    count++;
    if (!machine.contains("healthy")) continue;
    Json healthy = whole;
    for (const Json& name : machine["healthy"].value("with", Json::array()))
      healthy.merge_patch(parts.at(name.get<std::string>()));
    Json patch = machine["healthy"];
    patch.erase("with");
    healthy.merge_patch(patch);
    const Diagnosis well = Machine(healthy).Judge();
    EXPECT_EQ(Name(well.verdict), "gpu-usable") << "the healthy variant: " << Unknowns(well);
    EXPECT_EQ(Named(well.causes), std::vector<std::string>()) << "the healthy variant";
  }
  EXPECT_GE(count, Machines() == kOurMachines ? 20U : 1U);
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
    if (json.contains("recording")) continue;
    Machine machine(Compose(json, parts));
    machine.OnlyFiles();
    const Diagnosis live = machine.JudgeOnce();
    const Diagnosis in_root = machine.JudgeRoot(folder / entry.path().stem());
    EXPECT_EQ(Name(in_root.verdict), Name(live.verdict)) << Unknowns(in_root);
    EXPECT_EQ(Named(in_root.causes), Named(live.causes)) << Unknowns(in_root);
    EXPECT_EQ(Named(in_root.explained), Named(live.explained));
    holding += live.causes.empty() ? 0 : 1;
  }
  EXPECT_GE(holding, 10U) << "they say little without the driver";
  fs::remove_all(folder);
}

}  // namespace
}  // namespace tfdoctor
