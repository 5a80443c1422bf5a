#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::secure_boot_blocks_module {

namespace {

// "Loading of unsigned module is rejected", "… module with unavailable key …". The line "module verification
// failed: signature and/or required key missing - tainting kernel" is none: that module was loaded. Source:
// kernel/module/signing.c.
bool IsRejection(const std::string& text) {
  return text.find("is rejected") != std::string::npos ||
         text.find("loading is restricted") != std::string::npos ||
         text.find("Key was rejected") != std::string::npos ||
         text.find("Required key not available") != std::string::npos;
}

Verdict Check(const Facts& facts, const Knowledge&) {
  if (DriverIsThere(facts))
    return Verdict::Excluded().Because(facts.driver_answers.asked, "the driver answers and lists a GPU");
  const KernelDriver& driver = facts.kernel_driver;
  if (driver.version.Present())
    return Verdict::Excluded().Because(driver.version, "the NVIDIA module is loaded");
  if (driver.version.Unknown() || !facts.host.wsl.Absent() || !facts.host.container.Absent())
    return Verdict::Silent();
  if (!driver.installed_version.Present() || HasNvidiaGpu(facts) == Answer::kNo) return Verdict::Silent();
  if (facts.host.secure_boot.Is(false))
    return Verdict::Excluded().Because(facts.host.secure_boot, "Secure Boot is off");
  Verdict verdict = Verdict::Holds();
  const std::string* said = facts.kernel_log.module_rejected.Get();
  if (said != nullptr && IsRejection(*said)) verdict.Because(facts.kernel_log.module_rejected, *said);
  // What the kernel said needs nothing else.
  const bool* on = verdict.evidence.empty() ? facts.host.secure_boot.Get() : facts.host.secure_boot.Peek();
  if (on != nullptr && *on) {
    const bool* is_signed =
        verdict.evidence.empty() ? driver.signed_module.Get() : driver.signed_module.Peek();
    const bool without = is_signed != nullptr && !*is_signed;
    // Whether the firmware knows the key of a signature is not to be read from here.
    if (verdict.evidence.empty() && !without)
      return Verdict::Open()
          .Because(facts.host.secure_boot, "Secure Boot is on", Strength::kStrong)
          .Because(driver.signed_module,
                   is_signed == nullptr
                       ? "whether the module is signed is not known"
                       : "whether the key of the module's signature is enrolled is not known",
                   Strength::kWeak);
    verdict.Because(facts.host.secure_boot, "Secure Boot is on");
    if (without) verdict.Because(driver.signed_module, "the module carries no signature");
  }
  if (verdict.evidence.empty()) return Verdict::Silent();
  return std::move(verdict)
      .WithFix(Advice("Enrol the key that signs the module, then restart and confirm it on the blue screen",
                      {"sudo mokutil --import /var/lib/shim-signed/mok/MOK.der", "sudo reboot"}, true, true))
      .WithFix(Advice("Or turn Secure Boot off in the firmware", {}, true, true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("key-rejected");
  s.Speaks("module-not-permitted", story.Saw("installer-secure-boot") ? kDecisive : kStrong);
  const bool fails = story.Saw(Shows::kDriverToolFails) || story.Saw("module-not-running") ||
                     (story.only_stated && story.Saw("says-smi-fails"));
  // An update of the firmware sets it to what the maker chose.
  if (story.Saw(Shows::kDriverToolFails)) s.Speaks("says-bios-update", kStrong);
  s.States(story.Saw("says-secure-boot") && fails, "says-secure-boot",
           "Secure Boot is on and the module is not loaded", kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "secure-boot-blocks-module",
    .link = Link::kKernelDriver,
    .effect = Effect::kBlocks,
    .title = "Secure Boot keeps the NVIDIA module from loading",
    .prior = 0.03,
    .explained_by = {{{"no-nvidia-gpu"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

With Secure Boot the kernel loads only modules that are signed with a key that the firmware knows. NVIDIA's module, built on this machine, is not.

## How it is recognised

Secure Boot is on (efivars) and the module is not loaded; the module file carries no signature, or loading it was refused: "Key was rejected by service", "Required key not available".

## How it happens

The driver was installed without enrolling its key, or the blue screen of the firmware after the restart was passed by.

## What people say

"Secure Boot is on", "MOK enrolment was skipped", "Key was rejected by service", "after a BIOS update the driver does not load", "sign the module", "disabling Secure Boot fixed it".

## How to fix it

sudo mokutil --import /var/lib/shim-signed/mok/MOK.der

sudo reboot

Confirm the key on the blue screen. Or turn Secure Boot off in the firmware.
)md",
};

}  // namespace tfdoctor::secure_boot_blocks_module
