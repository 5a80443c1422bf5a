#include "diagnose/rule.h"

namespace tfdoctor {

namespace rules {

extern const Rule benign_worker_without_gpu;
constinit const Rule benign_worker_without_gpu = {
    .id = "benign-worker-without-gpu",
    .link = Link::kNone,
    .effect = Effect::kHarmless,
    .title = "A worker has no GPU by design, and the main process has it",
    .prior = 0.02,
    .check = nullptr,  // what a program prints shows it: src/rules/logs/none.cpp
    .page = R"md(## What it means

Programs with many processes give the GPU to one of them and hide it from the others. Those print that they find none.

## How it is recognised

Lines about a missing GPU come from workers, and the program as a whole runs on.

## How it happens

Actors of reinforcement learning, preparation of data in worker processes, tools that run TensorFlow only for reading files.

## How to fix it

Nothing is to be repaired.
)md",
};

}  // namespace rules

}  // namespace tfdoctor
