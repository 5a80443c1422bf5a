#include "elf/linker.h"

#include <elf.h>

#include <cstring>
#include <string_view>

#include "base/text.h"

namespace tfdoctor::elf {
namespace {

constexpr std::string_view kRelease = "release version ";
constexpr size_t kMaxSize = 8 << 20;  // with debug information; usually 0.2 MiB

bool IsPathCharacter(char c) { return c > ' ' && c < '\x7f'; }

// The text that ends before `end`.
std::string_view TextBefore(std::string_view bytes, size_t end) {
  size_t start = end;
  while (start > 0 && IsPathCharacter(bytes[start - 1])) --start;
  return bytes.substr(start, end - start);
}

// The default folders stand side by side (system_dirs[] of dl-load.c), each with its slash and NUL.
std::vector<std::string> FindDefaultFolders(std::string_view bytes) {
  constexpr std::string_view kEnd("/\0", 2);
  std::vector<std::string> best;
  std::vector<std::string> run;
  size_t run_end = 0;
  for (size_t at = bytes.find(kEnd); at != std::string_view::npos; at = bytes.find(kEnd, at + 1)) {
    const std::string_view text = TextBefore(bytes, at + 1);
    if (!text.starts_with('/') || text.find("/lib") == std::string_view::npos) continue;
    if (run_end != at + 1 - text.size()) run.clear();
    run.emplace_back(text);
    run_end = at + kEnd.size();
    if (run.size() > best.size()) best = run;
  }
  return best;
}

std::string FindPath(std::string_view bytes, std::string_view ending, std::string otherwise) {
  const size_t at = bytes.find(ending);
  if (at == std::string_view::npos) return otherwise;
  const std::string_view text = TextBefore(bytes, at + ending.size() - 1);
  return text.starts_with('/') ? std::string(text) : otherwise;
}

// DL_DST_LIB is slibdir without its first slash: "/lib64" -> "lib64". Where everything lies in /usr, without
// "usr/".
std::string LibToken(const std::vector<std::string>& folders) {
  if (folders.empty()) return "lib";
  std::string_view folder = folders.front();
  if (folder.starts_with("/usr/")) folder.remove_prefix(4);
  return std::string(folder.substr(1, folder.size() - 2));
}

// The loader without its code, which is most of it. As a whole where its segments do not tell them apart.
Result<std::string> ReadData(const System& system, const std::string& path) {
  constexpr size_t kHead = 4096;
  Result<std::string> head = system.Read(path, 0, kHead);
  if (!head) return head;
  Elf64_Ehdr header = {};
  std::string data;
  if (head->size() < sizeof header || !head->starts_with(ELFMAG)) return system.ReadAll(path, kMaxSize);
  std::memcpy(&header, head->data(), sizeof header);
  for (size_t i = 0; i < header.e_phnum; i++) {
    Elf64_Phdr segment = {};
    const uint64_t at = header.e_phoff + i * sizeof segment;
    if (at > head->size() || head->size() - at < sizeof segment) break;
    std::memcpy(&segment, head->data() + at, sizeof segment);
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) != 0 || segment.p_filesz > kMaxSize) continue;
    Result<std::string> part = system.Read(path, segment.p_offset, static_cast<size_t>(segment.p_filesz));
    if (!part) return part;
    data += *part;
  }
  return data.find(kRelease) != std::string::npos ? data : system.ReadAll(path, kMaxSize);
}

}  // namespace

Result<Linker> ReadLinker(const System& system, const std::string& path) {
  const Result<std::string> file = ReadData(system, path);
  if (!file) return file.error();
  const std::string_view bytes = *file;
  const size_t release = bytes.find(kRelease);
  if (release == std::string_view::npos || bytes.find("GLIBC_") == std::string_view::npos) {
    return Error{ErrorKind::kMalformed, path + " is not the dynamic loader of glibc"};
  }
  Linker linker;
  linker.version = FindVersion(bytes.substr(release + kRelease.size(), 16));
  linker.default_folders = FindDefaultFolders(bytes);
  linker.lib = LibToken(linker.default_folders);
  linker.cache = FindPath(bytes, std::string_view("/ld.so.cache\0", 13), linker.cache);
  linker.preload = FindPath(bytes, std::string_view("/ld.so.preload\0", 15), linker.preload);
  linker.glibc_hwcaps = CompareVersions(linker.version, "2.33") >= 0;
  linker.legacy_hwcaps = CompareVersions(linker.version, "2.37") < 0;
  return linker;
}

}  // namespace tfdoctor::elf
