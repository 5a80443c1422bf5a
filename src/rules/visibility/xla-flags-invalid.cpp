#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

constexpr const char* kVariables[] = {"XLA_FLAGS", "TF_XLA_FLAGS"};

// The word that stops the program; empty: none that can be told without the program. A value that does not
// begin with
// "-" names a file of flags. Source: xla/parse_flags_from_env.cc.
std::string BadWord(std::string_view name, const std::string& value) {
  if (!Trim(value).starts_with('-') || value.find_first_of("'\"") != std::string::npos) return {};
  for (std::string_view word : SplitWords(value)) {
    bool others = name == "XLA_FLAGS" ? word.starts_with("--tf_xla_") : word.starts_with("--xla_gpu_");
    if (!word.starts_with("--") || others) return std::string(word);
  }
  return {};
}

Verdict Check(const Facts& facts, const Knowledge&) {
  if (!facts.tensorflow.folder.Present()) return Verdict::Silent();
  for (const char* name : kVariables) {
    const auto& variable = facts.environment.Variable(name);
    const std::string* value = variable.Get();
    if (value == nullptr) continue;
    std::string word = BadWord(name, *value);
    if (word.empty()) continue;
    Fix fix;
    fix.title = std::string("Remove the variable ") + name;
    fix.commands = {std::string("unset ") + name};
    fix.changes = {UnsetVariable{name}};
    return Verdict::Open()
        .Because(variable, fmt::format("{}={}: \"{}\" is not a flag of it", name, *value, word))
        .WithFix(std::move(fix));
  }
  return Verdict::Silent();
}

void JudgeLog(Signs& s) { s.Proves("xla-flags-unknown").Proves("xla-flag-value"); }

}  // namespace

namespace rules {

extern const Rule xla_flags_invalid;
constinit const Rule xla_flags_invalid = {
    .id = "xla-flags-invalid",
    .link = Link::kVisibility,
    .effect = Effect::kBlocks,
    .title = "XLA_FLAGS holds something that is not a flag",
    .prior = 0.02,
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

XLA reads its settings from XLA_FLAGS (and TF_XLA_FLAGS). A word that it does not know stops the program at the first use of the compiler.

## How it is recognised

A word of the value does not begin with `--`, or is a flag of the other variable. Which flags a release knows cannot be told from outside, so the cause stays open. Message: "Unknown flag in XLA_FLAGS".

## How it happens

A blank inside a path, a missing `--`, or a flag that was copied from instructions for another release.

## How to fix it

unset XLA_FLAGS TF_XLA_FLAGS

and set them again one by one.
)md",
};

}  // namespace rules

}  // namespace tfdoctor
