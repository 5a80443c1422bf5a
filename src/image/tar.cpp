#include "image/tar.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <map>
#include <string_view>

namespace tfdoctor::image {

namespace {

constexpr size_t kBlock = 512;
constexpr uint64_t kLongestText = 1 << 20;  // a name, or a pax header
constexpr uint64_t kLargestFile = uint64_t{1} << 50;

Error Bad(const char* what) { return {ErrorKind::kMalformed, what}; }

using Block = std::array<char, kBlock>;

std::string_view Field(const Block& block, size_t at, size_t size) {
  const std::string_view field(block.data() + at, size);
  return field.substr(0, std::min(field.find('\0'), size));
}

// Octal, or GNU's base 256 for what is too large; false: neither.
bool Number(const Block& block, size_t at, size_t size, uint64_t& number) {
  number = 0;
  const auto first = static_cast<unsigned char>(block[at]);
  if ((first & 0x80) != 0) {
    if (first != 0x80) return false;  // negative, or beyond all bounds
    for (size_t i = at + 1; i < at + size; i++) {
      if (number >> 55 != 0) return false;
      number = number << 8 | static_cast<unsigned char>(block[i]);
    }
    return true;
  }
  std::string_view field(block.data() + at, size);
  while (!field.empty() && field.front() == ' ') field.remove_prefix(1);
  for (const char c : field) {
    if (c == ' ' || c == '\0') break;
    if (c < '0' || c > '7' || number >> 60 != 0) return false;
    number = number << 3 | static_cast<uint64_t>(c - '0');
  }
  return true;
}

bool ChecksumIsRight(const Block& block) {
  uint64_t stated = 0;
  if (!Number(block, 148, 8, stated)) return false;
  uint64_t sum = 0;
  int64_t signed_sum = 0;  // as some old tars count
  for (size_t i = 0; i < kBlock; i++) {
    const char c = i >= 148 && i < 156 ? ' ' : block[i];
    sum += static_cast<unsigned char>(c);
    signed_sum += static_cast<signed char>(c);
  }
  return stated == sum || static_cast<int64_t>(stated) == signed_sum;
}

// "27 path=a/b\n", one after the other.
bool ReadPax(std::string_view text, std::map<std::string, std::string>& values) {
  while (!text.empty() && text.front() != '\0') {
    size_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    const auto digits = static_cast<size_t>(end - text.data());
    if (error != std::errc() || length > text.size() || length < digits + 3 || text[digits] != ' ')
      return false;
    const std::string_view record = text.substr(digits + 1, length - digits - 2);
    const size_t equals = record.find('=');
    if (equals == std::string_view::npos) return false;
    values[std::string(record.substr(0, equals))] = record.substr(equals + 1);
    text.remove_prefix(length);
  }
  return true;
}

std::string Trimmed(std::string_view name) {
  while (name.starts_with("./") || name.starts_with('/')) name.remove_prefix(name.front() == '/' ? 1 : 2);
  while (name.ends_with('/')) name.remove_suffix(1);
  return name == "." ? std::string() : std::string(name);
}

class Tar {
 public:
  Tar(LayerReader& reader, const TakeEntry& take) : reader_(reader), take_(take) {}

  Result<bool> Run() {
    Block block;
    while (true) {
      Result<size_t> got = reader_.Read(block.data(), kBlock);
      if (!got.ok()) return got.error();
      if (*got == 0) return true;  // some write no blocks of zeros at the end
      if (*got < kBlock) return Bad("it is cut short");
      at_ += kBlock;
      if (std::all_of(block.begin(), block.end(), [](char c) { return c == '\0'; })) return true;
      if (!ChecksumIsRight(block)) return Bad("it is no tar archive, or damaged");
      uint64_t size = 0;
      if (!Number(block, 124, 12, size) || size > kLargestFile)
        return Bad("a file in it has an impossible size");
      Result<bool> taken = Take(block, size);
      if (!taken.ok()) return taken;
    }
  }

 private:
  Result<bool> Take(const Block& block, uint64_t size) {
    switch (block[156]) {
      case 'L':
        return ReadText(size, long_name_);
      case 'K':
        return ReadText(size, long_target_);
      case 'x': {
        std::string text;
        Result<bool> read = ReadText(size, text);
        if (read.ok() && !ReadPax(text, pax_)) return Bad("a pax header in it is damaged");
        return read;
      }
      case 'g':
        return Pass(size);
      default:
        return TakeFile(block, size);
    }
  }

  Result<bool> ReadText(uint64_t size, std::string& text) {
    if (size > kLongestText) return Bad("a name in it is too long");
    text.resize(static_cast<size_t>(size));
    Result<size_t> got = reader_.Read(text.data(), text.size());
    if (!got.ok()) return got.error();
    if (*got < text.size()) return Bad("it is cut short");
    at_ += size;
    while (!text.empty() && text.back() == '\0') text.pop_back();
    return PassPadding(size);
  }

  Result<bool> TakeFile(const Block& block, uint64_t size) {
    TarEntry entry;
    std::string name(Field(block, 0, 100));
    if (Field(block, 257, 5) == "ustar" && !Field(block, 345, 155).empty() && block[156] != 'S')
      name = std::string(Field(block, 345, 155)) + "/" + name;
    std::string target(Field(block, 157, 100));
    if (!long_name_.empty()) name = long_name_;
    if (!long_target_.empty()) target = long_target_;
    if (const auto path = pax_.find("path"); path != pax_.end()) name = path->second;
    if (const auto link = pax_.find("linkpath"); link != pax_.end()) target = link->second;
    if (const auto large = pax_.find("size"); large != pax_.end()) {
      const std::string& text = large->second;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
      if (error != std::errc() || end != text.data() + text.size() || size > kLargestFile)
        return Bad("a file in it has an impossible size");
    }
    long_name_.clear();
    long_target_.clear();
    pax_.clear();
    uint64_t mode = 0, uid = 0, gid = 0, major = 0, minor = 0;
    Number(block, 100, 8, mode);
    Number(block, 108, 8, uid);
    Number(block, 116, 8, gid);
    Number(block, 329, 8, major);
    Number(block, 337, 8, minor);
    entry.name = Trimmed(name);
    entry.target = std::move(target);
    entry.mode = static_cast<uint32_t>(mode & 07777);
    entry.uid = static_cast<uint32_t>(uid);
    entry.gid = static_cast<uint32_t>(gid);
    entry.rdev = makedev(static_cast<unsigned>(major), static_cast<unsigned>(minor));
    entry.offset = at_;
    switch (block[156]) {
      case '1':
        entry.hard_link = true;
        break;
      case '2':
        entry.type = FileType::kSymlink;
        break;
      case '3':
        entry.type = FileType::kCharacterDevice;
        break;
      case '4':
        entry.type = FileType::kBlockDevice;
        break;
      case '5':
        entry.type = FileType::kDirectory;
        break;
      case '6':
        entry.type = FileType::kFifo;
        break;
      case '0':
      case '\0':
      case '7':
        entry.type = name.ends_with('/') ? FileType::kDirectory : FileType::kRegular;
        entry.size = size;
        break;
      default:
        entry.type = FileType::kOther;  // GNU's sparse files and what else there is
    }
    // Links may state a size, but have no content.
    const bool content = entry.type == FileType::kRegular || entry.type == FileType::kOther;
    if (!content || entry.hard_link) size = 0;
    Result<uint64_t> taken = take_(entry, reader_);
    if (!taken.ok()) return taken.error();
    at_ += *taken;
    Result<bool> passed = reader_.Skip(size - *taken);
    if (!passed.ok()) return passed;
    at_ += size - *taken;
    return PassPadding(size);
  }

  Result<bool> Pass(uint64_t size) {
    Result<bool> passed = reader_.Skip(size);
    if (!passed.ok()) return passed;
    at_ += size;
    return PassPadding(size);
  }
  Result<bool> PassPadding(uint64_t size) {
    const uint64_t padding = (kBlock - size % kBlock) % kBlock;
    at_ += padding;
    return reader_.Skip(padding);
  }

  LayerReader& reader_;
  const TakeEntry& take_;
  uint64_t at_ = 0;
  std::string long_name_, long_target_;
  std::map<std::string, std::string> pax_;
};

}  // namespace

Result<bool> ReadTar(LayerReader& reader, const TakeEntry& take) { return Tar(reader, take).Run(); }

}  // namespace tfdoctor::image
