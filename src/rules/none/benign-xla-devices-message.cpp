#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::benign_xla_devices_message {

namespace {

void JudgeLog(Signs& s) { Harmless(s, "xla-devices-off"); }

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "benign-xla-devices-message",
    .link = Link::kNone,
    .effect = Effect::kHarmless,
    .title = "XLA's old devices are not made any more: harmless",
    .prior = 0.03,
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow 2.4 says that it no longer makes devices XLA_GPU. The GPU's device is another one.

## How it is recognised

`Not creating XLA devices, tf_xla_enable_xla_devices not set`.

## How it happens

A change in 2.4.

## What people say

"Not creating XLA devices, tf_xla_enable_xla_devices not set", "XLA_GPU device is not there any more".

## How to fix it

Nothing is to be repaired.
)md",
};

}  // namespace tfdoctor::benign_xla_devices_message
