#include "system/caching.h"

#include <algorithm>
#include <cerrno>
#include <climits>

#include "system/error.h"

namespace tfdoctor {

namespace {

// The place of the answer, which is asked for where there is none; whether it was.
template <class Memory, class Ask>
auto Remembered(Memory& memory, const std::string& question, const Ask& ask) {
  auto [place, fresh] = memory.try_emplace(question, Error{});
  if (fresh) place->second = ask();
  return std::pair(place, fresh);
}

}  // namespace

void CachingSystem::NoteAsked(const std::string& path) const {
  if (!asked_.empty() && asked_.back().path == path) return;
  asked_.push_back({asked_alone_.emplace_back(path), false});
}

Result<std::string> CachingSystem::Read(const std::string& path, uint64_t offset, size_t length) const {
  // Small files and headers, which every trial reads again. Not a part of a RECORD, nor what lies further
  // inside a library: who reads that keeps it.
  constexpr size_t kKeptEach = 32 * 1024;
  constexpr size_t kKeptInAll = 3 * 1024 * 1024;
  if (offset > 0) {
    NoteAsked(path);
    return below().Read(path, offset, length);
  }
  std::string question = path + '\0' + std::to_string(length);
  auto found = reads_.find(question);
  if (found != reads_.end()) return found->second;
  NoteAsked(path);
  Result<std::string> bytes = below().Read(path, offset, length);
  size_t size = bytes.ok() ? bytes->size() : 0;
  if (size <= kKeptEach && read_bytes_ + size <= kKeptInAll) {
    read_bytes_ += size;
    reads_.emplace(std::move(question), bytes);
  }
  return bytes;
}

Result<std::vector<DirEntry>> CachingSystem::List(const std::string& path, size_t limit) const {
  // The limit is part of the question; most callers use one.
  auto [answer, fresh] =
      Remembered(lists_, path + '\0' + std::to_string(limit), [&] { return below().List(path, limit); });
  if (fresh) asked_.push_back({std::string_view(answer->first).substr(0, path.size()), true});
  return answer->second;
}
Result<std::string> CachingSystem::ReadLink(const std::string& path) const {
  auto [answer, fresh] = Remembered(links_, path, [&] { return below().ReadLink(path); });
  if (fresh) asked_.push_back({answer->first, false});
  return answer->second;
}
Result<FileStat> CachingSystem::Stat(const std::string& path) const {
  // Most files are no links: then one question answers both.
  Result<FileStat> entry = LStat(path);
  if (!entry.ok() || entry->type != FileType::kSymlink) return entry;
  return Remembered(stats_, path, [&] { return below().Stat(path); }).first->second;
}
Result<FileStat> CachingSystem::LStat(const std::string& path) const {
  auto [answer, fresh] = Remembered(link_stats_, path, [&] { return below().LStat(path); });
  if (fresh) asked_.push_back({answer->first, false});
  return answer->second;
}
Result<bool> CachingSystem::MayAccess(const std::string& path, Access access) const {
  NoteAsked(path);
  return below().MayAccess(path, access);
}
Result<std::string> CachingSystem::RealPath(const std::string& path) const {
  int links_left = 40;  // as the kernel's MAXSYMLINKS
  if (path.empty() || path[0] != '/' || path.size() >= PATH_MAX) {
    NoteAsked(path);
    return below().RealPath(path);
  }
  return Resolve(path, links_left);
}

// Part by part, so that the folders that many paths share are asked for once.
Result<std::string> CachingSystem::Resolve(const std::string& path, int& links_left) const {
  if (path.find_first_not_of('/') == std::string::npos) return std::string("/");
  auto too_many = [&] { return FileError(path, ELOOP); };
  auto known = real_paths_.find(path);
  if (known != real_paths_.end()) {
    if (known->second.links > links_left) return too_many();
    links_left -= known->second.links;
    return known->second.answer;
  }
  const int had = links_left;
  auto answer = [&]() -> Result<std::string> {
    size_t end = path.find_last_not_of('/') + 1;
    size_t slash = path.rfind('/', end - 1);
    std::string last = path.substr(slash + 1, end - slash - 1);
    Result<std::string> parent = Resolve(path.substr(0, slash + 1), links_left);
    if (!parent.ok() || last == ".") return parent;
    if (last == "..") return parent->substr(0, std::max<size_t>(parent->rfind('/'), 1));
    std::string here = (*parent == "/" ? "" : *parent) + "/" + last;
    Result<FileStat> stat = LStat(here);
    if (!stat.ok()) return stat.error();
    bool folder_wanted = end != path.size();
    if (stat->type == FileType::kSymlink) {
      if (links_left == 0) return too_many();
      links_left--;
      Result<std::string> target = ReadLink(here);
      if (!target.ok()) return target.error();
      std::string next = target->starts_with('/') ? *target : *parent + "/" + *target;
      return Resolve(folder_wanted ? next + "/" : next, links_left);
    }
    if (folder_wanted && stat->type != FileType::kDirectory) {
      return FileError(path, ENOTDIR);
    }
    return here;
  }();
  // That there were too many links is true of this walk only: from elsewhere the path may have fewer before
  // it.
  if (answer.ok() || answer.error().kind != ErrorKind::kLoop) {
    real_paths_.emplace(path, RealPathAnswer{answer, had - links_left});
  }
  return answer;
}

}  // namespace tfdoctor
