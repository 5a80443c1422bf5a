// Any bytes as /etc/ld.so.cache.
#include <cstddef>
#include <cstdint>
#include <string>

#include "elf/cache.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tfdoctor;
  const Result<elf::LdCache> cache =
      elf::LdCache::Parse(std::string(reinterpret_cast<const char*>(data), size));
  if (!cache.ok()) return 0;
  for (const char* name : {"libc.so.6", "libcudart.so.12", "libx.so.99999999999999999999", ""}) {
    (void)cache->Lookup(name, 62, {"x86-64-v3", "x86-64-v2"});
  }
  return 0;
}
