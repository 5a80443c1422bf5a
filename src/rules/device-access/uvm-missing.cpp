#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::uvm_missing {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  const auto* nodes = facts.device_access.nodes.Get();
  if (nodes == nullptr) return Verdict::Silent();
  if (nodes->contains("/dev/nvidia-uvm"))
    return Verdict::Excluded().Because(facts.device_access.nodes, "/dev/nvidia-uvm is there");
  // Without any node of the driver something else is wrong.
  if (!HasNvidiaNode(*nodes)) {
    bool bare = facts.kernel_driver.version.Present() && facts.host.container.Absent();
    if (!bare) return Verdict::Silent();
  }
  // Outside containers the driver's helper nvidia-modprobe makes the nodes when a program first asks.
  bool container = facts.host.container.Present();
  const DriverAnswers& answers = facts.driver_answers;
  if (!container && answers.asked.Is(true) && answers.init.Is("999")) {
    return Verdict::Holds()
        .Because(facts.device_access.nodes, "/dev/nvidia-uvm is not there")
        .Because(answers.init, "cuInit returns CUDA_ERROR_UNKNOWN (999)")
        .WithFix(Advice("Load the module and make its node", {"sudo nvidia-modprobe -u -c=0"}, true));
  }
  Verdict verdict = container ? Verdict::Holds() : Verdict::Open();
  verdict.Because(facts.device_access.nodes, "/dev/nvidia-uvm is not there",
                  container ? Strength::kStrong : Strength::kWeak);
  if (container)
    return std::move(verdict).WithFix(Advice("On the host: make the node, then start the container again",
                                             {"sudo nvidia-modprobe -u -c=0"}, true));
  return std::move(verdict).WithFix(
      Advice("Load the module and make its node", {"sudo nvidia-modprobe -u -c=0"}, true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  if (story.windows || story.mac) return;
  s.Speaks("uvm-module-not-found", kDecisive);
  if (story.FieldHas("module-not-found", "part", "uvm")) s.Speaks("module-not-found", kDecisive);
  // Where the driver's own module does not load, this one cannot.
  s.Speaks("uvm-not-loaded", story.SawAny({"module-no-device", "legacy-gpu"}) ? kWeak : kDecisive);
  s.Speaks("node-not-added", story.FieldHas("node-not-added", "name", "uvm") ? kStrong : kWeak);
  if (story.Saw("says-suspend")) return;
  // A machine that slept has another explanation of the error, which excludes this one not.
  s.Speaks("cuda-unknown", story.Saw("suspend") ? kWeak : kStrong);
  if (!s.any()) {
    s.Speaks("says-uvm", kStrong);
    // Nothing but CUDA fails, and only until nvidia-modprobe has run.
    s.Speaks("says-nvidia-modprobe", kDecisive);
    return;
  }
  s.Speaks("versions-match", kStrong);
  s.That(story.smi_works, "nvidia-smi works, which needs no nvidia-uvm", kStrong);
  s.States(story.Saw("says-works-as-root"), "says-works-as-root", "root's call makes the node", kStrong);
  s.Speaks("module-not-running", kAgainst);
  s.Wants(story.facts.device_access.nodes);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "uvm-missing",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "The device node /dev/nvidia-uvm is missing",
    .prior = 0.02,
    .explained_by = {{{"no-nvidia-gpu"}, {"link:kernel-driver"}, {"gpu-dropped-by-driver-branch"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

CUDA needs the device node `/dev/nvidia-uvm` of the module nvidia-uvm. `nvidia-smi` works without it, CUDA does not.

## How it is recognised

Other NVIDIA device nodes or the loaded driver are there, this one is not. On a machine that nobody used for CUDA since its start that is normal: the node is made at the first use, if `nvidia-modprobe` is installed. So the cause stays open there.

## How it happens

A machine without a display never loaded the module, `nvidia-modprobe` is not installed, or a container was started before the node existed.

## What people say

"modprobe nvidia-uvm fixed it", "nvidia-smi works, CUDA says unknown error", "after a reboot it fails until something is run as root", "/dev/nvidia-uvm is not there", "nvidia-modprobe -u", "cuInit fails with unknown error although the driver is fine".

## How to fix it

sudo nvidia-modprobe -u -c=0

To have it after each start: enable `nvidia-persistenced`, or add `nvidia-uvm` to `/etc/modules`.
)md",
};

}  // namespace tfdoctor::uvm_missing
