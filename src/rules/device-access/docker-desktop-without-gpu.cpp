#include "diagnose/rule.h"

namespace tfdoctor {

namespace rules {

extern const Rule docker_desktop_without_gpu;
constinit const Rule docker_desktop_without_gpu = {
    .id = "docker-desktop-without-gpu",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "The docker command talks to Docker Desktop, whose virtual machine has no GPU",
    .prior = 0.02,
    .check = nullptr,  // what a program prints shows it: src/rules/logs/device-access.cpp
    .page = R"md(## What it means

Docker Desktop on Linux runs containers in a virtual machine. The GPU of the host is not in it.

## How it is recognised

`load library failed: libnvidia-ml.so.1` although the driver works on the host; `docker context show` prints desktop-linux; with sudo another Docker answers and the GPU works.

## How it happens

Docker Desktop was installed beside Docker's engine and made itself the default context.

## How to fix it

docker context use default

If there is no other Docker, install Docker Engine.
)md",
};

}  // namespace rules

}  // namespace tfdoctor
