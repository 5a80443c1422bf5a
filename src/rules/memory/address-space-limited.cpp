#include <fmt/format.h>

#include <cstdlib>

#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::address_space_limited {

namespace {

constexpr const char* kOutOfMemory = "2";  // CUDA_ERROR_OUT_OF_MEMORY

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  const DriverAnswers& answers = facts.driver_answers;
  if (!answers.asked.Is(true) || !answers.init.Is(kOutOfMemory)) return Verdict::Silent();
  const std::string* limit = facts.host.address_space.Get();
  if (limit == nullptr) return Verdict::Silent();
  return Verdict::Holds()
      .Because(facts.host.address_space, fmt::format("a program that is started here may map {} at most",
                                                     Gigabytes(std::strtod(limit->c_str(), nullptr))))
      .Because(answers.init, "cuInit returns " + CudaErrorText(knowledge, kOutOfMemory))
      .WithFix(
          Advice("Lift the limit in this shell, then start the program from it", {"ulimit -v unlimited"}))
      .WithFix(Advice("Where the shell refuses that: the batch system, systemd (LimitAS) or "
                      "/etc/security/limits.conf (as) "
                      "sets it; ask for more there",
                      {"grep -s -w as /etc/security/limits.conf /etc/security/limits.d/*"}));
}

void JudgeLog(Signs& s) { s.Speaks("cuinit-out-of-memory", kStrong); }

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "address-space-limited",
    .link = Link::kMemory,
    .effect = Effect::kBlocks,
    .title = "Programs may not map the memory that the driver needs (ulimit -v)",
    .prior = 0.01,
    .explains = {"driver-call-fails"},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The system lets a program map only so much memory. The driver maps several gigabytes when it starts, most of which it never fills. Under a low limit it gives up with CUDA_ERROR_OUT_OF_MEMORY, although the memory of the GPU and of the machine is free.

## How it is recognised

cuInit returns 2, and the address space of programs is limited (`ulimit -v`, "Max address space" in /proc/self/limits). Message: "failed call to cuInit: CUDA_ERROR_OUT_OF_MEMORY". On one H200 4 GB were too little and 16 GB enough.

## How it happens

A batch system turns the memory that a job asked for into this limit, or an administrator limits it for all who log in.

## What people say

"cuInit out of memory", "nvidia-smi shows an empty GPU", "it works as root, or on another node", "ulimit -v", "h_vmem".

## How to fix it

ulimit -v unlimited

Where that is refused ask the batch system for more memory, or the administrator to limit the memory that is used and not the address space.
)md",
};

}  // namespace tfdoctor::address_space_limited
