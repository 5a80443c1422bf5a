#include <array>

#include "base/text.h"
#include "elf/object.h"
#include "probes/control_group.h"
#include "probes/found.h"
#include "probes/probes.h"

namespace tfdoctor {

namespace {

// The text of a small file that every running Linux has: that it is not found only means that /proc or /sys
// is not mounted here.
Text OfKernel(const System& system, const std::string& path) {
  auto text = system.ReadAll(path, 64 * 1024);
  if (!text.ok()) return Text::Unknown(text.error().message, From(path));
  return Text::Value(std::string(Trim(*text)), From(path));
}

// The value of NAME=value in os-release(5): words of the shell, quoted or not.
std::string Assigned(std::string_view text, std::string_view name) {
  for (std::string_view line : SplitLines(text)) {
    line = Trim(line);
    if (!line.starts_with(name) || !line.substr(name.size()).starts_with('=')) continue;
    std::string_view value = line.substr(name.size() + 1);
    if (value.size() < 2 || (value.front() != '"' && value.front() != '\'')) return std::string(value);
    char quote = value.front();
    std::string plain;
    for (size_t i = 1; i < value.size() && value[i] != quote; i++) {
      if (value[i] == '\\' && quote == '"' && i + 1 < value.size()) i++;
      plain += value[i];
    }
    return plain;
  }
  return {};
}

Text DistributionName(const System& system) {
  const std::array<std::string, 2> paths = {"/etc/os-release", "/usr/lib/os-release"};
  for (const std::string& path : paths) {
    auto text = system.ReadAll(path);
    if (text.not_found()) continue;
    if (!text.ok()) return Text::Unknown(text.error().message, From(path));
    std::string name = Assigned(*text, "PRETTY_NAME");
    if (name.empty()) name = Assigned(*text, "NAME");
    if (name.empty()) return Text::Unknown("no name in " + path, From(path));
    return Text::Value(std::move(name), From(path));
  }
  return Text::Absent(From(paths[0]));
}

// "2.36" of the line that libc.so.6 prints when it is run: "GNU C Library (…) stable release version 2.36."
// It lies in .rodata, behind the code, so the search starts at the end.
std::string GlibcBanner(const System& system, const std::string& path, uint64_t size) {
  constexpr std::string_view kBanner = "GNU C Library";
  constexpr std::string_view kVersion = "release version ";
  constexpr uint64_t kChunk = 256 * 1024;
  constexpr uint64_t kOverlap = 512;  // longer than the banner
  constexpr uint64_t kLargest = 16 * 1024 * 1024;
  if (size > kLargest) return {};
  for (uint64_t end = size; end > 0;) {
    uint64_t begin = end > kChunk ? end - kChunk : 0;
    auto bytes = system.Read(path, begin, static_cast<size_t>(end - begin + kOverlap));
    if (!bytes.ok()) return {};
    size_t banner = bytes->find(kBanner);
    if (banner != std::string::npos) {
      std::string_view line = std::string_view(*bytes).substr(banner, kOverlap);
      size_t version = line.find(kVersion);
      if (version != std::string_view::npos) return FindVersion(line.substr(version));
    }
    end = begin;
  }
  return {};
}

// The newest "GLIBC_2.N" that the library defines: the release or, should one add no symbol, the one before
// it.
std::string NewestGlibcSymbol(const elf::Object& libc) {
  constexpr std::string_view kPrefix = "GLIBC_";
  std::string newest;
  for (const std::string& name : libc.version_definitions) {
    if (!name.starts_with(kPrefix)) continue;
    std::string version = FindVersion(name);
    if (!version.empty() && CompareVersions(version, newest) > 0) newest = version;
  }
  return newest;
}

Text Glibc(const System& system) {
  std::vector<std::string> folders;
  // Where the loader of this system lies, there lies its libc, whatever the distribution's layout.
  auto shell = elf::ReadObject(system, "/bin/sh");
  if (shell.ok() && !shell->interpreter.empty()) {
    if (shell->interpreter.find("/ld-musl") != std::string::npos) return Text::Absent(From("/bin/sh"));
    auto loader = system.RealPath(shell->interpreter);
    if (loader.ok()) folders.push_back(loader->substr(0, loader->rfind('/')));
  }
  folders.push_back("/lib/" + system.Machine() + "-linux-gnu");
  for (const char* folder : {"/lib64", "/usr/lib64", "/lib", "/usr/lib"}) folders.emplace_back(folder);
  std::string why = "no libc.so.6 in the standard folders";
  for (const std::string& folder : folders) {
    std::string path = folder + "/libc.so.6";
    auto libc = elf::ReadObject(system, path);
    if (libc.not_found()) continue;
    if (!libc.ok()) {
      why = libc.error().message;
      continue;
    }
    // Each release so far has added a symbol; a library without versions says it in its banner.
    std::string version = NewestGlibcSymbol(*libc);
    if (version.empty()) version = GlibcBanner(system, path, libc->file_size);
    if (!version.empty()) return Text::Value(std::move(version), From(path));
    why = "no version in " + path;
  }
  return Text::Unknown(std::move(why), From("libc.so.6"));
}

// Only the first processor's part: a server's file is long and slow to make.
Fact<std::vector<std::string>> CpuFlags(const System& system) {
  using Flags = Fact<std::vector<std::string>>;
  Origin origin = From("/proc/cpuinfo");
  auto text = system.Read(origin.from, 0, 16 * 1024);
  if (!text.ok()) return Flags::Unknown(text.error().message, std::move(origin));
  for (std::string_view line : SplitLines(*text)) {
    size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view name = Trim(line.substr(0, colon));
    if (name != "flags" && name != "Features") continue;  // x86, Arm
    std::vector<std::string> flags;
    for (std::string_view flag : SplitWords(line.substr(colon + 1))) flags.emplace_back(flag);
    return Flags::Value(std::move(flags), std::move(origin));
  }
  return Flags::Unknown("no line of flags in /proc/cpuinfo", std::move(origin));
}

Text Wsl(const System& system, const Text& kernel) {
  const std::string* release = kernel.Peek();
  if (release == nullptr) return Text::Unknown(kernel.why(), kernel.origin());
  std::string lower = Lower(*release);
  // "5.15.90.1-microsoft-standard-WSL2" and "4.4.0-19041-Microsoft".
  if (lower.find("wsl2") != std::string::npos || lower.find("microsoft-standard") != std::string::npos) {
    return Text::Value("2", kernel.origin());
  }
  if (lower.find("microsoft") != std::string::npos) return Text::Value("1", kernel.origin());
  // A kernel that somebody built for WSL 2 may have any name.
  const std::string interop = "/proc/sys/fs/binfmt_misc/WSLInterop";
  if (system.Exists(interop)) return Text::Value("2", From(interop));
  return Text::Absent(kernel.origin());
}

// What firmware of virtual machines calls itself (as in systemd's detect-virt).
std::string HypervisorOfFirmware(std::string_view firmware) {
  static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"vmware", "VMware"},
      {"virtualbox", "VirtualBox"},
      {"innotek", "VirtualBox"},
      {"parallels", "Parallels"},
      {"xen", "Xen"},
      {"virtual machine", "Hyper-V"},  // Microsoft Corporation, Virtual Machine
      {"google compute engine", "KVM (Google Compute Engine)"},
      {"amazon ec2", "KVM (Amazon EC2)"},
      {"digitalocean", "KVM (DigitalOcean)"},
      {"openstack", "KVM (OpenStack)"},
      {"alibaba cloud", "KVM (Alibaba Cloud)"},
      {"nutanix", "AHV (Nutanix)"},
      {"bhyve", "bhyve"},
      {"apple virtualization", "Apple Virtualization"},
      {"qemu", "KVM"},
      {"kvm", "KVM"},
      {"bochs", "Bochs"},
  };
  std::string lower = Lower(firmware);
  // Amazon's machines without a hypervisor: "m5.metal".
  if (lower.find(".metal") != std::string::npos) return {};
  for (const auto& [sign, name] : kNames) {
    if (lower.find(sign) != std::string::npos) return std::string(name);
  }
  return {};
}

Text Hypervisor(const System& system, const Host& host) {
  if (const std::string* wsl = host.wsl.Peek(); wsl != nullptr && *wsl == "2") {
    return Text::Value("Hyper-V", host.wsl.origin());
  }
  const std::string xen = "/sys/hypervisor/type";
  if (auto type = system.ReadAll(xen, 4096); type.ok() && Trim(*type) == "xen")
    return Text::Value("Xen", From(xen));

  const std::string folder = "/sys/class/dmi/id/";
  std::string firmware;
  for (const char* name : {"sys_vendor", "product_name"}) {
    if (auto text = system.ReadAll(folder + name, 4096); text.ok())
      firmware += std::string(Trim(*text)) + "\n";
  }
  std::string name = HypervisorOfFirmware(firmware);

  bool is_x86 = system.Machine() == "x86_64" || system.Machine() == "i686";
  const std::vector<std::string>* flags = host.cpu_flags.Peek();
  if (is_x86 && flags != nullptr) {
    // Every hypervisor for x86 sets this bit of CPUID.
    for (const std::string& flag : *flags) {
      if (flag == "hypervisor")
        return Text::Value(name.empty() ? "a hypervisor that gives no name" : name, host.cpu_flags.origin());
    }
    return Text::Absent(host.cpu_flags.origin());
  }
  if (!name.empty()) return Text::Value(std::move(name), From(folder + "product_name"));
  if (!firmware.empty()) return Text::Absent(From(folder + "product_name"));
  return Text::Unknown("neither /proc/cpuinfo nor /sys/class/dmi/id tells", From(folder + "product_name"));
}

// What the first process was told that it runs in. WSL says "wsl", which is no container.
std::string EngineTold(std::string_view name) {
  name = Trim(name);
  return name == "wsl" ? std::string() : Printable(name, 40);
}

Text Container(const System& system) {
  static constexpr std::pair<const char*, const char*> kVariables[] = {
      {"KUBERNETES_SERVICE_HOST", "kubernetes"}, {"APPTAINER_CONTAINER", "apptainer"},
      {"APPTAINER_NAME", "apptainer"},           {"SINGULARITY_CONTAINER", "singularity"},
      {"SINGULARITY_NAME", "singularity"},
  };
  for (const auto& [variable, engine] : kVariables) {
    if (system.Env(variable))
      return Text::Value(engine, From(std::string("environment variable ") + variable));
  }
  // A file that an engine leaves in its containers, and what it stands for.
  static constexpr std::pair<const char*, const char*> kFiles[] = {
      {"/var/run/secrets/kubernetes.io", "kubernetes"},
      {"/.singularity.d", "apptainer"},
      {"/run/.containerenv", "podman"},
      {"/.dockerenv", "docker"},
      {"/.flatpak-info", "flatpak"},
  };
  std::string unsure;
  for (const auto& [path, engine] : kFiles) {
    auto there = system.LStat(path);
    // A virtual machine whose disk was made of an image keeps the file, and is no container.
    if (there.ok() && std::string_view(path) == "/.dockerenv") {
      auto mounts = system.ReadAll("/proc/self/mountinfo", 4 << 20);
      if (mounts.ok() && RootIsOwnDisk(*mounts)) continue;
    }
    if (there.ok()) return Text::Value(engine, From(path));
    if (!there.not_found()) unsure = there.error().message;
  }
  // systemd writes what its first process was told; so do LXC and nspawn ("container=lxc").
  for (const char* path : {"/run/systemd/container", "/run/host/container-manager"}) {
    auto name = system.ReadAll(path, 4096);
    if (std::string told = name.ok() ? EngineTold(*name) : ""; !told.empty())
      return Text::Value(std::move(told), From(path));
  }
  if (auto variables = system.ReadAll("/proc/1/environ", 1 << 20); variables.ok()) {
    for (const std::string& variable : Split(*variables, '\0')) {
      constexpr std::string_view kContainer = "container=";
      if (!variable.starts_with(kContainer)) continue;
      if (std::string told = EngineTold(variable.substr(kContainer.size())); !told.empty())
        return Text::Value(std::move(told), From("/proc/1/environ"));
    }
  }
  const std::string path = "/proc/self/cgroup";
  auto groups = system.ReadAll(path, 64 * 1024);
  if (groups.ok()) {
    std::string engine = EngineOfControlGroup(*groups);
    if (!engine.empty()) return Text::Value(std::move(engine), From(path));
  } else {
    unsure = groups.error().message;
  }
  // A snap in its sandbox; a classic one, which has none, is "(complain)".
  const std::string label = "/proc/self/attr/current";
  if (auto text = system.ReadAll(label, 4096);
      text.ok() && text->starts_with("snap.") && text->find("(enforce)") != std::string::npos)
    return Text::Value("snap", From(label));
  const std::string mounts = "/proc/self/mountinfo";
  if (auto text = system.ReadAll(mounts, 4 << 20); text.ok()) {
    std::string engine = EngineOfRoot(*text);
    if (!engine.empty()) return Text::Value(std::move(engine), From(mounts));
  }
  if (!unsure.empty()) return Text::Unknown(std::move(unsure), From(path));
  return Text::Absent(From(path));
}

Text Runtime(const System& system) {
  if (system.Env("COLAB_RELEASE_TAG"))
    return Text::Value("Google Colab", From("environment variable COLAB_RELEASE_TAG"));
  if (system.Env("KAGGLE_KERNEL_RUN_TYPE"))
    return Text::Value("Kaggle", From("environment variable KAGGLE_KERNEL_RUN_TYPE"));
  return Text::Absent(From("environment"));
}

// "36.4.3" of "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: …", which
// nvidia-l4t-core installs. Jetsons alone have it, and they are all aarch64.
Text JetsonLinux(const System& system, const Text& machine) {
  constexpr std::string_view kMajor = "# R";
  constexpr std::string_view kRevision = "REVISION: ";
  const Origin origin = From("/etc/nv_tegra_release");
  if (machine.Peek() != nullptr && *machine.Peek() == "x86_64") return Text::Absent(machine.origin());
  auto text = system.Read(origin.from, 0, 4096);
  if (text.not_found()) return Text::Absent(origin);
  if (!text.ok()) return Text::Unknown(text.error().message, origin);
  const std::string_view line = std::string_view(*text).substr(0, text->find('\n'));
  const size_t revision = line.find(kRevision);
  if (!line.starts_with(kMajor) || revision == line.npos)
    return Text::Unknown("no release in its first line", origin);
  const auto number = [](std::string_view from) {
    return std::string(from.substr(0, from.find_first_not_of("0123456789.")));
  };
  const std::string major = number(line.substr(kMajor.size()));
  const std::string minor = number(line.substr(revision + kRevision.size()));
  if (major.empty() || minor.empty()) return Text::Unknown("no release in its first line", origin);
  return Text::Value(major + "." + minor, origin);
}

}  // namespace

void ProbeHost(const System& system, const Knowledge&, const Question&, Facts& facts) {
  Host& host = facts.host;
  std::string machine = system.Machine();
  const bool running = system.NotRunning().empty();
  const Origin teller = From(running ? "uname" : "its programs, or the configuration of the image");
  host.machine = machine.empty()
                     ? Text::Unknown(running ? "uname() tells no machine" : "no program tells it", teller)
                     : Text::Value(std::move(machine), teller);
  host.kernel = OfKernel(system, "/proc/sys/kernel/osrelease");
  host.distribution = DistributionName(system);
  host.glibc = Glibc(system);
  host.cpu_flags = CpuFlags(system);
  host.wsl = Wsl(system, host.kernel);
  host.hypervisor = Hypervisor(system, host);
  host.container = Container(system);
  host.system = Text::Value("Linux", From("uname"));
  host.runtime = Runtime(system);
  host.jetson_linux = JetsonLinux(system, host.machine);
}

}  // namespace tfdoctor
