#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::model_or_batch_too_large {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  if (PoolIsTiny(story)) {
    // Whatever the model is, it does not fit into what TensorFlow got: that tells nothing of the model.
    s.Speaks("oom-tensor", kWeak);
    if (!s.any()) s.Speaks("allocator-out-of-memory", kWeak).Speaks("dst-not-initialized", kWeak);
    s.That(s.any(), "TensorFlow got hardly any of the GPU's memory", kAgainst);
    if (s.any()) s.Wants(story.facts.device_memory.holders);
    return;
  }
  s.Speaks("oom-tensor", LittleWasLeft(story) ? kStrong : kDecisive)
      .Speaks("allocator-out-of-memory", kStrong)
      .Speaks("resource-exhausted", kWeak);
  s.Speaks("dst-not-initialized", kStrong);
  const double limit = MiB(story.Field("allocator-limit", "limit")),
               used = MiB(story.Field("allocator-in-use", "size"));
  s.That(limit > 0 && used > 0.9 * limit, "the pool was full of what the program uses", kDecisive);
  if (!story.MaySee("allocator-limit")) s.Speaks("allocator-in-use", kWeak).Speaks("allocator-chunks", kWeak);
  if (s.any()) s.Wants(story.facts.device_memory.holders);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "model-or-batch-too-large",
    .link = Link::kMemory,
    .effect = Effect::kBlocks,
    .title = "The model or the batch does not fit into the GPU's memory",
    .prior = 0.05,
    .explained_by = {{{"gpu-memory-held-by-other-process"}}},
    .log = JudgeLog,
    .page = R"md(## What it means

The program needs more memory than the GPU has. TensorFlow and the driver are fine.

## How it is recognised

`OOM when allocating tensor with shape[...]`, `ran out of memory trying to allocate`, `ResourceExhaustedError`, `Dst tensor is not initialized`. Lines that end in `The caller indicates that this is not a failure` are harmless.

## How it happens

A larger batch, larger images, a longer sequence, or an optimizer that keeps copies of each weight.

## What people say

"Reducing the batch size helped", "OOM with large images or a large model", "ResourceExhaustedError", "the card has too little memory for it", "long sequences, big vocabulary, high resolution".

## How to fix it

Make the batch smaller, then the model. `nvidia-smi` shows whether another process holds a part of the memory. Mixed precision (`mixed_float16`) halves what activations take on cards with Tensor Cores.
)md",
};

}  // namespace tfdoctor::model_or_batch_too_large
