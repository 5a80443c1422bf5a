#include <fmt/format.h>

#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::mig_without_instances {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  const DriverAnswers& answers = facts.driver_answers;
  if (!answers.asked.Is(true)) return Verdict::Silent();
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  const std::string* init = answers.nvml_init.Get();
  if (init == nullptr || *init != "0") return Verdict::Silent();
  const auto* devices = answers.nvml_devices.Get();
  if (devices == nullptr || devices->empty()) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  for (const auto& [index, device] : *devices) {
    const std::string* mode = device.mig_mode.Get();
    if (mode == nullptr || *mode != "enabled") return Verdict::Silent();
    const auto* instances = device.mig_instances.Get();
    if (instances == nullptr || !instances->empty()) return Verdict::Silent();
    verdict.Because(device.mig_mode, fmt::format("GPU {} is in MIG mode", index))
        .Because(device.mig_instances, "it has no instance that this process may use");
  }
  return std::move(verdict)
      .WithFix(
          Advice("Make an instance with a compute instance in it", {"sudo nvidia-smi mig -cgi 0 -C"}, true))
      .WithFix(Advice("Or turn MIG off (no process may use the GPU)", {"sudo nvidia-smi -mig 0"}, true));
}

void JudgeLog(Signs& s) {
  s.Speaks("says-mig-instances-gone", kDecisive);
  s.Proves("mig-no-instances");
  const std::string instances = s.story.Stated("mig_instances");
  s.StatesProof(instances == "0" || instances == "none" || instances == "[]", "mig_instances",
                "MIG is on and has no instances");
  // "off on GPU 0, on for the others"
  const bool on = s.story.Saw("says-mig") || s.story.Mentions("mig", " on for");
  s.States(on && s.story.Saw(Shows::kNoDevice), "mig", "MIG is on and the program sees no device", kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "mig-without-instances",
    .link = Link::kHardware,
    .effect = Effect::kBlocks,
    .title = "MIG mode is on, and there is no instance for this process",
    .prior = 0.02,
    .explained_by = {{{"no-nvidia-gpu"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

A GPU in MIG mode is split into instances, and programs use these only. There is none here that this process may use, so CUDA finds no device although nvidia-smi shows the GPU.

## How it is recognised

NVML tells the MIG mode of each GPU and its instances; cuInit finds no device.

## How it happens

MIG was turned on and no instance was made, the instances were lost at a restart (they are not kept), or the container was given none.

## What people say

"MIG mode is enabled and no device is found", "nvidia-smi -L shows no MIG device", "after nvidia-smi -mig 0 it works", "MIG M. Enabled".

## How to fix it

sudo nvidia-smi mig -cgi 0 -C

Or turn MIG off: `sudo nvidia-smi -mig 0`.
)md",
};

}  // namespace tfdoctor::mig_without_instances
