#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("cdi-unresolvable").Proves("cdi-stale");
  const bool cdi = story.Mentions("install_method", "cdi") || StatedAnywhere(story, "/etc/cdi");
  s.States(cdi, "install_method", "the container gets the GPU through a CDI specification", kStrong);
  s.States(cdi && (story.Yes("driver_updated") || story.Yes("unattended_upgrades")), "driver_updated",
           "the driver was updated: the specification names files of the old one", kDecisive);
}

}  // namespace

namespace rules {

extern const Rule cdi_spec_missing_or_stale;
constinit const Rule cdi_spec_missing_or_stale = {
    .id = "cdi-spec-missing-or-stale",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "The description of the GPU for containers (CDI) is missing or out of date",
    .prior = 0.02,
    .log = JudgeLog,
    .page = R"md(## What it means

Podman and newer Dockers learn from a CDI specification which device nodes and driver files belong to a GPU. It is not there, cannot be read, or names files of an older driver.

## How it is recognised

`unresolvable CDI devices nvidia.com/gpu=all`, `stat nvidia.com/gpu=0: no such file`, `failed to load CDI Spec`, or a container that misses a driver file right after an update of the driver.

## How it happens

The specification was never made, was made before the driver's update, or by a newer toolkit than the engine understands.

## How to fix it

sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml

nvidia-ctk cdi list
)md",
};

}  // namespace rules

}  // namespace tfdoctor
