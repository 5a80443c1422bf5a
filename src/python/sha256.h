// SHA-256 (FIPS 180-4), for the names that tools derive from paths and for the hashes in RECORD.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace tfdoctor {

std::array<uint8_t, 32> Sha256(std::string_view bytes);
// Base 64 with "-" and "_", without padding, as RECORD has it.
std::string UrlSafeBase64(std::string_view bytes);

}  // namespace tfdoctor
