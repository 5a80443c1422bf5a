#include <string>

#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::device_nodes_missing {

namespace {

// Outside containers the driver makes its nodes itself, by its helper nvidia-modprobe or as root. Only where
// it then finds no GPU are they what is missing.
Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  const DriverAnswers& answers = facts.driver_answers;
  if (!answers.asked.Is(true) || !facts.host.container.Absent() || !facts.host.wsl.Absent() ||
      !facts.kernel_driver.version.Present())
    return Verdict::Silent();
  const auto* nodes = facts.device_access.nodes.Get();
  const std::string* init = answers.init.Get();
  if (nodes == nullptr || init == nullptr || *init == "0") return Verdict::Silent();
  const std::string missing = MissingNodes(*nodes);
  if (missing.empty())
    return Verdict::Excluded().Because(facts.device_access.nodes, "the nodes of the driver are there");
  return Verdict::Holds()
      .Because(facts.device_access.nodes, "not there: " + missing)
      .Because(answers.init, "cuInit returns " + CudaErrorText(knowledge, *init))
      .WithFix(Advice("Install the driver's helper, which makes them whenever a program asks",
                      {"sudo apt-get install nvidia-modprobe"}, true))
      .WithFix(Advice("Where it is installed: make them now, until the next restart",
                      {"sudo nvidia-modprobe -c 0 -u"}, true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  // In a container, and in WSL, it is not the driver that makes them.
  if (story.container || story.wsl || !story.gpu_seen) return;
  s.Speaks("no-device-node", kWeak);
  s.States(s.any() && story.Saw("says-works-as-root"), "says-works-as-root", "root's call makes the nodes",
           kStrong);
  if (s.any()) s.Wants(story.facts.device_access.nodes);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "device-nodes-missing",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "The device nodes of the GPU are missing",
    .prior = 0.01,
    .explained_by = {{{"no-nvidia-gpu"}, {"link:kernel-driver"}, {"gpu-dropped-by-driver-branch"}}},
    .explains = {"uvm-missing"},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The kernel module is loaded, but the files through which programs reach the GPU, `/dev/nvidiactl` and `/dev/nvidia0`, are not there.

## How it is recognised

This is no container, the module is loaded, the nodes are not there, and the driver's library finds no GPU.

## How it happens

Nothing made them: the kernel does not, the driver's helper `nvidia-modprobe` does (it runs as root when a program first asks), or the X server, or nvidia-persistenced. On a server without these only root's first use makes them, and they are gone after a restart.

## What people say

"/dev/nvidia* does not exist until root runs nvidia-smi", "ls /dev/nvidia*: no such file", "after boot without X nothing works".

## How to fix it

    sudo apt-get install nvidia-modprobe

Where it is installed already, make the nodes until the next restart: `sudo nvidia-modprobe -c 0 -u`.
)md",
};

}  // namespace tfdoctor::device_nodes_missing
