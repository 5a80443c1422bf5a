#include "diagnose/rule.h"

namespace tfdoctor {

namespace rules {

extern const Rule metal_plugin_missing;
constinit const Rule metal_plugin_missing = {
    .id = "metal-plugin-missing",
    .link = Link::kTensorFlow,
    .effect = Effect::kBlocks,
    .title = "On Apple's GPU TensorFlow needs the plug-in tensorflow-metal",
    .prior = 0.02,
    .check = nullptr,  // what a program prints shows it: src/rules/logs/tensorflow.cpp
    .page = R"md(## What it means

TensorFlow for macOS computes on the CPU. Apple's plug-in tensorflow-metal adds the GPU of Apple's processors.

## How it is recognised

A Mac with Apple's processor, and `pip list` shows no tensorflow-metal.

## How it happens

The plug-in is a package of its own, and supports only certain releases of TensorFlow.

## How to fix it

python3 -m pip install tensorflow-metal

Its newest release does not load with every TensorFlow: 1.1.0 works with releases up to 2.17.
)md",
};

}  // namespace rules

}  // namespace tfdoctor
