// Device memory as NVML tells it, for all processes together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tfdoctor {

struct DeviceMemory {
  uint64_t used = 0;  // bytes
  uint64_t free = 0;
};

// Of the device at a PCI address; nothing where NVML is not there or does not tell.
std::optional<DeviceMemory> ReadDeviceMemory(const std::string& address);

struct DeviceHealth {
  uint64_t throttle = 0;  // nvmlClocksThrottleReasons
  uint64_t errors = 0;    // uncorrectable, since the driver was loaded; 0 also where the GPU has no ECC
  unsigned celsius = 0;
};
std::optional<DeviceHealth> ReadDeviceHealth(const std::string& address);

}  // namespace tfdoctor
