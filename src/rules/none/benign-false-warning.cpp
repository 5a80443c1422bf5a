#include "diagnose/rule.h"

namespace tfdoctor {

namespace rules {

extern const Rule benign_false_warning;
constinit const Rule benign_false_warning = {
    .id = "benign-false-warning",
    .link = Link::kNone,
    .effect = Effect::kHarmless,
    .title = "A warning of TensorFlow that is wrong",
    .prior = 0.01,
    .check = nullptr,  // what a program prints shows it: src/rules/logs/none.cpp
    .page = R"md(## What it means

TensorFlow warns of something that is not so.

## How it is recognised

`You are using ptxas 10.0.145, which is older than 9.2.88`: TensorFlow 1.12 compared the numbers wrongly.

## How it happens

A defect in that release.

## How to fix it

Nothing is to be repaired.
)md",
};

}  // namespace rules

}  // namespace tfdoctor
