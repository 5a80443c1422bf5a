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

// The bytes of a blob as they lie there, piece by piece.
class Source {
 public:
  virtual ~Source() = default;
  Result<size_t> Read(char* to, size_t size) {
    size_t had = 0;
    size = static_cast<size_t>(std::min<uint64_t>(size, end_ - at_));
    while (had < size) {
      Result<size_t> got = ReadSome(to + had, size - had);
      if (!got.ok()) return got;
      if (*got == 0) return CutShort();
      had += *got;
      at_ += *got;
    }
    return had;
  }
  Result<bool> Skip(uint64_t size) {
    if (size > end_ - at_) return CutShort();
    if (Result<bool> moved = Move(at_ + size); !moved.ok()) return moved;
    at_ += size;
    return true;
  }
  double Progress() const {
    return size_ == 0 ? 1 : 1 - static_cast<double>(end_ - at_) / static_cast<double>(size_);
  }
  virtual bool SkipsUnread() const = 0;
  // One more, which reads on from so many bytes before here.
  virtual std::unique_ptr<Source> Clone(uint64_t back) const = 0;

 protected:
  explicit Source(const Blob& blob) : at_(blob.offset), end_(blob.offset + blob.size), size_(blob.size) {}
  Source(const Source&) = default;
  virtual Result<size_t> ReadSome(char* to, size_t size) = 0;
  virtual Result<bool> Move(uint64_t to) = 0;
  uint64_t at() const { return at_; }
  void StepBack(uint64_t size) { at_ -= size; }

 private:
  uint64_t at_, end_, size_;
};

class FileSource : public Source {
 public:
  FileSource(FileDescriptor file, const Blob& blob)
      : Source(blob), file_(std::make_shared<const FileDescriptor>(std::move(file))) {}
  std::unique_ptr<Source> Clone(uint64_t back) const override {
    std::unique_ptr<FileSource> clone(new FileSource(*this));
    clone->StepBack(back);
    return clone;
  }
  bool SkipsUnread() const override { return true; }

 private:
  FileSource(const FileSource&) = default;
  Result<size_t> ReadSome(char* to, size_t size) override {
    while (true) {
      const ssize_t got = pread(file_->number(), to, size, static_cast<off_t>(at()));
      if (got >= 0) return static_cast<size_t>(got);
      if (errno != EINTR) return Error{ErrorKind::kIo, std::strerror(errno)};
    }
  }
  Result<bool> Move(uint64_t) override { return true; }

  std::shared_ptr<const FileDescriptor> file_;  // of all that read the same
};

// Inside an archive that is packed as a whole.
class ArchiveSource : public Source {
 public:
  explicit ArchiveSource(const Blob& blob) : Source(blob), archive_(blob.archive) {}
  std::unique_ptr<Source> Clone(uint64_t back) const override {
    std::unique_ptr<ArchiveSource> clone(new ArchiveSource(*this));
    clone->StepBack(back);
    return clone;
  }
  bool SkipsUnread() const override { return false; }

 private:
  ArchiveSource(const ArchiveSource& other) : Source(other), archive_(other.archive_) {}
  Result<size_t> ReadSome(char* to, size_t size) override {
    if (reader_ == nullptr) {
      Result<std::unique_ptr<LayerReader>> reader = archive_->From(at());
      if (!reader.ok()) return reader.error();
      reader_ = std::move(*reader);
    }
    return reader_->Read(to, size);
  }
  Result<bool> Move(uint64_t to) override {
    if (reader_ == nullptr) return true;
    if (archive_->MarkBefore(to) <= at()) return reader_->Skip(to - at());
    reader_ = nullptr;  // a mark is nearer
    return true;
  }

  std::shared_ptr<const PackedArchive> archive_;
  std::unique_ptr<LayerReader> reader_;  // once it is needed
};

class Plain : public LayerReader {
 public:
  explicit Plain(std::unique_ptr<Source> source) : source_(std::move(source)) {}
  Result<size_t> Read(char* to, size_t size) override { return source_->Read(to, size); }
  Result<bool> Skip(uint64_t size) override { return source_->Skip(size); }
  double Progress() const override { return source_->Progress(); }
  bool SkipsUnread() const override { return source_->SkipsUnread(); }

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
    auto clone = std::make_unique<Gzip>(source().Clone(stream_.avail_in), *this);
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

// At the beginning of a blob; `head` gets its first bytes.
Result<std::unique_ptr<Source>> SourceOf(const Blob& blob, std::string* head) {
  if (blob.archive != nullptr) {
    if (head != nullptr) *head = blob.head;
    return std::unique_ptr<Source>(std::make_unique<ArchiveSource>(blob));
  }
  FileDescriptor file(open(blob.file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.number() < 0)
    return Error{ErrorKind::kIo, fmt::format("cannot read {}: {}", blob.file, std::strerror(errno))};
  if (head != nullptr) {
    head->resize(static_cast<size_t>(std::min<uint64_t>(Blob::kHead, blob.size)));
    const ssize_t got = pread(file.number(), head->data(), head->size(), static_cast<off_t>(blob.offset));
    head->resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
  }
  return std::unique_ptr<Source>(std::make_unique<FileSource>(std::move(file), blob));
}

}  // namespace

Packing PackingOf(std::string_view head) {
  if (head.size() < Blob::kHead) return Packing::kNone;
  if (head.starts_with("\x1f\x8b")) return Packing::kGzip;
  const bool skippable =
      (static_cast<unsigned char>(head[0]) & 0xf0) == 0x50 && head.substr(1) == "\x2a\x4d\x18";
  return skippable || head == "\x28\xb5\x2f\xfd" ? Packing::kZstd : Packing::kNone;
}

Result<std::unique_ptr<LayerReader>> LayerReader::Open(const Blob& blob) {
  std::string head;
  Result<std::unique_ptr<Source>> source = SourceOf(blob, &head);
  if (!source.ok()) return source.error();
  switch (PackingOf(head)) {
    case Packing::kGzip:
      return std::unique_ptr<LayerReader>(std::make_unique<Gzip>(std::move(*source)));
    case Packing::kZstd:
      return std::unique_ptr<LayerReader>(std::make_unique<Zstd>(std::move(*source)));
    case Packing::kNone:
      break;
  }
  return std::unique_ptr<LayerReader>(std::make_unique<Plain>(std::move(*source)));
}

const Mark* NearestMark(const std::vector<Mark>& marks, uint64_t at) {
  const auto behind = std::upper_bound(marks.begin(), marks.end(), at,
                                       [](uint64_t place, const Mark& mark) { return place < mark.at; });
  return behind == marks.begin() ? nullptr : &*std::prev(behind);
}

Result<size_t> Marking::Read(char* to, size_t size) {
  Result<size_t> got = below_.Read(to, size);
  if (got.ok()) Pass(*got);
  return got;
}

Result<bool> Marking::Skip(uint64_t size) {
  while (marking_ && size > 0) {
    const uint64_t part = std::min(size, distance_ - since_mark_);
    if (Result<bool> passed = below_.Skip(part); !passed.ok()) return passed;
    Pass(part);
    size -= part;
  }
  return size > 0 ? below_.Skip(size) : Result<bool>(true);
}

void Marking::Pass(uint64_t size) {
  at_ += size;
  since_mark_ += size;
  if (!marking_ || since_mark_ < distance_) return;
  since_mark_ = 0;
  std::unique_ptr<LayerReader> clone = left_ > 0 ? below_.Clone() : nullptr;
  marking_ = clone != nullptr;
  if (!marking_) return;
  left_--;
  marks_.push_back({at_, std::move(clone)});
}

Result<std::shared_ptr<const PackedArchive>> PackedArchive::Open(
    const Blob& file, const std::function<Result<bool>(LayerReader&)>& read) {
  std::shared_ptr<PackedArchive> archive(new PackedArchive(file));
  Result<std::unique_ptr<LayerReader>> reader = LayerReader::Open(file);
  if (!reader.ok()) return reader.error();
  // Images are seldom packed to less than a quarter: there are marks enough for all of it.
  size_t left = 256;  // of 40 KB each
  Marking marking(**reader, std::max<uint64_t>(16 << 20, file.size / 64), left, archive->marks_);
  if (Result<bool> done = read(marking); !done.ok()) return done.error();
  return std::shared_ptr<const PackedArchive>(std::move(archive));
}

Result<std::unique_ptr<LayerReader>> PackedArchive::From(uint64_t at) const {
  const Mark* mark = NearestMark(marks_, at);
  std::unique_ptr<LayerReader> reader = mark == nullptr ? nullptr : mark->reader->Clone();
  uint64_t from = reader == nullptr ? 0 : mark->at;
  if (reader == nullptr) {
    Result<std::unique_ptr<LayerReader>> opened = LayerReader::Open(file_);
    if (!opened.ok()) return opened.error();
    reader = std::move(*opened);
  }
  if (Result<bool> passed = reader->Skip(at - from); !passed.ok()) return passed.error();
  return reader;
}

uint64_t PackedArchive::MarkBefore(uint64_t at) const {
  const Mark* mark = NearestMark(marks_, at);
  return mark == nullptr ? 0 : mark->at;
}

Result<std::string> ReadBlob(const Blob& blob, size_t limit) {
  if (blob.size > limit) return Error{ErrorKind::kTooLarge, "it is too large"};
  Result<std::unique_ptr<Source>> source = SourceOf(blob, nullptr);
  if (!source.ok()) return source.error();
  std::string bytes(static_cast<size_t>(blob.size), '\0');
  Result<size_t> got = (*source)->Read(bytes.data(), bytes.size());
  if (!got.ok()) return got.error();
  return bytes;
}

}  // namespace tfdoctor::image
