#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::libdevice_not_found {

namespace {

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (!IsCudaBuild(facts)) return Verdict::Silent();
  const CudaTools& tools = facts.cuda_libraries.tools;
  if (tools.libdevice.Present())
    return Verdict::Excluded().Because(tools.libdevice, "libdevice.10.bc is found");
  if (!tools.libdevice.Absent()) return Verdict::Silent();
  // Keras compiles its training step with XLA by default since 2.16 (jit_compile="auto"); before, only on
  // request.
  const std::string* version = facts.tensorflow.version.Get();
  bool by_default = version != nullptr && CompareVersions(*version, "2.16") >= 0;
  Verdict verdict = by_default ? Verdict::Holds() : Verdict::Silent();
  verdict.Because(tools.libdevice, "libdevice.10.bc is in none of the folders where XLA looks");
  return std::move(verdict).WithFix(InstallCudaLibraries(facts, knowledge));
}

void JudgeLog(Signs& s) {
  s.Proves("libdevice-not-found");
  // The warning alone becomes an error only when a program needs it.
  s.Speaks("libdevice-dir", kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "libdevice-not-found",
    .link = Link::kCudaLibraries,
    .effect = Effect::kBlocks,
    .title = "XLA does not find libdevice.10.bc",
    .prior = 0.03,
    .explained_by = {{{"cuda-libraries-missing"},
                      {"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

XLA, TensorFlow's compiler, needs the file `libdevice.10.bc` of the CUDA toolkit. The GPU is listed, but what is compiled with XLA fails; since TensorFlow 2.16 that is every `model.fit` with Keras 3.

## How it is recognised

The file is in none of the folders where XLA looks: `--xla_gpu_cuda_data_dir` of XLA_FLAGS, `./cuda_sdk_lib`, `/usr/local/cuda`, `/opt/cuda`, and since 2.14 `site-packages/nvidia/cuda_nvcc`. Message: "libdevice not found at ./libdevice.10.bc".

## How it happens

The package `nvidia-cuda-nvcc-cu12` is missing (TensorFlow was installed without `[and-cuda]`), or the toolkit comes from conda or the distribution and lies elsewhere.

## What people say

"jit_compile or XLA fails, normal training works", "libdevice.10.bc", "nvvm folder", "--xla_gpu_cuda_data_dir", "new Keras optimizers fail", "CUDA from conda".

## How to fix it

Install TensorFlow's own set, which has the file:

    python -m pip install 'tensorflow[and-cuda]==VERSION'

or tell XLA where the toolkit is: `export XLA_FLAGS=--xla_gpu_cuda_data_dir=/path/to/cuda`.
)md",
};

}  // namespace tfdoctor::libdevice_not_found
