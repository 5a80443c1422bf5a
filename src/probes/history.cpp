#include "probes/history.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>
#include <functional>
#include <optional>

#include "base/text.h"
#include "facts/packages.h"

namespace tfdoctor {

namespace {

using Text = Fact<std::string>;
using Changes = std::map<std::string, PackageChange>;

constexpr uint64_t kMostBytes = 1 << 20;  // of each log's end
constexpr size_t kMostChanges = 100;

Origin From(std::string path) { return {Witness::kMachine, std::move(path)}; }

class Collector {
 public:
  // `time` is "2026-11-25 06:33:10".
  void Add(std::string_view time, std::string_view package, Text before, Text after) {
    if (!BearsOnGpu(package)) return;
    PackageChange change;
    change.package = Text::Value(Printable(package, 100), after.origin());
    change.before = std::move(before);
    change.after = std::move(after);
    // Of several changes of a package at once the first tells the old version, the last the new one.
    auto [place, fresh] =
        changes_.try_emplace(Printable(time.substr(0, 19), 40) + " " + Printable(package, 100), change);
    if (!fresh) place->second.after = change.after;
    if (changes_.size() > kMostChanges) changes_.erase(changes_.begin());
  }
  Changes Take() { return std::move(changes_); }

 private:
  Changes changes_;
};

Text Version(std::string_view text, const Origin& origin) {
  return text.empty() || text == "<none>" ? Text::Absent(origin) : Text::Value(Printable(text, 80), origin);
}

bool IsTime(std::string_view text) {  // "2026-11-25 06:33:10"
  static constexpr std::string_view kForm = "dddd-dd-dd dd:dd:dd";
  if (text.size() < kForm.size()) return false;
  for (size_t i = 0; i < kForm.size(); i++) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == 'd' ? !digit : text[i] != kForm[i]) return false;
  }
  return true;
}

// "2026-11-25T06:33:10+0100" -> "2026-11-25 06:33:10"; empty: it is none.
std::string WithBlank(std::string_view text) {
  if (text.size() < 19 || text[10] != 'T') return {};
  std::string time(text.substr(0, 19));
  time[10] = ' ';
  return IsTime(time) ? time : std::string();
}

// The day in which a line was written: "2026-11-25 06:33:10 …", "[2026-11-25T06:33:10+0100] …".
std::optional<std::chrono::sys_days> DayOf(std::string_view line) {
  if (line.starts_with('[')) line.remove_prefix(1);
  int numbers[3] = {};
  constexpr size_t kStart[] = {0, 5, 8}, kLength[] = {4, 2, 2};
  if (line.size() < 10 || line[4] != '-' || line[7] != '-') return std::nullopt;
  for (size_t i = 0; i < 3; i++) {
    const char* from = line.data() + kStart[i];
    const auto [end, error] = std::from_chars(from, from + kLength[i], numbers[i]);
    if (error != std::errc() || end != from + kLength[i]) return std::nullopt;
  }
  const std::chrono::year_month_day day{std::chrono::year(numbers[0]),
                                        std::chrono::month(static_cast<unsigned>(numbers[1])),
                                        std::chrono::day(static_cast<unsigned>(numbers[2]))};
  if (!day.ok()) return std::nullopt;
  return std::chrono::sys_days(day);
}

// Where the part of a log begins that is not old against its last line, which is no younger than now; `from`
// where that is not known. Lines are in the order of time.
uint64_t StartOfRecent(const System& system, const std::string& path, uint64_t from, uint64_t end,
                       size_t part) {
  constexpr size_t kSomeLines = 1024;
  const auto day_at = [&](uint64_t at, bool last) -> std::optional<std::chrono::sys_days> {
    auto text = system.Read(path, at, static_cast<size_t>(std::min<uint64_t>(kSomeLines, end - at)));
    if (!text.ok()) return std::nullopt;
    std::string_view lines = *text;
    if (last) {
      while (lines.ends_with('\n')) lines.remove_suffix(1);
      return DayOf(lines.substr(lines.rfind('\n') + 1));
    }
    const size_t newline = lines.find('\n');  // the line before it is cut
    return newline == lines.npos ? std::nullopt : DayOf(lines.substr(newline + 1));
  };
  if (end - from <= part) return from;
  const auto newest = day_at(end - std::min<uint64_t>(kSomeLines, end - from), true);
  if (!newest) return from;
  for (uint64_t at = end - part; at > from; at -= std::min<uint64_t>(part, at - from)) {
    const auto day = day_at(at, false);
    if (!day) return from;
    if (*day < *newest - std::chrono::days(kDaysOfChanges + 1)) return at;
  }
  return from;
}

// Calls `take` with the whole lines of a log's end, a part at a time: dpkg's log alone is larger than all
// else that a check reads.
std::optional<Error> ReadEnd(const System& system, const std::string& path, size_t part,
                             const std::function<void(std::string_view)>& take) {
  auto stat = system.Stat(path);
  if (!stat.ok()) return stat.error();
  uint64_t at = stat->size > kMostBytes ? stat->size - kMostBytes : 0;
  const uint64_t end = at + kMostBytes;
  if (part < kMostBytes) at = StartOfRecent(system, path, at, std::min(end, stat->size), part);
  bool inside_line = at > 0;
  while (at < end) {
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(part, end - at));
    auto text = system.Read(path, at, wanted);
    if (!text.ok()) return text.error();
    if (text->empty()) break;
    std::string_view lines = *text;
    if (lines.size() == wanted) lines = lines.substr(0, lines.rfind('\n') + 1);
    at += lines.empty() ? text->size() : lines.size();  // a line longer than a part is no change
    if (inside_line) lines.remove_prefix(std::min(lines.find('\n'), lines.size()));
    inside_line = text->find('\n') == std::string::npos;
    take(lines);
  }
  return std::nullopt;
}

// "2026-11-25 06:33:10 upgrade nvidia-driver-570:amd64 570.86.15-1 575.57.08-1"
void OfDpkg(std::string_view log, const Origin& origin, Collector& found) {
  constexpr size_t kAction = 20;  // behind the time
  while (!log.empty()) {
    const std::string_view line = TakeLine(log);
    const std::string_view action = line.substr(std::min(kAction, line.size()));
    // Most lines tell the steps between ("status half-installed …", "configure …").
    if (action.empty() || std::string_view("uirp").find(action.front()) == std::string_view::npos) continue;
    const bool change = action.starts_with("upgrade ") || action.starts_with("install ") ||
                        action.starts_with("remove ") || action.starts_with("purge ");
    if (!change || !IsTime(line)) continue;
    const std::string_view package = action.substr(action.find(' ') + 1);
    if (!BearsOnGpu(package.substr(0, package.find(' ')))) continue;
    auto words = SplitWords(action);
    if (words.size() < 4) continue;
    found.Add(line.substr(0, 19), words[1].substr(0, words[1].find(':')), Version(words[2], origin),
              Version(words[3], origin));
  }
}

// Start-Date: 2026-11-25  06:33:05
// Upgrade: nvidia-driver-570:amd64 (570.86.15-1, 575.57.08-1), libcuda1:amd64 (…)
void OfApt(std::string_view log, const Origin& origin, Collector& found) {
  std::string time;
  for (std::string_view line : SplitLines(log)) {
    constexpr std::string_view kStart = "Start-Date: ";
    if (line.starts_with(kStart)) {
      auto words = SplitWords(line.substr(kStart.size()));
      time = words.size() == 2 ? std::string(words[0]) + " " + std::string(words[1]) : "";
      continue;
    }
    const bool removed = line.starts_with("Remove: ") || line.starts_with("Purge: ");
    if (!IsTime(time) || (!removed && !line.starts_with("Install: ") && !line.starts_with("Upgrade: ")))
      continue;
    std::string_view rest = line.substr(line.find(' ') + 1);
    while (!rest.empty()) {
      const size_t open = rest.find(" (");
      const size_t close = rest.find(')');
      if (open == std::string_view::npos || close == std::string_view::npos || close < open) break;
      const std::string_view name = rest.substr(0, open);
      const auto versions = Split(rest.substr(open + 2, close - open - 2), ',');
      const std::string last(Trim(versions.back()));
      const bool both = versions.size() > 1 && last != "automatic";
      found.Add(time, name.substr(0, name.find(':')),
                both || removed ? Version(Trim(versions.front()), origin) : Text::Absent(origin),
                removed ? Text::Absent(origin) : Version(both ? last : versions.front(), origin));
      rest = rest.substr(std::min(close + 3, rest.size()));
    }
  }
}

// "2026-11-25T06:33:10+0100 SUBDEBUG Upgrade: kernel-core-5.14.0-503.el9.x86_64"; what was there before
// stands in a line "Upgraded: …" of its own.
void OfDnf(std::string_view log, const Origin& origin, Collector& found) {
  for (std::string_view line : SplitLines(log)) {
    auto words = SplitWords(line);
    if (words.size() < 4 || words[1] != "SUBDEBUG") continue;
    const bool removed = words[2] == "Erase:" || words[2] == "Removed:";
    if (!removed && words[2] != "Upgrade:" && words[2] != "Installed:") continue;
    const std::string_view full = words[3];
    const size_t release = full.rfind('-');
    const size_t version =
        release == std::string_view::npos || release == 0 ? release : full.rfind('-', release - 1);
    const std::string time = WithBlank(words[0]);
    if (version == std::string_view::npos || time.empty()) continue;
    found.Add(time, full.substr(0, version), Text::Unknown("the log does not tell", origin),
              removed ? Text::Absent(origin) : Version(full.substr(version + 1), origin));
  }
}

// "[2026-11-25T06:33:10+0100] [ALPM] upgraded nvidia (570.86.15-1 -> 575.57.08-1)"
void OfPacman(std::string_view log, const Origin& origin, Collector& found) {
  for (std::string_view line : SplitLines(log)) {
    auto words = SplitWords(line);
    if (words.size() < 5 || words[1] != "[ALPM]" || !words[0].starts_with('[')) continue;
    const std::string time = WithBlank(words[0].substr(1));
    if (time.empty()) continue;
    auto bare = [](std::string_view word) {
      if (word.starts_with('(')) word.remove_prefix(1);
      if (word.ends_with(')')) word.remove_suffix(1);
      return word;
    };
    if (words[2] == "upgraded" && words.size() > 6) {
      found.Add(time, words[3], Version(bare(words[4]), origin), Version(bare(words[6]), origin));
    } else if (words[2] == "installed") {
      found.Add(time, words[3], Text::Absent(origin), Version(bare(words[4]), origin));
    } else if (words[2] == "removed") {
      found.Add(time, words[3], Version(bare(words[4]), origin), Text::Absent(origin));
    }
  }
}

// ==> 2026-11-25 06:33:10 <==
// -conda-forge/linux-64::numpy-1.26.4-py311h64a7726_0
// +conda-forge/linux-64::numpy-2.1.0-py311h71ddf71_1
void OfConda(std::string_view log, const Origin& origin, Collector& found) {
  std::string time;
  std::map<std::string, std::string> before;
  for (std::string_view line : SplitLines(log)) {
    if (line.starts_with("==> ")) {
      time = std::string(line.substr(4, 19));
      before.clear();
      continue;
    }
    if (!IsTime(time) || line.empty() || (line[0] != '+' && line[0] != '-')) continue;
    const size_t colons = line.find("::");
    std::string_view full = line.substr(colons == std::string_view::npos ? 1 : colons + 2);
    const size_t build = full.rfind('-');
    const size_t version = build == std::string_view::npos || build == 0 ? build : full.rfind('-', build - 1);
    if (version == std::string_view::npos) continue;
    const std::string name(full.substr(0, version));
    const std::string_view number = full.substr(version + 1, build - version - 1);
    if (line[0] == '-') {
      before[name] = std::string(number);
      found.Add(time, name, Version(number, origin), Text::Absent(origin));
    } else {
      auto old = before.find(name);
      found.Add(time, name, Version(old == before.end() ? "" : old->second, origin), Version(number, origin));
    }
  }
}

std::string LocalTime(int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm local = {};
  char text[32] = "";
  if (::localtime_r(&time, &local) == nullptr) return {};
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
  return text;
}

// pip keeps no log. A distribution's RECORD is as old as its installation; the first hour of an environment
// is its making, which changed nothing.
void OfPip(const System& system, const Python& python, Collector& found) {
  struct Installed {
    int64_t time;
    std::string name;
    std::string version;
    std::string path;
  };
  std::vector<Installed> all;
  const auto* folders = python.sys_path.Peek();
  if (folders == nullptr) return;
  for (const std::string& folder : *folders) {
    if (!folder.ends_with("-packages")) continue;
    auto entries = system.List(folder);
    if (!entries.ok()) continue;
    for (const DirEntry& entry : *entries) {
      constexpr std::string_view kEnd = ".dist-info";
      const size_t dash = entry.name.find('-');
      if (!entry.name.ends_with(kEnd) || dash == std::string::npos) continue;
      const std::string path = folder + "/" + entry.name + "/RECORD";
      auto stat = system.Stat(path);
      if (!stat.ok()) continue;
      std::string name = entry.name.substr(0, dash);
      std::replace(name.begin(), name.end(), '_', '-');
      all.push_back({stat->mtime, Lower(name),
                     entry.name.substr(dash + 1, entry.name.size() - kEnd.size() - dash - 1), path});
    }
  }
  if (all.empty()) return;
  constexpr int64_t kHour = 3600;
  const int64_t first = std::min_element(all.begin(), all.end(), [](const Installed& a, const Installed& b) {
                          return a.time < b.time;
                        })->time;
  for (const Installed& one : all) {
    if (one.time < first + kHour) continue;
    const Origin origin = From(one.path);
    found.Add(LocalTime(one.time), one.name, Text::Unknown("pip keeps no log", origin),
              Version(one.version, origin));
  }
}

// "btime 1764083520" of /proc/stat. To the minute: the kernel works it out anew each time.
Text Booted(const System& system) {
  const std::string path = "/proc/stat";
  auto text = system.ReadAll(path, 4 << 20);
  if (!text.ok()) return Text::Unknown(text.error().message, From(path));
  for (std::string_view line : SplitLines(*text)) {
    auto words = SplitWords(line);
    if (words.size() != 2 || words[0] != "btime") continue;
    int64_t seconds = 0;
    auto [end, error] = std::from_chars(words[1].data(), words[1].data() + words[1].size(), seconds);
    const std::string time = error == std::errc() && seconds > 0 ? LocalTime(seconds) : std::string();
    if (!time.empty()) return Text::Value(time.substr(0, 16), From(path));
  }
  return Text::Unknown("no time of start in " + path, From(path));
}

}  // namespace

History ReadHistory(const System& system, const Facts& facts) {
  History history;
  history.booted = Booted(system);
  Collector found;
  struct PackageLog {
    std::string path;
    void (*reader)(std::string_view, const Origin&, Collector&);
    size_t part;
  };
  constexpr size_t kLines = 96 << 10;    // where each line says all
  constexpr size_t kWhole = kMostBytes;  // where what a line means is said by one before it
  std::vector<PackageLog> logs = {
      {"/var/log/dpkg.log.1", OfDpkg, kLines},
      {"/var/log/dpkg.log", OfDpkg, kLines},
      {"/var/log/dnf.rpm.log", OfDnf, kLines},
      {"/var/log/pacman.log", OfPacman, kLines},
  };
  // apt writes the same as dpkg.
  if (!system.Stat("/var/log/dpkg.log").ok()) logs.push_back({"/var/log/apt/history.log", OfApt, kWhole});
  if (const std::string* prefix = facts.python.prefix.Peek())
    logs.push_back({*prefix + "/conda-meta/history", OfConda, kWhole});
  std::string unread;
  bool read = false;
  for (const PackageLog& log : logs) {
    const Origin origin = From(log.path);
    const std::optional<Error> error = ReadEnd(
        system, log.path, log.part, [&](std::string_view lines) { log.reader(lines, origin, found); });
    read = read || !error;
    if (error && error->kind != ErrorKind::kNotFound && unread.empty()) unread = error->message;
  }
  OfPip(system, facts.python, found);
  Changes changes = found.Take();
  const Origin origin = From("the logs of packages");
  history.changes = changes.empty() && !read && !unread.empty()
                        ? Fact<Changes>::Unknown(std::move(unread), origin)
                        : Fact<Changes>::Value(std::move(changes), origin);
  return history;
}

}  // namespace tfdoctor
