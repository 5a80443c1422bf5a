#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::benign_worker_without_gpu {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  const bool goes_on = story.Saw("says-run-completes") || story.gpu_registered;
  const bool none = story.Saw(Shows::kNoDevice) || MissesDriverLibrary(story) ||
                    story.SawAny({"device-count-failed", "cuinit-failed"});
  s.StatesProof(goes_on && none, "says-run-completes",
                "the main process has the GPU; a worker without one is meant");
  if (story.Saw(Shows::kNoDevice)) s.Speaks("says-scheduler", kStrong);
  if (story.Saw("cudart-stub") || story.Saw(Shows::kNoDevice)) s.Speaks("says-image-for-cpu", kDecisive);
  s.StatesProof(none && story.Mentions("cuda_visible_devices", "worker"), "CUDA_VISIBLE_DEVICES",
                "it hides the GPU from the worker processes only");
  s.Speaks("device-count-failed", story.Saw("cuda-not-initialized") ? kStrong : kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "benign-worker-without-gpu",
    .link = Link::kNone,
    .effect = Effect::kHarmless,
    .title = "A worker has no GPU by design, and the main process has it",
    .prior = 0.02,
    .log = JudgeLog,
    .page = R"md(## What it means

Programs with many processes give the GPU to one of them and hide it from the others. Those print that they find none.

## How it is recognised

Lines about a missing GPU come from workers, and the program as a whole runs on.

## How it happens

Actors of reinforcement learning, preparation of data in worker processes, tools that run TensorFlow only for reading files.

## What people say

"Ray, Spark or data workers print cuInit errors", "CPU-only stage of the pipeline", "the image for the CPU prints messages about CUDA", "the parent process uses the GPU".

## How to fix it

Nothing is to be repaired.
)md",
};

}  // namespace tfdoctor::benign_worker_without_gpu
