// Writes small, valid 64-bit ELF objects from a listing. ld.so opens them for real: skeletons of libraries
// that are too large to have at hand, in tests; and what a repair would bring, in an overlay.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "elf/object.h"

namespace tfdoctor::elf {

struct Export {
  std::string name;
  std::string version;  // empty: none
  std::string bytes;    // of a data symbol; empty: stands for a function (never to be called)
};

struct Blueprint {
  std::string soname = {};
  std::vector<std::string> needed = {};
  std::optional<std::string> rpath = {};
  std::optional<std::string> runpath = {};
  std::vector<Symbol> imports = {};  // each is bound when the object is opened with RTLD_NOW
  std::vector<Export> exports = {};
  std::vector<VersionNeed> version_needs = {};        // besides those of `imports`
  std::vector<std::string> version_definitions = {};  // besides those of `exports`
  std::string build_id = {};                          // hex
  uint16_t machine = kMachineX86_64;
  std::string interpreter = {};  // makes it an executable (which does nothing good when it is really run)
  bool gnu_hash = true;          // false: the older DT_HASH
  bool no_default_folders = false;
};

// The bytes of the file.
std::string WriteObject(const Blueprint& blueprint);

}  // namespace tfdoctor::elf
