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
};

// Which layer of how many is read, and how much of it, of 1. Without layers: the archive, which is packed as
// a whole.
using Progress = std::function<void(size_t layer, size_t layers, double done)>;

// Of an image for several architectures, that of `machine` is taken, else the first. `progress` may be empty.
// Error: for people, without the file's name: "its layer 2 of 3 is missing".
Result<Manifest> ReadManifest(const std::string& path, const std::string& machine, const Progress& progress);

}  // namespace tfdoctor::image
