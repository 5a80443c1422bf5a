#include <fmt/format.h>

#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

Verdict Complain(const Fact<std::string>& fact, const char* name, const std::string& value,
                 const char* allowed, Verdict verdict) {
  verdict.Because(fact, fmt::format("{}={}; understood are {}", name, value, allowed));
  Fix fix;
  fix.title = std::string("Remove the variable ") + name;
  fix.commands = {std::string("unset ") + name};
  fix.changes = {UnsetVariable{name}};
  return std::move(verdict)
      .WithReason(name)
      .WithTitle(fmt::format("{} has a value that TensorFlow does not understand", name))
      .WithFix(std::move(fix));
}

Verdict Check(const Facts& facts, const Knowledge&) {
  if (!facts.tensorflow.folder.Present()) return Verdict::Silent();
  // Measured with 2.10, 2.15 and 2.21: "could not be parsed ... Valid values are \"true\" or \"false\"", then
  // ignored.
  const auto& growth = facts.environment.Variable("TF_FORCE_GPU_ALLOW_GROWTH");
  if (const std::string* value = growth.Get(); value != nullptr && *value != "true" && *value != "false")
    return Complain(growth, "TF_FORCE_GPU_ALLOW_GROWTH", *value, "true and false", Verdict::Holds());
  const auto& allocator = facts.environment.Variable("TF_GPU_ALLOCATOR");
  const std::string* value = allocator.Get();
  // Compared with these three words (gpu_process_state.cc); any other is ignored without a message.
  bool understood = value == nullptr || *value == "cuda_malloc" || *value == "cuda_malloc_async" ||
                    *value == "memory_guard";
  if (!understood && !value->empty())
    return Complain(allocator, "TF_GPU_ALLOCATOR", *value, "cuda_malloc_async, cuda_malloc and memory_guard",
                    Verdict::Holds());
  return Verdict::Silent();
}

void JudgeLog(Signs& s) {
  s.Proves("variable-not-parsed").Proves("allocator-unsupported");
  // What an allocator that keeps no statistics makes of a program that asks for them.
  s.Speaks("no-allocator-statistics", s.story.Stated("tf_gpu_allocator").empty() ? kWeak : kDecisive);
}

}  // namespace

namespace rules {

extern const Rule tensorflow_variable_invalid;
constinit const Rule tensorflow_variable_invalid = {
    .id = "tensorflow-variable-invalid",
    .link = Link::kVisibility,
    .effect = Effect::kDegrades,
    .title = "A TF_ variable has a value that TensorFlow does not understand",
    .prior = 0.01,
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

An environment variable that begins with TF_ has a value that TensorFlow cannot read. It ignores the setting, so the program behaves otherwise than you asked.

## How it is recognised

TF_FORCE_GPU_ALLOW_GROWTH knows exactly `true` and `false` (not `1`, not `yes`), TF_GPU_ALLOCATOR exactly `cuda_malloc_async`, `cuda_malloc` and `memory_guard`. Message of the first: "TF_FORCE_GPU_ALLOW_GROWTH environment variable is set but could not be parsed"; the second is ignored in silence.

## How it happens

Other programs accept `1` and `yes`; TensorFlow does not.

## What people say

"TF_GPU_ALLOCATOR=cuda_malloc_async fails", "TF_FORCE_GPU_ALLOW_GROWTH with a wrong value", "a TF_ variable breaks the start", "without the variable it works".

## How to fix it

export TF_FORCE_GPU_ALLOW_GROWTH=true
)md",
};

}  // namespace rules

}  // namespace tfdoctor
