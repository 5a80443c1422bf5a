#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"

namespace tfdoctor::activated_environment_not_used {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  // Without TensorFlow here it is wrong-python-environment that asks for the others.
  if (!facts.tensorflow.folder.Present()) return Verdict::Silent();
  const std::string* activated = facts.python.other_environment.Get();
  const std::string* interpreter = facts.python.interpreter.Get();
  const std::string* chosen_by = facts.python.chosen_by.Get();
  if (activated == nullptr || interpreter == nullptr || chosen_by == nullptr) return Verdict::Silent();
  // Who names an interpreter knows that it is another.
  if (!chosen_by->starts_with("PATH")) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  verdict.Because(facts.python.other_environment, *activated + " is activated")
      .Because(facts.python.interpreter, "the Python that PATH has first is " + *interpreter);
  std::string command;
  if (const auto* nearby = facts.python.nearby.Peek()) {
    for (const auto& [path, details] : *nearby) {
      if (!path.starts_with(*activated + "/")) continue;
      if (const std::string* tensorflow = details.tensorflow.Peek())
        verdict.Because(details.tensorflow, "the activated one has " + *tensorflow + " of its own");
      if (const std::string* told = details.command.Peek()) command = *told;
    }
  }
  if (command.empty()) return verdict;
  return std::move(verdict).WithFix(
      Advice("Use the Python of the activated environment, if that is the one you mean", {command}));
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "activated-environment-not-used",
    .link = Link::kPython,
    .effect = Effect::kHarmless,
    .title = "The Python that runs is not that of the activated environment",
    .prior = 0.01,
    .check = Check,
    .page = R"md(## What it means

VIRTUAL_ENV or CONDA_PREFIX says that one environment is activated, but `python` starts the interpreter of another. What is judged here is the one that starts; it has a TensorFlow, so nothing is broken. Only what you install or look for in the activated environment has no effect.

## How it is recognised

The folder that VIRTUAL_ENV (else CONDA_PREFIX) names is not the prefix of the Python that is first on PATH.

## How it happens

Something put another folder at the front of PATH after the activation (a second environment, `~/.bashrc`, pyenv, an environment module), the environment was moved, or an editor carried the variable over.

## What people say

"which python shows another path than the environment", "(venv) is in the prompt, but pip list shows other packages", "conda base is activated inside my venv".

## How to fix it

Activate the environment that you mean once more, and look at `command -v python`.
)md",
};

}  // namespace tfdoctor::activated_environment_not_used
