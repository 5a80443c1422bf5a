#include "image/image.h"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/sha256.h"
#include "base/text.h"
#include "system/error.h"
#include "system/root.h"

namespace tfdoctor::image {

namespace {

constexpr uint64_t kLargestStore = 64 << 20;
constexpr uint64_t kLargestPrefetch = 32 << 20;
constexpr uint64_t kSmallFile =
    64 << 10;                         // kept as a whole while indexing, where it is likely to be asked for
constexpr uint64_t kHead = 64 << 10;  // of a library
constexpr uint64_t kSystemLibrary = 3 << 20;  // up to which it is kept as a whole: it is on every way
constexpr uint64_t kWholeFile = 1 << 20;      // fetched as a whole when any of it is wanted
constexpr uint64_t kAround = 64 << 10;        // what is asked for next is mostly near
constexpr uint64_t kHeadOfLibrary = 512 << 10;
constexpr int kMostPasses = 100;    // most read a small layer only
constexpr double kMostReading = 6;  // times all layers
constexpr size_t kPiece = 64 << 10;
constexpr size_t kMostMarks = 512;  // of 40 KB each
constexpr uint64_t kLeastDistance = 16 << 20;

std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool StartsWithAny(std::string_view text, std::initializer_list<std::string_view> starts) {
  return std::any_of(starts.begin(), starts.end(),
                     [&](std::string_view start) { return text.starts_with(start); });
}

// Small files that describe an environment or a system.
bool IsDescription(std::string_view path) {
  if (StartsWithAny(path, {"etc/", "proc/", "sys/", "run/", "usr/lib/os-release", "lib/modules/"}))
    return true;
  const std::string_view name = BaseName(path);
  if (name.ends_with(".pth") || name.ends_with(".cfg") || name.ends_with(".egg-link")) return true;
  for (const std::string_view known :
       {"METADATA", "PKG-INFO", "INSTALLER", "direct_url.json", "top_level.txt", "RECORD", "WHEEL", "site.py",
        "keras.json", ".dockerenv", "_cuda_config.py", "build_info.py"}) {
    if (name == known) return true;
  }
  return path.find("conda-meta/") != std::string_view::npos;
}

// Programs and libraries that are looked into on the way to the GPU.
bool IsProgram(std::string_view path) {
  const std::string_view name = BaseName(path);
  if (path.find("bin/") != std::string_view::npos)
    return StartsWithAny(name, {"python", "sh", "dash", "bash", "busybox", "env", "ptxas", "ls"});
  if (name.find(".so") == std::string_view::npos) return false;
  return StartsWithAny(name, {"libcu",     "libnv",    "libnccl",    "libtensorflow", "_pywrap_tensorflow",
                              "ld-",       "ld.so",    "libc.",      "libc-",         "libm.",
                              "libm-",     "libdl",    "libpthread", "librt",         "libutil",
                              "libstdc++", "libgcc_s", "libz.",      "libexpat",      "libpython",
                              "libcrypt",  "libssl",   "libffi"});
}

// Where an ELF file tells how it is linked, beyond its head: the dynamic section and the notes.
std::vector<std::pair<uint64_t, uint64_t>> PartsBeyond(std::string_view head, uint64_t size) {
  std::vector<std::pair<uint64_t, uint64_t>> parts;
  Elf64_Ehdr header = {};
  if (head.size() < sizeof header || !head.starts_with(ELFMAG)) return parts;
  std::memcpy(&header, head.data(), sizeof header);
  for (size_t i = 0; i < header.e_phnum; i++) {
    Elf64_Phdr segment = {};
    const uint64_t at = header.e_phoff + i * sizeof segment;
    if (at > head.size() || head.size() - at < sizeof segment) break;
    std::memcpy(&segment, head.data() + at, sizeof segment);
    if (segment.p_type != PT_DYNAMIC && segment.p_type != PT_NOTE) continue;
    constexpr uint64_t kLargest = 64 << 10;
    if (segment.p_offset < head.size() || segment.p_offset > size) continue;
    // With what stands around it, since files are read in whole slices.
    constexpr uint64_t kSlice = 4096;
    const uint64_t from = segment.p_offset / kSlice * kSlice;
    const uint64_t end = segment.p_offset + std::min(segment.p_filesz, kLargest);
    parts.emplace_back(from, std::min((end / kSlice + 1) * kSlice, size) - from);
  }
  std::sort(parts.begin(), parts.end());
  return parts;
}

// Hashes the plain bytes of a layer as they pass.
class Hashing : public LayerReader {
 public:
  Hashing(LayerReader& below, bool wanted) : below_(below), wanted_(wanted), piece_(wanted ? kPiece : 0) {}
  Result<size_t> Read(char* to, size_t size) override {
    Result<size_t> got = below_.Read(to, size);
    if (got.ok() && wanted_) hash_.Update(std::string_view(to, *got));
    return got;
  }
  Result<bool> Skip(uint64_t size) override {
    if (!wanted_) return below_.Skip(size);
    while (size > 0) {
      Result<size_t> got = Read(piece_.data(), static_cast<size_t>(std::min<uint64_t>(size, piece_.size())));
      if (!got.ok()) return got.error();
      if (*got == 0) return Error{ErrorKind::kMalformed, "it is cut short"};
      size -= *got;
    }
    return true;
  }
  double Progress() const override { return below_.Progress(); }
  // Of everything, what is left behind the archive's end included.
  Result<std::string> Finish() {
    while (true) {
      Result<size_t> got = Read(piece_.data(), piece_.size());
      if (!got.ok()) return got.error();
      if (*got == 0) return "sha256:" + Hex(hash_.Finish());
    }
  }

 private:
  LayerReader& below_;
  bool wanted_;
  std::vector<char> piece_;
  Sha256Stream hash_;
};

// Which layers to hash, so that layers in a wrong order are seen: all but the largest, which is then the only
// one that can lie in its place. Mostly it is most of the image; where it is small, it is hashed, too.
std::vector<bool> ToHash(const Manifest& manifest) {
  constexpr uint64_t kSmall = 32 << 20;
  std::vector<bool> chosen(manifest.layers.size(), false);
  if (manifest.diff_ids.size() != manifest.layers.size()) return chosen;
  const auto largest = std::max_element(manifest.layers.begin(), manifest.layers.end(),
                                        [](const Blob& a, const Blob& b) { return a.size < b.size; });
  for (size_t i = 0; i < chosen.size(); i++) {
    const bool left_out = &manifest.layers[i] == &*largest && largest->size > kSmall;
    chosen[i] = !left_out && manifest.diff_ids[i].starts_with("sha256:");
  }
  return chosen;
}

}  // namespace

ImageSystem::ImageSystem(Manifest manifest, Progress progress)
    : manifest_(std::move(manifest)), progress_(std::move(progress)) {}

Result<std::unique_ptr<ImageSystem>> ImageSystem::Open(const std::string& path, const Wanted& wanted,
                                                       const std::map<std::string, std::string>& variables,
                                                       Progress progress) {
  Result<Manifest> manifest = ReadManifest(path, wanted, progress);
  if (!manifest.ok()) return manifest.error();
  for (const auto& [name, value] : variables) manifest->environment[name] = value;
  std::unique_ptr<ImageSystem> image(new ImageSystem(std::move(*manifest), std::move(progress)));
  if (Result<bool> opened = image->OpenStore(); !opened.ok()) return opened.error();
  if (Result<bool> indexed = image->Index(); !indexed.ok()) return indexed.error();
  if (Result<bool> settled = image->Settle(); !settled.ok()) return settled.error();
  return image;
}

Result<bool> ImageSystem::OpenStore() {
  const char* stated = std::getenv("TMPDIR");
  const std::string folder = stated != nullptr && *stated != '\0' ? stated : "/tmp";
  store_ = FileDescriptor(open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (store_.number() >= 0) return true;
  // Not every file system has files without a name.
  std::string name = folder + "/tfdoctor-XXXXXX";
  store_ = FileDescriptor(mkostemp(name.data(), O_CLOEXEC));
  if (store_.number() < 0)
    return Error{ErrorKind::kIo, fmt::format("no temporary file in {}: {}", folder, std::strerror(errno))};
  unlink(name.c_str());
  return true;
}

Result<bool> ImageSystem::Index() {
  const std::vector<bool> hashed = ToHash(manifest_);
  // Layers are seldom packed to less than a quarter: there are marks enough for all of them.
  size_t marks_left = kMostMarks;
  uint64_t packed = 0;
  for (const Blob& layer : manifest_.layers) packed += layer.size;
  const uint64_t distance = std::max(kLeastDistance, packed / (kMostMarks / 4));
  marks_.resize(manifest_.layers.size());
  for (size_t i = 0; i < manifest_.layers.size(); i++) {
    const auto layer = static_cast<uint16_t>(i);
    auto failed = [&](const Error& error) {
      return Error{error.kind,
                   fmt::format("layer {} of {}: {}", i + 1, manifest_.layers.size(), error.message)};
    };
    Result<std::unique_ptr<LayerReader>> reader = LayerReader::Open(manifest_.layers[i]);
    if (!reader.ok()) return failed(reader.error());
    Marking marking(**reader, distance, marks_left, marks_[i]);
    Hashing hashing(marking, hashed[i]);
    Result<bool> read = ReadTar(hashing, [&](const TarEntry& entry, LayerReader& from) -> Result<uint64_t> {
      if (progress_) progress_(i, manifest_.layers.size(), from.Progress());
      Result<bool> added = tree_.Add(entry, layer);
      if (!added.ok()) return added.error();
      return Prefetch(entry, layer, from);
    });
    if (!read.ok()) return failed(read.error());
    if (!hashed[i]) continue;
    Result<std::string> digest = hashing.Finish();
    if (!digest.ok()) return failed(digest.error());
    if (*digest == manifest_.diff_ids[i]) continue;
    const bool elsewhere =
        std::find(manifest_.diff_ids.begin(), manifest_.diff_ids.end(), *digest) != manifest_.diff_ids.end();
    return failed({ErrorKind::kMalformed, elsewhere
                                              ? "the layers are not in the order of the image's configuration"
                                              : "it is not the layer that the image's configuration names"});
  }
  return true;
}

// The program and the scripts that the image starts.
bool ImageSystem::IsOfCommand(std::string_view path) const {
  return std::any_of(manifest_.command.begin(), manifest_.command.end(),
                     [&](const std::string& word) { return BaseName(word) == BaseName(path); });
}

// Keeps what will be asked for, as far as names tell; how much of the content it took.
Result<uint64_t> ImageSystem::Prefetch(const TarEntry& entry, uint16_t layer, LayerReader& reader) {
  if (entry.type != FileType::kRegular || entry.hard_link || entry.size == 0 || stored_ > kLargestPrefetch)
    return uint64_t{0};
  const Content content(layer, entry.offset);
  if (entry.size <= kSmallFile && (IsDescription(entry.name) || IsOfCommand(entry.name))) {
    Result<bool> kept = KeepFrom(reader, content, 0, entry.size);
    if (!kept.ok()) return kept.error();
    return entry.size;
  }
  if (!IsProgram(entry.name)) return uint64_t{0};
  std::string head;
  uint64_t at = entry.size <= kSystemLibrary ? entry.size : kHead;
  if (Result<bool> kept = KeepFrom(reader, content, 0, at, &head); !kept.ok()) return kept.error();
  for (const auto& [from, size] : PartsBeyond(head, entry.size)) {
    const uint64_t end = from + size;
    if (end <= at) continue;
    const uint64_t start = std::max(from, at);
    if (Result<bool> passed = reader.Skip(start - at); !passed.ok()) return passed.error();
    if (Result<bool> kept = KeepFrom(reader, content, start, end - start); !kept.ok()) return kept.error();
    at = end;
  }
  return at;
}

Result<bool> ImageSystem::KeepFrom(LayerReader& reader, Content content, uint64_t from, uint64_t size,
                                   std::string* copy) {
  if (stored_ + size > kLargestStore) return reader.Skip(size);
  std::vector<char> piece(static_cast<size_t>(std::min<uint64_t>(size, kPiece)));
  Kept kept{size, stored_};
  for (uint64_t had = 0; had < size;) {
    Result<size_t> got =
        reader.Read(piece.data(), static_cast<size_t>(std::min<uint64_t>(size - had, piece.size())));
    if (!got.ok()) return got.error();
    if (*got == 0) return Error{ErrorKind::kMalformed, "it is cut short"};
    if (copy != nullptr) copy->append(piece.data(), *got);
    for (size_t written = 0; written < *got;) {
      const ssize_t more =
          pwrite(store_.number(), piece.data() + written, *got - written, static_cast<off_t>(stored_));
      if (more < 0 && errno == EINTR) continue;
      if (more <= 0)
        return Error{ErrorKind::kIo, fmt::format("the temporary file: {}", std::strerror(errno))};
      written += static_cast<size_t>(more);
      stored_ += static_cast<uint64_t>(more);
    }
    had += *got;
  }
  Kept& place = kept_[content][from];
  if (place.size < size) place = kept;
  return true;
}

Result<bool> ImageSystem::Settle() {
  if (Result<bool> taken = TakeUser(); !taken.ok()) return taken;
  if (manifest_.machine.empty()) manifest_.machine = MachineOfPrograms(*this);
  isa_level_ = IsaLevelOfCpuInfo(*this, manifest_.machine);
  not_running_ = WhyNotRunning(*this);
  wanted_.clear();
  return true;
}

// "1000", "app", "app:staff". Of an unknown name no container starts.
Result<bool> ImageSystem::TakeUser() {
  const std::string name = manifest_.user.substr(0, manifest_.user.find(':'));
  if (name.empty()) return true;
  const bool number = name.size() < 10 && name.find_first_not_of("0123456789") == std::string::npos;
  if (number) user_ = static_cast<uint32_t>(std::stoul(name));
  constexpr size_t kLargest = 4 << 20;
  const Result<std::string> accounts = ReadNow("/etc/passwd", kLargest);
  if (!number && !accounts.ok() && !accounts.not_found()) return accounts.error();
  const std::string text = accounts.value_or("");
  for (const std::string_view line : SplitLines(text)) {
    const std::vector<std::string> fields = Split(line, ':');
    if (fields.size() < 4 || (number ? fields[2] != name : fields[0] != name)) continue;
    user_ = static_cast<uint32_t>(std::strtoul(fields[2].c_str(), nullptr, 10));
    group_ = static_cast<uint32_t>(std::strtoul(fields[3].c_str(), nullptr, 10));
    return true;
  }
  if (number) return true;
  return Error{ErrorKind::kMalformed,
               fmt::format("its USER {} is not in its /etc/passwd: no container of it would start",
                           Printable(name, 80))};
}

Result<std::string> ImageSystem::ReadNow(const std::string& path, size_t length) {
  Result<std::string> read = Read(path, 0, length);
  if (read.ok() || wanted_.empty()) return read;
  if (Result<bool> fetched = Fetch(); !fetched.ok()) return fetched.error();
  return Read(path, 0, length);
}

Result<bool> ImageSystem::Fetch() {
  if (wanted_.empty() || passes_ == kMostPasses || stored_ >= kLargestStore || read_ > kMostReading)
    return false;
  passes_++;
  const uint64_t before = stored_;
  for (size_t layer = 0; layer < manifest_.layers.size(); layer++) {
    if (Result<bool> fetched = FetchLayer(static_cast<uint16_t>(layer)); !fetched.ok()) return fetched;
  }
  wanted_.clear();
  return stored_ > before;
}

Result<bool> ImageSystem::FetchLayer(uint16_t layer) {
  auto content = wanted_.lower_bound({layer, 0});
  if (content == wanted_.end() || content->first.first != layer) return true;
  Result<std::unique_ptr<LayerReader>> reader = LayerReader::Open(manifest_.layers[layer]);
  if (!reader.ok()) return reader.error();
  const std::vector<Mark>& marks = marks_[layer];
  double read = 0;  // of the layer, by those before the present reader
  double began = 0;
  uint64_t kept_of_layer = 0;
  uint64_t at = 0;
  for (; content != wanted_.end() && content->first.first == layer; ++content) {
    std::vector<Range>& ranges = content->second;
    std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.from < b.from; });
    for (size_t i = 0; i < ranges.size();) {
      Range range = ranges[i];
      for (i++; i < ranges.size() && ranges[i].from <= range.to; i++)
        range.to = std::max(range.to, ranges[i].to);
      const uint64_t from = content->first.second + range.from;
      if (const Mark* mark = NearestMark(marks, from); mark != nullptr && mark->at > at) {
        if (auto nearer = mark->reader->Clone()) {
          read += (*reader)->Progress() - began;
          began = nearer->Progress();
          at = mark->at;
          *reader = std::move(nearer);
        }
      }
      if (Result<bool> passed = (*reader)->Skip(from - at); !passed.ok()) return passed;
      if (Result<bool> kept = KeepFrom(**reader, content->first, range.from, range.to - range.from);
          !kept.ok())
        return kept;
      at = from + (range.to - range.from);
      kept_of_layer += range.to - range.from;
      if (progress_) progress_(layer, manifest_.layers.size(), (*reader)->Progress());
    }
  }
  uint64_t all = 1;
  for (const Blob& blob : manifest_.layers) all += blob.size;
  read += (*reader)->Progress() - began;
  const double bytes = (*reader)->SkipsUnread() ? static_cast<double>(kept_of_layer)
                                                : read * static_cast<double>(manifest_.layers[layer].size);
  read_ += bytes / static_cast<double>(all);
  return true;
}

void ImageSystem::Want(Content content, uint64_t file_size, uint64_t offset, size_t length) const {
  std::vector<Range>& ranges = wanted_[content];
  constexpr size_t kMostRanges = 10'000;
  if (ranges.size() >= kMostRanges) return;
  if (file_size <= kWholeFile) {
    if (ranges.empty()) ranges.push_back({0, file_size});
    return;
  }
  if (offset < kHeadOfLibrary) ranges.push_back({0, std::min(file_size, kHeadOfLibrary)});
  const uint64_t end = std::min(file_size, offset + std::min<uint64_t>(length, file_size) + kAround);
  const uint64_t from = offset > kAround ? offset - kAround : 0;
  if (!ranges.empty() && ranges.back().from <= from && ranges.back().to >= end) return;
  ranges.push_back({from, end});
}

std::string ImageSystem::Absolute(const std::string& path) const {
  return path.starts_with('/') ? path : manifest_.working_directory + "/" + path;
}

Result<std::string> ImageSystem::Read(const std::string& path, uint64_t offset, size_t length) const {
  if (path.empty() || HasNul(path)) return FileError(path, ENOENT);
  Result<uint32_t> index = tree_.Walk(Absolute(path), true);
  if (!index.ok()) return FileError(path, index.error().kind == ErrorKind::kLoop ? ELOOP : ENOENT);
  const Node& node = tree_.At(*index);
  if (node.type == FileType::kDirectory) return FileError(path, EISDIR);
  if (node.type != FileType::kRegular) return FileError(path, ErrorKind::kWrongType, "not a regular file");
  if (offset >= node.size || length == 0) return std::string();
  const uint64_t end = offset + std::min<uint64_t>(length, node.size - offset);
  const Content content(node.content, node.offset);
  std::string bytes;
  if (const auto pieces = kept_.find(content); pieces != kept_.end()) {
    // Pieces may overlap; each one that goes on from where we are is taken.
    uint64_t at = offset;
    for (auto piece = pieces->second.begin(); piece != pieces->second.end() && piece->first <= at && at < end;
         ++piece) {
      const uint64_t piece_end = piece->first + piece->second.size;
      if (piece_end <= at) continue;
      const auto part = static_cast<size_t>(std::min(piece_end, end) - at);
      const size_t had = bytes.size();
      bytes.resize(had + part);
      const ssize_t got = pread(store_.number(), bytes.data() + had, part,
                                static_cast<off_t>(piece->second.at + (at - piece->first)));
      if (got != static_cast<ssize_t>(part))
        return FileError(path, ErrorKind::kIo, "the temporary file is not as it was written");
      at += part;
    }
    if (at == end) return bytes;
  }
  Want(content, node.size, offset, length);
  return FileError(path, ErrorKind::kIo, "the layers of the image were not read for it");
}

Result<std::vector<DirEntry>> ImageSystem::List(const std::string& path, size_t limit) const {
  if (path.empty() || HasNul(path)) return FileError(path, ENOENT);
  Result<uint32_t> index = tree_.Walk(Absolute(path), true);
  if (!index.ok()) return FileError(path, index.error().kind == ErrorKind::kLoop ? ELOOP : ENOENT);
  if (tree_.At(*index).type != FileType::kDirectory) return FileError(path, ENOTDIR);
  std::vector<DirEntry> entries;
  tree_.Children(*index, [&](uint32_t child) {
    if (entries.size() <= limit) entries.push_back({std::string(tree_.NameOf(child)), tree_.At(child).type});
  });
  if (entries.size() > limit)
    return FileError(path, ErrorKind::kTooLarge, "more than " + std::to_string(limit) + " entries");
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return entries;
}

Result<std::string> ImageSystem::ReadLink(const std::string& path) const {
  if (path.empty() || HasNul(path)) return FileError(path, ENOENT);
  Result<uint32_t> index = tree_.Walk(Absolute(path), false);
  if (!index.ok()) return FileError(path, index.error().kind == ErrorKind::kLoop ? ELOOP : ENOENT);
  if (tree_.At(*index).type != FileType::kSymlink) return FileError(path, EINVAL);
  return std::string(tree_.TargetOf(*index));
}

Result<FileStat> ImageSystem::StatOf(const std::string& path, bool follow) const {
  if (path.empty() || HasNul(path)) return FileError(path, ENOENT);
  Result<uint32_t> index = tree_.Walk(Absolute(path), follow);
  if (!index.ok()) return FileError(path, index.error().kind == ErrorKind::kLoop ? ELOOP : ENOENT);
  const Node& node = tree_.At(*index);
  FileStat stat;
  stat.type = node.type;
  stat.mode = node.mode;
  stat.uid = node.uid;
  stat.gid = node.gid;
  stat.mtime = node.mtime;
  stat.device = 1;
  stat.inode = node.inode + 1;
  const bool device = node.type == FileType::kCharacterDevice || node.type == FileType::kBlockDevice;
  if (device) stat.rdev = node.offset;
  if (!device && node.type != FileType::kDirectory) stat.size = node.size;
  return stat;
}

Result<bool> ImageSystem::MayAccess(const std::string& path, Access access) const {
  Result<FileStat> stat = Stat(path);
  if (!stat.ok()) return stat.error();
  const uint32_t wanted = static_cast<uint32_t>(access);
  if (user_ == 0) return access != Access::kExecute || (stat->mode & 0111) != 0;
  const uint32_t granted = stat->uid == user_    ? stat->mode >> 6
                           : stat->gid == group_ ? stat->mode >> 3
                                                 : stat->mode;
  return (granted & wanted) == wanted;
}

Result<std::string> ImageSystem::RealPath(const std::string& path) const {
  if (path.empty() || HasNul(path)) return FileError(path, ENOENT);
  Result<uint32_t> index = tree_.Walk(Absolute(path), true);
  if (!index.ok()) return FileError(path, index.error().kind == ErrorKind::kLoop ? ELOOP : ENOENT);
  return tree_.PathOf(*index);
}

Result<std::string> ImageSystem::KernelLog() const {
  return FileError("the kernel log", ErrorKind::kIo, "an image has none");
}

}  // namespace tfdoctor::image
