#include "image/manifest.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "base/text.h"
#include "image/tar.h"

namespace tfdoctor::image {

namespace {

using Json = nlohmann::json;

constexpr size_t kLargestJson = 16 << 20;
constexpr size_t kMostLayers = 1000;
constexpr int kDeepestIndex = 4;

Error Bad(std::string what) { return {ErrorKind::kMalformed, std::move(what)}; }

std::string Text(const Json& json, const char* key) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const Json& Part(const Json& json, const char* key) {
  static const Json nothing;
  const auto found = json.is_object() ? json.find(key) : json.end();
  return found != json.end() ? *found : nothing;
}

std::vector<std::string> Texts(const Json& json) {
  std::vector<std::string> texts;
  if (!json.is_array()) return texts;
  for (const Json& one : json) {
    if (one.is_string()) texts.push_back(one.get<std::string>());
  }
  return texts;
}

std::string MachineOf(const std::string& architecture) {
  if (architecture == "amd64") return "x86_64";
  if (architecture == "arm64") return "aarch64";
  return architecture;
}

// The files of an image by name, in a folder or in an archive.
class Files {
 public:
  static Result<Files> Open(const std::string& path, const Progress& progress) {
    struct stat status = {};
    if (::stat(path.c_str(), &status) != 0) return Error{ErrorKind::kNotFound, "no such file or folder"};
    Files files;
    files.path_ = path;
    if (S_ISDIR(status.st_mode)) return files;
    if (!S_ISREG(status.st_mode)) return Error{ErrorKind::kWrongType, "it is neither a file nor a folder"};
    files.is_archive_ = true;
    const Blob whole = {path, 0, static_cast<uint64_t>(status.st_size)};
    Result<std::string> head = ReadBlob({path, 0, std::min<uint64_t>(whole.size, Blob::kHead)}, Blob::kHead);
    if (!head.ok()) return head.error();
    switch (PackingOf(*head)) {
      case Packing::kZstd:
        return Bad(
            "it is compressed with zstd as a whole; uncompress it first (its layers may be compressed)");
      case Packing::kGzip: {
        auto archive = PackedArchive::Open(
            whole, [&](LayerReader& reader) { return files.TakeMembers(reader, true, progress); });
        if (!archive.ok()) return archive.error();
        for (auto& [name, member] : files.members_) member.archive = *archive;
        return files;
      }
      case Packing::kNone:
        break;
    }
    Result<std::unique_ptr<LayerReader>> reader = LayerReader::Open(whole);
    if (!reader.ok()) return reader.error();
    if (Result<bool> taken = files.TakeMembers(**reader, false, {}); !taken.ok()) return taken.error();
    return files;
  }

  std::optional<Blob> Find(const std::string& name) const {
    if (is_archive_) {
      // `docker save` of old writes a layer that two images share as a link.
      const auto link = links_.find(name);
      auto member = members_.find(link == links_.end() ? name : Joined(name, link->second));
      if (member == members_.end() && link != links_.end()) member = members_.find(link->second);
      return member == members_.end() ? std::nullopt : std::optional(member->second);
    }
    // Names come out of the image: none may lead out of its folder.
    for (const std::string& part : Split(name, '/')) {
      if (part.empty() || part == "." || part == "..") return std::nullopt;
    }
    const std::string file = path_ + "/" + name;
    struct stat status = {};
    if (::lstat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    return Blob{file, 0, static_cast<uint64_t>(status.st_size)};
  }

  Result<Json> ReadJson(const std::string& name) const {
    const std::optional<Blob> blob = Find(name);
    if (!blob) return Error{ErrorKind::kNotFound, fmt::format("it has no {}", Printable(name, 200))};
    Result<std::string> text = ReadBlob(*blob, kLargestJson);
    if (!text.ok())
      return Error{text.error().kind, fmt::format("{}: {}", Printable(name, 200), text.error().message)};
    Json json = Json::parse(*text, nullptr, false);
    if (json.is_discarded()) return Bad(fmt::format("{} is not JSON", Printable(name, 200)));
    return json;
  }

 private:
  Result<bool> TakeMembers(LayerReader& archive, bool heads, const Progress& progress) {
    return ReadTar(archive, [&](const TarEntry& entry, LayerReader& reader) -> Result<uint64_t> {
      if (progress) progress(0, 0, reader.Progress());
      if (members_.size() > 100 * kMostLayers) return Bad("it has too many members");
      if (entry.type == FileType::kSymlink || entry.hard_link) links_[entry.name] = entry.target;
      if (entry.type != FileType::kRegular || entry.hard_link) return uint64_t{0};
      Blob& member = members_[entry.name] = {path_, entry.offset, entry.size};
      if (!heads) return uint64_t{0};
      member.head.resize(static_cast<size_t>(std::min<uint64_t>(entry.size, Blob::kHead)));
      Result<size_t> got = reader.Read(member.head.data(), member.head.size());
      if (!got.ok()) return got.error();
      member.head.resize(*got);
      return uint64_t{*got};
    });
  }

  // "id/layer.tar" -> "../other/layer.tar" is "other/layer.tar".
  static std::string Joined(const std::string& name, const std::string& target) {
    std::vector<std::string> parts = Split(name, '/');
    parts.pop_back();
    for (std::string& part : Split(target, '/')) {
      if (part == ".." && !parts.empty()) {
        parts.pop_back();
      } else if (part != "." && part != "..") {
        parts.push_back(std::move(part));
      }
    }
    return Join(parts, "/");
  }

  std::string path_;
  bool is_archive_ = false;
  std::map<std::string, Blob> members_;
  std::map<std::string, std::string> links_;
};

// "sha256:0a1b…" -> "blobs/sha256/0a1b…"; empty: no digest.
std::string BlobName(const std::string& digest) {
  const size_t colon = digest.find(':');
  if (colon == std::string::npos || digest.find('/') != std::string::npos) return {};
  return "blobs/" + digest.substr(0, colon) + "/" + digest.substr(colon + 1);
}

Result<bool> TakeLayers(const Files& files, const std::vector<std::string>& names, Manifest& manifest) {
  if (names.empty()) return Bad("it has no layers");
  if (names.size() > kMostLayers) return Bad("it has too many layers");
  for (size_t i = 0; i < names.size(); i++) {
    const std::optional<Blob> blob = files.Find(names[i]);
    if (!blob)
      return Bad(
          fmt::format("its layer {} of {} is missing ({})", i + 1, names.size(), Printable(names[i], 120)));
    manifest.layers.push_back(*blob);
  }
  return true;
}

void TakeConfiguration(const Json& configuration, Manifest& manifest) {
  manifest.machine = MachineOf(Text(configuration, "architecture"));
  manifest.diff_ids = Texts(Part(Part(configuration, "rootfs"), "diff_ids"));
  const Json& config = Part(configuration, "config");
  for (const std::string& variable : Texts(Part(config, "Env"))) {
    const size_t equals = variable.find('=');
    if (equals != std::string::npos && equals > 0)
      manifest.environment[variable.substr(0, equals)] = variable.substr(equals + 1);
  }
  manifest.working_directory = Text(config, "WorkingDir");
  if (!manifest.working_directory.starts_with('/'))
    manifest.working_directory = "/" + manifest.working_directory;
  manifest.user = Text(config, "User");
  for (const char* part : {"Entrypoint", "Cmd"}) {
    for (std::string& word : Texts(Part(config, part))) manifest.command.push_back(std::move(word));
  }
}

Result<bool> Check(const Manifest& manifest) {
  if (!manifest.diff_ids.empty() && manifest.diff_ids.size() != manifest.layers.size()) {
    return Bad(fmt::format("it has {} layers, but its configuration names {}", manifest.layers.size(),
                           manifest.diff_ids.size()));
  }
  return true;
}

// One of the images that a file holds.
struct Candidate {
  std::string file;                // of its manifest, or in manifest.json of its configuration
  std::vector<std::string> names;  // those that it was given, then its digest
  std::string machine;             // empty: not said here
  std::string platform;            // "linux/arm64"; empty: not said here
  Json entry;
};

// "linux/arm64"; empty where the architecture is not said.
std::string PlatformOf(const Json& json) {
  const std::string system = Text(json, "os");
  const std::string architecture = Text(json, "architecture");
  return architecture.empty() ? "" : (system.empty() ? "linux" : system) + "/" + architecture;
}

// "app:2" is "docker.io/library/app:2", and so is "2" where only the tag was kept; "app" is "app:latest".
bool IsCalled(const Candidate& candidate, const std::string& wanted) {
  constexpr std::string_view kDigest = "sha256:";
  constexpr size_t kShortest = 6;
  return std::any_of(candidate.names.begin(), candidate.names.end(), [&](const std::string& name) {
    if (wanted.starts_with(kDigest) && wanted.size() >= kDigest.size() + kShortest)
      return name.starts_with(wanted);
    return name == wanted || name == wanted + ":latest" || name.ends_with("/" + wanted) ||
           name.ends_with("/" + wanted + ":latest");
  });
}

bool IsFor(const Candidate& candidate, const std::string& wanted) {
  if (candidate.platform.empty()) return true;  // its configuration will tell
  const size_t slash = candidate.platform.find('/') + 1;
  return candidate.platform == wanted || candidate.platform.substr(slash) == wanted ||
         wanted.starts_with(candidate.platform + "/");  // "linux/arm64/v8"
}

// "app:1 (linux/amd64)"
std::string Words(const Candidate& candidate) {
  constexpr size_t kDigest = sizeof("sha256:") - 1 + 12;  // as much as docker shows
  std::string name = candidate.names.empty() ? "" : Printable(candidate.names.front(), 100);
  if (name.starts_with("sha256:")) name.resize(std::min(name.size(), kDigest));
  const std::string platform = Printable(candidate.platform, 40);
  if (name.empty() || platform.empty()) return name + platform;
  return fmt::format("{} ({})", name, platform);
}

std::string Words(const std::vector<Candidate>& candidates) {
  constexpr size_t kShown = 8;
  std::vector<std::string> words;
  for (const Candidate& one : candidates) {
    if (std::find(words.begin(), words.end(), Words(one)) == words.end()) words.push_back(Words(one));
  }
  const size_t more = words.size() > kShown ? words.size() - kShown : 0;
  words.resize(words.size() - more);
  return Join(words, ", ") + (more > 0 ? fmt::format(" and {} more", more) : "");
}

// The one that is wanted. `which` gets the words for it where there are several.
Result<Candidate> Choose(std::vector<Candidate> candidates, const Wanted& wanted, bool by_name,
                         std::string& which) {
  if (candidates.empty()) return Bad("its index names no image");
  const std::vector<Candidate> all = candidates;
  if (by_name && !wanted.name.empty()) {
    std::erase_if(candidates, [&](const Candidate& one) { return !IsCalled(one, wanted.name); });
    if (candidates.empty())
      return Bad(fmt::format("it holds no image {}, but {}", Printable(wanted.name, 100), Words(all)));
  }
  if (!wanted.platform.empty()) {
    std::erase_if(candidates, [&](const Candidate& one) { return !IsFor(one, wanted.platform); });
    if (candidates.empty())
      return Bad(fmt::format("it is not for {}, but {}", Printable(wanted.platform, 40), Words(all)));
  }
  std::vector<Candidate> different;  // one image may have several names
  for (Candidate& one : candidates) {
    const auto same =
        std::find_if(different.begin(), different.end(), [&](auto& d) { return d.file == one.file; });
    if (same == different.end()) different.push_back(std::move(one));
  }
  // Of one image for several architectures.
  std::set<std::string> machines;
  for (const Candidate& one : different) machines.insert(one.machine);
  if (machines.size() == different.size() && !machines.contains("")) {
    const auto ours = std::find_if(different.begin(), different.end(),
                                   [&](const Candidate& one) { return one.machine == wanted.machine; });
    if (ours != different.end()) std::iter_swap(different.begin(), ours);
    different.resize(1);
  }
  if (different.size() > 1) {
    return Bad(fmt::format("it holds {} images: {}; name one behind a colon (FILE:NAME){}", different.size(),
                           Words(different),
                           machines.size() > 1 && !machines.contains("") ? ", or its --platform" : ""));
  }
  std::vector<Candidate> others = all;
  std::erase_if(others, [&](const Candidate& one) { return one.file == different.front().file; });
  if (!others.empty()) {
    if (!which.empty()) which += "; ";
    which += fmt::format("{}; it also holds {}", Words(different.front()), Words(others));
  }
  return std::move(different.front());
}

Result<Manifest> WithConfiguration(Manifest manifest, const Json& configuration, const Wanted& wanted) {
  TakeConfiguration(configuration, manifest);
  if (Result<bool> checked = Check(manifest); !checked.ok()) return checked.error();
  Candidate one;
  one.platform = PlatformOf(configuration);
  if (!wanted.platform.empty() && !IsFor(one, wanted.platform)) {
    return Bad(
        fmt::format("it is not for {}, but {}", Printable(wanted.platform, 40), Printable(one.platform, 40)));
  }
  return manifest;
}

// manifest.json of `docker save`.
Result<Manifest> OfDocker(const Files& files, const Json& list, const Wanted& wanted) {
  constexpr size_t kMostImages = 1000;
  if (!list.is_array() || list.empty()) return Bad("its manifest.json names no image");
  if (list.size() > kMostImages) return Bad("it holds too many images");
  std::vector<Candidate> candidates;
  for (const Json& entry : list) {
    Candidate one;
    one.file = Text(entry, "Config");
    one.names = Texts(Part(entry, "RepoTags"));
    const size_t end = std::min(one.file.find('.'), one.file.size());
    const size_t start = one.file.rfind('/') == std::string::npos ? 0 : one.file.rfind('/') + 1;
    if (start < end) one.names.push_back("sha256:" + one.file.substr(start, end - start));
    one.entry = entry;
    if (list.size() > 1) {
      const Json configuration = files.ReadJson(one.file).value_or(Json());
      one.platform = PlatformOf(configuration);
      one.machine = MachineOf(Text(configuration, "architecture"));
    }
    candidates.push_back(std::move(one));
  }
  Manifest manifest;
  Result<Candidate> chosen = Choose(std::move(candidates), wanted, true, manifest.which);
  if (!chosen.ok()) return chosen.error();
  Result<bool> layers = TakeLayers(files, Texts(Part(chosen->entry, "Layers")), manifest);
  if (!layers.ok()) return layers.error();
  Result<Json> configuration = files.ReadJson(chosen->file);
  if (!configuration.ok()) return configuration.error();
  return WithConfiguration(std::move(manifest), *configuration, wanted);
}

// Of an index those that are for Linux, or do not say.
std::vector<Candidate> CandidatesOf(const Json& index) {
  std::vector<Candidate> candidates;
  for (const Json& entry : Part(index, "manifests")) {
    const Json& platform = Part(entry, "platform");
    const std::string system = Text(platform, "os");
    const std::string digest = Text(entry, "digest");
    if (digest.empty() || (!system.empty() && system != "linux")) continue;  // "unknown": an attestation
    Candidate one;
    one.file = BlobName(digest);
    const Json& annotations = Part(entry, "annotations");
    for (const char* key : {"io.containerd.image.name", "org.opencontainers.image.ref.name"}) {
      if (std::string name = Text(annotations, key); !name.empty()) one.names.push_back(std::move(name));
    }
    one.names.push_back(digest);
    one.platform = PlatformOf(platform);
    one.machine = MachineOf(Text(platform, "architecture"));
    candidates.push_back(std::move(one));
  }
  return candidates;
}

Result<Manifest> OfLayout(const Files& files, Json index, const Wanted& wanted) {
  Manifest manifest;
  for (int depth = 0; Part(index, "manifests").is_array(); depth++) {
    if (depth == kDeepestIndex) return Bad("its index names no image");
    Result<Candidate> chosen = Choose(CandidatesOf(index), wanted, depth == 0, manifest.which);
    if (!chosen.ok()) return chosen.error();
    Result<Json> next = files.ReadJson(chosen->file);
    if (!next.ok()) return next.error();
    index = std::move(*next);
  }
  std::vector<std::string> names;
  if (Part(index, "layers").is_array()) {
    for (const Json& layer : Part(index, "layers")) names.push_back(BlobName(Text(layer, "digest")));
  }
  Result<bool> layers = TakeLayers(files, names, manifest);
  if (!layers.ok()) return layers.error();
  Result<Json> configuration = files.ReadJson(BlobName(Text(Part(index, "config"), "digest")));
  if (!configuration.ok()) return configuration.error();
  return WithConfiguration(std::move(manifest), *configuration, wanted);
}

}  // namespace

Result<Manifest> ReadManifest(const std::string& path, const Wanted& wanted, const Progress& progress) {
  Result<Files> files = Files::Open(path, progress);
  if (!files.ok()) return files.error();
  // `docker save` of today writes both; its manifest.json names the images that were asked for.
  if (files->Find("manifest.json")) {
    Result<Json> list = files->ReadJson("manifest.json");
    if (!list.ok()) return list.error();
    return OfDocker(*files, *list, wanted);
  }
  Result<Json> index = files->ReadJson("index.json");
  if (index.ok()) return OfLayout(*files, std::move(*index), wanted);
  if (!index.not_found()) return index.error();
  return Bad("it is neither an OCI layout (index.json) nor what docker save writes (manifest.json)");
}

}  // namespace tfdoctor::image
