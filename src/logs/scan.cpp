#include "logs/scan.h"

#include <algorithm>

namespace tfdoctor {

namespace {

// How common bytes are in logs, roughly and by kind: blanks and small letters, digits, the rest.
int Commonness(unsigned char byte) {
  constexpr std::string_view kOften = " etaoinsrl", kRather = "hdcumfpgwyb0123456789.,=:/-_";
  if (kOften.find(static_cast<char>(byte)) != kOften.npos) return 4;
  return kRather.find(static_cast<char>(byte)) != kRather.npos ? 2 : 0;
}

size_t RarestWindow(std::string_view literal) {
  size_t best = 0;
  int least = 1 << 20;
  for (size_t at = 0; at + Scanner::kShortest <= literal.size(); at++) {
    int common = 0;
    for (const char c : literal.substr(at, Scanner::kShortest))
      common += Commonness(static_cast<unsigned char>(c));
    if (common < least) least = common, best = at;
  }
  return best;
}

}  // namespace

Scanner::Scanner(std::span<const std::string_view> literals)
    : literals_(literals.begin(), literals.end()),
      bits_((size_t{1} << kBits) / 64, 0),
      bucket_((size_t{1} << kBucketBits) + 1, 0) {
  const auto bucket_of = [](const Entry& entry) { return Hash(entry.group) >> (kBits - kBucketBits); };
  for (uint32_t i = 0; i < literals_.size(); i++) {
    const size_t window = RarestWindow(literals_[i]);
    for (size_t at = window; at < window + kStride; at++) {
      const uint32_t group = Load(literals_[i].data() + at);
      entries_.push_back({group, i, static_cast<uint32_t>(at)});
      bits_[Hash(group) / 64] |= uint64_t{1} << (Hash(group) % 64);
    }
  }
  std::stable_sort(entries_.begin(), entries_.end(),
                   [&](const Entry& a, const Entry& b) { return bucket_of(a) < bucket_of(b); });
  for (const Entry& entry : entries_) bucket_[bucket_of(entry) + 1]++;
  for (size_t i = 1; i < bucket_.size(); i++) bucket_[i] += bucket_[i - 1];
}

template <class Take>
void Scanner::Standing(std::string_view text, size_t at, const Take& take) const {
  const uint32_t group = Load(text.data() + at);
  const size_t bucket = Hash(group) >> (kBits - kBucketBits);
  for (uint32_t i = bucket_[bucket]; i < bucket_[bucket + 1]; i++) {
    const Entry& entry = entries_[i];
    if (entry.group != group || entry.offset > at) continue;
    const size_t start = at - entry.offset;
    const std::string_view literal = literals_[entry.literal];
    if (text.substr(start, literal.size()) == literal) take(entry.literal, start);
  }
}

size_t Scanner::Find(std::string_view text, size_t from) const {
  size_t found = text.npos;
  const auto look = [&](size_t at) {
    if (!May(Hash(Load(text.data() + at)))) return false;
    Standing(text, at, [&](uint32_t, size_t start) {
      if (start >= from) found = std::min(found, start);
    });
    return found != text.npos;
  };
  size_t at = from;
  constexpr size_t kTogether = 4;
  for (; at + kTogether * kStride <= text.size(); at += kTogether * kStride) {
    const char* p = text.data() + at;
    const uint32_t first = Hash(Load(p)), second = Hash(Load(p + kStride)),
                   third = Hash(Load(p + 2 * kStride)), fourth = Hash(Load(p + 3 * kStride));
    const uint64_t any = (bits_[first / 64] >> (first % 64)) | (bits_[second / 64] >> (second % 64)) |
                         (bits_[third / 64] >> (third % 64)) | (bits_[fourth / 64] >> (fourth % 64));
    if ((any & 1) == 0) continue;
    for (size_t i = 0; i < kTogether; i++) {
      if (look(at + i * kStride)) return found;
    }
  }
  for (; at + kGroup <= text.size(); at += kStride) {
    if (look(at)) return found;
  }
  return text.npos;
}

bool Scanner::Across(std::string_view text, size_t place) const {
  bool across = false;
  for (size_t at = 0; at + kGroup <= text.size() && !across; at++) {
    if (May(Hash(Load(text.data() + at))))
      Standing(text, at, [&](uint32_t literal, size_t start) {
        across = across || (start < place && start + literals_[literal].size() > place);
      });
  }
  return across;
}

void Scanner::All(std::string_view text, std::vector<uint32_t>& which) const {
  for (size_t at = 0; at + kGroup <= text.size(); at++) {
    if (May(Hash(Load(text.data() + at))))
      Standing(text, at, [&](uint32_t literal, size_t) { which.push_back(literal); });
  }
}

uint64_t CountLines(std::string_view text) {
  // Sixteen bytes at a time, in counters of a byte that are emptied before they run over.
  using Bytes = unsigned char __attribute__((vector_size(16)));
  uint64_t count = 0;
  size_t at = 0;
  while (at + sizeof(Bytes) <= text.size()) {
    Bytes counters = {};
    for (int i = 0; i < 255 && at + sizeof(Bytes) <= text.size(); i++, at += sizeof(Bytes)) {
      Bytes bytes;
      std::memcpy(&bytes, text.data() + at, sizeof bytes);
      counters -= reinterpret_cast<Bytes>(bytes == static_cast<unsigned char>('\n'));  // true is -1
    }
    for (size_t i = 0; i < sizeof(Bytes); i++) count += counters[i];
  }
  return count +
         static_cast<uint64_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), '\n'));
}

}  // namespace tfdoctor
