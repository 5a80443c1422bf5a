#include <algorithm>

#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"
#include "rules/repair.h"

namespace tfdoctor::other_vendor_build {

namespace {

bool HasAmdGpu(const Facts& facts) {
  const auto* gpus = facts.gpus.Get();
  return gpus != nullptr && std::any_of(gpus->begin(), gpus->end(),
                                        [](const auto& entry) { return entry.second.vendor.Is("AMD"); });
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  const std::string other = OtherAccelerator(facts);
  if (other.empty()) return Verdict::Silent();
  const TensorFlow& tensorflow = facts.tensorflow;
  const bool rocm = tensorflow.rocm_build.Is(true);
  if (rocm && HasNvidiaGpu(facts) == Answer::kYes && facts.gpus.Present() && !HasAmdGpu(facts)) {
    const std::string* version = tensorflow.version.Peek();
    Verdict verdict = Verdict::Holds()
                          .Because(tensorflow.rocm_build, "this build is for ROCm, AMD's CUDA")
                          .Because(facts.gpus, "the GPU here is NVIDIA's")
                          .WithReason("rocm");
    const std::string replacement = WorkingTensorFlow(facts, knowledge, version == nullptr ? "" : *version);
    if (replacement.empty())
      return std::move(verdict).WithFix(InstallFitting(facts, knowledge, InTheWay(facts, "")));
    return std::move(verdict).WithFix(
        InstallTensorFlow(facts, knowledge, replacement, InTheWay(facts, replacement)));
  }
  const FactBase& sign = rocm ? static_cast<const FactBase&>(tensorflow.rocm_build) : tensorflow.plugins;
  return Verdict::Open()
      .Because(sign, "it computes through " + other)
      .WithReason("not-judged")
      .WithTitle("This TensorFlow computes through " + other + ", which tfdoctor does not judge")
      .WithExplanation(
          "tfdoctor knows NVIDIA's GPUs and CUDA. Whether this TensorFlow finds its GPU, it tells itself.")
      .WithFix(Advice("Ask it", {Interpreter(facts) +
                                 " -c 'import tensorflow as tf; print(tf.config.list_physical_devices())'"}));
}

void JudgeLog(Signs& s) {
  s.Speaks("hipinit-failed", kStrong).Speaks("hip-no-binary", kDecisive);
  if (!s.any()) return;
  s.Reason("not-judged");
  s.Title("This TensorFlow computes through AMD's ROCm, which tfdoctor does not judge");
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "other-vendor-build",
    .link = Link::kTensorFlow,
    .effect = Effect::kBlocks,
    .title = "This TensorFlow is built for another maker's GPUs",
    .prior = 0.01,
    .explained_by = {{{"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"}}},
    .explains = {"no-nvidia-gpu", "cpu-only-tensorflow"},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

There are TensorFlows for other GPUs than NVIDIA's: tensorflow-rocm for AMD's, tensorflow-directml for those of Windows, plug-ins of Intel, Microsoft and Apple. They use no CUDA.

## How it is recognised

`is_rocm_build` in TensorFlow's own build_info.py, the name of the distribution, or libraries in `site-packages/tensorflow-plugins`. With ROCm on a machine that has NVIDIA's GPUs only, nothing can work; all else is not judged.

## How it happens

The environment was made for another machine, or by instructions for another GPU.

## What people say

"ROCm, DirectML, oneAPI build", "AMD card with tensorflow-rocm".

## How to fix it

On a machine with an NVIDIA GPU: uninstall it and install `tensorflow[and-cuda]`. On one with the other maker's GPU: that maker's own instructions.
)md",
};

}  // namespace tfdoctor::other_vendor_build
