// /etc/ld.so.cache: the table that ldconfig writes and ld.so consults after the search paths.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "system/system.h"

namespace tfdoctor::elf {

class LdCache {
 public:
  // An absent file is kNotFound: ld.so then goes without.
  static Result<LdCache> Load(const System& system, const std::string& path);
  // From the bytes of the file. kMalformed: ld.so would ignore it as well.
  static Result<LdCache> Parse(std::string bytes);

  // The path that ld.so takes for a name on a machine (EM_…); `subfolders` are the glibc-hwcaps that it
  // supports, best first ("x86-64-v4"). Empty: not in the cache.
  std::string Lookup(std::string_view name, uint16_t machine,
                     const std::vector<std::string>& subfolders) const;

 private:
  struct Entry {
    uint32_t flags = 0;
    uint32_t key = 0;
    uint32_t value = 0;
    uint64_t hwcap = 0;  // the old format has none
  };
  Entry At(size_t index) const;
  std::string_view Text(uint32_t offset) const;  // empty: outside
  std::vector<std::string> ReadHwcapNames(size_t header) const;

  std::string bytes_;
  bool new_format_ = true;
  size_t entries_ = 0;  // offset of the first entry
  size_t entry_count_ = 0;
  size_t strings_ = 0;  // what the offsets of names are relative to
  std::vector<std::string> hwcap_names_;
};

}  // namespace tfdoctor::elf
