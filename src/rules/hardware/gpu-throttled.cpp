#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"

namespace tfdoctor::gpu_throttled {

namespace {

// Not the driver's own moderate means, which are normal under load: the limit of power and of temperature
// that it keeps to in software.
std::string InWords(const std::string& reason) {
  if (reason == "hardware-slowdown") return "the hardware slows itself down";
  if (reason == "hardware-thermal") return "it is too hot";
  if (reason == "power-brake") return "the power supply asks for less (power brake)";
  return {};
}

Verdict Check(const Facts& facts, const Knowledge&) {
  const DriverAnswers& answers = facts.driver_answers;
  if (!answers.asked.Is(true) || !DriverFindsGpu(facts)) return Verdict::Silent();
  const auto* devices = answers.nvml_devices.Get();
  if (devices == nullptr) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  for (const auto& [index, device] : *devices) {
    const auto* reasons = device.throttle.Get();
    if (reasons == nullptr) continue;
    for (const std::string& reason : *reasons) {
      const std::string words = InWords(reason);
      if (!words.empty())
        verdict.Because(device.throttle, "the clocks of GPU " + index + " are lowered: " + words);
    }
  }
  if (verdict.evidence.empty()) return Verdict::Silent();
  return std::move(verdict).WithFix(
      Advice("Look at temperature and power; check fans, air flow and every power cable of the card",
             {"nvidia-smi -q -d PERFORMANCE,TEMPERATURE,POWER"}));
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "gpu-throttled",
    .link = Link::kHardware,
    .effect = Effect::kDegrades,
    .title = "The GPU works at lowered clocks to protect itself",
    .prior = 0.01,
    .explained_by = {{{"gpu-hardware-fault"}}},
    .check = Check,
    .page = R"md(## What it means

The GPU is well, but its own protection halves its clocks or more: it is too hot, or the power supply cannot give what it asks for.

## How it is recognised

NVML names the reason for the present clocks: hardware slowdown, hardware thermal slowdown or hardware power brake. The limits that the driver keeps to in software under load are normal and do not count.

## How it happens

Dust or a dead fan, a server card without the server's air flow, a missing power cable, a laptop on a weak power supply.

## What people say

"Slower after some minutes", "power cap, temperature limit, clocks fall".

## How to fix it

nvidia-smi -q -d PERFORMANCE,TEMPERATURE,POWER

Then mend cooling or power; the clocks return by themselves.
)md",
};

}  // namespace tfdoctor::gpu_throttled
