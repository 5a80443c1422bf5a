#include "system/overlay.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <limits>

#include "base/text.h"
#include "system/error.h"

namespace tfdoctor {

namespace {

constexpr int kMostLinks = 40;  // the kernel's MAXSYMLINKS
// No device of the layer below has this number: (device, inode) stays the name of one file.
constexpr uint64_t kOverlayDevice = std::numeric_limits<uint64_t>::max();

std::string Child(const std::string& folder, const std::string& name) {
  std::string child;
  child.reserve(folder.size() + 1 + name.size());
  if (folder != "/") child = folder;
  child += '/';
  child += name;
  return child;
}

std::string ParentOf(const std::string& canonical) {
  size_t slash = canonical.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : canonical.substr(0, slash);
}

}  // namespace

// A walk along a path, as the kernel does it: where it stands and the parts still to go, the next one last.
struct OverlaySystem::Walk {
  std::string at = "/";
  std::vector<std::string> ahead;
  bool follow_last = true;
  bool must_be_folder = false;

  void Push(const std::string& path) {
    std::vector<std::string> parts = Split(path, '/');
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      if (!part->empty() && *part != ".") ahead.push_back(std::move(*part));
    }
  }
};

OverlaySystem::OverlaySystem(const System& below)
    : ForwardingSystem(below),
      environment_(below.Environment()),
      working_directory_(below.WorkingDirectory()),
      machine_(below.Machine()),
      isa_level_(below.IsaLevel()),
      user_(below.EffectiveUser()) {}

OverlaySystem::Node OverlaySystem::NewNode(FileType type, uint32_t mode) {
  Node node;
  node.stat.type = type;
  node.stat.mode = mode;
  node.stat.device = kOverlayDevice;
  // No two overlays give the same, so that it names one file among all of them.
  static std::atomic<uint64_t> next_inode = 1;
  node.stat.inode = next_inode++;
  return node;
}

void OverlaySystem::AddFile(const std::string& path, std::string content, uint32_t mode) {
  Node node = NewNode(FileType::kRegular, mode);
  node.stat.size = content.size();
  node.content = std::move(content);
  Put(path, std::move(node));
}

void OverlaySystem::AddLargeFile(const std::string& path, std::string content, uint64_t size) {
  Node node = NewNode(FileType::kRegular, 0644);
  node.stat.size = size;
  node.content = std::move(content);
  Put(path, std::move(node));
}

void OverlaySystem::AddDirectory(const std::string& path) {
  if (auto existing = Stat(path); existing.ok() && existing->type == FileType::kDirectory) return;
  std::string place = PlaceOf(path);
  ForgetFolders();
  MakeFolder(place);
}

void OverlaySystem::AddSymlink(const std::string& path, const std::string& target) {
  Node node = NewNode(FileType::kSymlink, 0777);
  node.stat.size = target.size();
  node.content = target;
  Put(path, std::move(node));
}

void OverlaySystem::AddDevice(const std::string& path, uint64_t rdev, uint32_t mode) {
  Node node = NewNode(FileType::kCharacterDevice, mode);
  node.stat.rdev = rdev;
  Put(path, std::move(node));
}

void OverlaySystem::Remove(const std::string& path) {
  Node node;
  node.removed = true;
  Put(path, std::move(node));
}

void OverlaySystem::SetEnv(const std::string& name, const std::string& value) {
  environment_[name] = value;
  changed_variables_.insert(name);
}
void OverlaySystem::UnsetEnv(const std::string& name) {
  environment_.erase(name);
  changed_variables_.insert(name);
}
// What is not changed is asked for below, where a recording notes it.
std::optional<std::string> OverlaySystem::Env(std::string_view name) const {
  return changed_variables_.contains(name) ? System::Env(name) : below().Env(name);
}
void OverlaySystem::SetWorkingDirectory(const std::string& path) { working_directory_ = path; }
void OverlaySystem::SetMachine(const std::string& machine, int isa_level) {
  machine_ = machine;
  isa_level_ = isa_level;
}
void OverlaySystem::SetEffectiveUser(uint32_t uid) { user_ = uid; }
void OverlaySystem::Fail(const std::string& path, Error error) {
  failures_.insert_or_assign(path, std::move(error));
}

std::string OverlaySystem::PlaceOf(const std::string& path) {
  Walk given;
  given.Push(path);
  std::string place = "/";
  while (!given.ahead.empty()) {
    std::string part = std::move(given.ahead.back());
    given.ahead.pop_back();
    place = part == ".." ? ParentOf(place) : Child(place, part);
    if (given.ahead.empty()) break;
    Walk step;
    step.at = ParentOf(place);
    step.ahead = {place.substr(place.rfind('/') + 1)};
    if (auto real = Follow(std::move(step)); real.ok() && part != "..") place = *real;
  }
  return place;
}

void OverlaySystem::MakeFolder(const std::string& canonical) {
  auto existing = EntryStat(canonical);
  if (existing.ok() && existing->type == FileType::kDirectory) return;
  if (canonical != "/") MakeFolder(ParentOf(canonical));
  Node node = NewNode(FileType::kDirectory, 0755);
  // It stands where nothing, or something else, was: what the layer below may hold there is gone.
  node.opaque = true;
  Keep(canonical, std::move(node));
}

void OverlaySystem::ForgetFolders() {
  untouched_folders_.clear();
  resolved_folders_.clear();
  unchanged_folders_.clear();
}

void OverlaySystem::Put(const std::string& path, Node node) {
  std::string place = PlaceOf(path);
  ForgetFolders();
  if (place == "/") return;
  if (!node.removed) MakeFolder(ParentOf(place));
  std::string inside = place + "/";
  auto first = nodes_.lower_bound(inside);
  auto last = first;
  while (last != nodes_.end() && last->first.starts_with(inside)) ++last;
  nodes_.erase(first, last);
  Keep(place, std::move(node));
}

void OverlaySystem::Keep(const std::string& canonical, Node node) {
  nodes_[canonical] = std::move(node);
  const std::string& least = nodes_.begin()->first;
  const std::string& most = nodes_.rbegin()->first;
  all_begin_.assign(least.begin(), std::mismatch(least.begin(), least.end(), most.begin(), most.end()).first);
}

const OverlaySystem::Node* OverlaySystem::Find(std::string_view canonical) const {
  auto found = nodes_.find(canonical);
  return found == nodes_.end() ? nullptr : &found->second;
}

const Error* OverlaySystem::Failure(const std::string& path) const {
  if (failures_.empty()) return nullptr;
  auto found = failures_.find(path);
  return found == failures_.end() ? nullptr : &found->second;
}

bool OverlaySystem::Hidden(const std::string& canonical) const {
  if (nodes_.empty()) return false;
  // Most paths lie outside the folder that holds all changes.
  if (!canonical.starts_with(all_begin_)) return false;
  for (std::string_view path = canonical; !path.empty(); path = path.substr(0, path.rfind('/'))) {
    if (const Node* node = Find(path);
        node != nullptr && (node->removed || node->opaque || node->stat.type != FileType::kDirectory)) {
      return true;
    }
  }
  return false;
}

Result<FileStat> OverlaySystem::EntryStat(const std::string& canonical) const {
  if (const Node* node = Find(canonical)) {
    if (node->removed) return FileError(canonical, ENOENT);
    return node->stat;
  }
  if (Hidden(canonical)) return FileError(canonical, ENOENT);
  return below().LStat(canonical);
}

Result<std::string> OverlaySystem::LinkTarget(const std::string& canonical) const {
  const Node* node = Find(canonical);
  return node != nullptr ? node->content : below().ReadLink(canonical);
}

Result<std::string> OverlaySystem::Follow(Walk walk) const {
  int links = 0;
  while (!walk.ahead.empty()) {
    std::string part = std::move(walk.ahead.back());
    walk.ahead.pop_back();
    if (part == "..") {
      walk.at = ParentOf(walk.at);
      continue;
    }
    std::string next = Child(walk.at, part);
    bool last = walk.ahead.empty();
    if (last && !walk.follow_last && !walk.must_be_folder) return next;
    auto stat = EntryStat(next);
    if (!stat.ok()) {
      if (last && !walk.must_be_folder && stat.not_found()) return next;
      return stat.error();
    }
    if (stat->type == FileType::kSymlink) {
      if (++links > kMostLinks) return FileError(next, ELOOP);
      auto target = LinkTarget(next);
      if (!target.ok()) return target.error();
      if (target->starts_with('/')) walk.at = "/";
      if (last && target->ends_with('/')) walk.must_be_folder = true;
      walk.Push(*target);
      continue;
    }
    if ((!last || walk.must_be_folder) && stat->type != FileType::kDirectory) return FileError(next, ENOTDIR);
    walk.at = std::move(next);
  }
  return walk.at;
}

std::optional<std::string> OverlaySystem::FollowUnchanged(Walk walk) const {
  int links = 0;
  while (!walk.ahead.empty()) {
    std::string part = std::move(walk.ahead.back());
    walk.ahead.pop_back();
    if (part == "..") {
      walk.at = ParentOf(walk.at);
      continue;
    }
    std::string next = Child(walk.at, part);
    if (Find(next) != nullptr) return std::nullopt;
    // What is missing or cannot be looked into here has no change below it: that would have made it anew.
    auto stat = below().LStat(next);
    if (!stat.ok()) return "";
    if (stat->type == FileType::kSymlink) {
      if (++links > kMostLinks) return "";
      auto target = below().ReadLink(next);
      if (!target.ok()) return "";
      if (target->starts_with('/')) walk.at = "/";
      walk.Push(*target);
      continue;
    }
    walk.at = std::move(next);
  }
  return walk.at;
}

// Step by step, so that the folders that many paths share are walked once.
const std::optional<std::string>& OverlaySystem::UnchangedFolder(const std::string& path) const {
  const auto known = unchanged_folders_.find(path);
  if (known != unchanged_folders_.end()) return known->second;
  const size_t slash = path.rfind('/');
  std::optional<std::string> end = "/";
  if (path.find_first_not_of('/') != std::string::npos && slash != std::string::npos) {
    // Of what the kernel takes for no path: in one go.
    const bool too_long = path.size() >= PATH_MAX;
    if (!too_long) end = UnchangedFolder(path.substr(0, slash));
    if (end && !end->empty()) {
      Walk walk;
      walk.at = *end;
      walk.Push(too_long ? path : path.substr(slash + 1));
      end = FollowUnchanged(std::move(walk));
    }
  }
  return unchanged_folders_.emplace(path, std::move(end)).first->second;
}

bool OverlaySystem::Changes(const std::string& path, bool listed) const {
  if (nodes_.empty() || path.empty() || LeadsNowhereElse(path)) return false;
  std::string absolute = path.starts_with('/') ? path : working_directory_ + "/" + path;
  size_t slash = absolute.rfind('/');
  const std::optional<std::string>& folder = UnchangedFolder(absolute.substr(0, slash));
  if (!folder) return true;
  if (folder->empty()) return false;
  Walk walk;
  walk.at = *folder;
  walk.Push(absolute.substr(slash + 1));
  std::optional<std::string> end = FollowUnchanged(std::move(walk));
  if (!end) return true;
  if (!listed || end->empty()) return false;
  std::string inside = Child(*end, "");
  for (auto node = nodes_.lower_bound(inside); node != nodes_.end() && node->first.starts_with(inside);
       ++node) {
    if (node->first.find('/', inside.size()) == std::string::npos) return true;
  }
  return false;
}

void OverlaySystem::SetKernelLog(std::string text) { kernel_log_ = std::move(text); }

void OverlaySystem::SetChildAnswer(const std::string& arguments, ChildEnd end) {
  child_answers_[arguments] = std::move(end);
}

std::vector<ChildEnd> OverlaySystem::RunChildren(const std::vector<ChildTask>& tasks,
                                                 const ChildLimits& limits) const {
  std::vector<ChildEnd> ends = System::RunChildren(tasks, limits);
  for (size_t i = 0; i < tasks.size(); i++) {
    std::string asked = Join(tasks[i].arguments, " ");
    for (const std::string& name : tasks[i].without) asked += " without " + name;
    auto found = child_answers_.find(asked);
    if (found != child_answers_.end()) ends[i] = found->second;
  }
  return ends;
}

bool OverlaySystem::ChangesMoreThanFiles() const {
  return !failures_.empty() || user_ != below().EffectiveUser() || isa_level_ != below().IsaLevel() ||
         machine_ != below().Machine() || working_directory_ != below().WorkingDirectory() ||
         environment_ != below().Environment();
}

Result<std::string> OverlaySystem::ResolveFolder(const std::string& path) const {
  auto known = resolved_folders_.find(path);
  if (known == resolved_folders_.end()) {
    Walk walk;
    walk.Push(path);
    walk.must_be_folder = true;
    known = resolved_folders_.emplace(path, Follow(std::move(walk))).first;
  }
  return known->second;
}

Result<std::string> OverlaySystem::Resolve(const std::string& path, bool follow_last) const {
  if (path.empty() || path.find('\0') != std::string::npos) return FileError(path, ENOENT);
  std::string absolute = path.starts_with('/') ? path : working_directory_ + "/" + path;
  size_t slash = absolute.rfind('/');
  std::string name = absolute.substr(slash + 1);
  if (name.empty() || name == "." || name == "..") return ResolveFolder(absolute);
  auto folder = ResolveFolder(absolute.substr(0, slash));
  if (!folder.ok()) return folder.error();
  if (!follow_last) return Child(*folder, name);
  Walk walk;
  walk.at = *folder;
  walk.ahead.push_back(std::move(name));
  walk.follow_last = follow_last;
  return Follow(std::move(walk));
}

Result<std::string> OverlaySystem::Locate(const std::string& path, bool follow_last) const {
  if (const Error* failure = Failure(path)) return *failure;
  auto canonical = Resolve(path, follow_last);
  if (!canonical.ok()) return canonical;
  if (const Error* failure = Failure(*canonical)) return *failure;
  return canonical;
}

bool OverlaySystem::DecidesAccess(const std::string& canonical) const {
  return Find(canonical) != nullptr || user_ != below().EffectiveUser();
}

bool OverlaySystem::Permits(const FileStat& stat, Access access) const {
  uint32_t wanted = static_cast<uint32_t>(access);
  if (user_ == 0) {
    return access != Access::kExecute || stat.type == FileType::kDirectory || (stat.mode & 0111) != 0;
  }
  // The groups of a user are not part of a System: who is not the owner is one of the others.
  uint32_t granted = stat.uid == user_ ? stat.mode >> 6 : stat.mode;
  return (granted & wanted) == wanted;
}

Result<std::string> OverlaySystem::Read(const std::string& path, uint64_t offset, size_t length) const {
  if (LeadsNowhereElse(path)) return below().Read(path, offset, length);
  auto canonical = Locate(path, true);
  if (!canonical.ok()) return canonical;
  if (DecidesAccess(*canonical)) {
    auto stat = EntryStat(*canonical);
    if (!stat.ok()) return stat.error();
    if (stat->type == FileType::kDirectory) return FileError(path, EISDIR);
    if (stat->type != FileType::kRegular) return FileError(path, ErrorKind::kWrongType, "not a regular file");
    if (!Permits(*stat, Access::kRead)) return FileError(path, EACCES);
  }
  if (const Node* node = Find(*canonical)) {
    return offset < node->content.size() ? node->content.substr(static_cast<size_t>(offset), length) : "";
  }
  if (Hidden(*canonical)) return FileError(path, ENOENT);
  Result<std::string> read = below().Read(*canonical, offset, length);
  if (read.ok() || *canonical == path) return read;
  // The message names the file as it was asked for, however many layers there are.
  Error error = read.error();
  size_t named = error.message.find(*canonical);
  if (named != std::string::npos) error.message.replace(named, canonical->size(), path);
  return error;
}

Result<std::vector<DirEntry>> OverlaySystem::List(const std::string& path, size_t limit) const {
  if (LeadsNowhereElse(path)) return below().List(path, limit);
  auto canonical = Locate(path, true);
  if (!canonical.ok()) return canonical.error();
  auto stat = EntryStat(*canonical);
  if (!stat.ok()) return stat.error();
  if (stat->type != FileType::kDirectory) return FileError(path, ENOTDIR);
  if (DecidesAccess(*canonical) && !Permits(*stat, Access::kRead)) return FileError(path, EACCES);

  std::map<std::string, FileType> entries;
  if (!Hidden(*canonical)) {
    // What is removed here does not count against the limit.
    auto lower =
        below().List(*canonical, limit + std::min(nodes_.size(), std::numeric_limits<size_t>::max() - limit));
    if (!lower.ok()) return lower;
    for (auto& entry : *lower) entries.emplace(std::move(entry.name), entry.type);
  }
  std::string inside = Child(*canonical, "");
  for (auto node = nodes_.lower_bound(inside); node != nodes_.end() && node->first.starts_with(inside);
       ++node) {
    std::string name = node->first.substr(inside.size());
    if (name.empty() || name.find('/') != std::string::npos) continue;
    if (node->second.removed) {
      entries.erase(name);
    } else {
      entries[name] = node->second.stat.type;
    }
  }
  if (entries.size() > limit) {
    return FileError(path, ErrorKind::kTooLarge, "more than " + std::to_string(limit) + " entries");
  }
  std::vector<DirEntry> sorted;
  sorted.reserve(entries.size());
  for (const auto& [name, type] : entries) sorted.push_back({name, type});
  return sorted;
}

Result<std::string> OverlaySystem::ReadLink(const std::string& path) const {
  auto canonical = Locate(path, false);
  if (!canonical.ok()) return canonical;
  auto stat = EntryStat(*canonical);
  if (!stat.ok()) return stat.error();
  if (stat->type != FileType::kSymlink) return FileError(path, EINVAL);
  return LinkTarget(*canonical);
}

Result<FileStat> OverlaySystem::Stat(const std::string& path) const {
  // Most are no links, which Locate() would look up twice.
  auto entry = failures_.empty() ? LStat(path) : Result<FileStat>(FileStat{.type = FileType::kSymlink});
  if (!entry.ok() || entry->type != FileType::kSymlink) return entry;
  auto canonical = Locate(path, true);
  if (!canonical.ok()) return canonical.error();
  return EntryStat(*canonical);
}

bool OverlaySystem::Untouched(const std::string& path) const {
  if (!path.starts_with('/') || !failures_.empty()) return false;
  const size_t slash = path.rfind('/');
  const std::string_view name = std::string_view(path).substr(slash + 1);
  if (name.empty() || name == "." || name == "..") return false;
  auto [known, first] = untouched_folders_.try_emplace(path.substr(0, slash), false);
  if (first) {
    const std::optional<std::string>& folder = UnchangedFolder(known->first);
    if (!folder) return false;
    const std::string inside = Child(*folder, "");
    const auto node = nodes_.lower_bound(inside);
    known->second = folder->empty() || node == nodes_.end() || !node->first.starts_with(inside);
  }
  return known->second;
}

bool OverlaySystem::LeadsNowhereElse(const std::string& path) const {
  if (user_ != below().EffectiveUser() || !Untouched(path)) return false;
  const Result<FileStat> entry = below().LStat(path);
  return !entry.ok() || entry->type != FileType::kSymlink;
}

Result<FileStat> OverlaySystem::LStat(const std::string& path) const {
  if (Untouched(path)) return below().LStat(path);
  auto canonical = Locate(path, false);
  if (!canonical.ok()) return canonical.error();
  return EntryStat(*canonical);
}

Result<bool> OverlaySystem::MayAccess(const std::string& path, Access access) const {
  if (const Error* failure = Failure(path)) return *failure;
  auto canonical = Resolve(path, true);
  // A folder on the way that may not be entered: open() would be refused.
  if (!canonical.ok() && canonical.error().kind == ErrorKind::kDenied) return false;
  if (!canonical.ok()) return canonical.error();
  if (const Error* failure = Failure(*canonical)) return *failure;
  auto stat = EntryStat(*canonical);
  if (!stat.ok()) return stat.error();
  return DecidesAccess(*canonical) ? Permits(*stat, access) : below().MayAccess(*canonical, access);
}

Result<std::string> OverlaySystem::RealPath(const std::string& path) const {
  if (LeadsNowhereElse(path)) return below().RealPath(path);
  auto canonical = Locate(path, true);
  if (!canonical.ok()) return canonical;
  auto stat = EntryStat(*canonical);
  if (!stat.ok()) return stat.error();
  return canonical;
}

namespace {

class Empty : public System {
 public:
  Result<std::string> Read(const std::string& path, uint64_t, size_t) const override {
    return FileError(path, path == "/" ? EISDIR : ENOENT);
  }
  Result<std::vector<DirEntry>> List(const std::string& path, size_t) const override {
    if (path != "/") return FileError(path, ENOENT);
    return std::vector<DirEntry>();
  }
  Result<std::string> ReadLink(const std::string& path) const override {
    return FileError(path, path == "/" ? EINVAL : ENOENT);
  }
  Result<FileStat> Stat(const std::string& path) const override { return LStat(path); }
  Result<FileStat> LStat(const std::string& path) const override {
    if (path != "/") return FileError(path, ENOENT);
    FileStat root;
    root.type = FileType::kDirectory;
    root.mode = 0755;
    return root;
  }
  Result<bool> MayAccess(const std::string& path, Access access) const override {
    if (path != "/") return FileError(path, ENOENT);
    return access == Access::kRead || access == Access::kExecute;
  }
  Result<std::string> RealPath(const std::string& path) const override {
    if (path != "/") return FileError(path, ENOENT);
    return path;
  }
  const std::map<std::string, std::string>& Environment() const override { return environment_; }
  std::string WorkingDirectory() const override { return "/"; }
  uint32_t EffectiveUser() const override { return 1000; }
  std::string Machine() const override { return "x86_64"; }
  int IsaLevel() const override { return 1; }

 private:
  std::map<std::string, std::string> environment_;
};

}  // namespace

std::unique_ptr<System> EmptySystem() { return std::make_unique<Empty>(); }

}  // namespace tfdoctor
