#include "base/text.h"
#include "diagnose/rule.h"

namespace tfdoctor {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  const auto& backend = facts.environment.Variable("KERAS_BACKEND");
  const std::string* value = backend.Get();
  if (value == nullptr || value->empty() || *value == "tensorflow") return Verdict::Silent();
  const auto* distributions = facts.python.distributions.Get();
  if (distributions == nullptr) return Verdict::Silent();
  auto keras = distributions->find("keras");
  if (keras == distributions->end()) return Verdict::Silent();
  // Only Keras 3 has several backends.
  const std::string* version = keras->second.version.Get();
  if (version == nullptr || MajorVersion(*version) < 3) return Verdict::Silent();
  Fix fix;
  fix.title = "Let Keras use TensorFlow";
  fix.commands = {"export KERAS_BACKEND=tensorflow"};
  fix.changes = {SetVariable{"KERAS_BACKEND", "tensorflow"}};
  return Verdict::Holds()
      .Because(backend, "KERAS_BACKEND=" + *value)
      .Because(keras->second.version, "Keras " + *version + " obeys it")
      .WithReason(*value)
      .WithFix(std::move(fix));
}

}  // namespace

namespace rules {

extern const Rule keras_backend_not_tensorflow;
constinit const Rule keras_backend_not_tensorflow = {
    .id = "keras-backend-not-tensorflow",
    .link = Link::kVisibility,
    .effect = Effect::kProgram,
    .title = "Keras uses another backend than TensorFlow",
    .prior = 0.01,
    .check = Check,
    .page = R"md(## What it means

Keras 3 can compute with TensorFlow, JAX or PyTorch. Here it is told to use another one, so TensorFlow's GPU is not what trains your network.

## How it is recognised

The variable KERAS_BACKEND names another backend and Keras 3 is installed.

## How it happens

The variable was set for another project, in `~/.bashrc` or by a notebook.

## How to fix it

export KERAS_BACKEND=tensorflow

before Python starts. The file `~/.keras/keras.json` can hold the same setting.
)md",
};

}  // namespace rules

}  // namespace tfdoctor
