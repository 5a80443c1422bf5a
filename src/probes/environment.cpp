#include "base/text.h"
#include "probes/probes.h"

namespace tfdoctor {

namespace {

// A value that does not begin with "-" names a file of flags. Source: SetArgvFromEnv in
// xla/parse_flags_from_env.cc.
Fact<std::vector<std::string>> FlagsOf(const System& system, const std::string& value, const Origin& origin) {
  auto words = [](std::string_view text) {
    const std::vector<std::string_view> split = SplitWords(text);
    return std::vector<std::string>(split.begin(), split.end());
  };
  if (Trim(value).starts_with('-')) return Fact<std::vector<std::string>>::Value(words(value), origin);
  const std::string path = value.starts_with('/') ? value : system.WorkingDirectory() + "/" + value;
  const Origin file{Witness::kMachine, path};
  auto text = system.ReadAll(path);
  if (text.ok()) return Fact<std::vector<std::string>>::Value(words(*text), file);
  if (text.error().kind == ErrorKind::kNotFound) return Fact<std::vector<std::string>>::Absent(file);
  return Fact<std::vector<std::string>>::Unknown(text.error().message, file);
}

}  // namespace

void ProbeEnvironment(const System& system, const Knowledge&, const Question& question, Facts& facts) {
  const std::string not_known = question.process.empty()
                                    ? "not recorded"
                                    : "the process has overwritten its environment, or it was not recorded";
  std::map<std::string, Fact<std::string>> variables;
  std::map<std::string, Fact<std::vector<std::string>>> flags;
  for (const std::string& name : EnvironmentNames()) {
    const Origin origin{Witness::kMachine, "environment variable " + name};
    if (!system.KnowsVariable(name)) {
      variables.emplace(name, Fact<std::string>::Unknown(not_known, origin));
      continue;
    }
    auto value = system.Env(name);
    if ((name == "XLA_FLAGS" || name == "TF_XLA_FLAGS") && value && !value->empty())
      flags.emplace(name, FlagsOf(system, *value, origin));
    variables.emplace(name, value ? Fact<std::string>::Value(std::move(*value), origin)
                                  : Fact<std::string>::Absent(origin));
  }
  facts.environment.variables = Fact<std::map<std::string, Fact<std::string>>>::Value(
      std::move(variables), {Witness::kMachine, "environment"});
  facts.environment.flags = Fact<std::map<std::string, Fact<std::vector<std::string>>>>::Value(
      std::move(flags), {Witness::kMachine, "environment"});
}

}  // namespace tfdoctor
