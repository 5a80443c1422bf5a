#include "diagnose/since.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>

#include "base/text.h"
#include "facts/packages.h"

namespace tfdoctor {

namespace {

constexpr int kLongAgo = kDaysOfChanges * 24 * 60;  // minutes
constexpr int kOneSitting = 60;
constexpr size_t kNamed = 4;

int Number(std::string_view text) {
  int number = -1;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : -1;
}

// Minutes since 1970 of "2026-11-25 06:33…", whatever the time zone.
std::optional<long> Minutes(std::string_view time) {
  if (time.size() < 16 || time[4] != '-' || time[7] != '-' || time[10] != ' ' || time[13] != ':')
    return std::nullopt;
  const int year = Number(time.substr(0, 4));
  const int month = Number(time.substr(5, 2));
  const int day = Number(time.substr(8, 2));
  const int hour = Number(time.substr(11, 2));
  const int minute = Number(time.substr(14, 2));
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (year < 1970 || month < 0 || day < 0 || hour < 0 || minute < 0 || !date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * 24L * 60 + hour * 60 + minute;
}

bool Bears(std::string_view name, Link link) {
  switch (link) {
    case Link::kHardware:
    case Link::kKernelDriver:
    case Link::kDriverLibrary:
      return IsOfDriver(name);
    case Link::kDeviceAccess:
      return IsOfDriver(name) || IsOfContainers(name);
    case Link::kPython:
    case Link::kTensorFlow:
      return IsOfPython(name);
    case Link::kCudaLibraries:
    case Link::kGpuArchitecture:
      return IsOfCuda(name) || IsOfPython(name);
    default:
      return false;
  }
}

// What says most comes first.
int Weight(std::string_view name) {
  if (StartsWithOne(name, {"linux-image", kKernelInForce, "kernel-core", "nvidia-driver", "tensorflow",
                           "numpy", "docker"}))
    return 0;
  return StartsWithOne(name, {"nvidia-dkms", "nvidia-kernel", "libcuda", "libnvidia-compute", "protobuf",
                              "cuda-drivers", "nvidia-cudnn"})
             ? 1
             : 2;
}

std::string InWords(const PackageChange& change) {
  const std::string* name = change.package.Peek();
  const std::string* before = change.before.Peek();
  const std::string* after = change.after.Peek();
  std::string text = name == nullptr ? "" : *name;
  if (before != nullptr && after != nullptr) return fmt::format("{} from {} to {}", text, *before, *after);
  if (after != nullptr) return fmt::format("{} {}", text, *after);
  return change.after.state() == FactState::kAbsent ? text + " was removed" : text;
}

struct Chosen {
  long at;
  std::string_view time;
  const PackageChange* change;
};

}  // namespace

std::string Since(const Diagnosis& diagnosis, const Facts& facts, std::string_view now) {
  const Finding* head = diagnosis.headline();
  const auto* changes = facts.history.changes.Peek();
  const std::optional<long> today = Minutes(now);
  if (head == nullptr || changes == nullptr || !today) return {};
  if (head->effect() != Effect::kBlocks && head->effect() != Effect::kDegrades) return {};
  std::vector<Chosen> chosen;
  for (const auto& [key, change] : *changes) {
    const std::string* name = change.package.Peek();
    const std::optional<long> at = Minutes(key);
    // A log of the future was written by a clock that was wrong.
    if (name == nullptr || !at || *at > *today + 1 || *at < *today - kLongAgo) continue;
    if (Bears(*name, head->rule->link)) chosen.push_back({*at, std::string_view(key).substr(0, 16), &change});
  }
  if (chosen.empty()) return {};
  const Chosen newest = *std::max_element(chosen.begin(), chosen.end(),
                                          [](const Chosen& a, const Chosen& b) { return a.at < b.at; });
  std::erase_if(chosen, [&](const Chosen& one) { return one.at < newest.at - kOneSitting; });
  std::stable_sort(chosen.begin(), chosen.end(), [](const Chosen& a, const Chosen& b) {
    return Weight(*a.change->package.Peek()) < Weight(*b.change->package.Peek());
  });
  std::vector<std::string> named;
  for (size_t i = 0; i < std::min(kNamed, chosen.size()); i++) named.push_back(InWords(*chosen[i].change));
  std::string text = fmt::format("{}: {}", newest.time, Join(named, ", "));
  if (chosen.size() > kNamed) text += fmt::format(" and {} more", chosen.size() - kNamed);
  const std::string* booted = facts.history.booted.Peek();
  if (booted == nullptr || head->rule->link > Link::kDriverLibrary) return text;
  const std::optional<long> start = Minutes(*booted);
  if (!start || (*start <= newest.at + 1 && *chosen.front().change->package.Peek() == kKernelInForce))
    return text;
  return text + (*start < newest.at ? "; this system has not been restarted since"
                                    : fmt::format("; this system was started after that, {}", *booted));
}

}  // namespace tfdoctor
