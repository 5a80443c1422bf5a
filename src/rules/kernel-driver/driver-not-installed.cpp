#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::driver_not_installed {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  if (DriverIsThere(facts))
    return Verdict::Excluded().Because(facts.driver_answers.asked, "the driver answers and lists a GPU");
  const KernelDriver& driver = facts.kernel_driver;
  if (driver.version.Present())
    return Verdict::Excluded().Because(driver.version, "the NVIDIA module is loaded");
  if (driver.version.Unknown() || !facts.host.wsl.Absent() || !facts.host.container.Absent())
    return Verdict::Silent();
  if (HasNvidiaGpu(facts) == Answer::kNo) return Verdict::Silent();
  if (driver.installed_version.Present())
    return Verdict::Excluded().Because(driver.installed_version, "a module is installed");
  if (driver.installed_version.Unknown())
    return Verdict::Open().Because(driver.version, "no NVIDIA module is loaded", Strength::kWeak);
  if (!OtherKernelsWithModule(facts).empty())
    return Verdict::Excluded().Because(driver.built_for, "other kernels have a module");
  // With its libraries there, the module may just not have been built for this kernel.
  bool libraries = facts.driver_library.cuda.path.Present() && !facts.driver_library.cuda.stub.Is(true);
  Verdict verdict = libraries ? Verdict::Open() : Verdict::Holds();
  verdict.Because(driver.version, "no NVIDIA module is loaded")
      .Because(driver.installed_version, "none is installed for the running kernel");
  if (libraries) {
    verdict.Because(facts.driver_library.cuda.path,
                    "the driver's libraries are installed: the module may be missing for this kernel only",
                    Strength::kWeak);
    return std::move(verdict).WithFix(
        Advice("Build the module for the running kernel",
               {"sudo apt-get install linux-headers-$(uname -r)", "sudo dkms autoinstall"}, true, true));
  }
  return std::move(verdict).WithFix(
      Advice("Install the driver from your distribution (Debian: component non-free; Ubuntu: ubuntu-drivers "
             "install)",
             {"sudo apt-get update", "sudo apt-get install nvidia-driver"}, true, true));
}

void JudgeLog(Signs& s) {
  if (!s.story.smi_works) s.Speaks("says-driver-removed", kWeak);
  const LogStory& story = s.story;
  if (story.Saw(Shows::kDriverRefuses)) return;
  s.Speaks("says-no-driver-package", kDecisive);
  // A container or pod gets nvidia-smi from the host, with the GPU.
  const bool contained = story.container || story.Saw("says-kubernetes");
  s.Speaks("smi-missing", contained ? kWeak : kDecisive);
  if (!story.container && !story.wsl) {
    s.Speaks("cuda-303", kWeak).Speaks("module-not-running", kWeak);
  }
  // The engine in a virtual machine or a snap sees none either.
  if (!story.Saw("snap-docker")) s.Speaks("hook-no-nvml", kStrong);
  s.Speaks("smi-failed", kWeak).Speaks("nv-not-found", kStrong);
  if (story.smi_works) s.That(s.any(), "nvidia-smi works, so a driver is installed", kAgainst);
  if (s.any()) s.Wants(story.facts.kernel_driver.installed_version);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "driver-not-installed",
    .link = Link::kKernelDriver,
    .effect = Effect::kBlocks,
    .title = "No NVIDIA driver is installed",
    .prior = 0.06,
    .explained_by = {{{"no-nvidia-gpu"},
                      {"prime-profile-disables-nvidia"},
                      {"kernel-module-not-built"},
                      {"dkms-build-failed"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

There is an NVIDIA GPU, but no NVIDIA driver. Nothing can reach the GPU without its kernel module. pip and conda cannot install it.

## How it is recognised

No NVIDIA kernel module is loaded and none is installed for the running kernel.

## How it happens

A new system, or only the CUDA toolkit was installed, which does not need to bring a driver.

## What people say

"No driver was installed", "nvidia-smi: command not found on the host", "fresh machine, cloud image without a driver", "the installer image fails and installs nothing", "only nouveau, no proprietary driver".

## How to fix it

Install the driver from your distribution and restart:

    sudo apt-get install nvidia-driver      # Debian, with non-free
    sudo ubuntu-drivers install             # Ubuntu

`nvidia-smi` shows the GPU when it works.
)md",
};

}  // namespace tfdoctor::driver_not_installed
