#include "base/text.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

void NoKernel(Signs& s) { s.Proves("no-gpu-kernel"); }

void Int32(Signs& s) {
  const LogStory& story = s.story;
  s.StatesProof(story.Mentions("dtype", "int32") && !story.trouble, "dtype",
                "tensors of int32 are kept in the host's memory by design");
}

void NotPlaced(Signs& s) {
  const LogStory& story = s.story;
  s.States(story.No("gpu_used") && story.gpu_registered, "gpu_used", "the GPU is there and not used",
           kStrong);
}

void AfterFork(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("cuda-fork");
  const bool fork = story.Mentions("start_method", "fork");
  if (story.Saw("cuda-not-initialized")) {
    s.Speaks("context-failed", kDecisive);
    s.Speaks("cuda-not-initialized", kStrong);
    s.States(fork, "start_method", "the process was forked", kDecisive);
  }
  if (story.Saw("context-failed") && story.Saw("cuda-not-initialized")) s.Proves("context-failed");
}

void Nccl(Signs& s) {
  const LogStory& story = s.story;
  const bool unregistered = story.FieldHas("no-opkernel", "op", "Nccl");
  if (unregistered) s.Proves("no-opkernel");
  s.Speaks("nccl-error", kStrong);
  s.States(!story.Stated("nccl").empty() && !s.any(), "nccl", "NCCL " + story.Stated("nccl"), kStrong);
}

void DisplayTimeout(Signs& s) {
  const LogStory& story = s.story;
  if (story.windows || story.wsl) {
    s.Proves("cuda-launch-timeout");
    s.Speaks("cuda-launch-failed", kStrong);
  } else {
    s.Speaks("cuda-launch-timeout", kDecisive);
  }
  s.States(StatedAnywhere(story, "tdr"), "check", "Windows' time limit is named", kStrong);
}

constexpr LogRule kRules[] = {
    {"op-has-no-gpu-kernel", NoKernel},      {"int32-kept-in-host-memory", Int32},
    {"ops-not-placed-on-gpu", NotPlaced},    {"cuda-used-after-fork", AfterFork},
    {"nccl-unavailable-or-defective", Nccl}, {"windows-display-timeout", DisplayTimeout},
};

}  // namespace

namespace rules {
extern const std::span<const LogRule> kLog_execution;
const std::span<const LogRule> kLog_execution = kRules;
}  // namespace rules

}  // namespace tfdoctor
