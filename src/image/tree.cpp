#include "image/tree.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <utility>

#include "base/text.h"
#include "system/error.h"

namespace tfdoctor::image {

namespace {

constexpr int kMostLinks = 40;  // the kernel's MAXSYMLINKS
constexpr size_t kMostNodes = 4'000'000;
constexpr size_t kLongestPath = 4096;

}  // namespace

Tree::Tree() : slots_(1024) { nodes_.emplace_back(); }

std::string_view Tree::NameOf(uint32_t index) const {
  const Node& node = nodes_[index];
  return std::string_view(names_).substr(static_cast<size_t>(node.name), node.name_length);
}

std::string_view Tree::TargetOf(uint32_t index) const {
  const Node& node = nodes_[index];
  return std::string_view(names_).substr(static_cast<size_t>(node.offset), static_cast<size_t>(node.size));
}

uint64_t Tree::Keep(std::string_view text) {
  const uint64_t at = names_.size();
  names_ += text;
  return at;
}

// Where a node stands in the table, or would.
size_t Tree::SlotOf(uint32_t folder, std::string_view name) const {
  const size_t hash = std::hash<std::string_view>()(name) ^ (folder * size_t{0x9e3779b97f4a7c15});
  for (size_t slot = hash & (slots_.size() - 1);; slot = (slot + 1) & (slots_.size() - 1)) {
    const uint32_t node = slots_[slot];
    if (node == 0 || (nodes_[node].parent == folder && NameOf(node) == name)) return slot;
  }
}

void Tree::Grow() {
  slots_.assign(slots_.size() * 2, 0);
  for (uint32_t node = 1; node < nodes_.size(); node++)
    slots_[SlotOf(nodes_[node].parent, NameOf(node))] = node;
}

std::optional<uint32_t> Tree::Child(uint32_t folder, std::string_view name) const {
  const uint32_t node = slots_[SlotOf(folder, name)];
  if (node == 0 || nodes_[node].removed) return std::nullopt;
  return node;
}

// The node of this name, new or, when it was removed, anew.
uint32_t Tree::Make(uint32_t folder, std::string_view name) {
  const size_t slot = SlotOf(folder, name);
  if (slots_[slot] != 0) return slots_[slot];
  const auto index = static_cast<uint32_t>(nodes_.size());
  Node node;
  node.parent = folder;
  node.name = Keep(name);
  node.name_length = static_cast<uint16_t>(name.size());
  node.next = nodes_[folder].first_child;
  node.inode = index;
  nodes_[folder].first_child = index;
  nodes_.push_back(node);
  slots_[slot] = index;
  if (nodes_.size() * 2 > slots_.size()) Grow();
  return index;
}

// What lower layers have below it.
void Tree::RemoveBelow(uint32_t index, uint16_t layer) {
  for (uint32_t child = nodes_[index].first_child; child != 0; child = nodes_[child].next) {
    if (nodes_[child].removed) continue;
    RemoveBelow(child, layer);
    // A folder of a lower layer stays for what this one has put into it.
    bool kept = nodes_[child].layer >= layer;
    if (!kept && nodes_[child].type == FileType::kDirectory) Children(child, [&](uint32_t) { kept = true; });
    nodes_[child].removed = !kept;
  }
}

// The folder of this path, links followed, made where it is not there. 0 is the root, as in an archive.
uint32_t Tree::FolderFor(std::string_view path, uint16_t layer) {
  uint32_t at = 0;
  std::vector<std::string> ahead = Split(path, '/');
  std::reverse(ahead.begin(), ahead.end());
  int links = 0;
  while (!ahead.empty()) {
    const std::string part = std::move(ahead.back());
    ahead.pop_back();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      at = nodes_[at].parent;
      continue;
    }
    const std::optional<uint32_t> there = Child(at, part);
    if (there && nodes_[*there].type == FileType::kSymlink && ++links <= kMostLinks) {
      const std::string target(TargetOf(*there));
      if (target.starts_with('/')) at = 0;
      std::vector<std::string> parts = Split(target, '/');
      ahead.insert(ahead.end(), parts.rbegin(), parts.rend());
      continue;
    }
    const uint32_t folder = there ? *there : Make(at, part);
    Node& node = nodes_[folder];
    if (!there || node.type != FileType::kDirectory) {
      node.type = FileType::kDirectory;
      node.removed = false;
      node.layer = layer;
      node.mode = 0755;
      node.size = node.offset = 0;
    }
    at = folder;
  }
  return at;
}

Result<bool> Tree::Add(const TarEntry& entry, uint16_t layer) {
  if (nodes_.size() >= kMostNodes) return Error{ErrorKind::kTooLarge, "it has too many files"};
  if (entry.name.empty() || entry.name.size() > kLongestPath || entry.target.size() > kLongestPath)
    return true;
  for (const std::string& part : Split(entry.name, '/')) {
    // Nobody unpacks what leads out.
    if (part == ".." || part.size() > 255) return true;
  }
  const size_t slash = entry.name.rfind('/');
  const std::string folder_path = slash == std::string::npos ? "" : entry.name.substr(0, slash);
  const std::string name = slash == std::string::npos ? entry.name : entry.name.substr(slash + 1);
  constexpr std::string_view kWhiteout = ".wh.";
  if (name.starts_with(kWhiteout)) {
    const Result<uint32_t> folder = Walk(folder_path, true);
    if (!folder.ok()) return true;
    if (name == ".wh..wh..opq") {
      RemoveBelow(*folder, layer);
    } else if (const auto node = Child(*folder, std::string_view(name).substr(kWhiteout.size()))) {
      RemoveBelow(*node, layer);
      bool kept = nodes_[*node].layer >= layer;
      if (!kept) Children(*node, [&](uint32_t) { kept = true; });
      nodes_[*node].removed = !kept;
    }
    return true;
  }
  uint32_t original = 0;
  if (entry.hard_link) {
    const Result<uint32_t> found = Walk(entry.target, false);
    if (!found.ok()) return Error{ErrorKind::kMalformed, "a hard link in it leads nowhere"};
    original = *found;
  }
  const uint32_t folder = FolderFor(folder_path, layer);
  const uint32_t index = Make(folder, name);
  const bool was_folder = !nodes_[index].removed && nodes_[index].type == FileType::kDirectory;
  if (entry.type != FileType::kDirectory || !was_folder) RemoveBelow(index, static_cast<uint16_t>(layer + 1));
  const uint64_t target = entry.type == FileType::kSymlink ? Keep(entry.target) : 0;
  Node& node = nodes_[index];
  node.removed = false;
  node.layer = node.content = layer;
  if (entry.hard_link) {
    const Node& other = nodes_[original];
    node.type = other.type;
    node.mode = other.mode;
    node.uid = other.uid;
    node.gid = other.gid;
    node.size = other.size;
    node.offset = other.offset;
    node.content = other.content;
    node.inode = other.inode;
    return true;
  }
  node.type = entry.type;
  node.mode = static_cast<uint16_t>(entry.mode);
  node.uid = entry.uid;
  node.gid = entry.gid;
  node.inode = index;
  node.size = entry.size;
  node.offset = entry.offset;
  if (entry.type == FileType::kSymlink) {
    node.size = entry.target.size();
    node.mode = 0777;  // whatever the archive says
    node.offset = target;
  } else if (entry.type == FileType::kCharacterDevice || entry.type == FileType::kBlockDevice) {
    node.offset = entry.rdev;
  }
  return true;
}

Result<uint32_t> Tree::Walk(std::string_view path, bool follow_last) const {
  const std::string shown(path);
  uint32_t at = 0;
  std::vector<std::string> ahead;
  auto push = [&](std::string_view text) {
    std::vector<std::string> parts = Split(text, '/');
    // A slash at the end asks for a folder.
    if (parts.size() > 1 && parts.back().empty()) parts.back() = ".";
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      if (!part->empty()) ahead.push_back(std::move(*part));
    }
  };
  push(path);
  int links = 0;
  while (!ahead.empty()) {
    const std::string part = std::move(ahead.back());
    ahead.pop_back();
    if (nodes_[at].type != FileType::kDirectory) return FileError(shown, ENOTDIR);
    if (part == ".") continue;
    if (part == "..") {
      at = nodes_[at].parent;
      continue;
    }
    const std::optional<uint32_t> next = Child(at, part);
    if (!next) return FileError(shown, ENOENT);
    if (nodes_[*next].type == FileType::kSymlink && (!ahead.empty() || follow_last)) {
      if (++links > kMostLinks) return FileError(shown, ELOOP);
      const std::string_view target = TargetOf(*next);
      if (target.empty()) return FileError(shown, ENOENT);
      if (target.starts_with('/')) at = 0;
      push(target);
      continue;
    }
    at = *next;
  }
  return at;
}

std::string Tree::PathOf(uint32_t index) const {
  std::string path;
  for (; index != 0; index = nodes_[index].parent) path = "/" + std::string(NameOf(index)) + path;
  return path.empty() ? "/" : path;
}

}  // namespace tfdoctor::image
