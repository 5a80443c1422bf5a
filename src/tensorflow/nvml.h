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

}  // namespace tfdoctor
