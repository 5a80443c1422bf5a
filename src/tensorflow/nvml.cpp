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

// Finds the device, and asks what is to be asked of it.
template <class Ask>
bool WithDevice(const std::string& address, Ask ask) {
  if (address.empty()) return false;
  void* library = ::dlopen("libnvidia-ml.so.1", RTLD_NOW);
  if (library == nullptr || Call(library, "nvmlInit_v2") != 0) return false;
  void* device = nullptr;
  const bool told = Call(library, "nvmlDeviceGetHandleByPciBusId_v2", address.c_str(), &device) == 0 &&
                    ask(library, device);
  Call(library, "nvmlShutdown");
  return told;
}

}  // namespace

std::optional<DeviceMemory> ReadDeviceMemory(const std::string& address) {
  struct {
    unsigned long long total, free, used;
  } memory = {};  // nvmlMemory_t
  const bool told = WithDevice(address, [&](void* library, void* device) {
    return Call(library, "nvmlDeviceGetMemoryInfo", device, static_cast<void*>(&memory)) == 0;
  });
  if (!told) return std::nullopt;
  return DeviceMemory{memory.used, memory.free};
}

std::optional<DeviceHealth> ReadDeviceHealth(const std::string& address) {
  unsigned long long throttle = 0;
  unsigned long long errors = 0;
  unsigned celsius = 0;
  const bool told = WithDevice(address, [&](void* library, void* device) {
    constexpr int kUncorrected = 1;
    constexpr int kSinceStart = 0;
    constexpr int kOfGpu = 0;
    if (Call(library, "nvmlDeviceGetTotalEccErrors", device, kUncorrected, kSinceStart, &errors) != 0)
      errors = 0;
    if (Call(library, "nvmlDeviceGetTemperature", device, kOfGpu, &celsius) != 0) celsius = 0;
    return Call(library, "nvmlDeviceGetCurrentClocksThrottleReasons", device, &throttle) == 0;
  });
  if (!told) return std::nullopt;
  return DeviceHealth{throttle, errors, celsius};
}

}  // namespace tfdoctor
