#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

// Xid codes that speak of the device itself. Source: NVIDIA, "Xid Errors", the column of causes; 13, 31, 43
// and 45 follow from programs, too.
bool IsHardwareXid(const std::string& code) {
  for (const char* hardware : {"48", "54", "56", "57", "58",  "61",  "62",  "63",  "64",  "69",  "74",
                               "79", "92", "94", "95", "110", "119", "120", "136", "140", "143", "149"}) {
    if (code == hardware) return true;
  }
  return false;
}

// What goes with a fault and alone proves none: memory errors, whose pages the driver retires, and Xids,
// which may be of last week.
void NameErrors(const DriverAnswers& answers, const KernelLog& log, Verdict& verdict) {
  if (const auto* devices = answers.nvml_devices.Peek()) {
    for (const auto& [index, device] : *devices) {
      const std::string* errors = device.ecc_errors.Peek();
      if (errors != nullptr && *errors != "0")
        verdict.Because(device.ecc_errors,
                        "GPU " + index + " counts " + *errors + " uncorrectable memory errors");
    }
  }
  if (const auto* lines = log.ecc_errors.Peek()) verdict.Because(log.ecc_errors, lines->back());
  if (const auto* xids = log.xids.Peek()) {
    for (const std::string& xid : *xids) {
      const std::vector<std::string> words = Split(xid, ' ');
      if (IsHardwareXid(words.back()))
        verdict.Because(log.xids, "the kernel log: Xid " + words.back() + " of the GPU at " + words.front());
    }
  }
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  const DriverAnswers& answers = facts.driver_answers;
  // In WSL the bus and the kernel's messages are Windows'.
  if (!answers.asked.Is(true) || facts.host.wsl.Peek() != nullptr) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  if (DriverFindsGpu(facts)) {
    const auto* devices = answers.devices.Get();
    if (devices == nullptr) return Verdict::Silent();
    for (const auto& [ordinal, device] : *devices) {
      const std::string* context = device.context.Get();
      if (context != nullptr && *context == "214")
        verdict.Because(device.context, "creating a context returns " + CudaErrorText(knowledge, *context));
    }
  } else if (!VariablesHideAllFromDriver(facts)) {
    // Whether it answers on the bus is read for NVIDIA's only.
    for (const Gpu* gpu : NvidiaGpus(facts)) {
      if (!gpu->responds.Is(false)) continue;
      const std::string* power = gpu->power.Get();
      if (power != nullptr && *power != "D3cold")
        verdict.Because(gpu->responds, Describe(*gpu) + " does not answer on the PCI bus any more");
    }
    if (const auto* lost = facts.kernel_log.off_the_bus.Get()) {
      for (const std::string& address : *lost) {
        if (!NvmlLists(facts, address))
          verdict.Because(facts.kernel_log.off_the_bus,
                          "the kernel log: the GPU at " + address + " fell off the bus");
      }
    }
    if (answers.init.Is("214"))
      verdict.Because(answers.init, "cuInit returns " + CudaErrorText(knowledge, "214"));
  }
  if (verdict.evidence.empty()) return Verdict::Silent();
  NameErrors(answers, facts.kernel_log, verdict);
  return std::move(verdict).WithFix(
      Advice("Switch the machine off and on, then watch power and temperature while it works",
             {"sudo dmesg | grep -i -e xid -e 'fallen off' | tail", "nvidia-smi -q -d ECC,TEMPERATURE,POWER"},
             true, true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("cuda-ecc").Proves("cuda-hardware").Proves("fallen-off-bus").Proves("pcie-error");
  for (const std::string& code : story.Fields("xid", "code")) {
    if (IsHardwareXid(code) && !IsFirmwareXid(code)) s.Proves("xid");
  }
  bool stated = false;
  for (const std::string& code : Split(story.Stated("xid"), ';'))
    stated = stated || (IsHardwareXid(std::string(Trim(code))) && !IsFirmwareXid(std::string(Trim(code))));
  s.StatesProof(stated, "xid", "Xid " + story.Stated("xid"));
  // No program can switch a machine off; power and hardware can.
  s.Speaks("says-machine-dies", kDecisive)
      .Speaks("device-handle", story.Saw("says-virtual-machine") ? kWeak : kStrong);
  s.Speaks("xid", kStrong).Speaks("cuda-launch-failed", story.windows ? kWeak : kStrong);
  s.Speaks("cuda-illegal-instruction", kDecisive);
  s.Speaks("hook-gpu-fails", kStrong);
  s.Speaks("cuda-illegal-address", kWeak).Speaks("query-event-failed", kWeak);
  s.Speaks("says-overclock", kStrong);
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
    .log = JudgeLog,
    .page = R"md(## What it means

The GPU, its power supply, its cooling or its slot is at fault: it stops answering, or it reports memory errors that it cannot correct. No software repairs that.

## How it is recognised

The GPU does not answer on the PCI bus, the kernel log says "fallen off the bus" (Xid 79), or the driver returns 214 (uncorrectable ECC error).

## How it happens

Too weak a power supply, heat, an overclocked card, a loose riser or cable, or aged memory.

## What people say

"The PC turns off or restarts under load", "power supply too weak", "GPU has fallen off the bus", "Xid 79, 48, 62, 63, 74", "ECC errors", "memory test of the card fails", "another card in this slot works", "riser, overclocking, heat, random crashes".

## How to fix it

sudo dmesg | grep -i -e xid -e 'fallen off' | tail

nvidia-smi -q -d ECC,TEMPERATURE,POWER

Switch the machine off and on; set the clocks back; try another slot or cable.
)md",
};

}  // namespace rules

}  // namespace tfdoctor
