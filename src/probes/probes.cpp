#include "probes/probes.h"

#include "probes/history.h"

namespace tfdoctor {

namespace {

// The order of data: what a probe reads from Facts was filled by one above it. In groups, by what they depend
// on.
constexpr Probe kOfMachine[] = {ProbeEnvironment, ProbeProgram,      ProbeHost,
                                ProbeHardware,    ProbeKernelDriver, ProbeDeviceAccess};
constexpr Probe kOfInterpreter[] = {ProbePython, ProbeTensorFlow, ProbeProject};
constexpr Probe kOfLibraries[] = {ProbeLibraries, ProbeNotRunning};  // whose facts most repairs change

}  // namespace

void ProbeMachine(const System& system, const Knowledge& knowledge, const Question& question, Facts& facts) {
  for (Probe probe : kOfMachine) probe(system, knowledge, question, facts);
}

void ProbeInterpreter(const System& system, const Knowledge& knowledge, const Question& question,
                      Facts& facts) {
  for (Probe probe : kOfInterpreter) probe(system, knowledge, question, facts);
}

void ProbeTaken(const System& system, const Knowledge& knowledge, const Question& question, Facts& facts) {
  for (Probe probe : kOfLibraries) probe(system, knowledge, question, facts);
}

Facts ProbeAll(const System& system, const Knowledge& knowledge, const Question& question) {
  Facts facts;
  ProbeMachine(system, knowledge, question, facts);
  ProbeInterpreter(system, knowledge, question, facts);
  ProbeTaken(system, knowledge, question, facts);
  ProbeProcess(system, knowledge, question, facts);
  ProbeDriver(system, knowledge, question, facts);
  ProbeTrouble(system, knowledge, question, facts);
  return facts;
}

Probing::Probing(const CachingSystem& machine, const Knowledge& knowledge, const Question& question)
    : machine_(machine), knowledge_(knowledge), question_(question) {
  ProbeMachine(machine, knowledge, question, facts_);
  ProbeInterpreter(machine, knowledge, question, facts_);
  before_last_ = facts_;
  asked_before_last_ = machine.asked().size();
  ProbeTaken(machine, knowledge, question, facts_);
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
    all = changed.Changes(std::string(asked.path), asked.listed);
  }
  Facts facts = all ? Facts() : before_last_;
  if (all) {
    ProbeMachine(changed, knowledge_, question_, facts);
    ProbeInterpreter(changed, knowledge_, question_, facts);
  }
  ProbeTaken(changed, knowledge_, question_, facts);
  facts.process = facts_.process;  // a repair is for the next one
  AnswersAfter(changed, facts_, facts);
  ProbeTrouble(changed, knowledge_, question_, facts);
  return facts;
}

}  // namespace tfdoctor
