#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/containers.h"
#include "rules/logs.h"

namespace tfdoctor::docker_desktop_without_gpu {

namespace {

bool GpuMissingInside(const LogStory& story) {
  return MissesDriverLibrary(story) || story.Saw(Shows::kNoDevice) || story.Saw("smi-missing") ||
         story.Saw("cudart-stub");
}

// The kernel of Docker Desktop's own virtual machine: "6.10.14-linuxkit". Under Windows it uses WSL's, with
// the GPU.
bool IsDockerDesktop(const Facts& facts) {
  const std::string* kernel = facts.host.kernel.Get();
  return kernel != nullptr && kernel->ends_with("-linuxkit");
}

Verdict Check(const Facts& facts, const Knowledge&) {
  const Fix fix = Advice("On a Linux host: use Docker's engine instead of Docker Desktop, and start it again",
                         {"docker context use default", "docker run --gpus all IMAGE"});
  const std::string* context = facts.container_engine.context.Peek();
  if (MayBeMeantForContainers(facts) && context != nullptr && context->starts_with("desktop-")) {
    return PerhapsInContainers(facts)
        .Because(facts.container_engine.context, "the docker command talks to " + *context, Strength::kStrong)
        .WithFix(fix);
  }
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  if (!facts.host.container.Present() || !facts.kernel_driver.version.Absent() || !IsDockerDesktop(facts))
    return Verdict::Silent();
  return Verdict::Holds()
      .Because(facts.host.kernel, "the kernel " + *facts.host.kernel.Get() + " is that of Docker Desktop")
      .Because(facts.kernel_driver.version, "no NVIDIA module is in it")
      .WithFix(fix);
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  const bool fails = story.Saw(Shows::kContainerStartFails) || GpuMissingInside(story);
  if (story.Saw("docker-desktop") && fails && !story.wsl && !story.windows) s.Proves("docker-desktop");
  s.States(story.Saw("says-docker-desktop") && !story.wsl && !story.windows, "says-docker-desktop",
           "Docker Desktop on Linux runs containers in a virtual machine without the GPU",
           fails ? kDecisive : kStrong);
  s.States(story.Saw("says-works-as-root") && story.Saw(Shows::kContainerStartFails), "says-works-as-root",
           "with sudo another Docker answers, and it works", kDecisive);
  if (!story.Saw("snap-docker")) s.Speaks("hook-no-nvml", kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "docker-desktop-without-gpu",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "The docker command talks to Docker Desktop, whose virtual machine has no GPU",
    .prior = 0.02,
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

Docker Desktop on Linux runs containers in a virtual machine. The GPU of the host is not in it.

## How it is recognised

`load library failed: libnvidia-ml.so.1` although the driver works on the host; `docker context show` prints desktop-linux; with sudo another Docker answers and the GPU works. From inside a container: the kernel's release ends in `-linuxkit`, which is that of the virtual machine.

## How it happens

Docker Desktop was installed beside Docker's engine and made itself the default context.

## What people say

"Docker Desktop on Linux", "it works with sudo docker, not with docker", "docker context desktop-linux", "since I installed Docker Desktop".

## How to fix it

docker context use default

If there is no other Docker, install Docker Engine.
)md",
};

}  // namespace tfdoctor::docker_desktop_without_gpu
