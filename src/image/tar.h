// The entries of a tar archive: ustar, with what GNU tar and pax add for long names and large files.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "image/layer.h"
#include "system/system.h"

namespace tfdoctor::image {

struct TarEntry {
  std::string name;    // as written, without "./" and "/" in front and "/" behind
  std::string target;  // of a link
  FileType type = FileType::kRegular;
  bool hard_link = false;
  uint32_t mode = 0, uid = 0, gid = 0;
  uint64_t size = 0;
  uint64_t rdev = 0;
  uint64_t offset = 0;  // of its content in the plain archive
};

// Calls `take` for each entry, in order. It may read up to `size` bytes of the content from the reader, and
// returns how many it took, or an error, which ends all. A damaged archive is kMalformed.
using TakeEntry = std::function<Result<uint64_t>(const TarEntry&, LayerReader&)>;
Result<bool> ReadTar(LayerReader& reader, const TakeEntry& take);

}  // namespace tfdoctor::image
