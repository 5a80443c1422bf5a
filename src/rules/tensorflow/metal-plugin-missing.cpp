#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::metal_plugin_missing {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  if (!story.mac || story.SawAny({"plugin-optimizer", "no-gpu-kernel", "pip-no-version"})) return;
  const bool apple = story.SawAny({"says-apple-silicon", "of-apple-silicon"});
  const bool plugin = story.Mentions("pip_list", "tensorflow-metal") || story.Saw("metal");
  s.StatesProof(apple && !plugin && !story.Stated("pip_list").empty(), "pip_list",
                "tensorflow-metal is not installed");
  s.States(apple && !plugin && story.Stated("pip_list").empty(),
           story.Saw("says-apple-silicon") ? "says-apple-silicon" : "of-apple-silicon",
           "Apple's GPU needs tensorflow-metal", FindsItSlow(story) ? kWeak : kStrong);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "metal-plugin-missing",
    .link = Link::kTensorFlow,
    .effect = Effect::kBlocks,
    .title = "On Apple's GPU TensorFlow needs the plug-in tensorflow-metal",
    .prior = 0.02,
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow for macOS computes on the CPU. Apple's plug-in tensorflow-metal adds the GPU of Apple's processors.

## How it is recognised

A Mac with Apple's processor, and `pip list` shows no tensorflow-metal.

## How it happens

The plug-in is a package of its own, and supports only certain releases of TensorFlow.

## What people say

"M1, M2, M3 MacBook: only the CPU is listed", "tensorflow-metal", "Apple silicon".

## How to fix it

python3 -m pip install tensorflow-metal

Its newest release does not load with every TensorFlow: 1.1.0 works with releases up to 2.17.
)md",
};

}  // namespace tfdoctor::metal_plugin_missing
