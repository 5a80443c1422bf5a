#include "logs/scan.h"

#include <algorithm>
#include <cstring>

namespace tfdoctor {

Scanner::Scanner(std::span<const std::string_view> literals)
    : literals_(literals.begin(), literals.end()),
      shift_(size_t{1} << kBits, static_cast<uint8_t>(kShortest - 2)),
      bucket_((size_t{1} << kBits) + 1, 0) {
  std::vector<uint32_t> hash_of(literals_.size());
  for (size_t i = 0; i < literals_.size(); i++) {
    const auto* p = reinterpret_cast<const unsigned char*>(literals_[i].data());
    for (size_t at = 0; at + 3 <= kShortest; at++) {
      uint8_t& shift = shift_[Hash(p + at)];
      shift = std::min(shift, static_cast<uint8_t>(kShortest - 3 - at));
    }
    hash_of[i] = Hash(p + kShortest - 3);
    bucket_[hash_of[i] + 1]++;
  }
  for (size_t i = 1; i < bucket_.size(); i++) bucket_[i] += bucket_[i - 1];
  order_.resize(literals_.size());
  std::vector<uint32_t> next(bucket_.begin(), bucket_.end() - 1);
  for (size_t i = 0; i < literals_.size(); i++) order_[next[hash_of[i]]++] = static_cast<uint32_t>(i);
}

size_t Scanner::Find(std::string_view text, size_t from, std::vector<uint32_t>& which) const {
  which.clear();
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  const size_t size = text.size();
  const uint8_t* shift = shift_.data();
  for (size_t at = from; at + kShortest <= size;) {
    const uint32_t hash = Hash(data + at + kShortest - 3);
    const uint8_t jump = shift[hash];
    if (jump != 0) {
      at += jump;
      continue;
    }
    for (uint32_t i = bucket_[hash]; i < bucket_[hash + 1]; i++) {
      const std::string_view literal = literals_[order_[i]];
      if (literal.size() <= size - at && std::memcmp(data + at, literal.data(), literal.size()) == 0)
        which.push_back(order_[i]);
    }
    if (!which.empty()) return at;
    at++;
  }
  return std::string_view::npos;
}

}  // namespace tfdoctor
