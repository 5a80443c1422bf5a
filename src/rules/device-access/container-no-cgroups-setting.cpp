#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/containers.h"
#include "rules/logs.h"

namespace tfdoctor::container_no_cgroups_setting {

namespace {

// Right for rootless engines only; whether the container will be of such a one is not known beforehand.
Verdict Check(const Facts& facts, const Knowledge&) {
  if (!MayBeMeantForContainers(facts)) return Verdict::Silent();
  const ContainerEngine& engine = facts.container_engine;
  if (!engine.no_cgroups.Is(true)) return Verdict::Silent();
  return PerhapsInContainers(facts)
      .Because(engine.no_cgroups, "no-cgroups = true", Strength::kStrong)
      .WithFix(Advice("Unless the engine is rootless: turn it off",
                      {"sudo nvidia-ctk config --set nvidia-container-cli.no-cgroups=false --in-place",
                       "sudo systemctl restart docker"},
                      true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  if (story.Saw("nvml-unknown-error") || story.Saw(Shows::kNoDevice)) s.Proves("no-cgroups");
  s.Proves("says-no-cgroups");
  s.Proves("hook-cgroups").Speaks("no-cgroups", kStrong);
  s.Speaks("nvml-unknown-error", kStrong);
  if (story.container) s.Speaks("smi-no-permission", kStrong);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "container-no-cgroups-setting",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "no-cgroups = true leaves containers without permission for the GPU",
    .prior = 0.01,
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

NVIDIA's container toolkit is told not to touch control groups. Then nobody allows the container to open the GPU's device nodes.

## How it is recognised

`Failed to initialize NVML: Unknown Error` from the first moment on, and `no-cgroups = true` in `/etc/nvidia-container-runtime/config.toml`.

## How it happens

The setting is right for rootless containers only, and guides for those are copied.

## What people say

"no-cgroups = true", "set for rootless Docker and then rootful containers fail", "Insufficient permissions in the container", "config.toml of nvidia-container-runtime".

## How to fix it

sudo nvidia-ctk config --set nvidia-container-cli.no-cgroups=false --in-place

sudo systemctl restart docker
)md",
};

}  // namespace tfdoctor::container_no_cgroups_setting
