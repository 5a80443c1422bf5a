#include <fmt/format.h>

#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::exclusive_compute_mode {

namespace {

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  const DriverAnswers& answers = facts.driver_answers;
  if (!answers.asked.Is(true)) return Verdict::Silent();
  const auto* devices = answers.devices.Get();
  if (devices == nullptr) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  const Fact<std::string>* made = nullptr;
  // TensorFlow makes a context on every device that it sees, and one that fails ends it.
  for (const auto& [ordinal, device] : *devices) {
    const std::string* mode = device.compute_mode.Get();
    const std::string* context = device.context.Get();
    if (mode == nullptr || context == nullptr) continue;
    if (*context == "0") made = &device.context;
    if (*context == "0" || *mode == "default") continue;
    verdict.Because(device.compute_mode, fmt::format("device {} is in the mode {}", ordinal, *mode))
        .Because(device.context, "creating a context returns " + CudaErrorText(knowledge, *context));
  }
  if (verdict.evidence.empty() && made != nullptr)
    return Verdict::Excluded().Because(*made, "a context was created");
  if (verdict.evidence.empty()) return Verdict::Silent();
  NameHolders(facts, verdict);
  return std::move(verdict).WithFix(
      Advice("End the process that has the GPU (nvidia-smi lists it), or allow several",
             {"nvidia-smi", "sudo nvidia-smi -c DEFAULT"}, true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  if (s.story.SawAny({"session-not-created", "context-failed", "cuda-busy"}))
    s.Speaks("smi-exclusive", kDecisive);
  const bool mode =
      story.Mentions("compute_mode", "exclusive") || story.Mentions("compute_mode", "prohibited");
  s.StatesProof(mode, "compute_mode", "the compute mode is " + story.Stated("compute_mode"));
  s.Proves("says-exclusive-mode");
  // A setting alone is no fault where TensorFlow names another.
  if (story.MaySee("gpu-ignored-cc")) {
    s.Speaks("compute-mode-thread", kWeak);
  } else {
    s.Proves("compute-mode-thread");
  }
  const bool shown = story.Saw("compute-mode") && !story.FieldHas("compute-mode", "mode", "Default");
  if (shown && story.Saw("cuda-busy")) s.Proves("compute-mode");
  s.Speaks("context-of-other-thread", kDecisive).Speaks("no-supported-device", kWeak);
  if (!story.Saw("says-vgpu")) s.Speaks("cuda-busy", kStrong);
  if (story.Saw("cuda-busy")) s.Speaks("says-other-process", kStrong);
  if (s.any()) s.Wants(story.facts.driver_answers.devices);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "exclusive-compute-mode",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "The compute mode of the GPU forbids a further context",
    .prior = 0.02,
    .explained_by = {{{"no-nvidia-gpu"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

In an exclusive mode the GPU serves one process at a time, in the prohibited mode none. Here no further context is allowed.

## How it is recognised

The driver tells the mode of each device, and creating a context on it fails (46, "busy or unavailable").

## How it happens

An administrator set the mode, or a batch system does for each job. Another process, perhaps a leftover, has the GPU.

## What people say

"The second process cannot use the GPU", "all CUDA-capable devices are busy or unavailable", "E. Process", "the cluster sets exclusive mode", "one process per GPU is allowed".

## How to fix it

nvidia-smi

sudo nvidia-smi -c DEFAULT
)md",
};

}  // namespace tfdoctor::exclusive_compute_mode
