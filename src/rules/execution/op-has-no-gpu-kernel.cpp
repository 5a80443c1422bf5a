#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::op_has_no_gpu_kernel {

namespace {

void JudgeLog(Signs& s) {
  // It has one, and this process has no GPU.
  if (GpuNotRegistered(s.story)) return s.Drop();
  s.Proves("no-gpu-kernel").Proves("colocated-without-kernel").Speaks("kernels-registered", kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "op-has-no-gpu-kernel",
    .link = Link::kExecution,
    .effect = Effect::kProgram,
    .title = "An operation that has no code for GPUs is pinned to the GPU",
    .prior = 0.03,
    .log = JudgeLog,
    .page = R"md(## What it means

The program (or a saved graph) demands that an operation runs on the GPU, and this operation or its type exists for the CPU only. The GPU is fine.

## How it is recognised

`Could not satisfy explicit device specification '/device:GPU:0' because no supported kernel for GPU devices is available`, with a list of the operations in the same group.

## How it happens

`with tf.device('/GPU:0')` around code that handles text, files or int32, or a graph that was saved on another machine.

## What people say

"Could not satisfy explicit device specification", "no supported kernel for GPU devices", "only a CPU kernel is registered for this operation", "allow_soft_placement=True helped", "string, resize, sparse or metric operation in tf.device('/gpu:0')".

## How to fix it

Let TensorFlow choose where an operation has no code for GPUs: `tf.config.set_soft_device_placement(True)`, in TensorFlow 1 `allow_soft_placement=True` in the session's configuration. Or narrow the `tf.device` block.
)md",
};

}  // namespace tfdoctor::op_has_no_gpu_kernel
