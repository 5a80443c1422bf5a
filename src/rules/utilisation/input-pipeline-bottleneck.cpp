#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

// "GPU utilization is 0 % and the CPU at 100 %"
bool CpuIsBusyAlone(const LogStory& story) {
  for (const auto& [key, value] : story.statements()) {
    const std::string text = Lower(key + " " + value);
    const size_t cpu = text.find("cpu");
    if (cpu == text.npos || text.find("gpu") == text.npos) continue;
    if (text.find("utili") == text.npos && text.find("usage") == text.npos) continue;
    for (const char* busy : {"100", "all cores", "high", "maxed", "full"}) {
      if (text.find(busy, cpu) != text.npos) return true;
    }
  }
  return false;
}

void JudgeLog(Signs& s) {
  s.Proves("input-pipeline");
  s.States(CpuIsBusyAlone(s.story) && s.story.only_stated, "utilisation", "the CPU is busy and the GPU waits",
           kStrong);
  s.States(GpuWorks(s.story) && s.story.Yes("gpu_used"), "gpu_used", "the GPU is used and may wait for data",
           kWeak);
}

}  // namespace

namespace rules {

extern const Rule input_pipeline_bottleneck;
constinit const Rule input_pipeline_bottleneck = {
    .id = "input-pipeline-bottleneck",
    .link = Link::kUtilisation,
    .effect = Effect::kDegrades,
    .title = "The GPU waits for data",
    .prior = 0.03,
    .log = JudgeLog,
    .page = R"md(## What it means

Reading and preparing the data takes longer than training on it.

## How it is recognised

The GPU's load goes up and down; TensorFlow's profiler says that the program is input-bound; training on random data is much faster.

## How it happens

Decoding images in Python, reading many small files over a network, no prefetching.

## How to fix it

Use `dataset.map(..., num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)`, and `cache()` where the data fits into memory.
)md",
};

}  // namespace rules

}  // namespace tfdoctor
