#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"
#include "rules/program.h"

namespace tfdoctor::compute_capability_too_new {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  if (!IsCudaBuild(facts)) return Verdict::Silent();
  const GpusInUse use = FindGpusInUse(facts);
  if (use.gpus.empty()) return Verdict::Silent();
  const auto* sass = facts.tensorflow.sass.Get();
  const auto* ptx = facts.tensorflow.ptx.Get();
  if (sass == nullptr || sass->empty() || facts.tensorflow.ptx.Unknown()) return Verdict::Silent();
  const Gpu* newest = nullptr;
  const Gpu* fits = nullptr;
  for (const Gpu* gpu : use.gpus) {
    const std::string* capability = gpu->compute_capability.Get();
    if (capability == nullptr) continue;
    if (MachineCodeRuns(*sass, *capability)) {
      fits = gpu;
    } else if (CompareVersions(*capability, sass->back()) > 0) {
      newest = gpu;
    }
  }
  const auto has_code = [&] { return "TensorFlow has machine code for " + Describe(*fits); };
  if (newest == nullptr && fits == nullptr) return Verdict::Silent();
  if (newest == nullptr) return Verdict::Excluded().Because(fits->compute_capability, has_code());
  const std::string& capability = *newest->compute_capability.Peek();
  bool compiled_at_start = ptx != nullptr && PtxRuns(*ptx, capability);
  // Compiling PTX at the start is what CUDA promises, and works for other generations. On Blackwell people
  // report CUDA_ERROR_INVALID_PTX from the release wheels 2.18 to 2.20: contradictory, so neither is said
  // with confidence.
  if (compiled_at_start && MajorVersion(capability) < 10) return Verdict::Silent();
  Verdict verdict = compiled_at_start ? Verdict::Open() : Verdict::Holds();
  verdict.Because(newest->compute_capability, Describe(*newest) + ": no machine code for it");
  if (compiled_at_start) {
    verdict.Because(facts.tensorflow.ptx,
                    "its PTX for " + ptx->back() +
                        " should be compiled by the driver, but people report CUDA_ERROR_INVALID_PTX",
                    Strength::kWeak);
  } else {
    verdict.Because(facts.tensorflow.ptx, "no PTX that the driver could compile for it");
  }
  verdict = std::move(verdict).WithFix(
      Advice("Use NVIDIA's build, which has code for this GPU",
             {"docker run --rm -it --gpus all nvcr.io/nvidia/tensorflow:25.02-tf2-py3"}));
  return fits == nullptr ? verdict : OfSomeGpus(use, std::move(verdict), *fits, has_code());
}

// Some release in our data has machine code for this GPU.
bool AnyReleaseHasCode(const LogStory& story) {
  for (std::string_view version : story.knowledge.CudaVersions("tensorflow", "x86_64")) {
    const TensorFlowBuild* build = story.knowledge.FindBuild("tensorflow", version, "x86_64");
    if (build != nullptr && MachineCodeRuns(build->sass, story.capability)) return true;
  }
  return false;
}

bool BlasTooOld(const LogStory& story) {
  return story.Saw("blas-launch-failed") || story.Saw("cublas-execution-failed");
}

bool NewerThanCuda(const LogStory& story) {
  const std::string cuda = story.cuda.empty() ? CudaOfBuild(story) : story.cuda;
  const std::string highest = cuda.empty() ? std::string() : story.knowledge.CudaLimits(cuda).highest;
  return !highest.empty() && !story.capability.empty() && CompareVersions(story.capability, highest) > 0;
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  std::string why;
  const CodeAge age = AgeOfCode(story, why);
  const bool fails = story.Saw(Shows::kNoCode) || story.SawAny({"cuda-invalid-ptx", "cuda-invalid-handle"}) ||
                     BlasTooOld(story);
  // NVIDIA makes a TensorFlow of its own for each Jetson; without nvidia-smi no GPU is there to be too new.
  if (story.SawAny({"llvm-ptx", "says-jetson", "says-no-smi"})) return;
  // TensorFlow leaves out GPUs that are too old, or that it cannot open, and no new one.
  if (story.Saw("no-supported-device")) return;
  if (age == CodeAge::kNewer && fails) s.ThatProves(true, why);
  // What runs on it of its generation's code, the cuBLAS of a CUDA before it does not all choose rightly.
  s.That(age == CodeAge::kRuns && BlasTooOld(story) && NewerThanCuda(story),
         "the GPU is newer than the CUDA that this TensorFlow was built with", kDecisive);
  // PTX that the build carries is compiled for the GPU at the start: that nothing is said to fail does not
  // tell whether it is. Who waits has it compiled; whose GPU is left out has another trouble.
  const bool left_out =
      story.SawAny({"says-gpu-not-used", "only-cpu-listed", "no-gpu-in-process"}) || GpuTrouble(story);
  const Strength sure = !MayHavePtx(story) ? kDecisive : StartsSlowly(story) || left_out ? kWeak : kStrong;
  if (age == CodeAge::kNewer && !fails && !story.gpu_registered) s.That(true, why, sure);
  // Before CUDA knew such a GPU, its kernels ran and computed rubbish.
  if (age == CodeAge::kNewer && !fails) s.Speaks("says-wrong-numbers", kDecisive);
  if (age == CodeAge::kOlder && !IsBlackwell(story)) return;
  // Of lines that are harmless alone, the GPU is none of the reasons.
  const bool no_sign =
      !s.any() && !LibrariesFail(story) && !story.Saw("ptx-jit") && (story.trouble || !story.harmless);
  s.That(no_sign && IsBlackwell(story) && !AnyReleaseHasCode(story),
         "no release of TensorFlow that is known here has machine code for this GPU",
         !story.trouble && story.Stated("tf_version").empty() ? kWeak : kStrong);
  s.Speaks("cuda-invalid-ptx", kDecisive);
  if (story.Saw("ptx-jit")) s.Speaks("cuda-invalid-handle", kDecisive).Speaks("cuda-no-binary", kDecisive);
  if (story.Saw("ptx-jit") && IsBlackwell(story)) s.Speaks("ptx-jit", kStrong);
  // cuBLAS ran and failed: Ampere and later need one that is made for them.
  const bool ampere = !story.capability.empty() && CompareVersions(story.capability, "8.0") >= 0;
  if (ampere && age == CodeAge::kUnknown) {
    // Of a release that is known, CUDA is known, and would have told.
    const bool release_known = !CudaOfBuild(story).empty();
    if (story.Saw("blas-launch-failed") || !release_known) s.Speaks("cublas-execution-failed", kStrong);
    if (!fails && !release_known) s.Speaks("says-wrong-numbers", kStrong);
  }
  if (!s.any() && story.capability.empty()) s.Speaks("cublas-execution-failed", kWeak);
  const bool old_card = !story.capability.empty() && CompareVersions(story.capability, "6.0") < 0;
  const bool own_build = story.Mentions("install_method", "source");
  if (!old_card)
    s.Speaks("cuda-invalid-image", own_build ? kWeak : kDecisive).Speaks("cuda-no-binary", kStrong);
  if (fails && age == CodeAge::kCompiled) s.That(true, why, kStrong);
  if (s.any() && story.capability.empty()) s.Wants(story.facts.gpus);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "compute-capability-too-new",
    .link = Link::kGpuArchitecture,
    .effect = Effect::kBlocks,
    .title = "This GPU is newer than the code in this TensorFlow",
    .prior = 0.04,
    .explained_by = {{{"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The GPU is newer than this TensorFlow: the package has no machine code for it. What it has in the portable form PTX would have to be compiled by the driver when the program starts, and that is reported to fail on Blackwell GPUs (RTX 50 series, B200).

## How it is recognised

The compute capability of the GPU is above all machine code in this TensorFlow. With PTX for an older generation the cause stays open: the documentation says that it works, reports say that it fails. Only a run decides.

## How it happens

No TensorFlow on PyPI up to 2.22 has machine code above compute capability 9.0.

## What people say

"New card, old TensorFlow", "RTX 30, 40 or 50 with TensorFlow 1", "wrong results, NaN or hangs since I changed the card", "no kernel image is available", "it works with nightly, a newer CUDA or NVIDIA's build", "sm_86, sm_89, sm_120".

## How to fix it

Use a build for the GPU: NVIDIA's container (25.02 or newer), or a newer TensorFlow once it lists the generation. Training something small shows whether yours works all the same.
)md",
};

}  // namespace tfdoctor::compute_capability_too_new
