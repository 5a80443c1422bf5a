#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::benign_false_warning {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  const std::string version = story.Field("ptxas-old-comparison", "version"),
                    wanted = story.Field("ptxas-old-comparison", "wanted");
  if (!version.empty() && !wanted.empty() && CompareVersions(version, wanted) >= 0)
    s.Proves("ptxas-old-comparison");
  for (const char* id : {"end-of-sequence", "executor-debug", "delay-kernel", "layout-failed", "copy-streams",
                         "rewrite-skipped"})
    Harmless(s, id);
  // The next line says that the driver compiles instead, as it does where ptxas is missing.
  Harmless(s, "ptxas-not-on-windows", SomethingFails(story) ? kAgainst : kStrong);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "benign-false-warning",
    .link = Link::kNone,
    .effect = Effect::kHarmless,
    .title = "A warning of TensorFlow that is wrong",
    .prior = 0.01,
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow warns of something that is not so.

## How it is recognised

`You are using ptxas 10.0.145, which is older than 9.2.88`: TensorFlow 1.12 compared the numbers wrongly.

## How it happens

A defect in that release.

## What people say

"Scary line, training goes on", "can be ignored, fixed in a later release", "layout failed, End of sequence, set to 1 instead", "the log is flooded by a warning".

## How to fix it

Nothing is to be repaired.
)md",
};

}  // namespace tfdoctor::benign_false_warning
