#include "saved/state.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/text.h"
#include "diagnose/compare.h"
#include "facts/json.h"

namespace tfdoctor {

namespace {

constexpr int kForm = 1;
constexpr size_t kLargest = 16 << 20;
constexpr size_t kLongestName = 200;  // file systems allow 255 bytes

// "/home/a/venv" -> "home+a+venv", in which a recording can replace the names; of a path that is too long the
// end, with a check of the whole.
std::string FileName(const std::string& prefix) {
  std::string name;
  uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : prefix) {
    const auto byte = static_cast<unsigned char>(c);
    hash = (hash ^ byte) * 1099511628211ULL;
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-';
    name += plain ? std::string(1, c) : c == '/' ? "+" : fmt::format("%{:02X}", byte);
  }
  if (name.starts_with('+')) name.erase(0, 1);
  if (name.size() <= kLongestName) return name + ".json";
  return fmt::format("{:016x}{}.json", hash, name.substr(name.size() - kLongestName));
}

Error SystemError(const std::string& path) {
  return Error{ErrorKind::kIo, fmt::format("cannot write {}: {}", Printable(path), std::strerror(errno))};
}

Result<bool> WriteAll(int file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError(path);
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

// For this user only, as the specification wants it.
Result<bool> MakeFolders(const std::filesystem::path& folder) {
  std::filesystem::path so_far;
  for (const std::filesystem::path& part : folder) {
    so_far /= part;
    if (::mkdir(so_far.c_str(), 0700) != 0 && errno != EEXIST && ::access(so_far.c_str(), F_OK) != 0)
      return SystemError(so_far);
  }
  return true;
}

// Whether a difference may be why something no longer works: versions, files that are taken, variables; not
// what is counted or derived from others.
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

}  // namespace

Result<std::string> StatePath(const System& system, const Facts& facts) {
  const std::string* prefix = facts.python.prefix.Peek();
  if (prefix == nullptr) return Error{ErrorKind::kNotFound, "no Python environment is known"};
  std::string folder = system.Env("XDG_STATE_HOME").value_or("");
  // "All paths must be absolute. If an implementation encounters a relative path it should ignore it."
  if (!folder.starts_with('/')) {
    const std::string home = system.Env("HOME").value_or("");
    if (!home.starts_with('/')) return Error{ErrorKind::kNotFound, "neither XDG_STATE_HOME nor HOME is set"};
    folder = home + "/.local/state";
  }
  return folder + "/tfdoctor/good/" + FileName(*prefix);
}

Result<bool> SaveState(const std::string& path, const Facts& facts, const std::string& when) {
  nlohmann::ordered_json json = {{"form", kForm}, {"saved", when}, {"facts", ToJson(facts)}};
  const std::string text = json.dump(1, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  if (auto made = MakeFolders(std::filesystem::path(path).parent_path()); !made.ok()) return made;
  std::string partial = path + ".XXXXXX";
  const int file = ::mkostemp(partial.data(), O_CLOEXEC);
  if (file < 0) return SystemError(path);
  Result<bool> done = WriteAll(file, text, path);
  if (done.ok() && ::fsync(file) != 0) done = SystemError(path);
  if (::close(file) != 0 && done.ok()) done = SystemError(path);
  if (done.ok() && ::rename(partial.c_str(), path.c_str()) != 0) done = SystemError(path);
  if (!done.ok()) ::unlink(partial.c_str());
  return done;
}

std::optional<SavedState> CompareState(const System& system, const std::string& path, const Facts& facts) {
  const Result<std::string> text = system.ReadAll(path, kLargest);
  if (text.not_found()) return std::nullopt;
  SavedState state;
  auto fails = [&](const std::string& why) {
    state.trouble = why;
    return state;
  };
  if (!text.ok()) return fails(text.error().message);
  const auto json = nlohmann::ordered_json::parse(*text, nullptr, false);
  if (!json.is_object() || !json.contains("form") || !json.contains("saved") || !json["saved"].is_string() ||
      !json.contains("facts"))
    return fails("it is no state that tfdoctor saved");
  state.when = Printable(json["saved"].get<std::string>(), 40);
  if (json["form"] != kForm) return fails("another version of tfdoctor saved it");
  const Result<Facts> before = FactsFromJson(json["facts"]);
  if (!before.ok()) return fails("another version of tfdoctor saved it");
  for (Difference& difference : Compare(*before, facts)) {
    if (difference.known() && MayBeTheReason(difference)) state.differences.push_back(std::move(difference));
  }
  return state;
}

}  // namespace tfdoctor
