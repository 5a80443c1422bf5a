// Any bytes as what a child that has TensorFlow in it wrote and printed, and as the statistics of a step:
// what is made of them can be shown.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "base/text.h"
#include "diagnose/judge_proof.h"
#include "prove/prove.h"
#include "render/json.h"
#include "render/proof.h"
#include "system/overlay.h"
#include "tensorflow/stats.h"

using namespace tfdoctor;

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

// Each child writes and prints these bytes.
class Machine : public ForwardingSystem {
 public:
  Machine(const System& below, ChildEnd end, std::string_view said)
      : ForwardingSystem(below), end_(std::move(end)), said_(said) {}
  std::vector<ChildEnd> RunChildren(const std::vector<ChildTask>& tasks, const ChildLimits&) const override {
    for (const ChildTask& task : tasks) {
      const size_t half = said_.size() / 2;  // cut somewhere, as a pipe does
      task.answered(said_.substr(0, half));
      task.printed(said_);
      task.answered(said_.substr(half));
    }
    return std::vector<ChildEnd>(tasks.size(), end_);
  }

 private:
  ChildEnd end_;
  std::string_view said_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  ChildEnd end;
  end.how = static_cast<ChildEnd::How>(data[0] % 7);
  end.number = data[0] / 7;
  const std::string_view said(reinterpret_cast<const char*>(data) + 1, size - 1);
  ReadStepStats(said);

  static const std::unique_ptr<System> kNothing = EmptySystem();
  const Machine machine(*kNothing, end, said);
  Facts facts;
  facts.tensorflow.folder = Fact<std::string>::Value("/site/tensorflow", {});
  facts.python.interpreter = Fact<std::string>::Value("/bin/python", {});
  ProveOptions options;
  options.with_python = true;
  options.steps = StepNames(true);
  Proving proving = Prove(machine, BuiltInKnowledge(), facts, options);
  Diagnosis diagnosis;
  JudgeProof(diagnosis, diagnosis, proving.proof);
  const std::string text = RenderProof(proving.proof, diagnosis, facts, {.unicode = true, .verbose = true});
  for (std::string_view line : SplitLines(text)) Require(Printable(line, line.size()) == line);
  Require(nlohmann::json::accept(RenderJson(diagnosis, &facts, {}, false, nullptr, &proving.proof)));
  return 0;
}
