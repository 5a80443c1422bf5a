// The hash functions of DT_HASH (and of versions) and of DT_GNU_HASH.
#pragma once

#include <cstdint>
#include <string_view>

namespace tfdoctor::elf {

inline uint32_t SysvHash(std::string_view name) {
  uint32_t hash = 0;
  for (const char c : name) {
    hash = (hash << 4) + static_cast<unsigned char>(c);
    hash ^= (hash & 0xf0000000U) >> 24;
    hash &= 0x0fffffffU;
  }
  return hash;
}

inline uint32_t GnuHash(std::string_view name) {
  uint32_t hash = 5381;
  for (const char c : name) hash = hash * 33 + static_cast<unsigned char>(c);
  return hash;
}

}  // namespace tfdoctor::elf
