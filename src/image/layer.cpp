#include "image/layer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "system/posix.h"

namespace tfdoctor::image {

namespace {

constexpr size_t kPiece = 128 * 1024;
constexpr int kLargestWindow = 25;  // 32 MiB; zstd's own levels up to 19 need 8

Error Damaged(const char* what) {
  return {ErrorKind::kMalformed, fmt::format("its {} data is damaged", what)};
}
Error CutShort() { return {ErrorKind::kMalformed, "it is cut short"}; }

// The packed bytes, piece by piece.
class Source {
 public:
  Source(FileDescriptor file, const Blob& blob)
      : file_(std::make_shared<const FileDescriptor>(std::move(file))),
        at_(blob.offset),
        end_(blob.offset + blob.size),
        size_(blob.size) {}

  Result<size_t> Read(char* to, size_t size) {
    size_t had = 0;
    size = static_cast<size_t>(std::min<uint64_t>(size, end_ - at_));
    while (had < size) {
      const ssize_t got = pread(file_->number(), to + had, size - had, static_cast<off_t>(at_));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Error{ErrorKind::kIo, std::strerror(errno)};
      if (got == 0) return CutShort();
      had += static_cast<size_t>(got);
      at_ += static_cast<uint64_t>(got);
    }
    return had;
  }
  bool Skip(uint64_t size) {
    if (size > end_ - at_) return false;
    at_ += size;
    return true;
  }
  void StepBack(uint64_t size) { at_ -= size; }
  double Progress() const {
    return size_ == 0 ? 1 : 1 - static_cast<double>(end_ - at_) / static_cast<double>(size_);
  }

 private:
  std::shared_ptr<const FileDescriptor> file_;  // of all that read the same
  uint64_t at_, end_, size_;
};

class Plain : public LayerReader {
 public:
  explicit Plain(std::unique_ptr<Source> source) : source_(std::move(source)) {}
  Result<size_t> Read(char* to, size_t size) override { return source_->Read(to, size); }
  Result<bool> Skip(uint64_t size) override {
    if (!source_->Skip(size)) return CutShort();
    return true;
  }
  double Progress() const override { return source_->Progress(); }

 private:
  std::unique_ptr<Source> source_;
};

// What packed layers share: skipping is reading.
class Packed : public LayerReader {
 public:
  explicit Packed(std::unique_ptr<Source> source) : source_(std::move(source)) {}
  Result<bool> Skip(uint64_t size) override {
    out_.resize(kPiece);
    while (size > 0) {
      Result<size_t> got = Read(out_.data(), static_cast<size_t>(std::min<uint64_t>(size, out_.size())));
      if (!got.ok()) return got.error();
      if (*got == 0) return CutShort();
      size -= *got;
    }
    return true;
  }
  double Progress() const override { return source_->Progress(); }

 protected:
  // More packed bytes; 0: there are none.
  Result<size_t> Fill() {
    in_.resize(kPiece);
    return source_->Read(in_.data(), in_.size());
  }
  char* in() { return in_.data(); }
  const Source& source() const { return *source_; }

 private:
  std::unique_ptr<Source> source_;
  std::vector<char> in_, out_;  // once they are needed: a clone waits without
};

class Gzip : public Packed {
 public:
  explicit Gzip(std::unique_ptr<Source> source) : Packed(std::move(source)) {
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    ok_ = inflateInit2(&stream_, kGzipOnly) == Z_OK;
  }
  Gzip(std::unique_ptr<Source> source, const Gzip& other)
      : Packed(std::move(source)), ok_(other.ok_), between_(other.between_) {
    // zlib's interface is older than const: it only reads the first.
    ok_ = inflateCopy(&stream_, const_cast<z_stream*>(&other.stream_)) == Z_OK && ok_;
    stream_.avail_in = 0;
  }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  ~Gzip() override { inflateEnd(&stream_); }

  std::unique_ptr<LayerReader> Clone() const override {
    if (!ok_) return nullptr;
    auto from = std::make_unique<Source>(source());
    from->StepBack(stream_.avail_in);
    auto clone = std::make_unique<Gzip>(std::move(from), *this);
    if (!clone->ok_) return nullptr;
    return clone;
  }

  Result<size_t> Read(char* to, size_t size) override {
    if (!ok_) return Damaged("gzip");
    stream_.next_out = reinterpret_cast<Bytef*>(to);
    stream_.avail_out = static_cast<uInt>(size);
    while (stream_.avail_out > 0) {
      if (stream_.avail_in == 0) {
        Result<size_t> got = Fill();
        if (!got.ok()) return got;
        if (*got == 0) {
          if (!between_) return CutShort();
          break;
        }
        stream_.next_in = reinterpret_cast<Bytef*>(in());
        stream_.avail_in = static_cast<uInt>(*got);
      }
      // Several members may follow each other; zeros fill up the end.
      if (between_ && *stream_.next_in == 0) {
        stream_.next_in++;
        stream_.avail_in--;
        continue;
      }
      between_ = false;
      const int state = inflate(&stream_, Z_NO_FLUSH);
      if (state == Z_STREAM_END) {
        between_ = true;
        inflateReset(&stream_);
      } else if (state != Z_OK && state != Z_BUF_ERROR) {
        ok_ = false;
        return Damaged("gzip");
      }
    }
    return size - stream_.avail_out;
  }

 private:
  z_stream stream_ = {};
  bool ok_ = false;
  bool between_ = true;  // members
};

class Zstd : public Packed {
 public:
  explicit Zstd(std::unique_ptr<Source> source)
      : Packed(std::move(source)), context_(ZSTD_createDCtx(), &ZSTD_freeDCtx) {
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kLargestWindow);
  }

  Result<size_t> Read(char* to, size_t size) override {
    ZSTD_outBuffer out = {to, size, 0};
    while (out.pos < out.size) {
      if (input_.pos == input_.size && !flushing_) {
        Result<size_t> got = Fill();
        if (!got.ok()) return got;
        if (*got == 0) {
          if (left_ != 0) return CutShort();
          break;
        }
        input_ = {in(), *got, 0};
      }
      left_ = ZSTD_decompressStream(context_.get(), &out, &input_);
      if (ZSTD_isError(left_) != 0) return Damaged("zstd");
      // It may hold back what did not fit.
      flushing_ = out.pos == out.size && left_ != 0;
    }
    return out.pos;
  }

 private:
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context_;
  ZSTD_inBuffer input_ = {nullptr, 0, 0};
  size_t left_ = 0;  // of the frame; 0: at its end
  bool flushing_ = false;
};

}  // namespace

Result<std::unique_ptr<LayerReader>> LayerReader::Open(const Blob& blob) {
  FileDescriptor file(open(blob.file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.number() < 0)
    return Error{ErrorKind::kIo, fmt::format("cannot read {}: {}", blob.file, std::strerror(errno))};
  std::array<unsigned char, 4> magic = {};
  const ssize_t got = pread(file.number(), magic.data(), magic.size(), static_cast<off_t>(blob.offset));
  auto source = std::make_unique<Source>(std::move(file), blob);
  const bool whole = got == static_cast<ssize_t>(magic.size()) && blob.size >= magic.size();
  if (whole && magic[0] == 0x1f && magic[1] == 0x8b)
    return std::unique_ptr<LayerReader>(std::make_unique<Gzip>(std::move(source)));
  const bool frame = magic == std::array<unsigned char, 4>{0x28, 0xb5, 0x2f, 0xfd};
  const bool skippable =
      (magic[0] & 0xf0) == 0x50 && magic[1] == 0x2a && magic[2] == 0x4d && magic[3] == 0x18;
  if (whole && (frame || skippable))
    return std::unique_ptr<LayerReader>(std::make_unique<Zstd>(std::move(source)));
  return std::unique_ptr<LayerReader>(std::make_unique<Plain>(std::move(source)));
}

Result<std::string> ReadBlob(const Blob& blob, size_t limit) {
  if (blob.size > limit) return Error{ErrorKind::kTooLarge, "it is too large"};
  FileDescriptor file(open(blob.file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.number() < 0) return Error{ErrorKind::kIo, std::strerror(errno)};
  Source source(std::move(file), blob);
  std::string bytes(static_cast<size_t>(blob.size), '\0');
  Result<size_t> got = source.Read(bytes.data(), bytes.size());
  if (!got.ok()) return got.error();
  return bytes;
}

}  // namespace tfdoctor::image
