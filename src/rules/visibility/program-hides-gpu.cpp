#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"
#include "rules/program.h"

namespace tfdoctor::program_hides_gpu {

namespace {

Fix ChangeLine(const ProgramLine& line, const std::string& how) {
  return Advice(fmt::format("{} ({})", how, Place(line)), {});
}

// A line that hides the GPU if it is reached: the verdict follows what is known of that.
Verdict Hides(const Facts& facts, const ProgramLine& line, const std::string& reason, const std::string& sign,
              Strength strength, const std::string& repair) {
  bool reached = line.reached.Is(true) && line.phase.Present();  // what is unknown of that is noted
  Verdict verdict = reached ? Verdict::Holds() : Verdict::Open();
  const std::string* text = line.text.Peek();
  verdict.Because(line.what, fmt::format("{}: {}", text == nullptr ? "this line" : *text, sign), strength);
  AddDoubts(facts, line, verdict);
  return std::move(verdict)
      .WithReason(reason)
      .WithTitle(fmt::format("The program itself keeps TensorFlow off the GPU ({})", Place(line)))
      .WithFix(ChangeLine(line, repair));
}

std::optional<Verdict> ByVariable(const Facts& facts, const ProgramLine& line) {
  const std::string* what = line.what.Get();
  if (what == nullptr || *what == "unset-variable") return std::nullopt;
  const std::string* value = line.value.Get();
  if (value == nullptr) {
    return Verdict::Open()
        .Because(line.value, "the program computes CUDA_VISIBLE_DEVICES when it runs", Strength::kWeak)
        .Because(line.value, "mostly to choose one of several GPUs", Strength::kAgainst)
        .WithReason("variable");
  }
  const VisibleDevices devices = VisibleDevicesOf(facts, *value);
  if (!devices.None()) return std::nullopt;
  const std::string& why = devices.refused.empty() ? devices.ended_by : devices.refused;
  return Hides(facts, line, "variable", why, Strength::kStrong,
               "Remove the line, or set it to the GPU you want");
}

std::optional<Verdict> ByVariables(const Facts& facts) {
  const VariableOfProgram found = FindVariable(facts, "CUDA_VISIBLE_DEVICES", ReadAt::kStart);
  for (const ProgramLine* line : {found.sure, found.perhaps}) {
    if (line == nullptr) continue;
    std::optional<Verdict> verdict = ByVariable(facts, *line);
    if (!verdict) continue;
    // A later line may set it to another value.
    if (line == found.sure && found.unsure != nullptr) {
      verdict->state = Verdict::State::kOpen;
      verdict->Because(*found.unsure, "the value may be another", Strength::kAgainst);
    }
    return verdict;
  }
  return std::nullopt;
}

// Graphs and sessions of TensorFlow 1: its own, or with what a later release has of it.
bool RunsGraphs(const Facts& facts) {
  const std::string* version = facts.tensorflow.version.Get();
  if (version != nullptr && MajorVersion(*version) < 2) return true;
  for (const ProgramLine* line : ProgramLines(facts, "eager")) {
    const std::string* name = line->name.Get();
    const bool off =
        name != nullptr && (*name == "disable_eager_execution" || *name == "disable_v2_behavior");
    if (off && line->reached.Is(true)) return true;
  }
  return false;
}

// With an order that it does not know the driver refuses to start.
std::optional<Verdict> ByOrder(const Facts& facts) {
  const VariableOfProgram found = FindVariable(facts, "CUDA_DEVICE_ORDER", ReadAt::kStart);
  for (const ProgramLine* line : {found.sure, found.perhaps}) {
    const std::string* what = line == nullptr ? nullptr : line->what.Get();
    if (what == nullptr || *what == "unset-variable") continue;
    const std::string* value = line->value.Get();
    if (value == nullptr || IsDeviceOrder(*value)) continue;
    return Hides(facts, *line, "order",
                 fmt::format("\"{}\" is no order that the driver knows, and it does not start", *value),
                 Strength::kStrong, "Set it to \"PCI_BUS_ID\", or remove the line");
  }
  return std::nullopt;
}

std::optional<Verdict> ByVisibleDevices(const Facts& facts) {
  for (const ProgramLine* line : ProgramLines(facts, "visible-devices")) {
    const std::string* phase = line->phase.Get();
    if (phase != nullptr && *phase == "after-start") continue;  // changes nothing any more
    // One GPU of a list is the usual use.
    const std::string* value = line->value.Get();
    if (value == nullptr || *value != "none") continue;
    return Hides(facts, *line, "visible-devices", "no GPU is left visible", Strength::kStrong,
                 "Remove the line, or leave the GPU visible");
  }
  for (const ProgramLine* line : ProgramLines(facts, "session-devices")) {
    const std::string* value = line->value.Get();
    if (value == nullptr || *value != "0") continue;
    Verdict verdict = Hides(facts, *line, "session-devices", "the session is made without a GPU",
                            Strength::kStrong, "Remove device_count");
    if (RunsGraphs(facts)) return verdict;
    verdict.state = Verdict::State::kOpen;
    verdict.Because(line->what,
                    "what a session is told bears on the graphs of TensorFlow 1 alone, and eager execution "
                    "is not switched off",
                    Strength::kAgainst);
    return verdict;
  }
  return std::nullopt;
}

std::optional<Verdict> ByDevice(const Facts& facts) {
  for (const ProgramLine* line : ProgramLines(facts, "device")) {
    const std::string* value = line->value.Peek();  // a device that is computed is rarely the CPU
    if (value == nullptr || DeviceIndex(*value, "CPU") < 0) continue;
    // Data is often prepared on the CPU, and rightly so.
    if (line->trains.Is(false)) continue;
    bool trains = line->trains.Is(true);
    return Hides(
        facts, *line, "device",
        trains ? "the network is trained in this block, on the CPU" : "what is called there runs on the CPU",
        trains ? Strength::kStrong : Strength::kWeak, "Train outside of the block, or remove it");
  }
  return std::nullopt;
}

// JAX takes three quarters of the memory of each GPU when it is first used; PyTorch takes what it needs.
// Source: JAX documentation, "GPU memory allocation".
std::optional<Verdict> ByJax(const Facts& facts) {
  for (const ProgramLine* line : ProgramLines(facts, "import")) {
    const std::string* name = line->name.Get();
    if (name == nullptr || *name != "jax" || !line->reached.Is(true)) continue;
    const auto* distributions = facts.python.distributions.Get();
    if (distributions == nullptr) return std::nullopt;
    auto plugin = distributions->lower_bound("jax-cuda");
    if (plugin == distributions->end() || !plugin->first.starts_with("jax-cuda")) return std::nullopt;
    if (FindVariable(facts, "XLA_PYTHON_CLIENT_PREALLOCATE", ReadAt::kStart).sure != nullptr)
      return std::nullopt;
    return Verdict::Open()
        .Because(line->what,
                 "the program uses JAX as well, which takes 75 % of the GPU's memory at its first use",
                 Strength::kWeak)
        .WithReason("other-framework")
        .WithTitle("Another framework in the same program may take the GPU's memory")
        .WithFix(Advice("Let JAX take only what it needs", {"export XLA_PYTHON_CLIENT_PREALLOCATE=false"}));
  }
  return std::nullopt;
}

Verdict Check(const Facts& facts, const Knowledge&) {
  if (facts.program.lines.Absent()) return Verdict::Silent();
  if (facts.program.lines.Get() == nullptr) return Verdict::Silent();
  std::optional<Verdict> open;
  for (auto* look : {ByVariables, ByOrder, ByVisibleDevices, ByDevice, ByJax}) {
    std::optional<Verdict> verdict = look(facts);
    if (!verdict) continue;
    if (verdict->state == Verdict::State::kHolds) return *std::move(verdict);
    if (!open) open = std::move(verdict);
  }
  return open ? *std::move(open) : Verdict::Silent();
}

// What the program itself sets begins with GPU 0, "0" or "0,1,2,3": that hides no GPU from who has one.
bool BeginsWithTheFirst(const LogStory& story) {
  constexpr std::string_view kName = "cuda_visible_devices";
  const SeenMessage* sets = story.Message("says-program-sets-devices");
  if (sets == nullptr) return false;
  const std::string text = Lower(*sets->text.Peek());
  size_t at = text.rfind(kName);
  if (at == text.npos) return false;
  at = text.find_first_not_of("\"']=:, ", at + kName.size());
  return at != text.npos && text[at] == '0';
}

// "interactive python sees the GPU": true, "training script sees the GPU": false
void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  if (story.SawAny({"says-shell-has-gpu", "says-plain-python-has-gpu"})) {
    for (const char* lacks : {"says-program-lacks-gpu", "says-own-code-lacks-gpu"}) {
      s.States(story.Saw(lacks), lacks, "an interactive Python sees the GPU, and the program does not",
               kDecisive);
    }
  }
  s.Speaks("says-program-hides-gpu", kDecisive).Speaks("program-hides-all", kDecisive);
  if (!story.gpu_registered && !BeginsWithTheFirst(story)) s.Speaks("says-program-sets-devices", kDecisive);
  if (!s.any() && BeginsWithTheFirst(story)) s.Drop();
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "program-hides-gpu",
    .link = Link::kVisibility,
    .effect = Effect::kProgram,
    .title = "The program itself keeps TensorFlow off the GPU",
    .prior = 0.04,
    .explained_by = {{{"no-nvidia-gpu"}, {"link:tensorflow"}, {"wrong-python-environment"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The machine and the environment may be fine: the program says itself that TensorFlow shall not use the GPU, or trains inside a block that names the CPU.

## How it is recognised

`tfdoctor --script FILE` reads the program (a `.py` file or a notebook) and the modules beside it that it imports, and never runs them. It looks for lines that set `os.environ["CUDA_VISIBLE_DEVICES"]` to a value that leaves no GPU, `tf.config.set_visible_devices([], "GPU")`, `ConfigProto(device_count={"GPU": 0})` (for the graphs of TensorFlow 1), and `with tf.device("/CPU:0"):` around the training. A line that stands in a function or a condition may or may not be reached, and behind some calls it may come too late: then the cause stays open. JAX in the same program takes most of the GPU's memory at its first use.

## How it happens

The line was written to keep a small job off the GPU, came with an example, or hides the GPU from TensorFlow because another framework uses it.

## What people say

"The script sets os.environ['CUDA_VISIBLE_DEVICES'] itself", "in an interactive Python the GPU is there, in the program it is not", "importing a package hides the GPU", "hard-coded GPU index, set_visible_devices([])", "--gpu argument of the program".

## How to fix it

Remove the line, or let it name the GPU that you want:

    os.environ["CUDA_VISIBLE_DEVICES"] = "0"
)md",
};

}  // namespace tfdoctor::program_hides_gpu
