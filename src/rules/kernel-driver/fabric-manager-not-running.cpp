#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::fabric_manager_not_running {

namespace {

// Whether a GPU waits for the fabric (Hopper and later tell).
bool NameFabric(const DriverAnswers& answers, Verdict& verdict) {
  const auto* devices = answers.nvml_devices.Peek();
  if (devices == nullptr) return false;
  bool waits = false;
  for (const auto& [index, device] : *devices) {
    const std::string* state = device.fabric.Peek();
    if (state == nullptr || *state == "completed") continue;
    verdict.Because(device.fabric, fmt::format("the fabric of GPU {} is {}", index, *state));
    waits = true;
  }
  return waits;
}

// On an NVSwitch machine cuInit waits for the fabric manager, whose version must be that of the module.
Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  const DriverAnswers& answers = facts.driver_answers;
  const KernelDriver& driver = facts.kernel_driver;
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  if (!facts.host.wsl.Absent() || !driver.version.Present()) return Verdict::Silent();
  bool not_ready = answers.asked.Is(true) && answers.init.Is("802");
  if (answers.asked.Is(true) && !not_ready) return Verdict::Silent();
  const auto* switches = driver.nvswitches.Peek();
  bool has_switches = switches != nullptr && !switches->empty();
  if (!not_ready && !has_switches) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  if (not_ready) verdict.Because(answers.init, "cuInit returns " + CudaErrorText(knowledge, "802"));
  if (has_switches)
    verdict.Because(driver.nvswitches, fmt::format("{} NVSwitches are there", switches->size()));
  const bool waits = NameFabric(answers, verdict);
  const bool contained = facts.host.container.Peek() != nullptr;  // the host's processes are not to be seen
  std::string reason = "unknown";
  if (contained) {
    reason = "host";
  } else if (driver.fabric_manager.Absent()) {
    verdict.Because(driver.fabric_manager, "no fabric manager is installed");
    reason = "not-installed";
  } else if (const std::string* version = driver.fabric_manager.Peek();
             version != nullptr && !version->starts_with('/') && *version != *driver.version.Get()) {
    verdict.Because(driver.fabric_manager,
                    fmt::format("the fabric manager is {}, the module {}", *version, *driver.version.Get()));
    reason = "version";
  } else if (driver.fabric_manager_running.Is(false)) {
    verdict.Because(driver.fabric_manager_running, "the fabric manager does not run");
    reason = "stopped";
  } else if (!not_ready) {
    return Verdict::Silent();
  }
  // 802 without a switch or a fabric in sight may have another reason, as in a virtual machine.
  if (!has_switches && !waits && (reason == "unknown" || contained)) verdict.state = Verdict::State::kOpen;
  const std::string branch = std::to_string(MajorVersion(*driver.version.Get()));
  return std::move(verdict).WithReason(reason).WithFix(
      Advice(std::string(contained ? "On the host: install" : "Install") +
                 " the fabric manager of exactly the module's version, and start it",
             {"sudo apt-get install nvidia-fabricmanager-" + branch,
              "sudo systemctl enable --now nvidia-fabricmanager"},
             true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("cuda-not-ready").Proves("fabric-manager");
  s.StatesProof(story.Stated("cuda_error") == "802", "cuda_error", "CUDA error 802");
  s.Speaks("says-nvswitch", kStrong);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "fabric-manager-not-running",
    .link = Link::kKernelDriver,
    .effect = Effect::kBlocks,
    .title = "The fabric manager of this NVSwitch machine is not ready",
    .prior = 0.01,
    .explained_by = {{{"no-nvidia-gpu"}, {"gpu-hardware-fault"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

In machines with NVSwitches (HGX, DGX) a service, the fabric manager, connects the GPUs. Until it has done so, CUDA answers 802, "system not yet initialized", while nvidia-smi works.

## How it is recognised

cuInit returns 802, PCI lists NVSwitches, and the fabric manager is not installed, does not run, or is of another version than the kernel module.

## How it happens

The driver was updated without the fabric manager, the service was not enabled, or it failed at the start.

## What people say

"system not yet initialized, error 802", "A100 or H100 with NVSwitch, HGX, DGX", "nvidia-fabricmanager is not started or of another version", "No supported GPU detected on an A100".

## How to fix it

sudo systemctl enable --now nvidia-fabricmanager

Its version must be exactly that of the driver.
)md",
};

}  // namespace tfdoctor::fabric_manager_not_running
