#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/containers.h"
#include "rules/logs.h"

namespace tfdoctor::kubernetes_gpu_not_requested {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  const std::string* engine = facts.host.container.Get();
  if (engine == nullptr || *engine != "kubernetes") return Verdict::Silent();
  if (DevicePluginGranted(facts)) {
    return Verdict::Excluded().Because(facts.environment.Variable("NVIDIA_VISIBLE_DEVICES"),
                                       "a GPU was granted to it");
  }
  if (!facts.kernel_driver.version.Present()) return Verdict::Silent();
  const auto* nodes = facts.device_access.nodes.Get();
  if (nodes == nullptr) return Verdict::Silent();
  if (HasNvidiaNode(*nodes))
    return Verdict::Excluded().Because(facts.device_access.nodes, "NVIDIA's device nodes are there");
  return Verdict::Holds()
      .Because(facts.host.container, "this is a pod of Kubernetes")
      .Because(facts.kernel_driver.version,
               "the node's driver " + *facts.kernel_driver.version.Get() + " is loaded")
      .Because(facts.device_access.nodes, "no /dev/nvidia* is in this pod")
      .WithFix(Advice("Request one in the pod's specification: resources: limits: nvidia.com/gpu: 1",
                      {"kubectl describe node | grep -A7 -i allocatable"}));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  // Kubernetes gives out GPUs by the limits alone.
  s.Speaks("says-gpu-under-requests", kDecisive);
  if (!story.Saw("says-kubernetes") ||
      story.SawAny({"plugin-no-nvml", "pod-insufficient-gpu", "says-gpu-requested", "pod-asks-for-gpu"}))
    return;
  // The name of the resource stands in every request for a GPU: nvidia.com/gpu, nvidia.com/mig-1g.5gb.
  const std::string resources =
      story.StatedLike("resources") + story.StatedLike("limits") + story.StatedLike("requests");
  s.States(!resources.empty() && resources.find("gpu") == resources.npos &&
               resources.find("mig") == resources.npos,
           "resources", "the pod asks for no GPU: " + resources, kDecisive);
  s.Speaks("says-no-gpu-request", kDecisive);
  s.That(story.Saw("pod-specification") && !story.MaySee("pod-asks-for-gpu"),
         "the pod, as shown, asks for no GPU", kDecisive);
  s.Speaks("cuda-303", kWeak).Speaks("cuda-no-device", kStrong).Speaks("no-device-node", kStrong);
  s.Speaks("import-libcuda", kWeak).Speaks("smi-missing", kStrong).Speaks("says-no-smi", kStrong);
  s.States(SaysMissing(story.StatedLike("nvidia-smi")) || SaysMissing(story.StatedLike("nvidia_smi")),
           "nvidia-smi", "the pod has no nvidia-smi, which comes with a GPU", kStrong);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "kubernetes-gpu-not-requested",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "The pod does not request a GPU",
    .prior = 0.02,
    .explained_by = {{{"no-nvidia-gpu"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

Kubernetes gives a GPU to a pod only when its specification asks for one. This pod runs on a node whose driver works, and has no GPU.

## How it is recognised

The pod is known by its service account and variables; the node's kernel module is loaded, and no /dev/nvidia* is in the pod.

## How it happens

The limit nvidia.com/gpu is missing in the specification, or stands under requests only, or at another container of the pod.

## What people say

"The pod has no nvidia.com/gpu in its limits", "the deployment asks for no GPU", "pod runs on the GPU node and sees none", "resources: limits".

## How to fix it

Put this into the container's specification and create the pod again:

resources: {limits: {nvidia.com/gpu: 1}}
)md",
};

}  // namespace tfdoctor::kubernetes_gpu_not_requested
