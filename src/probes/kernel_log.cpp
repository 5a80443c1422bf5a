#include "probes/kernel_log.h"

#include <algorithm>

#include "base/text.h"
#include "probes/found.h"
#include "probes/history.h"

namespace tfdoctor {

namespace {

constexpr size_t kMost = 64;  // of each list
constexpr size_t kLongest = 300;

bool IsHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// The first PCI address in a line, as sysfs writes it: "0000:01:00.0" of "GPU 0000:01:00.0:" and of
// "PCI:0000:01:00".
std::string AddressIn(std::string_view line) {
  static constexpr std::string_view kForm = "xxxx:xx:xx";
  for (size_t at = 0; at + kForm.size() <= line.size(); at++) {
    if (at > 0 && IsHex(line[at - 1])) continue;
    bool fits = true;
    for (size_t i = 0; i < kForm.size() && fits; i++)
      fits = kForm[i] == 'x' ? IsHex(line[at + i]) : line[at + i] == kForm[i];
    if (!fits) continue;
    std::string address = Lower(line.substr(at, kForm.size()));
    std::string_view rest = line.substr(at + kForm.size());
    bool function = rest.size() > 1 && rest[0] == '.' && rest[1] >= '0' && rest[1] <= '7';
    return address + (function ? std::string(rest.substr(0, 2)) : ".0");
  }
  return {};
}

// What follows the mark: "79" of "): 79, pid=…".
std::string NumberAfter(std::string_view line, std::string_view mark) {
  size_t at = line.find(mark);
  if (at == std::string_view::npos) return {};
  std::string_view rest = Trim(line.substr(at + mark.size()));
  size_t end = rest.find_first_not_of("0123456789");
  return std::string(rest.substr(0, std::min(end, size_t{6})));
}

std::string Between(std::string_view line, std::string_view open, std::string_view close) {
  size_t from = line.find(open);
  if (from == std::string_view::npos) return {};
  from += open.size();
  size_t to = line.find(close, from);
  return to == std::string_view::npos ? "" : Printable(line.substr(from, to - from), 80);
}

// Without the stamp of time and level before it.
std::string Message(std::string_view line) {
  for (std::string_view start : {"NVRM:", "nvidia", "audit:", "Loading of", "Lockdown:"}) {
    size_t at = line.find(start);
    if (at != std::string_view::npos) return Printable(Trim(line.substr(at)), kLongest);
  }
  return Printable(Trim(line), kLongest);
}

class Reader {
 public:
  void Line(std::string_view line) {
    if (Has(line, "NVRM")) {
      Nvrm(line);
    } else {
      Other(line);
    }
    before_ = line;
  }

  void Fill(const Origin& origin, KernelLog& log) const {
    auto text = [&](const std::string& value) {
      return value.empty() ? Fact<std::string>::Absent(origin) : Fact<std::string>::Value(value, origin);
    };
    auto list = [&](const std::vector<std::string>& value) {
      return value.empty() ? List::Absent(origin) : List::Value(value, origin);
    };
    using Map = Fact<std::map<std::string, std::string>>;
    log.xids = list(xids_);
    log.off_the_bus = list(off_the_bus_);
    log.init_failures = init_failures_.empty() ? Map::Absent(origin) : Map::Value(init_failures_, origin);
    log.api_mismatch = text(api_mismatch_);
    log.dropped_branch = text(dropped_branch_);
    log.open_module_required = text(open_required_);
    log.open_module_unsupported = text(open_unsupported_);
    log.other_driver_bound = text(other_driver_);
    log.module_rejected = text(rejected_);
    log.firmware_failure = text(firmware_);
    log.denials = list(denials_);
    log.ecc_errors = list(ecc_errors_);
  }

 private:
  static void Add(std::vector<std::string>& list, std::string entry) {
    if (entry.empty()) return;
    std::erase(list, entry);
    if (list.size() == kMost) list.erase(list.begin());
    list.push_back(std::move(entry));
  }

  void Nvrm(std::string_view line) {
    std::string address = AddressIn(line);
    if (Has(line, "Xid (") && !address.empty()) {
      std::string number = NumberAfter(line, "):");
      if (!number.empty()) Add(xids_, address + " " + number);
    }
    if (Has(line, "fallen off the bus")) Add(off_the_bus_, address);
    if (Has(line, "RmInitAdapter failed") && !address.empty() && init_failures_.size() < kMost)
      init_failures_[address] = Between(line, "failed! (", ")");
    // Two lines: "API mismatch: the client has the version X, but" and "this kernel module has the version
    // Y."
    if (Has(line, "API mismatch")) api_mismatch_ = Message(line);
    if (Has(line, "this kernel module has the version") && Has(before_, "API mismatch")) {
      api_mismatch_ +=
          " this kernel module has the version " + FindVersion(line.substr(line.find("version")));
    }
    if (Has(line, "Legacy drivers")) {
      std::string branch = Between(line, "through the NVIDIA ", " Legacy");
      if (!branch.empty()) dropped_branch_ = branch;
    }
    if (Has(line, "requires use of the NVIDIA open kernel modules")) open_required_ = Message(line);
    if (Has(line, "does not include the required GPU")) open_unsupported_ = Message(line);
    if (Has(line, "nouveau, rivafb")) other_driver_ = "nouveau, rivafb, nvidiafb or rivatv";
    if (Has(Lower(line), "uncorrectable") && Has(line, "ECC")) Add(ecc_errors_, Message(line));
  }

  void Other(std::string_view line) {
    // "Loading of unsigned module is rejected", since 5.18 "nvidia: loading of …"; "… with unavailable key
    // …".
    const bool rejected = Has(Lower(line), "loading of ") && Has(line, " is rejected");
    if (rejected || Has(line, "unsigned module loading is restricted") ||
        (Has(line, "nvidia") && Has(line, "version magic"))) {
      rejected_ = Message(line);
    }
    if (Has(line, "firmware load for nvidia/") && Has(line, "failed"))
      firmware_ = Between(line, "firmware load for ", " failed");
    bool denied = Has(line, "apparmor=\"DENIED\"") || (Has(line, "avc:") && Has(line, "denied"));
    if (denied && Has(line, "nvidia")) Add(denials_, Message(line));
  }

  std::string_view before_;
  std::vector<std::string> xids_;
  std::vector<std::string> off_the_bus_;
  std::map<std::string, std::string> init_failures_;
  std::string api_mismatch_;
  std::string dropped_branch_;
  std::string open_required_;
  std::string open_unsupported_;
  std::string other_driver_;
  std::string rejected_;
  std::string firmware_;
  std::vector<std::string> denials_;
  std::vector<std::string> ecc_errors_;
};

}  // namespace

void ParseKernelLog(std::string_view text, const Origin& origin, KernelLog& log) {
  Reader reader;
  for (std::string_view line : SplitLines(text)) reader.Line(line.substr(0, 4096));
  reader.Fill(origin, log);
}

namespace {

// These files go on over many starts of the machine, each of which begins with the kernel's version.
std::string_view SinceBoot(std::string_view text) {
  const size_t start = text.rfind("Linux version ");
  return start == text.npos ? text : text.substr(start);
}

}  // namespace

void ReadKernelLog(const System& system, KernelLog& log) {
  auto text = system.KernelLog();
  if (text.ok()) return ParseKernelLog(*text, {Witness::kMachine, "the kernel log"}, log);
  constexpr uint64_t kMostOfLog = 4 << 20;
  const Result<int64_t> booted = BootTime(system);
  for (const char* path : {"/var/log/kern.log", "/var/log/dmesg", "/var/log/messages", "/var/log/syslog"}) {
    auto stat = system.Stat(path);
    if (!stat.ok()) continue;
    // Nothing writes it any more (the journal took over), or it is the image's: it tells of another start.
    if (booted.ok() && stat->mtime > 0 && stat->mtime < *booted) continue;
    uint64_t from = stat->size > kMostOfLog ? stat->size - kMostOfLog : 0;
    auto tail = system.Read(path, from, kMostOfLog);
    if (tail.ok()) return ParseKernelLog(SinceBoot(*tail), {Witness::kMachine, path}, log);
  }
  KernelLog::Describe(log, [&](const char*, auto& field, const char*) {
    field = std::remove_cvref_t<decltype(field)>::Unknown(text.error().message,
                                                          {Witness::kMachine, "the kernel log"});
  });
}

}  // namespace tfdoctor
