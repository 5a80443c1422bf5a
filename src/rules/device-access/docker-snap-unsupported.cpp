#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  const bool fails = story.SawAny({"no-device-driver", "hook-no-nvml", "hook-driver", "unknown-runtime"});
  if (story.Saw("snap-docker") && fails) s.Proves("snap-docker");
  s.StatesProof(fails && (story.Mentions("install_method", "snap") || StatedAnywhere(story, "snap docker")),
                "install_method", "Docker is a snap");
  s.Speaks("snap-docker", kStrong);
  s.Speaks("hook-no-nvml", kWeak);
}

}  // namespace

namespace rules {

extern const Rule docker_snap_unsupported;
constinit const Rule docker_snap_unsupported = {
    .id = "docker-snap-unsupported",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "Docker is installed as a snap, which cannot use NVIDIA's hook",
    .prior = 0.01,
    .log = JudgeLog,
    .page = R"md(## What it means

The snap of Docker is closed off from the files of the driver and of NVIDIA's container toolkit.

## How it is recognised

Paths below `/var/snap/docker` or `/snap/docker` in Docker's errors; `load library failed: libnvidia-ml.so.1` although the driver works on the host.

## How it happens

Ubuntu Server offers the snap at its installation.

## How to fix it

sudo snap remove docker

Then install Docker from its own repository or Debian's package docker.io, and nvidia-container-toolkit.
)md",
};

}  // namespace rules

}  // namespace tfdoctor
