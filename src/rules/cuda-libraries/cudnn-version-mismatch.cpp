#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/libraries.h"
#include "rules/logs.h"

namespace tfdoctor::cudnn_version_mismatch {

namespace {

// The version in "nvidia-cudnn-cu12 9.3.0.75, wanted <10.0,>=9.10.2.21" that is wanted at least; empty: none.
std::string FloorOf(const std::string& at_odds) {
  const size_t wanted = at_odds.find(", wanted ");
  if (wanted == std::string::npos) return {};
  for (const char* operation : {">=", "=="}) {
    const size_t at = at_odds.find(operation, wanted);
    if (at != std::string::npos) return FindVersion(at_odds.substr(at + 2));
  }
  return {};
}

// Of a build of which only the major version is known, what its extra asks for speaks for the minor one.
Verdict CheckExtra(const Facts& facts, const Knowledge& knowledge, const Library& cudnn) {
  const std::string* there = cudnn.version.Get();
  const std::string* owner = cudnn.owner.Get();
  const auto* at_odds = facts.tensorflow.extra_at_odds.Get();
  if (there == nullptr || owner == nullptr || at_odds == nullptr) return Verdict::Silent();
  for (const std::string& entry : *at_odds) {
    const std::string floor = entry.starts_with(RequirementName(*owner) + " ") ? FloorOf(entry) : "";
    if (floor.empty() || CudnnFits(*there, floor)) continue;
    return Verdict::Open()
        .Because(facts.tensorflow.extra_at_odds, entry + " by the and-cuda extra of this release")
        .WithReason("older")
        .WithFix(InstallCudaLibraries(facts, knowledge));
  }
  return Verdict::Silent();
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
  NameAtOdds(facts, verdict);
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
  if (there == nullptr || wanted == nullptr || CudnnFits(*there, *wanted)) {
    Verdict parts = CheckParts(facts, knowledge);
    const bool silent = parts.state == Verdict::State::kSilent;
    const bool major_alone = wanted != nullptr && wanted->find('.') == std::string::npos;
    return silent && major_alone ? CheckExtra(facts, knowledge, *cudnn) : parts;
  }
  Verdict verdict = Verdict::Holds();
  verdict.Because(cudnn->version, "cuDNN " + *there + " is loaded")
      .Because(facts.tensorflow.cudnn_version, "TensorFlow was compiled with cuDNN " + *wanted);
  NameAtOdds(facts, verdict);
  return std::move(verdict).WithReason("older").WithFix(InstallCudaLibraries(facts, knowledge));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("cudnn-version-mismatch").Proves("cudnn-sublibrary-mismatch");
  s.Speaks("says-cudnn-versions", kDecisive);
  s.Speaks("autotuner-no-config", kDecisive).Speaks("part-does-not-fit", kDecisive);
  // That a file is not there says nothing of versions.
  if (!story.Saw("part-not-found")) s.Speaks("cudnn-sublibrary-loading", kStrong);
  const TensorFlowBuild* build = BuildOf(story);
  const bool older = build != nullptr && !story.cudnn.empty() &&
                     build->cudnn_version.find('.') != std::string::npos &&
                     MajorVersion(story.cudnn) == MajorVersion(build->cudnn_version) &&
                     !CudnnFits(story.cudnn, build->cudnn_version);
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

extern const Rule rule;
constinit const Rule rule = {
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

TensorFlow refuses a cuDNN whose minor version is older than that of the one it was compiled with (9.1 for 9.3; 8.9.2 for 8.9.4 will do). The other libraries of CUDA are not so strict: an older cuBLAS of the same major version works with most releases. The GPU is listed, but the first convolution or the first `fit` fails.

## How it is recognised

The version is read from the cuDNN file that the loader takes, and compared with the one in TensorFlow's build information. Where that tells the major version alone, what the release's `and-cuda` extra asks for speaks for the minor one, and the cause stays open. Messages: "Loaded runtime CuDNN library: 9.1.0 but source was compiled with: 9.3.0", "DNN library initialization failed", "Autotuner could not find any supported configs".

## How it happens

Another package in the same environment pins an older cuDNN (PyTorch does), an old copy lies in a CUDA toolkit's folder, or TensorFlow was upgraded without its libraries.

## What people say

"cuDNN is older than the one it was compiled with", "after an update of cuDNN convolutions fail", "CUDNN_STATUS_NOT_INITIALIZED", "the image ships another cuDNN", "it worked with cuDNN 7.4".

## How to fix it

Install the set that this TensorFlow wants, in an environment of its own if another package pins cuDNN:

    python -m pip install 'tensorflow[and-cuda]==VERSION'
)md",
};

}  // namespace tfdoctor::cudnn_version_mismatch
