// Finds, in blocks of text, where one of many literals stands (Wu and Manber's algorithm: it looks at few
// bytes and jumps over the rest).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tfdoctor {

class Scanner {
 public:
  // Every literal has at least kShortest bytes.
  static constexpr size_t kShortest = 6;
  explicit Scanner(std::span<const std::string_view> literals);

  // The next place at or after `from` where a literal stands: its start; npos: none. `which` gets the
  // literals that stand there.
  size_t Find(std::string_view text, size_t from, std::vector<uint32_t>& which) const;

 private:
  static constexpr size_t kBits = 14;
  static uint32_t Hash(const unsigned char* p) {
    // Three bytes are enough to be rare and leave jumps of up to four.
    const uint32_t value = p[0] | static_cast<uint32_t>(p[1]) << 8 | static_cast<uint32_t>(p[2]) << 16;
    return (value * 2654435761U) >> (32 - kBits);
  }

  std::vector<std::string_view> literals_;
  std::vector<uint8_t> shift_;
  std::vector<uint32_t> bucket_;  // first entry of a hash in order_
  std::vector<uint32_t> order_;   // literals by the hash of the last three of their first six bytes
};

}  // namespace tfdoctor
