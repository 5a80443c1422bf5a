#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::input_pipeline_bottleneck {

namespace {

// The first in "0-22 % on each of 6"; -1: none.
double Percent(std::string_view text) {
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] < '0' || text[i] > '9') continue;
    const size_t end = std::min(text.find_first_not_of("0123456789-. ", i), text.size());
    if (end < text.size() && text[end] == '%')
      return std::strtod(std::string(text.substr(i)).c_str(), nullptr);
    i = end;
  }
  return -1;
}

void JudgeLog(Signs& s) {
  s.Proves("input-pipeline");
  if (s.story.trouble || s.story.Saw("says-data-is-ready")) return;
  s.Speaks("says-cpu-busy", s.story.SawAny({"says-gpu-idle", "says-loads-data"}) ? kStrong : kWeak);
  const double busy = Percent(s.story.StatedLike("util"));
  s.States(busy >= 0 && busy <= 30, "utilisation", "the GPU is busy for a small part of the time", kWeak);
  s.Speaks("says-gpu-idle", s.story.SawAny({"says-loads-data", "says-cpu-busy"}) ? kStrong : kWeak);
  if (s.story.Saw("says-slow")) s.Speaks("says-loads-data", kStrong);
  if (s.story.only_stated && !s.any()) s.Speaks("says-loads-data", kWeak);
  if (s.story.Saw("says-gpu-idle")) s.Speaks("says-loads-data", kStrong).Speaks("keras-generator", kStrong);
  s.States(GpuWorks(s.story) && s.story.Saw("says-gpu-used"), "says-gpu-used",
           "the GPU is used and may wait for data", kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
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

## What people say

"GPU utilisation is low and jumps between 0 and 100 %", "CPU at 100 %", "generator, fit_generator, ImageDataGenerator, slow disk or network drive", "data loading is the bottleneck", "the simulator or environment runs on the CPU", "more workers, prefetch or cache helped".

## How to fix it

Use `dataset.map(..., num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)`, and `cache()` where the data fits into memory.
)md",
};

}  // namespace tfdoctor::input_pipeline_bottleneck
