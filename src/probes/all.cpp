// `check --all`: every environment of this user, and one look at the machine for all of them.
#include <algorithm>
#include <map>

#include "probes/probes.h"
#include "python/environment.h"
#include "python/interpreter.h"
#include "python/nearby.h"

namespace tfdoctor {

std::vector<ListedEnvironment> ListEnvironments(const System& system, std::vector<std::string>& unread) {
  std::vector<ListedEnvironment> listed;
  std::map<std::string, size_t> known;  // sys.prefix -> index
  std::string prefix;
  auto add = [&](const std::string& path, const std::string& kind, const std::string& command, bool chosen) {
    ListedEnvironment one{path, {kind}, command, ""};
    Result<Interpreter> interpreter = FindInterpreter(system, path);
    std::string key = path;
    if (!interpreter) {
      // Only what somebody chose is missed when it is gone.
      if (!chosen && interpreter.not_found()) return;
      one.failure = interpreter.error().message;
    } else {
      Result<PythonEnvironment> environment = PredictEnvironment(system, *interpreter, "");
      if (environment) {
        key = system.RealPath(environment->prefix).value_or(environment->prefix);
        // One prefix may have interpreters of several versions.
        key += " " + environment->version.Dotted() + environment->version.abi_suffix;
        if (prefix.empty() && path.empty()) prefix = environment->prefix;
      } else {
        one.failure = environment.error().message;
      }
      one.interpreter = interpreter->path;
    }
    auto [found, inserted] = known.emplace(key, listed.size());
    if (inserted) return listed.push_back(std::move(one));
    std::vector<std::string>& kinds = listed[found->second].kinds;
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
  };
  add("", "this shell", "", true);
  Surroundings surroundings = FindSurroundings(system, prefix);
  for (const NearbyEnvironment& one : surroundings.environments)
    add(one.interpreter, one.kind, one.command, one.chosen);
  unread = std::move(surroundings.unread);
  return listed;
}

ManyProbings::ManyProbings(const System& system, const Knowledge& knowledge, const Question& question)
    : system_(system), knowledge_(knowledge), question_(question) {
  question_.one_of_all = true;
  ProbeMachine(system_, knowledge_, question_, machine_);
}

Facts ManyProbings::Of(const std::string& interpreter) const {
  Question question = question_;
  question.python = interpreter;
  Facts facts = machine_;
  ProbeInterpreter(system_, knowledge_, question, facts);
  ProbeTaken(system_, knowledge_, question, facts);
  ProbeProcess(system_, knowledge_, question, facts);
  const std::string* cuda = facts.driver_library.cuda.path.Peek();
  const std::string* nvml = facts.driver_library.nvml.path.Peek();
  const std::string opened = (cuda == nullptr ? "" : *cuda) + "\n" + (nvml == nullptr ? "" : *nvml);
  auto known = answered_.find(opened);
  if (known == answered_.end()) {
    ProbeDriver(system_, knowledge_, question, facts);
    answered_.emplace(opened, facts);
  } else {
    facts.driver_answers = known->second.driver_answers;
    facts.device_access = known->second.device_access;
    facts.device_memory = known->second.device_memory;
    facts.gpus = known->second.gpus;
  }
  ProbeTrouble(system_, knowledge_, question, facts);
  return facts;
}

}  // namespace tfdoctor
