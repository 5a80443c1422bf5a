// The files of an image, all its layers laid over each other, without their contents.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/tar.h"
#include "system/system.h"

namespace tfdoctor::image {

// Where the content of a file lies: in a layer, from this byte of its plain archive.
struct Node {
  uint32_t parent = 0;
  uint32_t first_child = 0, next = 0;  // 0: none
  uint64_t name = 0;                   // in the names, with its length
  uint16_t name_length = 0;
  uint16_t layer = 0;    // that put it there
  uint16_t content = 0;  // the layer that holds its content: another one's for a hard link
  FileType type = FileType::kDirectory;
  bool removed = false;
  uint16_t mode = 0755;
  uint32_t uid = 0, gid = 0;
  uint32_t inode = 0;
  uint64_t size = 0;    // of a link: of its target
  uint64_t offset = 0;  // of a link: of its target in the names; of a device: its number
};

class Tree {
 public:
  Tree();

  // Lays an entry of a layer over what the layers below have. Layers come in their order, whiteouts included.
  // Error: kTooLarge, more files than an image can have here.
  Result<bool> Add(const TarEntry& entry, uint16_t layer);

  // Nodes are named by their index; the root is 0.
  const Node& At(uint32_t index) const { return nodes_[index]; }
  std::string_view NameOf(uint32_t index) const;
  std::string_view TargetOf(uint32_t index) const;
  std::optional<uint32_t> Child(uint32_t folder, std::string_view name) const;

  // Where a path leads; as the kernel walks. Error: kNotFound, kLoop or ENOTDIR's kNotFound.
  Result<uint32_t> Walk(std::string_view path, bool follow_last) const;
  std::string PathOf(uint32_t index) const;
  // Calls `see` with each child that is there.
  template <class See>
  void Children(uint32_t folder, See&& see) const {
    for (uint32_t child = nodes_[folder].first_child; child != 0; child = nodes_[child].next) {
      if (!nodes_[child].removed) see(child);
    }
  }

 private:
  uint64_t Keep(std::string_view text);
  uint32_t Make(uint32_t folder, std::string_view name);
  uint32_t FolderFor(std::string_view path, uint16_t layer);
  void RemoveBelow(uint32_t index, uint16_t layer);
  size_t SlotOf(uint32_t folder, std::string_view name) const;
  void Grow();

  std::vector<Node> nodes_;
  std::string names_;
  std::vector<uint32_t> slots_;  // nodes by folder and name; 0: free
};

}  // namespace tfdoctor::image
