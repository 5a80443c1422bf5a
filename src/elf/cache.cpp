#include "elf/cache.h"

#include <algorithm>
#include <cstring>

#include "elf/object.h"

// The layout is that of glibc's sysdeps/generic/dl-cache.h, the search that of elf/dl-cache.c.

namespace tfdoctor::elf {
namespace {

constexpr std::string_view kOldMagic = "ld.so-1.7.0";
constexpr std::string_view kNewMagic = "glibc-ld.so.cache1.1";
constexpr size_t kOldHeader = 16;
constexpr size_t kOldEntry = 12;
constexpr size_t kNewHeader = 48;
constexpr size_t kNewEntry = 24;
constexpr uint32_t kExtensionMagic = 0xeaa42174;
constexpr uint32_t kTagGlibcHwcaps = 1;
constexpr size_t kMaxHwcapNames = 256;
constexpr size_t kMaxFile = 64 << 20;
// In the upper half of an entry's hwcap: the lower half is an index into the names of glibc-hwcaps folders.
// The bits below it hold the ISA level, which the name says as well.
constexpr uint64_t kHwcapExtension = 1ULL << 30;
constexpr uint64_t kIsaLevelMask = (1U << 10) - 1;

uint32_t Word(const std::string& bytes, size_t offset) {
  uint32_t value = 0;
  if (offset <= bytes.size() && bytes.size() - offset >= sizeof value) {
    std::memcpy(&value, bytes.data() + offset, sizeof value);
  }
  return value;
}

// _dl_cache_libcmp(): numbers inside names are compared as numbers.
int CompareNames(std::string_view a, std::string_view b) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  size_t i = 0;
  size_t j = 0;
  while (i < a.size()) {
    const bool digit_b = j < b.size() && is_digit(b[j]);
    if (is_digit(a[i])) {
      if (!digit_b) return 1;
      uint32_t number_a = 0;
      uint32_t number_b = 0;
      for (; i < a.size() && is_digit(a[i]); ++i)
        number_a = number_a * 10 + static_cast<uint32_t>(a[i] - '0');
      for (; j < b.size() && is_digit(b[j]); ++j)
        number_b = number_b * 10 + static_cast<uint32_t>(b[j] - '0');
      if (number_a != number_b) return number_a < number_b ? -1 : 1;
    } else if (digit_b) {
      return -1;
    } else {
      const char other = j < b.size() ? b[j] : '\0';
      if (a[i] != other) return a[i] < other ? -1 : 1;
      ++i;
      ++j;
    }
  }
  return j < b.size() ? -1 : 0;
}

// The flags of a usable entry: an ELF library for glibc 2 and this architecture's 64-bit ABI.
uint32_t UsableFlags(uint16_t machine) { return machine == kMachineAarch64 ? 0x0a03 : 0x0303; }

}  // namespace

Result<LdCache> LdCache::Load(const System& system, const std::string& path) {
  Result<std::string> bytes = system.ReadAll(path, kMaxFile);
  if (!bytes) return bytes.error();
  return Parse(std::move(*bytes));
}

Result<LdCache> LdCache::Parse(std::string bytes) {
  LdCache cache;
  size_t header = 0;
  if (bytes.starts_with(kOldMagic) && bytes.size() >= kOldHeader) {
    const size_t count = Word(bytes, 12);
    if (count > (bytes.size() - kOldHeader) / kOldEntry) {
      return Error{ErrorKind::kMalformed, "the table of libraries is cut short"};
    }
    header = (kOldHeader + count * kOldEntry + 7) / 8 * 8;
    cache.new_format_ = false;
    cache.entries_ = kOldHeader;
    cache.entry_count_ = count;
    cache.strings_ = kOldHeader + count * kOldEntry;
  }
  if (header <= bytes.size() && bytes.compare(header, kNewMagic.size(), kNewMagic) == 0 &&
      bytes.size() - header >= kNewHeader) {
    const size_t count = Word(bytes, header + 20);
    if (count > (bytes.size() - header - kNewHeader) / kNewEntry) {
      return Error{ErrorKind::kMalformed, "the table of libraries is cut short"};
    }
    const int byte_order = bytes[header + 28] & 3;  // 0: not said, 2: little endian
    if (byte_order == 1 || byte_order == 3)
      return Error{ErrorKind::kMalformed, "written for another byte order"};
    cache.new_format_ = true;
    cache.entries_ = header + kNewHeader;
    cache.entry_count_ = count;
    cache.strings_ = header;
  } else if (header == 0) {
    return Error{ErrorKind::kMalformed, "not a cache of ldconfig"};
  }
  cache.bytes_ = std::move(bytes);
  if (cache.new_format_) cache.hwcap_names_ = cache.ReadHwcapNames(header);
  return cache;
}

std::vector<std::string> LdCache::ReadHwcapNames(size_t header) const {
  std::vector<std::string> names;
  const size_t extension = Word(bytes_, header + 32);
  if (extension == 0 || Word(bytes_, extension) != kExtensionMagic) return names;
  const size_t sections = std::min<size_t>(Word(bytes_, extension + 4), 16);
  for (size_t i = 0; i < sections; ++i) {
    const size_t section = extension + 8 + i * 16;
    if (Word(bytes_, section) != kTagGlibcHwcaps) continue;
    const size_t offset = Word(bytes_, section + 8);
    const size_t count = std::min<size_t>(Word(bytes_, section + 12) / 4, kMaxHwcapNames);
    for (size_t j = 0; j < count; ++j) names.emplace_back(Text(Word(bytes_, offset + j * 4)));
    break;
  }
  return names;
}

LdCache::Entry LdCache::At(size_t index) const {
  Entry entry;
  const size_t at = entries_ + index * (new_format_ ? kNewEntry : kOldEntry);
  entry.flags = Word(bytes_, at);
  entry.key = Word(bytes_, at + 4);
  entry.value = Word(bytes_, at + 8);
  if (new_format_) entry.hwcap = Word(bytes_, at + 16) | static_cast<uint64_t>(Word(bytes_, at + 20)) << 32;
  return entry;
}

std::string_view LdCache::Text(uint32_t offset) const {
  const size_t start = strings_ + offset;
  if (start >= bytes_.size()) return {};
  const size_t end = bytes_.find('\0', start);
  if (end == std::string::npos) return {};
  return std::string_view(bytes_).substr(start, end - start);
}

std::string LdCache::Lookup(std::string_view name, uint16_t machine,
                            const std::vector<std::string>& subfolders) const {
  // ldconfig sorts the names descending; equal ones stand together, those of glibc-hwcaps folders first.
  size_t low = 0;
  size_t high = entry_count_;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (CompareNames(name, Text(At(middle).key)) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  std::string best;
  size_t best_rank = subfolders.size();
  for (size_t i = low; i < entry_count_; ++i) {
    const Entry entry = At(i);
    if (CompareNames(name, Text(entry.key)) != 0) break;
    if (entry.flags != UsableFlags(machine)) continue;
    const bool named = ((entry.hwcap >> 32) & ~kIsaLevelMask) == kHwcapExtension;
    if (named) {
      const size_t index = entry.hwcap & 0xffffffff;
      if (index >= hwcap_names_.size()) continue;
      const auto rank = static_cast<size_t>(
          std::find(subfolders.begin(), subfolders.end(), hwcap_names_[index]) - subfolders.begin());
      if (rank >= best_rank) continue;
      best_rank = rank;
      best = Text(entry.value);
    } else {
      if (!best.empty()) break;
      // Folders by processor name, which glibc 2.37 and later ignore.
      if (entry.hwcap != 0) continue;
      return std::string(Text(entry.value));
    }
  }
  return best;
}

}  // namespace tfdoctor::elf
