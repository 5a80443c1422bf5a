#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::nouveau_holds_gpu {

namespace {

Fix GiveBack() {
  return Advice("Give the GPU back to NVIDIA's driver, if it is not meant for a virtual machine",
                {"lspci -k -d 10de:", "grep -r vfio /etc/modprobe.d /etc/default/grub"});
}

Verdict Check(const Facts& facts, const Knowledge&) {
  if (DriverIsThere(facts))
    return Verdict::Excluded().Because(facts.driver_answers.asked, "the driver answers and lists a GPU");
  const KernelDriver& driver = facts.kernel_driver;
  if (driver.version.Present())
    return Verdict::Excluded().Because(driver.version, "NVIDIA's own module is loaded");
  if (driver.version.Unknown() || !facts.host.wsl.Absent() || !facts.host.container.Absent())
    return Verdict::Silent();
  for (const Gpu* gpu : NvidiaGpus(facts)) {
    const std::string* bound = gpu->kernel_driver.Get();
    if (bound == nullptr || *bound == "nvidia" || *bound == "nouveau") continue;
    return Verdict::Holds()
        .Because(gpu->kernel_driver, Describe(*gpu) + " is bound to " + *bound)
        .WithTitle("Another driver holds the GPU: " + *bound)
        .WithFix(GiveBack());
  }
  if (driver.nouveau_loaded.Is(false))
    return Verdict::Excluded().Because(driver.nouveau_loaded, "nouveau is not loaded");
  // Without NVIDIA's driver nouveau is in nobody's way.
  if (!driver.nouveau_loaded.Is(true) || driver.installed_version.Absent()) return Verdict::Silent();
  if (HasNvidiaGpu(facts) == Answer::kNo) return Verdict::Silent();
  if (driver.installed_version.Unknown())
    return Verdict::Open().Because(driver.nouveau_loaded, "nouveau is loaded", Strength::kWeak);
  Verdict verdict = Verdict::Holds();
  verdict.Because(driver.nouveau_loaded, "the module nouveau is loaded")
      .Because(driver.installed_version, "NVIDIA's own is installed and not loaded");
  if (const std::string* others = facts.kernel_log.other_driver_bound.Peek())
    verdict.Because(facts.kernel_log.other_driver_bound,
                    "NVIDIA's module found the GPU taken, perhaps by " + *others);
  return std::move(verdict).WithFix(
      Advice("Keep nouveau from loading, and restart",
             {"printf 'blacklist nouveau\\noptions nouveau modeset=0\\n' | sudo tee "
              "/etc/modprobe.d/blacklist-nouveau.conf",
              "sudo update-initramfs -u", "sudo reboot"},
             true, true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("nouveau");
  if (story.FieldHas("lspci-driver", "driver", "nouveau")) s.Proves("lspci-driver");
  // nova is nouveau's successor. A GPU that was given to vfio-pci is meant for a virtual machine.
  const std::string driver = Lower(story.Field("bound-to-driver", "driver"));
  if (driver.starts_with("nouveau") || driver.starts_with("nova")) {
    s.Proves("bound-to-driver");
  } else if (!driver.empty()) {
    s.Proves("bound-to-driver");
    s.Title("Another driver holds the GPU: " + story.Field("bound-to-driver", "driver"));
    s.Repair(GiveBack());
  }
  // NVIDIA's module names the drivers that may be the one: nouveau, and frame buffers that nobody has.
  s.Speaks("other-driver-holds", kDecisive);
  s.Speaks("says-nouveau", kStrong);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "nouveau-holds-gpu",
    .link = Link::kKernelDriver,
    .effect = Effect::kBlocks,
    .title = "The nouveau driver holds the GPU",
    .prior = 0.04,
    .explained_by = {{{"no-nvidia-gpu"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

nouveau is the free driver for NVIDIA's cards. It cannot run CUDA, and while it holds the GPU, NVIDIA's own driver cannot take it. The same is true of its successor nova, and of vfio-pci, which keeps a GPU for virtual machines.

## How it is recognised

The module `nouveau` is loaded, NVIDIA's module is installed but not loaded.

## How it happens

NVIDIA's driver was installed without switching nouveau off, or the initial RAM disk still contains it.

## What people say

"nouveau or nova is loaded", "Kernel driver in use: nouveau", "blacklist nouveau and update-initramfs helped", "another driver owns the card".

## How to fix it

Forbid nouveau in `/etc/modprobe.d/`, rebuild the initial RAM disk (`update-initramfs -u`, elsewhere `dracut --force`) and restart.
)md",
};

}  // namespace tfdoctor::nouveau_holds_gpu
