#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::input_on_wrong_device {

namespace {

void JudgeLog(Signs& s) {
  s.Speaks("conflicting-devices", kWeak);
  if (!GpuWorks(s.story) && !s.story.only_stated) return;
  s.Speaks("says-input-on-gpu", kStrong);
  s.Speaks("says-copies-each-step", kDecisive).Speaks("says-data-in-graph", kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "input-on-wrong-device",
    .link = Link::kUtilisation,
    .effect = Effect::kDegrades,
    .title = "Each step copies data between CPU and GPU",
    .prior = 0.01,
    .log = JudgeLog,
    .page = R"md(## What it means

Preparing the input is placed on the GPU (or its result on the CPU), so each step copies much data.

## How it is recognised

A profile shows copies between host and device in each step; the load is low although the model is large.

## How it happens

Preparation of the input inside a `tf.device('/GPU:0')` block.

## What people say

"Data is copied to the GPU in every step", "MemcpyH2D, MemcpyD2H", "the input pipeline or embedding is on the wrong device", "preprocessing lands on the GPU", "prefetch_to_device does nothing".

## How to fix it

Prepare the input with tf.data, or inside `with tf.device('/CPU:0')`.
)md",
};

}  // namespace tfdoctor::input_on_wrong_device
