#include "diagnose/rule.h"

namespace tfdoctor {

namespace rules {

extern const Rule benign_driver_older_than_ptx_compiler;
constinit const Rule benign_driver_older_than_ptx_compiler = {
    .id = "benign-driver-older-than-ptx-compiler",
    .link = Link::kNone,
    .effect = Effect::kHarmless,
    .title = "The driver is older than the PTX compiler: harmless",
    .prior = 0.03,
    .check = nullptr,  // what a program prints shows it: src/rules/logs/none.cpp
    .page = R"md(## What it means

XLA compiles with one thread less in parallel, since the driver's CUDA is older than that of the compiler.

## How it is recognised

`The NVIDIA driver's CUDA version is 12.2 which is older than the PTX compiler version 12.3.107`.

## How it happens

A driver that is older than the libraries from pip.

## How to fix it

Nothing has to be repaired; a newer driver makes XLA compile faster.
)md",
};

}  // namespace rules

}  // namespace tfdoctor
