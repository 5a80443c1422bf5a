#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "knowledge/xla.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::ptxas_too_old {

namespace {

// Why XLA of this TensorFlow has no use for a ptxas of this version, whatever the GPU; empty: it has.
std::string Refused(const std::string& tensorflow, const std::string& ptxas) {
  if (!XlaRunsPtxas(tensorflow, ptxas))
    return "XLA runs no ptxas before 11.8, nor 12.3.103, which has a known fault; this one is " + ptxas;
  // The message stands in 2.15.1 and 2.16.1.
  if (CompareVersions(ptxas, "11.1") < 0)
    return "XLA warns that ptxas before 11.1 compiles wrongly; this one is " + ptxas;
  return {};
}

// "8.9" when `cuda` is older than that GPU.
std::string UnknownGpu(const Facts& facts, const Knowledge& knowledge, const std::string& cuda) {
  ArchitectureLimits limits = knowledge.CudaLimits(cuda);
  if (limits.highest.empty()) return {};
  for (const Gpu* gpu : NvidiaGpus(facts)) {
    const std::string* capability = gpu->compute_capability.Get();
    if (capability != nullptr && CompareVersions(*capability, limits.highest) > 0) return *capability;
  }
  return {};
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (!IsCudaBuild(facts)) return Verdict::Silent();
  const CudaTools& tools = facts.cuda_libraries.tools;
  if (!tools.ptxas.Present()) return Verdict::Silent();
  const std::string* version = tools.ptxas_version.Get();
  const std::string* tensorflow = facts.tensorflow.version.Get();
  if (version == nullptr || tensorflow == nullptr) return Verdict::Silent();
  std::string refused = Refused(*tensorflow, *version);
  std::string unknown = refused.empty() ? UnknownGpu(facts, knowledge, *version) : "";
  if (refused.empty() && unknown.empty()) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  verdict.Because(tools.ptxas, "this is the ptxas that XLA finds")
      .Because(tools.ptxas_version,
               refused.empty()
                   ? fmt::format("ptxas of CUDA {} knows no GPU of compute capability {}", *version, unknown)
                   : refused);
  return std::move(verdict)
      .WithReason(refused.empty() ? "gpu" : "version")
      .WithFix(InstallCudaLibraries(facts, knowledge));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("ptxas-fallback").Proves("ptxas-miscompiles").Proves("ptxas-required");
  // The module was made and loaded, and what was asked for is not in it.
  if (story.Saw("cuda-not-found")) s.Speaks("kernel-not-in-module", kDecisive);
  const std::string version = story.Field("ptxas-old-comparison", "version"),
                    wanted = story.Field("ptxas-old-comparison", "wanted");
  // 1.12 compared the numbers wrongly.
  const bool wrong = !version.empty() && !wanted.empty() && CompareVersions(version, wanted) >= 0;
  const SeenMessage* message = story.Message("ptxas-old-comparison");
  if (message != nullptr && message->fields.Peek() != nullptr && !wrong) s.Proves("ptxas-old-comparison");
  // A warning beside what ended the program is not the answer.
  if (SomethingFails(story)) s.Lesser(Effect::kHarmless);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "ptxas-too-old",
    .link = Link::kCudaLibraries,
    .effect = Effect::kDegrades,
    .title = "The ptxas that XLA finds is too old",
    .prior = 0.02,
    .explained_by = {{{"cuda-libraries-missing"},
                      {"libdevice-not-found"},
                      {"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

XLA compiles kernels with NVIDIA's assembler `ptxas`. The one that it finds is older than this GPU, or of a version that XLA does not use. The driver must do that work: slower at the start, and programs compiled with XLA may fail.

## How it is recognised

The version of the `ptxas` that XLA takes, against the newest GPU that this version knows, and against the versions that XLA refuses (before 11.8, and 12.3.103). Messages: "ptxas does not support CC", "ptxas too old. Falling back to the driver to compile.", "which is older than 11.1. ptxas before 11.1 is known to miscompile XLA code", "Couldn't find a suitable version of ptxas".

## How it happens

An old CUDA toolkit is on PATH or in `/usr/local/cuda`, where XLA looks before it looks among pip's packages.

## What people say

"An old ptxas from /usr/local/cuda is used", "ptxas does not support sm_86 or sm_89", "a newer CUDA in PATH helped", "XLA warns that ptxas is older".

## How to fix it

Install TensorFlow's own set, and see that no older toolkit comes first on PATH:

    python -m pip install 'tensorflow[and-cuda]==VERSION'
)md",
};

}  // namespace tfdoctor::ptxas_too_old
