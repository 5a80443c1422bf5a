#include <fmt/format.h>

#include <optional>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"
#include "rules/program.h"

namespace tfdoctor::tensorflow_variable_invalid {

namespace {

struct Variable {
  const char* name;
  bool (*understood)(const std::string& value);
  const char* allowed;
};

constexpr Variable kVariables[] = {
    // Measured with 2.10, 2.15 and 2.21: "could not be parsed ... Valid values are \"true\" or
    // \"false\"", then ignored.
    {"TF_FORCE_GPU_ALLOW_GROWTH",
     [](const std::string& value) { return value == "true" || value == "false"; }, "true and false"},
    // Compared with these three words (gpu_process_state.cc); any other is ignored without a message.
    {"TF_GPU_ALLOCATOR",
     [](const std::string& value) {
       return value.empty() || value == "cuda_malloc" || value == "cuda_malloc_async" ||
              value == "memory_guard";
     },
     "cuda_malloc_async, cuda_malloc and memory_guard"}};

Verdict Complain(const ValueInForce& found, const Variable& variable, const std::string& value) {
  Verdict verdict = found.unsure == nullptr ? Verdict::Holds() : Verdict::Open();
  verdict.Because(*found.value,
                  fmt::format("{}={}; understood are {}", variable.name, value, variable.allowed),
                  found.unsure == nullptr ? Strength::kStrong : Strength::kWeak);
  if (found.unsure != nullptr)
    verdict.Because(*found.unsure, "the program may set it to another value", Strength::kAgainst);
  return std::move(verdict)
      .WithReason(variable.name)
      .WithTitle(fmt::format("{} has a value that TensorFlow does not understand", variable.name))
      .WithFix(TakeOut(found, variable.name));
}

// Since 2.15 tf.keras is loaded when it is first used: from tf_keras where this variable is set. Tried with
// 2.19.0, and 2.15.1 has the same code: `import tensorflow` succeeds, tf.keras.layers then ends with "Keras
// cannot be imported". Source: tensorflow/python/util/lazy_loader.py, KerasLazyLoader.
Verdict CheckLegacyKeras(const Facts& facts) {
  const ValueInForce found_value = ValuesInForce(facts, "TF_USE_LEGACY_KERAS", ReadAt::kImport).front();
  const Fact<std::string>& legacy = *found_value.value;
  if (found_value.unsure != nullptr) return Verdict::Silent();
  if (!legacy.Is("1") && !legacy.Is("true") && !legacy.Is("True")) return Verdict::Silent();
  const std::string* version = facts.tensorflow.version.Get();
  if (version == nullptr || CompareVersions(*version, "2.15") < 0) return Verdict::Silent();
  const auto* modules = facts.python.modules.Get();
  if (modules == nullptr) return Verdict::Silent();
  auto found = modules->find("tf_keras");
  if (found == modules->end() || !found->second.path.Absent() || !SysPathIsKnown(facts))
    return Verdict::Silent();
  const std::vector<std::string> parts = Split(*version, '.');
  return Verdict::Holds()
      .Because(legacy, fmt::format("TF_USE_LEGACY_KERAS={}", *legacy.Get()))
      .Because(found->second.path, "tf_keras is not installed, so that tf.keras cannot be loaded")
      .WithReason("TF_USE_LEGACY_KERAS")
      .WithTitle("TF_USE_LEGACY_KERAS asks for tf_keras, which is not installed")
      .WithExplanation(
          "`import tensorflow` works, but the first use of `tf.keras` ends with \"Keras cannot be "
          "imported\": the "
          "variable asks for Keras 2, which is a package of its own since TensorFlow 2.16.")
      .WithFix(Advice("Install Keras 2",
                      PipInstall(facts, {fmt::format("tf_keras~={}.{}.0", parts[0], parts[1])})))
      .WithFix(TakeOut(found_value, "TF_USE_LEGACY_KERAS", "Use the Keras that TensorFlow came with"));
}

Verdict Check(const Facts& facts, const Knowledge&) {
  if (!facts.tensorflow.folder.Present()) return Verdict::Silent();
  std::optional<Verdict> open;
  for (const Variable& variable : kVariables) {
    for (const ValueInForce& found : ValuesInForce(facts, variable.name, ReadAt::kStart)) {
      const std::string* value = found.value->Get();
      if (value == nullptr || variable.understood(*value)) continue;
      Verdict verdict = Complain(found, variable, *value);
      if (verdict.state == Verdict::State::kHolds) return verdict;
      if (!open) open = std::move(verdict);
    }
  }
  return open ? *std::move(open) : CheckLegacyKeras(facts);
}

void JudgeLog(Signs& s) {
  s.Proves("variable-not-parsed").Proves("allocator-unsupported");
  // The allocator of CUDA came with 2.5, and failed there for most (tensorflow/tensorflow#48545).
  s.States(s.story.From("2.5") && s.story.Before("2.6") &&
               s.story.Mentions("tf_gpu_allocator", "cuda_malloc_async"),
           "TF_GPU_ALLOCATOR", "with TensorFlow 2.5 this allocator mostly fails", kWeak);
  // What an allocator that keeps no statistics makes of a program that asks for them.
  s.Speaks("no-allocator-statistics", s.story.Stated("tf_gpu_allocator").empty() ? kWeak : kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
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

In this shell, or in a line of the program (`--script`): TF_FORCE_GPU_ALLOW_GROWTH knows exactly `true` and `false` (not `1`, not `yes`), TF_GPU_ALLOCATOR exactly `cuda_malloc_async`, `cuda_malloc` and `memory_guard`. Message of the first: "TF_FORCE_GPU_ALLOW_GROWTH environment variable is set but could not be parsed"; the second is ignored in silence.

TF_USE_LEGACY_KERAS (`1`, `true` or `True`) makes TensorFlow 2.15 and later take `tf.keras` from the package `tf_keras`. Where that is missing, `tf.keras` fails: "Your environment has TF_USE_LEGACY_KERAS set to True, but you do not have the tf_keras package installed."

## How it happens

Other programs accept `1` and `yes`; TensorFlow does not.

## What people say

"TF_GPU_ALLOCATOR=cuda_malloc_async fails", "TF_FORCE_GPU_ALLOW_GROWTH with a wrong value", "a TF_ variable breaks the start", "without the variable it works".

## How to fix it

    export TF_FORCE_GPU_ALLOW_GROWTH=true

For TF_USE_LEGACY_KERAS: `pip install tf_keras`, in the version of your TensorFlow, or unset it.
)md",
};

}  // namespace tfdoctor::tensorflow_variable_invalid
