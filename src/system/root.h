// Another root file system: a mounted image, a chroot, the root of a container. Everything is read below its
// folder, also /proc, /sys and /dev, as plain files; nothing comes from the running kernel or from the
// environment of this process.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "system/system.h"

namespace tfdoctor {

struct RootSettings {
  std::map<std::string, std::string> environment;
  std::string working_directory = "/";
  // Walks by ourselves also where the kernel could: for tests of the walk.
  bool own_walk = false;
};

// Error: the folder cannot be opened, or is none. What its paths mean is decided by openat2(RESOLVE_IN_ROOT),
// or by our own walk where the kernel has no such call: symbolic links, absolute ones too, stay inside.
Result<std::unique_ptr<System>> RootSystem(const std::string& folder, RootSettings settings);

// Of the head of an ELF file: "x86_64", "aarch64"; empty: it is none, or of another machine.
std::string MachineOfProgram(const System& system, const std::string& path);
// What `system` itself tells of the machine that it is for: "x86_64" by the programs it holds; empty: nothing
// that is known.
std::string MachineOfPrograms(const System& system);
// The level of its processor by its /proc/cpuinfo; kUnknownIsaLevel without one.
int IsaLevelOfCpuInfo(const System& system, const std::string& machine);
// As System::NotRunning().
std::string WhyNotRunning(const System& system);

}  // namespace tfdoctor
