#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "facts/devices.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::gpu_memory_held_by_other_process {

namespace {

// TensorFlow makes a context on every device that it sees, and computes on the first unless the program says
// otherwise.
Verdict Check(const Facts& facts, const Knowledge&) {
  const DriverAnswers& answers = facts.driver_answers;
  if (!answers.asked.Is(true)) return Verdict::Silent();
  const auto* devices = answers.devices.Get();
  if (devices == nullptr || devices->empty()) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  const CudaDevice* with_room = nullptr;
  bool computes = false;  // in what is left
  for (const auto& [ordinal, device] : *devices) {
    // Without memory there is no context either.
    const std::string* context = device.context.Get();
    if (context == nullptr) continue;
    const Room room = RoomOn(device);
    if (room == Room::kUnknown) return Verdict::Silent();
    if (room == Room::kNone) {
      verdict.Because(device.context, fmt::format("device {} has not even memory for a context", ordinal));
      continue;
    }
    if (room == Room::kEnough) {
      if (with_room == nullptr) with_room = &device;
      continue;
    }
    if (ordinal != "0") continue;
    computes = room == Room::kLittle;
    verdict.Because(device.free_memory,
                    fmt::format("device {} has {} of {} free", ordinal, Gigabytes(Bytes(device.free_memory)),
                                Gigabytes(Bytes(device.total_memory))));
  }
  if (verdict.evidence.empty()) {
    if (with_room == nullptr) return Verdict::Silent();
    return Verdict::Excluded().Because(with_room->free_memory,
                                       Gigabytes(Bytes(with_room->free_memory)) + " are free");
  }
  NameHolders(facts, verdict);
  if (computes) {
    verdict =
        std::move(verdict)
            .WithEffect(Effect::kDegrades)
            .WithReason("mostly")
            .WithTitle("Other processes hold most of the GPU's memory")
            .WithExplanation(
                "Other processes have taken most of the GPU's memory. TensorFlow starts and computes what "
                "fits into the rest; a larger model ends with ResourceExhaustedError (OOM).");
  }
  const std::string* uuid = with_room == nullptr ? nullptr : with_room->uuid.Peek();
  if (uuid != nullptr) {
    verdict = std::move(verdict).WithFix(
        Advice("Use a GPU that has room", {"export CUDA_VISIBLE_DEVICES=" + ShellQuote(*uuid)}));
  }
  return std::move(verdict).WithFix(Advice(
      "Find the processes and end those that nobody needs (a notebook's kernel keeps its memory until it "
      "ends)",
      {"nvidia-smi", "sudo fuser -v /dev/nvidia*"}, true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  const double share = FreeShare(story);
  s.ThatProves(share >= 0 && share < 0.2,
               "almost nothing of the GPU's memory was free before TensorFlow took any");
  const bool fails = story.Saw(Shows::kHandleFails) || story.Saw(Shows::kMemoryFails) ||
                     story.SawAny({"cuda-out-of-memory", "blas-missing", "allocator-empty"});
  // That a context is refused is no question of memory.
  const bool refused = story.Saw("cuda-busy") && !fails;
  if (fails) {
    s.Proves("says-other-process");
  } else if (!refused) {
    s.Speaks("says-other-process", kStrong);
  }
  s.Speaks("says-closing-helps",
           fails || story.SawAny({"says-out-of-memory", "says-other-process"}) ? kDecisive : kWeak);
  s.Speaks("says-memory-left-taken", kStrong).Speaks("no-gpu-free", kStrong);
  s.Speaks("session-not-created", story.Saw("smi-exclusive") ? kWeak : kStrong)
      .Speaks("context-out-of-memory", kDecisive);
  const double used = MiB(story.Field("smi-memory", "used") + "MiB"),
               total = MiB(story.Field("smi-memory", "total") + "MiB");
  // TensorFlow's own process takes nearly all, too: the table of while it ran tells nothing.
  const bool own = story.Saw("oom-tensor") || story.gpu_registered;
  s.That(fails && used > 0.9 * total && total > 0, "nvidia-smi shows the GPU's memory as taken",
         own ? kWeak : kDecisive);
  // In a container nvidia-smi lists none.
  const bool lists = story.Saw("smi-no-processes") && !story.container && !story.wsl;
  s.That(lists && story.Saw("says-out-of-memory") && used > 0.5 * total && total > 0,
         "nvidia-smi shows the GPU's memory as taken, and no process that it knows of", kDecisive);
  s.That(fails && PoolIsTiny(story),
         story.Saw("says-jetson")
             ? "TensorFlow got hardly any of the memory, which on a Jetson all programs of the CPU share"
             : "TensorFlow got hardly any of the GPU's memory, unless the program set a limit",
         kDecisive);
  if (s.any()) {
    s.Wants(story.facts.device_memory.holders);
    return;
  }
  if (story.Saw(Shows::kVersionsDiffer)) return;
  // Without room cuBLAS does not start; that it runs and fails is seldom memory.
  s.Speaks("blas-launch-failed", story.Saw("cublas-execution-failed") ? kWeak : kStrong)
      .Speaks("blas-missing", kWeak)
      .Speaks("cublas-alloc-failed", kWeak)
      .Speaks("cuda-out-of-memory", kWeak);
  s.Speaks("dst-not-initialized", kWeak);
  // How much TensorFlow had got, and of what, nobody says.
  if (LittleWasLeft(story)) {
    s.Speaks("allocator-out-of-memory", kStrong);
  } else if (!story.MaySee("oom-tensor") && !story.MaySee("allocator-limit")) {
    s.Speaks("allocator-out-of-memory", kWeak);
  }
  if (s.any()) s.Wants(story.facts.device_memory.holders);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "gpu-memory-held-by-other-process",
    .link = Link::kMemory,
    .effect = Effect::kBlocks,
    .title = "Other processes hold the memory of the GPU",
    .prior = 0.04,
    .explained_by = {{{"no-nvidia-gpu"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow takes what is free. Here nearly nothing is: other processes hold the memory of the GPU, so the first larger operation fails, often as an error of cuBLAS or cuDNN.

## How it is recognised

The driver tells how much of each device's memory is free, and NVML which processes hold it.

## How it happens

Another notebook or training is running, or a leftover of one: a Jupyter kernel, a worker after a crash, a container. TensorFlow itself takes all memory at its start.

## What people say

"Another notebook or process is still running", "memory is occupied and no process is listed", "killing the old python process helped", "shared server, other users", "a game, simulator or browser on the same GPU", "the first process takes all memory, the second fails".

## How to fix it

nvidia-smi

sudo fuser -v /dev/nvidia*

End what nobody needs (`kill PID`), or let each program take only what it needs (`TF_FORCE_GPU_ALLOW_GROWTH=true`).
)md",
};

}  // namespace tfdoctor::gpu_memory_held_by_other_process
