#include "diagnose/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

#include "base/text.h"
#include "facts/walk.h"

namespace tfdoctor {

namespace {

// The link that a fact bears on, by the start of its name; the first that fits.
constexpr std::pair<std::string_view, Link> kLinks[] = {
    {"gpus", Link::kHardware},
    {"host.cpu_flags", Link::kNone},  // what TensorFlow lacks of them is one of its faults
    {"host.secure_boot", Link::kKernelDriver},
    {"host", Link::kHardware},
    {"kernel_driver", Link::kKernelDriver},
    {"kernel_log", Link::kKernelDriver},
    {"device_access", Link::kDeviceAccess},
    {"container_engine", Link::kDeviceAccess},
    {"driver_library", Link::kDriverLibrary},
    {"driver_answers", Link::kDriverLibrary},
    {"python.version", Link::kPython},
    {"python.environment", Link::kPython},
    {"python.sys_path", Link::kPython},
    {"python.distributions", Link::kPython},
    {"python.modules", Link::kPython},
    {"python.conda", Link::kPython},
    {"python.keras_config", Link::kPython},
    {"tensorflow.sass", Link::kGpuArchitecture},
    {"tensorflow.ptx", Link::kGpuArchitecture},
    {"tensorflow", Link::kTensorFlow},
    {"cuda_libraries", Link::kCudaLibraries},
    {"environment", Link::kVisibility},
    {"program", Link::kVisibility},
};

// Of the distributions, those that TensorFlow and its GPU depend on.
constexpr std::string_view kDistributions[] = {"tensorflow", "tf-",   "tf_",      "nvidia-",
                                               "keras",      "numpy", "protobuf", "ml-dtypes",
                                               "jax",        "torch", "cupy",     "tensorrt"};

// What tells one run or one copy from another, and nothing else; and PATH, as what is found by it (Python,
// ptxas) is compared itself.
constexpr std::string_view kPassing[] = {".free_memory", ".uuid",      ".throttle", ".memory",
                                         ".folder",      ".installer", ".text",     ".variables.PATH"};

Link LinkOf(std::string_view fact) {
  for (const auto& [start, link] : kLinks) {
    if (fact.starts_with(start)) return link;
  }
  return Link::kNone;
}

bool Matters(std::string_view fact) {
  if (LinkOf(fact) == Link::kNone) return false;
  for (const std::string_view start : {"python.distributions.", "python.conda."}) {
    if (!fact.starts_with(start)) continue;
    const std::string_view name = fact.substr(start.size());
    if (std::none_of(std::begin(kDistributions), std::end(kDistributions),
                     [&](std::string_view known) { return name.starts_with(known); }))
      return false;
  }
  return std::none_of(std::begin(kPassing), std::end(kPassing),
                      [&](std::string_view end) { return fact.ends_with(end); });
}

void ReplaceAll(std::string& text, const std::string& from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

// Not the start of another name: "/opt/env" is none of "/opt/environment".
void ReplaceFolder(std::string& text, const std::string& folder, std::string_view to) {
  const auto goes_on = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
  };
  for (size_t at = text.find(folder); at != std::string::npos; at = text.find(folder, at)) {
    const size_t end = at + folder.size();
    const bool whole = end == text.size() || !goes_on(text[end]);
    if (whole) text.replace(at, folder.size(), to);
    at += whole ? to.size() : 1;
  }
}

// "/a/./b/../c" -> "/a/c"
std::string WithoutDots(std::string_view path) {
  std::vector<std::string> parts;
  for (std::string& part : Split(path, '/')) {
    if (part == "." || (part.empty() && !parts.empty())) continue;
    if (part == ".." && parts.size() > 1) {
      parts.pop_back();
    } else if (part != "..") {
      parts.push_back(std::move(part));
    }
  }
  return Join(parts, "/");
}

struct Line {
  std::string words;
  Side side;
};

// By name, in the order of the facts.
struct Table {
  std::map<std::string, Line> lines;
  std::vector<std::string> order;
};

// What a side says of this fact. One that it does not have is absent, unless it lies in something unknown.
Side SideOf(const Table& table, const std::string& name) {
  if (const auto found = table.lines.find(name); found != table.lines.end()) return found->second.side;
  for (std::string above = name; above.rfind('.') != std::string::npos;) {
    above.resize(above.rfind('.'));
    const auto found = table.lines.find(above);
    if (found != table.lines.end() && found->second.side.state == FactState::kUnknown)
      return found->second.side;
  }
  return {};
}

Table TableOf(const Facts& facts, const std::string& home) {
  const std::string* prefix = facts.python.prefix.Peek();
  const bool replaces = prefix != nullptr && prefix->size() > 1 && *prefix != "/usr";
  std::map<std::string, std::string> numbers;  // of GPUs, by address
  if (const auto* gpus = facts.gpus.Peek()) {
    for (const auto& [address, gpu] : *gpus) numbers.emplace(address, std::to_string(numbers.size() + 1));
  }
  auto plain = [&](std::string text) {
    if (replaces) ReplaceFolder(text, *prefix, "{environment}");
    if (home.size() > 1) ReplaceFolder(text, home, "{home}");
    for (const auto& [address, number] : numbers) ReplaceAll(text, address, number);
    // Two ways to one file are no difference.
    if (text.starts_with('/') || text.starts_with('{')) text = WithoutDots(text);
    return text;
  };
  const std::vector<FactLine> all = Lines(facts);
  Table table;
  for (size_t i = 0; i < all.size(); i++) {
    const FactLine& line = all[i];
    // Of what holds facts inside only these are compared.
    const bool holds = i + 1 < all.size() && all[i + 1].path.starts_with(line.path + ".");
    if (holds || !Matters(line.path)) continue;
    std::string name = plain(line.path);
    Side side{line.state, line.state == FactState::kUnknown ? line.why : plain(line.value)};
    if (table.lines.emplace(name, Line{plain(line.words), std::move(side)}).second)
      table.order.push_back(std::move(name));
  }
  return table;
}

// "3.11" and "3.11.2" of Python: where only the name of its folder tells, the version is known less exactly.
bool IsLessExact(std::string_view fact, const Side& a, const Side& b) {
  const auto begins = [](const Side& whole, const Side& part) {
    return !part.text.empty() && whole.text.starts_with(part.text + ".");
  };
  return fact == "python.version" && (begins(a, b) || begins(b, a));
}

// Where a library is found on one side only, all else that is told of it follows; where the same file is
// taken, it matters little by which way.
void DropConsequences(std::vector<Difference>& differences) {
  std::map<std::string, bool> paths;  // of libraries: whether both sides have a file
  const auto of = [](const std::string& fact) { return fact.substr(0, fact.rfind('.')); };
  for (const Difference& one : differences) {
    if (one.fact.ends_with(".path"))
      paths.emplace(of(one.fact), one.a.state == FactState::kValue && one.b.state == FactState::kValue);
  }
  std::erase_if(differences, [&](const Difference& one) {
    if (!one.fact.starts_with("cuda_libraries.opened.") && !one.fact.starts_with("driver_library."))
      return false;
    if (one.fact.ends_with(".path")) return false;
    const auto path = paths.find(of(one.fact));
    if (path != paths.end()) return !path->second;
    return one.fact.ends_with(".found_by") || one.fact.ends_with(".elsewhere") ||
           one.fact.ends_with(".shadowed");
  });
}

}  // namespace

std::string Side::Words() const {
  constexpr size_t kLongest = 400;
  if (state == FactState::kUnknown) return fmt::format("not known ({})", text);
  if (state == FactState::kAbsent || text.empty()) return "none";
  const std::string_view all = text;
  return fmt::format("{}{}", all.substr(0, kLongest), all.size() > kLongest ? "…" : "");
}

std::vector<Difference> Compare(const Facts& a, const Facts& b, const std::string& home_of_a,
                                const std::string& home_of_b) {
  const Table of_a = TableOf(a, home_of_a);
  const Table of_b = TableOf(b, home_of_b);
  std::vector<Difference> differences;
  auto add = [&](const std::string& name) {
    const auto in_a = of_a.lines.find(name);
    const auto in_b = of_b.lines.find(name);
    const Line& known = in_a != of_a.lines.end() ? in_a->second : in_b->second;
    Difference one{LinkOf(name), name, known.words, {}, {}};
    one.a = SideOf(of_a, name);
    one.b = SideOf(of_b, name);
    const bool both_unknown = one.a.state == FactState::kUnknown && one.b.state == FactState::kUnknown;
    if (both_unknown || (one.a.state == one.b.state && one.a.text == one.b.text)) return;
    if (IsLessExact(name, one.a, one.b)) return;
    differences.push_back(std::move(one));
  };
  for (const std::string& name : of_a.order) add(name);
  for (const std::string& name : of_b.order) {
    if (!of_a.lines.contains(name)) add(name);
  }
  DropConsequences(differences);
  std::stable_sort(differences.begin(), differences.end(),
                   [](const Difference& x, const Difference& y) { return x.link < y.link; });
  return differences;
}

}  // namespace tfdoctor
