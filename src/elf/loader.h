// Which file the dynamic loader (glibc's ld.so) would take for a library name, without running anything.
// The rules are those of ld.so(8) and of glibc's elf/dl-load.c, dl-lookup.c, dl-version.c.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "elf/object.h"
#include "system/system.h"

namespace tfdoctor::elf {

enum class FoundBy : uint8_t {
  kNotFound,
  kPath,
  kAlreadyLoaded,
  kPreload,
  kRpath,
  kLibraryPath,
  kRunpath,
  kCache,
  kDefaultFolder,
  kExecutable,
};

struct Resolution {
  bool loads = false;  // the library and everything it needs would be loaded
  std::string path;    // the file taken, as ld.so names it; empty: none found
  FoundBy found_by = FoundBy::kNotFound;
  std::string detail;  // for people: "RUNPATH of /x/libtensorflow_framework.so.2", "LD_LIBRARY_PATH entry /y"
  std::string failure;  // why it does not load, as ld.so would say it; empty: it loads
  std::string missing;  // the soname that is not found, itself or a dependency; empty: none
  std::string
      missing_for;  // the object that needs `missing` (or the undefined symbol); empty: the caller itself
  // The library that lacks a symbol or a version that another one needs of it, its file and how that was
  // found.
  std::string lacking, lacking_path, lacking_detail;
  std::vector<std::string> searched;  // when none is found: folders looked into, in order, each once
  std::vector<std::string>
      rejected;  // "FILE: why": right name, but not usable (other architecture, not ELF, cut short)
  std::vector<std::string>
      unreadable;  // places that could not be looked into although they exist: the answer is unsure
};

// A process that has been started and opens libraries. Value semantics: copy it to try something.
class Process {
 public:
  // Starts `executable` as the kernel and ld.so would: its interpreter's rules, its dependencies, LD_PRELOAD
  // and /etc/ld.so.preload, with the environment of `system`. Reads are cached in the process.
  static Result<Process> Start(const System& system, const std::string& executable);
  ~Process();
  Process(const Process&);
  Process(Process&&) noexcept;
  Process& operator=(Process&&) noexcept;

  // dlopen(name, RTLD_NOW) called from code in the object `caller` (a path that is loaded; empty: the
  // executable). What loads stays loaded, what fails is unloaded again, as in glibc.
  Resolution Open(const std::string& name, const std::string& caller = "");
  // Every file of this name that the search would meet after the one it takes, in order.
  std::vector<std::string> AlsoOnPath(const std::string& name, const std::string& caller = "");
  // As elf::SymbolBytes(), without reading again what is known of a file that Open() met.
  Result<std::string> SymbolBytes(const std::string& path, const std::string& symbol, size_t limit);
  // Paths of everything loaded, in load order.
  std::vector<std::string> Loaded() const;

 private:
  struct State;
  explicit Process(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tfdoctor::elf
