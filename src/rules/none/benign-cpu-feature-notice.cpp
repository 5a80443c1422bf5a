#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::benign_cpu_feature_notice {

namespace {

// Every start prints it: it is the answer only where it is all that there is.
void JudgeLog(Signs& s) {
  // Every start prints it: any other harmless message that has a cause is what was meant.
  for (const MessageRow& row : *s.story.knowledge.Messages()) {
    const bool other =
        row.kind == "harmless" && !row.cause.empty() && row.cause != "benign-cpu-feature-notice";
    if (other && s.story.Saw(row.id)) return;
  }
  Harmless(s, "cpu-features");
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "benign-cpu-feature-notice",
    .link = Link::kNone,
    .effect = Effect::kHarmless,
    .title = "A note on the CPU's instruction sets: harmless",
    .prior = 0.05,
    .log = JudgeLog,
    .page = R"md(## What it means

The build does not use every instruction set of this CPU. It says nothing about the GPU.

## How it is recognised

`This TensorFlow binary is optimized to use available CPU instructions`, `Your CPU supports instructions that this TensorFlow binary was not compiled to use`.

## How it happens

Every release from PyPI prints it.

## What people say

"Your CPU supports instructions that this binary was not compiled to use: AVX2 FMA", "optimized with oneDNN", "is this an error? how to hide it", "rebuild TensorFlow with the appropriate flags".

## How to fix it

Nothing is to be repaired.
)md",
};

}  // namespace tfdoctor::benign_cpu_feature_notice
