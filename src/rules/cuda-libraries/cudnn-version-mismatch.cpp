#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/libraries.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

// TensorFlow wants the same major version and at least the minor version that it was compiled with.
// Source: xla/stream_executor/cuda/cuda_dnn.cc (IsSourceCompatible).
bool Fits(const std::string& there, const std::string& wanted) {
  if (MajorVersion(there) != MajorVersion(wanted)) return false;
  std::vector<std::string> a = Split(there, '.');
  std::vector<std::string> b = Split(wanted, '.');
  if (a.size() < 2 || b.size() < 2) return true;
  return CompareVersions(a[0] + "." + a[1], b[0] + "." + b[1]) >= 0;
}

// The sub-libraries of one cuDNN all have one version.
Verdict CheckParts(const Facts& facts, const Knowledge& knowledge) {
  const auto* parts = facts.cuda_libraries.cudnn_parts.Get();
  if (parts == nullptr || parts->size() < 2) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  const auto& [first, version] = *parts->begin();
  for (const auto& [name, other] : *parts) {
    if (CompareVersions(other, version) != 0)
      verdict.Because(facts.cuda_libraries.cudnn_parts,
                      fmt::format("{} is {}, {} is {}", first, version, name, other));
  }
  if (verdict.evidence.empty()) return Verdict::Silent();
  return std::move(verdict)
      .WithReason("mixed")
      .WithTitle("The parts of cuDNN are of different versions")
      .WithExplanation(
          "cuDNN consists of several files that must all be of one version. Here they come from different "
          "installations.")
      .WithFix(InstallCudaLibraries(facts, knowledge));
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (!IsCudaBuild(facts)) return Verdict::Silent();
  const Library* cudnn = FindCudnn(facts);
  if (cudnn == nullptr || !cudnn->path.Present()) return Verdict::Silent();
  const std::string* there = cudnn->version.Get();
  const std::string* wanted = facts.tensorflow.cudnn_version.Get();
  if (there == nullptr || wanted == nullptr || Fits(*there, *wanted)) return CheckParts(facts, knowledge);
  return Verdict::Holds()
      .Because(cudnn->version, "cuDNN " + *there + " is loaded")
      .Because(facts.tensorflow.cudnn_version, "TensorFlow was compiled with cuDNN " + *wanted)
      .WithReason("older")
      .WithFix(InstallCudaLibraries(facts, knowledge));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("cudnn-version-mismatch").Proves("cudnn-sublibrary-mismatch");
  s.Speaks("autotuner-no-config", kDecisive).Speaks("cudnn-sublibrary-loading", kStrong);
  const TensorFlowBuild* build = BuildOf(story);
  const bool older = build != nullptr && !story.cudnn.empty() &&
                     build->cudnn_version.find('.') != std::string::npos &&
                     MajorVersion(story.cudnn) == MajorVersion(build->cudnn_version) &&
                     CompareVersions(story.cudnn, build->cudnn_version) < 0;
  const bool cudnn_fails =
      story.SawAny({"cudnn-handle", "conv-algorithm", "dnn-not-found", "no-algorithm-worked",
                    "cudnn-not-initialized", "cudnn-internal-error", "cudnn-execution-failed"});
  s.States(older && cudnn_fails, "cudnn",
           "older than the " + (build != nullptr ? build->cudnn_version : "") + " that it was compiled with",
           kDecisive);
  if (s.any()) return;
  s.Speaks("dnn-not-found", story.Saw("says-generic-rnn-works") ? kDecisive : kStrong);
  s.Speaks("cudnn-handle", kWeak).Speaks("conv-algorithm", kWeak).Speaks("cudnn-execution-failed", kWeak);
}

}  // namespace

namespace rules {

extern const Rule cudnn_version_mismatch;
constinit const Rule cudnn_version_mismatch = {
    .id = "cudnn-version-mismatch",
    .link = Link::kCudaLibraries,
    .effect = Effect::kBlocks,
    .title = "cuDNN is older than the one this TensorFlow was compiled with",
    .prior = 0.05,
    .explained_by = {{{"library-path-shadows"},
                      {"cudnn-loaded-by-other-package"},
                      {"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow refuses a cuDNN that is older than the one it was compiled with. The GPU is listed, but the first convolution or the first `fit` fails.

## How it is recognised

The version is read from the cuDNN file that the loader takes, and compared with the one in TensorFlow's build information. Messages: "Loaded runtime CuDNN library: 9.1.0 but source was compiled with: 9.3.0", "DNN library initialization failed", "Autotuner could not find any supported configs".

## How it happens

Another package in the same environment pins an older cuDNN (PyTorch does), an old copy lies in a CUDA toolkit's folder, or TensorFlow was upgraded without its libraries.

## What people say

"cuDNN is older than the one it was compiled with", "after an update of cuDNN convolutions fail", "CUDNN_STATUS_NOT_INITIALIZED", "the image ships another cuDNN", "it worked with cuDNN 7.4".

## How to fix it

Install the set that this TensorFlow wants, in an environment of its own if another package pins cuDNN:

    python -m pip install 'tensorflow[and-cuda]==VERSION'
)md",
};

}  // namespace rules

}  // namespace tfdoctor
