#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

enum class Age { kUnknown, kOlder, kRuns, kCompiled, kNewer };

std::string Edge(const std::vector<std::string>& capabilities, bool highest) {
  std::string edge;
  for (const std::string& one : capabilities) {
    if (edge.empty() || (CompareVersions(one, edge) > 0) == highest) edge = one;
  }
  return edge;
}

// The GPU against the code in the build, or where that is not known against what the CUDA of the build can
// make.
Age AgeOf(const LogStory& story, std::string& why) {
  std::string capability = story.capability;
  if (capability.empty()) capability = story.Field("ptx-jit", "cc");
  if (capability.empty()) return Age::kUnknown;
  if (const TensorFlowBuild* build = BuildOf(story)) {
    why = fmt::format("TensorFlow {} has machine code for {}; the GPU is {}", build->version,
                      Join(build->sass, ", "), capability);
    if (MachineCodeRuns(build->sass, capability)) return Age::kRuns;
    if (CompareVersions(capability, Edge(build->sass, false)) < 0) return Age::kOlder;
    if (CompareVersions(capability, Edge(build->sass, true)) > 0) {
      // PTX is compiled for a newer GPU, unless its ISA or the libraries around it predate that GPU.
      const std::string highest = story.knowledge.CudaLimits(build->cuda_version).highest;
      const bool beyond = !highest.empty() && CompareVersions(capability, highest) > 0;
      return PtxRuns(build->ptx, capability) && !beyond ? Age::kCompiled : Age::kNewer;
    }
    return PtxRuns(build->ptx, capability) ? Age::kCompiled : Age::kOlder;
  }
  const std::string cuda = story.cuda.empty() ? CudaOfBuild(story) : story.cuda;
  const ArchitectureLimits limits = cuda.empty() ? ArchitectureLimits{} : story.knowledge.CudaLimits(cuda);
  why = fmt::format("CUDA {} makes code for {} to {}; the GPU is {}", cuda, limits.lowest, limits.highest,
                    capability);
  if (!limits.highest.empty() && CompareVersions(capability, limits.highest) > 0) return Age::kNewer;
  if (!limits.lowest.empty() && CompareVersions(capability, limits.lowest) < 0) return Age::kOlder;
  // Without any of that: what no release, and what only old ones support.
  why = "the GPU is of compute capability " + capability;
  if (CompareVersions(capability, "3.5") < 0) return Age::kOlder;
  return Age::kUnknown;
}

bool NoCode(const LogStory& story) {
  return story.SawAny({"cuda-no-binary", "cuda-invalid-image", "launch-failed"});
}

// Blackwell and what comes after: no release up to 2.20 has code for it.
bool Blackwell(const LogStory& story) {
  std::string capability = story.capability.empty() ? story.Field("ptx-jit", "cc") : story.capability;
  return !capability.empty() && CompareVersions(capability, "10.0") >= 0;
}

bool BlasTooOld(const LogStory& story) {
  return story.Saw("blas-launch-failed") || story.Saw("cublas-execution-failed");
}

void TooOld(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("gpu-ignored-cc");
  std::string why;
  const Age age = AgeOf(story, why);
  const bool old_card = !story.capability.empty() && CompareVersions(story.capability, "6.0") < 0;
  if (age == Age::kOlder && NoCode(story)) s.ThatProves(true, why);
  if (age == Age::kOlder && !NoCode(story)) s.That(!story.gpu_registered, why, kDecisive);
  if (age == Age::kNewer || Blackwell(story)) return;
  s.Speaks("cuda-no-binary", old_card ? kDecisive : story.Saw("ptx-jit") ? kWeak : kStrong);
  s.Speaks("cuda-arch-mismatch", kStrong);
  if (old_card) s.Speaks("cuda-invalid-image", kStrong);
  if (s.any() && story.capability.empty()) s.Wants(story.facts.gpus);
}

void TooNew(Signs& s) {
  const LogStory& story = s.story;
  std::string why;
  const Age age = AgeOf(story, why);
  const bool fails =
      NoCode(story) || story.SawAny({"cuda-invalid-ptx", "cuda-invalid-handle"}) || BlasTooOld(story);
  if (story.Saw("llvm-ptx")) return;
  if (age == Age::kNewer && fails) s.ThatProves(true, why);
  if (age == Age::kNewer && !fails && !story.gpu_registered) s.That(true, why, kDecisive);
  if (age == Age::kOlder && !Blackwell(story)) return;
  s.That(Blackwell(story) && (story.tensorflow.empty() || story.Before("2.22")) && !s.any() &&
             !LibrariesFail(story) && !story.Saw("ptx-jit"),
         "releases up to 2.21 have no machine code for this GPU", kStrong);
  s.Speaks("cuda-invalid-ptx", kDecisive);
  if (story.Saw("ptx-jit")) s.Speaks("cuda-invalid-handle", kDecisive).Speaks("cuda-no-binary", kDecisive);
  if (story.Saw("ptx-jit") && Blackwell(story)) s.Speaks("ptx-jit", kStrong);
  const bool old_card = !story.capability.empty() && CompareVersions(story.capability, "6.0") < 0;
  if (!old_card) s.Speaks("cuda-invalid-image", kDecisive).Speaks("cuda-no-binary", kStrong);
  if (fails && age == Age::kCompiled) s.That(true, why, kStrong);
  if (s.any() && story.capability.empty()) s.Wants(story.facts.gpus);
}

void PtxTooOld(Signs& s) {
  s.Proves("llvm-ptx");
  s.Speaks("cuda-unsupported-ptx", kWeak);
}

void SlowStart(Signs& s) {
  const LogStory& story = s.story;
  if (story.SawAny(
          {"cuda-invalid-ptx", "cuda-invalid-handle", "cuda-no-binary", "llvm-ptx", "cuda-invalid-image"}))
    return;
  if (Blackwell(story) && !story.Yes("works_after_wait")) {
    s.Speaks("ptx-jit", kDecisive);
  } else {
    s.Proves("ptx-jit");
  }
  s.States(story.Yes("works_after_wait") && !s.any(), "works_after_wait", "it works after a wait", kDecisive);
}

void LibraryLacks(Signs& s) {
  const LogStory& story = s.story;
  const bool old = (!story.capability.empty() && CompareVersions(story.capability, "7.5") < 0) ||
                   story.Mentions("compute_capability", "below 7.5") || story.Mentions("gpu", "pre-turing");
  // The last cuDNN 9 with code for these GPUs is 9.10.
  const bool cudnn = !story.cudnn.empty() && CompareVersions(story.cudnn, "9.11") >= 0;
  s.States(old && cudnn, "cudnn", "cuDNN from 9.11 on has no code for GPUs before compute capability 7.5",
           kDecisive);
  s.Speaks("cuda-arch-mismatch", kStrong);
}

constexpr LogRule kRules[] = {
    {"compute-capability-too-old", TooOld},
    {"compute-capability-too-new", TooNew},
    {"ptx-version-too-old", PtxTooOld},
    {"ptx-jit-slow-start", SlowStart},
    {"library-lacks-gpu-architecture", LibraryLacks},
};

}  // namespace

namespace rules {
extern const std::span<const LogRule> kLog_gpu_architecture;
const std::span<const LogRule> kLog_gpu_architecture = kRules;
}  // namespace rules

}  // namespace tfdoctor
