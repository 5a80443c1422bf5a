#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::benign_numa_node {

namespace {

void JudgeLog(Signs& s) { Harmless(s, "numa-node"); }

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "benign-numa-node",
    .link = Link::kNone,
    .effect = Effect::kHarmless,
    .title = "The firmware names no NUMA node for the GPU: harmless",
    .prior = 0.05,
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow asks the kernel to which NUMA node the GPU belongs, and takes node 0 where the answer is -1. The line shows that a GPU was found.

## How it is recognised

`successful NUMA node read from SysFS had negative value (-1), but there must be at least one NUMA node, so returning NUMA node zero`.

## How it happens

Desktop firmware and virtual machines do not set it.

## What people say

"NUMA node read from SysFS had negative value", "could not identify NUMA node, defaulting to 0", "is this a problem? it runs".

## How to fix it

Nothing is to be repaired.
)md",
};

}  // namespace tfdoctor::benign_numa_node
