#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::prime_profile_disables_nvidia {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  if (DriverIsThere(facts))
    return Verdict::Excluded().Because(facts.driver_answers.asked, "the driver answers and lists a GPU");
  const KernelDriver& driver = facts.kernel_driver;
  if (driver.version.Present())
    return Verdict::Excluded().Because(driver.version, "the NVIDIA module is loaded");
  if (driver.version.Unknown() || !facts.host.wsl.Absent() || !facts.host.container.Absent())
    return Verdict::Silent();
  const std::string* profile = driver.prime_profile.Get();
  if (profile == nullptr || (*profile != "intel" && *profile != "integrated")) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  verdict.Because(driver.version, "no NVIDIA module is loaded")
      .Because(driver.prime_profile, "the profile is \"" + *profile + "\"");
  if (*profile == "integrated") {
    return std::move(verdict).WithFix(
        Advice("Turn the GPU on, and restart", {"sudo envycontrol -s hybrid", "sudo reboot"}, true, true));
  }
  return std::move(verdict).WithFix(Advice("Choose the profile for it, and restart",
                                           {"sudo prime-select on-demand", "sudo reboot"}, true, true));
}

void JudgeLog(Signs& s) {
  s.Proves("prime-intel").Speaks("module-alias-off", kDecisive);
  s.Speaks("says-prime-intel", kDecisive);
  if (s.story.Saw("says-module-not-loaded")) s.Speaks("says-prime", kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "prime-profile-disables-nvidia",
    .link = Link::kKernelDriver,
    .effect = Effect::kBlocks,
    .title = "The hybrid graphics profile keeps the NVIDIA GPU off",
    .prior = 0.02,
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

A laptop with two GPUs was told to use the one of its processor only. The NVIDIA module is then kept from loading, and the GPU is switched off: it may not even be on the PCI bus.

## How it is recognised

The profile of prime-select (/etc/prime-discrete) is "intel", or files of envycontrol or prime-select blacklist the module; it is not loaded.

## How it happens

`prime-select intel`, a power-saving setting of the desktop, or a tool of the laptop's maker.

## What people say

"prime-select intel", "Optimus laptop, hybrid graphics", "the card is powered off, envycontrol, bbswitch, supergfxctl", "prime-select nvidia fixed it".

## How to fix it

sudo prime-select on-demand

sudo reboot
)md",
};

}  // namespace tfdoctor::prime_profile_disables_nvidia
