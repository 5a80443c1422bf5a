#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::kernel_module_not_built {

namespace {

Fix BuildIt() {
  return Advice(
      "Build the module for the running kernel",
      {"sudo apt-get install linux-headers-$(uname -r)", "sudo dkms autoinstall", "sudo modprobe nvidia"},
      true);
}

Verdict Check(const Facts& facts, const Knowledge&) {
  if (DriverIsThere(facts))
    return Verdict::Excluded().Because(facts.driver_answers.asked, "the driver answers and lists a GPU");
  const KernelDriver& driver = facts.kernel_driver;
  if (driver.version.Present())
    return Verdict::Excluded().Because(driver.version, "the NVIDIA module is loaded");
  if (driver.version.Unknown() || !facts.host.wsl.Absent() || !facts.host.container.Absent())
    return Verdict::Silent();
  const std::string* said =
      driver.installed_version.Present() ? facts.kernel_log.module_rejected.Get() : nullptr;
  if (said != nullptr && said->find("version magic") != said->npos)
    return Verdict::Holds()
        .Because(facts.kernel_log.module_rejected, *said)
        .WithTitle("The NVIDIA module that is installed was built for another kernel")
        .WithFix(BuildIt());
  if (driver.installed_version.Present())
    return Verdict::Excluded().Because(driver.installed_version, "a module for this kernel is installed");
  if (driver.installed_version.Unknown() || HasNvidiaGpu(facts) == Answer::kNo) return Verdict::Silent();
  std::string others = OtherKernelsWithModule(facts);
  const std::string* dkms = others.empty() ? driver.dkms.Get() : driver.dkms.Peek();
  // Where the build failed, another rule tells why.
  const bool added = dkms != nullptr && *dkms == "added" && driver.dkms_failure.Peek() == nullptr;
  if (others.empty() && !added) return Verdict::Silent();
  const std::string* kernel = facts.host.kernel.Peek();
  Verdict verdict = Verdict::Holds();
  if (others.empty()) {
    verdict = std::move(verdict).WithTitle("The NVIDIA module was not built for the kernel that runs");
  } else {
    verdict.Because(driver.built_for, "there is a module for " + others);
  }
  verdict.Because(driver.installed_version,
                  "there is none for the running kernel" + (kernel == nullptr ? "" : " " + *kernel));
  if (added)
    verdict.Because(driver.dkms, "DKMS has the module's source and did not build it for this kernel");
  const bool* headers = driver.headers.Peek();
  if (headers != nullptr && !*headers) {
    verdict.Because(driver.headers, "the headers of the running kernel, which building needs, are missing");
  }
  verdict = std::move(verdict).WithFix(BuildIt());
  if (others.empty()) return verdict;
  return std::move(verdict).WithFix(
      Advice("Or start the kernel that has the module", {"sudo reboot"}, true, true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  // In WSL Windows has the driver; an alias sends modprobe elsewhere.
  if (story.wsl || story.MaySee("wsl1-kernel") || story.MaySee("module-alias-off")) return s.Drop();
  // nvidia-smi needs the driver's own module, and not nvidia-uvm.
  const SeenMessage* module = story.Message("module-not-found");
  const bool uvm = story.FieldHas("module-not-found", "part", "uvm");
  if (uvm || (module != nullptr && module->fields.Peek() == nullptr)) {
    s.Speaks("module-not-found", story.smi_works ? kWeak : kStrong);
  } else {
    s.Proves("module-not-found");
  }
  s.Speaks("uvm-module-not-found", kDecisive);
  s.Speaks("module-unknown-symbol", kDecisive);
  const bool fails = story.Saw(Shows::kDriverToolFails) || (story.only_stated && story.Saw("says-smi-fails"));
  s.States(fails && story.Saw("says-kernel-update"), "says-kernel-update", "the kernel was updated", kStrong);
  s.States(fails && story.Saw("says-worked-before") && !story.Saw("says-bios-update"), "says-worked-before",
           "it worked before", kStrong);
  s.States(fails && story.Saw("says-other-kernel-works"), "says-other-kernel-works",
           "with another kernel it works", kDecisive);
  // A reboot starts the newest kernel that was installed meanwhile.
  s.States(fails && story.Saw("says-after-reboot"), "says-after-reboot", "since a reboot", kStrong);
  s.States(fails && story.Saw("says-headers-help"), "says-headers-help",
           "the headers of the running kernel help: a module is built with them", kDecisive);
  // "/lib/modules/5.19.9/extra/nvidia only", and the kernel is another.
  const std::string running = story.StatedLike("uname"), there = story.StatedLike("/lib/modules");
  constexpr std::string_view kModules = "/lib/modules/";
  const size_t at = there.find(kModules);
  if (!running.empty() && at != there.npos && there.find("nvidia") != there.npos) {
    const std::string of =
        there.substr(at + kModules.size(), there.find('/', at + kModules.size()) - at - kModules.size());
    s.States(running.find(of) == running.npos, "/lib/modules",
             "there is a module for the kernel " + of + " alone", kDecisive);
  }
  s.Speaks("smi-failed", kWeak).Speaks("node-not-added", kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "kernel-module-not-built",
    .link = Link::kKernelDriver,
    .effect = Effect::kBlocks,
    .title = "The NVIDIA module is built for other kernels than the one that runs",
    .prior = 0.04,
    .explained_by = {{{"no-nvidia-gpu"}, {"dkms-build-failed"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

A kernel module belongs to one version of the kernel. The kernel was updated, and NVIDIA's module was not built for the new one.

## How it is recognised

No module is loaded or installed for the running kernel, but another kernel below /lib/modules has one.

## How it happens

A kernel update without its headers, so that DKMS could not build; or a driver installed by hand (`.run` file) before the update.

## What people say

"After a kernel update the driver is gone", "I have to build the module again after each update", "the dkms module is gone after an update of its package", "modinfo nvidia: not found", "headers were missing", "depmod".

## How to fix it

sudo apt-get install linux-headers-$(uname -r)

sudo dkms autoinstall

sudo modprobe nvidia
)md",
};

}  // namespace tfdoctor::kernel_module_not_built
