#include "rules/common.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>

#include "base/text.h"
#include "facts/devices.h"
#include "rules/project.h"
#include "rules/repair.h"

namespace tfdoctor {

namespace {

std::string Known(const Fact<std::string>& fact, const std::string& otherwise) {
  const std::string* value = fact.Peek();
  return value == nullptr ? otherwise : *value;
}

bool IsRelease(const std::string& version) {
  return version.find_first_not_of("0123456789.") == std::string::npos;
}

bool FitsMachine(const TensorFlowBuild& build, const Facts& facts) {
  if (build.machine != Known(facts.host.machine, "x86_64")) return false;
  if (const std::string* glibc = facts.host.glibc.Peek(); glibc != nullptr && !build.glibc.empty()) {
    if (CompareVersions(*glibc, build.glibc) < 0) return false;
  }
  return true;
}

// cuDNN 9.11 and newer have no code for GPUs before Turing. Source: the wheels' own code.
bool HasGpuBeforeTuring(const Facts& facts) {
  const auto* gpus = facts.gpus.Peek();
  if (gpus == nullptr) return false;
  return std::any_of(gpus->begin(), gpus->end(), [](const auto& entry) {
    const std::string* capability = entry.second.compute_capability.Peek();
    return capability != nullptr && CompareVersions(*capability, "7.5") < 0;
  });
}

bool Meets(const std::string& version, const std::string& specifiers) {
  for (const std::string& part : Split(specifiers, ',')) {
    std::string_view text = Trim(part);
    size_t digit = text.find_first_of("0123456789");
    if (digit == std::string_view::npos) continue;
    std::string_view op = Trim(text.substr(0, digit));
    int order = CompareVersions(version, text.substr(digit));
    if ((op == "==" && order != 0) || (op == "!=" && order == 0) || (op == ">=" && order < 0) ||
        (op == "<=" && order > 0) || (op == ">" && order <= 0) || (op == "<" && order >= 0)) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool IsCudaBuild(const Facts& facts) {
  return facts.tensorflow.folder.Present() && facts.tensorflow.cuda_build.Is(true);
}

std::string OtherAccelerator(const Facts& facts) {
  const TensorFlow& tensorflow = facts.tensorflow;
  if (!tensorflow.folder.Present() || tensorflow.cuda_build.Is(true)) return {};
  if (tensorflow.rocm_build.Is(true)) return "ROCm (AMD)";
  const std::string* name = tensorflow.distribution.Peek();
  if (name != nullptr && name->starts_with("tensorflow-directml")) return "DirectML";
  const auto* plugins = tensorflow.plugins.Get();
  return plugins == nullptr || plugins->empty() ? std::string() : "the plug-in " + Join(*plugins, ", ");
}

bool DriverFindsGpu(const Facts& facts) {
  const DriverAnswers& answers = facts.driver_answers;
  if (!answers.asked.Is(true) || !answers.init.Is("0")) return false;
  const std::string* count = answers.count.Get();
  return count != nullptr && *count != "0";
}

bool VariablesHideAllFromDriver(const Facts& facts) {
  const DriverAnswers& answers = facts.driver_answers;
  if (!answers.asked.Is(true) || DriverFindsGpu(facts) || !answers.init_unhidden.Is("0")) return false;
  const std::string* count = answers.count_unhidden.Get();
  return count != nullptr && *count != "0";
}

std::optional<Verdict> ExcludedByDriver(const Facts& facts) {
  const DriverAnswers& answers = facts.driver_answers;
  if (DriverFindsGpu(facts)) return Verdict::Excluded().Because(answers.count, "the driver lists a device");
  if (!VariablesHideAllFromDriver(facts)) return std::nullopt;
  return Verdict::Excluded().Because(answers.count_unhidden,
                                     "the driver lists a device once no variable hides it");
}

bool DriverIsThere(const Facts& facts) {
  if (DriverFindsGpu(facts) || VariablesHideAllFromDriver(facts)) return true;
  const DriverAnswers& answers = facts.driver_answers;
  if (!answers.asked.Is(true) || !answers.nvml_init.Is("0")) return false;
  const auto* devices = answers.nvml_devices.Get();
  return devices != nullptr && !devices->empty();
}

bool NvmlLists(const Facts& facts, const std::string& pci_address) {
  if (!facts.driver_answers.nvml_init.Is("0")) return false;
  const auto* devices = facts.driver_answers.nvml_devices.Get();
  const auto* lost = facts.driver_answers.nvml_lost.Get();
  return devices != nullptr && std::any_of(devices->begin(), devices->end(), [&](const auto& device) {
           const std::string* address = device.second.pci_address.Get();
           return address != nullptr && *address == pci_address &&
                  (lost == nullptr || !lost->contains(device.first));
         });
}

std::string OtherKernelsWithModule(const Facts& facts) {
  const auto* built = facts.kernel_driver.built_for.Get();
  const std::string* running = built == nullptr || built->empty() ? nullptr : facts.host.kernel.Get();
  if (running == nullptr) return {};
  std::vector<std::string> others;
  for (const std::string& kernel : built == nullptr ? std::vector<std::string>() : *built) {
    if (kernel != *running) others.push_back(kernel);
  }
  return Join(others, ", ");
}

namespace {

std::string ErrorText(const Knowledge& knowledge, std::string_view library, const std::string& number,
                      const char* unknown) {
  for (const ErrorRow& row : knowledge.Errors()) {
    if (row.library == library && std::to_string(row.number) == number)
      return fmt::format("{} ({})", row.name, number);
  }
  return fmt::format("{} {}", unknown, number);
}

}  // namespace

std::string CudaErrorText(const Knowledge& knowledge, const std::string& number) {
  return ErrorText(knowledge, "CUDA driver", number, "CUDA error");
}

std::string NvmlErrorText(const Knowledge& knowledge, const std::string& number) {
  return ErrorText(knowledge, "NVML", number, "NVML error");
}

ErrorRow FindXid(const Knowledge& knowledge, const std::string& code) {
  for (const ErrorRow& row : knowledge.Errors()) {
    if (row.library == "Xid" && std::to_string(row.number) == code) return row;
  }
  return {};
}

std::vector<std::string> FatalXids(const Facts& facts, const Knowledge& knowledge, std::string_view fault) {
  std::vector<std::string> lines;
  const auto* xids = facts.kernel_log.xids.Get();
  if (xids == nullptr) return lines;
  const DriverAnswers& answers = facts.driver_answers;
  // Which of them, in the order of the log, the last of each GPU.
  std::map<std::string, std::string> said;
  for (const std::string& xid : *xids) {
    const std::vector<std::string> words = Split(xid, ' ');
    const ErrorRow row = FindXid(knowledge, words.back());
    if (row.fault == fault && row.reset && words.size() == 2)
      said[words.front()] =
          fmt::format("the kernel log: Xid {} of the GPU at {}: {}", words.back(), words.front(), row.text);
  }
  if (said.empty()) return lines;
  // What these say is of libcuda, its settings or a service, not of the GPU.
  static constexpr const char* kOfOthers[] = {"34",  "35",  "36",  "102", "802", "803", "804",
                                              "805", "806", "807", "808", "809", "810"};
  const std::string* init = answers.init.Get();
  if (init == nullptr && answers.ended.Peek() == nullptr) return lines;
  if (init != nullptr && std::find(std::begin(kOfOthers), std::end(kOfOthers), *init) != std::end(kOfOthers))
    return lines;
  // A process that may not open the devices sees no GPU, whatever was with it once.
  if (const auto* refused = facts.device_access.refused.Get()) {
    for (const auto& [path, error] : *refused) {
      if (error == "EPERM" || error == "EACCES") return lines;
    }
  }
  // Without NVML's word the Xid may be of an error that somebody has mended since.
  if (answers.nvml_ended.Peek() == nullptr && !answers.nvml_init.Is("0")) return lines;
  for (auto& [address, line] : said) {
    if (!NvmlLists(facts, address)) lines.push_back(std::move(line));
  }
  return lines;
}

bool HasNvidiaNode(const std::map<std::string, DeviceNode>& nodes) {
  // The folder nvidia-caps holds what concerns MIG; no GPU is reached through it.
  return std::any_of(nodes.begin(), nodes.end(), [](const auto& entry) {
    return entry.first.starts_with("/dev/nvidia") && !entry.first.starts_with("/dev/nvidia-caps");
  });
}

std::string MissingNodes(const std::map<std::string, DeviceNode>& nodes) {
  const bool control = nodes.contains("/dev/nvidiactl");
  const bool gpu =
      std::any_of(nodes.begin(), nodes.end(), [](const auto& entry) { return IsGpuNode(entry.first); });
  return std::string(control ? "" : "/dev/nvidiactl") + (control || gpu ? "" : " and ") +
         (gpu ? "" : "/dev/nvidia0");
}

Answer HasNvidiaGpu(const Facts& facts) {
  if (facts.kernel_driver.version.Peek() != nullptr) return Answer::kYes;
  const auto* nodes = facts.device_access.nodes.Peek();
  if (nodes != nullptr && (nodes->contains("/dev/nvidia0") || nodes->contains("/dev/dxg")))
    return Answer::kYes;
  if (DriverFindsGpu(facts) || VariablesHideAllFromDriver(facts)) return Answer::kYes;
  const auto* listed = facts.driver_answers.nvml_devices.Peek();
  if (listed != nullptr && !listed->empty()) return Answer::kYes;
  if (facts.gpus.Unknown()) return Answer::kUnknown;
  const auto* gpus = facts.gpus.Get();
  if (gpus == nullptr) return Answer::kNo;
  bool unknown = false;
  for (const auto& [address, gpu] : *gpus) {
    if (gpu.vendor.Is("NVIDIA")) return Answer::kYes;
    unknown = unknown || gpu.vendor.Unknown();
  }
  return unknown ? Answer::kUnknown : Answer::kNo;
}

std::vector<const Gpu*> NvidiaGpus(const Facts& facts) {
  std::vector<const Gpu*> found;
  if (const auto* gpus = facts.gpus.Get()) {
    for (const auto& [address, gpu] : *gpus) {
      if (gpu.vendor.Is("NVIDIA")) found.push_back(&gpu);
    }
  }
  return found;
}

std::string Describe(const Gpu& gpu) {
  return WithCapability(Known(gpu.name, "the GPU"), Known(gpu.compute_capability, "unknown"));
}

const Fact<std::string>& DriverVersion(const Facts& facts) {
  // NVML tells it everywhere: under WSL, where no file does, and in sandboxes that hide the module.
  const auto& told = facts.driver_answers.nvml_driver_version;
  bool wsl = facts.host.wsl.Peek() != nullptr;
  if (told.Peek() != nullptr && (wsl || facts.kernel_driver.version.Peek() == nullptr)) return told;
  return wsl ? facts.driver_library.cuda.version : facts.kernel_driver.version;
}

bool MachineCodeRuns(const std::vector<std::string>& sass, const std::string& capability) {
  return std::any_of(sass.begin(), sass.end(), [&](const std::string& code) {
    return MajorVersion(code) == MajorVersion(capability) && CompareVersions(code, capability) <= 0;
  });
}

bool PtxRuns(const std::vector<std::string>& ptx, const std::string& capability) {
  return std::any_of(ptx.begin(), ptx.end(),
                     [&](const std::string& code) { return CompareVersions(code, capability) <= 0; });
}

std::string Gigabytes(double bytes) { return fmt::format("{:.1f} GiB", bytes / (1024 * 1024 * 1024)); }

bool SysPathIsKnown(const Facts& facts) {
  const auto* unread = facts.python.unread.Get();
  return unread != nullptr && unread->empty();
}

bool LacksTensorFlow(const Facts& facts) { return facts.tensorflow.folder.Absent() && SysPathIsKnown(facts); }

void NameWhatMayAddToSysPath(const Facts& facts, Verdict& verdict) {
  const auto* unread = facts.python.unread.Get();
  if (unread == nullptr && !facts.python.unread.why().empty())
    verdict.Because(facts.python.unread, "it may be out of sight: " + facts.python.unread.why(),
                    Strength::kWeak);
  if (unread != nullptr && !unread->empty())
    verdict.Because(facts.python.unread, "it may be out of sight: " + unread->front(), Strength::kWeak);
}

void NameHolders(const Facts& facts, Verdict& verdict) {
  const auto* holders = facts.device_memory.holders.Peek();
  if (holders == nullptr) return;
  for (const auto& [pid, holder] : *holders) {
    const std::string* command = holder.command.Peek();
    const std::string* memory = holder.memory.Peek();
    const std::string* container = holder.container.Peek();
    const std::string* user = holder.user.Peek();
    std::string text = "process " + pid;
    if (command != nullptr) text += " (" + *command + ")";
    if (user != nullptr) text += " of user " + *user;
    if (holder.command.state() == FactState::kAbsent) text += ", of another container or of the host,";
    if (container != nullptr) text += " in a container (" + *container + ")";
    text += memory == nullptr ? " has the GPU open"
                              : " holds " + Gigabytes(std::strtod(memory->c_str(), nullptr));
    const bool* listed = holder.listed.Peek();
    if (listed != nullptr && !*listed) text += "; nvidia-smi does not list it";
    verdict.Because(facts.device_memory.holders, text);
  }
  const bool* others = facts.device_memory.other_users.Peek();
  if (others != nullptr && *others)
    verdict.Because(facts.device_memory.other_users,
                    "processes of other users could not be looked at (root can)", Strength::kWeak);
}

std::string Interpreter(const Facts& facts) { return ShellQuote(Known(facts.python.interpreter, "python3")); }

namespace {

// uv makes environments without pip.
bool UsesUv(const Facts& facts) {
  const auto* distributions = facts.python.distributions.Peek();
  return Known(facts.python.environment, "") == "uv" && distributions != nullptr &&
         !distributions->contains("pip");
}

// Many systems refuse pip outside a virtual environment (PEP 668), and for good reason.
bool NeedsEnvironment(const Facts& facts) {
  return !UsesUv(facts) && Known(facts.python.environment, "") == "system";
}

std::vector<std::string> InNewEnvironment(const std::string& python, const std::string& requirements) {
  return {python + " -m venv ~/tensorflow-gpu", ". ~/tensorflow-gpu/bin/activate",
          "python -m pip install " + requirements};
}

// The minor version of Python 3; 0: not known.
int Minor(const std::string& version) {
  const std::vector<std::string> parts = Split(version, '.');
  return parts.size() < 2 || parts[0] != "3" ? 0 : MajorVersion(parts[1]);
}

// Debian and Ubuntu have ensurepip, without which `python -m venv` fails, in a package of its own.
std::string DebiansVenv(const Facts& facts) {
  const bool* makes = facts.python.makes_environments.Peek();
  const auto* sys_path = facts.python.sys_path.Peek();
  if (makes == nullptr || *makes || sys_path == nullptr) return {};
  const bool debian = std::any_of(sys_path->begin(), sys_path->end(), [](const std::string& entry) {
    return entry.starts_with("/usr/lib/python3/dist-packages");
  });
  return debian ? fmt::format("sudo apt install python3.{}-venv", Minor(Known(facts.python.version, "")))
                : "";
}

}  // namespace

std::vector<std::string> PipInstall(const Facts& facts, const std::vector<std::string>& requirements) {
  std::vector<std::string> quoted;
  for (const std::string& requirement : requirements) quoted.push_back(ShellQuote(requirement));
  std::string words = Join(quoted, " ");
  if (UsesUv(facts)) return {fmt::format("uv pip install --python {} {}", Interpreter(facts), words)};
  if (NeedsEnvironment(facts)) {
    std::vector<std::string> commands = InNewEnvironment(Interpreter(facts), words);
    if (std::string first = DebiansVenv(facts); !first.empty()) commands.insert(commands.begin(), first);
    return commands;
  }
  return {fmt::format("{} -m pip install {}", Interpreter(facts), words)};
}

std::vector<std::string> PipReinstall(const Facts& facts, std::vector<std::string> requirements) {
  // In an environment that is made for it there is nothing yet.
  if (!NeedsEnvironment(facts)) requirements.insert(requirements.begin(), {"--force-reinstall", "--no-deps"});
  return PipInstall(facts, requirements);
}

std::string PipUninstall(const Facts& facts, const std::vector<std::string>& names) {
  if (UsesUv(facts))
    return fmt::format("uv pip uninstall --python {} {}", Interpreter(facts), Join(names, " "));
  return fmt::format("{} -m pip uninstall -y {}", Interpreter(facts), Join(names, " "));
}

namespace {

// Uninstalls and installs; outside a virtual environment PipInstall() makes one, where there is nothing to
// remove.
std::vector<std::string> PipReplace(const Facts& facts, const std::vector<std::string>& instead_of,
                                    const std::vector<std::string>& requirements) {
  std::vector<std::string> commands = PipInstall(facts, requirements);
  if (!instead_of.empty() && !NeedsEnvironment(facts))
    commands.insert(commands.begin(), PipUninstall(facts, instead_of));
  return commands;
}

// The wheel is for one Python: the one that the board's own Linux has.
Fix OnJetson(const Facts& facts, const JetsonRow& jetson) {
  const std::string* python = facts.python.version.Peek();
  const bool fits =
      python != nullptr && (*python == jetson.python || python->starts_with(jetson.python + "."));
  std::vector<std::string> commands;
  if (fits) {
    std::vector<std::string> names;
    if (const auto* installed = facts.tensorflow.installed.Peek()) {
      for (const auto& [name, version] : *installed) {
        if (name != "tensorflow") names.push_back(name);  // pip itself replaces that one
      }
    }
    commands = PipReplace(facts, names, {jetson.wheel});
  } else {
    commands = InNewEnvironment("python" + jetson.python, jetson.wheel);
  }
  return Advice(
      fits ? "Install the TensorFlow that NVIDIA built for this Jetson"
           : "Install the TensorFlow that NVIDIA built for this Jetson: it is for Python " + jetson.python,
      std::move(commands));
}

}  // namespace

std::string SitePackages(const Facts& facts) {
  if (const std::string* folder = facts.tensorflow.folder.Peek())
    return folder->substr(0, folder->rfind('/'));
  const auto* sys_path = facts.python.sys_path.Peek();
  if (sys_path == nullptr) return {};
  auto site = std::find_if(sys_path->begin(), sys_path->end(),
                           [](const std::string& entry) { return entry.ends_with("/site-packages"); });
  return site == sys_path->end() ? std::string() : *site;
}

std::string ExtraDefect(const Knowledge& knowledge, const std::string& version) {
  if (CompareVersions(version, "2.14") < 0) return "none";
  for (const DefectRow& row : knowledge.Defects("tensorflow[and-cuda]")) {
    if (row.version == version) return row.defect;
  }
  return {};
}

namespace {

// The Pythons for which pip's extra of this build gives a working GPU as it is, on any machine: "cp310".
std::vector<std::string> PythonsThatWork(const TensorFlowBuild& build, const Knowledge& knowledge) {
  const std::string defect = ExtraDefect(knowledge, build.version);
  if (defect.empty()) return build.pythons;
  std::vector<std::string> pythons;
  for (const std::string& tag : build.pythons) {
    if (defect == "unresolvable" && !ExtraIsUnresolvable(knowledge, build.version, tag))
      pythons.push_back(tag);
  }
  return pythons;
}

// Wheels before 2.18 are compiled against NumPy 1; 2.14.0 does not ask for it, and pip brings NumPy 2.
bool GetsItsNumpy(const TensorFlowBuild& build) {
  return CompareVersions(build.version, "2.18") >= 0 ||
         std::none_of(build.requires_dist.begin(), build.requires_dist.end(), [](const std::string& line) {
           return RequirementName(line) == "numpy" && line.find('<') == std::string::npos;
         });
}

// Whether pip's extra gives a working GPU as it is on this machine, with some Python.
bool Works(const TensorFlowBuild& build, const Facts& facts, const Knowledge& knowledge) {
  return IsRelease(build.version) && FitsMachine(build, facts) && FitsGpuAndDriver(build, facts, knowledge) &&
         GetsItsNumpy(build) && !PythonsThatWork(build, knowledge).empty();
}

// "cp311", as PythonTag(), which notes what is not known; empty: it is not.
std::string TagOfPython(const Facts& facts) {
  const std::vector<std::string> parts = Split(Known(facts.python.version, ""), '.');
  return parts.size() < 2 ? std::string() : "cp" + parts[0] + parts[1];
}

bool FitsPython(const TensorFlowBuild& build, const Facts& facts, const Knowledge& knowledge) {
  const std::string tag = TagOfPython(facts);
  if (tag.empty()) return true;
  const std::vector<std::string> pythons = PythonsThatWork(build, knowledge);
  return std::find(pythons.begin(), pythons.end(), tag) != pythons.end();
}

// The newest build with CUDA that works and is wanted; nullptr: none.
const TensorFlowBuild* Newest(const Facts& facts, const Knowledge& knowledge,
                              const std::function<bool(const TensorFlowBuild&)>& wanted) {
  const std::string machine = Known(facts.host.machine, "x86_64");
  auto versions = knowledge.CudaVersions("tensorflow", machine);
  std::stable_sort(versions.begin(), versions.end(),
                   [](std::string_view a, std::string_view b) { return CompareVersions(a, b) > 0; });
  for (std::string_view version : versions) {
    const TensorFlowBuild* build = knowledge.FindBuild("tensorflow", version, machine);
    if (build != nullptr && Works(*build, facts, knowledge) && wanted(*build)) return build;
  }
  return nullptr;
}

// Of the releases that begin with `line`; `same` is kept if it is one of them. Empty: none.
std::string NewestWorking(const Facts& facts, const Knowledge& knowledge, std::string_view line,
                          const std::string& same) {
  const auto wanted = [&](const TensorFlowBuild& build) {
    return build.version.starts_with(line) && FitsPython(build, facts, knowledge);
  };
  const TensorFlowBuild* kept =
      same.empty() ? nullptr : knowledge.FindBuild("tensorflow", same, Known(facts.host.machine, "x86_64"));
  if (kept != nullptr && kept->cuda && Works(*kept, facts, knowledge) && wanted(*kept)) return same;
  const TensorFlowBuild* newest = Newest(facts, knowledge, wanted);
  return newest == nullptr ? std::string() : newest->version;
}

}  // namespace

std::string WorkingTensorFlow(const Facts& facts, const Knowledge& knowledge, const std::string& same) {
  return NewestWorking(facts, knowledge, "", same);
}

std::string WorkingPatch(const Facts& facts, const Knowledge& knowledge, const std::string& version) {
  return NewestWorking(facts, knowledge, version.substr(0, version.rfind('.') + 1), "");
}

std::string WithCuda(const std::string& version) {
  return (CompareVersions(version, "2.14") >= 0 ? "tensorflow[and-cuda]==" : "tensorflow==") + version;
}

std::string RequirementName(const std::string& requirement) {
  return requirement.substr(0, requirement.find_first_of(" <>=!~[;("));
}

std::string NewestFitting(const Knowledge& knowledge, const std::string& name,
                          const std::string& specifiers) {
  for (const std::string& version : knowledge.NvidiaWheelVersions(name)) {
    if (Meets(version, specifiers)) return version;
  }
  return {};
}

namespace {

// "nvidia-cudnn-cu12 (<10.0,>=9.3) ; extra == 'and-cuda'" -> "<10.0,>=9.3"
std::string Specifiers(const std::string& requirement) {
  std::string rest = requirement.substr(RequirementName(requirement).size());
  rest = rest.substr(0, rest.find(';'));
  std::erase_if(rest, [](char c) { return c == '(' || c == ')' || c == ' '; });
  return rest;
}

void AddInstall(const Knowledge& knowledge, const std::string& folder, const std::string& requirement,
                bool before_turing, Fix& fix) {
  std::string name = RequirementName(requirement);
  std::string specifiers = Specifiers(requirement);
  if (before_turing && name.starts_with("nvidia-cudnn")) specifiers += ",<9.11";
  std::string version = NewestFitting(knowledge, name, specifiers);
  if (!version.empty()) fix.changes.emplace_back(InstallDistribution{folder, name, version});
}

// What pip is asked for, so that TensorFlow `version` does not bring a cuDNN without code for this GPU;
// releases before 2.18 take an older one by themselves.
std::vector<std::string> WithCudnnForGpu(const Facts& facts, const std::string& version,
                                         const std::string& requirement) {
  const bool brings_cudnn = Has(requirement, "[and-cuda]") && CompareVersions(version, "2.18") >= 0;
  if (!brings_cudnn || !HasGpuBeforeTuring(facts)) return {requirement};
  return {requirement, "nvidia-cudnn-cu12<9.11"};
}

}  // namespace

Fix InstallTensorFlow(const Facts& facts, const Knowledge& knowledge, const std::string& version,
                      const std::vector<std::string>& instead_of) {
  Fix fix;
  fix.title = "Install TensorFlow " + version + " with its CUDA libraries";
  fix.commands = PipReplace(facts, instead_of, WithCudnnForGpu(facts, version, WithCuda(version)));
  std::string site = SitePackages(facts);
  const TensorFlowBuild* build =
      knowledge.FindBuild("tensorflow", version, Known(facts.host.machine, "x86_64"));
  if (site.empty() || build == nullptr || Known(facts.python.environment, "") == "system") {
    fix.safety = Safety::kAdvice;
    return build == nullptr ? fix : DriverFirst(std::move(fix), facts, knowledge, *build);
  }
  for (const std::string& name : instead_of) fix.changes.emplace_back(RemoveDistribution{site, name});
  fix.changes.emplace_back(InstallDistribution{site, "tensorflow", version});
  for (const std::string& requirement : build->requires_dist) {
    if (requirement.starts_with("nvidia-") && requirement.find("and-cuda") != std::string::npos)
      AddInstall(knowledge, site, requirement, HasGpuBeforeTuring(facts), fix);
  }
  return DriverFirst(std::move(fix), facts, knowledge, *build);
}

Fix InstallCudaLibraries(const Facts& facts, const Knowledge& knowledge) {
  std::string version = Known(facts.tensorflow.version, "");
  std::string name = Known(facts.tensorflow.distribution, "tensorflow");
  const auto* missing = facts.tensorflow.extra_missing.Peek();
  // That it does not look where pip puts them is a cause of its own, with its repairs.
  std::string extra = version.empty() ? "" : ExtraDefect(knowledge, version);
  const std::string tag = TagOfPython(facts);
  if (!tag.empty() && extra == "unresolvable" && !ExtraIsUnresolvable(knowledge, version, tag)) extra.clear();
  if (missing == nullptr || version.empty() ||
      (IsRelease(version) && !extra.empty() && extra != "search-path")) {
    std::string other = WorkingTensorFlow(facts, knowledge, "");
    if (other.empty()) return InstallFitting(facts, knowledge, {});
    Fix fix = InstallTensorFlow(facts, knowledge, other, {});
    if (!fix.needs_reboot) fix.title = "Install a TensorFlow that brings its CUDA libraries";
    return fix;
  }
  Fix fix;
  fix.title = "Install the CUDA libraries that this TensorFlow wants";
  std::vector<std::string> requirements =
      WithCudnnForGpu(facts, version, fmt::format("{}[and-cuda]=={}", name, version));
  const bool before_turing = HasGpuBeforeTuring(facts);
  fix.commands = PipInstall(facts, requirements);
  std::string site = SitePackages(facts);
  for (const std::string& requirement : *missing)
    AddInstall(knowledge, site, requirement, before_turing, fix);
  // "nvidia-cudnn-cu12 9.1.0.70, wanted <10.0,>=9.3.0.75": pip replaces it.
  const auto* at_odds = facts.tensorflow.extra_at_odds.Peek();
  for (const std::string& entry : at_odds == nullptr ? std::vector<std::string>() : *at_odds) {
    constexpr std::string_view kWanted = ", wanted ";
    size_t wanted = entry.find(kWanted);
    if (wanted == std::string::npos) continue;
    std::string requirement = entry.substr(0, entry.find(' ')) + entry.substr(wanted + kWanted.size());
    AddInstall(knowledge, site, requirement, before_turing, fix);
  }
  if (fix.changes.empty() && !NeedsEnvironment(facts)) {
    // All of them are installed, so that pip would find its requirements satisfied: files of theirs are gone.
    fix.title = "Install TensorFlow and its CUDA libraries again, with all their files";
    requirements.insert(requirements.begin(), "--force-reinstall");
    fix.commands = PipInstall(facts, requirements);
  }
  if (fix.changes.empty() || Known(facts.python.environment, "") == "system") {
    fix.changes.clear();
    fix.safety = Safety::kAdvice;
  }
  return fix;
}

const TensorFlowBuild* WorkingBuild(const Facts& facts, const Knowledge& knowledge,
                                    const std::string& specifiers) {
  return Newest(facts, knowledge,
                [&](const TensorFlowBuild& build) { return Fits(build.version, specifiers); });
}

Fix InNewPython(const Facts& facts, const TensorFlowBuild& build) {
  std::set<int> minors;
  for (const std::string& tag : build.pythons) minors.insert(MinorOf(tag));
  return InNewPython(facts, minors, build.version, WithCuda(build.version));
}

Fix InNewPython(const Facts& facts, const std::set<int>& minors, const std::string& version,
                const std::string& requirement) {
  std::vector<std::string> quoted;
  for (const std::string& one : WithCudnnForGpu(facts, version, requirement))
    quoted.push_back(ShellQuote(one));
  const std::string words = Join(quoted, " ");
  const std::string newest = fmt::format("3.{}", minors.empty() ? 12 : *minors.rbegin());
  const std::string range = minors.size() < 2 ? newest : fmt::format("3.{} to {}", *minors.begin(), newest);
  std::string at_hand;
  int its_minor = 0;
  if (const auto* others = facts.python.others.Peek()) {
    for (const auto& [path, of_other] : *others) {
      const int minor = Minor(of_other);
      if (minor > its_minor && minors.contains(minor)) at_hand = path, its_minor = minor;
    }
  }
  if (!at_hand.empty())
    return Advice(
        fmt::format("Make an environment for {} with a Python that has it ({}): 3.{} is on this machine",
                    requirement, range, its_minor),
        InNewEnvironment(ShellQuote(at_hand), words));
  std::string title =
      fmt::format("Make an environment for {} with a Python that has it: {}", requirement, range);
  if (facts.python.others.Peek() != nullptr) title += "; none was found here";
  // uv brings Pythons of its own. It needs one since 3.8 to start with.
  if (Minor(Known(facts.python.version, "")) < 8 || UsesUv(facts))
    return Advice(title + "; install one of them first", InNewEnvironment("python" + newest, words));
  std::vector<std::string> commands;
  std::string uv = Interpreter(facts) + " -m uv";
  if (NeedsEnvironment(facts)) {
    if (std::string first = DebiansVenv(facts); !first.empty()) commands.push_back(first);
    commands.insert(commands.end(),
                    {Interpreter(facts) + " -m venv ~/uv", "~/uv/bin/python -m pip install uv"});
    uv = "~/uv/bin/uv";
  } else {
    commands = {Interpreter(facts) + " -m pip install uv"};
  }
  commands.push_back(uv + " venv --seed --python " + newest + " ~/tensorflow-gpu");
  commands.insert(commands.end(), {". ~/tensorflow-gpu/bin/activate", "python -m pip install " + words});
  return Advice(title + ", uv brings it", std::move(commands));
}

Fix InstallOnArm(const Facts& facts, const Knowledge& knowledge) {
  const std::string* release = facts.host.jetson_linux.Peek();
  if (release == nullptr)
    return Advice("Use NVIDIA's own build, in a container",
                  {"docker run --rm -it --gpus all nvcr.io/nvidia/tensorflow:25.02-tf2-py3"});
  if (const auto jetson = knowledge.JetsonWheel(*release)) return OnJetson(facts, *jetson);
  return Advice("NVIDIA built no TensorFlow for this Jetson Linux: build it from source", {});
}

Fix Unset(const std::string& variable, std::string title) {
  Fix fix;
  fix.title = title.empty() ? "Remove the variable " + variable + " from this shell" : std::move(title);
  fix.commands = {"unset " + variable};
  fix.changes = {UnsetVariable{variable}};
  return fix;
}

Fix Advice(std::string title, std::vector<std::string> commands, bool needs_root, bool needs_reboot) {
  Fix fix;
  fix.title = std::move(title);
  fix.commands = std::move(commands);
  fix.needs_root = needs_root;
  fix.needs_reboot = needs_reboot;
  fix.safety = Safety::kAdvice;
  return fix;
}

}  // namespace tfdoctor
