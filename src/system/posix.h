// Files as the kernel gives them: what the live machine and other roots share.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "system/system.h"

namespace tfdoctor {

class FileDescriptor {
 public:
  explicit FileDescriptor(int number = -1) : number_(number) {}
  ~FileDescriptor() {
    if (number_ >= 0) close(number_);
  }
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int number() const { return number_; }
  int Release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

FileStat FromStat(const struct stat& status);

// The kernel takes a path up to its first NUL byte, which would be another file than the one asked for.
bool HasNul(const std::string& path);

// What to say of something that is read as a regular file and is none.
Error NotRegular(const std::string& path, mode_t mode);

// Up to `length` bytes. The buffer grows with what is really there: neither the size that stat() tells (0 in
// /proc, anything in a sparse file) nor the caller's bound is allocated in advance.
Result<std::string> ReadUpTo(int file, const std::string& path, uint64_t offset, size_t length,
                             uint64_t size);

// As System::List(). A descriptor that is not open: errno says why.
Result<std::vector<DirEntry>> ListFolder(FileDescriptor folder, const std::string& path, size_t limit);

}  // namespace tfdoctor
