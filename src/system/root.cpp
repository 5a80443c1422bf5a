#include "system/root.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include "base/text.h"
#include "system/error.h"
#include "system/posix.h"

namespace tfdoctor {

namespace {

constexpr int kMostLinks = 40;  // the kernel's MAXSYMLINKS

// A place below the root that is held open (O_PATH: nothing is opened for use), with its name there.
struct Place {
  FileDescriptor file;
  std::string path;
};

class Root : public System {
 public:
  Root(FileDescriptor root, RootSettings settings) : root_(std::move(root)), settings_(std::move(settings)) {
    machine_ = MachineOfPrograms(*this);
    isa_level_ = IsaLevelOfCpuInfo(*this, machine_);
    not_running_ = WhyNotRunning(*this);
  }

  Result<std::string> Read(const std::string& path, uint64_t offset, size_t length) const override {
    if (offset > 0 && path == last_path_ && last_file_.number() >= 0)
      return ReadUpTo(last_file_.number(), path, offset, length, last_size_);
    const FileDescriptor file = Open(path, true);
    struct stat status;
    if (file.number() < 0 || fstat(file.number(), &status) != 0) return FileError(path, errno);
    if (!S_ISREG(status.st_mode)) return NotRegular(path, status.st_mode);
    if (IsOfThisProcess(path, file.number())) return OfThisProcess(path);
    FileDescriptor readable = Reopen(file.number(), path, O_RDONLY);
    if (readable.number() < 0 || fstat(readable.number(), &status) != 0) return FileError(path, errno);
    if (!S_ISREG(status.st_mode)) return NotRegular(path, status.st_mode);
    last_file_ = std::move(readable);
    last_path_ = path;
    last_size_ = static_cast<uint64_t>(status.st_size);
    return ReadUpTo(last_file_.number(), path, offset, length, last_size_);
  }

  Result<std::vector<DirEntry>> List(const std::string& path, size_t limit) const override {
    const FileDescriptor folder = Open(path, true);
    struct stat status;
    if (folder.number() < 0 || fstat(folder.number(), &status) != 0) return FileError(path, errno);
    if (!S_ISDIR(status.st_mode)) return FileError(path, ENOTDIR);
    if (IsOfThisProcess(path, folder.number())) return OfThisProcess(path);
    return ListFolder(Reopen(folder.number(), path, O_RDONLY | O_DIRECTORY), path, limit);
  }

  Result<std::string> ReadLink(const std::string& path) const override {
    const FileDescriptor link = Open(path, false);
    if (link.number() < 0) return FileError(path, errno);
    auto target = Target(link.number());
    if (!target) return FileError(path, errno == ENOENT ? EINVAL : errno);
    return *target;
  }

  Result<FileStat> Stat(const std::string& path) const override { return StatOf(path, true); }
  Result<FileStat> LStat(const std::string& path) const override { return StatOf(path, false); }

  Result<bool> MayAccess(const std::string& path, Access access) const override {
    const FileDescriptor file = Open(path, true);
    if (file.number() < 0 && (errno == EACCES || errno == EPERM)) return false;
    if (file.number() < 0) return FileError(path, errno);
    const std::string name = "/proc/self/fd/" + std::to_string(file.number());
    if (faccessat(AT_FDCWD, name.c_str(), static_cast<int>(access), AT_EACCESS) == 0) return true;
    if (errno == EACCES || errno == EPERM || errno == EROFS || errno == ETXTBSY) return false;
    return FileError(path, errno);
  }

  Result<std::string> RealPath(const std::string& path) const override {
    Result<Place> place = Walk(path, true);
    if (!place.ok()) return place.error();
    return std::move(place->path);
  }

  const std::map<std::string, std::string>& Environment() const override { return settings_.environment; }
  std::string WorkingDirectory() const override { return settings_.working_directory; }
  uint32_t EffectiveUser() const override { return geteuid(); }
  std::string Machine() const override { return machine_; }
  int IsaLevel() const override { return isa_level_; }
  std::string NotRunning() const override { return not_running_; }
  Result<std::string> KernelLog() const override {
    return FileError("the kernel log", ErrorKind::kIo, "the running kernel's is not this root's");
  }

 private:
  Result<FileStat> StatOf(const std::string& path, bool follow) const {
    const FileDescriptor file = Open(path, follow);
    struct stat status;
    if (file.number() < 0 || fstat(file.number(), &status) != 0) return FileError(path, errno);
    return FromStat(status);
  }

  // Not open: errno says why.
  FileDescriptor Open(const std::string& path, bool follow) const {
    if (path.empty() || HasNul(path)) {
      errno = ENOENT;
      return FileDescriptor();
    }
    if (!own_walk_) {
      open_how how = {};
      how.flags = static_cast<uint64_t>(O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
      how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
      const std::string absolute = Absolute(path);
      for (int tries = 0; tries < 3; tries++) {  // EAGAIN: something was renamed on the way
        const long file = syscall(SYS_openat2, root_.number(), absolute.c_str(), &how, sizeof how);
        if (file >= 0) return FileDescriptor(static_cast<int>(file));
        if (errno != EAGAIN) break;
      }
      // A kernel before 5.6, or a filter that knows no such call.
      if (errno != ENOSYS && errno != EPERM && errno != EAGAIN) return FileDescriptor();
      own_walk_ = own_walk_ || errno == ENOSYS;
    }
    Result<Place> place = Walk(path, follow);
    return place.ok() ? std::move(place->file) : FileDescriptor();
  }

  std::string Absolute(const std::string& path) const {
    return path.starts_with('/') ? path : settings_.working_directory + "/" + path;
  }

  // Part by part from the root, with each folder on the way held open; ".." takes the one before, so that
  // nothing that is moved meanwhile leads out. Error: with errno set, too.
  Result<Place> Walk(const std::string& path, bool follow) const {
    auto failed = [&](int error) {
      errno = error;
      return FileError(path, error);
    };
    if (path.empty() || HasNul(path)) return failed(ENOENT);
    std::vector<Place> way;
    way.push_back({FileDescriptor(fcntl(root_.number(), F_DUPFD_CLOEXEC, 0)), ""});
    std::vector<std::string> ahead;  // the next one last
    auto push = [&](const std::string& parts) {
      std::vector<std::string> split = Split(parts, '/');
      // A slash at the end asks for a folder.
      if (split.size() > 1 && split.back().empty()) split.back() = ".";
      for (auto part = split.rbegin(); part != split.rend(); ++part) {
        if (!part->empty()) ahead.push_back(std::move(*part));
      }
    };
    push(Absolute(path));
    int links = 0;
    while (!ahead.empty()) {
      const std::string part = std::move(ahead.back());
      ahead.pop_back();
      struct stat status;
      if (fstat(way.back().file.number(), &status) != 0) return failed(errno);
      if (!S_ISDIR(status.st_mode)) return failed(ENOTDIR);
      if (part == ".") continue;
      if (part == "..") {
        if (way.size() > 1) way.pop_back();
        continue;
      }
      if (part.size() > NAME_MAX) return failed(ENAMETOOLONG);
      FileDescriptor next(openat(way.back().file.number(), part.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
      if (next.number() < 0 || fstat(next.number(), &status) != 0) return failed(errno);
      if (!S_ISLNK(status.st_mode) || (ahead.empty() && !follow)) {
        std::string name = way.back().path + "/" + part;
        way.push_back({std::move(next), std::move(name)});
        continue;
      }
      if (++links > kMostLinks) return failed(ELOOP);
      struct statfs mount;
      // Links of /proc lead where their text does not say.
      if (fstatfs(next.number(), &mount) == 0 && mount.f_type == PROC_SUPER_MAGIC && part != "self" &&
          part != "thread-self" && part != "mounts" && part != "net") {
        return failed(ELOOP);
      }
      std::optional<std::string> target = Target(next.number());
      if (!target || target->empty()) return failed(ENOENT);
      if (target->starts_with('/')) way.erase(way.begin() + 1, way.end());
      push(*target);
    }
    if (way.back().path.empty()) way.back().path = "/";
    return std::move(way.back());
  }

  static std::optional<std::string> Target(int link) {
    std::array<char, PATH_MAX + 1> target = {};
    const ssize_t length = readlinkat(link, "", target.data(), target.size());
    if (length < 0) return std::nullopt;
    return std::string(target.data(), static_cast<size_t>(length));
  }

  // What is held, for reading: the very same file, whatever has come into its place.
  FileDescriptor Reopen(int held, const std::string& path, int flags) const {
    flags |= O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    const std::string name = "/proc/self/fd/" + std::to_string(held);
    FileDescriptor file(open(name.c_str(), flags));
    if (file.number() >= 0 || errno != ENOENT || own_walk_) return file;
    // Without a /proc here.
    open_how how = {};
    how.flags = static_cast<uint64_t>(flags);
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    const std::string absolute = Absolute(path);
    return FileDescriptor(
        static_cast<int>(syscall(SYS_openat2, root_.number(), absolute.c_str(), &how, sizeof how)));
  }

  // A /proc that the kernel makes may be mounted in the root; its /proc/self is this process, which is not
  // what is judged.
  static bool IsOfThisProcess(const std::string& path, int file) {
    if (path.find("/self") == std::string::npos && path.find("/thread-self") == std::string::npos)
      return false;
    struct statfs mount;
    return fstatfs(file, &mount) == 0 && mount.f_type == PROC_SUPER_MAGIC;
  }
  static Error OfThisProcess(const std::string& path) {
    return FileError(path, ErrorKind::kIo, "it is of tfdoctor's own process");
  }

  FileDescriptor root_;
  RootSettings settings_;
  mutable bool own_walk_ = settings_.own_walk;
  std::string machine_;
  int isa_level_ = 0;
  std::string not_running_;
  // Pieces of one file are read one after the other.
  mutable FileDescriptor last_file_;
  mutable std::string last_path_;
  mutable uint64_t last_size_ = 0;
};

}  // namespace

std::string MachineOfProgram(const System& system, const std::string& path) {
  Elf64_Ehdr header = {};
  const std::string bytes = system.Read(path, 0, sizeof header).value_or("");
  if (bytes.size() < sizeof header || !bytes.starts_with(ELFMAG)) return {};
  std::memcpy(&header, bytes.data(), sizeof header);
  switch (header.e_machine) {
    case EM_X86_64:
      return "x86_64";
    case EM_AARCH64:
      return "aarch64";
    case EM_PPC64:
      return "ppc64le";
    case EM_386:
      return "i686";
    default:
      return {};
  }
}

std::string MachineOfPrograms(const System& system) {
  for (const char* program :
       {"/bin/sh", "/usr/bin/env", "/usr/bin/python3", "/lib64/ld-linux-x86-64.so.2",
        "/lib/ld-linux-aarch64.so.1", "/sbin/ldconfig", "/bin/ls", "/usr/bin/ls", "/bin/bash"}) {
    if (std::string machine = MachineOfProgram(system, program); !machine.empty()) return machine;
  }
  return {};
}

int IsaLevelOfCpuInfo(const System& system, const std::string& machine) {
  if (machine != "x86_64") return 0;
  const std::string text = system.Read("/proc/cpuinfo", 0, 16 * 1024).value_or("");
  for (const std::string_view line : SplitLines(text)) {
    if (!line.starts_with("flags")) continue;
    const std::vector<std::string_view> flags = SplitWords(line);
    auto all = [&](std::initializer_list<std::string_view> wanted) {
      return std::all_of(wanted.begin(), wanted.end(), [&](std::string_view flag) {
        return std::find(flags.begin(), flags.end(), flag) != flags.end();
      });
    };
    if (!all({"ssse3", "sse4_2", "popcnt"})) return 1;
    if (!all({"avx2", "fma", "bmi1", "bmi2"})) return 2;
    return all({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}) ? 4 : 3;
  }
  return kUnknownIsaLevel;
}

std::string WhyNotRunning(const System& system) {
  if (!system.ReadAll("/proc/sys/kernel/osrelease", 4096).value_or("").empty()) return {};
  return "no kernel runs in this root (--assume states a GPU)";
}

Result<std::unique_ptr<System>> RootSystem(const std::string& folder, RootSettings settings) {
  FileDescriptor root(open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (root.number() < 0) return FileError(folder, errno);
  return std::unique_ptr<System>(std::make_unique<Root>(std::move(root), std::move(settings)));
}

}  // namespace tfdoctor
