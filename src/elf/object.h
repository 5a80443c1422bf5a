// What an ELF shared object or executable says of itself; only its headers and the few tables needed are
// read.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "system/system.h"

namespace tfdoctor::elf {

struct VersionNeed {
  std::string file;  // soname that must define them: "libcublas.so.12"
  struct Version {
    std::string name;
    bool weak = false;  // ld.so only warns when it is missing
  };
  std::vector<Version> versions;  // "libcublas.so.12", "GLIBC_2.34"
};

struct Symbol {
  std::string name;
  std::string version;  // empty: none
  std::string file;     // of an undefined one: the soname that its version names
  bool weak = false;
};

struct Object {
  std::string path;
  bool is_64 = true;           // false: only `machine` and `file_size` are filled in
  uint16_t machine = 0;        // EM_X86_64, EM_AARCH64
  bool is_executable = false;  // a program (also a position-independent one): cannot be opened as a library
  std::string interpreter;     // PT_INTERP of an executable
  std::string soname;
  std::vector<std::string> needed;
  std::optional<std::string> rpath;    // DT_RPATH, as written ("$ORIGIN/…")
  std::optional<std::string> runpath;  // DT_RUNPATH
  bool no_default_folders = false;     // DF_1_NODEFLIB
  std::vector<VersionNeed> version_needs;
  std::vector<std::string> version_definitions;
  std::string build_id;  // hex; empty: none
  uint64_t file_size = 0;
};

inline constexpr uint16_t kMachineX86_64 = 62;
inline constexpr uint16_t kMachineAarch64 = 183;

// Reads what the loader looks at. Never more than a few pages for a well-formed file of any size.
// Errors: kNotFound, kDenied, kWrongType, kMalformed (with what is wrong, as ld.so says it: "invalid ELF
// header", "file too short", …).
Result<Object> ReadObject(const System& system, const std::string& path);

// Undefined dynamic symbols of an object; more than 65536 are kTooLarge. Of a program, functions whose
// address it takes are not among them.
Result<std::vector<Symbol>> UndefinedSymbols(const System& system, const std::string& path);
// The bytes of an exported data symbol, at most `limit`: cudnn_graph_version and the like.
Result<std::string> SymbolBytes(const System& system, const std::string& path, const std::string& symbol,
                                size_t limit);

}  // namespace tfdoctor::elf
