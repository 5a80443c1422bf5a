#include "diagnose/visible_devices.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace tfdoctor {

namespace {

bool IsNumber(std::string_view word) {
  return !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
}

bool Beyond(const std::string& number, std::optional<size_t> count) {
  constexpr size_t kDigits = 4;
  return count.has_value() && (number.size() > kDigits || static_cast<size_t>(std::stoi(number)) >= *count);
}

}  // namespace

VisibleDevices ReadVisibleDevices(std::string_view value, std::optional<size_t> count) {
  VisibleDevices devices;
  if (Trim(value).empty()) {
    devices.ended_by = "it is set and empty";
    return devices;
  }
  for (const std::string& part : Split(value, ',')) {
    std::string entry(Trim(part));
    const bool name = VisibleDevices::IsName(entry);
    if (!name && !IsNumber(entry)) {
      devices.ended_by = fmt::format("\"{}\" is not a GPU, and the list ends there", entry);
    } else if (!name && Beyond(entry, count)) {
      devices.ended_by = fmt::format("there is no GPU {}: this machine has {}", entry, *count);
    }
    if (!devices.ended_by.empty()) break;
    devices.entries.push_back(std::move(entry));
  }
  return devices;
}

}  // namespace tfdoctor
