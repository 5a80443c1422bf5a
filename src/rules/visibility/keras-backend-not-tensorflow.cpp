#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"
#include "rules/program.h"

namespace tfdoctor::keras_backend_not_tensorflow {

namespace {

constexpr const char* kVariable = "KERAS_BACKEND";

// Where Keras reads its backend from, the first that says one: the variable (which the program may set),
// else keras.json. Source: keras/src/backend/config.py.
struct Backend {
  const Fact<std::string>* fact = nullptr;
  const ProgramLine* line = nullptr;  // of the program, that sets the variable
  bool in_file = false;
};

Backend FindBackend(const Facts& facts) {
  const VariableOfProgram of_program = FindVariable(facts, kVariable, ReadAt::kImport);
  if (of_program.unsure != nullptr) return {};
  if (of_program.sure != nullptr && !of_program.sure->value.Absent())
    return {&of_program.sure->value, of_program.sure};
  const auto& variable = facts.environment.Variable(kVariable);
  bool removed = of_program.sure != nullptr;
  if (!removed && variable.Unknown()) return {&variable};
  const std::string* value = variable.Get();
  if (!removed && value != nullptr && !value->empty()) return {&variable};
  return {&facts.python.keras_config, nullptr, true};
}

Fix Repair(const Backend& backend) {
  if (backend.line != nullptr) {
    return Advice("Let the program choose TensorFlow before it imports Keras: change " + Place(*backend.line),
                  {});
  }
  Fix fix;
  fix.title = "Let Keras use TensorFlow";
  fix.commands = {"export KERAS_BACKEND=tensorflow"};
  fix.changes = {SetVariable{kVariable, "tensorflow"}};
  return fix;
}

Verdict Check(const Facts& facts, const Knowledge&) {
  const auto* distributions = facts.python.distributions.Get();
  if (distributions == nullptr) return Verdict::Silent();
  auto keras = distributions->find("keras");
  if (keras == distributions->end()) return Verdict::Silent();
  // Only Keras 3 has several backends.
  const std::string* version = keras->second.version.Get();
  if (version == nullptr || MajorVersion(*version) < 3) return Verdict::Silent();
  const Backend backend = FindBackend(facts);
  if (backend.fact == nullptr) return Verdict::Silent();
  const std::string* value = backend.fact->Get();
  if (value == nullptr || value->empty() || *value == "tensorflow") return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  verdict.Because(*backend.fact, backend.in_file ? "keras.json says \"backend\": \"" + *value + "\""
                                                 : "KERAS_BACKEND=" + *value);
  const VariableOfProgram of_program = FindVariable(facts, kVariable, ReadAt::kImport);
  if (of_program.too_late != nullptr)
    verdict.Because(of_program.too_late->what,
                    "the program sets it only after the import, when it is read no more");
  return std::move(verdict.Because(keras->second.version, "Keras " + *version + " obeys it"))
      .WithReason(*value)
      .WithFix(Repair(backend));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  const std::string backend = Lower(story.Field("keras-backend", "backend"));
  if (backend == "theano" || backend == "cntk" || backend == "jax" || backend == "torch" ||
      backend == "pytorch")
    s.Proves("keras-backend");
  if (!story.other_framework) s.Proves("says-other-backend");
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "keras-backend-not-tensorflow",
    .link = Link::kVisibility,
    .effect = Effect::kProgram,
    .title = "Keras uses another backend than TensorFlow",
    .prior = 0.01,
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

Keras 3 can compute with TensorFlow, JAX or PyTorch. Here it is told to use another one, so TensorFlow's GPU is not what trains your network.

## How it is recognised

Keras 3 is installed, and the variable KERAS_BACKEND (of this shell, or set by the program before the import), else the file `~/.keras/keras.json`, names another backend.

## How it happens

The variable was set for another project, in `~/.bashrc` or by a notebook.

## What people say

"Using Theano backend", "keras.json says theano", "KERAS_BACKEND=jax or torch", "activating the environment sets KERAS_BACKEND".

## How to fix it

export KERAS_BACKEND=tensorflow

before Python starts. The variable outweighs `~/.keras/keras.json`. In a program it must be set before Keras or TensorFlow is imported.
)md",
};

}  // namespace tfdoctor::keras_backend_not_tensorflow
