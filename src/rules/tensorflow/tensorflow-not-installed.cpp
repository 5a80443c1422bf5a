#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"
#include "rules/repair.h"

namespace tfdoctor::tensorflow_not_installed {

namespace {

Fix InstallHere(const Facts& facts, const Knowledge& knowledge) {
  const std::string* machine = facts.host.machine.Peek();
  if (machine != nullptr && *machine != "x86_64") return InstallOnArm(facts, knowledge);
  return InstallFitting(facts, knowledge, {});
}

// What is left of a TensorFlow that was here: pip renames what it removes, and Python imports a folder
// without
// __init__.py as an empty package. Worth a word, but no judgement.
void AddRemains(const Facts& facts, Verdict& verdict) {
  if (const auto* leftovers = facts.python.leftovers.Peek()) {
    for (const std::string& path : *leftovers) {
      if (path.find("/~ensorflow") == std::string::npos) continue;
      verdict.Because(facts.python.leftovers, path + " is left of an installation that was interrupted",
                      Strength::kWeak);
      break;
    }
  }
  const auto* modules = facts.python.modules.Peek();
  if (modules == nullptr) return;
  auto module = modules->find("tensorflow");
  if (module == modules->end()) return;
  const std::string* kind = module->second.kind.Peek();
  const std::string* path = module->second.path.Peek();
  if (kind == nullptr || path == nullptr || *kind != "namespace") return;
  verdict.Because(module->second.path,
                  *path + " has no __init__.py: the remains of a TensorFlow, imported as an empty package",
                  Strength::kWeak);
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  const TensorFlow& tensorflow = facts.tensorflow;
  if (tensorflow.folder.Present())
    return Verdict::Excluded().Because(tensorflow.folder, "TensorFlow is there");
  if (tensorflow.folder.Unknown()) return Verdict::Silent();
  const auto* installed = tensorflow.installed.Get();
  if (installed != nullptr && !installed->empty()) return Verdict::Silent();
  // No Python at all: there is no other environment to ask for either.
  if (facts.python.interpreter.Absent()) {
    const std::string& why = facts.python.interpreter.origin().from;
    if (why.find(" is a broken link") != std::string::npos) {
      return Verdict::Holds()
          .Because(facts.python.interpreter, "the interpreter of this environment is gone")
          .WithTitle("The Python of this environment is gone")
          .WithExplanation(
              "The environment's `python` is a link to an interpreter that was removed or replaced, so "
              "nothing "
              "that is installed in the environment can run. Make the environment again with a Python that "
              "is "
              "there.")
          .WithFix(Advice("Make the environment again: what is installed in it must be installed anew",
                          {"python3 -m venv --clear FOLDER_OF_THE_ENVIRONMENT"}));
    }
    return Verdict::Holds()
        .Because(facts.python.interpreter, "no Python interpreter is found")
        .WithTitle("No Python is found in which TensorFlow could be installed")
        .WithFix(InstallHere(facts, knowledge));
  }
  const auto* elsewhere = facts.python.elsewhere.Get();
  if (elsewhere != nullptr && !elsewhere->empty()) return Verdict::Silent();
  bool sure = elsewhere != nullptr;
  Verdict verdict = LacksTensorFlow(facts) ? Verdict::Holds() : Verdict::Open();
  verdict.Because(tensorflow.folder, "no TensorFlow is on sys.path",
                  sure ? Strength::kStrong : Strength::kWeak);
  NameWhatMayAddToSysPath(facts, verdict);
  AddRemains(facts, verdict);
  return std::move(verdict).WithFix(InstallHere(facts, knowledge));
}

void JudgeLog(Signs& s) {
  s.Speaks("no-tensorflow", kStrong);
  if (s.story.only_stated) s.Speaks("says-import-fails", kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "tensorflow-not-installed",
    .link = Link::kTensorFlow,
    .effect = Effect::kBlocks,
    .title = "TensorFlow is not installed in this Python environment",
    .prior = 0.06,
    .explained_by = {{{"wrong-python-environment"},
                      {"module-shadowed"},
                      {"tensorflow-gpu-stub"},
                      {"no-wheel-for-python"},
                      {"pip-extra-unresolvable"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The Python that would run your program has no TensorFlow at all, and no other environment nearby has one either.

## How it is recognised

No folder on this interpreter's `sys.path` holds a TensorFlow package.

## How it happens

TensorFlow was never installed here, its installation failed (look at pip's last lines), or the environment was made anew.

## What people say

"No module named tensorflow", "I did not install it", "the package does not list it as a requirement".

## How to fix it

Install it in the environment in which your program runs:

    python -m pip install 'tensorflow[and-cuda]'
)md",
};

}  // namespace tfdoctor::tensorflow_not_installed
