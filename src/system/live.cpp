#include <fcntl.h>
#include <sys/klog.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <unordered_map>

#include "system/children.h"
#include "system/error.h"
#include "system/posix.h"
#include "system/system.h"

namespace tfdoctor {

namespace {

class Live : public System {
 public:
  explicit Live(Looks looks) {
    // Only of plenty: who may open few files needs them for what is read.
    constexpr rlim_t kPlenty = 256;
    struct rlimit files = {};
    keep_open_ = looks == Looks::kOne && getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur >= kPlenty;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; entry++) {
      std::string_view text = *entry;
      size_t equals = text.find('=');
      // Of a name given twice the first counts, as for getenv() and os.environ.
      if (equals != std::string_view::npos && equals > 0) {
        environment_.emplace(text.substr(0, equals), text.substr(equals + 1));
      }
    }
  }

  Result<std::string> Read(const std::string& path, uint64_t offset, size_t length) const override {
    if (HasNul(path)) return FileError(path, ENOENT);
    // Pieces of a few files are read by turns: those stay open.
    for (const OpenFile& file : open_files_) {
      if (file.path == path) return ReadUpTo(file.descriptor.number(), path, offset, length, file.size);
    }
    // Before open(): opening alone can already have effects on a device (a tape rewinds, nvidia loads) or a
    // FIFO.
    const Place place = PlaceOf(path);
    struct stat status;
    if (fstatat(place.folder, place.name, &status, 0) != 0) return FileError(path, errno);
    if (!S_ISREG(status.st_mode)) return NotRegular(path, status.st_mode);
    // O_NONBLOCK: another file may have come into its place meanwhile, and some files of /proc wait for
    // input.
    OpenFile file{
        path, 0,
        FileDescriptor(openat(place.folder, place.name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY))};
    if (file.descriptor.number() < 0)
      return MadeRoom() ? Read(path, offset, length) : Result<std::string>(FileError(path, errno));
    if (fstat(file.descriptor.number(), &status) != 0) return FileError(path, errno);
    if (!S_ISREG(status.st_mode)) return NotRegular(path, status.st_mode);
    file.size = static_cast<uint64_t>(status.st_size);
    Result<std::string> bytes = ReadUpTo(file.descriptor.number(), path, offset, length, file.size);
    constexpr size_t kMostOpen = 8;
    if (keep_open_ && bytes.ok() && bytes->size() == length) {  // there is more of it
      if (open_files_.size() == kMostOpen) open_files_.erase(open_files_.begin());
      open_files_.push_back(std::move(file));
    }
    return bytes;
  }

  Result<std::vector<DirEntry>> List(const std::string& path, size_t limit) const override {
    if (HasNul(path)) return FileError(path, ENOENT);
    FileDescriptor folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK));
    if (folder.number() < 0 && MadeRoom()) return List(path, limit);
    return ListFolder(std::move(folder), path, limit);
  }

  Result<std::string> ReadLink(const std::string& path) const override {
    if (HasNul(path)) return FileError(path, ENOENT);
    char target[PATH_MAX + 1];  // Linux allows no longer target
    const Place place = PlaceOf(path);
    ssize_t length = readlinkat(place.folder, place.name, target, sizeof target);
    if (length < 0) return FileError(path, errno);
    return std::string(target, static_cast<size_t>(length));
  }

  Result<FileStat> Stat(const std::string& path) const override { return StatOf(path, 0); }

  Result<FileStat> LStat(const std::string& path) const override { return StatOf(path, AT_SYMLINK_NOFOLLOW); }

  Result<bool> MayAccess(const std::string& path, Access access) const override {
    if (HasNul(path)) return FileError(path, ENOENT);
    if (faccessat(AT_FDCWD, path.c_str(), static_cast<int>(access), AT_EACCESS) != 0) {
      if (errno == EACCES || errno == EPERM || errno == EROFS || errno == ETXTBSY) return false;
      return FileError(path, errno);
    }
    return access == Access::kExecute || !OnNodevMount(path);
  }

  Result<std::string> RealPath(const std::string& path) const override {
    if (HasNul(path)) return FileError(path, ENOENT);
    std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr), &std::free);
    if (!real) return FileError(path, errno);
    return std::string(real.get());
  }

  const std::map<std::string, std::string>& Environment() const override { return environment_; }

  std::string WorkingDirectory() const override {
    char path[PATH_MAX];
    return getcwd(path, sizeof path) != nullptr ? path : "";
  }

  uint32_t EffectiveUser() const override { return geteuid(); }

  std::string Machine() const override {
    utsname names;
    return uname(&names) == 0 ? names.machine : "";
  }

  Result<std::string> KernelLog() const override {
    constexpr int kReadAll = 3;
    constexpr int kSizeOfBuffer = 10;
    constexpr int kLargest = 16 << 20;
    int size = klogctl(kSizeOfBuffer, nullptr, 0);
    if (size < 0) return FileError("the kernel log", errno);
    std::string text(static_cast<size_t>(std::min(size, kLargest)), '\0');
    int got = klogctl(kReadAll, text.data(), static_cast<int>(text.size()));
    if (got < 0) return FileError("the kernel log", errno);
    text.resize(static_cast<size_t>(got));
    return text;
  }

  std::vector<ChildEnd> RunChildren(const std::vector<ChildTask>& tasks,
                                    const ChildLimits& limits) const override {
    return RunProcesses("/proc/self/exe", tasks, limits);
  }

  int IsaLevel() const override {
#ifdef __x86_64__
    // As glibc's sysdeps/x86/get-isa-level.h: the levels of the x86-64 psABI. The features that no compiler
    // names alike (MOVBE, LZCNT, …) came with the others of their level. A test compares with `ld.so --help`.
    bool level2 = __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.2") &&
                  __builtin_cpu_supports("popcnt");
    bool level3 = level2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                  __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    bool level4 = level3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
    if (level4) return 4;
    if (level3) return 3;
    if (level2) return 2;
    return 1;
#else
    return 0;
#endif
  }

 private:
  struct OpenFile {
    std::string path;
    uint64_t size;
    FileDescriptor descriptor;
  };

  // How the kernel is asked for a path: the name in an open folder.
  struct Place {
    int folder;
    const char* name;
  };

  // Questions come many to a folder, and the way to it takes the kernel longest: from the second one on it is
  // open. The first walks the whole path, as people's programs do: automounters mount.
  Place PlaceOf(const std::string& path) const {
    constexpr size_t kMostOpen = 64;
    constexpr int kAskedOnce = -1, kCannotOpen = -2;
    const Place whole{AT_FDCWD, path.c_str()};
    const size_t slash = path.rfind('/');
    if (!keep_open_ || slash == std::string::npos || slash == 0 || path.size() >= PATH_MAX) return whole;
    const std::string_view name = std::string_view(path).substr(slash + 1);
    if (name.empty() || name == "." || name == "..") return whole;
    auto [known, first] = folders_.try_emplace(path.substr(0, slash), kAskedOnce);
    int& folder = known->second;
    if (first) return FromAbove(path, slash);
    if (folder == kAskedOnce) {
      folder = kCannotOpen;
      if (open_folders_.size() < kMostOpen) {
        const Place above = FromAbove(known->first, slash);
        FileDescriptor opened(openat(above.folder, above.name, O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (opened.number() >= 0) {
          folder = opened.number();
          open_folders_.push_back(std::move(opened));
        }
      }
    }
    return folder >= 0 ? Place{folder, path.c_str() + slash + 1} : whole;
  }

  // From the nearest folder above that is open: most of a long path need not be walked again.
  Place FromAbove(const std::string& path, size_t slash) const {
    constexpr int kLevels = 3;
    for (int level = 0; level < kLevels; level++) {
      slash = slash == 0 ? std::string::npos : path.rfind('/', slash - 1);
      if (slash == std::string::npos || slash == 0) break;
      const auto known = folders_.find(path.substr(0, slash));
      if (known == folders_.end() || known->second < 0) continue;
      const size_t name = path.find_first_not_of('/', slash);                         // "folder//name"
      return {known->second, name == std::string::npos ? "." : path.c_str() + name};  // "folder/"
    }
    return {AT_FDCWD, path.c_str()};
  }

  // After open() failed: where descriptors have run out, those that are kept are given back, for good.
  bool MadeRoom() const {
    const int error = errno;
    const bool made = (error == EMFILE || error == ENFILE) && !(open_folders_.empty() && open_files_.empty());
    if (made) {
      keep_open_ = false;
      folders_.clear();
      open_folders_.clear();
      open_files_.clear();
    }
    errno = error;
    return made;
  }

  Result<FileStat> StatOf(const std::string& path, int flags) const {
    if (HasNul(path)) return FileError(path, ENOENT);
    const Place place = PlaceOf(path);
    struct stat status;
    if (fstatat(place.folder, place.name, &status, flags) != 0) return FileError(path, errno);
    return FromStat(status);
  }

  // access() does not look at the mount option nodev, open() does.
  static bool OnNodevMount(const std::string& path) {
    struct stat status;
    if (stat(path.c_str(), &status) != 0) return false;
    if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)) return false;
    struct statvfs mount;
    return statvfs(path.c_str(), &mount) == 0 && (mount.f_flag & ST_NODEV) != 0;
  }

  mutable bool keep_open_ = false;
  std::map<std::string, std::string> environment_;
  mutable std::unordered_map<std::string, int> folders_;
  mutable std::vector<FileDescriptor> open_folders_;
  mutable std::vector<OpenFile> open_files_;
};

}  // namespace

std::unique_ptr<System> LiveSystem(Looks looks) { return std::make_unique<Live>(looks); }

}  // namespace tfdoctor
