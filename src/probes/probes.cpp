#include "probes/probes.h"

namespace tfdoctor {

namespace {

// The order of data: what a probe reads from Facts was filled by one above it.
constexpr Probe kProbesBeforeLast[] = {
    ProbeEnvironment,  ProbeProgram, ProbeHost,       ProbeHardware, ProbeKernelDriver,
    ProbeDeviceAccess, ProbePython,  ProbeTensorFlow, ProbeProject,
};
constexpr Probe kLastProbe = ProbeLibraries;

}  // namespace

Facts ProbeAll(const System& system, const Knowledge& knowledge, const Question& question) {
  Facts facts;
  for (Probe probe : kProbesBeforeLast) probe(system, knowledge, question, facts);
  kLastProbe(system, knowledge, question, facts);
  return facts;
}

Probing::Probing(const CachingSystem& machine, const Knowledge& knowledge, const Question& question)
    : machine_(machine), knowledge_(knowledge), question_(question) {
  for (Probe probe : kProbesBeforeLast) probe(machine, knowledge, question, facts_);
  before_last_ = facts_;
  asked_before_last_ = machine.asked().size();
  kLastProbe(machine, knowledge, question, facts_);
}

Facts Probing::After(const OverlaySystem& changed) const {
  if (changed.ChangesMoreThanFiles()) return ProbeAll(changed, knowledge_, question_);
  // By index: the look at each path may add to what was asked.
  for (size_t i = 0; i < asked_before_last_; i++) {
    const CachingSystem::Asked& asked = machine_.asked()[i];
    if (changed.Changes(asked.path, asked.listed)) return ProbeAll(changed, knowledge_, question_);
  }
  Facts facts = before_last_;
  kLastProbe(changed, knowledge_, question_, facts);
  return facts;
}

}  // namespace tfdoctor
