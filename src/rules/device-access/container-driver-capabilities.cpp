#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::container_driver_capabilities {

namespace {

bool Grants(const std::string& value, std::string_view capability) {
  for (const std::string& word : Split(value, ',')) {
    if (Trim(word) == capability || Trim(word) == "all") return true;
  }
  return false;
}

Verdict Check(const Facts& facts, const Knowledge&) {
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  if (!facts.host.container.Present()) return Verdict::Silent();
  const auto& variable = facts.environment.Variable("NVIDIA_DRIVER_CAPABILITIES");
  const std::string* value = variable.Get();
  if (value == nullptr || value->empty()) return Verdict::Silent();
  if (Grants(*value, "compute")) return Verdict::Excluded().Because(variable, "it grants compute");
  const Library& cuda = facts.driver_library.cuda;
  if (cuda.path.Unknown() || (cuda.path.Present() && !cuda.stub.Is(true))) return Verdict::Silent();
  return Verdict::Holds()
      .Because(variable, "NVIDIA_DRIVER_CAPABILITIES=" + *value + " lacks compute, which brings libcuda")
      .Because(cuda.path, "the loader finds no libcuda.so.1 of a driver")
      .WithFix(Advice("Start the container with it",
                      {"docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility IMAGE"}));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  const std::string stated = story.Stated("nvidia_driver_capabilities");
  const bool lacks =
      !stated.empty() && stated.find("compute") == stated.npos && stated.find("all") == stated.npos;
  s.StatesProof(lacks, "NVIDIA_DRIVER_CAPABILITIES", "it is " + stated + " and lacks compute");
  const std::string shown = story.Field("mps-driver", "capabilities");
  if (!shown.empty() && shown.find("compute") == shown.npos && shown.find("all") == shown.npos)
    s.Proves("mps-driver");
  // Of a compose file, of `docker inspect`: [["gpu","utility"]].
  const SeenMessage* said = story.Message("says-capabilities");
  if (said != nullptr && stated.empty()) {
    const std::string text = Lower(*said->text.Peek());
    const std::string list = text.substr(text.find("capabilities"));
    s.StatesProof(list.find("utility") != list.npos && list.find("compute") == list.npos &&
                      list.find("all") == list.npos,
                  "capabilities", "the capabilities lack compute: " + *said->text.Peek());
  }
  // Who looked and found no CUDA in the image names what is missing besides.
  const Strength sure = story.Saw("says-no-cuda") ? kWeak : kDecisive;
  s.That(story.container && MissesDriverLibrary(story) && story.smi_works,
         "nvidia-smi works in the container and libcuda.so.1 is not there", sure);
  if (story.container || story.Saw("says-kubernetes"))
    s.Speaks("smi-without-libcuda", sure).Speaks("says-smi-without-cuda", sure);
  // The container was given a GPU, and not the driver's library for computing.
  const bool given = story.Saw("docker-gpus-flag") || story.Mentions("command", "--gpus");
  s.States(story.container && given && SaysMissing(story.StatedLike("libcuda")), "libcuda",
           "the container was started with a GPU and has no libcuda.so.1", kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "container-driver-capabilities",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "The container was given the GPU without its compute libraries",
    .prior = 0.02,
    .explained_by = {{{"no-nvidia-gpu"}, {"docker-without-gpu-flag"}, {"kubernetes-gpu-not-requested"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The NVIDIA container toolkit puts into a container what NVIDIA_DRIVER_CAPABILITIES names. Here it does not name `compute`, so libcuda.so.1 was left out.

## How it is recognised

The variable is set in this container and names neither `compute` nor `all`; no libcuda.so.1 is found. nvidia-smi may work (`utility`).

## How it happens

An image or a compose file sets it to `utility` or `graphics`.

## What people say

"nvidia-smi works in the container and libcuda does not", "capabilities: [gpu] or utility only", "NVIDIA_DRIVER_CAPABILITIES=compute,utility fixed it", "own image that is not based on nvidia/cuda".

## How to fix it

docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility IMAGE
)md",
};

}  // namespace tfdoctor::container_driver_capabilities
