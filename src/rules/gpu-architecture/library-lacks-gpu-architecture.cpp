#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/libraries.h"
#include "rules/logs.h"
#include "rules/program.h"

namespace tfdoctor::library_lacks_gpu_architecture {

namespace {

// No release of cuBLAS or cuDNN has dropped this generation (Turing) or a later one, so nothing needs to be
// read there. Source: cuDNN 9.11 and CUDA 13.0 release notes, the last that dropped architectures.
constexpr const char* kNeverDropped = "7.5";

// cuBLAS and cuDNN are what networks run in; the other libraries are rarely called.
bool Matters(const std::string& soname) {
  return IsCudnn(soname) || soname.starts_with("libcublas.") || soname.starts_with("libcublasLt.");
}

Fix OlderCudnn(const Facts& facts, const Knowledge& knowledge) {
  Fix fix;
  fix.title = "Install the last cuDNN with code for this GPU";
  fix.commands = PipInstall(facts, {"nvidia-cudnn-cu12<9.11"});
  std::string version = NewestFitting(knowledge, "nvidia-cudnn-cu12", "<9.11");
  std::string site = SitePackages(facts);
  fix.safety = version.empty() || site.empty() ? Safety::kAdvice : Safety::kSafe;
  if (fix.safety == Safety::kSafe) fix.changes = {InstallDistribution{site, "nvidia-cudnn-cu12", version}};
  return fix;
}

// Where the driver told its order, the first GPU alone: that is where TensorFlow computes unless the program
// says otherwise, and unlike one that is too old for TensorFlow itself it is not passed over. `newer` is a
// later one that every library drives.
GpusInUse GpusThatCount(const Facts& facts, const CudaDevice*& newer) {
  const auto* devices = DriverFindsGpu(facts) ? facts.driver_answers.devices.Peek() : nullptr;
  const auto* gpus = facts.gpus.Peek();
  if (devices == nullptr || gpus == nullptr || !devices->contains("0")) return FindGpusInUse(facts);
  const std::string* address = devices->at("0").pci_address.Peek();
  auto first = address == nullptr ? gpus->end() : gpus->find(*address);
  if (first == gpus->end()) return FindGpusInUse(facts);
  for (const auto& [ordinal, device] : *devices) {
    const std::string* capability = device.compute_capability.Peek();
    if (newer == nullptr && capability != nullptr && CompareVersions(*capability, kNeverDropped) >= 0)
      newer = &device;
  }
  return {{&first->second}};
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (!IsCudaBuild(facts)) return Verdict::Silent();
  std::vector<const Gpu*> old;
  const CudaDevice* newer = nullptr;
  const Gpu* other = nullptr;
  const GpusInUse use = GpusThatCount(facts, newer);
  for (const Gpu* gpu : use.gpus) {
    const std::string* capability = gpu->compute_capability.Get();
    if (capability == nullptr) continue;
    if (CompareVersions(*capability, kNeverDropped) >= 0) {
      other = gpu;
    } else {
      old.push_back(gpu);
    }
  }
  if (other != nullptr && (old.empty() || use.doubt == nullptr))
    return Verdict::Excluded().Because(other->compute_capability, Describe(*other));
  if (old.empty()) return Verdict::Silent();
  const auto* opened = facts.cuda_libraries.opened.Get();
  if (opened == nullptr) return Verdict::Silent();
  const Gpu& gpu = *old.front();
  const std::string& capability = *gpu.compute_capability.Peek();
  for (const auto& [soname, library] : *opened) {
    if (!Matters(soname) || !library.path.Present()) continue;
    const std::string* oldest = library.oldest_gpu.Get();
    if (oldest == nullptr || CompareVersions(capability, *oldest) >= 0) continue;
    Verdict verdict = Verdict::Holds();
    verdict.Because(library.oldest_gpu,
                    fmt::format("{} has code for compute capability {} and newer", soname, *oldest));
    verdict.Because(gpu.compute_capability, Describe(gpu));
    verdict =
        std::move(verdict).WithReason(soname).WithTitle(fmt::format("{} has no code for this GPU", soname));
    if (IsCudnn(soname)) verdict = std::move(verdict).WithFix(OlderCudnn(facts, knowledge));
    const std::string* uuid = newer == nullptr ? nullptr : newer->uuid.Peek();
    if (uuid != nullptr) {
      verdict = std::move(verdict).WithFix(
          Advice("Use the newer GPU alone", {"export CUDA_VISIBLE_DEVICES=" + ShellQuote(*uuid)}));
    }
    return other == nullptr ? verdict : OfSomeGpus(use, std::move(verdict), *other, Describe(*other));
  }
  return Verdict::Silent();
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  const bool old = (!story.capability.empty() && CompareVersions(story.capability, "7.5") < 0) ||
                   story.Mentions("compute_capability", "below 7.5") || story.Mentions("gpu", "pre-turing");
  // The last cuDNN 9 with code for these GPUs is 9.10.
  const bool cudnn = !story.cudnn.empty() && CompareVersions(story.cudnn, "9.11") >= 0;
  s.States(old && cudnn, "cudnn", "cuDNN from 9.11 on has no code for GPUs before compute capability 7.5",
           kDecisive);
  // "91300" is 9.13.0.
  const int loaded = std::atoi(story.Field("cudnn-loaded", "version").c_str());
  s.That(old && loaded >= 91100 && story.SawAny({"dnn-not-found", "cudnn-handle", "conv-algorithm"}),
         "the cuDNN that is loaded has no code for GPUs before compute capability 7.5", kDecisive);
  s.Speaks("cuda-arch-mismatch", kStrong);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "library-lacks-gpu-architecture",
    .link = Link::kGpuArchitecture,
    .effect = Effect::kBlocks,
    .title = "A CUDA library in use has no code for this GPU",
    .prior = 0.04,
    .explained_by = {{{"cudnn-version-mismatch"},
                      {"library-path-shadows"},
                      {"compute-capability-too-old"},
                      {"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow itself has code for this GPU, but a library that it calls for the real work, cuDNN or cuBLAS, does not. The GPU is listed and the first convolution or matrix product fails or crashes.

## How it is recognised

The machine code inside the library that the loader takes begins above the GPU's compute capability. cuDNN 9.11 and newer has nothing below 7.5, so GTX 10, P100 and V100 lose it.

## How it happens

`tensorflow[and-cuda]` of 2.20 and 2.21 allows any cuDNN 9, and pip takes the newest, which has dropped Pascal and Volta.

## What people say

"CUDNN_STATUS_ARCH_MISMATCH", "cuDNN or cuBLAS does not support this card any more", "the build knows the GPU, the library does not", "cuBLAS fails on a new card with an old CUDA", "needs compute capability 3.0 or newer for cuDNN".

## How to fix it

python -m pip install 'nvidia-cudnn-cu12<9.11'
)md",
};

}  // namespace tfdoctor::library_lacks_gpu_architecture
