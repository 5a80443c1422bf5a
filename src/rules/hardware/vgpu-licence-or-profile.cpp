#include <fmt/format.h>

#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::vgpu_licence_or_profile {

namespace {

Fix GiveLicence() {
  return Advice(
      "Give the virtual machine a licence (file /etc/nvidia/ClientConfigToken, service nvidia-gridd)",
      {"nvidia-smi -q | grep -i -A2 licen", "sudo systemctl restart nvidia-gridd"}, true);
}

// A context was created: CUDA works, for the time that the driver grants without a licence. Source: NVIDIA
// Virtual GPU Client Licensing, "Software Enforcement of NVIDIA vGPU Licensing".
Verdict CheckWhileItWorks(const DriverAnswers& answers, const Fact<std::string>& context) {
  const auto* nvml = answers.nvml_devices.Get();
  // What NVML does not say keeps nobody from the GPU now.
  if (nvml == nullptr) return Verdict::Silent().WithEffect(Effect::kDegrades);
  Verdict verdict = Verdict::Holds();
  for (const auto& [index, device] : *nvml) {
    if (!device.virtualisation.Is("vgpu") || !device.licence.Is("unlicensed")) continue;
    const std::string* ended = device.licence_ends.Peek();
    verdict.Because(device.licence,
                    fmt::format("GPU {} is a virtual GPU without a licence{}", index,
                                ended == nullptr ? "" : ", which ended on " + *ended + " UTC"));
  }
  if (verdict.evidence.empty())
    return Verdict::Excluded().WithEffect(Effect::kDegrades).Because(context, "a context was created");
  return std::move(verdict)
      .WithReason("grace")
      .WithEffect(Effect::kDegrades)
      .WithTitle("This virtual GPU has no licence: it works for a short time after its start only")
      .WithExplanation(
          "Without a licence a virtual GPU works as it should for about 20 minutes after the virtual "
          "machine's "
          "start. Then its driver slows it down and permits no CUDA any more, until it gets a licence.")
      .WithFix(GiveLicence());
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  const DriverAnswers& answers = facts.driver_answers;
  if (!answers.asked.Is(true)) return Verdict::Silent();
  const auto* devices = answers.devices.Get();
  Verdict verdict = Verdict::Holds();
  bool refused = answers.init.Is("102");
  if (refused) verdict.Because(answers.init, "cuInit returns " + CudaErrorText(knowledge, "102"));
  if (devices != nullptr) {
    for (const auto& [ordinal, device] : *devices) {
      const std::string* context = device.context.Get();
      if (context == nullptr) continue;
      if (*context == "0") return CheckWhileItWorks(answers, device.context);
      verdict.Because(device.context, "creating a context returns " + CudaErrorText(knowledge, *context));
      refused = true;
    }
  }
  if (!refused) return Verdict::Silent();
  if (answers.init.Is("102")) return std::move(verdict).WithFix(GiveLicence());
  const auto* nvml = answers.nvml_devices.Get();
  if (nvml == nullptr) return Verdict::Silent();
  for (const auto& [index, device] : *nvml) {
    const std::string* kind = device.virtualisation.Get();
    if (kind == nullptr || *kind != "vgpu") continue;
    verdict.Because(device.virtualisation, fmt::format("GPU {} is a virtual GPU", index));
    const std::string* licence = device.licence.Get();
    if (licence == nullptr || *licence != "unlicensed") continue;
    verdict.Because(device.licence, "it has no licence");
    return std::move(verdict).WithFix(GiveLicence());
  }
  return Verdict::Silent();
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("vgpu-unlicensed");
  const bool virtual_gpu = story.gpu_name.find("GRID") != std::string::npos || story.Saw("says-vgpu");
  s.StatesProof(virtual_gpu && story.Saw("cuda-busy"), "says-vgpu",
                "it is a virtual GPU and refuses a context");
  s.Speaks("cuda-busy", kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "vgpu-licence-or-profile",
    .link = Link::kHardware,
    .effect = Effect::kBlocks,
    .title = "The licence or the profile of this virtual GPU does not permit CUDA",
    .prior = 0.01,
    .explained_by = {{{"no-nvidia-gpu"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The GPU of this virtual machine is a part of one (vGPU). Without a licence, or with a profile for desktops, it is listed but permits no CUDA context.

## How it is recognised

NVML says that the GPU is a virtual one and whether it is licensed; creating a context fails (46, or 102). While the driver still grants it some time (about 20 minutes after the start), CUDA works, and that NVML says "unlicensed" is the only sign.

## How it happens

The licence server cannot be reached, the token is missing or expired, or the profile (A, B) is not one for computing (C, Q).

## What people say

"GRID, vGPU, unlicensed", "licence server", "A10 in the cloud: soft lockup or no context", "profile B or A instead of C or Q", "T4 in a virtual machine is listed and refuses".

## How to fix it

nvidia-smi -q | grep -i -A2 licen

sudo systemctl restart nvidia-gridd
)md",
};

}  // namespace tfdoctor::vgpu_licence_or_profile
