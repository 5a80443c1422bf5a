#include <fmt/format.h>

#include "diagnose/rule.h"
#include "facts/devices.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::adapter_initialisation_failed {

namespace {

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  const DriverAnswers& answers = facts.driver_answers;
  if (!answers.asked.Is(true)) return Verdict::Silent();
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  if (answers.init.Is("0") || !facts.kernel_driver.version.Present()) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  // The module's open() initialises the adapter, and says EIO where that fails.
  if (const auto* refused = facts.device_access.refused.Get()) {
    for (const auto& [path, error] : *refused) {
      if (error == "EIO" && IsGpuNode(path))
        verdict.Because(facts.device_access.refused, "opening " + path + " fails: input/output error (EIO)");
    }
  }
  if (const auto* failures = facts.kernel_log.init_failures.Get()) {
    for (const auto& [address, code] : *failures) {
      if (NvmlLists(facts, address)) continue;
      verdict.Because(facts.kernel_log.init_failures,
                      fmt::format("the kernel log says of {}: RmInitAdapter failed ({})", address, code));
    }
  }
  const bool started = verdict.evidence.empty();  // and stopped since
  for (std::string& line : FatalXids(facts, knowledge, "driver"))
    verdict.Because(facts.kernel_log.xids, std::move(line));
  if (verdict.evidence.empty()) return Verdict::Silent();
  if (started) {
    return std::move(verdict)
        .WithReason("stopped")
        .WithTitle("The GPU's firmware or its driver stopped, and the GPU waits for a reset")
        .WithExplanation(
            "The kernel module reports an error (Xid) after which the GPU does no more work until it is "
            "reset. "
            "It lies with the driver or the firmware that comes with it more often than with the hardware.")
        .WithFix(Advice("End what uses the GPU and reset it; where that is refused, restart the machine",
                        {"sudo nvidia-smi --gpu-reset"}, true))
        .WithFix(
            Advice("Where it comes again: another release of the driver, then another slot, power cable or "
                   "GPU",
                   {"sudo dmesg | grep -i -e xid -e nvrm | tail"}, true));
  }
  return std::move(verdict)
      .WithFix(Advice("Read what the module says", {"sudo dmesg | grep -i nvrm | tail"}, true))
      .WithFix(Advice("Switch the machine off and on (a restart keeps the GPU's state); in the BIOS turn on "
                      "\"Above 4G decoding\"",
                      {}, true, true));
}

void JudgeLog(Signs& s) {
  // The module says why: it is the wrong flavour, or too new.
  if (s.story.SawAny({"open-unsupported", "open-required", "legacy-gpu"})) return;
  s.Proves("adapter-init").Proves("bar-too-small").Proves("gsp-firmware");
  s.Speaks("smi-no-devices", kStrong);
  s.Speaks("device-handle", s.story.Saw("says-virtual-machine") ? kStrong : kWeak);
  for (const std::string& code : s.story.Fields("xid", "code")) {
    const ErrorRow row = FindXid(s.story.knowledge, code);
    if (row.fault == "driver" && row.reset) s.Speaks("xid", kStrong);
  }
  // The module is loaded and has a node, and still no device.
  if (s.story.Saw("versions-match")) s.Speaks("cuda-no-device", kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "adapter-initialisation-failed",
    .link = Link::kHardware,
    .effect = Effect::kBlocks,
    .title = "The kernel module cannot initialise the GPU",
    .prior = 0.03,
    .explained_by = {{{"no-nvidia-gpu"},
                      {"gpu-hardware-fault"},
                      {"open-kernel-module-required"},
                      {"open-kernel-module-unsupported-gpu"},
                      {"gpu-dropped-by-driver-branch"},
                      {"driver-install-broken"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The kernel module is loaded and the GPU is on the PCI bus, but starting the GPU fails. The driver then offers no device: `nvidia-smi` says "No devices were found".

## How it is recognised

Opening /dev/nvidia0 fails with EIO, or the kernel log says "RmInitAdapter failed". The numbers behind it tell where.

Or the GPU had started and stopped since: the kernel log has an Xid of the driver or of the GPU's firmware after which the GPU wants a reset (62, 109, 119, 120, 143), and NVML no longer lists it.

## How it happens

The flavour of the module (open, proprietary) does not fit the GPU, the BIOS gave it too little address space (Above 4G decoding, Resizable BAR), its firmware (GSP) is missing, a virtual machine passes it through incompletely, or the hardware is defective.

## What people say

"RmInitAdapter failed", "No devices were found, although lspci shows the card", "GSP firmware fails", "Xid 62, 109, 119, 120", "passthrough: the VBIOS cannot be read", "Above 4G decoding, BAR", "the driver loads and the GPU does not start".

## How to fix it

sudo dmesg | grep -i nvrm | tail

Switch the machine off and on. Look for a newer BIOS and for the other flavour of the module.

A GPU that stopped: end what uses it, then `sudo nvidia-smi --gpu-reset`, or restart.
)md",
};

}  // namespace tfdoctor::adapter_initialisation_failed
