// What is read only where something is wrong: why the module is not there, what the kernel said, who holds
// the memory. On a healthy machine none of it is looked at, and its facts stay "nobody looked".

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "facts/devices.h"
#include "probes/container_engine.h"
#include "probes/control_group.h"
#include "probes/found.h"
#include "probes/kernel_log.h"
#include "probes/probes.h"

namespace tfdoctor {

namespace {

bool HasNvidiaAdapter(const Facts& facts) {
  const auto* gpus = facts.gpus.Peek();
  if (gpus == nullptr) return true;  // perhaps
  return std::any_of(gpus->begin(), gpus->end(), [](const auto& entry) {
    const std::string* vendor = entry.second.vendor.Peek();
    return vendor == nullptr || *vendor == "NVIDIA";
  });
}

std::string KernelOf(const Facts& facts) {
  const std::string* kernel = facts.host.kernel.Peek();
  return kernel == nullptr || kernel->find('/') != std::string::npos ? "" : *kernel;
}

// --- the module that is not loaded
// --------------------------------------------------------------------------------------------------------

// Whether the list of a kernel's modules names NVIDIA's: "updates/dkms/nvidia.ko:".
bool NamesDriver(std::string_view index) {
  for (std::string_view line : SplitLines(index)) {
    if (IsDriverFile(line.substr(0, line.find(':')))) return true;
  }
  return false;
}

List BuiltFor(const System& system) {
  constexpr size_t kMostKernels = 32;
  Origin origin = From("/lib/modules");
  auto kernels = system.List(origin.from, kMostKernels);
  if (!kernels.ok()) return List::Unknown(kernels.error().message, std::move(origin));
  std::vector<std::string> built;
  for (const DirEntry& kernel : *kernels) {
    const std::string path = "/lib/modules/" + kernel.name + "/modules.dep";
    auto index = system.ReadAll(path, 32 << 20);
    if (!index.ok() && !index.not_found()) return List::Unknown(index.error().message, From(path));
    if (index.ok() && NamesDriver(*index)) built.push_back(kernel.name);
  }
  return List::Value(std::move(built), std::move(origin));
}

// The last line of a build's log that tells why it stopped.
std::string WhyBuildFailed(std::string_view log) {
  static constexpr std::array<std::string_view, 6> kSigns = {
      "error:", "Error ", "ERROR", "gcc-version-check failed", "kernel headers", "No rule to make target"};
  std::string why;
  for (std::string_view line : SplitLines(log)) {
    for (std::string_view sign : kSigns) {
      if (line.find(sign) == std::string_view::npos) continue;
      // The first says most: what follows are make's own words about it.
      if (why.empty()) why = Printable(Trim(line), 300);
      break;
    }
  }
  return why;
}

void ProbeDkms(const System& system, const std::string& kernel, KernelDriver& driver) {
  const std::string root = "/var/lib/dkms";
  Origin origin = From(root);
  auto names = system.List(root, 1000);
  if (!names.ok()) {
    bool absent = names.not_found();
    driver.dkms = absent ? Text::Absent(origin) : Text::Unknown(names.error().message, origin);
    driver.dkms_failure = driver.dkms;
    return;
  }
  driver.dkms = Text::Absent(origin);
  driver.dkms_failure = Text::Absent(origin);
  for (const DirEntry& name : *names) {
    if (!name.name.starts_with("nvidia")) continue;
    auto versions = system.List(root + "/" + name.name, 1000);
    if (!versions.ok()) {
      driver.dkms = driver.dkms_failure =
          Text::Unknown(versions.error().message, From(root + "/" + name.name));
      return;
    }
    for (const DirEntry& version : *versions) {
      if (FindVersion(version.name) != version.name) continue;
      const std::string folder = root + "/" + name.name + "/" + version.name;
      bool built = system.Exists(folder + "/" + kernel);
      driver.dkms = Text::Value(built ? "built" : "added", From(folder));
      if (built) continue;
      const std::string path = folder + "/build/make.log";
      auto log = system.ReadAll(path, 8 << 20);
      // The log is of the last build, which names its kernel; another's says nothing of this one.
      if (!log.ok() || log->find(kernel) == std::string::npos) continue;
      std::string why = WhyBuildFailed(*log);
      if (!why.empty()) driver.dkms_failure = Text::Value(std::move(why), From(path));
    }
  }
}

// "blacklist nvidia", "install nvidia /bin/false"; '-' and '_' are one letter to modprobe.
bool KeepsFromLoading(std::string_view line) {
  auto words = SplitWords(line);
  if (words.size() < 2 || words[1] != "nvidia") return false;
  if (words[0] == "blacklist") return true;
  return words[0] == "install" && words.size() > 2 && (words[2] == "/bin/false" || words[2] == "/bin/true");
}

List Blacklisted(const System& system) {
  std::vector<std::string> found;
  List unread;  // the first that may hold a line and could not be read
  auto missed = [&](const auto& result, const std::string& path) {
    if (!result.ok() && !result.not_found() && unread.origin().from.empty())
      unread = List::Unknown(result.error().message, From(path));
    return !result.ok();
  };
  for (const char* folder :
       {"/etc/modprobe.d", "/run/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d"}) {
    auto entries = system.List(folder, 1000);
    if (missed(entries, folder)) continue;
    for (const DirEntry& entry : *entries) {
      if (!entry.name.ends_with(".conf")) continue;
      const std::string path = std::string(folder) + "/" + entry.name;
      auto text = system.ReadAll(path, 1 << 20);
      if (missed(text, path)) continue;
      for (std::string_view line : SplitLines(*text)) {
        if (KeepsFromLoading(line)) found.push_back(path + ": " + Printable(Trim(line), 200));
      }
    }
  }
  auto line = system.ReadAll("/proc/cmdline", 64 * 1024);
  for (std::string_view word : line.ok() ? SplitWords(*line) : std::vector<std::string_view>()) {
    for (std::string_view option : {"modprobe.blacklist=", "module_blacklist=", "rd.driver.blacklist="}) {
      if (!word.starts_with(option)) continue;
      for (const std::string& name : Split(word.substr(option.size()), ','))
        if (name == "nvidia") found.push_back("kernel command line: " + Printable(Trim(word), 200));
    }
  }
  if (found.empty() && !unread.origin().from.empty()) return unread;
  return List::Value(std::move(found), From("/etc/modprobe.d"));
}

// Four bytes of attributes, then 1 or 0. Without EFI there is no Secure Boot.
Fact<bool> SecureBoot(const System& system) {
  const std::string path = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
  auto bytes = system.ReadAll(path, 4096);
  if (bytes.ok() && bytes->size() == 5) return Fact<bool>::Value((*bytes)[4] == 1, From(path));
  if (bytes.not_found() && system.LStat("/sys/firmware").ok() &&
      system.LStat("/sys/firmware/efi").not_found())
    return Fact<bool>::Value(false, From("/sys/firmware"));
  return Fact<bool>::Unknown(bytes.ok() ? "no such variable as it should be" : bytes.error().message,
                             From(path));
}

// The kernel's signature stands at the end of the file, before it is compressed.
Fact<bool> Signed(const System& system, const std::string& kernel) {
  constexpr std::string_view kMark = "~Module signature appended~\n";
  const std::string folder = "/lib/modules/" + kernel;
  Origin origin = From(folder + "/modules.dep");
  auto index = system.ReadAll(origin.from, 32 << 20);
  if (!index.ok()) return Fact<bool>::Unknown(index.error().message, origin);
  for (std::string_view line : SplitLines(*index)) {
    std::string_view file = line.substr(0, line.find(':'));
    if (!IsDriverFile(file) || !file.ends_with(".ko")) continue;
    const std::string path = folder + "/" + std::string(file);
    auto stat = system.Stat(path);
    if (!stat.ok()) return Fact<bool>::Unknown(stat.error().message, From(path));
    uint64_t from = stat->size > kMark.size() ? stat->size - kMark.size() : 0;
    auto end = system.Read(path, from, kMark.size());
    if (!end.ok()) return Fact<bool>::Unknown(end.error().message, From(path));
    return Fact<bool>::Value(*end == kMark, From(path));
  }
  return Fact<bool>::Unknown("the module's file is compressed or not found", origin);
}

// What prime-select (Ubuntu) and envycontrol leave.
Text PrimeProfile(const System& system) {
  const std::string path = "/etc/prime-discrete";
  auto profile = system.ReadAll(path, 4096);
  if (!profile.ok() && !profile.not_found()) return Text::Unknown(profile.error().message, From(path));
  if (const auto& text = profile; text.ok()) {
    std::string_view word = Trim(*text);
    if (word == "off") return Text::Value("intel", From(path));
    if (word == "on") return Text::Value("nvidia", From(path));
    if (word == "on-demand" || word == "intel" || word == "nvidia")
      return Text::Value(std::string(word), From(path));
  }
  for (const char* file :
       {"/lib/modprobe.d/blacklist-nvidia.conf", "/etc/modprobe.d/blacklist-nvidia.conf"}) {
    auto text = system.ReadAll(file, 64 * 1024);
    if (text.not_found()) continue;
    if (!text.ok()) return Text::Unknown(text.error().message, From(file));
    for (std::string_view line : SplitLines(*text)) {
      if (KeepsFromLoading(line))
        return Text::Value(text->find("envycontrol") != std::string::npos ? "integrated" : "intel",
                           From(file));
    }
  }
  return Text::Absent(From(path));
}

void ProbeAbsentModule(const System& system, Facts& facts) {
  KernelDriver& driver = facts.kernel_driver;
  driver.prime_profile = PrimeProfile(system);
  if (!HasNvidiaAdapter(facts)) return;
  const std::string kernel = KernelOf(facts);
  driver.built_for = BuiltFor(system);
  driver.blacklisted = Blacklisted(system);
  facts.host.secure_boot = SecureBoot(system);
  if (kernel.empty()) return;
  ProbeDkms(system, kernel, driver);
  auto headers = system.Stat("/lib/modules/" + kernel + "/build");
  if (headers.ok() || headers.not_found())
    driver.headers = Fact<bool>::Value(headers.ok(), From("/lib/modules/" + kernel + "/build"));
  if (driver.installed_version.Peek() != nullptr) driver.signed_module = Signed(system, kernel);
}

// --- the driver that refuses
// --------------------------------------------------------------------------------------------------------

Text Resumed(const System& system) {
  const std::string path = "/sys/power/suspend_stats/success";
  auto text = system.ReadAll(path, 4096);
  if (!text.ok()) return Text::Unknown(text.error().message, From(path));
  std::string_view number = Trim(*text);
  if (number.empty() || number.find_first_not_of("0123456789") != std::string_view::npos)
    return Text::Unknown("no number in " + path, From(path));
  return number == "0" ? Text::Absent(From(path)) : Text::Value("yes", From(path));
}

// Whether each NVIDIA GPU still answers: what is not there reads as all ones.
void ProbeBus(const System& system, Facts& facts) {
  auto* gpus = facts.gpus.Mutable();
  if (gpus == nullptr) return;
  for (auto& [address, gpu] : *gpus) {
    const std::string* vendor = gpu.vendor.Peek();
    if (vendor == nullptr || *vendor != "NVIDIA") continue;
    const std::string folder = "/sys/bus/pci/devices/" + address;
    auto config = system.Read(folder + "/config", 0, 4);
    if (config.ok() && config->size() == 4)
      gpu.responds = Fact<bool>::Value(*config != "\xff\xff\xff\xff", From(folder + "/config"));
    auto power = system.ReadAll(folder + "/power_state", 4096);
    if (power.ok()) gpu.power = Text::Value(Printable(Trim(*power), 20), From(folder + "/power_state"));
  }
}

// NVSwitches are bridges (class 0680) of NVIDIA.
List NvSwitches(const System& system) {
  const std::string folder = "/sys/bus/pci/devices";
  auto devices = system.List(folder);
  if (!devices.ok()) return List::Unknown(devices.error().message, From(folder));
  std::vector<std::string> found;
  for (const DirEntry& device : *devices) {
    auto kind = system.ReadAll(folder + "/" + device.name + "/class", 4096);
    if (!kind.ok()) return List::Unknown(kind.error().message, From(folder + "/" + device.name));
    if (!Trim(*kind).starts_with("0x0680")) continue;
    auto vendor = system.ReadAll(folder + "/" + device.name + "/vendor", 4096);
    if (vendor.ok() && Trim(*vendor) == "0x10de") found.push_back(device.name);
  }
  return List::Value(std::move(found), From(folder));
}

// The version of an installed Debian package whose name starts so: "535.54.03-1" -> "535.54.03".
std::string PackageVersion(const System& system, std::string_view name) {
  auto status = system.ReadAll("/var/lib/dpkg/status", 64 << 20);
  if (!status.ok()) return {};
  bool here = false;
  for (std::string_view line : SplitLines(*status)) {
    if (line.starts_with("Package: ")) here = line.substr(9).starts_with(name);
    // "Status: deinstall ok config-files": removed, its settings stayed.
    if (line.starts_with("Status: ")) here = here && line.ends_with(" installed");
    if (here && line.starts_with("Version: ")) return FindVersion(line);
  }
  return {};
}

void ProbeFabricManager(const System& system, KernelDriver& driver) {
  driver.nvswitches = NvSwitches(system);
  const std::string program = "/usr/bin/nv-fabricmanager";
  auto there = system.Stat(program);
  if (there.not_found()) {
    driver.fabric_manager = Text::Absent(From(program));
  } else if (!there.ok()) {
    driver.fabric_manager = Text::Unknown(there.error().message, From(program));
  } else {
    std::string version = PackageVersion(system, "nvidia-fabricmanager");
    driver.fabric_manager = Text::Value(version.empty() ? program : version, From(program));
  }
  auto processes = system.List("/proc", 100'000);
  if (!processes.ok()) return;
  // Mounted with hidepid, /proc shows this user's processes only.
  if (!system.ReadAll("/proc/1/comm", 64).ok()) {
    driver.fabric_manager_running = Fact<bool>::Unknown("the processes of others are hidden", From("/proc"));
    return;
  }
  bool runs = false;
  for (const DirEntry& process : *processes) {
    if (process.name.find_first_not_of("0123456789") != std::string::npos) continue;
    auto name = system.ReadAll("/proc/" + process.name + "/comm", 64);
    runs = runs || (name.ok() && name->starts_with("nv-fabricmanage"));
  }
  driver.fabric_manager_running = Fact<bool>::Value(runs, From("/proc"));
}

// Where the kernel looks for firmware, in its order (Linux,
// Documentation/driver-api/firmware/fw_search_path.rst).
std::vector<std::string> FirmwareFolders(const System& system, const Facts& facts) {
  std::vector<std::string> folders;
  if (auto set = system.ReadAll("/sys/module/firmware_class/parameters/path", 4096);
      set.ok() && Trim(*set).starts_with('/'))
    folders.emplace_back(Trim(*set));
  const std::string* release = facts.host.kernel.Peek();
  for (const char* folder : {"/lib/firmware/updates", "/lib/firmware"}) {
    if (release != nullptr) folders.push_back(std::string(folder) + "/" + *release);
    folders.emplace_back(folder);
  }
  return folders;
}

Text Firmware(const System& system, const Facts& facts) {
  const std::string* version = facts.kernel_driver.version.Peek();
  if (version == nullptr) return Text::Unknown("the module is not loaded", From("/lib/firmware/nvidia"));
  if (facts.host.container.Peek() != nullptr)
    return Text::Unknown("the firmware lies on the host, out of this container's sight",
                         From("/lib/firmware/nvidia"));
  Origin last;
  for (const std::string& folder : FirmwareFolders(system, facts)) {
    last = From(folder + "/nvidia/" + *version);
    auto files = system.List(last.from, 1000);
    if (files.not_found()) continue;
    if (!files.ok()) return Text::Unknown(files.error().message, std::move(last));
    if (std::any_of(files->begin(), files->end(),
                    [](const DirEntry& file) { return file.name.starts_with("gsp"); }))
      return Text::Value(last.from, last);
  }
  return Text::Absent(std::move(last));
}

List ControlGroupRules(const System& system) {
  const std::string path = "/sys/fs/cgroup/devices/devices.list";
  auto text = system.ReadAll(path, 1 << 20);
  if (text.not_found()) return List::Absent(From(path));
  if (!text.ok()) return List::Unknown(text.error().message, From(path));
  std::vector<std::string> rules;
  for (std::string_view line : SplitLines(*text)) {
    if (!Trim(line).empty()) rules.push_back(Printable(Trim(line), 100));
  }
  return List::Value(std::move(rules), From(path));
}

// What a security module lets this process do. The kernel gives the label of whichever is at work; SELinux's
// is "user:role:type:level", AppArmor's "profile (mode)". Source: proc_pid_attr(5).
Text Confinement(const System& system) {
  const std::string path = "/proc/self/attr/current";
  auto text = system.ReadAll(path, 4096);
  if (!text.ok()) return Text::Unknown(text.error().message, From(path));
  std::string label = Printable(Trim(std::string_view(*text).substr(0, text->find('\0'))), 200);
  if (label.empty() || label == "unconfined" || label.find(":unconfined_t:") != std::string::npos)
    return Text::Absent(From(path));
  const bool selinux =
      std::count(label.begin(), label.end(), ':') >= 3 && label.find(" (") == std::string::npos;
  return Text::Value((selinux ? "SELinux label " : "AppArmor profile ") + label, From(path));
}

// --- who holds the memory
// --------------------------------------------------------------------------------------------------------

// What NVML lists may be of another container, where this process's /proc does not reach.
void DescribeProcess(const System& system, const std::string& pid, MemoryHolder& holder) {
  const std::string folder = "/proc/" + pid;
  auto stat = system.Stat(folder);
  if (stat.not_found()) {
    holder.command = holder.user = holder.container = Text::Absent(From(folder));
    return;
  }
  if (stat.ok()) holder.user = Text::Value(std::to_string(stat->uid), From(folder));
  auto line = system.ReadAll(folder + "/cmdline", 64 * 1024);
  if (line.ok()) {
    std::replace(line->begin(), line->end(), '\0', ' ');
    holder.command = Text::Value(Printable(Trim(*line), 120), From(folder + "/cmdline"));
  } else {
    holder.command = Text::Unknown(line.error().message, From(folder + "/cmdline"));
  }
  auto groups = system.ReadAll(folder + "/cgroup", 64 * 1024);
  if (!groups.ok()) {
    holder.container = Text::Unknown(groups.error().message, From(folder + "/cgroup"));
    return;
  }
  const std::string engine = EngineOfControlGroup(*groups);
  holder.container =
      engine.empty() ? Text::Absent(From(folder + "/cgroup")) : Text::Value(engine, From(folder + "/cgroup"));
}

// Processes that have a device node open: NVML does not list those of other containers, nor leftovers.
void ProbeHolders(const System& system, DeviceMemory& memory) {
  constexpr size_t kMostFiles = 4096;
  constexpr size_t kMostHolders = 64;
  auto processes = system.List("/proc", 100'000);
  if (!processes.ok()) return;
  std::map<std::string, MemoryHolder> holders;
  if (const auto* listed = memory.holders.Peek()) holders = *listed;
  bool others = false;
  for (const DirEntry& process : *processes) {
    if (process.name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string folder = "/proc/" + process.name;
    auto files = system.List(folder + "/fd", kMostFiles);
    if (!files.ok()) {
      others = others || !files.not_found();
      continue;
    }
    std::vector<std::string> nodes;
    for (const DirEntry& file : *files) {
      auto target = system.ReadLink(folder + "/fd/" + file.name);
      constexpr std::string_view kNode = "/dev/nvidia";
      if (!target.ok() || !target->starts_with(kNode) || target->size() == kNode.size()) continue;
      if (target->find_first_not_of("0123456789", kNode.size()) == std::string::npos)
        nodes.push_back(*target);
    }
    if (nodes.empty() || holders.size() >= kMostHolders) continue;
    std::sort(nodes.begin(), nodes.end());
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    MemoryHolder& holder = holders[process.name];
    if (holder.listed.Peek() == nullptr) holder.listed = Fact<bool>::Value(false, From(folder + "/fd"));
    if (holder.devices.Peek() == nullptr)
      holder.devices = List::Value(std::move(nodes), From(folder + "/fd"));
  }
  for (auto& [pid, holder] : holders) DescribeProcess(system, pid, holder);
  memory.holders = Fact<std::map<std::string, MemoryHolder>>::Value(std::move(holders), From("/proc/*/fd"));
  memory.other_users = Fact<bool>::Value(others, From("/proc"));
}

bool MemoryIsShort(const DriverAnswers& answers) {
  const auto* devices = answers.devices.Peek();
  return devices != nullptr && std::any_of(devices->begin(), devices->end(), [](const auto& entry) {
           const std::string* context = entry.second.context.Peek();
           const Room room = RoomOn(entry.second);
           const bool taken = context != nullptr && *context == "46";  // CUDA_ERROR_DEVICE_UNAVAILABLE
           return taken || (room != Room::kUnknown && room != Room::kEnough);
         });
}

// "Max address space          4096000000           unlimited            bytes": the first is what counts.
Text AddressSpace(const System& system) {
  constexpr std::string_view kName = "Max address space";
  const Origin origin = From("/proc/self/limits");
  auto limits = system.ReadAll(origin.from, 64 * 1024);
  if (!limits.ok()) return Text::Unknown(limits.error().message, origin);
  for (std::string_view line : SplitLines(*limits)) {
    if (!line.starts_with(kName)) continue;
    const auto words = SplitWords(line.substr(kName.size()));
    if (words.empty()) break;
    if (words[0] == "unlimited") return Text::Absent(origin);
    if (words[0].find_first_not_of("0123456789") == std::string_view::npos)
      return Text::Value(std::string(words[0]), origin);
  }
  return Text::Unknown("no line of the address space in it", origin);
}

bool DriverRefuses(const DriverAnswers& answers) {
  const bool* asked = answers.asked.Peek();
  if (asked == nullptr || !*asked) return false;
  const std::string* init = answers.init.Peek();
  const std::string* count = answers.count.Peek();
  return init == nullptr || *init != "0" || count == nullptr || *count == "0" ||
         answers.ended.Peek() != nullptr;
}

// libcuda lists devices, and something is wrong with one of them, or with one that it does not list: a
// context fails, NVML does not reach it, or the module drives one that nobody lists. (In a container, and
// under a control group, the bus shows those of others, too.)
bool OneMayBeLost(const Facts& facts) {
  const DriverAnswers& answers = facts.driver_answers;
  const auto* devices = answers.devices.Peek();
  if (devices == nullptr) return false;
  for (const auto& [ordinal, device] : *devices) {
    const std::string* context = device.context.Peek();
    if (context != nullptr && *context != "0") return true;
  }
  const auto* lost = answers.nvml_lost.Peek();
  const auto* listed = answers.nvml_devices.Peek();
  const auto* gpus = facts.gpus.Peek();
  if (lost == nullptr || listed == nullptr || gpus == nullptr) return false;
  if (!lost->empty()) return true;
  const auto among = [](const auto& all, const std::string& address) {
    return std::any_of(all.begin(), all.end(), [&](const auto& device) {
      const std::string* at = device.second.pci_address.Peek();
      return at != nullptr && *at == address;
    });
  };
  return std::any_of(gpus->begin(), gpus->end(), [&](const auto& gpu) {
    const std::string* driver = gpu.second.kernel_driver.Peek();
    return driver != nullptr && *driver == "nvidia" && !among(*listed, gpu.first) &&
           !among(*devices, gpu.first);
  });
}

}  // namespace

void ProbeHolders(const System& system, Facts& facts) { ProbeHolders(system, facts.device_memory); }

void ProbeTrouble(const System& system, const Knowledge&, const Question& question, Facts& facts) {
  if (!question.assumed_gpus.empty()) return;
  bool windows = facts.host.wsl.Peek() != nullptr;
  bool contained = facts.host.container.Peek() != nullptr;
  bool not_loaded = facts.kernel_driver.version.state() == FactState::kAbsent;
  bool refuses = DriverRefuses(facts.driver_answers);
  if (not_loaded && !windows && !contained) ProbeAbsentModule(system, facts);
  bool of_module = not_loaded && HasNvidiaAdapter(facts);
  const bool one_lost = !windows && !refuses && OneMayBeLost(facts);
  if (!windows && (refuses || of_module || one_lost)) ReadKernelLog(system, facts.kernel_log);
  if (one_lost) ProbeBus(system, facts);
  if (refuses && !windows) {
    ProbeBus(system, facts);
    facts.kernel_driver.resumed = Resumed(system);
    facts.kernel_driver.firmware = Firmware(system, facts);
    facts.host.address_space = AddressSpace(system);
    const std::string* init = facts.driver_answers.init.Peek();
    if (!contained && init != nullptr && *init == "802") ProbeFabricManager(system, facts.kernel_driver);
    if (contained) facts.device_access.cgroup_rules = ControlGroupRules(system);
    const auto* refused = facts.device_access.refused.Peek();
    if (refused != nullptr && !refused->empty()) facts.device_access.confinement = Confinement(system);
  }
  const bool no_library = facts.driver_library.cuda.path.state() == FactState::kAbsent;
  if (contained && (refuses || no_library || not_loaded))
    ReadEngineFromInside(system, facts.container_engine);
  // Without TensorFlow here, the program may be meant to run in a container.
  const bool no_tensorflow = facts.tensorflow.folder.state() == FactState::kAbsent;
  if (!contained && no_tensorflow && facts.kernel_driver.version.Peek() != nullptr)
    ReadInstalledEngines(system, facts.container_engine);
  if (MemoryIsShort(facts.driver_answers)) ProbeHolders(system, facts.device_memory);
}

}  // namespace tfdoctor
