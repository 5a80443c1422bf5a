#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("plugin-no-nvml");
  if (InKubernetes(story) && MissesDriverLibrary(story)) {
    s.That(true, "a pod without the driver's library: the node's runtime did not put it in", kDecisive);
  }
}

}  // namespace

namespace rules {

extern const Rule kubernetes_runtime_not_nvidia;
constinit const Rule kubernetes_runtime_not_nvidia = {
    .id = "kubernetes-runtime-not-nvidia",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "The node's container runtime is not NVIDIA's",
    .prior = 0.02,
    .log = JudgeLog,
    .page = R"md(## What it means

On this node containers are started by a runtime that does not put the driver into them, so neither the device plugin nor a pod finds the GPU.

## How it is recognised

The device plugin says `could not load NVML library` or `Incompatible strategy detected auto`; a pod that asks for a GPU has no libcuda.so.1.

## How it happens

The NVIDIA runtime is not configured in containerd, or not the default one and the pod names no runtime class.

## How to fix it

On the node:

sudo nvidia-ctk runtime configure --runtime=containerd --set-as-default

sudo systemctl restart containerd

Or give the pod `runtimeClassName: nvidia`.
)md",
};

}  // namespace rules

}  // namespace tfdoctor
