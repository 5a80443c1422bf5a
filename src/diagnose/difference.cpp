#include "diagnose/difference.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "facts/walk.h"

namespace tfdoctor {

namespace {

std::string Text(const FactLine& line) {
  if (line.state == FactState::kAbsent) return "absent";
  return line.state == FactState::kValue ? line.value : "unknown: " + line.why;
}

bool NobodyLooked(const FactLine& line) {
  return line.state == FactState::kUnknown && line.why == FactBase::kNobodyLooked;
}

// "gpus" is said by "gpus.0000:01:00.0.name" and its like: of facts with facts inside the inner ones count.
std::map<std::string, FactLine> Leaves(const Facts& facts, std::vector<std::string>& order) {
  std::map<std::string, FactLine> leaves;
  std::vector<FactLine> lines = Lines(facts);
  for (size_t i = 0; i < lines.size(); i++) {
    const bool has_inner = i + 1 < lines.size() && lines[i + 1].path.starts_with(lines[i].path + ".");
    if (has_inner || NobodyLooked(lines[i])) continue;
    order.push_back(lines[i].path);
    std::string path = lines[i].path;
    leaves.emplace(std::move(path), std::move(lines[i]));
  }
  return leaves;
}

// The first fact above `path` that is there on a side, known to hold nothing or not known at all.
const FactLine* Above(const std::map<std::string, FactLine>& leaves, std::string path) {
  while (true) {
    if (auto found = leaves.find(path); found != leaves.end()) return &found->second;
    const size_t dot = path.rfind('.');
    if (dot == std::string::npos) return nullptr;
    path.resize(dot);
  }
}

}  // namespace

std::vector<Difference> Differences(const Facts& before, const Facts& after) {
  std::vector<std::string> order_before;
  std::vector<std::string> order;
  const auto old_ones = Leaves(before, order_before);
  const auto new_ones = Leaves(after, order);
  for (std::string& path : order_before) {
    if (!new_ones.contains(path)) order.push_back(std::move(path));
  }
  std::vector<Difference> differences;
  for (const std::string& path : order) {
    auto was = old_ones.find(path);
    auto is = new_ones.find(path);
    if (was != old_ones.end() && is != new_ones.end()) {
      std::string from = Text(was->second);
      std::string to = Text(is->second);
      if (from != to) differences.push_back({path, is->second.words, std::move(from), std::move(to)});
      continue;
    }
    // An entry of a map that one side does not have: absent there, or hidden below something unknown.
    const bool gone = is == new_ones.end();
    const FactLine& line = gone ? was->second : is->second;
    const FactLine* above = Above(gone ? new_ones : old_ones, path);
    const std::string other =
        above != nullptr && above->state == FactState::kUnknown ? Text(*above) : "absent";
    const std::string text = Text(line);
    if (text == other) continue;
    differences.push_back({path, line.words, gone ? text : other, gone ? other : text});
  }
  return differences;
}

bool MayBeTheReason(const Difference& difference) {
  const std::string_view fact = difference.fact;
  // Whole facts, and ends of facts below a folder of them.
  static constexpr std::array<std::string_view, 12> kWhole = {
      "host.kernel",
      "host.glibc",
      "host.container",
      "kernel_driver.version",
      "kernel_driver.flavour",
      "kernel_driver.installed_version",
      "kernel_driver.nouveau_loaded",
      "python.version",
      "python.executable",
      "tensorflow.version",
      "tensorflow.distribution",
      "driver_answers.nvml_driver_version",
  };
  if (std::find(kWhole.begin(), kWhole.end(), fact) != kWhole.end()) return true;
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kBelow = {{
      {"gpus.", ".name"},
      {"gpus.", ".kernel_driver"},
      {"device_access.nodes.", ".mode"},
      {"driver_library.", ".path"},
      {"driver_library.", ".version"},
      {"python.distributions.", ".version"},
      {"python.conda.", ".version"},
      {"cuda_libraries.opened.", ".path"},
      {"cuda_libraries.opened.", ".version"},
      {"environment.variables.", ""},
  }};
  return std::any_of(kBelow.begin(), kBelow.end(), [&](const auto& rule) {
    return fact.starts_with(rule.first) && fact.ends_with(rule.second);
  });
}

}  // namespace tfdoctor
