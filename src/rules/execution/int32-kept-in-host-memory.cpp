#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::int32_kept_in_host_memory {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  for (const char* id : {"op-placed", "device-of-result"}) {
    if (s.story.FieldHas(id, "device", "CPU:0")) s.Speaks("int32-tensor", kDecisive);
  }
  s.StatesProof(story.Mentions("dtype", "int32") && !story.trouble, "dtype",
                "tensors of int32 are kept in the host's memory by design");
  if (story.FieldHas("device-of-result", "device", "CPU:0") && !story.trouble)
    s.Speaks("says-int32", kDecisive);
  s.Speaks("conflicting-devices", story.Saw("says-int32") ? kDecisive : kWeak);
  if (story.only_stated) s.Speaks("says-int32", kStrong);
  s.States(story.Mentions("dtype", "int32") && story.trouble && !GpuTrouble(story), "dtype",
           "tensors of int32 are kept in the host's memory by design", kStrong);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "int32-kept-in-host-memory",
    .link = Link::kExecution,
    .effect = Effect::kHarmless,
    .title = "int32 tensors are kept in the host's memory by design",
    .prior = 0.02,
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow keeps most int32 tensors in the host's memory although they are placed on the GPU: they are mostly shapes and indices, which the CPU needs. The GPU is used for everything else.

## How it is recognised

A small test with whole numbers runs on CPU:0 or shows no load, and the same test with float32 runs on the GPU.

## How it happens

The first test that people write uses `tf.constant([1, 2, 3])`.

## What people say

"int32 tensor lands on the CPU", "device says CPU:0 for integers", "float works, int does not", "dtype int32 variable or metric on the GPU".

## How to fix it

Nothing is to be repaired. Test with float32: `tf.random.normal((1000, 1000))`.
)md",
};

}  // namespace tfdoctor::int32_kept_in_host_memory
