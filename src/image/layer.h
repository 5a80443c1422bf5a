// A layer of an image as a stream of plain tar bytes, whatever it is packed with.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace tfdoctor::image {

// Bytes inside a file: a whole one of a folder, or a member of a tar archive.
struct Blob {
  std::string file;
  uint64_t offset = 0;
  uint64_t size = 0;
};

class LayerReader {
 public:
  virtual ~LayerReader() = default;
  // gzip, zstd or nothing, by the first bytes.
  static Result<std::unique_ptr<LayerReader>> Open(const Blob& blob);

  // Up to `size` bytes; fewer only at the end.
  virtual Result<size_t> Read(char* to, size_t size) = 0;
  // Passes over so many bytes; an error where there are not so many.
  virtual Result<bool> Skip(uint64_t size) = 0;
  // How much of the blob was consumed, of 1.
  virtual double Progress() const = 0;
  // One more, which reads on from here (some 40 KB of memory); nullptr: this packing has to be read from its
  // start, or needs no such help to be passed over.
  virtual std::unique_ptr<LayerReader> Clone() const { return nullptr; }
};

// All of a blob, no more than `limit`.
Result<std::string> ReadBlob(const Blob& blob, size_t limit);

}  // namespace tfdoctor::image
