// The python link: which interpreter runs the program, and what its sys.path holds.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "probes/probes.h"
#include "python/distributions.h"
#include "python/environment.h"
#include "python/interpreter.h"
#include "python/modules.h"
#include "python/path.h"

namespace tfdoctor {
namespace {

constexpr size_t kMaxElsewhere = 16;  // environments that are looked into when TensorFlow is missing here
constexpr int kMaxParents = 64;

Origin From(std::string where) { return {Witness::kMachine, std::move(where)}; }

template <class T>
Fact<T> Known(T value, std::string where) {
  return Fact<T>::Value(std::move(value), From(std::move(where)));
}

using Names = std::set<std::string>;

bool HoldsOne(const Installed& installed, const Names& names) {
  return std::any_of(installed.distributions.begin(), installed.distributions.end(),
                     [&](const InstalledDistribution& found) { return names.contains(found.name); });
}

// Only of these does it matter who installed them; opening a file for each of 500 distributions would take
// longer than all the rest.
bool InstallerMatters(const std::string& name) {
  for (const char* start :
       {"tensorflow", "tf-", "nvidia-", "keras", "numpy", "protobuf", "ml-dtypes", "torch", "jax"}) {
    if (name.starts_with(start)) return true;
  }
  return false;
}

Distribution DescribeDistribution(const System& system, const InstalledDistribution& found) {
  Distribution distribution;
  distribution.folder = Known(found.folder, found.info);
  std::string version = found.version;
  if (version.empty()) {
    Result<Metadata> metadata = ReadMetadata(system, found);
    if (metadata) version = metadata->version;
  }
  distribution.version = version.empty() ? Fact<std::string>::Unknown(
                                               "neither its name nor its METADATA says it", From(found.info))
                                         : Known(version, found.info);
  if (!InstallerMatters(found.name)) {
    distribution.installer =
        Fact<std::string>::Unknown("not read, since nothing depends on it", From(found.info));
    return distribution;
  }
  Result<std::string> installer = ReadInfoFile(system, found, "INSTALLER");
  std::string where = found.info + "/INSTALLER";
  if (installer && !installer->empty()) {
    distribution.installer = Known(*installer, where);
  } else if (installer || installer.not_found()) {
    distribution.installer = Fact<std::string>::Absent(From(where));
  } else {
    distribution.installer = Fact<std::string>::Unknown(installer.error().message, From(where));
  }
  return distribution;
}

Module DescribeModule(const System& system, const PythonEnvironment& environment, const Installed& installed,
                      const std::string& name) {
  static constexpr const char* kKinds[] = {"package", "module", "namespace"};
  Module module;
  Result<FoundModule> found = FindModule(system, environment, name);
  if (found) {
    module.path = Known(found->path, found->path);
    module.kind = Known(std::string(kKinds[static_cast<size_t>(found->kind)]), found->path);
    const InstalledDistribution* owner = OwnerOf(system, installed, *found);
    module.owner =
        owner != nullptr ? Known(owner->name, owner->info) : Fact<std::string>::Absent(From(found->path));
  } else if (found.not_found()) {
    module.path = module.kind = module.owner = Fact<std::string>::Absent(From("sys.path"));
  } else {
    module.path = module.kind = module.owner =
        Fact<std::string>::Unknown(found.error().message, From("sys.path"));
  }
  return module;
}

// One folder may be reached by several paths.
bool SameFolder(const System& system, const std::string& a, const std::string& b) {
  return system.RealPath(a).value_or(NormPath(a)) == system.RealPath(b).value_or(NormPath(b));
}

Fact<std::string> OtherEnvironment(const System& system, const std::string& prefix) {
  // Of both the innermost counts: a venv that is activated inside conda's base sets VIRTUAL_ENV.
  for (const char* name : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
    std::string stated = system.Env(name).value_or("");
    if (stated.empty()) continue;
    std::string where = std::string("environment variable ") + name;
    return SameFolder(system, stated, prefix) ? Fact<std::string>::Absent(From(where)) : Known(stated, where);
  }
  return Fact<std::string>::Absent(From("environment variables VIRTUAL_ENV and CONDA_PREFIX"));
}

// Interpreters near at hand: environments of the working folder and its parents, then others on PATH.
std::vector<std::string> NearbyInterpreters(const System& system) {
  std::vector<std::string> paths;
  std::string folder = system.WorkingDirectory();
  for (int i = 0; i < kMaxParents; ++i) {
    for (const char* name : {".venv", "venv", "env"}) {
      std::string environment = JoinPath(folder, name);
      if (system.Exists(environment + "/pyvenv.cfg")) paths.push_back(environment + "/bin/python");
    }
    if (folder.empty() || folder == "/") break;
    folder = DirName(folder);
  }
  for (const std::string& entry : Split(system.Env("PATH").value_or(""), ':')) {
    if (!entry.starts_with('/')) continue;
    std::vector<std::string> names = {"python", "python3"};
    for (int minor = 6; minor <= 15; ++minor) names.push_back("python3." + std::to_string(minor));
    for (const std::string& name : names) {
      if (system.Exists(JoinPath(entry, name))) paths.push_back(JoinPath(entry, name));
    }
  }
  return paths;
}

std::vector<std::string> FindElsewhere(const System& system, const std::string& prefix,
                                       const Names& tensorflow) {
  std::vector<std::string> found;
  std::set<std::string> seen = {system.RealPath(prefix).value_or(prefix)};
  for (const std::string& path : NearbyInterpreters(system)) {
    if (seen.size() > kMaxElsewhere) break;
    Result<Interpreter> interpreter = FindInterpreter(system, path);
    if (!interpreter) continue;
    Result<PythonEnvironment> environment = PredictEnvironment(system, *interpreter, "");
    if (!environment ||
        !seen.insert(system.RealPath(environment->prefix).value_or(environment->prefix)).second) {
      continue;
    }
    if (HoldsOne(ListDistributions(system, environment->site_folders), tensorflow))
      found.push_back(interpreter->path);
  }
  return found;
}

// The backend that keras.json names. Source: keras/src/backend/config.py, which passes over a file that is no
// JSON.
Fact<std::string> KerasConfig(const System& system) {
  std::string folder = system.Env("KERAS_HOME").value_or("");
  if (folder.empty()) {
    std::string home = system.Env("HOME").value_or("");
    if (home.empty()) return Fact<std::string>::Absent(From("HOME is not set"));
    bool writable = system.MayAccess(home, Access::kWrite).value_or(false);
    folder = (writable ? home : "/tmp") + "/.keras";
  }
  std::string file = folder + "/keras.json";
  Result<std::string> text = system.ReadAll(file, 1 << 16);
  if (text.not_found()) return Fact<std::string>::Absent(From(file));
  if (!text) return Fact<std::string>::Unknown(text.error().message, From(file));
  nlohmann::json json = nlohmann::json::parse(*text, nullptr, false);
  if (!json.is_object()) return Fact<std::string>::Absent(From(file));
  auto backend = json.find("backend");
  if (backend == json.end() || !backend->is_string()) return Fact<std::string>::Absent(From(file));
  return Known(backend->get<std::string>(), file);
}

void SetUnknown(Python& python, const std::string& why, const std::string& where) {
  auto set = [&](auto& fact) {
    using F = std::decay_t<decltype(fact)>;
    if (fact.state() == FactState::kUnknown) fact = F::Unknown(why, From(where));
  };
  Python::Describe(python, [&](const char*, auto& fact, const char*) { set(fact); });
}

}  // namespace

void ProbePython(const System& system, const Knowledge& knowledge, const Question& question, Facts& facts) {
  Python& python = facts.python;
  std::string asked = question.python.empty() ? "PATH" : "--python";
  Result<Interpreter> interpreter = FindInterpreter(system, question.python);
  if (!interpreter) {
    if (interpreter.not_found()) {
      python.interpreter = python.executable = Fact<std::string>::Absent(From(interpreter.error().message));
    }
    SetUnknown(python, interpreter.error().message, asked);
    return;
  }
  python.interpreter = Known(interpreter->typed, asked);
  python.executable = Known(interpreter->real, interpreter->path);
  python.chosen_by = Known(interpreter->chosen_by, asked);
  if (Result<PythonVersion> version = InterpreterVersion(system, *interpreter)) {
    python.version = Known(version->text, version->from);
  }

  Result<PythonEnvironment> environment = PredictEnvironment(system, *interpreter, question.script);
  if (!environment) {
    SetUnknown(python, environment.error().message, interpreter->path);
    return;
  }
  std::string where = environment->prefix;
  python.version = Known(environment->version.text, environment->version.from);
  python.prefix = Known(environment->prefix, interpreter->path);
  python.base_prefix = Known(environment->base_prefix, environment->stdlib);
  python.environment = Known(environment->kind, where);
  python.other_environment = OtherEnvironment(system, environment->prefix);
  python.sys_path = Known(environment->sys_path, interpreter->path);

  Installed installed = ListDistributions(system, environment->sys_path);
  std::map<std::string, Distribution> distributions;
  for (const InstalledDistribution& found : installed.distributions) {
    distributions.emplace(found.name, DescribeDistribution(system, found));
  }
  python.distributions = Known(std::move(distributions), where);

  std::vector<std::string> unread = environment->unread;
  unread.insert(unread.end(), installed.unread.begin(), installed.unread.end());
  python.unread = Known(std::move(unread), where);

  std::map<std::string, Module> modules;
  for (const char* name : {"tensorflow", "keras", "numpy", "google.protobuf", "ml_dtypes"}) {
    modules.emplace(name, DescribeModule(system, *environment, installed, name));
  }
  python.modules = Known(std::move(modules), where);

  python.leftovers = Known(installed.leftovers, where);
  python.keras_config = KerasConfig(system);
  python.conda = Fact<std::map<std::string, CondaPackage>>::Absent(From(where));

  std::vector<std::string> known_names = knowledge.TensorFlowDistributions();
  Names tensorflow(known_names.begin(), known_names.end());
  python.elsewhere =
      HoldsOne(installed, tensorflow)
          ? Fact<std::vector<std::string>>::Unknown("not looked for, since this Python has TensorFlow",
                                                    From(where))
          : Known(FindElsewhere(system, environment->prefix, tensorflow), "folders nearby and PATH");
}

}  // namespace tfdoctor
