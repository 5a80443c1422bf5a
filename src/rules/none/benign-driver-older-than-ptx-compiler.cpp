#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::benign_driver_older_than_ptx_compiler {

namespace {

void JudgeLog(Signs& s) { Harmless(s, "ptx-parallel-off"); }

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "benign-driver-older-than-ptx-compiler",
    .link = Link::kNone,
    .effect = Effect::kHarmless,
    .title = "The driver is older than the PTX compiler: harmless",
    .prior = 0.03,
    .log = JudgeLog,
    .page = R"md(## What it means

XLA compiles with one thread less in parallel, since the driver's CUDA is older than that of the compiler.

## How it is recognised

`The NVIDIA driver's CUDA version is 12.2 which is older than the PTX compiler version 12.3.107`.

## How it happens

A driver that is older than the libraries from pip.

## What people say

"The driver's CUDA version is older than ptxas: parallel compilation is disabled", "only a warning, it runs".

## How to fix it

Nothing has to be repaired; a newer driver makes XLA compile faster.
)md",
};

}  // namespace tfdoctor::benign_driver_older_than_ptx_compiler
