// CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER as the driver reads them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tfdoctor {

// A list of GPUs, each by its number in the driver's order or by (the start of) its UUID; it counts up to its
// first invalid entry. Source: CUDA C++ Programming Guide, "CUDA Environment Variables"; what it leaves open
// was asked of cuInit of driver 580 (tests/real/gpu_test.py): numbers are read as strtol(…, 10)
// reads them into an int, so that "0x1", "+0" and "0 1" are GPU 0; a UUID after a number ends the list, and a
// number after a UUID; a GPU that is named twice makes cuInit fail with CUDA_ERROR_INVALID_DEVICE.
struct VisibleDevices {
  // Those that count, in the order in which the program numbers them: plain numbers, or UUIDs as they stand.
  std::vector<std::string> entries;
  std::string ended_by;  // why the list ends before its last entry: "there is no GPU 7: this machine has 2"
  std::string refused;   // why the driver does not start with it: "it names GPU 0 twice"; empty: it does

  // No GPU is left, whatever the machine has.
  bool None() const { return entries.empty() || !refused.empty(); }
  // Whether an entry is a UUID, "GPU-…" or "MIG-…": only the driver knows whether it is there.
  static bool IsName(std::string_view entry) {
    return entry.starts_with("GPU-") || entry.starts_with("MIG-");
  }
  bool FirstByName() const { return !entries.empty() && IsName(entries.front()); }
};

// `count`: how many GPUs the machine has; without it no number is too high.
VisibleDevices ReadVisibleDevices(std::string_view value, std::optional<size_t> count);

// With any other value of CUDA_DEVICE_ORDER, an empty one too, cuInit fails with CUDA_ERROR_INVALID_DEVICE
// (the same test).
inline bool IsDeviceOrder(std::string_view value) {
  return value == "FASTEST_FIRST" || value == "PCI_BUS_ID";
}

}  // namespace tfdoctor
