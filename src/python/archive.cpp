#include "python/archive.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/text.h"
#include "python/path.h"

namespace tfdoctor {
namespace {

// APPNOTE.TXT of PKWARE; Python's zipimport.py, _read_directory().
constexpr size_t kEndSize = 22;
constexpr size_t kMaxComment = 0xFFFF;
constexpr size_t kEntrySize = 46;
constexpr size_t kDirectoryLimit = 16 << 20;  // of some 200'000 files
constexpr uint32_t kIsInZip64 = 0xFFFFFFFF;

uint32_t Number(std::string_view bytes, size_t at, size_t length) {
  uint32_t value = 0;
  for (size_t i = 0; i < length; ++i)
    value |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return value;
}

// "tensorflow.py", "tensorflow/__init__.pyc", and any file below "tensorflow/", a portion of a namespace.
bool Brings(std::string_view file, std::string_view name) {
  if (!file.starts_with(name)) return false;
  std::string_view rest = file.substr(name.size());
  return rest.starts_with('/') || rest == ".py" || rest == ".pyc";
}

}  // namespace

Result<bool> ArchiveMayHold(const System& system, const std::string& entry, const std::string& name) {
  // The archive is the first part of the path that is a file.
  std::string path = entry, below;
  Result<FileStat> stat = system.Stat(path);
  while (!stat && (stat.error().kind == ErrorKind::kWrongType || stat.not_found()) && path.size() > 1) {
    below = BaseName(path) + "/" + below;
    path = DirName(path);
    stat = system.Stat(path);
  }
  if (!stat) return stat.error();
  const Error none{ErrorKind::kNotFound, Printable(entry) + " is no archive"};
  if (stat->type != FileType::kRegular || stat->size < kEndSize) return none;
  const uint64_t tail = std::min<uint64_t>(stat->size, kEndSize + kMaxComment);
  Result<std::string> end = system.Read(path, stat->size - tail, tail);
  // What Python may not read it passes over.
  if (!end) return end.error().kind == ErrorKind::kDenied ? none : end.error();
  size_t at = end->rfind("PK\x05\x06");
  if (at == std::string::npos || at + kEndSize > end->size()) return none;
  const uint32_t size = Number(*end, at + 12, 4);
  const uint64_t end_offset = stat->size - tail + at;
  const Error not_read{ErrorKind::kMalformed,
                       Printable(path) + " on sys.path is an archive whose list of files could not be read"};
  if (size == kIsInZip64 || size > kDirectoryLimit || size > end_offset) return not_read;
  // What stands before the archive (a first line for the shell) does not count in its offsets.
  Result<std::string> directory = system.Read(path, end_offset - size, size);
  if (!directory) return directory.error();
  std::string_view rest = *directory;
  while (rest.size() >= kEntrySize && rest.starts_with("PK\x01\x02")) {
    const size_t length = Number(rest, 28, 2);
    const size_t whole = kEntrySize + length + Number(rest, 30, 2) + Number(rest, 32, 2);
    if (whole > rest.size()) return not_read;
    std::string_view file = rest.substr(kEntrySize, length);
    if (file.starts_with(below) && Brings(file.substr(below.size()), name)) return true;
    rest.remove_prefix(whole);
  }
  if (!rest.empty()) return not_read;
  return false;
}

}  // namespace tfdoctor
