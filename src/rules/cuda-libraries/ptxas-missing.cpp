#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::ptxas_missing {

namespace {

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (!IsCudaBuild(facts)) return Verdict::Silent();
  const CudaTools& tools = facts.cuda_libraries.tools;
  if (tools.ptxas.Present()) return Verdict::Excluded().Because(tools.ptxas, "ptxas is found");
  if (!tools.ptxas.Absent()) return Verdict::Silent();
  return Verdict::Holds()
      .Because(tools.ptxas, "ptxas is in none of the folders where XLA looks")
      .WithFix(InstallCudaLibraries(facts, knowledge));
}

void JudgeLog(Signs& s) {
  s.Proves("ptxas-missing").Speaks("says-no-ptxas", kDecisive);
  // There it is never run, and the same words follow.
  if (s.story.Saw("ptxas-not-on-windows")) return;
  // A check of memory that is left out says so, too: where memory ran out, that is what happened.
  s.Speaks("ptxas-not-run", s.story.Saw(Shows::kMemoryFails) ? kAgainst : kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "ptxas-missing",
    .link = Link::kCudaLibraries,
    .effect = Effect::kDegrades,
    .title = "XLA does not find ptxas",
    .prior = 0.03,
    .explained_by = {{{"cuda-libraries-missing"},
                      {"libdevice-not-found"},
                      {"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

XLA compiles kernels with NVIDIA's assembler `ptxas`. Without it the driver must do that work: slower at the start, and some programs compiled with XLA fail.

## How it is recognised

`ptxas` is in none of the folders where XLA looks (the same as for libdevice) and not on PATH. Message: "Couldn't invoke ptxas --version".

## How it happens

The package `nvidia-cuda-nvcc-cu12` is missing since TensorFlow was installed without `[and-cuda]`, or the toolkit lies elsewhere.

## What people say

"ptxas not found in PATH", "No PTX compilation provider", "the runtime image has no nvcc", "cuda-nvcc installed and it works", "XLA falls back and is slow".

## How to fix it

Install TensorFlow's own set, which has it:

    python -m pip install 'tensorflow[and-cuda]==VERSION'
)md",
};

}  // namespace tfdoctor::ptxas_missing
