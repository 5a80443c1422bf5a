#include <algorithm>
#include <set>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"
#include "rules/repair.h"

namespace tfdoctor::conflicting_tensorflow_packages {

namespace {

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  const TensorFlow& tensorflow = facts.tensorflow;
  if (!tensorflow.folder.Present()) return Verdict::Silent();
  const auto* installed = tensorflow.installed.Get();
  if (installed == nullptr || installed->size() < 2) return Verdict::Silent();
  // On ARM the package tensorflow is an empty one that requires another.
  if (!facts.host.machine.Is("x86_64")) return Verdict::Silent();
  std::vector<std::string> names;
  std::string list;
  std::string version;
  bool one_for_gpu = false;
  bool one_version = true;
  for (const auto& [name, its_version] : *installed) {
    one_for_gpu = one_for_gpu || MayHaveCuda(name);
    one_version = one_version && its_version == installed->begin()->second;
    if (MayHaveCuda(name)) version = its_version;
    names.push_back(name);
    list += (list.empty() ? "" : ", ") + name + " " + its_version;
  }
  bool cpu_won = tensorflow.cuda_build.Is(false) && one_for_gpu;
  bool unsure = tensorflow.cuda_build.Unknown();
  bool mixed = tensorflow.files_disagree.Is(true) && !one_version;
  if (!cpu_won && !mixed && !unsure) return Verdict::Silent();
  Verdict verdict = cpu_won ? Verdict::Holds() : Verdict::Open();
  verdict.Because(tensorflow.installed, "installed together: " + list,
                  cpu_won ? Strength::kStrong : Strength::kWeak);
  if (cpu_won) verdict.Because(tensorflow.cuda_build, "the files of the CPU package won");
  if (mixed) verdict.Because(tensorflow.files_disagree, "the files are of several versions");
  std::string replacement = WorkingTensorFlow(facts, knowledge, version);
  verdict = std::move(verdict).WithReason(cpu_won ? "cpu-files-won" : "mixed");
  if (replacement.empty()) return verdict;
  return std::move(verdict).WithFix(InstallTensorFlow(facts, knowledge, replacement, names));
}

// The package tensorflow of this release computes on the GPU, as tensorflow-gpu does: from 2.1 on,
// and 1.15.0.
bool PlainHasCuda(const LogStory& story, const std::string& version) {
  if (version.empty()) return false;
  for (const std::string& one : {version, version + ".0"}) {
    const TensorFlowBuild* build = story.knowledge.FindBuild("tensorflow", one, "x86_64");
    if (build != nullptr && build->cuda_known) return build->cuda;
  }
  return CompareVersions(version, "2.1") >= 0;
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  std::set<std::string> listed = StatedTensorFlows(story, "pip_list");
  for (const char* key : {"install_order", "packages", "installed", "distributions", "pip_freeze"}) {
    for (const std::string& name : StatedTensorFlows(story, key)) listed.insert(name);
  }
  // What was frozen, listed or told.
  const auto* seen = story.facts.tensorflow.installed.Peek();
  bool has_cuda = PlainHasCuda(story, story.tensorflow), version_known = !story.tensorflow.empty();
  if (seen != nullptr) {
    for (const auto& [name, version] : *seen) {
      listed.insert(name);
      version_known = version_known || !version.empty();
    }
    const auto of_one = [&](const auto& one) { return PlainHasCuda(story, one.second); };
    has_cuda = has_cuda || (!seen->empty() && std::all_of(seen->begin(), seen->end(), of_one));
  }
  // Outside Linux on x86-64, tensorflow 2.10 to 2.18 itself is empty and brings one of these.
  if (listed.contains("tensorflow")) {
    for (const char* brought : {"tensorflow-intel", "tensorflow-macos", "tensorflow-cpu-aws"})
      listed.erase(brought);
  }
  if (!BuiltWithCuda(story)) s.Speaks("says-not-the-gpu-package", kStrong);
  s.States(story.Saw("says-both-installed") && story.Saw("says-tensorflow-gpu") && !has_cuda,
           "says-both-installed", "tensorflow and tensorflow-gpu are installed together", kDecisive);
  // Removing one of them removes files of the other.
  s.States(story.Saw("says-gone-after-uninstall") && story.Saw("says-tensorflow-gpu"),
           "says-gone-after-uninstall", "with the other package its files were removed", kDecisive);
  s.Speaks("says-gpu-package-removed", kWeak);
  if (!story.From("2.1")) s.Speaks("says-brings-cpu-package", kStrong);
  // What another package brought over tensorflow-gpu.
  s.States(story.Saw("says-tensorflow-gpu") && story.Saw("says-no-longer") && listed.size() < 2,
           "says-no-longer", "what was installed later may have brought tensorflow over tensorflow-gpu",
           kStrong);
  s.States(story.Saw("says-tensorflow-gpu") && story.Saw("says-pip-install") && story.Saw("says-cpu") &&
               listed.size() < 2 && !story.From("2.1"),
           "says-pip-install", "what was installed later may have brought tensorflow over tensorflow-gpu",
           kStrong);
  s.States(story.Saw("says-tensorflow-gpu") && story.Saw("says-requires-tensorflow") && listed.size() < 2 &&
               !story.From("2.1"),
           "says-requires-tensorflow", "tensorflow was installed beside tensorflow-gpu", kDecisive);
  s.States(story.Saw("says-native-package-for-cpu") && story.Saw("says-native-package-for-gpu"),
           "says-native-package-for-cpu", "the library for the CPU is there beside the one for the GPU",
           kDecisive);
  if (listed.size() < 2) return;
  // Then tensorflow and tensorflow-gpu are the same files.
  const bool same = listed == std::set<std::string>{"tensorflow", "tensorflow-gpu"} && has_cuda;
  std::vector<std::string> names(listed.begin(), listed.end());
  const std::string text = Join(names, " and ") + " share one folder: the last one installed wins";
  if (same) {
    s.States(true, "pip_list", text, kWeak);
  } else if (seen != nullptr && !version_known && listed.size() == seen->size()) {
    s.That(true, text, kDecisive);  // somebody's words, and they may be of 2.1 or later
  } else {
    s.StatesProof(true, "pip_list", text);
  }
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "conflicting-tensorflow-packages",
    .link = Link::kTensorFlow,
    .effect = Effect::kBlocks,
    .title = "Several TensorFlow packages overwrite each other",
    .prior = 0.03,
    .explained_by = {{{"wrong-python-environment"}, {"module-shadowed"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

Several TensorFlow packages are installed in one environment. They write the same files, so the one that was installed last wins; here that is the one without GPU code.

## How it is recognised

More than one TensorFlow distribution is installed there, and the files on disk are those of the CPU package, or of several versions.

## How it happens

`pip install tensorflow-cpu` after `tensorflow` (also as a requirement of another package) overwrites the files silently. Removing one of the two then deletes files of the other.

## What people say

"Both tensorflow and tensorflow-gpu are installed", "another package, keras for instance, pulled in plain tensorflow, and now only the CPU is used", "after pip install of a library the GPU is gone", "uninstall both and install one".

## How to fix it

Remove all of them, then install one:

    python -m pip uninstall -y tensorflow tensorflow-cpu
    python -m pip install 'tensorflow[and-cuda]'
)md",
};

}  // namespace tfdoctor::conflicting_tensorflow_packages
