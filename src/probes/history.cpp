#include "probes/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <optional>
#include <utility>

#include "base/text.h"
#include "facts/packages.h"
#include "probes/found.h"

namespace tfdoctor {

namespace {

using Changes = std::map<std::string, PackageChange>;

constexpr uint64_t kMostBytes = 1 << 20;  // of each log's end
constexpr size_t kMostChanges = 100;

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
  // What a package was before the change at this time.
  void Tell(std::string_view time, std::string_view package, Text before) {
    const auto place = changes_.find(std::string(time) + " " + Printable(package, 100));
    if (place != changes_.end()) place->second.before = std::move(before);
  }
  Changes Take() { return std::move(changes_); }

 private:
  Changes changes_;
};

Text VersionText(std::string_view text, const Origin& origin) {
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
    found.Add(line.substr(0, 19), words[1].substr(0, words[1].find(':')), VersionText(words[2], origin),
              VersionText(words[3], origin));
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
                both || removed ? VersionText(Trim(versions.front()), origin) : Text::Absent(origin),
                removed ? Text::Absent(origin) : VersionText(both ? last : versions.front(), origin));
      rest = rest.substr(std::min(close + 3, rest.size()));
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

// Of "kernel-core-0:6.11.4-301.fc41.x86_64" the name and "6.11.4-301.fc41.x86_64"; empty: it is none.
struct NameAndVersion {
  std::string_view name, version;
};
NameAndVersion OfRpm(std::string_view full) {
  const size_t release = full.rfind('-');
  if (release == full.npos || release == 0) return {};
  const size_t version = full.rfind('-', release - 1);
  if (version == full.npos) return {};
  std::string_view number = full.substr(version + 1);
  if (number.starts_with("0:")) number.remove_prefix(2);  // an epoch that says nothing
  return {full.substr(0, version), number};
}

// "2026-11-25T05:33:10+0000", in UTC, as local time; empty: it is none.
std::string FromUtc(std::string_view text) {
  std::string time = WithBlank(text);
  const std::optional<std::chrono::sys_days> day = DayOf(text);
  if (time.empty() || !day || !text.ends_with("+0000")) return time;
  const auto number = [&](size_t at) { return (time[at] - '0') * 10 + (time[at + 1] - '0'); };
  const int64_t seconds = number(11) * 3600 + number(14) * 60 + number(17);
  return LocalTime(std::chrono::sys_seconds(*day).time_since_epoch().count() + seconds);
}

// "2026-11-25T06:33:10+0100 SUBDEBUG Upgrade: kernel-core-5.14.0-503.el9.x86_64"; what was there before
// stands in a line "Upgraded: …" of its own.
void OfDnf(std::string_view log, const Origin& origin, Collector& found) {
  for (std::string_view line : SplitLines(log)) {
    auto words = SplitWords(line);
    if (words.size() < 4 || words[1] != "SUBDEBUG") continue;
    const bool removed = words[2] == "Erase:" || words[2] == "Removed:";
    if (!removed && words[2] != "Upgrade:" && words[2] != "Installed:") continue;
    const NameAndVersion rpm = OfRpm(words[3]);
    const std::string time = WithBlank(words[0]);
    if (rpm.name.empty() || time.empty()) continue;
    found.Add(time, rpm.name, Text::Unknown("the log does not tell", origin),
              removed ? Text::Absent(origin) : VersionText(rpm.version, origin));
  }
}

// 2026-11-25T05:33:10+0000 [714413] INFO RPM callback transaction start, total 2
// 2026-11-25T05:33:10+0000 [714413] INFO RPM callback install stop "akmod-nvidia-3:570.86.15-1.fc41.x86_64" …
// 2026-11-25T05:33:20+0000 [714413] INFO RPM callback uninstall stop "akmod-nvidia-3:565.77-1.fc41.x86_64" …
// What is installed and uninstalled at once is replaced; of kernels several stay, and the oldest goes.
void OfDnf5(std::string_view log, const Origin& origin, Collector& found) {
  struct Installed {
    std::string time, version;
  };
  std::map<std::string, Installed> installed;  // in this transaction
  while (!log.empty()) {
    const std::string_view line = TakeLine(log);
    constexpr std::string_view kCallback = " INFO RPM callback ";
    const size_t at = line.find(kCallback);
    if (at == line.npos) continue;
    std::string_view what = line.substr(at + kCallback.size());
    if (what.starts_with("transaction start")) installed.clear();
    const bool install = what.starts_with("install stop \"");
    if (!install && !what.starts_with("uninstall stop \"")) continue;
    what.remove_prefix(what.find('"') + 1);
    const NameAndVersion rpm = OfRpm(what.substr(0, what.find('"')));
    const std::string time = FromUtc(line.substr(0, line.find(' ')));
    if (rpm.name.empty() || time.empty() || !BearsOnGpu(rpm.name)) continue;
    const auto before = installed.find(std::string(rpm.name));
    if (install) {
      installed[std::string(rpm.name)] = {time, std::string(rpm.version)};
      found.Add(time, rpm.name, Text::Unknown("the log does not tell", origin),
                VersionText(rpm.version, origin));
    } else if (before == installed.end()) {
      found.Add(time, rpm.name, VersionText(rpm.version, origin), Text::Absent(origin));
    } else if (!rpm.name.starts_with("kernel")) {
      found.Tell(before->second.time, rpm.name, VersionText(rpm.version, origin));
    }
  }
}

// 2026-11-25 06:33:10|install|kernel-default|6.4.0-150600.23.7|x86_64||repository|checksum|
// What was there before stands nowhere.
void OfZypper(std::string_view log, const Origin& origin, Collector& found) {
  while (!log.empty()) {
    const std::string_view line = TakeLine(log);
    if (!IsTime(line)) continue;
    const std::vector<std::string> cells = Split(line, '|');
    if (cells.size() < 4) continue;
    const std::string_view action = Trim(cells[1]);
    if (action == "install") {
      found.Add(cells[0], cells[2], Text::Unknown("the log does not tell", origin),
                VersionText(cells[3], origin));
    } else if (action == "remove") {
      found.Add(cells[0], cells[2], VersionText(cells[3], origin), Text::Absent(origin));
    }
  }
}

// "Nov 25 06:33:10 Updated: 1:nvidia-driver-570.86.15-1.el7.x86_64": of yum before dnf, which names no year.
// The last line is of the year in which the file was written, and where months go back a year has begun.
void OfYum(const System& system, Collector& found) {
  const std::string path = "/var/log/yum.log";
  const auto stat = system.Stat(path);
  if (!stat.ok()) return;
  const auto text = system.Read(path, stat->size > kMostBytes ? stat->size - kMostBytes : 0, kMostBytes);
  if (!text.ok()) return;
  const Origin origin = From(path);
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto month_of = [&](std::string_view line) {
    const size_t at = line.size() < 16 ? kMonths.npos : kMonths.find(line.substr(0, 3));
    return at == kMonths.npos || at % 3 != 0 ? 0 : static_cast<int>(at / 3) + 1;
  };
  const std::vector<std::string_view> lines = SplitLines(*text);
  int year = std::atoi(LocalTime(stat->mtime).c_str());
  int later = 12;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    const int month = month_of(*line);
    if (month == 0) continue;
    if (month > later) year--;
    later = month;
    const auto words = SplitWords(*line);
    if (words.size() < 5 || words[1].size() > 2) continue;
    const std::string time = fmt::format("{:04}-{:02}-{:0>2} {}", year, month, words[1], words[2]);
    std::string_view full = words[4];
    if (const size_t colon = full.find(':'); colon != full.npos && colon < 3) full.remove_prefix(colon + 1);
    if (words[3] == "Erased:") {  // by its name alone
      found.Add(time, full, Text::Unknown("the log does not tell", origin), Text::Absent(origin));
    } else if (words[3] == "Updated:" || words[3] == "Installed:") {
      const NameAndVersion rpm = OfRpm(full);
      if (!rpm.name.empty() && IsTime(time))
        found.Add(time, rpm.name, Text::Unknown("the log does not tell", origin),
                  VersionText(rpm.version, origin));
    }
  }
}

// The kernels that were started, of which each start writes one: what is installed comes into force with it,
// be it long after. Source: utmp(5), as it is on x86_64.
void OfStarts(const System& system, const Facts& facts, Collector& found) {
  constexpr size_t kRecord = 384, kUser = 44, kHost = 76, kHostLength = 256, kSeconds = 340;
  constexpr uint64_t kMostRecords = 4096;
  const std::string path = "/var/log/wtmp";
  const std::string* machine = facts.host.machine.Peek();
  const auto stat = system.Stat(path);
  if (machine == nullptr || *machine != "x86_64" || !stat.ok()) return;
  const uint64_t records = stat->size / kRecord;
  const uint64_t first = records > kMostRecords ? records - kMostRecords : 0;
  const auto text = system.Read(path, first * kRecord, static_cast<size_t>((records - first) * kRecord));
  if (!text.ok()) return;
  std::string before, now;
  int64_t started = 0;
  for (size_t at = 0; at + kRecord <= text->size(); at += kRecord) {
    const std::string_view record = std::string_view(*text).substr(at, kRecord);
    constexpr char kBootTime = 2;
    if (record[0] != kBootTime || record[1] != 0 || !record.substr(kUser).starts_with("reboot")) continue;
    const std::string_view host = record.substr(kHost, kHostLength);
    before = std::exchange(now, Printable(host.substr(0, host.find('\0')), 80));
    started = 0;
    for (size_t i = 4; i-- > 0;) started = started * 256 + static_cast<unsigned char>(record[kSeconds + i]);
  }
  if (before.empty() || now.empty() || before == now) return;
  found.Add(LocalTime(started), kKernelInForce, Text::Value(before, From(path)),
            Text::Value(now, From(path)));
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
      found.Add(time, words[3], VersionText(bare(words[4]), origin), VersionText(bare(words[6]), origin));
    } else if (words[2] == "installed") {
      found.Add(time, words[3], Text::Absent(origin), VersionText(bare(words[4]), origin));
    } else if (words[2] == "removed") {
      found.Add(time, words[3], VersionText(bare(words[4]), origin), Text::Absent(origin));
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
      found.Add(time, name, VersionText(number, origin), Text::Absent(origin));
    } else {
      auto old = before.find(name);
      found.Add(time, name, VersionText(old == before.end() ? "" : old->second, origin),
                VersionText(number, origin));
    }
  }
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
              VersionText(one.version, origin));
  }
}

// To the minute: the kernel works it out anew each time.
Text Booted(const System& system) {
  const Result<int64_t> seconds = BootTime(system);
  if (!seconds.ok()) return Text::Unknown(seconds.error().message, From("/proc/stat"));
  return Text::Value(LocalTime(*seconds).substr(0, 16), From("/proc/stat"));
}

}  // namespace

Result<int64_t> BootTime(const System& system) {
  const std::string path = "/proc/stat";
  auto text = system.ReadAll(path, 4 << 20);
  if (!text.ok()) return text.error();
  for (std::string_view line : SplitLines(*text)) {
    auto words = SplitWords(line);
    if (words.size() != 2 || words[0] != "btime") continue;
    int64_t seconds = 0;
    auto [end, error] = std::from_chars(words[1].data(), words[1].data() + words[1].size(), seconds);
    if (error == std::errc() && seconds > 0 && !LocalTime(seconds).empty()) return seconds;
  }
  return Error{ErrorKind::kMalformed, "no time of start in " + path};
}

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
      {"/var/log/dpkg.log.1", OfDpkg, kLines},     {"/var/log/dpkg.log", OfDpkg, kLines},
      {"/var/log/dnf.rpm.log.1", OfDnf, kLines},   {"/var/log/dnf.rpm.log", OfDnf, kLines},
      {"/var/log/dnf5.log.1", OfDnf5, kWhole},     {"/var/log/dnf5.log", OfDnf5, kWhole},
      {"/var/log/zypp/history", OfZypper, kLines}, {"/var/log/pacman.log", OfPacman, kLines},
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
  OfYum(system, found);
  OfStarts(system, facts, found);
  OfPip(system, facts.python, found);
  Changes changes = found.Take();
  const Origin origin = From("the logs of packages");
  history.changes = changes.empty() && !read && !unread.empty()
                        ? Fact<Changes>::Unknown(std::move(unread), origin)
                        : Fact<Changes>::Value(std::move(changes), origin);
  return history;
}

}  // namespace tfdoctor
