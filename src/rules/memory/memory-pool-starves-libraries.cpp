#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::memory_pool_starves_libraries {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  const double share = FreeShare(story);
  // After such an error nothing of CUDA works any more.
  if (story.SawAny({"cuda-illegal-instruction", "cuda-illegal-address"})) return;
  if (story.Saw(Shows::kVersionsDiffer) || PoolIsTiny(story) || (share >= 0 && share < 0.2)) return;
  s.Speaks("cublas-handle", kStrong).Speaks("cudnn-handle", kStrong).Speaks("conv-algorithm", kStrong);
  s.Speaks("blas-missing", kStrong).Speaks("dnn-not-found", kWeak).Speaks("cublas-alloc-failed", kStrong);
  s.Speaks("cudnn-alloc-failed", kStrong).Speaks("cublas-not-initialized", kWeak);
  s.Speaks("cudnn-internal-error", kWeak)
      .Speaks("cudnn-not-initialized", kWeak)
      .Speaks("no-algorithm-worked", kStrong);
  s.Speaks("blas-launch-failed", kWeak);
  s.States(
      story.Saw("says-framework-beside") && story.SawAny({"says-out-of-memory", "dnn-not-found"}),
      "says-framework-beside",
      "TensorFlow takes the whole memory of the GPU, and another framework in the same program finds none",
      kDecisive);
  s.States(story.Saw("says-dense-works") && story.Saw("says-conv-fails"), "says-conv-fails",
           "cuBLAS works and cuDNN finds no memory", kStrong);
  if (s.any()) s.Wants(story.facts.device_memory.holders);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "memory-pool-starves-libraries",
    .link = Link::kMemory,
    .effect = Effect::kBlocks,
    .title = "TensorFlow's own pool leaves cuBLAS or cuDNN no memory",
    .prior = 0.06,
    .explained_by = {{{"cudnn-version-mismatch"},
                      {"cudnn-loaded-by-other-package"},
                      {"cuda-version-mismatch"},
                      {"gpu-memory-held-by-other-process"},
                      {"driver-too-old"},
                      {"compute-capability-too-new"},
                      {"compute-capability-too-old"}}},
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow takes nearly all memory of the GPU for its pool. cuBLAS and cuDNN need memory beside it for their handles and workspaces, and find none.

## How it is recognised

`failed to create cublas handle`, `Could not create cudnn handle`, `Failed to get convolution algorithm` or `CUDNN_STATUS_ALLOC_FAILED`, without a line `Loaded runtime CuDNN library` that names two versions. The text `Possibly insufficient driver version` that follows is always printed and means nothing.

## How it happens

Small cards, a desktop that uses the same card, or several programs on one card.

## What people say

"allow_growth or set_memory_growth fixed it", "CUDNN_STATUS_INTERNAL_ERROR, CUBLAS_STATUS_ALLOC_FAILED at the start", "Failed to get convolution algorithm on an RTX card", "per_process_gpu_memory_fraction helped".

## How to fix it

export TF_FORCE_GPU_ALLOW_GROWTH=true

Or call `tf.config.experimental.set_memory_growth(gpu, True)` for every GPU before anything else uses TensorFlow. If the error stays, another process holds the memory, or the version of cuDNN does not fit.
)md",
};

}  // namespace tfdoctor::memory_pool_starves_libraries
