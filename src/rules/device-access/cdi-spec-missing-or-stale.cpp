#include "diagnose/rule.h"

namespace tfdoctor {

namespace rules {

extern const Rule cdi_spec_missing_or_stale;
constinit const Rule cdi_spec_missing_or_stale = {
    .id = "cdi-spec-missing-or-stale",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "The description of the GPU for containers (CDI) is missing or out of date",
    .prior = 0.02,
    .check = nullptr,  // what a program prints shows it: src/rules/logs/device-access.cpp
    .page = R"md(## What it means

Podman and newer Dockers learn from a CDI specification which device nodes and driver files belong to a GPU. It is not there, cannot be read, or names files of an older driver.

## How it is recognised

`unresolvable CDI devices nvidia.com/gpu=all`, `stat nvidia.com/gpu=0: no such file`, `failed to load CDI Spec`, or a container that misses a driver file right after an update of the driver.

## How it happens

The specification was never made, was made before the driver's update, or by a newer toolkit than the engine understands.

## How to fix it

sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml

nvidia-ctk cdi list
)md",
};

}  // namespace rules

}  // namespace tfdoctor
