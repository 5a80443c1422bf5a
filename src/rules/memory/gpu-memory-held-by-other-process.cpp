#include "diagnose/rule.h"

namespace tfdoctor {

namespace rules {

extern const Rule gpu_memory_held_by_other_process;
constinit const Rule gpu_memory_held_by_other_process = {
    .id = "gpu-memory-held-by-other-process",
    .link = Link::kMemory,
    .effect = Effect::kBlocks,
    .title = "Another process holds the GPU's memory",
    .prior = 0.06,
    .check = nullptr,  // what a program prints shows it: src/rules/logs/memory.cpp
    .page = R"md(## What it means

Nearly all memory of the GPU is taken before TensorFlow starts, by another program or by one that was left behind. TensorFlow finds the GPU and gets too little of it, so cuBLAS and cuDNN do not start or the first tensor does not fit.

## How it is recognised

Old releases print how much was free (`freeMemory: 148.69MiB`). Later ones fail with `Blas GEMM launch failed`, `failed to create cublas handle` or `Dst tensor is not initialized` although the program is small. `nvidia-smi` lists the processes, but not those of other containers.

## How it happens

TensorFlow takes all free memory at its start, so a second program finds none. A notebook's kernel keeps its memory until it is shut down; a killed program may leave a child behind.

## How to fix it

nvidia-smi --query-compute-apps=pid,name,used_memory --format=csv

End the process that is no longer needed. Programs that shall share a GPU have to ask for memory as they need it: `TF_FORCE_GPU_ALLOW_GROWTH=true` in each of them.
)md",
};

}  // namespace rules

}  // namespace tfdoctor
