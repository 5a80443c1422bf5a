#include "probes/control_group.h"

#include <algorithm>

#include "base/text.h"

namespace tfdoctor {

namespace {

// The line of the root: "631 560 0:51 / / rw,relatime - overlay overlay rw,lowerdir=…". The fifth word is
// where it is mounted.
std::string_view RootLine(std::string_view mountinfo) {
  std::string_view root;  // the last one: it lies over the others
  for (std::string_view line : SplitLines(mountinfo)) {
    auto words = SplitWords(line);
    if (words.size() > 5 && words[4] == "/") root = line;
  }
  return root;
}

}  // namespace

std::string EngineOfControlGroup(std::string_view cgroup) {
  static constexpr std::pair<std::string_view, const char*> kSigns[] = {
      {"/kubepods", "kubernetes"},  {"/docker/", "docker"}, {"/docker-", "docker"}, {"/libpod-", "podman"},
      {"/libpod_parent", "podman"}, {"/lxc/", "lxc"},       {"/lxc.", "lxc"},
  };
  for (const auto& [sign, engine] : kSigns) {
    if (Has(cgroup, sign)) return engine;
  }
  return {};
}

std::string EngineOfRoot(std::string_view mountinfo) {
  static constexpr std::pair<std::string_view, const char*> kStorage[] = {
      {"/docker/overlay2/", "docker"},
      {"/containers/storage/", "podman"},
      {"/io.containerd.snapshotter.", "containerd"},
  };
  const std::string_view root = RootLine(mountinfo);
  for (const auto& [sign, engine] : kStorage) {
    if (Has(root, sign)) return engine;
  }
  return {};
}

bool RootIsOwnDisk(std::string_view mountinfo) {
  const auto words = SplitWords(RootLine(mountinfo));
  const auto dash = std::find(words.begin(), words.end(), "-");
  if (words.size() < 4 || words[3] != "/" || words.end() - dash < 3) return false;
  const std::string_view source = dash[2];
  // Docker's storage driver devicemapper gives each container a device of its own.
  return source.starts_with("/dev/") && !source.starts_with("/dev/mapper/docker-") &&
         !source.starts_with("/dev/loop");
}

bool RootIsOfSnap(std::string_view mountinfo) { return Has(RootLine(mountinfo), "/var/snap/docker/"); }

}  // namespace tfdoctor
