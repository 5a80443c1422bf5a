#include <fmt/format.h>

#include <set>

#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"
#include "rules/program.h"

namespace tfdoctor::memory_growth_not_uniform {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  if (facts.program.lines.Absent() || facts.program.lines.Get() == nullptr) return Verdict::Silent();
  std::vector<const ProgramLine*> lines = ProgramLines(facts, "memory-growth");
  if (lines.empty()) return Verdict::Silent();
  int gpus = VisibleGpus(facts);
  if (gpus < 2) return Verdict::Silent();
  // Set by a variable it counts for all.
  for (const ValueInForce& growth : ValuesInForce(facts, "TF_FORCE_GPU_ALLOW_GROWTH", ReadAt::kStart)) {
    if (growth.unsure != nullptr || growth.value->Unknown() || growth.value->Is("true"))
      return Verdict::Silent();
  }
  // A program that shows TensorFlow one GPU alone is right to set it for that one.
  if (!ProgramLines(facts, "visible-devices").empty()) return Verdict::Silent();
  const VariableOfProgram visible = FindVariable(facts, "CUDA_VISIBLE_DEVICES", ReadAt::kStart);
  if (visible.sure != nullptr || visible.perhaps != nullptr || visible.unsure != nullptr)
    return Verdict::Silent();
  std::set<std::string> set_for;
  bool reached = true;
  for (const ProgramLine* line : lines) {
    const std::string* value = line->value.Get();
    if (value == nullptr || *value == "all") return Verdict::Silent();
    const std::string* phase = line->phase.Get();
    if (phase != nullptr && *phase == "after-start") return Verdict::Silent();
    set_for.insert(*value);
    reached = line->reached.Is(true) && reached;
  }
  if (static_cast<int>(set_for.size()) >= gpus) return Verdict::Silent();
  Verdict verdict = reached ? Verdict::Holds() : Verdict::Open();
  const std::string* text = lines.front()->text.Peek();
  verdict.Because(lines.front()->what, text == nullptr ? "memory growth is set here" : *text)
      .Because(facts.gpus, fmt::format("{} GPUs are visible, growth is set for {}", gpus, set_for.size()),
               Strength::kWeak);
  AddDoubts(facts, *lines.front(), verdict);
  return std::move(verdict).WithFix(Advice(fmt::format("Set it for all of them ({})", Place(*lines.front())),
                                           {"export TF_FORCE_GPU_ALLOW_GROWTH=true"}));
}

void JudgeLog(Signs& s) { s.Proves("growth-differs"); }

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "memory-growth-not-uniform",
    .link = Link::kVisibility,
    .effect = Effect::kProgram,
    .title = "The program sets memory growth for some of the GPUs only",
    .prior = 0.01,
    .explained_by =
        {{{"no-nvidia-gpu"}, {"link:tensorflow"}, {"cuda-visible-devices"}, {"program-hides-gpu"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow wants memory growth to be the same for all GPUs that it uses. Where it is set for the first one only, TensorFlow stops when it creates the devices.

## How it is recognised

The program (`--script`) calls `set_memory_growth(gpus[0], True)` and this machine shows it several GPUs. Message: "Memory growth cannot differ between GPU devices".

## How it happens

Many examples name `gpus[0]`, which works on a machine with one GPU.

## What people say

"Memory growth cannot differ between GPU devices", "two GPUs and set_memory_growth for the first only", "loop over all GPUs helped".

## How to fix it

    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)

or leave one GPU visible: `export CUDA_VISIBLE_DEVICES=0`.
)md",
};

}  // namespace tfdoctor::memory_growth_not_uniform
