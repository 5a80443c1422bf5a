// What an image is made of: an OCI layout (a folder, or a tar archive of it) or what `docker save` writes.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/layer.h"

namespace tfdoctor::image {

struct Manifest {
  std::vector<Blob> layers;           // the lowest first
  std::vector<std::string> diff_ids;  // of the configuration: "sha256:…" of each plain layer
  std::string machine;                // "x86_64", "aarch64"
  std::map<std::string, std::string> environment;
  std::string working_directory;     // "/" where none is stated
  std::string user;                  // "", "1000", "app:app"
  std::vector<std::string> command;  // ENTRYPOINT and CMD
  // Where the file holds several: for people, which one this is: "app:2, linux/arm64; it also holds …".
  std::string which;
};

// Which one of those that a file holds.
struct Wanted {
  std::string machine;   // whose is taken where nothing else is said: "x86_64"
  std::string name;      // "app:2", "2", "sha256:0a1b…"; empty: there is only one
  std::string platform;  // "linux/arm64", "arm64"; empty: that of `machine`, else the first
};

// Which layer of how many is read, and how much of it, of 1. Without layers: the archive, which is packed as
// a whole.
using Progress = std::function<void(size_t layer, size_t layers, double done)>;

// Of several images one has to be wanted by its name. `progress` may be empty.
// Error: for people, without the file's name: "its layer 2 of 3 is missing".
Result<Manifest> ReadManifest(const std::string& path, const Wanted& wanted, const Progress& progress);

}  // namespace tfdoctor::image
