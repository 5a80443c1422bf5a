#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::ops_not_placed_on_gpu {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.States(story.Saw("says-gpu-not-used") && story.gpu_registered, "says-gpu-not-used",
           "the GPU is there and not used", kStrong);
  // Some run on the GPU, and some do not.
  for (const char* id : {"op-placed", "device-of-result"}) {
    const bool both = story.FieldHas(id, "device", "CPU:0") && story.FieldHas(id, "device", "GPU:0");
    if (both && !story.trouble && !story.SawAny({"says-int32", "int32-tensor"})) s.Speaks(id, kStrong);
  }
  if (!story.trouble) s.Speaks("says-op-on-cpu", kStrong).Speaks("says-nothing-runs-on-gpu", kStrong);
  // Functions of Dataset.map run on the CPU, whatever device stands around them.
  if (!story.trouble)
    s.Speaks("says-dataset-map", story.SawAny({"says-slow", "says-cpu-busy"}) ? kDecisive : kWeak);
  if (!story.trouble && !story.Saw("says-loads-data")) s.Speaks("says-gpu-idle", kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "ops-not-placed-on-gpu",
    .link = Link::kExecution,
    .effect = Effect::kDegrades,
    .title = "The GPU is there, and nothing of the program runs on it",
    .prior = 0.02,
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow has the GPU, but the operations of the program are placed on the CPU.

## How it is recognised

The device is created, its memory is taken, and its load stays at zero. `tf.debugging.set_log_device_placement(True)` prints where each operation runs.

## How it happens

`with tf.device('/CPU:0')` in a library, sparse or text operations only, or a strategy that was made for the CPU.

## What people say

"The GPU is listed, its memory is full and its utilisation is 0 %", "everything runs on the CPU", "one operation runs on the CPU, the timeline shows it", "functions of Dataset.map run on the CPU", "the algorithm is scikit-learn or NumPy, not TensorFlow".

## How to fix it

TF_CPP_MIN_LOG_LEVEL=0 python3 -c "import tensorflow as tf; tf.debugging.set_log_device_placement(True); tf.linalg.matmul(tf.ones((8, 8)), tf.ones((8, 8)))"

If that runs on the GPU, look for `tf.device` in the program.
)md",
};

}  // namespace tfdoctor::ops_not_placed_on_gpu
