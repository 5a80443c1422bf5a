#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::wrong_python_environment {

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
  Verdict verdict = LacksTensorFlow(facts) ? Verdict::Holds() : Verdict::Open();
  verdict.Because(facts.tensorflow.folder, "no TensorFlow is on this interpreter's sys.path");
  NameWhatMayAddToSysPath(facts, verdict);
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

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.StatesProof(story.Mentions("check", "user site") || story.Mentions("tensorflow_file", "/.local/lib/"),
                "check", "the TensorFlow that is imported is another one, of the user's own site-packages");
  s.States(story.Mentions("tf_version", "imported"), "tf_version",
           "another version is imported than was installed", kDecisive);
  s.States(!story.trouble && story.Saw("says-notebook-lacks") && story.Saw("says-terminal-works"),
           "says-notebook-lacks", "the notebook does not have what the terminal has", kDecisive);
  s.States(!story.trouble && !story.container && story.Saw("says-gpu-not-used") && WorksElsewhere(story),
           "says-gpu-not-used", "the GPU is used in one place and not in another", kDecisive);
  if (s.any()) s.Speaks("says-same-environment", kAgainst);
  s.States(story.only_stated && story.Saw("says-import-fails") && story.Saw("says-imports-elsewhere"),
           "says-imports-elsewhere", "TensorFlow is imported in one place and not in another", kDecisive);
  // From WSL, a name that ends in .exe starts Windows' program, whatever environment is active.
  if (story.wsl) s.Speaks("says-windows-program", kDecisive);
  if (story.only_stated && story.Saw("says-import-fails"))
    s.Speaks("says-import-fails", kWeak).Speaks("says-notebook-kernel", kStrong);
  const std::string method = story.Stated("install_method");
  auto has = [&](std::string_view part) { return method.find(part) != method.npos; };
  s.States(has("--user") || (has("sudo pip") && has("conda")), "install_method",
           "packages were installed for several interpreters", kStrong);
  // pip and pip3, or pip and the python that was asked, are of different versions.
  const std::vector<std::string> pips = story.Fields("pip-of-python", "python");
  const bool other = pips.size() == 1 && !story.python.empty() && !story.python.starts_with(pips[0]);
  s.That(pips.size() > 1 || other,
         "pip installs for Python " + Join(pips, " and ") +
             (other ? ", the program's Python is " + story.python : std::string()),
         kDecisive);
  // On Windows python3 starts the Store's Python, whatever environment is active.
  s.States(story.windows && story.Mentions("command", "python3"), "command",
           "on Windows python3 is another interpreter than python", kDecisive);
  // IPython's traceback, whose last line is missing.
  if (story.Saw("no-module") && WorksElsewhere(story)) s.Speaks("import-line-fails", kDecisive);
  s.Speaks("no-tensorflow", story.SawAny({"conda-gpu-row", "user-site", "says-terminal-works",
                                          "says-works-elsewhere", "says-imports-elsewhere"})
                                ? kDecisive
                                : kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "wrong-python-environment",
    .link = Link::kPython,
    .effect = Effect::kBlocks,
    .title = "Another Python environment has TensorFlow, not this one",
    .prior = 0.08,
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The Python that would run your program is not the one in which TensorFlow is installed. Each environment has its own packages.

## How it is recognised

This interpreter finds no TensorFlow on its `sys.path`, while another environment of yours has one: a `.venv` or `venv` folder here or above, one that Poetry, Pipenv, Hatch, conda or pyenv keeps, the interpreter that VS Code or PyCharm uses in this folder, a Jupyter kernel, or another Python on PATH.

## How it happens

The virtual environment is not activated in this shell, `pip` belongs to another Python than `python`, or an IDE or notebook starts another interpreter.

## What people say

"It works in the terminal, in the notebook there is no module named tensorflow", "sys.executable differs", "the kernel is another Python", "pip belongs to another Python", "sudo pip, --user, conda base", "after activating the environment it works", "ipykernel install".

## How to fix it

Activate the environment (`. venv/bin/activate`), choose its interpreter in the IDE, and install with `python -m pip`, never with a bare `pip`.
)md",
};

}  // namespace tfdoctor::wrong_python_environment
