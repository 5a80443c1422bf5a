#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/containers.h"
#include "rules/logs.h"

namespace tfdoctor::docker_snap_unsupported {

namespace {

// The snap can pass the GPU on since 2024 (canonical/docker-snap, pull request 161), so it is only suspected.
Verdict Check(const Facts& facts, const Knowledge&) {
  const ContainerEngine& engine = facts.container_engine;
  const bool* snap = engine.snap.Peek();
  if (snap == nullptr || !*snap) return Verdict::Silent();
  const Fix fix =
      Advice("On the host: replace the snap by Docker's own packages",
             {"sudo snap remove docker", "sudo apt-get install docker.io nvidia-container-toolkit"}, true);
  if (MayBeMeantForContainers(facts)) {
    return PerhapsInContainers(facts)
        .Because(engine.snap, "Docker is a snap; older ones cannot pass the GPU on", Strength::kWeak)
        .WithFix(fix);
  }
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  const auto* nodes = facts.device_access.nodes.Get();
  if (facts.host.container.Peek() == nullptr || nodes == nullptr || HasNvidiaNode(*nodes))
    return Verdict::Silent();
  return Verdict::Open()
      .Because(engine.snap, "the Docker of this container is a snap; older ones cannot pass the GPU on",
               Strength::kWeak)
      .WithFix(fix);
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  const bool fails = story.Saw(Shows::kContainerStartFails);
  if (story.Saw("snap-docker") && fails) s.Proves("snap-docker");
  if (fails) s.Proves("says-docker-snap");
  s.Speaks("snap-docker", kStrong);
  s.Speaks("hook-no-nvml", kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "docker-snap-unsupported",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "Docker is installed as a snap, which cannot use NVIDIA's hook",
    .prior = 0.01,
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The snap of Docker is closed off from the files of the driver and of NVIDIA's container toolkit. Snaps from 2024 on bring the toolkit along and can pass the GPU on; older ones cannot.

## How it is recognised

Paths below `/var/snap/docker` or `/snap/docker` in Docker's errors; `load library failed: libnvidia-ml.so.1` although the driver works on the host. From inside a container: its files lie in /var/snap/docker (/proc/self/mountinfo).

## How it happens

Ubuntu Server offers the snap at its installation.

## What people say

"Docker was installed as a snap", "snap install docker", "/var/snap/docker", "after removing the snap and installing docker-ce it works".

## How to fix it

sudo snap remove docker

Then install Docker from its own repository or Debian's package docker.io, and nvidia-container-toolkit.
)md",
};

}  // namespace tfdoctor::docker_snap_unsupported
