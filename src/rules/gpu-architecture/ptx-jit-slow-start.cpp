#include <algorithm>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::ptx_jit_slow_start {

namespace {

Fix LargeCache() {
  Fix fix;
  fix.title = "Keep what was compiled: let the driver's cache be large";
  fix.commands = {"export CUDA_CACHE_MAXSIZE=4294967296"};
  fix.safety = Safety::kAdvice;
  return fix;
}

Verdict Check(const Facts& facts, const Knowledge&) {
  if (!IsCudaBuild(facts)) return Verdict::Silent();
  const auto* sass = facts.tensorflow.sass.Get();
  const auto* ptx = facts.tensorflow.ptx.Get();
  if (sass == nullptr || sass->empty()) return Verdict::Silent();
  for (const Gpu* gpu : NvidiaGpus(facts)) {
    const std::string* capability = gpu->compute_capability.Get();
    if (capability == nullptr) continue;
    // Releases have part of their kernels as PTX only (sass_partial): MLIR's, one by one small. On an H200
    // with TensorFlow 2.21 each takes 10 to 30 ms once, which is nothing to be told.
    if (MachineCodeRuns(*sass, *capability)) continue;
    if (ptx == nullptr || !PtxRuns(*ptx, *capability)) continue;
    // Whether it works at all on Blackwell is open: see compute-capability-too-new.
    bool open = MajorVersion(*capability) >= 10;
    Strength strength = open ? Strength::kWeak : Strength::kStrong;
    Verdict verdict = open ? Verdict::Open() : Verdict::Holds();
    verdict.Because(facts.tensorflow.sass, "no machine code for " + Describe(*gpu), strength);
    verdict.Because(facts.tensorflow.ptx, "PTX for " + Join(*ptx, ", ") + " is compiled by the driver",
                    strength);
    return std::move(verdict).WithFix(LargeCache());
  }
  return Verdict::Silent();
}

// "dies after 10 minutes" tells when, not how long the start takes; nor does "an epoch takes 10 minutes".
bool TellsWhen(const LogStory& story) {
  const SeenMessage* minutes = story.Message("says-takes-minutes");
  if (minutes == nullptr) return false;
  std::string before = Lower(*minutes->text.Peek());
  const bool first = before.find("first") != before.npos || before.find("start") != before.npos;
  for (const char* repeated : {"epoch", "iteration", "per step", "per batch", "each step", "every step"}) {
    if (before.find(repeated) != before.npos && !first) return true;
  }
  before.resize(std::min(before.find("minute"), before.size()));
  std::vector<std::string_view> words = SplitWords(before);
  const size_t count = words.size();
  for (size_t i = count - std::min<size_t>(count, 3); i < count; i++) {
    if (words[i] == "after" || words[i] == "every") return true;
  }
  return false;
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  if (story.SawAny(
          {"cuda-invalid-ptx", "cuda-invalid-handle", "cuda-no-binary", "llvm-ptx", "cuda-invalid-image"}))
    return;
  if (IsBlackwell(story) && !story.Saw("says-works-after-wait")) {
    s.Speaks("ptx-jit", kDecisive);
  } else {
    s.Proves("ptx-jit");
  }
  if (!s.any()) s.Speaks("says-works-after-wait", kDecisive);
  if (s.any() || story.trouble) return;
  // That something happens at the first step is not yet that it is slow.
  const bool slow = story.Saw("says-slow") || !story.capability.empty();
  // What ends in rubbish or an error is not compiled to the end.
  if (story.Saw("says-wrong-numbers")) return;
  s.Speaks("says-slow-start", slow ? kStrong : kWeak);
  std::string why;
  const CodeAge age = AgeOfCode(story, why);
  const bool compiled = age != CodeAge::kRuns && age != CodeAge::kUnknown && !story.capability.empty();
  // Whatever takes minutes on a GPU for which there is no machine code, or where the GPU is opened.
  const bool ends = story.SawAny({"says-kernel-dies", "says-machine-dies", "says-out-of-memory"});
  if ((compiled || story.Saw("adding-gpus")) && !ends && !TellsWhen(story))
    s.Speaks("says-takes-minutes", kDecisive);
  const bool newer = age == CodeAge::kNewer || age == CodeAge::kCompiled;
  if (newer) s.Speaks("says-slow", kStrong);
  s.That(s.any() && compiled, why, kStrong);
  // Nobody says how it ends: it is compiled, or it fails.
  const bool fails = story.SawAny({"says-wrong-numbers", "says-gpu-not-used"}) || !MayHavePtx(story);
  s.That(!s.any() && age == CodeAge::kNewer && !fails && !GpuTrouble(story), why, kStrong);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "ptx-jit-slow-start",
    .link = Link::kGpuArchitecture,
    .effect = Effect::kDegrades,
    .title = "The first start on this GPU is slow, since code is compiled for it",
    .prior = 0.02,
    .explained_by = {{{"compute-capability-too-new"},
                      {"ptx-version-too-old"},
                      {"driver-too-old"},
                      {"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow has no finished machine code for this GPU. The driver compiles it from PTX when the program first runs, which can take from some minutes to half an hour; then it is kept in `~/.nv/ComputeCache`.

## How it is recognised

The GPU's compute capability is above the machine code in this TensorFlow, and PTX for it is there. Message: "TensorFlow was not built with CUDA kernel binaries compatible with compute capability ... jit-compiled from PTX, which could take 30 minutes or longer".

## How it happens

The GPU is newer than this TensorFlow.

## What people say

"The first run or the first batch takes minutes, later it is fast", "long delay when the session is created, at every start", "it hangs at start and goes on after a while", "CUDA_CACHE_MAXSIZE helped", "JIT compilation of kernels", "training starts late on the newer card".

## How to fix it

Wait once; let the driver's cache be large and on a disk that stays (`CUDA_CACHE_MAXSIZE`, `CUDA_CACHE_PATH`), or use a newer TensorFlow.
)md",
};

}  // namespace tfdoctor::ptx_jit_slow_start
