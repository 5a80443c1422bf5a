#include <fmt/format.h>

#include <optional>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::tensorflow_import_fails {

namespace {

// Where another machine, or a TensorFlow for this one, has to come first; nullopt: packages of this
// environment are wrong.
std::optional<Fix> OtherPlatform(const Facts& facts, const Knowledge& knowledge, const std::string& reason,
                                 const std::string& wanted, const std::string& tensorflow) {
  if (reason == "cpu-instructions")
    return Advice("Run it on a machine whose CPU has " + wanted + ", or build TensorFlow from source", {});
  if (reason == "glibc") {
    std::string older = WorkingTensorFlow(facts, knowledge, "");
    if (!older.empty()) return InstallTensorFlow(facts, knowledge, older, {});
    return Advice("Use a newer Linux distribution, or a container with one",
                  {"docker run --rm -it --gpus all tensorflow/tensorflow:2.17.0-gpu"});
  }
  // All that is compiled came with it.
  if (reason == "architecture")
    return Advice("Install TensorFlow and all that it needs for this processor",
                  PipInstall(facts, {"--force-reinstall", tensorflow}));
  return std::nullopt;
}

// What packages are wrong or missing is repaired at once: after one of them alone the import would end at the
// next.
struct Packages {
  std::vector<std::string> to_install;
  std::vector<std::string>
      to_reinstall;  // what pip believes to be there it does not install unless it is forced

  void Add(const Facts& facts, const std::string& reason, const std::string& wanted,
           const std::string& tensorflow) {
    if (reason == "files") return to_reinstall.push_back(tensorflow);
    const auto* there = facts.python.distributions.Peek();
    const bool listed = reason == "missing" && there != nullptr && there->contains(RequirementName(wanted));
    (listed ? to_reinstall : to_install).push_back(wanted);
  }
  Fix Repair(const Facts& facts) const {
    std::string title = "Install " + Join(to_install, ", ");
    std::vector<std::string> commands;
    if (!to_install.empty()) commands = PipInstall(facts, to_install);
    if (!to_reinstall.empty()) {
      title += (to_install.empty() ? "" : " and ") + Join(to_reinstall, ", ") + " again";
      for (std::string& command : PipReinstall(facts, to_reinstall)) commands.push_back(std::move(command));
    }
    return Advice(std::move(title), std::move(commands));
  }
};

std::string TensorFlowAsInstalled(const Facts& facts) {
  const std::string* version = facts.tensorflow.version.Peek();
  const std::string* name = facts.tensorflow.distribution.Peek();
  return name != nullptr && version != nullptr ? *name + "==" + *version : "tensorflow";
}

// Keras is loaded when it is first used, so that a program without tf.keras runs on the GPU.
Verdict OnlyKeras(Verdict verdict) {
  return std::move(verdict)
      .WithTitle("TensorFlow is imported, but tf.keras cannot be used: it needs another keras")
      .WithExplanation(
          "`import tensorflow` works, but the first use of `tf.keras` ends with an error: Keras is a package "
          "of "
          "its own, and the one that this TensorFlow needs is not there.")
      .WithEffect(Effect::kDegrades);
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  const TensorFlow& tensorflow = facts.tensorflow;
  if (tensorflow.folder.Unknown()) return Verdict::Silent();
  if (tensorflow.folder.Absent()) {
    const auto* installed = tensorflow.installed.Get();
    if (installed == nullptr || installed->empty()) return Verdict::Silent();
    Verdict verdict = LacksTensorFlow(facts) ? Verdict::Holds() : Verdict::Open();
    verdict
        .Because(tensorflow.installed,
                 installed->begin()->first + " " + installed->begin()->second + " is installed")
        .Because(tensorflow.folder, "its files are not there");
    NameWhatMayAddToSysPath(facts, verdict);
    Packages packages;
    packages.Add(facts, "files", "", TensorFlowAsInstalled(facts));
    return std::move(verdict).WithReason("files").WithFix(packages.Repair(facts));
  }
  const auto* faults = tensorflow.import_faults.Get();
  if (faults == nullptr) return Verdict::Silent();
  if (faults->empty())
    return Verdict::Excluded().Because(tensorflow.import_faults, "its requirements are met");
  Verdict verdict = Verdict::Holds();
  const std::string as_installed = TensorFlowAsInstalled(facts);
  std::optional<Fix> first;
  Packages packages;
  for (const auto& [key, fault] : *faults) {
    const std::string* reason = fault.reason.Get();
    const std::string* wanted = fault.wanted.Get();
    const std::string* present = fault.present.Get();
    std::string kind = reason == nullptr ? key : *reason;
    std::string needed = wanted == nullptr ? key : *wanted;
    verdict.Because(fault.present, fmt::format("{}, but TensorFlow needs {}",
                                               present == nullptr ? "unknown" : *present, needed));
    // Keras alone does not break the import.
    if (verdict.reason.empty() || verdict.reason == "keras")
      verdict = std::move(verdict).WithReason(kind).WithTitle(
          kind == "architecture" ? "TensorFlow is for another processor than this Python"
                                 : "TensorFlow cannot be imported: it needs " + needed);
    const std::optional<Fix> other = OtherPlatform(facts, knowledge, kind, needed, as_installed);
    if (!other) packages.Add(facts, kind, needed, as_installed);
    if (!first) first = other;
  }
  verdict = std::move(verdict).WithFix(first ? *first : packages.Repair(facts));
  return faults->size() == 1 && verdict.reason == "keras" ? OnlyKeras(std::move(verdict)) : verdict;
}

// "2.17; 2.23"
std::set<std::string> VersionsOf(const std::string& text) {
  std::set<std::string> versions;
  for (const std::string& part : Split(text, ';')) {
    const std::string version = FindVersion(part);
    if (version.find('.') != version.npos) versions.insert(version);
  }
  return versions;
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("numpy-abi").Proves("protobuf").Proves("illegal-instruction").Proves("glibc-version");
  s.Speaks("value-not-converted", kStrong);
  const SeenMessage* symbol = story.Message("undefined-symbol");
  // Of packages of two channels it is known which fit each other.
  const bool mixed = story.Saw("says-conda-forge") && story.Saw("says-defaults-channel");
  if (symbol != nullptr) s.Speaks("undefined-symbol", story.conda || mixed ? kWeak : kStrong);
  for (const std::string& library : story.Fields("import-library", "library")) {
    if (!IsOfNvidia(library)) s.Speaks("import-library", mixed ? kWeak : story.conda ? kStrong : kDecisive);
  }
  s.Speaks("symbol-not-found", kStrong).Speaks("native-runtime", kWeak);
  const bool of_cuda = !MissingLibraries(story).empty() || MissesDriverLibrary(story);
  // Later builds for Windows open no library of CUDA; the line names what of TensorFlow does not load.
  const SeenMessage* dll = story.Message("dll-load");
  if (!of_cuda && dll != nullptr && story.windows && story.From("2.11") &&
      dll->text.Peek()->find("tensorflow") != std::string::npos)
    s.Proves("dll-load");
  if (!of_cuda && !s.any()) s.Speaks("dll-load", kStrong);
  // What dies while it computes has been imported.
  if (story.only_stated && !story.Saw("says-program-runs") && !story.Saw("says-cudnn-versions"))
    s.Speaks("says-kernel-dies", kStrong);
  if (story.only_stated) s.Speaks("says-import-fails", kWeak);
  s.Speaks("says-import-requirement", kDecisive);
  const std::set<std::string> libc = VersionsOf(story.StatedLike("glibc"));
  const bool fails = story.SawAny({"traceback", "native-runtime", "says-import-fails"});
  s.States(libc.size() > 1 && fails, "glibc",
           "glibc is of versions " + Join({libc.begin(), libc.end()}, " and "), kDecisive);
  // Up to 1.1.0 the plug-in does not load with 2.18 and later.
  const bool metal = story.mac && story.Mentions("pip_list", "tensorflow-metal") && story.From("2.18");
  s.States(metal && story.Saw("traceback"), "pip_list",
           "this tensorflow-metal does not load with TensorFlow 2.18 and later", kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "tensorflow-import-fails",
    .link = Link::kTensorFlow,
    .effect = Effect::kBlocks,
    .title = "TensorFlow cannot be imported",
    .prior = 0.06,
    .explained_by = {{{"wrong-python-environment"}, {"module-shadowed"}, {"tensorflow-gpu-stub"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow is installed, but `import tensorflow` ends with an error, so nothing can run, on the GPU or on the CPU.

## How it is recognised

What is installed does not meet a requirement without which the import fails: NumPy 2 under a TensorFlow compiled for NumPy 1, protobuf of another generation, a missing package, a CPU without AVX, a C library that is too old, files that are gone, or files for another processor than Python's, as after an environment was copied from an x86_64 machine to an ARM one.

Keras is a case of its own: without one that fits, `import tensorflow` works and `tf.keras` does not ("Keras cannot be imported", "module 'tensorflow._api.v2.compat.v2.__internal__' has no attribute 'register_load_context_function'"). TensorFlow 2.16 and later need Keras 3, those before need the Keras 2 of their own version.

## How it happens

Another `pip install` upgraded a shared package, mostly NumPy. pip prints a warning, which is easily missed.

## What people say

"import tensorflow crashes, illegal instruction, core dumped", "the kernel dies or restarts at the import", "old CPU without AVX", "numpy 2: _ARRAY_API not found", "protobuf: Descriptors cannot be created directly", "DLL load failed", "GLIBC not found".

## How to fix it

Install the version that TensorFlow wants, for NumPy for example:

    python -m pip install 'numpy<2'
)md",
};

}  // namespace tfdoctor::tensorflow_import_fails
