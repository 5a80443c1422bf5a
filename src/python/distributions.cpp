#include "python/distributions.h"

#include <algorithm>

#include "base/text.h"
#include "python/path.h"

namespace tfdoctor {
namespace {

constexpr size_t kMetadataLimit = 4 << 20;
constexpr size_t kRecordLimit = 64 << 20;  // TensorFlow's is 3 MB
constexpr size_t kRecordChunk = 64 << 10;
constexpr size_t kRecordLineLimit = 64 << 10;
constexpr size_t kFolderLimit = 100'000;

// "tensorflow_cpu-2.15.0.dist-info", "PyJWT-2.6.0.egg-info", "foo-1.0-py3.11.egg-info", "foo.egg-info"
std::optional<InstalledDistribution> FromInfoName(const std::string& folder, const std::string& name) {
  std::string lower = Lower(name);
  if (!lower.ends_with(".dist-info") && !lower.ends_with(".egg-info")) return std::nullopt;
  std::vector<std::string> parts = Split(name.substr(0, name.size() - 10), '-');
  InstalledDistribution distribution;
  distribution.name = NormalizeName(parts[0]);
  if (distribution.name.empty()) return std::nullopt;
  if (parts.size() > 1) distribution.version = parts[1];
  // The "+" of a local version survives in folder names; older setuptools wrote "_" for "-" in it.
  distribution.folder = folder;
  distribution.info = JoinPath(folder, name);
  return distribution;
}

void SortNewOnes(std::vector<InstalledDistribution>& all, size_t begin) {
  std::sort(all.begin() + static_cast<std::ptrdiff_t>(begin), all.end(),
            [](const InstalledDistribution& a, const InstalledDistribution& b) {
              return a.name != b.name ? a.name < b.name : a.info < b.info;
            });
}

// Calls `take` with each line of RECORD, in pieces, until it returns false.
template <class Take>
std::optional<Error> EachRecordLine(const System& system, const InstalledDistribution& distribution,
                                    Take take) {
  std::string path = JoinPath(distribution.info, "RECORD");
  std::string rest;
  for (uint64_t offset = 0; offset < kRecordLimit;) {
    Result<std::string> chunk = system.Read(path, offset, kRecordChunk);
    if (!chunk) return chunk.error();
    if (chunk->empty()) {
      if (!rest.empty()) take(std::string_view(rest));
      return std::nullopt;
    }
    offset += chunk->size();
    rest += *chunk;
    size_t begin = 0;
    for (size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n', begin)) {
      std::string_view line(rest.data() + begin, end - begin);
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (!take(line)) return std::nullopt;
      begin = end + 1;
    }
    rest.erase(0, begin);
    if (rest.size() > kRecordLineLimit)
      return Error{ErrorKind::kMalformed, Printable(path) + " is not a RECORD"};
  }
  return Error{ErrorKind::kTooLarge, Printable(path) + " is larger than 64 MiB"};
}

// One field of a line of CSV; `at` moves behind its comma. nullopt: a quote without end.
std::optional<std::string> CsvField(std::string_view line, size_t& at) {
  std::string field;
  if (at < line.size() && line[at] == '"') {
    for (++at;; ++at) {
      if (at >= line.size()) return std::nullopt;
      if (line[at] == '"') {
        if (at + 1 >= line.size() || line[at + 1] != '"') break;
        ++at;
      }
      field += line[at];
    }
    ++at;
  }
  size_t comma = std::min(line.find(',', at), line.size());
  field += line.substr(at, comma - at);
  at = comma + 1;
  return field;
}

}  // namespace

const InstalledDistribution* Installed::Find(std::string_view normalized_name) const {
  for (const InstalledDistribution& distribution : distributions) {
    if (distribution.name == normalized_name) return &distribution;
  }
  return nullptr;
}

Installed ListDistributions(const System& system, const std::vector<std::string>& sys_path) {
  Installed installed;
  std::set<std::string, std::less<>> names;
  std::set<std::string> listed;
  for (const std::string& entry : sys_path) {
    std::string folder = AbsPath(entry, system.WorkingDirectory());
    if (!listed.insert(folder).second) continue;
    Result<std::vector<DirEntry>> entries = system.List(folder, kFolderLimit);
    if (!entries) {
      // Files (archives) and folders that are not there are usual on sys.path; what we may not read, Python
      // may not read either.
      ErrorKind kind = entries.error().kind;
      if (kind != ErrorKind::kNotFound && kind != ErrorKind::kWrongType && kind != ErrorKind::kDenied) {
        installed.unread.emplace(folder, entries.error().message);
      }
      continue;
    }
    std::vector<InstalledDistribution> here;
    if (BaseName(folder).ends_with(".egg")) {
      // An egg: the folder's name has the name, EGG-INFO lies in it.
      std::string egg = BaseName(folder);
      std::optional<InstalledDistribution> distribution =
          FromInfoName(folder, egg.substr(0, egg.size() - 4) + ".egg-info");
      bool has_info = std::any_of(entries->begin(), entries->end(),
                                  [](const DirEntry& child) { return child.name == "EGG-INFO"; });
      if (distribution && has_info) {
        distribution->info = JoinPath(folder, "EGG-INFO");
        here.push_back(std::move(*distribution));
      }
    }
    for (const DirEntry& child : *entries) {
      if (child.name.starts_with('~')) {
        installed.leftovers.push_back(JoinPath(folder, child.name));
      } else if (std::optional<InstalledDistribution> distribution = FromInfoName(folder, child.name)) {
        here.push_back(std::move(*distribution));
      }
    }
    SortNewOnes(here, 0);
    for (InstalledDistribution& distribution : here) {
      bool is_new = names.insert(distribution.name).second;
      (is_new ? installed.distributions : installed.hidden).push_back(std::move(distribution));
    }
  }
  return installed;
}

Metadata Metadata::Parse(std::string_view text) {
  Metadata metadata;
  for (std::string_view line : SplitLines(text)) {
    if (Trim(line).empty()) break;  // the description follows
    size_t colon = line.find(':');
    if (colon == std::string_view::npos || line.starts_with(' ') || line.starts_with('\t')) continue;
    std::string key = Lower(line.substr(0, colon));
    std::string value(Trim(line.substr(colon + 1)));
    if (key == "name" && metadata.name.empty()) metadata.name = value;
    if (key == "version" && metadata.version.empty()) metadata.version = value;
    if (key == "requires-dist") metadata.requires_dist.push_back(value);
    if (key == "provides-extra") metadata.provides_extra.push_back(NormalizeName(value));
  }
  return metadata;
}

Result<Metadata> ReadMetadata(const System& system, const InstalledDistribution& distribution) {
  Error missing{ErrorKind::kNotFound, "there is no METADATA in " + Printable(distribution.info)};
  for (const char* name : {"/METADATA", "/PKG-INFO", ""}) {  // an .egg-info may be the file itself
    // The fields come first; what follows is the long description.
    Result<std::string> text = system.Read(distribution.info + name, 0, kMetadataLimit);
    if (text && text->size() == kMetadataLimit && text->find("\n\n") == std::string::npos &&
        text->find("\n\r\n") == std::string::npos) {
      return Error{ErrorKind::kTooLarge,
                   Printable(distribution.info) + name + ": its fields do not end within 4 MiB"};
    }
    if (text) {
      Metadata metadata = Metadata::Parse(*text);
      if (!metadata.name.empty() && !metadata.version.empty()) return metadata;
      return Error{ErrorKind::kMalformed,
                   Printable(distribution.info) + name + " does not say what is installed"};
    }
    if (!text.not_found() && text.error().kind != ErrorKind::kWrongType) return text.error();
  }
  return missing;
}

RequirementsHere RequirementsOf(const Metadata& metadata, const MarkerVariables& variables,
                                std::string_view extra) {
  RequirementsHere here;
  for (const std::string& line : metadata.requires_dist) {
    Result<Requirement> requirement = Requirement::Parse(line);
    if (!requirement) {
      here.undecided.push_back(line);
      continue;
    }
    std::optional<bool> applies = requirement->Applies(variables, extra);
    if (applies == true && !extra.empty() && requirement->Applies(variables, "") == true) applies = false;
    if (!applies) here.undecided.push_back(line);
    if (applies == true) here.requirements.push_back(std::move(*requirement));
  }
  return here;
}

std::optional<RecordEntry> ParseRecordLine(std::string_view line) {
  size_t at = 0;
  std::optional<std::string> path = CsvField(line, at);
  if (!path || path->empty() || at > line.size()) return std::nullopt;
  std::optional<std::string> hash = CsvField(line, at);
  if (!hash) return std::nullopt;
  RecordEntry entry{*path, *hash, std::nullopt};
  if (at > line.size()) return entry;
  std::optional<std::string> size = CsvField(line, at);
  if (!size) return std::nullopt;
  if (!size->empty() && size->size() <= 18 &&
      std::all_of(size->begin(), size->end(), [](char c) { return c >= '0' && c <= '9'; })) {
    entry.size = std::stoull(*size);
  }
  return entry;
}

Result<std::map<std::string, RecordEntry>> FindInRecord(const System& system,
                                                        const InstalledDistribution& distribution,
                                                        const std::set<std::string>& paths) {
  std::map<std::string, RecordEntry> found;
  const std::set<std::string_view> wanted(paths.begin(), paths.end());
  // A path with a quote or comma is quoted; all others are compared without taking the line apart.
  auto take = [&](std::string_view line) {
    bool plain = !line.starts_with('"');
    if (plain && !wanted.contains(line.substr(0, line.find(',')))) return true;
    std::optional<RecordEntry> entry = ParseRecordLine(line);
    if (entry && paths.contains(entry->path)) found.emplace(entry->path, *entry);
    return found.size() < paths.size();
  };
  if (std::optional<Error> error = EachRecordLine(system, distribution, take)) return *error;
  return found;
}

Result<std::vector<RecordEntry>> ReadRecord(const System& system, const InstalledDistribution& distribution) {
  std::vector<RecordEntry> entries;
  auto take = [&](std::string_view line) {
    if (std::optional<RecordEntry> entry = ParseRecordLine(line)) entries.push_back(std::move(*entry));
    return true;
  };
  if (std::optional<Error> error = EachRecordLine(system, distribution, take)) return *error;
  return entries;
}

Result<std::string> ReadInfoFile(const System& system, const InstalledDistribution& distribution,
                                 const std::string& name) {
  Result<std::string> text = system.Read(JoinPath(distribution.info, name), 0, 4096);
  if (!text) return text;
  return std::string(Trim(std::string_view(*text).substr(0, text->find_first_of("\r\n"))));
}

}  // namespace tfdoctor
