#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::benign_duplicate_registration {

namespace {

void JudgeLog(Signs& s) {
  Harmless(s, "factory-registered-twice");
  Harmless(s, "computation-placer-twice");
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "benign-duplicate-registration",
    .link = Link::kNone,
    .effect = Effect::kHarmless,
    .title = "A plug-in was registered twice inside TensorFlow: harmless",
    .prior = 0.05,
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow registers its plug-ins for cuDNN, cuFFT and cuBLAS twice and says so, with the letter E. The GPU is not affected.

## How it is recognised

`Unable to register cuDNN factory: Attempting to register factory for plugin cuDNN when one has already been registered`, the same for cuFFT and cuBLAS, `computation placer already registered`.

## How it happens

Two parts of the wheel hold the same code. Releases from 2.14 on print it on every start, also where the GPU works.

## What people say

"Unable to register cuDNN, cuFFT, cuBLAS factory", "computation placer already registered", "E lines at every import, it works".

## How to fix it

Nothing is to be repaired. If the GPU is not used, another line says why.
)md",
};

}  // namespace tfdoctor::benign_duplicate_registration
