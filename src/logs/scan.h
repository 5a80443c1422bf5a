// Finds, in blocks of text, where one of many literals stands.
//
// Of each literal a window of seven bytes is chosen, the rarest by its letters. Whoever looks at every fourth
// place of a text meets one of the window's four groups of four bytes: a table of bits says at once that
// almost no place holds such a group. No look depends on the one before it, so that a processor does several
// at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace tfdoctor {

class Scanner {
 public:
  // Every literal has at least kShortest bytes.
  static constexpr size_t kShortest = 7;
  explicit Scanner(std::span<const std::string_view> literals);

  // Where in the first line at or after `from` that holds a literal one stands; npos: in none. Literals hold
  // no newline.
  size_t Find(std::string_view text, size_t from) const;
  // Whether a literal stands across this place of the text: begins before it and ends behind it.
  bool Across(std::string_view text, size_t place) const;
  // All literals that the text holds; some may be told twice.
  void All(std::string_view text, std::vector<uint32_t>& which) const;

 private:
  static constexpr size_t kGroup = 4;   // bytes that are looked at together
  static constexpr size_t kStride = 4;  // places between two looks
  static_assert(kShortest == kGroup + kStride - 1);
  static constexpr int kBits = 17;
  static constexpr int kBucketBits = 12;

  struct Entry {
    uint32_t group;
    uint32_t literal;
    uint32_t offset;  // of the group in the literal
  };

  static uint32_t Load(const char* p) {
    uint32_t value;
    std::memcpy(&value, p, sizeof value);
    return value;
  }
  static uint32_t Hash(uint32_t group) { return (group * 2654435761U) >> (32 - kBits); }
  bool May(uint32_t hash) const { return (bits_[hash / 64] >> (hash % 64) & 1) != 0; }
  // Calls `take` with each literal that has this group here and stands there whole; its start.
  template <class Take>
  void Standing(std::string_view text, size_t at, const Take& take) const;

  std::vector<std::string_view> literals_;
  std::vector<uint64_t> bits_;    // by hash: some literal has such a group
  std::vector<uint32_t> bucket_;  // first entry of the upper bits of a hash
  std::vector<Entry> entries_;
};

// How often '\n' stands in it.
uint64_t CountLines(std::string_view text);

}  // namespace tfdoctor
