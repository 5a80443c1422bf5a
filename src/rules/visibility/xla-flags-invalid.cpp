#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"
#include "rules/program.h"

namespace tfdoctor::xla_flags_invalid {

namespace {

// What is wrong with a word that stops the program; empty: nothing that can be told without the program,
// which takes quotes off.
std::string Wrong(std::string_view name, const std::vector<std::string>& words, const std::string& release,
                  const Knowledge& knowledge) {
  for (const std::string& word : words) {
    if (word.find_first_of("'\"") != std::string::npos) return {};
    // XLA's own flags all begin with xla_.
    const bool others = name == "XLA_FLAGS" ? !word.starts_with("--xla_") : word.starts_with("--xla_gpu_");
    if (!word.starts_with("--") || others) return fmt::format("\"{}\" is not a flag of {}", word, name);
    const std::string_view flag = std::string_view(word).substr(2, word.find('=') - 2);
    if (!knowledge.KnowsXlaFlag(release, flag).value_or(true))
      return fmt::format("the XLA of TensorFlow {} knows no flag --{}", release, flag);
  }
  return {};
}

Verdict Says(const FactBase& fact, std::string what, const ValueInForce& found) {
  if (found.unsure == nullptr) return Verdict::Open().Because(fact, std::move(what));
  return Verdict::Open()
      .Because(fact, std::move(what), Strength::kWeak)
      .Because(*found.unsure, "the program may set it to another value", Strength::kAgainst);
}

// Of a line of the program; a value that names a file is not looked into.
std::optional<Verdict> OfProgram(const ValueInForce& found, const char* name, const std::string& release,
                                 const Knowledge& knowledge) {
  const std::string* value = found.line == nullptr ? nullptr : found.value->Get();
  if (value == nullptr || !Trim(*value).starts_with('-')) return std::nullopt;
  const std::vector<std::string_view> views = SplitWords(*value);
  const std::string wrong = Wrong(name, {views.begin(), views.end()}, release, knowledge);
  if (wrong.empty()) return std::nullopt;
  Verdict verdict = Says(*found.value, wrong, found);
  return std::move(verdict).WithEffect(Effect::kProgram).WithFix(TakeOut(found, name));
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (!facts.tensorflow.folder.Present()) return Verdict::Silent();
  const std::string* version = facts.tensorflow.version.Get();
  const std::string release = version == nullptr ? std::string() : *version;
  const auto* flags = facts.environment.flags.Get();
  std::optional<Verdict> program;  // said where the shell has nothing worse
  for (const char* name : {"TF_XLA_FLAGS", "XLA_FLAGS"}) {
    for (const ValueInForce& found : ValuesInForce(facts, name, ReadAt::kUse)) {
      if (std::optional<Verdict> verdict = OfProgram(found, name, release, knowledge); verdict && !program)
        program = std::move(verdict);
      if (found.line != nullptr || flags == nullptr || !flags->contains(name)) continue;
      const auto& words = flags->at(name);
      const auto* known = words.Get();
      const std::string wrong = known == nullptr ? std::string() : Wrong(name, *known, release, knowledge);
      if (wrong.empty() && !words.Absent()) continue;
      // Open: a program that never compiles with XLA does not read it.
      return Says(words,
                  words.Absent()
                      ? fmt::format("{} does not begin with \"-\", so it names a file of flags, and "
                                    "there is no such file",
                                    name)
                      : wrong,
                  found)
          .WithFix(Unset(name));
    }
  }
  // Where the shell is known, what is not is the program's doing.
  const bool shell_known =
      flags != nullptr && (flags->empty() || version != nullptr) &&
      std::none_of(flags->begin(), flags->end(), [](const auto& flag) { return flag.second.Unknown(); });
  if (program) {
    if (!shell_known) program->effect.reset();
    return *std::move(program);
  }
  return shell_known ? Verdict::Silent().WithEffect(Effect::kProgram) : Verdict::Silent();
}

// What a command or a line of code sets a variable to: XLA_FLAGS="--…" python, os.environ["XLA_FLAGS"] =
// "--…", setdefault('XLA_FLAGS', '--…'). Without the quotes; empty: it does not.
std::string SetTo(const std::string& text, const std::string& name) {
  for (size_t at = text.find(name); at != text.npos; at = text.find(name, at + 1)) {
    // TF_XLA_FLAGS holds XLA_FLAGS.
    if (at > 0 && (text[at - 1] == '_' || std::isalnum(static_cast<unsigned char>(text[at - 1])) != 0))
      continue;
    size_t end = at + name.size();
    const size_t value = text.find_first_not_of("\"'] +=,", end);
    if (value == text.npos || text.substr(end, value - end).find_first_of("=,") == std::string::npos)
      continue;
    // environ.get("XLA_FLAGS", "") sets nothing.
    if (text.compare(value, 2, "--") != 0 && text.compare(value, 4, "xla_") != 0) continue;
    const char quote = text[value - 1];
    end = quote == '"' || quote == '\'' ? text.find(quote, value) : text.find_first_of(" \n", value);
    return text.substr(value, end == text.npos ? end : end - value);
  }
  return {};
}

void JudgeLog(Signs& s) {
  s.Proves("xla-flags-unknown").Proves("xla-flag-value");
  for (const char* name : {"XLA_FLAGS", "TF_XLA_FLAGS"}) {
    std::string value = s.story.Stated(Lower(name));
    for (const char* key : {"code", "command", "script", "environment"}) {
      if (value.empty()) value = SetTo(s.story.StatedLike(key), Lower(name));
    }
    const std::vector<std::string_view> views = SplitWords(value);
    const std::string wrong =
        Wrong(name, {views.begin(), views.end()}, s.story.tensorflow, s.story.knowledge);
    s.States(!wrong.empty(), name, wrong, kDecisive);
  }
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "xla-flags-invalid",
    .link = Link::kVisibility,
    .effect = Effect::kBlocks,
    .title = "XLA_FLAGS holds something that XLA does not know",
    .prior = 0.02,
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

XLA reads its settings from XLA_FLAGS (and TF_XLA_FLAGS). A word that it does not know stops the program at the first use of the compiler.

## How it is recognised

A word of the value does not begin with `--`, is a flag of the other variable, or is a flag whose name the library of this release does not hold (`tfdoctor` has the names of the releases from 2.10 on); or the value does not begin with `-` at all, so that XLA takes it for the name of a file of flags, and there is no such file. The program itself may set the variable, too (`--script`). A program that never compiles with XLA does not notice, so the cause stays open. Message: "Unknown flags in XLA_FLAGS".

## How it happens

A blank inside a path, a missing `--`, a slip of the pen, or a flag that was copied from instructions for another release or for JAX.

## What people say

"Unknown flags in XLA_FLAGS", "a flag from another release or from JAX", "the process crashes since I set TF_XLA_FLAGS", "without -- or with a blank".

## How to fix it

unset XLA_FLAGS TF_XLA_FLAGS

and set them again one by one.
)md",
};

}  // namespace tfdoctor::xla_flags_invalid
