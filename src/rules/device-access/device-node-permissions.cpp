#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

bool IsGpu(const std::string& path) {
  std::string_view rest =
      std::string_view(path).substr(0, 11) == "/dev/nvidia" ? std::string_view(path).substr(11) : "";
  return !rest.empty() && rest.find_first_not_of("0123456789") == std::string_view::npos;
}

// "crw-rw---- root:video" -> "video"
std::string GroupOf(const DeviceNode& node) {
  const std::string* mode = node.mode.Peek();
  size_t colon = mode == nullptr ? std::string::npos : mode->rfind(':');
  return colon == std::string::npos ? "" : mode->substr(colon + 1);
}

Verdict Check(const Facts& facts, const Knowledge&) {
  if (DriverFindsGpu(facts))
    return Verdict::Excluded().Because(facts.driver_answers.count, "the driver lists a device");
  const auto* nodes = facts.device_access.nodes.Get();
  if (nodes == nullptr) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  std::string group;
  bool a_gpu_is_usable = false;
  bool a_gpu_may_be = false;
  bool only_gpus = true;
  for (const auto& [path, node] : *nodes) {
    bool counts = IsGpu(path) || path == "/dev/nvidiactl" || path == "/dev/nvidia-uvm" || path == "/dev/dxg";
    if (!counts) continue;
    a_gpu_is_usable = a_gpu_is_usable || (IsGpu(path) && node.usable.Is(true));
    a_gpu_may_be = a_gpu_may_be || (IsGpu(path) && node.usable.Unknown());
    if (!node.usable.Is(false)) continue;
    only_gpus = only_gpus && IsGpu(path);
    const std::string* mode = node.mode.Peek();
    verdict.Because(node.usable, fmt::format("{} is {} and may not be opened by this user", path,
                                             mode == nullptr ? "there" : *mode));
    if (group.empty()) group = GroupOf(node);
  }
  // A batch system may keep some GPUs from a job and leave others.
  if (verdict.evidence.empty() || (only_gpus && (a_gpu_is_usable || a_gpu_may_be))) return Verdict::Silent();
  if (facts.host.container.Peek() != nullptr)
    return std::move(verdict).WithFix(
        Advice("Start the container again with access to the GPU", {"docker run --gpus all IMAGE"}));
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
  s.Proves("smi-insufficient").Proves("smi-no-permission");
  const bool root = story.Yes("works_as_root") || story.Yes("works_with_sudo");
  s.States(root && (NoDevice(story) || story.Saw("cuda-unknown")), "works_as_root", "it works for root",
           kStrong);
  s.Speaks("cuda-unknown", kWeak);
}

}  // namespace

namespace rules {

extern const Rule device_node_permissions;
constinit const Rule device_node_permissions = {
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

The permissions of `/dev/nvidiactl`, `/dev/nvidia-uvm` and `/dev/nvidiaN` are compared with this user and its groups, by the system itself (access(2)).

## How it happens

The system gives the nodes to a group such as `video` or `render` of which the user is no member, the driver was told so (`NVreg_DeviceFileMode`), or a batch system or container allows no device.

## How to fix it

Join the group and log in again:

    sudo usermod -aG video "$USER"
)md",
};

}  // namespace rules

}  // namespace tfdoctor
