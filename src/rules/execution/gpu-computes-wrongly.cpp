#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::gpu_computes_wrongly {

namespace {

void JudgeLog(Signs& s) {
  // The same program is right on the CPU. A release that nobody made for the GPU does that, too.
  if (s.story.Saw("says-right-on-cpu") && !s.story.Saw("says-hangs"))
    s.Speaks("says-wrong-numbers", kDecisive).Speaks("says-right-on-cpu", kStrong);
  if (!s.story.Saw("prove-wrong-result")) return;
  s.Proves("prove-wrong-result");
  s.Repair(
      Advice("Look for errors that the driver has noted, then try the newest driver, without overclocking "
             "and without a stand-in for the driver",
             {"sudo dmesg | grep -i -e xid -e nvrm | tail", "nvidia-smi -q -d ECC,TEMPERATURE,POWER"}));
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "gpu-computes-wrongly",
    .link = Link::kExecution,
    .effect = Effect::kBlocks,
    .title = "Operations run on the GPU, and their results are wrong",
    .prior = 0.002,
    .explained_by = {{{"gpu-hardware-fault"}, {"compute-capability-too-new"}, {"ptx-version-too-old"}}},
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow lists the GPU and runs operations on it without an error, and what comes back is not right: a network would be trained on garbage. Nothing else shows it.

## How it is recognised

`tfdoctor prove` adds and multiplies numbers on the GPU and compares the results with what is right: `tfdoctor prove: wrong result of add on GPU:0: the sum is 0 0 0, right is 5 7 9`.

## How it happens

Kernels that do nothing: a library that stands in for `libcuda.so.1` (for tests, for remote GPUs), or an emulator. Memory or arithmetic that fails: overclocking, heat, an aged card without ECC. Seldom a compiler that makes wrong code for a very new GPU.

## What people say

"All results are zero", "the GPU gives other numbers than the CPU", "NaN only on the GPU".

## How to fix it

Look for errors that the driver has noted, then try the newest driver, without overclocking and without a stand-in for the driver:

sudo dmesg | grep -i -e xid -e nvrm | tail

nvidia-smi -q -d ECC,TEMPERATURE,POWER
)md",
};

}  // namespace tfdoctor::gpu_computes_wrongly
