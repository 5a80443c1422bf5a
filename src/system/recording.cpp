#include "system/recording.h"

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "system/error.h"

namespace tfdoctor {

// --- one path

void RecordedPath::AddPiece(uint64_t offset, size_t asked, std::string_view bytes) {
  if (bytes.size() < asked) {
    const uint64_t here = offset + bytes.size();
    end = end ? std::min(*end, here) : here;
  }
  if (bytes.empty()) return;
  // What lies before and touches it, and all that it meets, becomes one piece.
  auto next = pieces.upper_bound(offset);
  auto at = next;
  if (at != pieces.begin() && std::prev(at)->first + std::prev(at)->second.size() >= offset) {
    at = std::prev(at);
  } else {
    at = pieces.emplace_hint(next, offset, std::string());
  }
  const uint64_t had = at->first + at->second.size() - offset;
  if (had < bytes.size()) at->second.append(bytes, static_cast<size_t>(had));
  for (auto after = std::next(at); after != pieces.end();) {
    const uint64_t reached = at->first + at->second.size();
    if (after->first > reached) break;
    const uint64_t known = reached - after->first;
    if (known < after->second.size()) at->second.append(after->second, static_cast<size_t>(known));
    after = pieces.erase(after);
  }
}

std::optional<std::string> RecordedPath::Piece(uint64_t offset, size_t length) const {
  if (end && offset >= *end) return std::string();
  auto at = pieces.upper_bound(offset);
  if (length == 0) return pieces.empty() ? std::nullopt : std::optional<std::string>(std::string());
  if (at == pieces.begin()) return std::nullopt;
  --at;
  const uint64_t inside = offset - at->first;
  if (inside >= at->second.size()) return std::nullopt;
  const size_t there = std::min<uint64_t>(length, at->second.size() - inside);
  if (there < length && !(end && offset + there >= *end)) return std::nullopt;
  return at->second.substr(static_cast<size_t>(inside), there);
}

std::string ChildKey(const ChildTask& task) {
  std::string key = Join(task.arguments, " ");
  for (const std::string& name : task.without) key += " without " + name;
  return key;
}

// --- recording

RecordingSystem::RecordingSystem(const System& below, Recording& recording)
    : ForwardingSystem(below), recording_(recording) {
  recording.working_directory = below.WorkingDirectory();
  recording.machine = below.Machine();
  recording.not_running = below.NotRunning();
  recording.user = below.EffectiveUser();
  recording.isa_level = below.IsaLevel();
}

Result<std::string> RecordingSystem::Read(const std::string& path, uint64_t offset, size_t length) const {
  RecordedPath& known = recording_.paths[path];
  Result<std::string> read = below().Read(path, offset, length);
  if (read.ok()) {
    known.AddPiece(offset, length, *read);
  } else if (!known.read_error) {
    known.read_error = read.error();
  }
  return read;
}

Result<std::vector<DirEntry>> RecordingSystem::List(const std::string& path, size_t limit) const {
  RecordedPath& known = recording_.paths[path];
  Result<std::vector<DirEntry>> entries = below().List(path, limit);
  if (!known.entries || (!known.entries->ok() && entries.ok())) {
    known.entries = entries;
    known.entries_limit = limit;
  }
  return entries;
}

namespace {

template <class T>
T Noted(std::optional<T>& note, T answer) {
  if (!note) note = answer;
  return answer;
}

}  // namespace

Result<std::string> RecordingSystem::ReadLink(const std::string& path) const {
  return Noted(recording_.paths[path].link, below().ReadLink(path));
}
Result<FileStat> RecordingSystem::Stat(const std::string& path) const {
  return Noted(recording_.paths[path].stat, Anonymous(below().Stat(path)));
}
Result<FileStat> RecordingSystem::LStat(const std::string& path) const {
  return Noted(recording_.paths[path].link_stat, Anonymous(below().LStat(path)));
}
Result<std::string> RecordingSystem::RealPath(const std::string& path) const {
  return Noted(recording_.paths[path].real_path, below().RealPath(path));
}
Result<bool> RecordingSystem::MayAccess(const std::string& path, Access access) const {
  Result<bool> may = below().MayAccess(path, access);
  recording_.paths[path].access.emplace(access, may);
  return may;
}
std::optional<std::string> RecordingSystem::Env(std::string_view name) const {
  std::optional<std::string> value = below().Env(name);
  if (below().KnowsVariable(name)) recording_.variables.emplace(name, value);
  return value;
}
Result<std::string> RecordingSystem::KernelLog() const {
  return Noted(recording_.kernel_log, below().KernelLog());
}
Result<std::vector<std::string>> RecordingSystem::MappedFiles() const {
  return Noted(recording_.mapped_files, below().MappedFiles());
}

std::vector<ChildEnd> RecordingSystem::RunChildren(const std::vector<ChildTask>& tasks,
                                                   const ChildLimits& limits) const {
  std::vector<ChildEnd> ends = below().RunChildren(tasks, limits);
  for (size_t i = 0; i < tasks.size(); i++) recording_.children.emplace(ChildKey(tasks[i]), ends[i]);
  return ends;
}

Result<FileStat> RecordingSystem::Anonymous(Result<FileStat> stat) const {
  if (!stat.ok()) return stat;
  const std::pair file(stat->device, stat->inode);
  stat->inode = inodes_.emplace(file, inodes_.size() + 1).first->second;
  stat->device = devices_.emplace(stat->device, devices_.size() + 1).first->second;
  stat->mtime = 0;
  return stat;
}

// --- replay

ReplaySystem::ReplaySystem(Recording recording) : recording_(std::move(recording)) {
  for (const auto& [name, value] : recording_.variables) {
    if (value) environment_.emplace(name, *value);
  }
}

const RecordedPath* ReplaySystem::Find(const std::string& path) const {
  auto found = recording_.paths.find(path);
  return found == recording_.paths.end() ? nullptr : &found->second;
}

Error ReplaySystem::NotRecorded(const std::string& path) const {
  if (KnownAbsent(path)) return FileError(path, ENOENT);
  return FileError(path, ErrorKind::kIo, "not recorded");
}

// Whether something that lies on the way to this path is known not to be there.
bool ReplaySystem::KnownAbsent(const std::string& path) const {
  for (std::string at = path; at.size() > 1;) {
    const RecordedPath* here = Find(at);
    // A link that leads nowhere is there itself, what would lie below it is not.
    auto missing = [](const auto& answer) { return answer && answer->not_found(); };
    if (here != nullptr &&
        (missing(here->link_stat) || (at != path && (missing(here->stat) || missing(here->entries))))) {
      return true;
    }
    const size_t slash = at.rfind('/');
    if (slash == std::string::npos) return false;
    const std::string name = at.substr(slash + 1);
    at.resize(slash);
    if (name.empty() || name == "." || name == "..") continue;
    const RecordedPath* folder = Find(at.empty() ? "/" : at);
    if (folder == nullptr || !folder->entries || !folder->entries->ok()) continue;
    const std::vector<DirEntry>& entries = **folder->entries;
    if (std::none_of(entries.begin(), entries.end(), [&](const DirEntry& e) { return e.name == name; })) {
      return true;
    }
  }
  return false;
}

Result<std::string> ReplaySystem::Read(const std::string& path, uint64_t offset, size_t length) const {
  const RecordedPath* known = Find(path);
  if (known != nullptr) {
    if (auto bytes = known->Piece(offset, length)) return *bytes;
    if (known->read_error) return *known->read_error;
  }
  return NotRecorded(path);
}

Result<std::vector<DirEntry>> ReplaySystem::List(const std::string& path, size_t limit) const {
  const RecordedPath* known = Find(path);
  if (known == nullptr || !known->entries) return NotRecorded(path);
  const Result<std::vector<DirEntry>>& entries = *known->entries;
  const bool too_large =
      entries.ok() ? entries->size() > limit : entries.error().kind == ErrorKind::kTooLarge;
  if (!entries.ok() && too_large && limit > known->entries_limit) return NotRecorded(path);
  if (too_large)
    return FileError(path, ErrorKind::kTooLarge, "more than " + std::to_string(limit) + " entries");
  return entries;
}

Result<std::string> ReplaySystem::ReadLink(const std::string& path) const {
  const RecordedPath* known = Find(path);
  if (known == nullptr || !known->link) return NotRecorded(path);
  return *known->link;
}

Result<FileStat> ReplaySystem::Stat(const std::string& path) const {
  const RecordedPath* known = Find(path);
  if (known != nullptr && known->stat) return *known->stat;
  const bool link = known == nullptr || !known->link_stat ||
                    (known->link_stat->ok() && (*known->link_stat)->type == FileType::kSymlink);
  return link ? Result<FileStat>(NotRecorded(path)) : *known->link_stat;
}

Result<FileStat> ReplaySystem::LStat(const std::string& path) const {
  const RecordedPath* known = Find(path);
  if (known == nullptr || !known->link_stat) return NotRecorded(path);
  return *known->link_stat;
}

Result<bool> ReplaySystem::MayAccess(const std::string& path, Access access) const {
  const RecordedPath* known = Find(path);
  if (known == nullptr) return NotRecorded(path);
  auto found = known->access.find(access);
  if (found == known->access.end()) return NotRecorded(path);
  return found->second;
}

Result<std::string> ReplaySystem::RealPath(const std::string& path) const {
  const RecordedPath* known = Find(path);
  if (known == nullptr || !known->real_path) return NotRecorded(path);
  return *known->real_path;
}

Result<std::string> ReplaySystem::KernelLog() const {
  if (!recording_.kernel_log) return FileError("the kernel log", ErrorKind::kIo, "not recorded");
  return *recording_.kernel_log;
}

Result<std::vector<std::string>> ReplaySystem::MappedFiles() const {
  return recording_.mapped_files ? *recording_.mapped_files : System::MappedFiles();
}

std::vector<ChildEnd> ReplaySystem::RunChildren(const std::vector<ChildTask>& tasks,
                                                const ChildLimits&) const {
  std::vector<ChildEnd> ends;
  for (const ChildTask& task : tasks) {
    auto found = recording_.children.find(ChildKey(task));
    ChildEnd& end = ends.emplace_back();
    if (found != recording_.children.end()) {
      end = found->second;
    } else {
      end.why = "not recorded";
    }
  }
  return ends;
}

}  // namespace tfdoctor
