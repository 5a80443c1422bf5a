#include <fmt/format.h>

#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"
#include "rules/program.h"

namespace tfdoctor::cuda_visible_devices {

namespace {

constexpr const char* kVariable = "CUDA_VISIBLE_DEVICES";

Verdict Check(const Facts& facts, const Knowledge&) {
  const auto& variable = facts.environment.Variable(kVariable);
  if (variable.Absent()) return Verdict::Excluded().Because(variable, "CUDA_VISIBLE_DEVICES is not set");
  const std::string* value = variable.Get();
  if (value == nullptr) return Verdict::Silent();
  // What the program sets itself is judged with the program.
  const VariableOfProgram of_program = FindVariable(facts, kVariable, ReadAt::kStart);
  if (of_program.sure != nullptr) {
    return Verdict::Excluded().Because(of_program.sure->what,
                                       "the program sets or removes CUDA_VISIBLE_DEVICES itself");
  }
  const VisibleDevices devices = VisibleDevicesOf(facts, *value);
  // Whatever we make of the value: the driver was asked with it and without. Where its order is refused, that
  // says nothing of this variable.
  const bool hides = !OrderIsRefused(facts) && VariablesHideAllFromDriver(facts);
  if (!devices.entries.empty() && DriverFindsGpu(facts))
    return Verdict::Excluded().Because(facts.driver_answers.count, "with it the driver lists a device");
  if (!devices.None() && !devices.FirstByName() && !hides) return Verdict::Silent();
  if (of_program.unsure != nullptr) {
    return Verdict::Open()
        .Because(variable, fmt::format("CUDA_VISIBLE_DEVICES={} in this shell", *value))
        .Because(*of_program.unsure, "the program may set it to another value", Strength::kAgainst);
  }
  // The UUIDs of GPUs and MIG instances are known to the driver only.
  if (devices.FirstByName() && devices.refused.empty() && !hides) {
    return Verdict::Open()
        .Because(
            variable,
            fmt::format("names a GPU by its UUID ({}); whether this machine has it, only the driver knows",
                        *value),
            Strength::kWeak)
        .Because(variable, "batch systems and container engines name a GPU so, and then it is there",
                 Strength::kAgainst);
  }
  Verdict verdict = Verdict::Holds();
  const std::string& why = devices.refused.empty() ? devices.ended_by : devices.refused;
  verdict.Because(variable, fmt::format("CUDA_VISIBLE_DEVICES={}{}{}", *value, why.empty() ? "" : ": ", why));
  if (!devices.refused.empty()) {
    verdict =
        std::move(verdict)
            .WithReason("twice")
            .WithTitle("CUDA_VISIBLE_DEVICES names a GPU twice, and the driver refuses to start")
            .WithExplanation(
                "The variable CUDA_VISIBLE_DEVICES says which GPUs a program may see. A list that names "
                "one of them twice is an error: cuInit fails, and TensorFlow finds no GPU at all.");
  }
  if (hides) {
    verdict.Because(facts.driver_answers.count_unhidden,
                    fmt::format("without the variable the driver lists {} device(s), with it none",
                                *facts.driver_answers.count_unhidden.Get()));
  }
  const auto* variables = facts.environment.variables.Peek();
  bool slurm = variables != nullptr && variables->contains("SLURM_JOB_ID") &&
               variables->at("SLURM_JOB_ID").Peek() != nullptr;
  if (slurm)
    return std::move(verdict)
        .WithReason("batch-system")
        .WithFix(Advice("Ask the batch system for a GPU", {"srun --gpus=1 --pty bash"}));
  return std::move(verdict).WithFix(Unset(kVariable));
}

// "(pid=3343) …", "(RolloutWorker pid=3343, ip=10.0.0.2) …": so Ray marks what its workers print.
bool OfRayWorker(const LogStory& story, std::string_view id) {
  const SeenMessage* message = story.Message(id);
  if (message == nullptr || !message->text.Peek()->starts_with('(')) return false;
  const size_t pid = message->text.Peek()->find("pid="), end = message->text.Peek()->find(')');
  return pid != std::string::npos && pid < end;
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Speaks("visible-devices-emptied", kDecisive);
  const auto* variables = story.facts.environment.variables.Peek();
  const Fact<std::string>* stated = nullptr;
  if (variables != nullptr && variables->contains("CUDA_VISIBLE_DEVICES"))
    stated = &variables->at("CUDA_VISIBLE_DEVICES");
  if (stated != nullptr && stated->Peek() != nullptr) {
    // What the driver makes of the value, the rule of the machine says; that no device is left, the log.
    const std::string& value = *stated->Peek();
    const std::string hiding = HidingVariable(story);
    s.StatesProof(story.Saw(Shows::kNoDevice) && !hiding.empty(), "CUDA_VISIBLE_DEVICES",
                  hiding + " leaves no GPU");
    s.States(!s.any() && story.only_stated && !hiding.empty(), "CUDA_VISIBLE_DEVICES",
             hiding + " leaves no GPU", kDecisive);
    const std::vector<std::string> entries = VisibleDevicesOf(story.facts, value).entries;
    const bool beyond = story.gpu_count > 0 && !entries.empty() &&
                        entries[0].find_first_not_of("0123456789") == std::string::npos &&
                        entries[0].size() < 4 && std::stoi(entries[0]) >= story.gpu_count;
    s.States(
        !s.any() && beyond && !story.gpu_registered, "CUDA_VISIBLE_DEVICES",
        fmt::format("CUDA_VISIBLE_DEVICES={} counts from 0, and there are {} GPUs", value, story.gpu_count),
        kDecisive);
    s.States(!s.any() && story.Saw(Shows::kNoDevice) && value != "0" && value != "all",
             "CUDA_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES=" + value + ", and the driver shows no device",
             kDecisive);
    return;
  }
  if (!OrderIsRefused(story.facts)) s.Speaks("cuinit-invalid-device", kStrong);
  // Where the program has a GPU, those are its workers that asked for none.
  if (story.gpu_registered && (story.Saw("says-scheduler") || OfRayWorker(story, "cuda-no-device"))) return;
  // They give a program that asked for no GPU a list that is empty.
  if (story.Saw(Shows::kNoDevice)) s.Speaks("says-scheduler", kStrong);
  s.That(OfRayWorker(story, "cuda-no-device"),
         "a worker of Ray sees the GPUs that it was granted, and no others", kStrong);
  // TensorFlow's diagnosis of a failed cuInit names the variable where it is set, in the same releases that
  // say how to make it say more (XLA, cuda_diagnostics.cc; the wheels of 2.19 and later have both lines,
  // those of 2.18 neither).
  if (story.Saw("cuda-no-device") && !story.wsl && !story.Saw("variables-told")) {
    s.Speaks("cuda-no-device", kWeak);
    s.Speaks("versions-match", kStrong);
    s.That(story.smi_works, "nvidia-smi sees a GPU, and the program none", kStrong);
    s.Speaks("says-intermittent", kAgainst).Speaks("says-machine-dies", kAgainst);
    s.Wants(story.facts.environment.variables);
  }
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "cuda-visible-devices",
    .link = Link::kVisibility,
    .effect = Effect::kBlocks,
    .title = "CUDA_VISIBLE_DEVICES hides every GPU",
    .prior = 0.05,
    .explained_by = {{{"no-nvidia-gpu"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The variable CUDA_VISIBLE_DEVICES says which GPUs a program may see. Here its value leaves none, so TensorFlow finds no GPU although everything else may be fine.

## How it is recognised

The value is read as the driver reads it: a list that ends at its first invalid entry. `-1`, an empty value, words, and numbers beyond the last GPU hide all. A UUID is known to the driver only. A GPU that is named twice (`0,0`) makes the driver refuse to start: "failed call to cuInit: CUDA_ERROR_INVALID_DEVICE".

## How it happens

A line in `~/.bashrc` or a script, a notebook server that was started with it, or a batch system that gave no GPU to this job. Where the program (`--script`) sets it itself, that is another cause: program-hides-gpu.

## What people say

"CUDA_VISIBLE_DEVICES=1 on a machine with one GPU", "-1 or empty", "Slurm, Ray or the launcher sets it", "unset it and the GPU is back", "the script of the project exports it".

## How to fix it

unset CUDA_VISIBLE_DEVICES

In a job of a batch system ask for a GPU instead (`srun --gpus=1 ...`).
)md",
};

}  // namespace tfdoctor::cuda_visible_devices
