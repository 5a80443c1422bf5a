#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::kernel_module_not_loaded {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  if (DriverIsThere(facts))
    return Verdict::Excluded().Because(facts.driver_answers.asked, "the driver answers and lists a GPU");
  const KernelDriver& driver = facts.kernel_driver;
  if (driver.version.Present()) return Verdict::Excluded().Because(driver.version, "it is loaded");
  if (driver.version.Unknown() || !facts.host.wsl.Absent()) return Verdict::Silent();
  if (HasNvidiaGpu(facts) == Answer::kNo) return Verdict::Silent();
  if (facts.host.container.Present()) {
    return Verdict::Holds()
        .Because(driver.version, "the kernel, which is the host's, has no NVIDIA module loaded")
        .WithReason("host")
        .WithTitle("The host of this container has no NVIDIA driver loaded")
        .WithFix(Advice("On the host: install or load the driver, until this works there", {"nvidia-smi"}));
  }
  if (driver.installed_version.Absent()) return Verdict::Silent();
  if (driver.installed_version.Unknown())
    return Verdict::Open().Because(driver.version, "no NVIDIA module is loaded", Strength::kWeak);
  const auto* blacklisted = driver.blacklisted.Peek();
  if (blacklisted != nullptr && !blacklisted->empty()) {
    return Verdict::Holds()
        .Because(driver.version, "no NVIDIA module is loaded")
        .Because(driver.blacklisted, "it is kept from loading: " + blacklisted->front())
        .WithReason("blacklisted")
        .WithTitle("The NVIDIA kernel module is kept from loading")
        .WithFix(Advice(
            "Take the line out, then make the start files anew and restart",
            {"grep -rn nvidia /etc/modprobe.d /lib/modprobe.d", "sudo update-initramfs -u", "sudo reboot"},
            true, true));
  }
  return Verdict::Holds()
      .Because(driver.version, "no NVIDIA module is loaded")
      .Because(driver.installed_version, "one is installed: " + *driver.installed_version.Get())
      .WithFix(Advice("Load it, and read why if it refuses",
                      {"sudo modprobe nvidia", "sudo dmesg | grep -i -e nvrm -e nvidia | tail"}, true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  if (s.story.SawAny({"module-not-running", "smi-failed"})) s.Speaks("dkms-installed", kDecisive);
  s.Speaks("says-modprobe-helps", kDecisive);
  if (story.wsl) return s.Drop();  // Windows has the driver
  s.Speaks("smi-failed", kStrong).Speaks("nvml-not-loaded", kDecisive).Speaks("hook-driver", kStrong);
  if (!story.container) {
    s.Speaks("module-not-running", story.gpu_seen || DriverAnswered(story) ? kStrong : kWeak);
    s.Speaks("no-device-node", kWeak);
  }
  s.Speaks("module-no-device", kStrong).Speaks("node-not-added", kStrong);
  const std::string module = story.StatedLike("module") + story.StatedLike("lsmod");
  s.States(module.find("not loaded") != module.npos || module.find("no nvidia") != module.npos, "module",
           "the kernel module is not loaded", kDecisive);
  if (!s.any()) s.Speaks("says-module-not-loaded", kStrong);
  if (s.any()) s.Wants(story.facts.kernel_driver.version);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "kernel-module-not-loaded",
    .link = Link::kKernelDriver,
    .effect = Effect::kBlocks,
    .title = "The NVIDIA kernel module is not loaded",
    .prior = 0.05,
    .explained_by = {{{"no-nvidia-gpu"},
                      {"nouveau-holds-gpu"},
                      {"gpu-dropped-by-driver-branch"},
                      {"driver-not-installed"},
                      {"kernel-module-not-built"},
                      {"secure-boot-blocks-module"},
                      {"docker-desktop-without-gpu"},
                      {"prime-profile-disables-nvidia"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The NVIDIA driver is installed, but its kernel module is not loaded, so nothing can reach the GPU.

## How it is recognised

`/proc/driver/nvidia/version` does not exist, while a module file for the running kernel does. In a container it is the host's kernel that counts.

## How it happens

The machine was not restarted after the installation, Secure Boot refuses the module, another driver holds the GPU, or a power profile keeps it off.

## What people say

"lsmod shows no nvidia", "modprobe nvidia fixed it", "the module is there and not loaded after a reboot", "blacklisted in modprobe.d", "couldn't communicate with the NVIDIA driver".

## How to fix it

sudo modprobe nvidia
    sudo dmesg | grep -i nvidia

The kernel's message says what is in the way.
)md",
};

}  // namespace tfdoctor::kernel_module_not_loaded
