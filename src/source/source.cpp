#include "source/source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace tfdoctor {

namespace {

constexpr size_t kLargestRecording = 64U << 20;

Result<Source> Replayed(const std::string& path, const System& live) {
  Result<Recording> recording = ReadRecordingFile(live, path);
  if (!recording.ok())
    return Error{recording.error().kind, "--from " + path + ": " + recording.error().message};
  Source source;
  source.name =
      fmt::format("the recording {}, made by {} on {}", path, recording->made_by, recording->made_at);
  source.question = recording->question;
  source.system = std::make_unique<ReplaySystem>(std::move(*recording));
  return source;
}

Error WriteError(const std::string& path, const char* what) {
  return {ErrorKind::kIo, fmt::format("cannot write {}: {}", path, what)};
}

}  // namespace

Result<Source> OpenSource(const SourceOptions& options, const System& live) {
  if (!options.from.empty()) return Replayed(options.from, live);
  Source source;
  source.system = LiveSystem();
  return source;
}

Result<Recording> ReadRecordingFile(const System& live, const std::string& path) {
  Result<std::string> packed = live.ReadAll(path, kLargestRecording);
  if (!packed.ok()) return packed.error();
  return UnpackRecording(*packed);
}

Result<bool> WriteWhole(const std::string& path, std::string_view bytes) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    return WriteError(path, "it is not a file");
  std::string beside = path + ".XXXXXX";
  const int file = ::mkostemp(beside.data(), O_CLOEXEC);
  if (file < 0) return WriteError(path, std::strerror(errno));
  int error = 0;
  for (std::string_view left = bytes; !left.empty() && error == 0;) {
    const ssize_t written = ::write(file, left.data(), left.size());
    if (written >= 0) {
      left.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (error == 0 && ::fsync(file) != 0) error = errno;
  if (::close(file) != 0 && error == 0) error = errno;
  if (error == 0 && ::rename(beside.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return true;
  ::unlink(beside.c_str());
  return WriteError(path, std::strerror(error));
}

}  // namespace tfdoctor
