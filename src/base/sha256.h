// SHA-256 (FIPS 180-4), for the names that tools derive from paths, and the layers of images.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tfdoctor {

std::array<uint8_t, 32> Sha256(std::string_view bytes);

// The same of bytes that come piece by piece.
class Sha256Stream {
 public:
  // Most processors of today have instructions for it, which take a tenth of the time. `without`: as where
  // there are none.
  explicit Sha256Stream(bool without = false);
  void Update(std::string_view bytes);
  std::array<uint8_t, 32> Finish();

 private:
  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::string rest_;  // shorter than a block
  uint64_t size_ = 0;
  // Takes so many blocks of 64 bytes.
  void (*take_)(const unsigned char* blocks, size_t count, std::array<uint32_t, 8>& state);
};
std::string Hex(const std::array<uint8_t, 32>& digest);
// Base 64 with "-" and "_", without padding, as RECORD has it.
std::string UrlSafeBase64(std::string_view bytes);

}  // namespace tfdoctor
