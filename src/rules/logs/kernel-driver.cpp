#include "base/text.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

bool DriverToolFails(const LogStory& story) {
  return story.SawAny({"smi-failed", "nvml-not-loaded", "hook-driver"});
}

void NotInstalled(Signs& s) {
  const LogStory& story = s.story;
  if (AnswersOtherwise(story)) return;
  s.Speaks("smi-missing", story.container ? kWeak : kDecisive);
  if (!story.container && !story.wsl) {
    s.Speaks("cuda-303", kWeak).Speaks("module-not-running", kWeak);
  }
  // The engine in a virtual machine or a snap sees none either.
  if (!story.Saw("snap-docker")) s.Speaks("hook-no-nvml", kStrong);
  s.Speaks("smi-failed", kWeak);
  if (story.smi_works) s.That(s.any(), "nvidia-smi works, so a driver is installed", kAgainst);
  if (s.any()) s.Wants(story.facts.kernel_driver.installed_version);
}

void NotLoaded(Signs& s) {
  const LogStory& story = s.story;
  s.Speaks("smi-failed", kStrong).Speaks("nvml-not-loaded", kDecisive).Speaks("hook-driver", kStrong);
  if (!story.container && !story.wsl) {
    s.Speaks("module-not-running", story.gpu_seen ? kStrong : kWeak).Speaks("no-device-node", kWeak);
  }
  s.Speaks("module-no-device", kStrong);
  if (s.any()) s.Wants(story.facts.kernel_driver.version);
}

void NotBuilt(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("module-not-found");
  s.Speaks("module-unknown-symbol", kDecisive);
  s.States(DriverToolFails(story) && (story.Yes("worked_before") || StatedAnywhere(story, "kernel update")),
           "worked_before", "it worked before", kStrong);
  s.Speaks("smi-failed", kWeak);
}

void Dkms(Signs& s) { s.Proves("dkms-failed").Proves("headers-missing").Proves("gcc-check"); }

void SecureBoot(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("key-rejected");
  const bool fails = DriverToolFails(story) || story.Saw("module-not-running");
  s.States(story.Yes("secure_boot") && fails, "secure_boot", "Secure Boot is on and the module is not loaded",
           kDecisive);
}

void Nouveau(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("nouveau");
  if (story.FieldHas("lspci-driver", "driver", "nouveau")) s.Proves("lspci-driver");
  s.States(StatedAnywhere(story, "nouveau"), "fallback_driver", "nouveau is in use", kStrong);
}

void Prime(Signs& s) {
  s.Proves("prime-intel");
  s.States(StatedAnywhere(s.story, "prime-select intel"), "check", "the profile is intel", kDecisive);
}

void OpenRequired(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("open-required");
  s.StatesProof(story.Mentions("dmesg", "open kernel modules are required") ||
                    story.Mentions("dmesg", "requires use of"),
                "dmesg", "the kernel log says that the open modules are required");
  // The first generation without a proprietary module.
  const bool blackwell = !story.capability.empty() && CompareVersions(story.capability, "10.0") >= 0;
  s.That(blackwell && StatedAnywhere(story, "proprietary"),
         "this GPU needs the open modules; the proprietary ones are installed", kDecisive);
  if (blackwell) s.Speaks("smi-no-devices", kStrong);
}

void OpenUnsupported(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("open-unsupported");
  const bool old = !story.capability.empty() && CompareVersions(story.capability, "7.5") < 0;
  s.That(old && StatedAnywhere(story, "-open"), "the open modules drive GPUs from compute capability 7.5 on",
         kDecisive);
}

void InstallBroken(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("install-broken");
  s.Speaks("smi-no-devices", kWeak).Speaks("cuda-busy", kWeak).Speaks("cuda-launch-failed", kWeak);
  s.Speaks("cuda-os-call", kWeak);
  if (!story.Yes("after_suspend")) s.Speaks("cuda-unknown", kWeak);
  // Another version or flavour does work.
  bool other_works = false;
  if (const auto* stated = story.facts.log.stated.Peek()) {
    for (const auto& [key, value] : *stated)
      other_works = other_works || (key.starts_with("driver_") && key.ends_with("_works") && value == "true");
  }
  s.States(other_works, "driver", "another version of the driver works", kDecisive);
}

void AfterSuspend(Signs& s) {
  const LogStory& story = s.story;
  const bool suspended =
      story.Yes("after_suspend") || StatedAnywhere(story, "suspend") || StatedAnywhere(story, "hibernat");
  s.StatesProof(suspended && (story.Saw("cuda-unknown") || story.smi_works), "after_suspend",
                "it stopped working after suspend, and nvidia-smi or the error shows that only CUDA does");
  s.States(suspended, "after_suspend", "it stopped working after suspend", kDecisive);
  if (story.Saw("suspend") && story.Saw("cuda-unknown")) s.Speaks("suspend", kStrong);
  if (!story.container) s.Speaks("cuda-unknown", suspended ? kStrong : kWeak);
}

void Fabric(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("cuda-not-ready").Proves("runtime-802").Proves("fabric-manager");
  s.StatesProof(story.Stated("cuda_error") == "802", "cuda_error", "CUDA error 802");
  s.States(story.Yes("nvswitch"), "nvswitch", "the machine has NVSwitches", kStrong);
}

constexpr LogRule kRules[] = {
    {"driver-not-installed", NotInstalled},
    {"kernel-module-not-loaded", NotLoaded},
    {"kernel-module-not-built", NotBuilt},
    {"dkms-build-failed", Dkms},
    {"secure-boot-blocks-module", SecureBoot},
    {"nouveau-holds-gpu", Nouveau},
    {"prime-profile-disables-nvidia", Prime},
    {"open-kernel-module-required", OpenRequired},
    {"open-kernel-module-unsupported-gpu", OpenUnsupported},
    {"driver-install-broken", InstallBroken},
    {"uvm-broken-after-suspend", AfterSuspend},
    {"fabric-manager-not-running", Fabric},
};

}  // namespace

namespace rules {
extern const std::span<const LogRule> kLog_kernel_driver;
const std::span<const LogRule> kLog_kernel_driver = kRules;
}  // namespace rules

}  // namespace tfdoctor
