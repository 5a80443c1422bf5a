#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/program.h"

namespace tfdoctor::log_level_hides_messages {

namespace {

constexpr const char* kVariable = "TF_CPP_MIN_LOG_LEVEL";

// As TensorFlow reads it: the number at the start, else 0. Source: tsl/platform/default/logging.cc,
// LogLevelStrToInt.
int LevelOf(const std::string& value) {
  const std::string text(Trim(value));
  return text.empty() || text.front() < '0' || text.front() > '9' ? 0 : MajorVersion(text);
}

Verdict Check(const Facts& facts, const Knowledge&) {
  if (!facts.tensorflow.folder.Present()) return Verdict::Silent();
  for (const ValueInForce& found : ValuesInForce(facts, kVariable, ReadAt::kImport)) {
    const std::string* value = found.value->Get();
    if (value == nullptr || found.unsure != nullptr) continue;
    // 1 hides what only informs.
    const int level = LevelOf(*value);
    if (level < 2) continue;
    Verdict verdict = Verdict::Holds();
    verdict.Because(*found.value, fmt::format("{}={}", kVariable, *value));
    return std::move(verdict)
        .WithTitle(level == 2 ? "TensorFlow's warnings are hidden, among them why it skips a GPU"
                              : "TensorFlow's messages are hidden, errors too")
        .WithFix(TakeOut(found, kVariable, "Let TensorFlow say why"));
  }
  return Verdict::Silent();
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "log-level-hides-messages",
    .link = Link::kVisibility,
    .effect = Effect::kHarmless,
    .title = "TensorFlow's messages are hidden",
    .prior = 0.01,
    .check = Check,
    .page = R"md(## What it means

The variable TF_CPP_MIN_LOG_LEVEL keeps TensorFlow from printing its messages. It hides no GPU, but where one is missing the reason is hidden, too.

## How it is recognised

TF_CPP_MIN_LOG_LEVEL is 2 (no warnings: "Could not load dynamic library", "Cannot dlopen some GPU libraries") or 3 (no errors either: "failed call to cuInit"), in this shell or in a line of the program (`--script`) before TensorFlow is imported.

## How it happens

Many examples set it, so that TensorFlow is quiet.

## What people say

"TensorFlow prints nothing", "TF_CPP_MIN_LOG_LEVEL=3", "no error, and no GPU".

## How to fix it

    unset TF_CPP_MIN_LOG_LEVEL

and start the program again.
)md",
};

}  // namespace tfdoctor::log_level_hides_messages
