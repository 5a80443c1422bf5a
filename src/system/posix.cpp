#include "system/posix.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <memory>

#include "system/error.h"

namespace tfdoctor {

namespace {

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

FileType TypeOfMode(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return FileType::kRegular;
    case S_IFDIR:
      return FileType::kDirectory;
    case S_IFLNK:
      return FileType::kSymlink;
    case S_IFCHR:
      return FileType::kCharacterDevice;
    case S_IFBLK:
      return FileType::kBlockDevice;
    case S_IFIFO:
      return FileType::kFifo;
    case S_IFSOCK:
      return FileType::kSocket;
    default:
      return FileType::kOther;
  }
}

FileType TypeOfEntry(DIR* folder, const dirent& entry) {
  // Not every file system tells the type while listing.
  if (entry.d_type != DT_UNKNOWN) return TypeOfMode(static_cast<mode_t>(DTTOIF(entry.d_type)));
  struct stat status;
  bool known = fstatat(dirfd(folder), entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0;
  return known ? TypeOfMode(status.st_mode) : FileType::kOther;
}

}  // namespace

FileStat FromStat(const struct stat& status) {
  FileStat result;
  result.type = TypeOfMode(status.st_mode);
  result.size = static_cast<uint64_t>(status.st_size);
  result.mode = status.st_mode & 07777;
  result.uid = status.st_uid;
  result.gid = status.st_gid;
  result.mtime = status.st_mtime;
  result.device = status.st_dev;
  result.inode = status.st_ino;
  result.rdev = status.st_rdev;
  return result;
}

bool HasNul(const std::string& path) { return path.find('\0') != std::string::npos; }

Error NotRegular(const std::string& path, mode_t mode) {
  return S_ISDIR(mode) ? FileError(path, EISDIR)
                       : FileError(path, ErrorKind::kWrongType, "not a regular file");
}

Result<std::string> ReadUpTo(int file, const std::string& path, uint64_t offset, size_t length,
                             uint64_t size) {
  constexpr size_t kChunk = 256 * 1024;
  // No file is that long, and the kernel refuses to count beyond it.
  constexpr uint64_t kFarthest = static_cast<uint64_t>(std::numeric_limits<off_t>::max()) - kChunk;
  constexpr uint64_t kReserved = 1 << 20;
  std::string content;
  if (size > offset)
    content.reserve(static_cast<size_t>(std::min({size - offset + 1, uint64_t{length}, kReserved})));
  while (content.size() < length && offset <= kFarthest && content.size() <= kFarthest - offset) {
    size_t had = content.size();
    uint64_t position = offset + had;
    size_t wanted = std::min(length - had, kChunk);
    // A byte more than what is said to remain, so that the end of an ordinary file is seen with one call.
    uint64_t likely = size > position ? size - position + 1 : 4096;
    wanted = static_cast<size_t>(std::min<uint64_t>(wanted, likely));
    content.resize(had + wanted);
    ssize_t got = pread(file, content.data() + had, wanted, static_cast<off_t>(position));
    if (got < 0 && errno == EINTR) {
      content.resize(had);
      continue;
    }
    if (got < 0) return FileError(path, errno);
    content.resize(had + static_cast<size_t>(got));
    bool at_said_end = size > 0 && offset + content.size() == size;
    if (got == 0 || at_said_end) break;
  }
  return content;
}

Result<std::vector<DirEntry>> ListFolder(FileDescriptor descriptor, const std::string& path, size_t limit) {
  if (descriptor.number() < 0) return FileError(path, errno);
  std::unique_ptr<DIR, CloseFolder> folder(fdopendir(descriptor.number()));
  if (!folder) return FileError(path, errno);
  descriptor.Release();
  std::vector<DirEntry> entries;
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(folder.get());
    if (entry == nullptr && errno != 0) return FileError(path, errno);
    if (entry == nullptr) break;
    std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (entries.size() == limit) {
      return FileError(path, ErrorKind::kTooLarge, "more than " + std::to_string(limit) + " entries");
    }
    entries.push_back({std::move(name), TypeOfEntry(folder.get(), *entry)});
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return entries;
}

}  // namespace tfdoctor
