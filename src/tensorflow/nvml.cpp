#include "tensorflow/nvml.h"

#include <dlfcn.h>

#include <cstring>

namespace tfdoctor {

namespace {

template <class... T>
int Call(void* library, const char* name, T... arguments) {
  void* found = ::dlsym(library, name);
  int (*function)(T...) = nullptr;
  std::memcpy(&function, &found, sizeof function);
  return function == nullptr ? -1 : function(arguments...);
}

}  // namespace

std::optional<DeviceMemory> ReadDeviceMemory(const std::string& address) {
  if (address.empty()) return std::nullopt;
  void* library = ::dlopen("libnvidia-ml.so.1", RTLD_NOW);
  if (library == nullptr || Call(library, "nvmlInit_v2") != 0) return std::nullopt;
  void* device = nullptr;
  struct {
    unsigned long long total, free, used;
  } memory = {};  // nvmlMemory_t
  const bool read = Call(library, "nvmlDeviceGetHandleByPciBusId_v2", address.c_str(), &device) == 0 &&
                    Call(library, "nvmlDeviceGetMemoryInfo", device, static_cast<void*>(&memory)) == 0;
  Call(library, "nvmlShutdown");
  if (!read) return std::nullopt;
  return DeviceMemory{memory.used, memory.free};
}

}  // namespace tfdoctor
