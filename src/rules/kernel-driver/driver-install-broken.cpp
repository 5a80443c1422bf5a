#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::driver_install_broken {

namespace {

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  const DriverAnswers& answers = facts.driver_answers;
  if (!answers.asked.Is(true)) return Verdict::Silent();
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  const std::string* init = answers.init.Get();
  if (init == nullptr || *init == "0") return Verdict::Silent();
  const KernelDriver& driver = facts.kernel_driver;
  Verdict verdict = Verdict::Holds();
  if (const std::string* file = facts.kernel_log.firmware_failure.Get())
    verdict.Because(facts.kernel_log.firmware_failure, "the kernel could not load the firmware " + *file);
  // The open flavour starts no GPU without the firmware of its own version; one that NVML lists was started,
  // so that its firmware is somewhere, if only in the initial file system of the boot.
  const std::string* flavour = driver.flavour.Get();
  if (flavour != nullptr && *flavour == "open" && driver.firmware.Absent() && !DriverIsThere(facts)) {
    verdict.Because(driver.flavour, "the open flavour of the module is loaded")
        .Because(driver.firmware, "the firmware of its version is not installed");
  }
  if (verdict.evidence.empty()) return Verdict::Silent();
  verdict.Because(answers.init, "cuInit returns " + CudaErrorText(knowledge, *init));
  return std::move(verdict)
      .WithReason("firmware")
      .WithFix(
          Advice("Install the firmware of exactly the module's version (Debian: firmware-nvidia-gsp; Ubuntu: "
                 "nvidia-firmware-BRANCH), or the driver once more",
                 {"sudo apt-get install --reinstall firmware-nvidia-gsp"}, true, true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  if (story.mac) return;
  s.Speaks("says-driver-files-broken", kDecisive);
  // Where the log says why, the failed installation is what follows.
  const bool why = story.SawAny({"key-rejected", "dkms-failed", "headers-missing", "gcc-check", "nouveau",
                                 "other-driver-holds", "legacy-gpu", "open-required"});
  if (why) {
    s.Speaks("install-broken", kWeak);
  } else {
    s.Proves("install-broken");
  }
  s.Speaks("module-invalid-argument", kStrong).Speaks("hook-file-gone", kStrong);
  for (const std::string& code : s.story.Fields("xid", "code")) {
    const ErrorRow row = FindXid(s.story.knowledge, code);
    if (row.fault == "driver" && row.reset) s.Speaks("xid", kStrong);
  }
  // "could not insert 'nvidia_361_uvm'": Ubuntu had the branch in the name.
  std::string branch = s.story.Field("module-invalid-argument", "name");
  branch = branch.starts_with('_') ? branch.substr(1, branch.find('_', 1) - 1) : std::string();
  s.That(!branch.empty() && !s.story.driver.empty() && MajorVersion(branch) != MajorVersion(s.story.driver),
         "the module is of branch " + branch + ", the driver is " + s.story.driver, kDecisive);
  s.Speaks("smi-no-devices", kWeak).Speaks("cuda-busy", kWeak).Speaks("cuda-launch-failed", kWeak);
  s.Speaks("cuda-os-call", kWeak);
  if (!story.Saw("says-suspend")) s.Speaks("cuda-unknown", kWeak);
  // Another version or flavour does work.
  s.Speaks(story.Saw("says-other-driver-works") ? "says-other-driver-works" : "says-older-driver-works",
           kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "driver-install-broken",
    .link = Link::kKernelDriver,
    .effect = Effect::kBlocks,
    .title = "The driver installation is incomplete",
    .prior = 0.02,
    .explained_by = {{{"no-nvidia-gpu"}, {"gpu-dropped-by-driver-branch"}, {"nouveau-holds-gpu"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

Parts of the driver are missing or damaged, so the module that is loaded cannot start the GPU.

## How it is recognised

The open flavour of the module is loaded, and the firmware of exactly its version (/lib/firmware/nvidia/VERSION/gsp_*.bin) is not there, or the kernel log says that it could not be loaded.

## How it happens

A package was left out or removed, two installations (`.run` file and packages) overwrote each other, or an update was interrupted.

## What people say

"Reinstalling the driver fixed it", "purge nvidia and install again", "another version of the driver works, this release is defective", "mixed .run file and packages", "firmware missing", "downgrade".

## How to fix it

sudo apt-get install --reinstall firmware-nvidia-gsp nvidia-driver
)md",
};

}  // namespace tfdoctor::driver_install_broken
