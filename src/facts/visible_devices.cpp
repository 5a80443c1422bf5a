#include "facts/visible_devices.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <set>

#include "base/text.h"

namespace tfdoctor {

namespace {

// As strtol(entry, …, 10) put into an int, whatever follows the digits; nullopt: there are none.
std::optional<int> Number(const std::string& entry) {
  char* end = nullptr;
  const long number = std::strtol(entry.c_str(), &end, 10);  // too many digits give the largest long
  if (end == entry.c_str()) return std::nullopt;
  return static_cast<int32_t>(static_cast<uint64_t>(number) & 0xffffffffU);
}

// A UUID begins with at least one hexadecimal digit, and nothing stands before its kind.
bool IsUuid(std::string_view entry) {
  constexpr size_t kKind = 4;
  if (!VisibleDevices::IsName(entry) || entry.size() == kKind) return false;
  if (entry.starts_with("MIG-GPU-")) return true;
  return std::string_view("0123456789abcdefABCDEF").find(entry[kKind]) != std::string_view::npos;
}

// Dashes and the case of letters do not matter.
std::string Same(std::string_view uuid) {
  std::string same = Lower(uuid);
  std::erase(same, '-');
  return same;
}

}  // namespace

VisibleDevices ReadVisibleDevices(std::string_view value, std::optional<size_t> count) {
  VisibleDevices devices;
  if (Trim(value).empty()) {
    devices.ended_by = "it is set and empty";
    return devices;
  }
  std::set<std::string> seen;
  for (const std::string& entry : Split(value, ',')) {
    const std::string shown(Trim(entry));
    const bool name = IsUuid(entry);
    const std::optional<int> number = name ? std::nullopt : Number(entry);
    if (!name && (!number || *number < 0)) {
      devices.ended_by = fmt::format("\"{}\" is not a GPU, and the list ends there", shown);
    } else if (!devices.entries.empty() && name != devices.FirstByName()) {
      devices.ended_by =
          fmt::format("a list holds numbers or UUIDs, not both, and ends before \"{}\"", shown);
    } else if (number && count && static_cast<size_t>(*number) >= *count) {
      devices.ended_by = fmt::format("there is no GPU {}: this machine has {}", *number, *count);
    }
    if (!devices.ended_by.empty()) break;
    devices.entries.push_back(name ? shown : std::to_string(*number));
    if (devices.refused.empty() && !seen.insert(Same(devices.entries.back())).second)
      devices.refused = fmt::format("it names GPU {} twice, and the driver refuses to start with that",
                                    devices.entries.back());
  }
  return devices;
}

}  // namespace tfdoctor
