#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::uvm_broken_after_suspend {

namespace {

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  const DriverAnswers& answers = facts.driver_answers;
  if (!answers.asked.Is(true)) return Verdict::Silent();
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  const std::string* init = answers.init.Get();
  if (init == nullptr || (*init != "999" && *init != "3" && *init != "304")) return Verdict::Silent();
  const KernelDriver& driver = facts.kernel_driver;
  // An older device or version would be the reason in itself.
  const std::string* module = driver.version.Get();
  const std::string* library = facts.driver_library.cuda.version.Peek();
  if (module == nullptr || (library != nullptr && *library != *module)) return Verdict::Silent();
  const auto* nodes = facts.device_access.nodes.Get();
  if (nodes == nullptr) return Verdict::Silent();
  auto uvm = nodes->find("/dev/nvidia-uvm");
  if (uvm == nodes->end() || !uvm->second.usable.Is(true)) return Verdict::Silent();
  if (driver.resumed.Absent()) {
    return Verdict::Excluded().Because(driver.resumed, "the machine was not suspended since its start");
  }
  if (!driver.resumed.Present()) return Verdict::Silent();
  return Verdict::Holds()
      .Because(answers.init, "cuInit returns " + CudaErrorText(knowledge, *init))
      .Because(driver.resumed, "the machine was suspended since its start")
      .Because(uvm->second.usable, "/dev/nvidia-uvm may be opened")
      .WithFix(Advice("Load the module again (end what uses the GPU before)",
                      {"sudo rmmod nvidia_uvm", "sudo modprobe nvidia_uvm"}, true))
      .WithFix(Advice("Keep it from happening: let the driver save what is in the device's memory",
                      {"sudo systemctl enable nvidia-suspend nvidia-resume nvidia-hibernate"}, true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  if (story.windows || story.mac) return;
  const bool suspended = story.Saw("says-suspend");
  // Only CUDA does not work.
  if (suspended && (story.Saw("cuda-unknown") || story.smi_works)) {
    s.Proves("says-suspend");
  } else {
    s.Speaks("says-suspend", kDecisive);
  }
  if (story.Saw("suspend") && story.Saw("cuda-unknown")) s.Speaks("suspend", kStrong);
  if (!story.container) s.Speaks("cuda-unknown", suspended ? kStrong : kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "uvm-broken-after-suspend",
    .link = Link::kKernelDriver,
    .effect = Effect::kBlocks,
    .title = "The module nvidia-uvm is broken since the machine was suspended",
    .prior = 0.02,
    .explained_by = {{{"no-nvidia-gpu"}, {"driver-library-version-mismatch"}, {"gpu-hardware-fault"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

CUDA needs the kernel module nvidia-uvm. After the machine slept and woke, that module is in a state in which it refuses every program, while nvidia-smi and the screen work.

## How it is recognised

cuInit returns 999 (unknown error), versions agree, /dev/nvidia-uvm may be opened, and the machine was suspended since its start.

## How it happens

A laptop was closed and opened. A program that used CUDA was running then, or the services nvidia-suspend and nvidia-resume are not enabled.

## What people say

"After sleep, suspend or hibernate CUDA fails, a reboot helps", "rmmod nvidia_uvm and modprobe nvidia_uvm helps", "laptop lid closed", "since the computer woke up".

## How to fix it

sudo rmmod nvidia_uvm

sudo modprobe nvidia_uvm
)md",
};

}  // namespace tfdoctor::uvm_broken_after_suspend
