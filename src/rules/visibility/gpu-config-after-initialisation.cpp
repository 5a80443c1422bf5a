#include <fmt/format.h>

#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"
#include "rules/program.h"

namespace tfdoctor::gpu_config_after_initialisation {

namespace {

const ProgramLine* FirstStart(const Facts& facts) {
  for (const ProgramLine* line : ProgramLines(facts, "starts-devices")) {
    const std::string* phase = line->phase.Get();
    if (phase != nullptr && *phase == "after-import" && line->reached.Is(true)) return line;
  }
  return nullptr;
}

Verdict PerhapsTooLate(const ProgramLine& line, const char* what) {
  const std::string* text = line.text.Peek();
  return Verdict::Open()
      .Because(line.phase, fmt::format("{}: {}", text == nullptr ? "the setting" : *text, line.phase.why()),
               Strength::kWeak)
      .WithReason(what)
      .WithFix(Advice(fmt::format("Move {} up, directly behind the import of TensorFlow", Place(line)), {}));
}

Verdict Check(const Facts& facts, const Knowledge&) {
  if (facts.program.lines.Absent() || facts.program.lines.Get() == nullptr) return Verdict::Silent();
  std::optional<Verdict> perhaps;
  for (const char* what : {"memory-growth", "visible-devices", "logical-devices"}) {
    for (const ProgramLine* line : ProgramLines(facts, what)) {
      const std::string* phase = line->phase.Get();
      if (phase == nullptr) {
        // What ran before it may have created them.
        if (!perhaps && line->phase.Unknown()) perhaps = PerhapsTooLate(*line, what);
        continue;
      }
      if (*phase != "after-start") continue;
      const ProgramLine* start = FirstStart(facts);
      if (start == nullptr) continue;
      bool reached = line->reached.Is(true);
      Verdict verdict = reached ? Verdict::Holds() : Verdict::Open();
      const std::string* function = start->name.Peek();
      const std::string* text = line->text.Peek();
      verdict
          .Because(start->what, fmt::format("{} creates TensorFlow's devices",
                                            function == nullptr ? "this line" : *function))
          .Because(line->what, fmt::format("{} comes later", text == nullptr ? "the setting" : *text),
                   Strength::kWeak);
      AddDoubts(facts, *line, verdict);
      return std::move(verdict).WithReason(what).WithFix(
          Advice(fmt::format("Move {} up, directly behind the import of TensorFlow", Place(*line)), {}));
    }
  }
  return perhaps ? *std::move(perhaps) : Verdict::Silent();
}

void JudgeLog(Signs& s) { s.Proves("devices-initialised"); }

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "gpu-config-after-initialisation",
    .link = Link::kVisibility,
    .effect = Effect::kProgram,
    .title = "The program configures its GPUs after TensorFlow has started them",
    .prior = 0.02,
    .explained_by = {{{"no-nvidia-gpu"}, {"link:tensorflow"}, {"wrong-python-environment"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

Memory growth, visible devices and logical devices can be set only before TensorFlow has created its devices. Afterwards the call ends with an error and changes nothing.

## How it is recognised

In the program (`--script`) such a call comes after one that creates the devices: the first tensor or variable, an optimizer or a metric of Keras, `tf.device`, a dataset, a distribution strategy, `tf.config.list_logical_devices`. After a call of TensorFlow or Keras of which that is not known (a layer, a model) the cause stays open. Messages: "Physical devices cannot be modified after being initialized", "Visible devices cannot be modified after being initialized", "Virtual devices cannot be modified after being initialized".

## How it happens

The settings stand below the first use of TensorFlow, or a module that is imported before them uses it.

## What people say

"Physical devices cannot be modified after being initialized", "Virtual devices cannot be modified", "set_memory_growth after the first operation", "put it at the top of the program".

## How to fix it

Configure first, directly behind the import:

    import tensorflow as tf
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
)md",
};

}  // namespace tfdoctor::gpu_config_after_initialisation
