// Site-packages as pip fills them for a TensorFlow release, made from the listings in data/wheels: small
// files in full, libraries as skeletons of the real size. For tests that need a healthy environment and no
// wheels.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "plan/apply.h"
#include "plan/listings.h"
#include "python/requirement.h"
#include "python/version.h"
#include "system/overlay.h"

namespace tfdoctor {

// The lowest version that a requirement allows, as written: ">=1.26.0" -> "1.26.0"; "1" where it names none.
inline std::string LowestVersion(const Requirement& requirement) {
  for (const Specifier& specifier : requirement.specifiers.specifiers()) {
    if (specifier.op == ">=" || specifier.op == "~=" || specifier.op == "==") return specifier.version.Text();
  }
  return "1";
}

// The newest listed version of a distribution that a requirement allows; empty: none is listed.
inline std::string ListedVersion(const Requirement& requirement) {
  std::string best;
  for (const EmbeddedListing& listing : EmbeddedListings()) {
    if (!listing.name.starts_with(requirement.name + "-")) continue;
    const std::string version(listing.name.substr(requirement.name.size() + 1));
    if (!Version::Parse(version).ok() || !requirement.specifiers.Contains(version)) continue;
    if (best.empty() || *Version::Parse(best) < *Version::Parse(version)) best = version;
  }
  return best;
}

// tensorflow[and-cuda] of this version with all that it requires. The error of the first thing that is not
// listed.
inline Result<bool> MakeSitePackages(const std::string& version, const std::string& site,
                                     OverlaySystem& machine) {
  Result<WheelListing> tensorflow = FindListing("tensorflow", version);
  if (!tensorflow.ok()) return tensorflow.error();
  if (auto done = Apply(InstallDistribution{site, "tensorflow", version}, machine); !done.ok()) return done;
  // What tells a TensorFlow from something else of this name.
  machine.AddFile(site + "/tensorflow/__init__.py", "# made\n");
  machine.AddFile(site + "/tensorflow/python/platform/__init__.py", "");
  const MarkerVariables here = MarkersOnLinux("x86_64", "3.11");
  for (const std::string& line : tensorflow->requires_dist) {
    Result<Requirement> requirement = Requirement::Parse(line);
    if (!requirement.ok()) return requirement.error();
    if (requirement->Applies(here, "and-cuda") != true) continue;
    if (requirement->name.starts_with("nvidia-")) {
      auto done = Apply(InstallDistribution{site, requirement->name, ListedVersion(*requirement)}, machine);
      if (!done.ok()) return done;
      continue;
    }
    std::string folder = requirement->name;
    std::replace(folder.begin(), folder.end(), '-', '_');
    const std::string lowest = LowestVersion(*requirement);
    const std::string info = site + "/" + folder + "-" + lowest + ".dist-info";
    const std::string package = folder == "protobuf"        ? "google/protobuf"
                                : folder == "keras_nightly" ? "keras"
                                                            : folder;
    machine.AddFile(site + "/" + package + "/__init__.py", "");
    machine.AddFile(info + "/METADATA",
                    "Metadata-Version: 2.1\nName: " + requirement->name + "\nVersion: " + lowest + "\n");
    machine.AddFile(info + "/RECORD", package + "/__init__.py,,0\n");
    machine.AddFile(info + "/INSTALLER", "pip\n");
  }
  return true;
}

}  // namespace tfdoctor
