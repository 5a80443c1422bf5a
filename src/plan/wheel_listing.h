// What a wheel brings, as far as the dynamic loader and our probes look at it: the listings in data/wheels,
// which tools/list_wheel.py reads out of the real wheels. A repair that installs a wheel is tried with them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "elf/synth.h"

namespace tfdoctor {

struct ListedLibrary {
  std::string path;          // below site-packages: "nvidia/cublas/lib/libcublas.so.12"
  uint64_t size = 0;         // of the real file; what is written from the blueprint is a few KB
  elf::Blueprint blueprint;  // of symbols, only those that one listed library takes from another
};

struct WheelListing {
  std::string distribution;  // "nvidia-cublas-cu12"
  std::string version;
  std::string requires_python;
  std::vector<std::string> requires_dist;  // METADATA's Requires-Dist lines
  std::vector<std::string> opens;  // sonames that this TensorFlow opens, as its cuda_config.h has them
  std::map<std::string, std::string> texts;  // small files in full, by path
  std::map<std::string, uint64_t> files;     // sizes of other files that are looked for: ptxas, libdevice
  std::vector<ListedLibrary> libraries;
};

// Error: kMalformed, with what is wrong.
Result<WheelListing> ReadWheelListing(std::string_view json);

}  // namespace tfdoctor
