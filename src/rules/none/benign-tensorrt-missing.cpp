#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::benign_tensorrt_missing {

namespace {

void JudgeLog(Signs& s) { Harmless(s, "tensorrt-missing"); }

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "benign-tensorrt-missing",
    .link = Link::kNone,
    .effect = Effect::kHarmless,
    .title = "TensorRT is not there: harmless",
    .prior = 0.05,
    .log = JudgeLog,
    .page = R"md(## What it means

TensorRT is an optional library for inference. Training on the GPU does not need it.

## How it is recognised

`TF-TRT Warning: Could not find TensorRT`, `Could not load dynamic library 'libnvinfer.so.7'`.

## How it happens

TensorFlow looks for it at each start; pip does not install it.

## What people say

"Could not find TensorRT", "libnvinfer.so not found", "TF-TRT Warning", "do I need TensorRT?".

## How to fix it

Nothing is to be repaired. If the GPU is not used, another line says why.
)md",
};

}  // namespace tfdoctor::benign_tensorrt_missing
