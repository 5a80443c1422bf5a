#include <cstdlib>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::mig_single_instance_limit {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  const Fact<std::string>& variable = facts.environment.Variable("CUDA_VISIBLE_DEVICES");
  const std::string* value = variable.Get();
  if (value == nullptr) return Verdict::Silent();
  size_t instances = 0;
  for (const std::string& entry : Split(*value, ',')) {
    if (Trim(entry).starts_with("MIG-")) instances++;
  }
  if (instances < 2) return Verdict::Silent();
  return Verdict::Holds()
      .Because(variable, "CUDA_VISIBLE_DEVICES names " + std::to_string(instances) +
                             " MIG instances; a process gets the first")
      .WithFix(Advice("Run one process for each instance, each with its own CUDA_VISIBLE_DEVICES",
                      {"nvidia-smi -L"}));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  const std::string instances = story.Stated("mig_instances");
  const bool several = story.Saw("says-several-mig") || std::atoi(instances.c_str()) > 1 ||
                       story.Fields("mig-device", "ordinal").size() > 1;
  s.States(several && !story.Saw(Shows::kNoDevice), "mig",
           "a program gets one instance of MIG, however many there are", kDecisive);
  const bool slice = story.Saw("says-mig-slice") || story.gpu_name.find("MIG") != std::string::npos;
  s.States(story.Saw("says-mig") && slice && !story.Saw(Shows::kNoDevice), "gpu",
           "the GPU is a slice of another (MIG)", kDecisive);
  // The one instance that a process gets is its GPU 0.
  if (story.Saw("says-mig"))
    s.Speaks("cuda-invalid-device", kDecisive).Speaks("no-supported-device", kDecisive);
  s.That(slice && !story.Saw("says-mig"), "the GPU is a slice of another (MIG)", kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "mig-single-instance-limit",
    .link = Link::kHardware,
    .effect = Effect::kDegrades,
    .title = "A process can use one MIG instance only",
    .prior = 0.01,
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

CUDA gives a process one slice of a GPU that is cut into MIG instances, also where several are visible. More slices are no machine with several GPUs.

## How it is recognised

The GPU's name holds `MIG`, and the program sees one device whatever CUDA_VISIBLE_DEVICES lists. On a machine: the variable names several instances.

## How it happens

The administrator cut the GPU into slices so that several users can share it.

## What people say

"Only one of several MIG slices is used", "A100 in MIG mode: device count is 1", "invalid device ordinal for the second slice", "one process per MIG instance".

## How to fix it

Run one process for each instance, each with its own CUDA_VISIBLE_DEVICES (`nvidia-smi -L` prints the names), or ask for a whole GPU.
)md",
};

}  // namespace tfdoctor::mig_single_instance_limit
