#include <algorithm>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/containers.h"
#include "rules/logs.h"

namespace tfdoctor::container_lost_gpu {

namespace {

// A rule of a control group of version 1: "c 195:* rw", "a *:* rwm". "m" alone is for making nodes, as the
// "c *:* m" that Docker gives to every container.
bool PermitsGpu(const std::string& rule) {
  const std::vector<std::string_view> words = SplitWords(rule);
  if (words.size() != 3 || words[2].find('r') == std::string_view::npos ||
      words[2].find('w') == std::string_view::npos)
    return false;
  return words[0] == "a" || (words[0] == "c" && (words[1].starts_with("195:") || words[1] == "*:*"));
}

Verdict Check(const Facts& facts, const Knowledge&) {
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  // Singularity and Apptainer have no control group of their own: a batch system's forbids it there.
  const std::string* engine = facts.host.container.Get();
  if (engine == nullptr || *engine == "singularity" || *engine == "apptainer") return Verdict::Silent();
  const auto* nodes = facts.device_access.nodes.Get();
  if (nodes == nullptr || !HasNvidiaNode(*nodes)) return Verdict::Silent();
  if (!facts.driver_answers.asked.Is(true)) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  // The permissions allow it, and open() says EPERM: that is what the device rules of a control group do.
  if (const auto* refused = facts.device_access.refused.Get()) {
    for (const auto& [path, error] : *refused) {
      auto node = nodes->find(path);
      if (error != "EPERM" || node == nodes->end()) continue;
      const bool* usable = node->second.usable.Get();
      if (usable != nullptr && *usable)
        verdict.Because(facts.device_access.refused,
                        "opening " + path + " is not permitted (EPERM), although its permissions allow it");
    }
  }
  if (const auto* rules = facts.device_access.cgroup_rules.Get()) {
    const bool allowed = rules->empty() || std::any_of(rules->begin(), rules->end(), PermitsGpu);
    if (!allowed)
      verdict.Because(facts.device_access.cgroup_rules,
                      "the control group permits no device c 195:*, which the GPU's are");
  }
  if (verdict.evidence.empty()) return Verdict::Silent();
  verdict = std::move(verdict).WithFix(Advice("Start the container again", StartAgain(*engine)));
  if (*engine != "docker") return verdict;
  return std::move(verdict).WithFix(
      Advice("Keep it from happening: name the devices to the engine, or let it manage control groups itself",
             {"docker run --gpus all --device /dev/nvidia0 --device /dev/nvidiactl --device /dev/nvidia-uvm "
              "IMAGE"}));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  if (story.SawAny({"no-cgroups", "says-no-cgroups"})) return;
  const bool* worked = story.facts.container_engine.worked_before.Peek();
  const bool before = worked != nullptr && *worked;
  if (before && story.container) s.Proves("nvml-unknown-error");
  // From its first moment a container shows the same where its engine gives no permission.
  s.Speaks("nvml-unknown-error", kStrong);
  if (s.any()) s.Speaks("says-from-the-start", kAgainst);
  // One that is lost is not there, not busy.
  if (s.any()) s.Speaks("cuda-busy", kAgainst);
  s.That(s.any() && story.smi_works, "nvidia-smi worked before in the same log", kStrong);
  const bool fails = story.only_stated || story.Saw(Shows::kNoDevice) || story.Saw(Shows::kDriverRefuses) ||
                     story.Saw(Shows::kDriverToolFails);
  // Of another version of its image or its installer, "it worked before" says nothing of a container that
  // runs.
  s.States(story.container && before && fails && !s.any(), "worked_at_start",
           "the container had the GPU at first",
           story.only_stated && story.Stated("worked_at_start").empty() ? kWeak : kStrong);
  // No container runs through a reboot, and where the module is not loaded none has a GPU to lose.
  if (story.Saw(Shows::kDriverToolFails)) s.Speaks("says-after-reboot", kAgainst);
  if (s.any()) s.Wants(story.facts.container_engine.worked_before);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "container-lost-gpu",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "The control group of this container forbids the GPU",
    .prior = 0.03,
    .explained_by = {{{"no-nvidia-gpu"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

A container sees the GPU's device nodes, but its control group does not let it open them. Most often it could at first and lost it.

## How it is recognised

The device nodes are there and their permissions allow it, yet open() returns EPERM; under control groups of version 1 the list of devices can be read.

## How it happens

`systemctl daemon-reload` on the host (an update runs it) made systemd write the device rules anew, without those that the NVIDIA hook had added. Where it never worked: `no-cgroups = true` in /etc/nvidia-container-runtime/config.toml, which is right for rootless engines only.

## What people say

"It worked for hours and then: Unknown Error", "after systemctl daemon-reload the container loses the GPU", "restarting the container helps", "kubelet's CPU manager".

## How to fix it

docker restart CONTAINER

On the host, so that it does not happen again: give the devices to the engine (`--device`), use CDI, or set `"exec-opts": ["native.cgroupdriver=cgroupfs"]` in /etc/docker/daemon.json. Look that /etc/nvidia-container-runtime/config.toml does not say `no-cgroups = true`.
)md",
};

}  // namespace tfdoctor::container_lost_gpu
