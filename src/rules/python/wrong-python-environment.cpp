#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"

namespace tfdoctor {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  if (facts.tensorflow.folder.Present())
    return Verdict::Excluded().Because(facts.tensorflow.folder, "TensorFlow is in this environment");
  if (facts.tensorflow.folder.Unknown()) return Verdict::Silent();
  const auto* installed = facts.tensorflow.installed.Get();
  if (installed != nullptr && !installed->empty()) return Verdict::Silent();
  if (facts.python.interpreter.Absent()) return Verdict::Silent();
  const auto* elsewhere = facts.python.elsewhere.Get();
  if (elsewhere == nullptr)
    return Verdict::Open().Because(facts.tensorflow.folder, "no TensorFlow is on sys.path", Strength::kWeak);
  if (elsewhere->empty()) return Verdict::Silent();
  const std::string& other = elsewhere->front();
  Verdict verdict = Verdict::Holds();
  verdict.Because(facts.tensorflow.folder, "no TensorFlow is on this interpreter's sys.path");
  verdict.Because(facts.python.elsewhere, other + " has TensorFlow");
  if (const std::string* activated = facts.python.other_environment.Peek())
    verdict.Because(facts.python.other_environment, *activated + " is activated, but this Python is another");
  std::vector<std::string> commands;
  const auto* nearby = facts.python.nearby.Peek();
  auto details = nearby == nullptr ? decltype(nearby->end()){} : nearby->find(other);
  if (nearby != nullptr && details != nearby->end()) {
    const std::string* kind = details->second.kind.Peek();
    const std::string* tensorflow = details->second.tensorflow.Peek();
    if (kind != nullptr && tensorflow != nullptr)
      verdict.Because(details->second.tensorflow, *tensorflow + " is there (" + *kind + ")");
    if (const std::string* command = details->second.command.Peek()) commands.push_back(*command);
  } else if (size_t bin = other.rfind("/bin/"); bin != std::string::npos) {
    commands.push_back(". " + ShellQuote(other.substr(0, bin) + "/bin/activate"));
  }
  commands.push_back("tfdoctor --python " + ShellQuote(other));
  return std::move(verdict).WithFix(Advice("Run your program with the Python that has TensorFlow", commands));
}

}  // namespace

namespace rules {

extern const Rule wrong_python_environment;
constinit const Rule wrong_python_environment = {
    .id = "wrong-python-environment",
    .link = Link::kPython,
    .effect = Effect::kBlocks,
    .title = "Another Python environment has TensorFlow, not this one",
    .prior = 0.08,
    .check = Check,
    .page = R"md(## What it means

The Python that would run your program is not the one in which TensorFlow is installed. Each environment has its own packages.

## How it is recognised

This interpreter finds no TensorFlow on its `sys.path`, while another environment of yours has one: a `.venv` or `venv` folder here or above, one that Poetry, Pipenv, Hatch, conda or pyenv keeps, the interpreter that VS Code or PyCharm uses in this folder, a Jupyter kernel, or another Python on PATH.

## How it happens

The virtual environment is not activated in this shell, `pip` belongs to another Python than `python`, or an IDE or notebook starts another interpreter.

## How to fix it

Activate the environment (`. venv/bin/activate`), choose its interpreter in the IDE, and install with `python -m pip`, never with a bare `pip`.
)md",
};

}  // namespace rules

}  // namespace tfdoctor
