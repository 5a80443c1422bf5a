// CUDA_VISIBLE_DEVICES as the driver reads it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tfdoctor {

// A list of GPUs, each by its number in the driver's order or by (the start of) its UUID; it counts up to its
// first invalid entry. Source: CUDA C++ Programming Guide, "CUDA Environment Variables".
struct VisibleDevices {
  std::vector<std::string> entries;  // those that count, in the order in which the program numbers them
  std::string ended_by;  // why the list ends before its last entry: "there is no GPU 7: this machine has 2"

  // Whether an entry is a UUID, "GPU-…" or "MIG-…": only the driver knows whether it is there.
  static bool IsName(std::string_view entry) {
    return entry.starts_with("GPU-") || entry.starts_with("MIG-");
  }
  bool FirstByName() const { return !entries.empty() && IsName(entries.front()); }
};

// `count`: how many GPUs the machine has; without it no number is too high.
VisibleDevices ReadVisibleDevices(std::string_view value, std::optional<size_t> count);

}  // namespace tfdoctor
