#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::monitoring_misread {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.States((story.only_stated || GpuWorks(story)) && story.Saw("says-task-manager") &&
               !story.Saw("says-task-manager-cuda"),
           "says-task-manager", "Task Manager's first graphs leave out what CUDA does",
           GpuWorks(story) || story.Before("2.11") ? kDecisive : kWeak);
  s.States(story.wsl && story.Saw("says-monitor-shows-nothing"), "says-monitor-shows-nothing",
           "in WSL the driver tells neither utilisation nor processes; Windows does", kDecisive);
  // Windows' graphs show the engine that somebody chose, and CUDA and DirectML compute on others.
  if (story.windows) s.Speaks("says-monitor-shows-nothing", kStrong);
  // The driver knows the numbers that the host gives to processes, not those of the container.
  if (story.container) s.Speaks("says-no-process-listed", kDecisive);
  if (story.container && story.only_stated) s.Speaks("smi-no-processes", kStrong);
  s.States(!s.any() && GpuWorks(story) && story.Saw("says-gpu-memory-used"), "gpu_memory_used",
           "the GPU's memory is in use, so TensorFlow has it", kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "monitoring-misread",
    .link = Link::kUtilisation,
    .effect = Effect::kHarmless,
    .title = "The GPU works; the display that was looked at does not show it",
    .prior = 0.02,
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow uses the GPU. The program that was used to look at it shows another kind of load.

## How it is recognised

The device is created and its memory is in use, training is fast, and Windows' Task Manager shows 0 % under 3D.

## How it happens

Task Manager shows 3D load by default; the load of CUDA stands under the view Cuda or Compute. `nvidia-smi` shows a moment, not an average.

## What people say

"Task Manager shows 0 % or 5 %", "choose Cuda or Compute_0 in Task Manager", "nvidia-smi shows no process inside the container", "process list is empty", "the memory is used, is the GPU used?".

## How to fix it

nvidia-smi dmon -s u

In Task Manager choose the view Cuda.
)md",
};

}  // namespace tfdoctor::monitoring_misread
