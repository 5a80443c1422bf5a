#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/containers.h"
#include "rules/logs.h"

namespace tfdoctor::kubernetes_runtime_not_nvidia {

namespace {

Fix MakeDefault(std::string title) {
  return Advice(std::move(title),
                {"sudo nvidia-ctk runtime configure --runtime=containerd --set-as-default",
                 "sudo systemctl restart containerd"},
                true);
}

Verdict CheckPod(const Facts& facts) {
  const Fact<std::string>& granted = facts.environment.Variable("NVIDIA_VISIBLE_DEVICES");
  const Library& cuda = facts.driver_library.cuda;
  const auto* nodes = facts.device_access.nodes.Get();
  if (!DevicePluginGranted(facts) || nodes == nullptr) return Verdict::Silent();
  const bool no_library = cuda.path.Absent() || cuda.stub.Is(true);
  if (cuda.path.Unknown() || (!no_library && HasNvidiaNode(*nodes))) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  verdict.Because(granted, "a GPU was granted: NVIDIA_VISIBLE_DEVICES=" + *granted.Get());
  if (!HasNvidiaNode(*nodes)) verdict.Because(facts.device_access.nodes, "no /dev/nvidia* is in this pod");
  if (no_library) verdict.Because(cuda.path, "the driver's libcuda.so.1 is not in it");
  return std::move(verdict)
      .WithFix(MakeDefault("On the node: make NVIDIA's runtime containerd's default"))
      .WithFix(Advice("Or name it in the pod's specification: runtimeClassName: nvidia", {}));
}

Verdict Check(const Facts& facts, const Knowledge&) {
  const bool* configured = facts.container_engine.nvidia_runtime.Peek();
  if (MayBeMeantForContainers(facts) && configured != nullptr && !*configured) {
    return PerhapsInContainers(facts)
        .Because(facts.container_engine.nvidia_runtime,
                 "this node's containerd does not know NVIDIA's runtime", Strength::kStrong)
        .WithFix(MakeDefault("Configure it"));
  }
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  const std::string* engine = facts.host.container.Get();
  return engine != nullptr && *engine == "kubernetes" ? CheckPod(facts) : Verdict::Silent();
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("plugin-no-nvml");
  s.Speaks("pod-insufficient-gpu", kWeak);  // else all are taken
  // nvidia-smi comes with the same runtime.
  if (story.Saw("says-kubernetes") && MissesDriverLibrary(story) && !story.Saw("smi-without-libcuda")) {
    s.That(true, "a pod without the driver's library: the node's runtime did not put it in", kDecisive);
  }
  if (story.Saw("says-kubernetes")) s.Speaks("nvml-no-library", kStrong);
  // What was asked for was given, or the pod would wait; then the runtime did not put in what belongs to it.
  if (story.SawAny({"pod-asks-for-gpu", "says-gpu-requested"})) s.Speaks("smi-missing", kStrong);
  s.States(story.Saw("says-kubernetes") && story.Saw("says-container-has-gpu"), "says-container-has-gpu",
           "outside Kubernetes a container on this node gets the GPU", kStrong);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "kubernetes-runtime-not-nvidia",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "The node's container runtime is not NVIDIA's",
    .prior = 0.02,
    .explained_by = {{{"no-nvidia-gpu"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

On this node containers are started by a runtime that does not put the driver into them, so neither the device plugin nor a pod finds the GPU.

## How it is recognised

The device plugin says `could not load NVML library` or `Incompatible strategy detected auto`; a pod that asks for a GPU has no libcuda.so.1. From inside: the device plugin has set NVIDIA_VISIBLE_DEVICES to a GPU's name, and the device nodes or the library are not there. On the node: containerd's configuration does not name nvidia-container-runtime.

## How it happens

The NVIDIA runtime is not configured in containerd, or not the default one and the pod names no runtime class.

## What people say

"The device plugin finds no devices on the node", "default runtime is runc", "Insufficient nvidia.com/gpu", "docker run works on the node, the pod does not", "containerd config.toml, runtimeClassName".

## How to fix it

On the node:

sudo nvidia-ctk runtime configure --runtime=containerd --set-as-default

sudo systemctl restart containerd

Or give the pod `runtimeClassName: nvidia`.
)md",
};

}  // namespace tfdoctor::kubernetes_runtime_not_nvidia
