#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"
#include "rules/program.h"

namespace tfdoctor::ptx_version_too_old {

namespace {

// The first CUDA whose code generator knows Blackwell (PTX ISA 8.7). Source: CUDA 12.8 release notes.
constexpr const char* kFirstForBlackwell = "12.8";

Verdict Check(const Facts& facts, const Knowledge&) {
  if (!IsCudaBuild(facts)) return Verdict::Silent();
  const GpusInUse use = FindGpusInUse(facts);
  const Gpu* blackwell = nullptr;
  const Gpu* older = nullptr;
  for (const Gpu* gpu : use.gpus) {
    const std::string* capability = gpu->compute_capability.Get();
    if (capability == nullptr) continue;
    (MajorVersion(*capability) < 10 ? older : blackwell) = gpu;
  }
  if (blackwell == nullptr && older == nullptr) return Verdict::Silent();
  if (blackwell == nullptr) return Verdict::Excluded().Because(older->compute_capability, Describe(*older));
  const std::string* cuda = facts.tensorflow.cuda_version.Get();
  const std::string* version = facts.tensorflow.version.Get();
  if (cuda == nullptr || CompareVersions(*cuda, kFirstForBlackwell) >= 0) return Verdict::Silent();
  Verdict verdict = Verdict::Open();
  verdict.Because(facts.tensorflow.cuda_version,
                  "built with CUDA " + *cuda + "; " + Describe(*blackwell) + " came with CUDA 12.8",
                  Strength::kWeak);
  // Reported from the 2.22 nightlies only.
  if (version != nullptr && CompareVersions(*version, "2.22") >= 0)
    verdict.Because(facts.tensorflow.version,
                    "TensorFlow 2.22 ends with \"PTX version 8.5 does not support target 'sm_120'\"");
  verdict = std::move(verdict).WithFix(
      Advice("Use NVIDIA's build, which knows this GPU",
             {"docker run --rm -it --gpus all nvcr.io/nvidia/tensorflow:25.02-tf2-py3"}));
  return older == nullptr ? verdict : OfSomeGpus(use, std::move(verdict), *older, Describe(*older));
}

void JudgeLog(Signs& s) {
  s.Proves("llvm-ptx").Speaks("llvm-target-unknown", kDecisive);
  s.Speaks("cuda-unsupported-ptx", kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "ptx-version-too-old",
    .link = Link::kGpuArchitecture,
    .effect = Effect::kBlocks,
    .title = "The compiler inside this TensorFlow is too old for this GPU",
    .prior = 0.05,
    .explained_by = {{{"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

XLA, the compiler inside TensorFlow, writes code in a version of PTX that does not know this generation of GPUs, so what it compiles is refused.

## How it is recognised

The GPU is a Blackwell (compute capability 10 or 12) and this TensorFlow was built with a CUDA before 12.8. Message: "LLVM ERROR: PTX version 8.5 does not support target 'sm_120'". The `ptxas` on PATH does not matter for it.

## How it happens

The packages on PyPI are built with CUDA 12.5.

## What people say

"PTX version does not support target sm_89", "Triton or XLA writes PTX for an older GPU", "ptxas fatal: Ptx assembly aborted", "LLVM does not know the GPU".

## How to fix it

Use a build made with CUDA 12.8 or newer, such as NVIDIA's container 25.02.
)md",
};

}  // namespace tfdoctor::ptx_version_too_old
