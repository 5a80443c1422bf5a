#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::retracing_or_recompilation {

namespace {

void JudgeLog(Signs& s) {
  s.Proves("retracing").Speaks("slow-compile", kStrong);
  if (!s.story.trouble) s.Speaks("says-retraces", kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "retracing-or-recompilation",
    .link = Link::kUtilisation,
    .effect = Effect::kDegrades,
    .title = "tf.function is traced, or XLA compiles, at nearly every step",
    .prior = 0.03,
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow makes a new graph for each new shape or Python value that a `tf.function` is called with. That takes much longer than a step.

## How it is recognised

`N out of the last N calls to <function ...> triggered tf.function retracing`, `Very slow compile?`.

## How it happens

Python numbers as arguments, batches of different size, a `tf.function` made in a loop.

## What people say

"Each call is slow, tf.function retracing", "every new shape or length compiles again", "memory grows, graph is built in a loop", "Python numbers as arguments", "model.predict in a loop".

## How to fix it

Pass tensors in place of Python numbers, give `input_signature` or `reduce_retracing=True`, drop the last, smaller batch (`drop_remainder=True`).
)md",
};

}  // namespace tfdoctor::retracing_or_recompilation
