#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::cuda_used_after_fork {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("cuda-fork");
  const bool fork = story.Mentions("start_method", "fork");
  if (story.Saw("cuda-not-initialized")) {
    s.Speaks("context-failed", kDecisive);
    s.Speaks("cuda-not-initialized", kStrong);
    s.States(fork, "start_method", "the process was forked", kDecisive);
  }
  s.States(story.Saw("says-child-process") && story.Saw("says-parent-uses-cuda"), "says-parent-uses-cuda",
           "CUDA was used before the process was forked", kDecisive);
  // Keras' workers are forks of a program that has the GPU already, unless they are threads.
  s.States(!story.trouble && story.Saw("says-child-process") && story.Saw("says-hangs") && !story.windows,
           "says-child-process", "it hangs where child processes are used", kStrong);
  // Only a driver that was initialised before the process was forked can be reached and not be initialised.
  if (story.FieldHas("device-count-failed", "error", "CUDA_ERROR_NOT_INITIALIZED")) {
    s.Speaks("device-count-failed", kDecisive);
    s.Speaks("says-child-process", kStrong);
  }
  if (story.Saw("context-failed") && story.Saw("cuda-not-initialized")) s.Proves("context-failed");
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "cuda-used-after-fork",
    .link = Link::kExecution,
    .effect = Effect::kProgram,
    .title = "CUDA was started before a fork and is used in the child",
    .prior = 0.02,
    .log = JudgeLog,
    .page = R"md(## What it means

CUDA cannot be used in a process that was forked from one in which it had been started.

## How it is recognised

`Failed setting context: CUDA_ERROR_NOT_INITIALIZED: initialization error` or `could not retrieve CUDA device count: CUDA_ERROR_NOT_INITIALIZED`, in a worker of `multiprocessing`.

## How it happens

`multiprocessing` forks by default on Linux; data loaders and servers such as gunicorn do so, too.

## What people say

"It hangs or fails in multiprocessing workers", "the second process fails, the first one works", "Cannot re-initialize CUDA in forked subprocess", "start method spawn helped", "gunicorn preload, celery, joblib, Process pool", "TensorFlow was used in the parent".

## How to fix it

Start workers with `multiprocessing.set_start_method('spawn')`, or import TensorFlow in the workers only.
)md",
};

}  // namespace tfdoctor::cuda_used_after_fork
