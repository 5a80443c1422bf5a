#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::gpu_memory_fragmentation {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  // The advice is always printed; what speaks for it is that a small piece could not be had.
  double smallest = -1;
  for (const std::string& size : story.Fields("allocator-out-of-memory", "size")) {
    const double mib = MiB(size);
    if (mib >= 0 && (smallest < 0 || mib < smallest)) smallest = mib;
  }
  const bool small = smallest >= 0 && smallest < 256;
  // What was free when a piece could not be had.
  const double limit = MiB(story.Field("allocator-limit", "limit")),
               used = MiB(story.Field("allocator-in-use", "size"));
  s.That(limit > 0 && used >= 0 && used < 0.7 * limit,
         "much of the pool was free, and no piece of it was large enough", kDecisive);
  s.Speaks("says-free-and-out", story.Saw("session-not-created") ? kWeak : kDecisive)
      .Speaks("says-better-without-growth", kDecisive);
  if (story.Saw("fragmentation-hint") && !PoolIsTiny(story)) {
    s.Speaks("fragmentation-hint", kWeak);
    s.That(small && !story.Saw("oom-tensor"), "the piece that could not be had is small", kStrong);
  }
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "gpu-memory-fragmentation",
    .link = Link::kMemory,
    .effect = Effect::kBlocks,
    .title = "The GPU's memory is free in total, but not in one piece",
    .prior = 0.02,
    .explained_by = {{{"gpu-memory-held-by-other-process"}}},
    .log = JudgeLog,
    .page = R"md(## What it means

Enough memory of the GPU is free, but in pieces that are too small for the next tensor.

## How it is recognised

A small allocation fails after a long time of training, and the allocator's statistics show much free memory. TensorFlow's advice to try `cuda_malloc_async` alone proves nothing: it is always printed.

## How it happens

Tensors of changing sizes: batches of different length, images of different size.

## What people say

"Out of memory although enough is free", "fails after some time, not at the start", "cuda_malloc_async helped", "regions cannot be joined", "varying sizes".

## How to fix it

export TF_GPU_ALLOCATOR=cuda_malloc_async

Give the tensors few different shapes, for example by padding to fixed lengths.
)md",
};

}  // namespace tfdoctor::gpu_memory_fragmentation
