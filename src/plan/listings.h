// The listings of data/wheels/, which are part of the binary.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "plan/wheel_listing.h"

namespace tfdoctor {

struct EmbeddedListing {
  std::string_view name;  // "nvidia-cudnn-cu12-9.28.0.42"
  const char* begin;
  const char* end;
};
// Sorted by name.
std::span<const EmbeddedListing> EmbeddedListings();

// kNotFound: nobody listed this version of the distribution.
Result<WheelListing> FindListing(std::string_view distribution, std::string_view version);

}  // namespace tfdoctor
