#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::mixed_precision_no_speedup {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("mixed-precision-slow");
  // Tensor Cores came with Volta.
  const bool without = !story.capability.empty() && CompareVersions(story.capability, "7.0") < 0;
  if (!story.trouble) s.Speaks("says-half-precision", without ? kDecisive : kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "mixed-precision-no-speedup",
    .link = Link::kUtilisation,
    .effect = Effect::kDegrades,
    .title = "Mixed precision brings nothing on this GPU or for this model",
    .prior = 0.01,
    .log = JudgeLog,
    .page = R"md(## What it means

float16 is faster only with Tensor Cores and with shapes that they take.

## How it is recognised

`Your GPU may run slowly with dtype policy mixed_float16 because it does not have compute capability of at least 7.0`.

## How it happens

A card before compute capability 7.0, small layers, or sizes that are no multiple of 8. On Ampere and later TensorFloat-32 is in use anyway.

## What people say

"float16, fp16, AMP is not faster or slower", "GTX 10xx or K40, P40 without Tensor Cores", "mixed_float16".

## How to fix it

Leave the policy at float32 on such cards; elsewhere make layers and batches multiples of 8.
)md",
};

}  // namespace tfdoctor::mixed_precision_no_speedup
