#include <algorithm>

#include "base/text.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

// Of what was free at the start, a small part of the card; -1: the log does not say.
double FreeShare(const LogStory& story) {
  double free = MiB(story.Field("free-memory", "free")), total = MiB(story.Field("total-memory", "total"));
  if (free < 0 && !story.Stated("free_mib").empty()) free = MiB(story.Stated("free_mib") + "MiB");
  if (total < 0 && !story.Stated("total_gib").empty()) total = MiB(story.Stated("total_gib") + "GiB");
  return free < 0 || total <= 0 ? -1 : free / total;
}

bool OtherProcess(const LogStory& story) {
  return story.Yes("other_gpu_processes") || StatedAnywhere(story, "other process") ||
         StatedAnywhere(story, "another process");
}

// A version that does not fit explains what cuDNN says better than memory does.
bool VersionsDiffer(const LogStory& story) {
  return story.SawAny({"cudnn-version-mismatch", "autotuner-no-config", "cudnn-sublibrary-mismatch",
                       "cuda-insufficient-driver", "cuda-no-binary", "cuda-invalid-image",
                       "cuda-invalid-ptx"});
}

void HeldByOther(Signs& s) {
  const LogStory& story = s.story;
  const double share = FreeShare(story);
  s.ThatProves(share >= 0 && share < 0.2,
               "almost nothing of the GPU's memory was free before TensorFlow took any");
  const bool fails = HandlesFail(story) || MemoryFails(story) || story.Saw("cuda-out-of-memory");
  if (OtherProcess(story) && fails) s.StatesProof(true, "other_gpu_processes", "other processes use the GPU");
  s.States(OtherProcess(story) && !fails, "other_gpu_processes", "other processes use the GPU", kStrong);
  if (s.any()) return;
  if (VersionsDiffer(story)) return;
  s.Speaks("blas-launch-failed", kStrong)
      .Speaks("cublas-alloc-failed", kWeak)
      .Speaks("cuda-out-of-memory", kWeak);
  s.Speaks("dst-not-initialized", kWeak);
  if (s.any()) s.Wants(story.facts.device_memory.holders);
}

void PoolStarves(Signs& s) {
  const LogStory& story = s.story;
  const double share = FreeShare(story);
  if (VersionsDiffer(story) || (share >= 0 && share < 0.2)) return;
  s.Speaks("cublas-handle", kStrong).Speaks("cudnn-handle", kStrong).Speaks("conv-algorithm", kStrong);
  s.Speaks("blas-missing", kStrong).Speaks("dnn-not-found", kWeak).Speaks("cublas-alloc-failed", kStrong);
  s.Speaks("cudnn-alloc-failed", kStrong).Speaks("cublas-not-initialized", kWeak);
  s.Speaks("cudnn-internal-error", kWeak)
      .Speaks("cudnn-not-initialized", kWeak)
      .Speaks("no-algorithm-worked", kStrong);
  s.Speaks("blas-launch-failed", kWeak);
  s.States(story.Yes("dense_ok") && story.Yes("conv_fails"), "conv_fails",
           "cuBLAS works and cuDNN finds no memory", kStrong);
  if (s.any()) s.Wants(story.facts.device_memory.holders);
}

void TooLarge(Signs& s) {
  const LogStory& story = s.story;
  s.Speaks("oom-tensor", kDecisive)
      .Speaks("allocator-out-of-memory", kStrong)
      .Speaks("resource-exhausted", kWeak);
  s.Speaks("dst-not-initialized", kWeak);
  if (s.any()) s.Wants(story.facts.device_memory.holders);
}

void Fragmentation(Signs& s) {
  const LogStory& story = s.story;
  // The advice is always printed; what speaks for it is that a small piece could not be had.
  double smallest = -1;
  for (const std::string& size : story.Fields("allocator-out-of-memory", "size")) {
    const double mib = MiB(size);
    if (mib >= 0 && (smallest < 0 || mib < smallest)) smallest = mib;
  }
  const bool small = smallest >= 0 && smallest < 256;
  if (story.Saw("fragmentation-hint")) {
    s.Speaks("fragmentation-hint", small ? kStrong : kWeak);
    s.That(small && !story.Saw("oom-tensor"), "the piece that could not be had is small", kStrong);
  }
}

constexpr LogRule kRules[] = {
    {"gpu-memory-held-by-other-process", HeldByOther},
    {"memory-pool-starves-libraries", PoolStarves},
    {"model-or-batch-too-large", TooLarge},
    {"gpu-memory-fragmentation", Fragmentation},
};

}  // namespace

namespace rules {
extern const std::span<const LogRule> kLog_memory;
const std::span<const LogRule> kLog_memory = kRules;
}  // namespace rules

}  // namespace tfdoctor
