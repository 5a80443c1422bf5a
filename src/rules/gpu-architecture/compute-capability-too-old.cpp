#include <algorithm>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"
#include "rules/program.h"
#include "rules/repair.h"

namespace tfdoctor::compute_capability_too_old {

namespace {

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (!IsCudaBuild(facts)) return Verdict::Silent();
  const GpusInUse use = FindGpusInUse(facts);
  if (use.gpus.empty()) return Verdict::Silent();
  const auto* sass = facts.tensorflow.sass.Get();
  const auto* ptx = facts.tensorflow.ptx.Get();
  if (sass == nullptr || sass->empty() || facts.tensorflow.ptx.Unknown()) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  std::string oldest;
  const Gpu* fits = nullptr;
  for (const Gpu* gpu : use.gpus) {
    const std::string* capability = gpu->compute_capability.Get();
    if (capability == nullptr) continue;
    if (MachineCodeRuns(*sass, *capability) || (ptx != nullptr && PtxRuns(*ptx, *capability))) {
      fits = gpu;
      continue;
    }
    bool old = CompareVersions(*capability, sass->back()) < 0;
    if (!old) return Verdict::Silent();
    oldest = *capability;
    verdict.Because(gpu->compute_capability, Describe(*gpu));
  }
  if (oldest.empty() && fits == nullptr) return Verdict::Silent();
  if (oldest.empty())
    return Verdict::Excluded().Because(fits->compute_capability,
                                       "TensorFlow has code for " + Describe(*fits));
  verdict.Because(facts.tensorflow.sass, "TensorFlow has machine code for " + Join(*sass, ", ") + " only");
  std::string last;
  for (const TensorFlowBuild* build : knowledge.Builds()) {
    bool candidate =
        build->distribution == "tensorflow" && build->cuda && MachineCodeRuns(build->sass, oldest);
    if (candidate && (last.empty() || CompareVersions(build->version, last) > 0)) last = build->version;
  }
  const std::vector<const Gpu*> all = NvidiaGpus(facts);
  const bool hidden_fits = use.gpus.size() < all.size() &&
                           facts.environment.Variable("CUDA_VISIBLE_DEVICES").Present() &&
                           std::any_of(all.begin(), all.end(), [&](const Gpu* gpu) {
                             const std::string* capability = gpu->compute_capability.Peek();
                             return capability != nullptr && MachineCodeRuns(*sass, *capability);
                           });
  if (hidden_fits) {
    verdict = std::move(verdict).WithFix(
        Unset("CUDA_VISIBLE_DEVICES", "Let the program see the newer GPU of this machine, too"));
  } else if (!last.empty()) {
    Fix older = InstallFitting(facts, knowledge, {});
    older.title = "The last TensorFlow with code for this GPU is " + last + ". " + older.title;
    verdict = std::move(verdict).WithFix(std::move(older));
  }
  if (fits == nullptr) return verdict;
  return OfSomeGpus(use, std::move(verdict), *fits, "TensorFlow has code for " + Describe(*fits));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("gpu-ignored-cc").Speaks("gpu-ignored-amd", kDecisive);
  std::string why;
  const CodeAge age = AgeOfCode(story, why);
  const bool old_card = !story.capability.empty() && CompareVersions(story.capability, "6.0") < 0;
  if (age == CodeAge::kOlder && story.Saw(Shows::kNoCode)) s.ThatProves(true, why);
  const std::string minimum = story.Field("minimum-capability", "minimum");
  s.That(!minimum.empty() && !story.capability.empty() && CompareVersions(story.capability, minimum) < 0,
         "it asks for " + minimum + "; the GPU is " + story.capability, kDecisive);
  // Where something else is complained of, an old GPU need not be the reason; nor where it is not known what
  // is too new for it.
  const bool release_known = !story.tensorflow.empty() || !story.cuda.empty();
  if (age == CodeAge::kOlder && !story.Saw(Shows::kNoCode))
    s.That(!story.gpu_registered, why,
           FindsItSlow(story) || !release_known         ? kWeak
           : story.trouble || BuildOf(story) == nullptr ? kStrong
                                                        : kDecisive);
  if (age == CodeAge::kNewer || IsBlackwell(story)) return;
  s.Speaks("cuda-no-binary", old_card ? kDecisive : story.Saw("ptx-jit") ? kWeak : kStrong);
  s.Speaks("cuda-arch-mismatch", kStrong);
  if (!story.Saw(Shows::kMemoryFails)) s.Speaks("no-supported-device", old_card ? kDecisive : kWeak);
  // A build of one's own has code for what it was configured for.
  if (old_card || story.Mentions("install_method", "source")) s.Speaks("cuda-invalid-image", kStrong);
  if (s.any() && story.capability.empty()) s.Wants(story.facts.gpus);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "compute-capability-too-old",
    .link = Link::kGpuArchitecture,
    .effect = Effect::kBlocks,
    .title = "This TensorFlow has no code for a GPU as old as this one",
    .prior = 0.05,
    .explained_by = {{{"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

A GPU runs only code that was compiled for its generation (its compute capability). This TensorFlow was compiled for newer GPUs only.

## How it is recognised

The compute capability of the GPU is compared with the machine code and the PTX inside this TensorFlow. TensorFlow 2.17 and later starts at 6.0 (Pascal), 2.15 and 2.16 at 5.0 (Maxwell), older ones at 3.5 (Kepler).

## How it happens

TensorFlow drops old GPU generations from time to time.

## What people say

"My card is old", "minimum required Cuda capability is 3.5, 5.2 or 6.0", "Ignoring visible gpu device", "Kepler, GT, GTX 6xx, 7xx, K40, K520, K80", "no kernel image".

## How to fix it

Use an older TensorFlow that still has code for the GPU (and an older Python for it), or a newer GPU.
)md",
};

}  // namespace tfdoctor::compute_capability_too_old
