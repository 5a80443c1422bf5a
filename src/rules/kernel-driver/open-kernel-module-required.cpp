#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::open_kernel_module_required {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  const KernelDriver& driver = facts.kernel_driver;
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  const std::string* flavour = driver.flavour.Get();
  if (flavour == nullptr) return Verdict::Silent();
  if (*flavour != "proprietary")
    return Verdict::Excluded().Because(driver.flavour, "the flavour is " + *flavour);
  Verdict verdict = Verdict::Holds();
  for (const Gpu* gpu : NvidiaGpus(facts)) {
    const std::string* capability = gpu->compute_capability.Get();
    if (capability == nullptr) continue;
    // Blackwell and later. Source: NVIDIA, "Open GPU kernel modules", supported GPUs.
    if (CompareVersions(*capability, "10.0") < 0)
      return Verdict::Excluded().Because(gpu->compute_capability,
                                         "the proprietary flavour drives " + Describe(*gpu));
    verdict.Because(gpu->compute_capability, Describe(*gpu) + " works with the open flavour only");
  }
  if (verdict.evidence.empty()) return Verdict::Silent();
  if (const std::string* said = facts.kernel_log.open_module_required.Peek())
    verdict.Because(facts.kernel_log.open_module_required, *said);
  verdict.Because(driver.flavour, "the proprietary flavour is loaded");
  const std::string* version = driver.version.Peek();
  const std::string branch = version == nullptr ? "580" : std::to_string(MajorVersion(*version));
  return std::move(verdict).WithFix(
      Advice("Install the open flavour, and restart",
             {fmt::format("sudo apt-get install nvidia-driver-{}-open", branch), "sudo reboot"}, true, true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("open-required");
  s.StatesProof(story.Mentions("dmesg", "open kernel modules are required") ||
                    story.Mentions("dmesg", "requires use of"),
                "dmesg", "the kernel log says that the open modules are required");
  // The first generation without a proprietary module.
  const bool blackwell = !story.capability.empty() && CompareVersions(story.capability, "10.0") >= 0;
  s.That(blackwell && story.Saw("says-proprietary-module"),
         "this GPU needs the open modules; the proprietary ones are installed", kDecisive);
  if (blackwell) s.Speaks("says-not-open-module", kDecisive);
  if (blackwell || story.Saw("says-proprietary-module")) s.Speaks("smi-no-devices", kStrong);
  if (blackwell && !story.windows && !story.mac) s.Speaks("says-black-screen", kDecisive);
  if (!s.any()) return;
  s.Speaks("says-proprietary-module", kStrong);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "open-kernel-module-required",
    .link = Link::kKernelDriver,
    .effect = Effect::kBlocks,
    .title = "This GPU needs the open flavour of the kernel modules",
    .prior = 0.02,
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

NVIDIA's kernel modules come in two flavours. GPUs from Blackwell on (RTX 50, B100, B200) are driven by the open one only; the proprietary one is loaded here and finds no GPU.

## How it is recognised

The loaded module says which flavour it is (/proc/driver/nvidia/version); the GPU's architecture is known from its PCI id. The kernel log says "requires use of the NVIDIA open kernel modules".

## How it happens

An installer or a package (nvidia-driver-NNN without "-open") chose the proprietary flavour.

## What people say

"RTX 50xx, B200, GB10 with the proprietary driver", "install nvidia-open or the -open package", "black screen or blinking cursor with the new card", "kernelModuleType open".

## How to fix it

sudo apt-get install nvidia-driver-580-open

sudo reboot
)md",
};

}  // namespace tfdoctor::open_kernel_module_required
