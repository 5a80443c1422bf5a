#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::windows_display_timeout {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  if (story.windows || story.wsl) {
    s.Proves("cuda-launch-timeout");
    s.Speaks("cuda-launch-failed", kStrong).Speaks("dxgi-device-removed", kStrong);
    if (story.only_stated && story.Saw("says-program-runs")) s.Speaks("says-kernel-dies", kWeak);
  } else {
    s.Speaks("cuda-launch-timeout", kDecisive);
  }
  s.Speaks("says-time-limit-of-display", kStrong);
  if (!story.linux_known) s.Speaks("says-display-restarts", kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "windows-display-timeout",
    .link = Link::kExecution,
    .effect = Effect::kBlocks,
    .title = "Windows reset the GPU since a kernel ran longer than the display allows",
    .prior = 0.01,
    .log = JudgeLog,
    .page = R"md(## What it means

A GPU that also drives a display is reset when a kernel runs for more than about two seconds.

## How it is recognised

`the launch timed out and was terminated` (CUDA_ERROR_LAUNCH_TIMEOUT), on Windows also `unspecified launch failure`, and an entry in the event log that the display driver stopped responding.

## How it happens

Large batches on slow cards that also show the desktop.

## What people say

"The screen goes black for a second", "display driver stopped responding and has recovered", "TDR, TdrDelay, TdrLevel", "small inputs work, large ones crash on Windows", "the launch timed out", "unknown error or launch failure on Windows after some seconds".

## How to fix it

Use smaller batches, or another card for the display. On Windows the limit is the registry value `TdrDelay` below `HKLM\System\CurrentControlSet\Control\GraphicsDrivers` (seconds).
)md",
};

}  // namespace tfdoctor::windows_display_timeout
