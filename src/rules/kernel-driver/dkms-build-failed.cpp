#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::dkms_build_failed {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  if (DriverIsThere(facts))
    return Verdict::Excluded().Because(facts.driver_answers.asked, "the driver answers and lists a GPU");
  const KernelDriver& driver = facts.kernel_driver;
  if (driver.version.Present())
    return Verdict::Excluded().Because(driver.version, "the NVIDIA module is loaded");
  if (driver.version.Unknown() || !facts.host.wsl.Absent() || !facts.host.container.Absent())
    return Verdict::Silent();
  if (driver.installed_version.Present() || HasNvidiaGpu(facts) == Answer::kNo) return Verdict::Silent();
  const std::string* failure = driver.dkms_failure.Get();
  if (failure == nullptr) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  verdict.Because(driver.dkms_failure, "the build failed: " + *failure);
  const bool* headers = driver.headers.Peek();
  if (headers != nullptr && !*headers)
    verdict.Because(driver.headers, "the headers of the running kernel are missing");
  return std::move(verdict)
      .WithFix(Advice("Install the kernel's headers and build again",
                      {"sudo apt-get install linux-headers-$(uname -r)", "sudo dkms autoinstall"}, true))
      .WithFix(
          Advice("Where the kernel is too new for this driver: install a newer driver, or start the older "
                 "kernel",
                 {}, true, true));
}

void JudgeLog(Signs& s) {
  // DKMS builds other modules, too: that of VirtualBox says nothing of NVIDIA's.
  const bool ours =
      !s.story.MaySee("dkms-of-module") || s.story.FieldHas("dkms-of-module", "module", "nvidia");
  if (ours) s.Proves("dkms-failed");
  s.Proves("headers-missing").Proves("gcc-check").Proves("dkms-conf-missing");
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "dkms-build-failed",
    .link = Link::kKernelDriver,
    .effect = Effect::kBlocks,
    .title = "The NVIDIA module could not be compiled for this kernel",
    .prior = 0.03,
    .explained_by = {{{"no-nvidia-gpu"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

DKMS compiles the NVIDIA module for each kernel. Here the compiler stopped with an error, so there is no module for the running kernel.

## How it is recognised

DKMS keeps the log of a build that failed (/var/lib/dkms/nvidia/VERSION/build/make.log); no module for the running kernel is there.

## How it happens

The headers of the kernel are missing, the compiler is another one than the kernel was built with, or the kernel is newer than this driver knows.

## What people say

"dkms status shows an error, bad exit status", "the module does not compile with the new kernel", "gcc version differs from the kernel's", "implicit declaration, make error, linux-headers", "custom kernel: Liquorix, XanMod, CachyOS".

## How to fix it

sudo apt-get install linux-headers-$(uname -r)

sudo dkms autoinstall
)md",
};

}  // namespace tfdoctor::dkms_build_failed
