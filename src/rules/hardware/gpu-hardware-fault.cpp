#include "base/driver_errors.h"
#include "diagnose/rule.h"
#include "rules/common.h"

namespace tfdoctor {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  const DriverAnswers& answers = facts.driver_answers;
  if (!answers.asked.Is(true) || !facts.host.wsl.Absent()) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  if (DriverFindsGpu(facts)) {
    const auto* devices = answers.devices.Get();
    if (devices == nullptr) return Verdict::Silent();
    for (const auto& [ordinal, device] : *devices) {
      const std::string* context = device.context.Get();
      if (context != nullptr && *context == "214")
        verdict.Because(device.context, "creating a context returns " + CudaErrorText(*context));
    }
  } else {
    // Whether it answers on the bus is read for NVIDIA's only.
    for (const Gpu* gpu : NvidiaGpus(facts)) {
      if (!gpu->responds.Is(false)) continue;
      const std::string* power = gpu->power.Get();
      if (power != nullptr && *power != "D3cold")
        verdict.Because(gpu->responds, Describe(*gpu) + " does not answer on the PCI bus any more");
    }
    if (const auto* lost = facts.kernel_log.off_the_bus.Get()) {
      for (const std::string& address : *lost)
        verdict.Because(facts.kernel_log.off_the_bus,
                        "the kernel log: the GPU at " + address + " fell off the bus");
    }
    if (answers.init.Is("214")) verdict.Because(answers.init, "cuInit returns " + CudaErrorText("214"));
  }
  if (verdict.evidence.empty()) return Verdict::Silent();
  return std::move(verdict).WithFix(
      Advice("Switch the machine off and on, then watch power and temperature while it works",
             {"sudo dmesg | grep -i -e xid -e 'fallen off' | tail", "nvidia-smi -q -d ECC,TEMPERATURE,POWER"},
             true, true));
}

}  // namespace

namespace rules {

extern const Rule gpu_hardware_fault;
constinit const Rule gpu_hardware_fault = {
    .id = "gpu-hardware-fault",
    .link = Link::kHardware,
    .effect = Effect::kBlocks,
    .title = "The GPU fails: its hardware, power or cooling",
    .prior = 0.02,
    .check = Check,
    .page = R"md(## What it means

The GPU, its power supply, its cooling or its slot is at fault: it stops answering, or it reports memory errors that it cannot correct. No software repairs that.

## How it is recognised

The GPU does not answer on the PCI bus, the kernel log says "fallen off the bus" (Xid 79), or the driver returns 214 (uncorrectable ECC error).

## How it happens

Too weak a power supply, heat, an overclocked card, a loose riser or cable, or aged memory.

## How to fix it

sudo dmesg | grep -i -e xid -e 'fallen off' | tail

nvidia-smi -q -d ECC,TEMPERATURE,POWER

Switch the machine off and on; set the clocks back; try another slot or cable.
)md",
};

}  // namespace rules

}  // namespace tfdoctor
