#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/containers.h"
#include "rules/logs.h"

namespace tfdoctor::container_toolkit_missing {

namespace {

// Outside, before anything was started: neither the toolkit nor a specification for engines is there.
Verdict Check(const Facts& facts, const Knowledge&) {
  if (!MayBeMeantForContainers(facts)) return Verdict::Silent();
  const ContainerEngine& engine = facts.container_engine;
  const auto* specifications = engine.cdi.Get();
  // A snap brings the toolkit along.
  if (engine.toolkit.Present())
    return Verdict::Excluded().Because(engine.toolkit, "NVIDIA's container toolkit is installed");
  if (!engine.toolkit.Absent() || engine.snap.Is(true)) return Verdict::Silent();
  if (specifications == nullptr || !specifications->empty()) return Verdict::Silent();
  return PerhapsInContainers(facts)
      .Because(engine.toolkit, "NVIDIA's container toolkit is not installed", Strength::kStrong)
      .WithFix(
          Advice("Install the package nvidia-container-toolkit from NVIDIA's repository, then tell Docker",
                 {"sudo apt-get install nvidia-container-toolkit",
                  "sudo nvidia-ctk runtime configure --runtime=docker", "sudo systemctl restart docker"},
                 true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  // Where another engine or root has it, it is installed.
  if (NamesDockerDesktop(story) || story.SawAny({"says-works-as-root", "says-root-has-gpu"}) ||
      story.SawAny({"snap-docker", "says-docker-snap"})) {
    s.Speaks("no-device-driver", kStrong);
  } else {
    s.Proves("no-device-driver");
  }
  s.Proves("unknown-runtime");
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "container-toolkit-missing",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "The container engine has no hook for NVIDIA's GPUs",
    .prior = 0.03,
    .explained_by = {{{"docker-snap-unsupported"}, {"docker-desktop-without-gpu"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

Docker was asked for a GPU and has nothing that could put one into a container: NVIDIA's container toolkit is not installed, or Docker was not restarted after it was.

## How it is recognised

`could not select device driver "" with capabilities: [[gpu]]`, `Unknown runtime specified nvidia`. Before anything was started it is only supposed: this environment has no TensorFlow, an engine is installed, and neither the toolkit nor a CDI specification is.

## How it happens

The toolkit is a package of its own; neither Docker nor the driver brings it.

## What people say

"could not select device driver", "unknown flag or runtime: nvidia", "nvidia-docker2 was not installed", "only Docker was installed on the host".

## How to fix it

Install the package nvidia-container-toolkit from NVIDIA's repository, then:

sudo nvidia-ctk runtime configure --runtime=docker

sudo systemctl restart docker

docker run --rm --gpus all ubuntu nvidia-smi
)md",
};

}  // namespace tfdoctor::container_toolkit_missing
