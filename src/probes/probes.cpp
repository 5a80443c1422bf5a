#include "probes/probes.h"

#include "probes/history.h"

namespace tfdoctor {

namespace {

// The order of data: what a probe reads from Facts was filled by one above it.
constexpr Probe kProbesBeforeLast[] = {
    ProbeEnvironment,  ProbeProgram, ProbeHost,       ProbeHardware, ProbeKernelDriver,
    ProbeDeviceAccess, ProbePython,  ProbeTensorFlow, ProbeProject,
};
constexpr Probe kLastProbe = ProbeLibraries;  // whose facts most repairs change

}  // namespace

Facts ProbeAll(const System& system, const Knowledge& knowledge, const Question& question) {
  Facts facts;
  for (Probe probe : kProbesBeforeLast) probe(system, knowledge, question, facts);
  kLastProbe(system, knowledge, question, facts);
  ProbeNotRunning(system, knowledge, question, facts);
  ProbeProcess(system, knowledge, question, facts);
  ProbeDriver(system, knowledge, question, facts);
  ProbeTrouble(system, knowledge, question, facts);
  return facts;
}

Probing::Probing(const CachingSystem& machine, const Knowledge& knowledge, const Question& question)
    : machine_(machine), knowledge_(knowledge), question_(question) {
  for (Probe probe : kProbesBeforeLast) probe(machine, knowledge, question, facts_);
  before_last_ = facts_;
  asked_before_last_ = machine.asked().size();
  kLastProbe(machine, knowledge, question, facts_);
  ProbeNotRunning(machine, knowledge, question, facts_);
  ProbeProcess(machine, knowledge, question, facts_);
  const auto start = std::chrono::steady_clock::now();
  ProbeDriver(machine, knowledge, question, facts_);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  driver_milliseconds_ = took.count();
  ProbeTrouble(machine, knowledge, question, facts_);
}

void Probing::AddHistory() { facts_.history = ReadHistory(machine_, facts_); }

Facts Probing::After(const OverlaySystem& changed) const {
  bool all = changed.ChangesMoreThanFiles();
  // By index: the look at each path may add to what was asked.
  for (size_t i = 0; i < asked_before_last_ && !all; i++) {
    const CachingSystem::Asked& asked = machine_.asked()[i];
    all = changed.Changes(asked.path, asked.listed);
  }
  Facts facts = all ? Facts() : before_last_;
  if (all) {
    for (Probe probe : kProbesBeforeLast) probe(changed, knowledge_, question_, facts);
  }
  kLastProbe(changed, knowledge_, question_, facts);
  ProbeNotRunning(changed, knowledge_, question_, facts);
  facts.process = facts_.process;  // a repair is for the next one
  AnswersAfter(changed, facts_, facts);
  ProbeTrouble(changed, knowledge_, question_, facts);
  return facts;
}

}  // namespace tfdoctor
