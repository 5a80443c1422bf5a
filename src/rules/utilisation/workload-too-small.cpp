#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::workload_too_small {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  if (!story.trouble) s.Speaks("says-slower-on-gpu", kStrong);
  if (!story.trouble && story.SawAny({"says-slow", "says-gpu-idle", "says-gpu-used", "says-slower-on-gpu"}))
    s.Speaks("says-small-steps", kStrong);
  s.States(GpuWorks(story) && story.Stated("batch_size") == "1", "batch_size", "a batch of one", kDecisive);
  s.States(GpuWorks(story) && story.Saw("says-gpu-used") && story.Stated("batch_size").empty(),
           "says-gpu-used", "the GPU is used; small work does not keep it busy", kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "workload-too-small",
    .link = Link::kUtilisation,
    .effect = Effect::kDegrades,
    .title = "The work is too small to keep the GPU busy",
    .prior = 0.035,
    .log = JudgeLog,
    .page = R"md(## What it means

Each step computes so little that starting kernels and copying data takes longer than the computation. The CPU may be faster.

## How it is recognised

The GPU is used and its load is low; larger batches make the time per sample fall.

## How it happens

A batch of one, small layers, reinforcement learning with single steps.

## What people say

"The GPU is slower than the CPU", "small network, MNIST, tiny batch, few units", "two GPUs are slower than one", "low utilisation with a small model".

## How to fix it

Make the batch larger, put several steps into one `tf.function` (`steps_per_execution` in Keras' `compile`), or use the CPU.
)md",
};

}  // namespace tfdoctor::workload_too_small
