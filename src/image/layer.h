// A layer of an image as a stream of plain tar bytes, whatever it is packed with.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tfdoctor::image {

class PackedArchive;

// Bytes inside a file: a whole one of a folder, or a member of a tar archive.
struct Blob {
  std::string file;
  uint64_t offset = 0;
  uint64_t size = 0;
  // Set where the archive is packed as a whole: `offset` is then of the plain archive, and these are the
  // first bytes, which tell how the blob itself is packed.
  std::shared_ptr<const PackedArchive> archive = nullptr;
  std::string head = {};
  static constexpr size_t kHead = 4;
};

enum class Packing : uint8_t { kNone, kGzip, kZstd };
// By the first bytes of a blob, Blob::kHead of them.
Packing PackingOf(std::string_view head);

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
  // What is passed over is not read.
  virtual bool SkipsUnread() const { return false; }
  // One more, which reads on from here (some 40 KB of memory); nullptr: this packing has to be read from its
  // start, or needs no such help to be passed over.
  virtual std::unique_ptr<LayerReader> Clone() const { return nullptr; }
};

// A place in the plain bytes of a packed stream from which it can be read on.
struct Mark {
  uint64_t at = 0;
  std::unique_ptr<LayerReader> reader;
};
// The last one that is no further than `at`; nullptr: none.
const Mark* NearestMark(const std::vector<Mark>& marks, uint64_t at);

// Sets marks while a stream is read through: what is asked for later lies deep in gigabytes.
class Marking : public LayerReader {
 public:
  // One each `distance` bytes, no more than `left`, which is counted down.
  Marking(LayerReader& below, uint64_t distance, size_t& left, std::vector<Mark>& marks)
      : below_(below), distance_(distance), left_(left), marks_(marks) {}
  Result<size_t> Read(char* to, size_t size) override;
  Result<bool> Skip(uint64_t size) override;
  double Progress() const override { return below_.Progress(); }

 private:
  void Pass(uint64_t size);

  LayerReader& below_;
  uint64_t distance_;
  size_t& left_;
  std::vector<Mark>& marks_;
  uint64_t at_ = 0;
  uint64_t since_mark_ = 0;
  bool marking_ = true;
};

// An archive that is packed as a whole, as `docker save … | gzip` makes it.
class PackedArchive {
 public:
  // Reads through all of it. Error: what `read` gives.
  static Result<std::shared_ptr<const PackedArchive>> Open(
      const Blob& file, const std::function<Result<bool>(LayerReader&)>& read);
  // From this byte of the plain archive on.
  Result<std::unique_ptr<LayerReader>> From(uint64_t at) const;
  // Where the nearest mark lies, no further than `at`; 0: none.
  uint64_t MarkBefore(uint64_t at) const;

 private:
  explicit PackedArchive(Blob file) : file_(std::move(file)) {}

  Blob file_;
  std::vector<Mark> marks_;
};

// All of a blob, no more than `limit`.
Result<std::string> ReadBlob(const Blob& blob, size_t limit);

}  // namespace tfdoctor::image
