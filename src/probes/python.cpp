// The python link: which interpreter runs the program, and what its sys.path holds.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "probes/found.h"
#include "probes/probes.h"
#include "python/distributions.h"
#include "python/environment.h"
#include "python/interpreter.h"
#include "python/modules.h"
#include "python/nearby.h"
#include "python/path.h"

namespace tfdoctor {
namespace {

constexpr size_t kMaxElsewhere = 100;  // environments that are looked into when TensorFlow is missing here

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

Module DescribeModule(const System& system, const Installed& installed, const Result<FoundModule>& found) {
  static constexpr const char* kKinds[] = {"package", "module", "namespace"};
  Module module;
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

// The folders of sys.path that come before the one with this module; all of them if it is in none.
std::set<std::string> FoldersBefore(const System& system, const std::vector<std::string>& sys_path,
                                    const Result<FoundModule>& module) {
  std::set<std::string> before;
  const std::string own = module ? DirName(module->path) : "";
  for (const std::string& entry : sys_path) {
    std::string folder = AbsPath(entry, system.WorkingDirectory());
    if (folder == own) break;
    before.insert(std::move(folder));
  }
  return before;
}

// What may change where the imports end: unknown, with the first reason, if anything was not understood; else
// what Python itself passes over.
Fact<std::vector<std::string>> Unread(const std::vector<std::string>& doubts,
                                      std::vector<std::string> passed_over, const std::string& where) {
  if (doubts.empty()) return Known(std::move(passed_over), where);
  std::string why = doubts.front();
  if (doubts.size() > 1) why += " (and " + std::to_string(doubts.size() - 1) + " more of the kind)";
  return Fact<std::vector<std::string>>::Unknown(why, From(where));
}

// One folder may be reached by several paths.
bool SameFolder(const System& system, const std::string& a, const std::string& b) {
  return system.RealPath(a).value_or(NormPath(a)) == system.RealPath(b).value_or(NormPath(b));
}

// Whether a variable is set on which the fact depends.
Fact<std::string> NotKnown(const std::string& variable) {
  const std::string where = "environment variable " + variable;
  return Fact<std::string>::Unknown("the " + where + " is not known", From(where));
}

Fact<std::string> OtherEnvironment(const System& system, const std::string& prefix) {
  // Of both the innermost counts: a venv that is activated inside conda's base sets VIRTUAL_ENV.
  for (const char* name : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
    if (!system.KnowsVariable(name)) return NotKnown(name);
    std::string stated = system.Env(name).value_or("");
    if (stated.empty()) continue;
    std::string where = std::string("environment variable ") + name;
    return SameFolder(system, stated, prefix) ? Fact<std::string>::Absent(From(where)) : Known(stated, where);
  }
  return Fact<std::string>::Absent(From("environment variables VIRTUAL_ENV and CONDA_PREFIX"));
}

struct Elsewhere {
  std::vector<std::string> interpreters;  // with TensorFlow, the nearest first
  std::map<std::string, NearbyPython> details;
  std::map<std::string, std::string> others;
};

// `only`: the environment in this folder alone; empty: all.
Elsewhere FindElsewhere(const System& system, const PythonEnvironment& own, const Names& tensorflow,
                        const std::string& only) {
  Elsewhere found;
  // One prefix may have several Pythons: /usr/bin/python3.11 and python3.12.
  const auto key = [&](const PythonEnvironment& environment) {
    return system.RealPath(environment.prefix).value_or(environment.prefix) + " " +
           environment.version.Dotted();
  };
  std::set<std::string> seen = {key(own)};
  for (const NearbyEnvironment& nearby : FindSurroundings(system, own.prefix).environments) {
    if (seen.size() > kMaxElsewhere) break;
    if (!only.empty() && !nearby.interpreter.starts_with(only + "/")) continue;
    Result<Interpreter> interpreter = FindInterpreter(system, nearby.interpreter);
    if (!interpreter) continue;
    Result<PythonEnvironment> environment = PredictEnvironment(system, *interpreter, "");
    if (!environment || !seen.insert(key(*environment)).second) continue;
    const bool base = environment->prefix == environment->base_prefix;
    if (base && MakesEnvironments(system, *environment).value_or(false))
      found.others.emplace(interpreter->path, environment->version.text);
    const Installed installed = ListDistributions(system, environment->site_folders);
    for (const InstalledDistribution& distribution : installed.distributions) {
      if (!tensorflow.contains(distribution.name)) continue;
      NearbyPython details;
      details.kind = Known(nearby.kind, nearby.interpreter);
      details.tensorflow = Known(distribution.name + " " + distribution.version, distribution.info);
      details.command = Known(nearby.command, nearby.interpreter);
      found.interpreters.push_back(interpreter->path);
      found.details.emplace(interpreter->path, std::move(details));
      break;
    }
  }
  return found;
}

// "https://conda.anaconda.org/conda-forge/linux-64" -> "conda-forge", "https://repo.anaconda.com/pkgs/main/…"
// -> "pkgs/main"
std::string ChannelName(std::string_view url) {
  for (std::string_view start : {"https://conda.anaconda.org/", "https://repo.anaconda.com/"}) {
    if (!url.starts_with(start)) continue;
    url.remove_prefix(start.size());
    for (std::string_view end : {"/linux-64", "/linux-aarch64", "/noarch"}) {
      if (url.ends_with(end)) url.remove_suffix(end.size());
    }
  }
  return std::string(url);
}

// What TensorFlow is, or is linked with, in a conda environment, from the names in conda-meta and the head of
// these few files.
Fact<std::map<std::string, CondaPackage>> CondaPackages(const System& system,
                                                        const PythonEnvironment& environment) {
  using Packages = Fact<std::map<std::string, CondaPackage>>;
  std::string folder = environment.prefix + "/conda-meta";
  if (environment.kind != "conda") return Packages::Absent(From(environment.prefix));
  Result<std::vector<DirEntry>> entries = system.List(folder);
  if (!entries) return Packages::Unknown(entries.error().message, From(folder));
  static const Names kNames = {"tensorflow",
                               "tensorflow-base",
                               "tensorflow-gpu",
                               "tensorflow-cpu",
                               "tensorflow-eigen",
                               "tensorflow-mkl",
                               "snappy",
                               "libprotobuf",
                               "libabseil",
                               "abseil-cpp",
                               "libgrpc",
                               "grpc-cpp",
                               "re2",
                               "double-conversion",
                               "flatbuffers",
                               "libtensorflow_framework",
                               "libtensorflow_cc"};
  std::map<std::string, CondaPackage> packages;
  for (const DirEntry& entry : *entries) {
    if (!entry.name.ends_with(".json")) continue;
    std::string name = entry.name.substr(0, entry.name.size() - 5);
    size_t build = name.rfind('-');
    size_t version = build == std::string::npos || build == 0 ? build : name.rfind('-', build - 1);
    if (version == std::string::npos || build == 0 || !kNames.contains(name.substr(0, version))) continue;
    std::string file = folder + "/" + entry.name;
    CondaPackage package;
    package.version = Known(name.substr(version + 1, build - version - 1), file);
    package.build = Known(name.substr(build + 1), file);
    package.channel = Fact<std::string>::Unknown("its file does not say it", From(file));
    Result<std::string> head = system.Read(file, 0, 1 << 16);
    constexpr std::string_view kKey = "\"channel\": \"";
    size_t at = head ? head->find(kKey) : std::string::npos;
    if (!head) {
      package.channel = Fact<std::string>::Unknown(head.error().message, From(file));
    } else if (at != std::string::npos) {
      std::string_view rest = std::string_view(*head).substr(at + kKey.size());
      package.channel = Known(ChannelName(rest.substr(0, rest.find('"'))), file);
    }
    packages.emplace(name.substr(0, version), std::move(package));
  }
  return Known(std::move(packages), folder);
}

// The backend that keras.json names. Source: keras/src/backend/config.py, which passes over a file that is no
// JSON.
Fact<std::string> KerasConfig(const System& system) {
  if (!system.KnowsVariable("KERAS_HOME")) return NotKnown("KERAS_HOME");
  std::string folder = system.Env("KERAS_HOME").value_or("");
  if (folder.empty()) {
    if (!system.KnowsVariable("HOME")) return NotKnown("HOME");
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

// The folder on sys.path that a running process has TensorFlow of; empty: it has mapped none that is still
// there, or several.
std::string FolderOfMappedTensorFlow(const System& system) {
  constexpr std::string_view kLibrary = "/tensorflow/libtensorflow_framework.so";
  std::set<std::string> folders;
  for (const std::string& file : system.MappedFiles().value_or({})) {
    const size_t at = file.rfind(kLibrary);
    if (at != std::string::npos && at > 0 && !file.ends_with(" (deleted)"))
      folders.insert(file.substr(0, at));
  }
  return folders.size() == 1 ? *folders.begin() : "";
}

// What a process has imported outweighs what is predicted: where it has TensorFlow from another folder than a
// new one would, something put that folder before the others while it ran.
void TakeMapped(const System& system, const std::string& pid, PythonEnvironment& environment, Facts& facts) {
  const std::string mapped = FolderOfMappedTensorFlow(system);
  if (mapped.empty()) return;
  const Result<FoundModule> found = FindModule(system, environment, "tensorflow");
  const std::string predicted = found ? found->path : "";
  const std::string file = mapped + "/tensorflow/__init__.py";
  if (!predicted.empty() &&
      system.RealPath(predicted + "/__init__.py").value_or("") == system.RealPath(file).value_or(file))
    return;
  environment.sys_path.insert(environment.sys_path.begin(), mapped);
  const Origin origin{Witness::kProcess, "mapped by process " + pid};
  facts.python.sys_path = Fact<std::vector<std::string>>::Value(environment.sys_path, origin);
  facts.process.differences = Fact<std::vector<std::string>>::Value(
      {fmt::format("TensorFlow: it has mapped that of {}; a new process would {}", mapped,
                   found               ? "import " + predicted
                   : found.not_found() ? "find none"
                                       : "perhaps find another (" + found.error().message + ")")},
      origin);
}

}  // namespace

void ProbePython(const System& system, const Knowledge& knowledge, const Question& question, Facts& facts) {
  Python& python = facts.python;
  if (question.python.empty() && !question.process.empty()) {
    SetUnknown(python,
               "the process no longer shows which Python it was started with (it has set a title, or changed "
               "its working folder); name it with --python",
               "/proc/" + question.process);
    return;
  }
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

  Result<PythonEnvironment> environment =
      PredictEnvironment(system, *interpreter, question.script, question.python_flags);
  if (!environment) {
    if (environment.not_found())
      python.base_prefix = Fact<std::string>::Absent(From("environment variable PYTHONHOME"));
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
  if (!question.process.empty()) TakeMapped(system, question.process, *environment, facts);

  Installed installed = ListDistributions(system, environment->sys_path);
  std::map<std::string, Distribution> distributions;
  for (const InstalledDistribution& found : installed.distributions) {
    distributions.emplace(found.name, DescribeDistribution(system, found));
  }
  python.distributions = Known(std::move(distributions), where);

  if (Result<bool> makes = MakesEnvironments(system, *environment)) {
    python.makes_environments = Known(*makes, where);
  } else {
    python.makes_environments = Fact<bool>::Unknown(makes.error().message, From(where));
  }

  std::map<std::string, Module> modules;
  std::vector<std::string> doubts = environment->unread;
  for (const char* name :
       {"tensorflow", "keras", "numpy", "google", "google.protobuf", "ml_dtypes", "tf_keras"}) {
    const Result<FoundModule> found = FindModule(system, *environment, name);
    modules.emplace(name, DescribeModule(system, installed, found));
    if (found && !found->doubt.empty() &&
        std::find(doubts.begin(), doubts.end(), found->doubt) == doubts.end())
      doubts.push_back(found->doubt);
    if (name != std::string_view("tensorflow")) continue;
    const std::set<std::string> before = FoldersBefore(system, environment->sys_path, found);
    for (const auto& [folder, why] : installed.unread) {
      if (before.contains(folder)) doubts.push_back(why);
    }
  }
  python.modules = Known(std::move(modules), where);
  std::vector<std::string> passed_over = environment->passed_over;
  if (question.python.empty() && !question.python_doubt.empty()) passed_over.push_back(question.python_doubt);
  python.unread = Unread(doubts, std::move(passed_over), where);

  python.leftovers = Known(installed.leftovers, where);
  python.keras_config = KerasConfig(system);
  python.conda = CondaPackages(system, *environment);

  std::vector<std::string> known_names = knowledge.TensorFlowDistributions();
  Names tensorflow(known_names.begin(), known_names.end());
  if (HoldsOne(installed, tensorflow)) {
    // To look for it would cost more than all the rest.
    const std::string why = "not looked for, since this Python has TensorFlow";
    python.elsewhere = Fact<std::vector<std::string>>::Unknown(why, From(where));
    python.nearby = Fact<std::map<std::string, NearbyPython>>::Unknown(why, From(where));
    if (const std::string* activated = python.other_environment.Peek(); activated != nullptr)
      python.nearby = Known(FindElsewhere(system, *environment, tensorflow, *activated).details, *activated);
    python.others = Fact<std::map<std::string, std::string>>::Unknown(why, From(where));
    return;
  }
  Elsewhere elsewhere;
  const std::string all = "folders nearby, tools and PATH";
  if (!question.one_of_all) elsewhere = FindElsewhere(system, *environment, tensorflow, "");
  python.elsewhere = Known(std::move(elsewhere.interpreters), all);
  python.nearby = Known(std::move(elsewhere.details), all);
  python.others = question.one_of_all ? Fact<std::map<std::string, std::string>>::Unknown(
                                            "not looked for under --all", From(all))
                                      : Known(std::move(elsewhere.others), all);
}

}  // namespace tfdoctor
