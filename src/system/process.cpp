#include "system/process.h"

#include <elf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>

#include "base/text.h"
#include "system/children.h"
#include "system/error.h"
#include "system/python_command.h"
#include "system/root.h"

namespace tfdoctor {

namespace {

constexpr size_t kLargestMaps = 64 << 20;
constexpr size_t kLongestCommand = 200;

// "/proc/4711/…" of what a program knows as "/proc/self/…"; empty: another path.
std::string OfProcess(const std::string& folder, const std::string& path) {
  for (const std::string_view self : {"/proc/self", "/proc/thread-self"}) {
    if (path == self) return folder;
    if (path.starts_with(self) && path[self.size()] == '/') return folder + path.substr(self.size());
  }
  return {};
}

struct Identity {
  uint32_t user = 0;
  uint32_t group = 0;
  std::set<uint32_t> groups;
};

class RunningProcess : public ForwardingSystem {
 public:
  struct Known {
    std::string folder;                                             // "/proc/4711"
    std::optional<std::map<std::string, std::string>> environment;  // nullopt: it cannot be told
    std::string working_directory;
    Identity identity;
    std::vector<std::string> mapped;
    bool may_call_driver = false;
  };

  RunningProcess(std::unique_ptr<System> root, std::unique_ptr<System> live, Known known)
      : ForwardingSystem(*root),
        root_(std::move(root)),
        live_(std::move(live)),
        known_(std::move(known)),
        environment_(known_.environment.value_or(std::map<std::string, std::string>())) {}

  Result<std::string> Read(const std::string& path, uint64_t offset, size_t length) const override {
    const std::string own = OfProcess(known_.folder, path);
    return own.empty() ? below().Read(path, offset, length) : live_->Read(own, offset, length);
  }
  Result<std::vector<DirEntry>> List(const std::string& path, size_t limit) const override {
    const std::string own = OfProcess(known_.folder, path);
    return own.empty() ? below().List(path, limit) : live_->List(own, limit);
  }
  Result<std::string> ReadLink(const std::string& path) const override {
    const std::string own = OfProcess(known_.folder, path);
    return own.empty() ? below().ReadLink(path) : live_->ReadLink(own);
  }
  Result<FileStat> Stat(const std::string& path) const override {
    const std::string own = OfProcess(known_.folder, path);
    return own.empty() ? below().Stat(path) : live_->Stat(own);
  }
  Result<FileStat> LStat(const std::string& path) const override {
    const std::string own = OfProcess(known_.folder, path);
    return own.empty() ? below().LStat(path) : live_->LStat(own);
  }
  Result<bool> MayAccess(const std::string& path, Access access) const override {
    if (known_.identity.user == geteuid()) return below().MayAccess(path, access);
    Result<FileStat> stat = Stat(path);
    if (!stat.ok()) return stat.error();
    return Permits(*stat, access);
  }
  const std::map<std::string, std::string>& Environment() const override { return environment_; }
  bool KnowsVariable(std::string_view) const override { return known_.environment.has_value(); }
  std::string WorkingDirectory() const override { return known_.working_directory; }
  uint32_t EffectiveUser() const override { return known_.identity.user; }
  std::string Machine() const override { return live_->Machine(); }
  int IsaLevel() const override { return live_->IsaLevel(); }
  Result<std::string> KernelLog() const override { return live_->KernelLog(); }
  Result<std::vector<std::string>> MappedFiles() const override { return known_.mapped; }
  std::string NotRunning() const override { return {}; }
  std::vector<ChildEnd> RunChildren(const std::vector<ChildTask>& tasks,
                                    const ChildLimits& limits) const override {
    if (!known_.may_call_driver) {
      ChildEnd refused;
      refused.why =
          known_.environment
              ? "the process is another user's, or has files of its own (mount namespace)"
              : "the process has overwritten the environment that the driver would have to be called in";
      return std::vector<ChildEnd>(tasks.size(), refused);
    }
    return RunProcesses("/proc/self/exe", tasks, limits, &environment_);
  }

 private:
  bool Permits(const FileStat& stat, Access access) const {
    const Identity& who = known_.identity;
    if (who.user == 0) return access != Access::kExecute || (stat.mode & 0111) != 0;
    const uint32_t wanted = static_cast<uint32_t>(access);
    const bool in_group = stat.gid == who.group || who.groups.contains(stat.gid);
    const uint32_t granted = stat.uid == who.user ? stat.mode >> 6 : in_group ? stat.mode >> 3 : stat.mode;
    return (granted & wanted) == wanted;
  }

  std::unique_ptr<System> root_;
  std::unique_ptr<System> live_;
  Known known_;
  const std::map<std::string, std::string> environment_;
};

std::vector<std::string> Words(std::string_view separated) {
  std::vector<std::string> words = Split(separated, '\0');
  if (!words.empty() && words.back().empty()) words.pop_back();
  return words;
}

// Of /proc/PID/environ. A program that sets its title (setproctitle, which ray, celery and gunicorn use)
// writes it over its arguments and goes on into the environment that lies behind them, or clears that. What
// is left there is no proof of what was set, nor of what was not: nullopt.
std::optional<std::map<std::string, std::string>> VariablesOf(std::string_view block) {
  std::map<std::string, std::string> variables;
  for (const std::string& variable : Words(block)) {
    const size_t equals = variable.find('=');
    const std::string name = variable.substr(0, equals);
    if (equals == std::string::npos || name.empty() || name.find(' ') != std::string::npos)
      return std::nullopt;
    variables.emplace(name, variable.substr(equals + 1));
  }
  return variables;
}

// Cut between words: half a token would not be known as one when a recording is redacted.
std::string CommandOf(std::vector<std::string> words) {
  while (!words.empty() && words.back().empty()) words.pop_back();  // left by a title
  std::string command = Join(words, " ");
  if (command.size() <= kLongestCommand) return Printable(command);
  command.resize(std::min(command.rfind(' ', kLongestCommand), kLongestCommand));
  return Printable(command) + " …";
}

// Of /proc/PID/maps, each file once; without what is no file.
std::vector<std::string> FilesOf(std::string_view maps) {
  std::vector<std::string> files;
  std::set<std::string_view> known;
  for (const std::string_view line : SplitLines(maps)) {
    const size_t slash = line.find('/');
    if (slash == std::string_view::npos) continue;
    const std::string_view file = line.substr(slash);
    if (file.starts_with("/memfd:") || file.starts_with("/dev/") || file.starts_with("/SYSV")) continue;
    if (known.insert(file).second) files.emplace_back(file);
  }
  return files;
}

// A path that /proc gives is as we see it; the process sees it below its own root.
std::string Inside(const std::string& root, std::string path) {
  if (root.size() > 1 && path.starts_with(root + "/")) path.erase(0, root.size());
  return path;
}

Identity IdentityOf(std::string_view status) {
  Identity identity;
  auto number = [](std::string_view word) {
    return static_cast<uint32_t>(std::strtoul(std::string(word).c_str(), nullptr, 10));
  };
  for (const std::string_view line : SplitLines(status)) {
    const std::vector<std::string_view> words = SplitWords(line);
    if (words.size() < 3 && !line.starts_with("Groups:")) continue;
    if (line.starts_with("Uid:")) identity.user = number(words[2]);  // the effective one
    if (line.starts_with("Gid:")) identity.group = number(words[2]);
    if (line.starts_with("Groups:")) {
      for (size_t i = 1; i < words.size(); i++) identity.groups.insert(number(words[i]));
    }
  }
  return identity;
}

// Empty: nothing is against it.
std::string WhyNotThisArchitecture(std::string_view head, const std::string& machine) {
  Elf64_Ehdr header = {};
  if (head.size() < sizeof header || !head.starts_with(ELFMAG)) return "its program is not to be read";
  std::memcpy(&header, head.data(), sizeof header);
  if (header.e_ident[EI_CLASS] != ELFCLASS64)
    return "it is a 32-bit program, which TensorFlow does not come for";
  const bool same = (machine == "x86_64" && header.e_machine == EM_X86_64) ||
                    (machine == "aarch64" && header.e_machine == EM_AARCH64) ||
                    (machine != "x86_64" && machine != "aarch64");
  return same ? "" : "its program is of another architecture than this machine";
}

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

bool IsPythonName(const std::string& name) {
  return name.find("python") != std::string::npos || name.find("pypy") != std::string::npos;
}

// "/opt/venv" of "/opt/venv/lib/python3.11/site-packages/numpy/…"; empty: the file is of no environment.
std::string PrefixOf(const std::string& file) {
  for (const std::string_view packages : {"/site-packages/", "/dist-packages/"}) {
    const size_t at = file.find(packages);
    if (at == std::string::npos) continue;
    const std::string version = file.substr(0, at);  // "/opt/venv/lib/python3.11"
    const std::string lib = FolderOf(version);
    if (BaseName(version).starts_with("python") && BaseName(lib).starts_with("lib")) return FolderOf(lib);
  }
  return {};
}

bool IsVirtual(const System& system, const std::string& prefix) {
  return system.Exists(prefix + "/pyvenv.cfg");
}

// The interpreter by what it was started as, since that names the environment. Where that does not lead to
// its program (a title was set, the working folder has changed) the program alone names no environment: those
// of venv share one. Then it is the environment whose extension modules the process has mapped. Empty: it
// cannot be told.
std::string InterpreterOf(const System& system, const std::string& started_as, const std::string& program,
                          const std::vector<std::string>& mapped) {
  auto is_program = [&](const std::string& path) { return system.RealPath(path).value_or("") == program; };
  for (const std::string& candidate : PlacesOfProgram(system, started_as)) {
    if (is_program(candidate)) return candidate;
  }
  const std::string own_prefix = FolderOf(FolderOf(program));
  if (IsVirtual(system, own_prefix)) return program;  // a copy, which no other environment uses
  std::set<std::string> prefixes;
  for (const std::string& file : mapped) prefixes.insert(PrefixOf(file));
  std::set<std::string> candidates;
  bool without_environment = false;
  for (const std::string& prefix : prefixes) {
    if (prefix.empty()) continue;
    if (!IsVirtual(system, prefix)) {
      // Debian's Python has packages below /usr/local, too, and every user has a place of his own.
      without_environment |= (prefix + "/").starts_with(own_prefix + "/") || prefix.ends_with("/.local");
      continue;
    }
    for (const std::string& name : {std::string("python"), std::string("python3"), BaseName(program)}) {
      const std::string candidate = prefix + "/bin/" + name;
      if (!is_program(candidate)) continue;
      candidates.insert(candidate);
      break;
    }
  }
  if (candidates.empty()) return without_environment ? program : "";
  return candidates.size() == 1 ? *candidates.begin() : "";
}

bool IsTensorFlow(const std::string& file) {
  const std::string name = BaseName(file);
  return name.starts_with("libtensorflow_cc.so") || name.starts_with("_pywrap_tensorflow");
}

}  // namespace

Result<PythonProcess> OpenProcess(int pid) {
  const std::string folder = fmt::format("/proc/{}", pid);
  auto live = LiveSystem();
  auto failed = [&](std::string_view why) {
    return Error{ErrorKind::kIo, fmt::format("process {}: {}", pid, why)};
  };
  auto gone = [&]() { return Error{ErrorKind::kNotFound, fmt::format("there is no process {}", pid)}; };
  const Result<std::string> status = live->ReadAll(folder + "/status");
  if (!status.ok()) return gone();
  if (status->find("\nState:\tZ") != std::string::npos || status->find("\nState:\tX") != std::string::npos)
    return failed("it has ended");
  const Result<std::string> exe = live->ReadLink(folder + "/exe");
  if (exe.not_found())
    return live->Exists(folder) ? failed("it is a thread of the kernel, or has just ended") : gone();
  if (!exe.ok()) {
    return failed(exe.error().kind == ErrorKind::kDenied
                      ? "it is not ours to look at (another user's, or protected); root may"
                      : exe.error().message);
  }
  if (std::string why = WhyNotThisArchitecture(
          live->Read(folder + "/exe", 0, sizeof(Elf64_Ehdr)).value_or(""), live->Machine());
      !why.empty()) {
    return failed(why);
  }
  const Result<std::string> environment = live->ReadAll(folder + "/environ", 16 << 20);
  const Result<std::string> arguments = live->ReadAll(folder + "/cmdline", 16 << 20);
  const Result<std::string> maps = live->ReadAll(folder + "/maps", kLargestMaps);
  const Result<std::string> working = live->ReadLink(folder + "/cwd");
  const Result<std::string> root_name = live->ReadLink(folder + "/root");
  for (const Result<std::string>* read : {&environment, &arguments, &maps, &working, &root_name}) {
    if (!read->ok()) return failed(live->Exists(folder) ? read->error().message : "it has ended meanwhile");
  }
  Result<std::unique_ptr<System>> root = RootSystem(folder + "/root", {});
  if (!root.ok()) return failed(live->Exists(folder) ? root.error().message : "it has ended meanwhile");

  RunningProcess::Known known;
  known.folder = folder;
  known.environment = VariablesOf(*environment);
  known.working_directory = Inside(*root_name, *working);
  known.identity = IdentityOf(*status);
  for (std::string& file : FilesOf(*maps)) known.mapped.push_back(Inside(*root_name, std::move(file)));
  const Result<std::string> mounts = live->ReadLink(folder + "/ns/mnt");
  const Result<std::string> our_mounts = live->ReadLink("/proc/self/ns/mnt");
  known.may_call_driver = known.environment && known.identity.user == geteuid() && *root_name == "/" &&
                          mounts.ok() && our_mounts.ok() && *mounts == *our_mounts;

  std::string program = Inside(*root_name, *exe);
  const bool deleted = program.ends_with(" (deleted)");
  if (deleted) program.resize(program.size() - std::strlen(" (deleted)"));
  const std::vector<std::string> words = Words(*arguments);
  PythonProcess process;
  process.pid = pid;
  process.command = CommandOf(words);
  if (!IsPythonName(BaseName(program)))
    return failed(fmt::format("it runs no Python, but {}", Printable(program)));
  const std::vector<std::string> mapped = known.mapped;
  process.system = std::make_unique<RunningProcess>(std::move(*root), std::move(live), std::move(known));
  const std::string started_as = words.empty() ? "" : words.front();
  process.interpreter = InterpreterOf(*process.system, started_as, program, mapped);
  if (!IsPythonName(BaseName(started_as))) return process;  // what follows is no command line of Python
  PythonArguments read =
      ReadPythonArguments(*process.system, std::vector<std::string>(words.begin() + 1, words.end()));
  process.script = std::move(read.script);
  process.flags = std::move(read.flags);
  return process;
}

std::vector<TensorFlowProcess> TensorFlowProcesses() {
  std::vector<TensorFlowProcess> found;
  const auto live = LiveSystem();
  for (const DirEntry& entry : live->List("/proc", 4'000'000).value_or({})) {
    if (entry.name.empty() || entry.name.size() > 9 ||
        entry.name.find_first_not_of("0123456789") != std::string::npos)
      continue;
    const std::string folder = "/proc/" + entry.name;
    const Result<FileStat> stat = live->Stat(folder);
    if (!stat.ok() || stat->uid != geteuid()) continue;
    const std::vector<std::string> files =
        FilesOf(live->ReadAll(folder + "/maps", kLargestMaps).value_or(""));
    auto library = std::find_if(files.begin(), files.end(), [](const std::string& file) {
      return BaseName(file).starts_with("libtensorflow_framework.so");
    });
    if (library == files.end()) library = std::find_if(files.begin(), files.end(), IsTensorFlow);
    if (library == files.end()) continue;
    found.push_back(
        {std::stoi(entry.name), CommandOf(Words(live->ReadAll(folder + "/cmdline").value_or(""))), *library});
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.pid < b.pid; });
  return found;
}

}  // namespace tfdoctor
