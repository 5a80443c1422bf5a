#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::nccl_unavailable_or_defective {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  const bool unregistered = story.FieldHas("no-opkernel", "op", "Nccl");
  // Without any GPU its kernels are not looked for: that has a reason of its own.
  if (unregistered && (story.Saw(Shows::kDriverRefuses) || story.Saw("device-count-failed"))) {
    s.Speaks("no-opkernel", kWeak);
  } else if (unregistered) {
    s.Proves("no-opkernel");
  }
  s.Speaks("nccl-error", kStrong).Speaks("says-nccl-setting-helps", kDecisive);
  const bool several = story.Saw("says-several-gpus") || story.gpu_count > 1;
  s.States(several && story.Saw("says-wrong-numbers"), "says-wrong-numbers",
           "several GPUs together compute rubbish", kStrong);
  s.Speaks("dmar-fault", several ? kDecisive : kWeak);
  s.States(story.windows && several && !story.trouble, "os",
           "NCCL, which several GPUs need, is not made for Windows", kWeak);
  s.States(story.Saw("says-nccl") && story.Saw("says-hangs"), "says-nccl", "it hangs with NCCL", kDecisive);
  s.States(several && story.Saw("says-hangs"), "says-hangs", "it hangs where several GPUs work together",
           kDecisive);
  s.States(!story.Stated("nccl").empty() && !s.any(), "nccl", "NCCL " + story.Stated("nccl"), kStrong);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "nccl-unavailable-or-defective",
    .link = Link::kExecution,
    .effect = Effect::kBlocks,
    .title = "NCCL, which GPUs use to talk to each other, cannot be used",
    .prior = 0.02,
    .log = JudgeLog,
    .page = R"md(## What it means

Training on several GPUs needs NCCL. It is not there (Windows), refuses the members of the cluster, or hangs.

## How it is recognised

`No OpKernel was registered to support Op 'NcclAllReduce'`, `NCCL WARN`, `unhandled system error`, or a hang at the first step with several GPUs while one GPU works.

## How it happens

There is no NCCL for Windows. In containers the shared memory is too small. Some versions of NCCL are defective with some drivers.

## What people say

"MirroredStrategy hangs or fails with several GPUs, one GPU works", "all-reduce is stuck", "NCCL on Windows", "HierarchicalCopyAllReduce helped", "NCCL_P2P_DISABLE=1", "too little /dev/shm", "IOMMU".

## How to fix it

On Windows: `tf.distribute.MirroredStrategy(cross_device_ops=tf.distribute.HierarchicalCopyAllReduce())`. Elsewhere see what it says:

NCCL_DEBUG=INFO python3 train.py

In containers: `docker run --shm-size=1g --ulimit memlock=-1`.
)md",
};

}  // namespace tfdoctor::nccl_unavailable_or_defective
