#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::cloud_runtime_without_gpu {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  const std::string* runtime = facts.host.runtime.Get();
  if (runtime == nullptr) return Verdict::Silent();
  Answer answer = HasNvidiaGpu(facts);
  if (answer == Answer::kYes) return Verdict::Excluded().Because(facts.gpus, "there is an NVIDIA GPU");
  if (answer == Answer::kUnknown) return Verdict::Silent();
  return Verdict::Holds()
      .Because(facts.host.runtime, "this is " + *runtime)
      .Because(facts.gpus, "no NVIDIA GPU is on the PCI bus")
      .WithFix(Advice(*runtime == "Kaggle"
                          ? "Choose a GPU under Settings > Accelerator, and start the session again"
                          : "Choose a GPU under Runtime > Change runtime type, and connect again",
                      {}));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  // Their images run elsewhere, too: "kaggle/python-gpu-build".
  const bool hosted = story.SawAny({"says-hosted-notebook", "notebook-folder"}) && !story.container;
  // The kernel of a rented machine looked for a GPU: its kind has none.
  if (!story.gpu_seen && story.Saw("says-rented-machine"))
    s.Speaks("module-no-device", kDecisive).Speaks("no-gpu-for-module", kDecisive);
  s.Proves("use-gpu-instance");
  // AWS: the families p and g have GPUs, m, c, r and t have none.
  const std::string type = story.Stated("instance_type");
  const bool plain = type.size() > 2 && std::string_view("mcrtiz").find(type[0]) != std::string_view::npos &&
                     type[1] >= '1' && type[1] <= '9' && type.find('.') != type.npos;
  s.States(plain, "instance_type", "this type of machine has no GPU", kDecisive);
  // The words of the test that Colab's introduction gives.
  if (!hosted) {
    if (!story.gpu_registered) s.Speaks("gpu-not-found", kWeak);
    return;
  }
  const bool none =
      story.Saw(Shows::kNoDevice) || MissesDriverLibrary(story) || story.gpu_registered == false;
  if (!none || story.gpu_registered) return;
  // One with a GPU was chosen: something else may be broken there.
  const bool chosen = story.SawAny({"says-runtime-has-gpu", "says-gpu-runtime"}) || story.gpu_seen;
  const Strength strength = chosen ? kWeak : kDecisive;
  s.Speaks("gpu-not-found", strength).Speaks("cuda-no-device", strength).Speaks("cuda-303", strength);
  s.Speaks("torch-no-driver", strength).Speaks("says-torch-without-gpu", strength);
  s.Speaks("torch-no-gpu", strength);
  s.Speaks("no-gpu-in-process", kStrong)
      .Speaks("only-cpu-listed", kStrong)
      .Speaks("device-unavailable", kStrong);
  s.Speaks("smi-failed", kStrong).Speaks("smi-missing", kStrong).Speaks("cudart-stub", kStrong);
  s.States(s.any() && !chosen, "os", "a hosted notebook", kStrong);
  // One was chosen, and nothing says that it is not there: what the program brought with it is another
  // matter.
  if (!s.any() && chosen) return s.Drop();
  const bool asked = story.SawAny({"says-cpu", "says-slow", "says-slow-start", "says-gpu-not-used"});
  s.States(!s.any() && !chosen && !story.Saw("says-no-longer") && story.only_stated && asked, "os",
           "a hosted notebook has no GPU until one is chosen", kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "cloud-runtime-without-gpu",
    .link = Link::kHardware,
    .effect = Effect::kBlocks,
    .title = "This hosted runtime was started without a GPU",
    .prior = 0.03,
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

A hosted notebook runs on a machine that is given to it. This one has no GPU attached.

## How it is recognised

The service is known by its environment variables, and no NVIDIA GPU is on the PCI bus.

## How it happens

The runtime type is "CPU" (the default), the free quota of GPUs is used up, or the session was started again without one.

## What people say

"Colab, Kaggle or another hosted notebook computes on the CPU", "Change runtime type to GPU", "the instance type has no GPU, m4, t2, e2, n1 without accelerator", "SageMaker: use a GPU instance", "training takes hours online that should take minutes".

## How to fix it

Choose a GPU as the runtime type (Colab: Runtime > Change runtime type; Kaggle: Settings > Accelerator), and connect again.
)md",
};

}  // namespace tfdoctor::cloud_runtime_without_gpu
