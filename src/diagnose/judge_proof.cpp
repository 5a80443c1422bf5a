#include "diagnose/judge_proof.h"

#include <fmt/format.h>

#include <algorithm>

namespace tfdoctor {

std::string_view Name(StepState state) {
  switch (state) {
    case StepState::kPassed:
      return "passed";
    case StepState::kFailed:
      return "failed";
    case StepState::kSkipped:
      break;
  }
  return "skipped";
}

bool Proof::AllPassed() const {
  return !steps.empty() && std::all_of(steps.begin(), steps.end(), [](const ProvedStep& step) {
    return step.state == StepState::kPassed;
  });
}

bool Proof::AnyFailed() const {
  return std::any_of(steps.begin(), steps.end(),
                     [](const ProvedStep& step) { return step.state == StepState::kFailed; });
}

bool Proof::Computed() const {
  return std::any_of(steps.begin(), steps.end(), [](const ProvedStep& step) {
    return step.state == StepState::kPassed && step.name != "devices";
  });
}

namespace {

const ProvedStep* FirstFailed(const Proof& proof) {
  for (const ProvedStep& step : proof.steps) {
    if (step.state == StepState::kFailed) return &step;
  }
  return nullptr;
}

bool Expected(const Diagnosis& diagnosis) {
  return diagnosis.verdict == VerdictKind::kGpuUsable || diagnosis.verdict == VerdictKind::kGpuDegraded;
}

bool Names(const Diagnosis& diagnosis, const Rule* rule) {
  const auto is = [&](const Finding& finding) { return finding.rule == rule; };
  return std::any_of(diagnosis.causes.begin(), diagnosis.causes.end(), is) ||
         std::any_of(diagnosis.explained.begin(), diagnosis.explained.end(), is);
}

// The links that `check` judges for good: hardware may fail at any time, and memory, execution and use show
// only in a running program.
bool JudgedBefore(Link link) { return link > Link::kHardware && link < Link::kMemory; }

// What TensorFlow printed proves that it was asked wrongly: no link of the chain need be broken.
bool AskedWrongly(const Diagnosis& diagnosis) {
  return std::any_of(diagnosis.causes.begin(), diagnosis.causes.end(), [](const Finding& finding) {
    return finding.holds && finding.effect() == Effect::kProgram;
  });
}

bool SaidByTensorFlow(const Finding& finding) {
  return std::any_of(finding.evidence.begin(), finding.evidence.end(),
                     [](const Evidence& evidence) { return evidence.witness == Witness::kLog; });
}

std::string Disagreement(const Diagnosis& predicted, const Diagnosis& diagnosis, const Proof& proof) {
  const Finding* expected = predicted.headline();
  if (predicted.verdict == VerdictKind::kGpuBlocked && expected != nullptr && expected->holds &&
      proof.Computed() && !proof.AnyFailed()) {
    return fmt::format("tfdoctor check names a cause that keeps TensorFlow off the GPU ({}), yet {} works",
                       expected->rule->id, proof.device);
  }
  const ProvedStep* failed = FirstFailed(proof);
  if (!Expected(predicted) || failed == nullptr || !failed->certain) return {};
  if (failed->name == "devices" && !AskedWrongly(diagnosis)) {
    return fmt::format("tfdoctor check finds that TensorFlow can use the GPU, yet step {} fails: {}",
                       failed->name, failed->message);
  }
  const Finding* seen = diagnosis.headline();
  if (seen != nullptr && seen->holds && seen->effect() == Effect::kBlocks && JudgedBefore(seen->rule->link) &&
      !Names(predicted, seen->rule)) {
    return fmt::format("tfdoctor check did not find what step {} shows: {}", failed->name, seen->rule->id);
  }
  return {};
}

// What `check` leaves open: only a running program shows it.
void JudgeExecution(const Proof& proof, Diagnosis& diagnosis) {
  ChainLink& execution = diagnosis.chain[static_cast<size_t>(Link::kExecution)];
  if (execution.state == LinkState::kBroken) return;
  const ProvedStep* failed = FirstFailed(proof);
  if (failed == nullptr && proof.Computed()) {
    execution.state = LinkState::kOk;
    execution.summary = "operations ran there, with right results";
  } else if (failed != nullptr && failed->certain && failed->name != "devices") {
    execution.state = LinkState::kBroken;
    execution.summary = fmt::format("step {} fails there", failed->name);
  }
}

}  // namespace

void JudgeProof(const Diagnosis& predicted, Diagnosis& diagnosis, Proof& proof) {
  // Nothing was run, or nothing on the GPU: what was expected of it stays a guess.
  if (!proof.unstarted.empty() || !proof.OnGpu()) {
    if (diagnosis.verdict == VerdictKind::kGpuBlocked) return;
    diagnosis.verdict = VerdictKind::kUnknown;
    diagnosis.confident = false;
    return;
  }
  proof.disagreement = Disagreement(predicted, diagnosis, proof);
  JudgeExecution(proof, diagnosis);
  const ProvedStep* failed = FirstFailed(proof);
  if (failed == nullptr) {
    if (!proof.Computed()) return;
    // It works: whatever was not readable did not keep it from working.
    if (diagnosis.verdict != VerdictKind::kGpuDegraded) diagnosis.verdict = VerdictKind::kGpuUsable;
    diagnosis.confident = proof.disagreement.empty();
    return;
  }
  if (diagnosis.verdict == VerdictKind::kGpuBlocked) return;
  diagnosis.verdict = failed->certain ? VerdictKind::kGpuBlocked : VerdictKind::kUnknown;
  // What only makes it slower, and of which TensorFlow said nothing, is not why it fails.
  std::stable_partition(diagnosis.causes.begin(), diagnosis.causes.end(), [](const Finding& finding) {
    return !finding.holds || finding.effect() != Effect::kDegrades || SaidByTensorFlow(finding);
  });
  const Finding* headline = diagnosis.headline();
  if (headline == nullptr || !headline->holds) diagnosis.confident = false;
}

int ExitStatus(const Proof& proof, const Diagnosis& diagnosis) {
  if (!proof.unstarted.empty()) return ExitStatus(diagnosis.verdict, false);
  return proof.AllPassed() ? 0 : 1;
}

}  // namespace tfdoctor
