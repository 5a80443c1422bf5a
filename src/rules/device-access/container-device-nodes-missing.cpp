#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/containers.h"
#include "rules/logs.h"

namespace tfdoctor::container_device_nodes_missing {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  if (!facts.host.container.Present() || !facts.kernel_driver.version.Present()) return Verdict::Silent();
  const auto* nodes = facts.device_access.nodes.Get();
  if (nodes == nullptr) return Verdict::Silent();
  const std::string missing = MissingNodes(*nodes);
  if (missing.empty())
    return Verdict::Excluded().Because(facts.device_access.nodes, "NVIDIA's device nodes are there");
  // With some of them the driver may still make the rest.
  const bool none = !HasNvidiaNode(*nodes);
  const DriverAnswers& answers = facts.driver_answers;
  if (!none && (!answers.asked.Is(true) || answers.init.Is("0"))) return Verdict::Silent();
  if (!facts.driver_library.cuda.path.Present() || facts.driver_library.cuda.stub.Is(true))
    return Verdict::Silent();
  return Verdict::Holds()
      .Because(facts.device_access.nodes,
               none ? "no /dev/nvidia* is in this container" : "not in this container: " + missing)
      .Because(facts.driver_library.cuda.path, "libcuda.so.1 is there")
      .WithFix(Advice("Start the container with the GPU, not with mounted libraries alone",
                      StartWithGpu(*facts.host.container.Get())));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  if (!story.container) return;
  s.Speaks("no-device-node", kWeak).Speaks("cuda-no-device", kWeak);
  if (!s.any()) return;
  if (MissesDriverLibrary(story)) s.That(true, "the driver's library is missing, too", kAgainst);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "container-device-nodes-missing",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "The container has the driver's libraries, but no GPU device nodes",
    .prior = 0.02,
    .explained_by = {{{"no-nvidia-gpu"}, {"link:kernel-driver"}, {"gpu-dropped-by-driver-branch"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The container has the driver's libraries, but not the device files through which they reach the GPU.

## How it is recognised

This is a container, the host's driver is loaded, `libcuda.so.1` is found, and there is no `/dev/nvidia*`.

## How it happens

The driver was installed inside the image or its libraries were mounted by hand, instead of asking the engine for a GPU.

## What people say

"In the container /dev/nvidia0 or /dev/nvidia-uvm is missing", "nvidia-smi works inside, CUDA does not", "I had to pass --device /dev/nvidia-uvm", "LXC container without the nodes".

## How to fix it

docker run --gpus all IMAGE

(podman: `--device nvidia.com/gpu=all`). Do not install a driver in an image.
)md",
};

}  // namespace tfdoctor::container_device_nodes_missing
