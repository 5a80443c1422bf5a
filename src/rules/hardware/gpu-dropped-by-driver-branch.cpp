#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::gpu_dropped_by_driver_branch {

namespace {

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  if (HasNvidiaGpu(facts) == Answer::kNo || facts.host.wsl.Present()) return Verdict::Silent();
  // A driver that finds no GPU that it knows does not stay loaded: then the installed one speaks.
  const auto& driver = facts.kernel_driver;
  const auto& fact = driver.version.Absent() ? driver.installed_version : driver.version;
  const std::string* version = fact.Get();
  if (version == nullptr || version->starts_with('/')) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  std::string branch;
  std::string first;
  for (const Gpu* gpu : NvidiaGpus(facts)) {
    const std::string* capability = gpu->compute_capability.Get();
    if (capability == nullptr) continue;
    first = knowledge.FirstBranchFor(*capability);
    if (!first.empty() && MajorVersion(*version) < MajorVersion(first)) {
      verdict.Because(gpu->compute_capability,
                      fmt::format("{} is supported from driver branch {} on", Describe(*gpu), first));
      continue;
    }
    first.clear();
    branch = knowledge.LastBranchFor(*capability);
    if (branch.empty() || MajorVersion(*version) <= MajorVersion(branch))
      return Verdict::Excluded().Because(fact, "driver " + *version + " supports " + Describe(*gpu));
    verdict.Because(gpu->compute_capability,
                    fmt::format("{} is supported up to driver branch {}", Describe(*gpu), branch));
  }
  if (!first.empty() && branch.empty()) {
    return std::move(verdict.Because(fact, "driver " + *version + " is installed"))
        .WithReason("driver-older-than-gpu")
        .WithTitle("The installed driver is older than this GPU and does not know it")
        .WithExplanation(
            "This GPU came out after the installed driver. The driver ignores it, so that no program "
            "finds a GPU.")
        .WithFix(Advice("Install driver " + first + " or newer from your distribution, then restart",
                        {"sudo apt-get update", "sudo apt-get install nvidia-driver"}, true, true));
  }
  if (const std::string* said = facts.kernel_log.dropped_branch.Peek()) {
    verdict.Because(facts.kernel_log.dropped_branch,
                    "the kernel log: the GPU is supported through the branch " + *said);
    if (branch.empty()) branch = std::to_string(MajorVersion(*said));
  }
  if (branch.empty()) return Verdict::Silent();
  verdict.Because(fact, "driver " + *version + " is installed");
  return std::move(verdict).WithFix(Advice("Install the last driver branch for this GPU: " + branch,
                                           {fmt::format("sudo apt-get install nvidia-driver-{}", branch)},
                                           true, true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("legacy-gpu");
  const std::string none = NoDriverForCuda(story);
  if (!none.empty() && story.Saw("cuda-insufficient-driver")) s.ThatProves(true, none);
  if (story.capability.empty() || story.driver.empty() || story.windows || story.wsl) return;
  const std::string last = story.knowledge.LastBranchFor(story.capability);
  const bool dropped = !last.empty() && MajorVersion(story.driver) > MajorVersion(last);
  s.ThatProves(dropped, "branch " + last + " is the last for compute capability " + story.capability +
                            "; the driver is " + story.driver);
  if (!dropped) return;
  s.Speaks("smi-failed", kStrong).Speaks("smi-no-devices", kStrong);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "gpu-dropped-by-driver-branch",
    .link = Link::kHardware,
    .effect = Effect::kBlocks,
    .title = "The installed driver no longer supports this GPU",
    .prior = 0.03,
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

NVIDIA drops old GPU generations from its drivers. The installed driver is too new for this GPU and ignores it, or the GPU is newer than the driver, which does not know it yet.

## How it is recognised

The driver's branch (the first number of its version) is compared with the last one for the GPU's generation: 580 for Maxwell, Pascal and Volta, 470 for Kepler; and with the first one: 570 for Blackwell (RTX 50 series). `dmesg` says "will ignore this GPU".

## How it happens

A system update installed a newer driver branch; or a new GPU was put into a machine whose driver stayed.

## What people say

"supported through the legacy drivers, 340.xx, 390.xx, 470.xx, 580.xx", "after the update to the newest driver my old card is gone", "the driver will ignore this GPU", "Fermi, Kepler, Maxwell, Pascal with a current driver".

## How to fix it

Remove the driver and install the last branch for the GPU; hold it there (`apt-mark hold`). The package is named differently in each distribution. For a GPU that is newer than the driver, install a newer driver.
)md",
};

}  // namespace tfdoctor::gpu_dropped_by_driver_branch
