#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/libraries.h"
#include "rules/logs.h"

namespace tfdoctor::cudnn_loaded_by_other_package {

namespace {

// Packages whose wheels pin one exact cuDNN. Source: METADATA of torch 2.x for Linux.
constexpr const char* kPinning = "torch";

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (!IsCudaBuild(facts)) return Verdict::Silent();
  const auto* distributions = facts.python.distributions.Get();
  if (distributions == nullptr) return Verdict::Silent();
  auto pinning = distributions->find(kPinning);
  if (pinning == distributions->end()) return Verdict::Silent();
  const Library* cudnn = FindCudnn(facts);
  if (cudnn == nullptr || !cudnn->path.Present()) return Verdict::Silent();
  const std::string* owner = cudnn->owner.Get();
  const std::string* there = cudnn->version.Get();
  const std::string* wanted = facts.tensorflow.cudnn_version.Get();
  if (owner == nullptr || there == nullptr || wanted == nullptr || !owner->starts_with("nvidia-cudnn"))
    return Verdict::Silent();
  if (CudnnFits(*there, *wanted)) return Verdict::Silent();
  Fix apart = Advice("Keep TensorFlow and PyTorch in environments of their own",
                     {Interpreter(facts) + " -m venv ~/tensorflow-gpu", ". ~/tensorflow-gpu/bin/activate"});
  const std::string* version = facts.tensorflow.version.Peek();
  std::string fitting = WorkingTensorFlow(facts, knowledge, version == nullptr ? "" : *version);
  if (!fitting.empty()) apart.commands.push_back("python -m pip install " + ShellQuote(WithCuda(fitting)));
  Fix cudnn_alone;
  cudnn_alone.title = "Or replace cuDNN here; pip will warn that PyTorch wants another";
  std::string name = RequirementName(*owner);
  std::string newer =
      NewestFitting(knowledge, name, fmt::format(">={},<{}", *wanted, MajorVersion(*wanted) + 1));
  cudnn_alone.commands = PipInstall(facts, {newer.empty() ? name + ">=" + *wanted : name + "==" + newer});
  cudnn_alone.safety = newer.empty() ? Safety::kAdvice : Safety::kConsent;
  if (!newer.empty()) cudnn_alone.changes = {InstallDistribution{SitePackages(facts), name, newer}};
  return Verdict::Holds()
      .Because(cudnn->owner,
               fmt::format("{} is loaded; TensorFlow was compiled with cuDNN {}", *owner, *wanted))
      .Because(pinning->second.version, "PyTorch is in the same environment and pins cuDNN")
      .WithReason(kPinning)
      .WithFix(std::move(cudnn_alone))
      .WithFix(std::move(apart));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Speaks("says-import-order-matters", kDecisive);
  const std::string order = story.Stated("import_order");
  const bool first = !order.empty() && order.find("tensorflow") != order.npos && order.find("tensorflow") > 0;
  const bool mismatch =
      story.SawAny({"cudnn-version-mismatch", "cudnn-handle", "dnn-not-found", "conv-algorithm"});
  if (first && mismatch) {
    s.StatesProof(true, "import_order", "another package is imported before TensorFlow: " + order);
    s.Speaks("cudnn-version-mismatch", kDecisive);
  }
  const bool torch = story.Mentions("pip_list", "torch") && story.Saw("cudnn-version-mismatch");
  s.States(torch, "pip_list", "PyTorch brings a cuDNN of its own", kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "cudnn-loaded-by-other-package",
    .link = Link::kCudaLibraries,
    .effect = Effect::kBlocks,
    .title = "Another package pins a cuDNN that does not fit this TensorFlow",
    .prior = 0.04,
    .explained_by = {{{"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow and another package (mostly PyTorch) share one cuDNN in this environment, and the other package holds it at a version that is too old for this TensorFlow.

## How it is recognised

The cuDNN that is taken belongs to the pip package `nvidia-cudnn-cu12` (or `cu11`), is older than TensorFlow was compiled with, and `torch` is installed in the same environment.

## How it happens

`pip install torch` after TensorFlow replaces cuDNN by the exact version that PyTorch pins. pip prints a warning, which is easily missed.

## What people say

"It works if I import TensorFlow first", "it fails only when torch is imported before", "order of the imports", "PyTorch and TensorFlow (or JAX) in one environment", "another package brings its own cuDNN".

## How to fix it

One environment for each of the two is the lasting way. Replacing cuDNN by a newer one of the same major version works for both in practice, though pip warns.
)md",
};

}  // namespace tfdoctor::cudnn_loaded_by_other_package
