#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::open_kernel_module_unsupported_gpu {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  const KernelDriver& driver = facts.kernel_driver;
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  const std::string* flavour = driver.flavour.Get();
  if (flavour == nullptr) return Verdict::Silent();
  if (*flavour != "open") return Verdict::Excluded().Because(driver.flavour, "the flavour is " + *flavour);
  Verdict verdict = Verdict::Holds();
  for (const Gpu* gpu : NvidiaGpus(facts)) {
    const std::string* capability = gpu->compute_capability.Get();
    if (capability == nullptr) continue;
    // The open flavour needs the GPU System Processor, which came with Turing.
    if (CompareVersions(*capability, "7.5") >= 0)
      return Verdict::Excluded().Because(gpu->compute_capability,
                                         "the open flavour drives " + Describe(*gpu));
    verdict.Because(gpu->compute_capability, Describe(*gpu) + " has no GPU System Processor");
  }
  if (verdict.evidence.empty()) return Verdict::Silent();
  if (const std::string* said = facts.kernel_log.open_module_unsupported.Peek())
    verdict.Because(facts.kernel_log.open_module_unsupported, *said);
  verdict.Because(driver.flavour, "the open flavour is loaded");
  const std::string* version = driver.version.Peek();
  const std::string branch = version == nullptr ? "580" : std::to_string(MajorVersion(*version));
  return std::move(verdict).WithFix(
      Advice("Install the proprietary flavour, and restart",
             {fmt::format("sudo apt-get install nvidia-driver-{}", branch), "sudo reboot"}, true, true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("open-unsupported");
  const bool old = !story.capability.empty() && CompareVersions(story.capability, "7.5") < 0;
  s.That(old && story.Saw("says-open-module"), "the open modules drive GPUs from compute capability 7.5 on",
         kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "open-kernel-module-unsupported-gpu",
    .link = Link::kKernelDriver,
    .effect = Effect::kBlocks,
    .title = "The open kernel modules do not drive this GPU",
    .prior = 0.02,
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The open flavour of NVIDIA's kernel modules needs a processor on the GPU (GSP) that exists from Turing on. This GPU is older.

## How it is recognised

The loaded module says that it is the open one; the compute capability of the GPU is below 7.5. The kernel log says "does not include the required GPU System Processor".

## How it happens

An installer chose the open flavour, which newer drivers prefer.

## What people say

"GTX 10xx, V100, Maxwell, Pascal with nvidia-open", "the open module does not support the card", "the distribution switched to the open driver", "GSP required".

## How to fix it

sudo apt-get install nvidia-driver-580

sudo reboot
)md",
};

}  // namespace tfdoctor::open_kernel_module_unsupported_gpu
