#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::tensorflow_gpu_stub {

namespace {

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  const TensorFlow& tensorflow = facts.tensorflow;
  const auto* installed = tensorflow.installed.Get();
  if (installed == nullptr || !installed->contains("tensorflow-gpu")) return Verdict::Silent();
  const std::string& version = installed->at("tensorflow-gpu");
  if (!version.starts_with("2.12")) return Verdict::Silent();
  if (tensorflow.folder.Present())
    return Verdict::Excluded().Because(tensorflow.folder, "a real TensorFlow is there as well");
  if (tensorflow.folder.Unknown()) return Verdict::Silent();
  std::string replacement = WorkingTensorFlow(facts, knowledge, "");
  Verdict verdict = Verdict::Holds();
  verdict.Because(tensorflow.installed, "tensorflow-gpu " + version + " is installed")
      .Because(tensorflow.folder, "it brings no TensorFlow");
  if (replacement.empty()) return verdict;
  return std::move(verdict).WithFix(InstallTensorFlow(facts, knowledge, replacement, {"tensorflow-gpu"}));
}

void JudgeLog(Signs& s) {
  s.Proves("gpu-stub");
  const LogStory& story = s.story;
  const bool fails = story.Saw("says-install-fails") || story.Mentions("symptom", "error") ||
                     story.Mentions("symptom", "fail");
  s.States(story.only_stated && story.Saw("says-tensorflow-gpu") && fails, "says-tensorflow-gpu",
           "tensorflow-gpu is empty today, and its installation fails on purpose", kStrong);
  // No other release of it was ever given as sources.
  if (story.Saw("says-tensorflow-gpu"))
    s.Speaks("pip-build-failed", kDecisive).Speaks("built-by-setuptools", kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "tensorflow-gpu-stub",
    .link = Link::kTensorFlow,
    .effect = Effect::kBlocks,
    .title = "tensorflow-gpu 2.12 is an empty package without TensorFlow",
    .prior = 0.02,
    .explained_by = {{{"wrong-python-environment"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The package `tensorflow-gpu` ended with 2.11. Its version 2.12.0 is an empty shell that only tells people to install `tensorflow`.

## How it is recognised

The distribution `tensorflow-gpu` 2.12 is installed and no TensorFlow files are there.

## How it happens

Old instructions say `pip install tensorflow-gpu`. Since 2.1 the plain `tensorflow` package has the GPU code.

## What people say

"pip install tensorflow-gpu fails while building: setup.py egg_info or bdist_wheel", "The tensorflow-gpu package has been removed", "an old project requires tensorflow-gpu", "version 2.12.0 of tensorflow-gpu is empty".

## How to fix it

python -m pip uninstall -y tensorflow-gpu
    python -m pip install 'tensorflow[and-cuda]'
)md",
};

}  // namespace tfdoctor::tensorflow_gpu_stub
