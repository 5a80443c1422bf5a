#include <fmt/format.h>

#include "diagnose/rule.h"
#include "facts/visible_devices.h"
#include "rules/common.h"
#include "rules/logs.h"
#include "rules/program.h"

namespace tfdoctor::cuda_device_order_invalid {

namespace {

constexpr const char* kVariable = "CUDA_DEVICE_ORDER";

std::string Given(const std::string& value) {
  return fmt::format("{}={}; the driver knows FASTEST_FIRST and PCI_BUS_ID, spelled so", kVariable, value);
}

Verdict Check(const Facts& facts, const Knowledge&) {
  if (DriverFindsGpu(facts))
    return Verdict::Excluded().Because(facts.driver_answers.count, "the driver lists a device");
  const auto& variable = facts.environment.Variable(kVariable);
  if (variable.Absent()) return Verdict::Excluded().Because(variable, "CUDA_DEVICE_ORDER is not set");
  const std::string* value = variable.Get();
  if (value == nullptr || IsDeviceOrder(*value)) return Verdict::Silent();
  // What the program sets itself is judged with the program.
  const VariableOfProgram of_program = FindVariable(facts, kVariable, ReadAt::kStart);
  if (of_program.sure != nullptr)
    return Verdict::Excluded().Because(of_program.sure->what,
                                       "the program sets or removes CUDA_DEVICE_ORDER itself");
  Verdict verdict = of_program.unsure == nullptr ? Verdict::Holds() : Verdict::Open();
  verdict.Because(variable, Given(*value));
  if (of_program.unsure != nullptr)
    verdict.Because(*of_program.unsure, "the program may set it to another value", Strength::kAgainst);
  if (VariablesHideAllFromDriver(facts))
    verdict.Because(facts.driver_answers.count_unhidden,
                    "the driver lists a device once no variable hides it");
  return std::move(verdict).WithFix(Unset(kVariable));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Speaks("cuinit-invalid-device", kStrong);
  const auto* variables = story.facts.environment.variables.Peek();
  const auto stated = variables == nullptr             ? nullptr
                      : variables->contains(kVariable) ? &variables->at(kVariable)
                                                       : nullptr;
  const std::string* value = stated == nullptr ? nullptr : stated->Peek();
  if (value == nullptr) {
    if (s.any()) s.Wants(story.facts.environment.variables);
    return;
  }
  s.StatesProof(!IsDeviceOrder(*value), kVariable, Given(*value));
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "cuda-device-order-invalid",
    .link = Link::kVisibility,
    .effect = Effect::kBlocks,
    .title = "CUDA_DEVICE_ORDER has a value with which the driver refuses to start",
    .prior = 0.01,
    .explained_by = {{{"no-nvidia-gpu"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The variable CUDA_DEVICE_ORDER says how the driver numbers the GPUs. It knows two words, FASTEST_FIRST and PCI_BUS_ID. With any other value, an empty one and one in small letters too, it does not start at all, so TensorFlow finds no GPU.

## How it is recognised

The value is compared with the two words. Message: "failed call to cuInit: CUDA_ERROR_INVALID_DEVICE: invalid device ordinal" (101), although no number of a device is wrong. A GPU that CUDA_VISIBLE_DEVICES names twice gives the same.

## How it happens

A typing error (`PCI_BUS`, `pci_bus_id`), or a script that sets the variable from another one that is empty.

## What people say

"cuInit returns 101", "invalid device ordinal although there is only one GPU", "nvidia-smi works", "without CUDA_DEVICE_ORDER it works".

## How to fix it

unset CUDA_DEVICE_ORDER

or `export CUDA_DEVICE_ORDER=PCI_BUS_ID`, which numbers the GPUs as nvidia-smi does.
)md",
};

}  // namespace tfdoctor::cuda_device_order_invalid
