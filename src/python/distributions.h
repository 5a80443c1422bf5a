// Installed distributions, as importlib.metadata and pip see them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "python/requirement.h"
#include "system/system.h"

namespace tfdoctor {

struct InstalledDistribution {
  std::string name;     // normalised: "tensorflow-cpu"
  std::string version;  // from the folder's name; empty where that has none (then METADATA has it)
  std::string folder;   // the sys.path entry that holds it
  std::string info;     // …/tensorflow_cpu-2.15.0.dist-info
};

struct Installed {
  // In the order of sys.path; in one folder by name. Further copies of a name that a former one hides are in
  // `hidden`.
  std::vector<InstalledDistribution> distributions;
  std::vector<InstalledDistribution> hidden;
  std::vector<std::string> leftovers;  // "…/~ensorflow": what an interrupted `pip install` left behind
  std::map<std::string, std::string> unread;  // folders that could not be listed -> the reason

  const InstalledDistribution* Find(std::string_view normalized_name) const;
};

// One listing for each folder, no file is opened. "" in sys_path is the working folder.
Installed ListDistributions(const System& system, const std::vector<std::string>& sys_path);

struct Metadata {
  std::string name;
  std::string version;
  std::vector<std::string> requires_dist;   // as written
  std::vector<std::string> provides_extra;  // normalised

  static Metadata Parse(std::string_view text);
};

// METADATA or PKG-INFO; its head only, at most 4 MiB.
Result<Metadata> ReadMetadata(const System& system, const InstalledDistribution& distribution);

// The requirements that count here: those without an extra and, where `extra` is named, those of this extra
// alone (pass "" for the former only). Lines that cannot be read, or whose marker cannot be decided, end in
// `undecided`.
struct RequirementsHere {
  std::vector<Requirement> requirements;
  std::vector<std::string> undecided;
};
RequirementsHere RequirementsOf(const Metadata& metadata, const MarkerVariables& variables,
                                std::string_view extra = "");

struct RecordEntry {
  std::string path;              // relative to the distribution's folder: "tensorflow/__init__.py"
  std::string hash;              // "sha256=…"; empty: not stated
  std::optional<uint64_t> size;  // absent: not stated
};
std::optional<RecordEntry> ParseRecordLine(std::string_view line);

// Those of `paths` that RECORD lists, by path. Reads no further than it must. kNotFound: there is no RECORD.
Result<std::map<std::string, RecordEntry>> FindInRecord(const System& system,
                                                        const InstalledDistribution& distribution,
                                                        const std::set<std::string>& paths);
// The whole RECORD, at most 64 MiB.
Result<std::vector<RecordEntry>> ReadRecord(const System& system, const InstalledDistribution& distribution);

// The first line of a small file of the distribution: INSTALLER, REQUESTED, …
Result<std::string> ReadInfoFile(const System& system, const InstalledDistribution& distribution,
                                 const std::string& name);

}  // namespace tfdoctor
