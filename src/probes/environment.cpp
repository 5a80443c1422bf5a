#include "probes/probes.h"

namespace tfdoctor {

void ProbeEnvironment(const System& system, const Knowledge&, const Question&, Facts& facts) {
  std::map<std::string, Fact<std::string>> variables;
  for (const std::string& name : EnvironmentNames()) {
    const Origin origin{Witness::kMachine, "environment variable " + name};
    if (!system.KnowsVariable(name)) {
      variables.emplace(name, Fact<std::string>::Unknown("not recorded", origin));
      continue;
    }
    auto value = system.Env(name);
    variables.emplace(name, value ? Fact<std::string>::Value(std::move(*value), origin)
                                  : Fact<std::string>::Absent(origin));
  }
  facts.environment.variables = Fact<std::map<std::string, Fact<std::string>>>::Value(
      std::move(variables), {Witness::kMachine, "environment"});
}

}  // namespace tfdoctor
