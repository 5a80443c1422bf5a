#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/containers.h"
#include "rules/logs.h"

namespace tfdoctor::cdi_spec_missing_or_stale {

namespace {

Fix MakeAnew() {
  return Advice("On the host: make the specification anew, then start the container again",
                {"sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"}, true);
}

// Inside a container, whose engine put in a library of another driver than the one that is loaded.
Verdict CheckInside(const Facts& facts) {
  const auto* mounted = facts.container_engine.mounted.Peek();
  const std::string* module = facts.kernel_driver.version.Get();
  const Fact<std::string>& library = facts.driver_library.cuda.version;
  if (mounted == nullptr || mounted->empty() || module == nullptr || library.Peek() == nullptr)
    return Verdict::Silent();
  if (CompareVersions(*module, *library.Peek()) == 0)
    return Verdict::Excluded().Because(library, "the engine put in the library of the loaded module");
  return Verdict::Open()
      .Because(facts.container_engine.mounted, "the engine put in " + mounted->front(), Strength::kWeak)
      .Because(facts.kernel_driver.version, "the loaded module is " + *module, Strength::kStrong)
      .WithFix(MakeAnew());
}

// Outside, before anything was started.
Verdict CheckOutside(const Facts& facts) {
  const auto* specifications = facts.container_engine.cdi.Get();
  const std::string* module = facts.kernel_driver.version.Get();
  if (specifications == nullptr || module == nullptr) return Verdict::Silent();
  for (const auto& [path, version] : *specifications) {
    if (version.empty() || CompareVersions(version, *module) == 0) continue;
    return PerhapsInContainers(facts)
        .Because(facts.container_engine.cdi,
                 path + " names files of driver " + version + ", and " + *module + " is loaded",
                 Strength::kStrong)
        .WithFix(MakeAnew());
  }
  return Verdict::Silent();
}

Verdict Check(const Facts& facts, const Knowledge&) {
  if (MayBeMeantForContainers(facts)) return CheckOutside(facts);
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  return facts.host.container.Present() ? CheckInside(facts) : Verdict::Silent();
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("cdi-unresolvable");
  // A snap sees other files than the host that made the list of them.
  if (story.Saw("says-docker-snap")) {
    s.Speaks("cdi-stale", kWeak);
  } else {
    s.Proves("cdi-stale");
  }
  const bool cdi = story.Saw("says-cdi");
  s.States(cdi, "says-cdi", "the container gets the GPU through a CDI specification",
           story.Saw(Shows::kContainerStartFails) || story.smi_works ? kStrong : kWeak);
  s.States(cdi && story.Saw("says-driver-update"), "says-driver-update",
           "the driver was updated: the specification names files of the old one", kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "cdi-spec-missing-or-stale",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "The description of the GPU for containers (CDI) is missing or out of date",
    .prior = 0.02,
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

Podman and newer Dockers learn from a CDI specification which device nodes and driver files belong to a GPU. It is not there, cannot be read, or names files of an older driver.

## How it is recognised

`unresolvable CDI devices nvidia.com/gpu=all`, `stat nvidia.com/gpu=0: no such file`, `failed to load CDI Spec`, or a container that misses a driver file right after an update of the driver. The files in /etc/cdi and /var/run/cdi name the version of the driver; inside a container, so does the library that the engine put in.

## How it happens

The specification was never made, was made before the driver's update, or by a newer toolkit than the engine understands.

## What people say

"After a driver update containers with --device nvidia.com/gpu=all fail", "podman: unresolvable CDI devices", "the yaml in /etc/cdi names an old version", "nvidia-ctk cdi generate helped".

## How to fix it

sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml

nvidia-ctk cdi list
)md",
};

}  // namespace tfdoctor::cdi_spec_missing_or_stale
