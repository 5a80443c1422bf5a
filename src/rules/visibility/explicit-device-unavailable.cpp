#include <fmt/format.h>

#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"
#include "rules/program.h"

namespace tfdoctor::explicit_device_unavailable {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  if (facts.program.lines.Absent() || facts.program.lines.Get() == nullptr) return Verdict::Silent();
  for (const ProgramLine* line : ProgramLines(facts, "device")) {
    const std::string* device = line->value.Get();
    if (device == nullptr) continue;
    int index = DeviceIndex(*device, "GPU");
    if (index <= 0) continue;  // GPU 0 is missing only where another cause says why
    int gpus = VisibleGpus(facts);
    if (gpus <= 0 || index < gpus) continue;
    // The program may make several logical GPUs of one.
    if (!ProgramLines(facts, "logical-devices").empty()) return Verdict::Silent();
    bool reached = line->reached.Is(true);
    Verdict verdict = reached ? Verdict::Holds() : Verdict::Open();
    verdict.Because(line->value, fmt::format("the program names {}", *device))
        .Because(facts.gpus,
                 fmt::format("{} {} visible; the first is GPU:0", gpus, gpus == 1 ? "GPU is" : "GPUs are"),
                 Strength::kWeak);
    AddDoubts(facts, *line, verdict);
    return std::move(verdict).WithFix(Advice(
        fmt::format("Name a GPU that is there, or none: TensorFlow takes GPU:0 by itself ({})", Place(*line)),
        {}));
  }
  return Verdict::Silent();
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  // Where something else keeps the GPU away, this is what follows.
  const bool other = story.cuinit_failed || LibrariesFail(story) || story.Saw(Shows::kNoDevice) ||
                     MissesDriverLibrary(story) ||
                     story.SawAny({"no-gpu-kernel", "gpu-ignored-cc", "cudaget-failed"});
  // XLA's device shows that the driver works: why TensorFlow's own is missing, the program cannot help.
  if (!XlaGpuAlone(story).empty()) s.Speaks("device-unavailable", kWeak);
  if (other) return;
  const bool list = !story.Field("device-unavailable", "list").empty();
  if (list) {
    s.Proves("device-unavailable");
  } else {
    s.Speaks("device-unavailable", kStrong);
  }
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "explicit-device-unavailable",
    .link = Link::kVisibility,
    .effect = Effect::kProgram,
    .title = "The program names a GPU that is not there",
    .prior = 0.02,
    .explained_by =
        {{{"no-nvidia-gpu"}, {"link:tensorflow"}, {"cuda-visible-devices"}, {"wrong-python-environment"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The program names a device such as `/GPU:1`, and the process has no GPU of that number. TensorFlow 2 silently takes the CPU for what runs there; graphs of TensorFlow 1 stop with an error.

## How it is recognised

`tf.device("/GPU:1")` in the program (`--script`), and fewer GPUs are visible. GPUs are counted from 0, after CUDA_VISIBLE_DEVICES has chosen and reordered them. Message: "Could not satisfy explicit device specification '/device:GPU:1'", "Cannot assign a device for operation".

## How it happens

The program was written for a machine with more GPUs, or CUDA_VISIBLE_DEVICES leaves fewer of them. With `CUDA_VISIBLE_DEVICES=1` the one GPU that is left is `/GPU:0`.

## What people say

"Cannot assign a device: /device:GPU:3", "the model was saved on a machine with a GPU", "with tf.device('/gpu:1') and only one GPU", "allow_soft_placement helped", "clear_devices".

## How to fix it

Name no device at all, or `/GPU:0`. For graphs of TensorFlow 1 `allow_soft_placement=True` lets them run elsewhere.
)md",
};

}  // namespace tfdoctor::explicit_device_unavailable
