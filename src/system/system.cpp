#include "system/system.h"

#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "system/error.h"

namespace tfdoctor {

namespace {

ErrorKind KindOf(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
    // No program can reach a file by a name that is too long: for everyone who looks, it is not there.
    case ENAMETOOLONG:
      return ErrorKind::kNotFound;
    case EACCES:
    case EPERM:
      return ErrorKind::kDenied;
    case ELOOP:
      return ErrorKind::kLoop;
    case EFBIG:
    case EOVERFLOW:
      return ErrorKind::kTooLarge;
    case EISDIR:
    case EINVAL:  // readlink() of something that is no link
      return ErrorKind::kWrongType;
    case ETIMEDOUT:
      return ErrorKind::kTimeout;
    default:
      return ErrorKind::kIo;
  }
}

}  // namespace

Error FileError(const std::string& path, ErrorKind kind, std::string_view why) {
  std::string message = "cannot read " + Printable(path) + ": ";
  message += why;
  return {kind, std::move(message)};
}

Error FileError(const std::string& path, int error_number) {
  return FileError(path, KindOf(error_number), std::strerror(error_number));
}

std::optional<std::string> System::Env(std::string_view name) const {
  const auto& environment = Environment();
  auto found = environment.find(std::string(name));
  if (found == environment.end()) return std::nullopt;
  return found->second;
}

bool System::IsDirectory(const std::string& path) const {
  Result<FileStat> stat = Stat(path);
  return stat && stat->type == FileType::kDirectory;
}

Result<std::string> System::ReadAll(const std::string& path, size_t limit) const {
  // One byte more than allowed tells "too large" also where stat() gives no size, as in /proc.
  auto content = Read(path, 0, limit + 1);
  if (content.ok() && content->size() > limit) {
    return FileError(path, ErrorKind::kTooLarge, "larger than " + std::to_string(limit) + " bytes");
  }
  return content;
}

Result<std::string> System::KernelLog() const {
  return Error{ErrorKind::kNotFound, "this machine has no kernel log"};
}

Result<std::vector<std::string>> System::MappedFiles() const {
  return Error{ErrorKind::kNotFound, "no running process is judged"};
}

std::vector<ChildEnd> System::RunChildren(const std::vector<ChildTask>& tasks, const ChildLimits&) const {
  ChildEnd refused;
  refused.why = "it was not called";
  return std::vector<ChildEnd>(tasks.size(), refused);
}

}  // namespace tfdoctor
