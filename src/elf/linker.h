// What a dynamic loader's own file says of how it was built: distributions choose its folders.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "system/system.h"

namespace tfdoctor::elf {

struct Linker {
  std::string version;                       // of glibc, "2.36"
  std::vector<std::string> default_folders;  // with a slash at the end: "/lib/x86_64-linux-gnu/", …
  std::string lib;                           // what $LIB stands for: "lib/x86_64-linux-gnu", "lib64"
  std::string cache = "/etc/ld.so.cache";
  std::string preload = "/etc/ld.so.preload";
  bool glibc_hwcaps = true;    // looks into glibc-hwcaps/ (2.33 and later)
  bool legacy_hwcaps = false;  // looks into tls/, haswell/, … (2.36 and earlier)
};

// kMalformed: not glibc's.
Result<Linker> ReadLinker(const System& system, const std::string& path);

}  // namespace tfdoctor::elf
