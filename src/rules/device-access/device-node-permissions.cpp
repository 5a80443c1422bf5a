#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "facts/devices.h"
#include "rules/common.h"
#include "rules/containers.h"
#include "rules/logs.h"

namespace tfdoctor::device_node_permissions {

namespace {

// "crw-rw---- root:video" -> "video"
std::string GroupOf(const DeviceNode& node) {
  const std::string* mode = node.mode.Peek();
  size_t colon = mode == nullptr ? std::string::npos : mode->rfind(':');
  return colon == std::string::npos ? "" : mode->substr(colon + 1);
}

// The batch system that runs this job; empty: none.
std::string BatchSystem(const Facts& facts) {
  for (const auto& [variable, name] :
       {std::pair("SLURM_JOB_ID", "Slurm"), {"PBS_JOBID", "PBS"}, {"LSB_JOBID", "LSF"}}) {
    if (facts.environment.Variable(variable).Peek() != nullptr) return name;
  }
  return {};
}

constexpr std::string_view kPermitDevices =
    R"(printf '[Service]\nPrivateDevices=no\nDeviceAllow=/dev/nvidiactl rw\nDeviceAllow=/dev/nvidia0 rw\nDeviceAllow=/dev/nvidia-uvm rw\n' | sudo tee /etc/systemd/system/UNIT.service.d/gpu.conf)";

// "crw-rw-rw- root:root"
bool OpenToAll(const DeviceNode& node) {
  const std::string* mode = node.mode.Peek();
  return mode != nullptr && mode->size() > 9 && (*mode)[7] == 'r' && (*mode)[8] == 'w';
}

Verdict BySecurityModule(const Facts& facts, Verdict verdict) {
  const Fact<std::string>& confinement = facts.device_access.confinement;
  if (confinement.Peek() != nullptr)
    verdict.Because(confinement, "this process is confined: " + *confinement.Peek());
  const auto* denials = facts.kernel_log.denials.Peek();
  if (denials != nullptr) verdict.Because(facts.kernel_log.denials, denials->back());
  if (facts.host.container.Present()) {
    verdict = std::move(verdict).WithFix(
        Advice("Start the container without SELinux's confinement",
               {"podman run --security-opt=label=disable --device nvidia.com/gpu=all IMAGE"}));
  }
  return std::move(verdict)
      .WithReason("security-module")
      .WithTitle("A security module (SELinux or AppArmor) keeps this process from the GPU")
      .WithExplanation(
          "The device nodes are there and their permissions allow it, but the policy of SELinux or "
          "AppArmor does not let this process open them.")
      .WithFix(Advice("Read what was denied, and allow it",
                      {"sudo ausearch -m avc -ts recent", "sudo journalctl -k | grep -i denied"}, true));
}

// These run in the control group of whoever starts them.
bool HasControlGroup(const Facts& facts) {
  const std::string* engine = facts.host.container.Get();
  return engine != nullptr && *engine != "singularity" && *engine != "apptainer";
}

// The permissions allow it and open() says no: a control group (EPERM), or a security module (EACCES).
Verdict CheckRefusals(const Facts& facts, const std::map<std::string, DeviceNode>& nodes) {
  const auto* refused = facts.device_access.refused.Peek();
  if (refused == nullptr) return Verdict::Silent();
  const bool contained = HasControlGroup(facts);
  Verdict verdict = Verdict::Holds();
  std::string errors;
  for (const auto& [path, error] : *refused) {
    auto node = nodes.find(path);
    // Of a container's control group container-lost-gpu speaks.
    if (node == nodes.end() || (error != "EACCES" && (error != "EPERM" || contained))) continue;
    if (!node->second.usable.Is(true)) continue;
    verdict.Because(facts.device_access.refused,
                    fmt::format("opening {} fails ({}), although its permissions allow it", path, error));
    errors += error + " ";
  }
  if (errors.empty()) return Verdict::Silent();
  if (errors.find("EACCES") != std::string::npos) return BySecurityModule(facts, std::move(verdict));
  const std::string batch = BatchSystem(facts);
  if (batch.empty()) {
    return std::move(verdict)
        .WithReason("control-group")
        .WithTitle("The control group of this process forbids the GPU")
        .WithExplanation(
            "The device nodes are there and their permissions allow it, but the control group that this "
            "process runs in does not let it open them.")
        .WithFix(Advice("Where a service of systemd runs it: permit the devices in its unit",
                        {"systemctl status $$", "sudo mkdir -p /etc/systemd/system/UNIT.service.d",
                         std::string(kPermitDevices), "sudo systemctl daemon-reload",
                         "sudo systemctl restart UNIT.service"},
                        true));
  }
  return std::move(verdict)
      .WithReason("batch-system")
      .WithTitle("This job of " + batch + " was given no GPU")
      .WithExplanation("On this node a job may open only the GPUs that " + batch +
                       " gave to it, and it gave none to this one.")
      .WithFix(Advice("Request one", {batch == "Slurm" ? "srun --gres=gpu:1 python program.py"
                                      : batch == "PBS" ? "qsub -l select=1:ngpus=1 job.sh"
                                                       : "bsub -gpu \"num=1\" python program.py"}));
}

Verdict Check(const Facts& facts, const Knowledge&) {
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  const auto* nodes = facts.device_access.nodes.Get();
  if (nodes == nullptr) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  std::string group;
  bool a_gpu_is_usable = false;
  bool a_gpu_may_be = false;
  bool only_gpus = true;
  bool all_open_to_all = true;
  for (const auto& [path, node] : *nodes) {
    bool counts =
        IsGpuNode(path) || path == "/dev/nvidiactl" || path == "/dev/nvidia-uvm" || path == "/dev/dxg";
    if (!counts) continue;
    a_gpu_is_usable = a_gpu_is_usable || (IsGpuNode(path) && node.usable.Is(true));
    a_gpu_may_be = a_gpu_may_be || (IsGpuNode(path) && node.usable.Unknown());
    if (!node.usable.Is(false)) continue;
    only_gpus = only_gpus && IsGpuNode(path);
    all_open_to_all = all_open_to_all && OpenToAll(node);
    const std::string* mode = node.mode.Peek();
    verdict.Because(node.usable, fmt::format("{} is {} and may not be opened by this user", path,
                                             mode == nullptr ? "there" : *mode));
    if (group.empty()) group = GroupOf(node);
  }
  // A batch system may keep some GPUs from a job and leave others.
  if (verdict.evidence.empty() || (only_gpus && (a_gpu_is_usable || a_gpu_may_be)))
    return CheckRefusals(facts, *nodes);
  // SELinux answers access() as well; what else refuses an open node is a mount without devices.
  if (all_open_to_all) return BySecurityModule(facts, std::move(verdict));
  if (const std::string* engine = facts.host.container.Peek()) {
    // Without root, Podman drops the groups of the user unless it is told to keep them.
    return std::move(verdict).WithFix(
        *engine == "podman"
            ? Advice("Start the container again and keep the groups of your user",
                     {"podman run --device nvidia.com/gpu=all --group-add keep-groups IMAGE"})
            : Advice("Start the container again with access to the GPU", StartWithGpu(*engine)));
  }
  if (!group.empty() && group != "root") {
    return std::move(verdict).WithFix(
        Advice("Join the group that may, then log out and in again",
               {fmt::format("sudo usermod -aG {} \"$USER\"", ShellQuote(group))}, true));
  }
  return std::move(verdict).WithFix(
      Advice("Let every user open them (until the next restart)", {"sudo chmod a+rw /dev/nvidia*"}, true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  if (story.windows || story.mac) return;
  s.Proves("smi-insufficient");
  // In a container it is the engine that gives the permission or does not, in WSL it is Windows.
  if (story.container || story.wsl) {
    s.Speaks("smi-no-permission", kWeak);
  } else {
    s.Proves("smi-no-permission");
  }
  // Whether this user is in the group, the line does not say.
  s.Speaks("node-for-a-group", story.Saw(Shows::kNoDevice) ? kStrong : kWeak);
  s.Speaks("says-node-mode", kDecisive);
  const bool root = story.SawAny({"says-works-as-root", "says-root-has-gpu"});
  s.States(root && (story.Saw(Shows::kNoDevice) || story.Saw("cuda-unknown")),
           story.Saw("says-works-as-root") ? "says-works-as-root" : "says-root-has-gpu", "it works for root",
           story.Saw("says-jetson") ? kDecisive : kStrong);
  if (!s.any() && !story.trouble) s.Speaks("says-works-as-root", kStrong);
  s.Speaks("says-no-permission", kStrong);
  s.Speaks("cuda-unknown", kWeak);
  // /dev/kfd and /dev/dri are for the groups render and video.
  s.Speaks("hipinit-failed", kWeak);
  // The module is loaded, and TensorFlow looked for /dev/nvidia0 before it compared the versions.
  if (story.Saw("cuda-no-device") && story.Saw("versions-match")) {
    s.Speaks("cuda-no-device", kWeak);
    s.Wants(story.facts.device_access.nodes);
  }
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "device-node-permissions",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "This user may not open the GPU's device nodes",
    .prior = 0.03,
    .explained_by = {{{"no-nvidia-gpu"}, {"link:kernel-driver"}, {"gpu-dropped-by-driver-branch"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

A program reaches the GPU through files such as `/dev/nvidia0`. They are there, but this user may not open them.

## How it is recognised

The permissions of `/dev/nvidiactl`, `/dev/nvidia-uvm` and `/dev/nvidiaN` are compared with this user and its groups, by the system itself (access(2)). Where they allow it and open() says no nevertheless, EPERM is the doing of a control group, EACCES of a security module (SELinux, AppArmor).

## How it happens

The system gives the nodes to a group such as `video` or `render` of which the user is no member, the driver was told so (`NVreg_DeviceFileMode`), or a batch system or container allows no device.

## What people say

"It works with sudo or as root only", "my user is not in group video or render", "permission denied on /dev/nvidia0", "a service account cannot see the GPU", "crw-rw---- root".

## How to fix it

Join the group and log in again:

    sudo usermod -aG video "$USER"

A job of a batch system must request the GPU (Slurm: `--gres=gpu:1`); Podman without root keeps the user's groups with `--group-add keep-groups`, and needs `--security-opt=label=disable` under SELinux.
)md",
};

}  // namespace tfdoctor::device_node_permissions
