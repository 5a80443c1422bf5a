#include <set>

#include "base/text.h"
#include "probes/found.h"
#include "probes/probes.h"

namespace tfdoctor {

namespace {

struct Modules {
  Result<std::set<std::string>> names;
  std::string from;
};

// The modules that are loaded. /proc/modules is missing where the kernel cannot load any, and in sandboxes
// that only imitate a kernel; /sys/module tells the two apart.
Modules LoadedModules(const System& system) {
  std::set<std::string> names;
  auto table = system.ReadAll("/proc/modules", 4 << 20);
  if (table.ok()) {
    for (std::string_view line : SplitLines(*table)) {
      auto words = SplitWords(line);
      if (!words.empty()) names.emplace(words[0]);
    }
    return {std::move(names), "/proc/modules"};
  }
  auto folders = system.List("/sys/module");
  if (!table.not_found() || !folders.ok() || folders->empty()) return {table.error(), "/proc/modules"};
  for (DirEntry& folder : *folders) names.insert(std::move(folder.name));
  return {std::move(names), "/sys/module"};
}

// The version and flavour of the loaded module, from what the module itself says:
//   NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.54.03  Tue Jun  6 22:20:39 UTC 2023
//   NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.10  Release Build  (dvs-builder@…)
bool AskModule(const System& system, KernelDriver& driver) {
  Origin origin = From("/proc/driver/nvidia/version");
  auto text = system.ReadAll(origin.from, 64 * 1024);
  if (!text.ok()) return false;
  auto lines = SplitLines(*text);
  std::string_view line = lines.empty() ? std::string_view() : lines[0];
  std::string version = FindVersion(line);
  if (!line.starts_with("NVRM version:") || version.empty()) {
    driver.version = Text::Unknown("no version in " + origin.from, origin);
    driver.flavour = Text::Unknown("no version in " + origin.from, origin);
    return true;
  }
  bool open = line.find("Open Kernel Module") != std::string_view::npos;
  driver.version = Text::Value(std::move(version), origin);
  driver.flavour = Text::Value(open ? "open" : "proprietary", origin);
  return true;
}

// The same from sysfs. The taint letter P marks a licence that is not the kernel's: the open module has none.
bool AskSysfs(const System& system, KernelDriver& driver) {
  Origin origin = From("/sys/module/nvidia/version");
  auto version = system.ReadAll(origin.from, 4096);
  if (!version.ok() || FindVersion(*version).empty()) return false;
  driver.version = Text::Value(FindVersion(*version), origin);
  Origin taint_origin = From("/sys/module/nvidia/taint");
  auto taint = system.ReadAll(taint_origin.from, 4096);
  if (taint.ok()) {
    bool proprietary = taint->find('P') != std::string::npos;
    driver.flavour = Text::Value(proprietary ? "proprietary" : "open", taint_origin);
  } else {
    driver.flavour = Text::Unknown(taint.error().message, taint_origin);
  }
  return true;
}

void ProbeLoaded(const System& system, const Host& host, KernelDriver& driver) {
  Modules modules = LoadedModules(system);
  Origin origin = From(modules.from);
  if (!modules.names.ok()) {
    driver.nouveau_loaded = Fact<bool>::Unknown(modules.names.error().message, origin);
  } else {
    bool nouveau = modules.names->contains("nouveau") || system.Exists("/sys/module/nouveau");  // or built in
    driver.nouveau_loaded = Fact<bool>::Value(nouveau, origin);
  }
  if (AskModule(system, driver) || AskSysfs(system, driver)) return;

  auto unknown = [&](const std::string& why) {
    driver.version = Text::Unknown(why, origin);
    driver.flavour = Text::Unknown(why, origin);
  };
  if (host.wsl.Peek() != nullptr) return unknown("in WSL the kernel driver belongs to Windows");
  if (!modules.names.ok()) return unknown(modules.names.error().message);
  if (modules.names->contains("nvidia"))
    return unknown("the module nvidia is loaded, but its version cannot be read");
  for (const char* trace : {"/proc/driver/nvidia", "/sys/module/nvidia"}) {
    auto folder = system.LStat(trace);
    if (folder.ok()) return unknown(std::string(trace) + " is there, but has no version");
    if (!folder.not_found()) return unknown(folder.error().message);
  }
  driver.version = Text::Absent(origin);
  driver.flavour = Text::Absent(origin);
}

}  // namespace

bool IsDriverFile(std::string_view path) {
  std::string_view name = path.substr(path.rfind('/') + 1);
  size_t end = name.find(".ko");
  if (end == std::string_view::npos) return false;
  name = name.substr(0, end);
  for (std::string_view part : {"-drm", "-modeset", "-uvm", "-peermem"}) {
    if (name.ends_with(part)) return false;
  }
  if (name == "nvidia") return true;
  for (std::string_view debian : {"nvidia-current", "nvidia-tesla", "nvidia-legacy", "nvidia-open"}) {
    if (name.starts_with(debian)) return true;
  }
  return false;
}

namespace {

// DKMS keeps what it built in /var/lib/dkms/NAME/VERSION/KERNEL/; "": not built by DKMS, or of several
// versions.
std::string VersionInDkms(const System& system, const std::string& kernel) {
  const std::string root = "/var/lib/dkms";
  auto names = system.List(root);
  if (!names.ok()) return {};
  std::set<std::string> versions;
  for (const DirEntry& name : *names) {
    if (!name.name.starts_with("nvidia")) continue;
    auto kept = system.List(root + "/" + name.name);
    if (!kept.ok()) continue;
    for (const DirEntry& version : *kept) {
      if (FindVersion(version.name) != version.name) continue;
      if (system.Exists(root + "/" + name.name + "/" + version.name + "/" + kernel))
        versions.insert(version.name);
    }
  }
  return versions.size() == 1 ? *versions.begin() : "";
}

Text InstalledVersion(const System& system, const Host& host) {
  const std::string* kernel = host.kernel.Peek();
  if (kernel == nullptr) return Text::Unknown(host.kernel.why(), From("/lib/modules"));
  const std::string folder = "/lib/modules/" + *kernel;
  Origin origin = From(folder + "/modules.dep");
  if (kernel->empty() || kernel->find('/') != std::string::npos)
    return Text::Unknown("no kernel release", origin);

  auto there = system.Stat(folder);
  if (there.not_found()) {
    // A container has its own /lib: the modules of the machine are elsewhere.
    bool own_root = host.container.state() == FactState::kAbsent && host.wsl.state() == FactState::kAbsent;
    return own_root ? Text::Absent(From(folder)) : Text::Unknown(there.error().message, From(folder));
  }
  auto index = system.ReadAll(origin.from, 32 << 20);
  if (!index.ok()) return Text::Unknown(index.error().message, origin);
  for (std::string_view line : SplitLines(*index)) {
    std::string_view file = line.substr(0, line.find(':'));
    if (!IsDriverFile(file)) continue;
    std::string version = VersionInDkms(system, *kernel);
    if (!version.empty()) return Text::Value(std::move(version), From("/var/lib/dkms"));
    return Text::Value(folder + "/" + std::string(file), origin);
  }
  return Text::Absent(origin);
}

// The newest driver that still drives every assumed GPU.
std::string DriverFor(const std::vector<GpuModel>& gpus, const Knowledge& knowledge) {
  std::string newest;
  for (const GpuModel& gpu : gpus) {
    std::string driver = knowledge.NewestDriverFor(gpu.compute_capability);
    if (newest.empty() || (!driver.empty() && CompareVersions(driver, newest) < 0))
      newest = std::move(driver);
  }
  return newest;
}

void Assume(const Knowledge& knowledge, const Question& question, KernelDriver& driver) {
  const Origin origin = {Witness::kStated, "--assume"};
  std::string version = question.assumed_driver;
  if (version.empty()) version = DriverFor(question.assumed_gpus, knowledge);
  driver.version = version.empty() ? Text::Unknown("our data names no driver for this GPU", origin)
                                   : Text::Value(std::move(version), origin);
  driver.flavour = Text::Absent(origin);
  driver.installed_version = driver.version;
  driver.nouveau_loaded = Fact<bool>::Value(false, origin);
}

}  // namespace

void ProbeKernelDriver(const System& system, const Knowledge& knowledge, const Question& question,
                       Facts& facts) {
  if (!question.assumed_gpus.empty()) return Assume(knowledge, question, facts.kernel_driver);
  ProbeLoaded(system, facts.host, facts.kernel_driver);
  facts.kernel_driver.installed_version = InstalledVersion(system, facts.host);
}

}  // namespace tfdoctor
