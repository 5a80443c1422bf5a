#include "plan/apply.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "plan/listings.h"
#include "python/distributions.h"
#include "python/requirement.h"

namespace tfdoctor {

Result<WheelListing> FindListing(std::string_view distribution, std::string_view version) {
  std::string name = fmt::format("{}-{}", distribution, version);
  auto all = EmbeddedListings();
  auto found = std::find_if(all.begin(), all.end(),
                            [&](const EmbeddedListing& listing) { return listing.name == name; });
  if (found == all.end()) return Error{ErrorKind::kNotFound, "no listing of " + name};
  return ReadWheelListing(std::string_view(found->begin, static_cast<size_t>(found->end - found->begin)));
}

namespace {

// The name as it stands in folder names: "nvidia-cudnn-cu12" -> "nvidia_cudnn_cu12".
std::string FolderName(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

// What a distribution may be removed by: its top folder; for shared ones (nvidia/cudnn/…) the one below it.
std::string Top(const std::string& path) {
  size_t slash = path.find('/');
  if (slash == std::string::npos) return path;
  if (path.starts_with("nvidia/") || path.starts_with("google/")) {
    size_t second = path.find('/', slash + 1);
    return path.substr(0, second);
  }
  return path.substr(0, slash);
}

Result<bool> Remove(const std::string& folder, const std::string& name, OverlaySystem& machine) {
  Installed installed = ListDistributions(machine, {folder});
  const InstalledDistribution* there = installed.Find(name);
  if (there == nullptr) return false;
  auto record = ReadRecord(machine, *there);
  if (!record.ok()) return record.error();
  std::set<std::string> tops;
  for (const RecordEntry& entry : *record) {
    if (!entry.path.starts_with("../") && !entry.path.starts_with("/")) tops.insert(Top(entry.path));
  }
  for (const std::string& top : tops) machine.Remove(folder + "/" + top);
  machine.Remove(there->info);
  return true;
}

// What pip would evaluate markers with; the Python version is that of the folder's name.
MarkerVariables MarkersFor(const std::string& folder, const System& machine) {
  const size_t python = folder.rfind("/python3.");
  return MarkersOnLinux(machine.Machine(),
                        python == std::string::npos
                            ? std::string()
                            : folder.substr(python + 7, folder.find('/', python + 1) - python - 7));
}

// A version that meets all of the bounds: the lowest that they name. Empty: none of those does.
std::string VersionThatMeets(const SpecifierSet& specifiers) {
  if (specifiers.empty()) return "1";
  for (const Specifier& specifier : specifiers.specifiers()) {
    if (specifiers.Contains(specifier.text)) return specifier.text;
  }
  return specifiers.Contains("0.1") ? "0.1" : "";
}

class Installer {
 public:
  Installer(std::string folder, OverlaySystem& machine) : folder_(std::move(folder)), machine_(machine) {}

  Result<bool> Install(const std::string& name, const std::string& version) {
    Result<WheelListing> listing = FindListing(name, version);
    if (listing.not_found() && !name.starts_with("nvidia-") && !name.starts_with("tensorflow")) {
      return InstallPure(name, version);
    }
    if (!listing.ok()) return listing.error();
    Result<bool> removed = Remove(folder_, name, machine_);
    if (!removed.ok()) return removed.error();
    std::string record;
    auto add = [&](const std::string& path, std::string content, uint64_t size) {
      record += fmt::format("{},,{}\n", path, size);
      machine_.AddLargeFile(folder_ + "/" + path, std::move(content), size);
    };
    for (const ListedLibrary& library : listing->libraries)
      add(library.path, elf::WriteObject(library.blueprint), library.size);
    for (const auto& [path, text] : listing->texts) add(path, text, text.size());
    for (const auto& [path, size] : listing->files) add(path, "", size);
    AddInfo(name, version, listing->requires_dist, record);
    return MeetRequirements(listing->requires_dist);
  }

 private:
  // A distribution whose files our probes do not look into: its name, version and place are all that counts.
  Result<bool> InstallPure(const std::string& name, const std::string& version) {
    Result<bool> removed = Remove(folder_, name, machine_);
    if (!removed.ok()) return removed.error();
    std::string package = name == "protobuf" ? "google/protobuf" : FolderName(name);
    machine_.AddFile(folder_ + "/" + package + "/__init__.py", "");
    AddInfo(name, version, {}, package + "/__init__.py,,0\n");
    return true;
  }

  void AddInfo(const std::string& name, const std::string& version,
               const std::vector<std::string>& requires_dist, const std::string& record) {
    std::string info = fmt::format("{}/{}-{}.dist-info", folder_, FolderName(name), version);
    std::string metadata = fmt::format("Metadata-Version: 2.1\nName: {}\nVersion: {}\n", name, version);
    bool has_extra = false;
    for (const std::string& requirement : requires_dist) {
      metadata += "Requires-Dist: " + requirement + "\n";
      has_extra = has_extra || requirement.find("and-cuda") != std::string::npos;
    }
    if (has_extra) metadata += "Provides-Extra: and-cuda\n";
    machine_.AddFile(info + "/METADATA", metadata);
    machine_.AddFile(info + "/INSTALLER", "pip\n");
    machine_.AddFile(info + "/RECORD", record);
  }

  // pip replaces what does not meet the requirements and leaves the rest.
  Result<bool> MeetRequirements(const std::vector<std::string>& requires_dist) {
    Metadata metadata;
    metadata.requires_dist = requires_dist;
    Installed installed = ListDistributions(machine_, {folder_});
    for (const Requirement& requirement :
         RequirementsOf(metadata, MarkersFor(folder_, machine_)).requirements) {
      const InstalledDistribution* there = installed.Find(requirement.name);
      if (there != nullptr && requirement.specifiers.Contains(there->version)) continue;
      // An NVIDIA library that another one asks for is among the changes of the repair itself.
      if (requirement.name.starts_with("nvidia-")) continue;
      std::string version = VersionThatMeets(requirement.specifiers);
      if (version.empty())
        return Error{ErrorKind::kNotFound,
                     "no version known that meets " + requirement.name + requirement.specifiers.Text()};
      Result<bool> installed_it = InstallPure(requirement.name, version);
      if (!installed_it.ok()) return installed_it;
    }
    return true;
  }

  std::string folder_;
  OverlaySystem& machine_;
};

}  // namespace

Result<bool> Apply(const Change& change, OverlaySystem& machine) {
  struct Visitor {
    OverlaySystem& machine;
    Result<bool> operator()(const SetVariable& set) { return machine.SetEnv(set.name, set.value), true; }
    Result<bool> operator()(const UnsetVariable& unset) { return machine.UnsetEnv(unset.name), true; }
    Result<bool> operator()(const InstallDistribution& install) {
      return Installer(install.folder, machine).Install(install.name, install.version);
    }
    Result<bool> operator()(const RemoveDistribution& remove) {
      return Remove(remove.folder, remove.name, machine);
    }
    Result<bool> operator()(const AddSymlink& link) {
      return machine.AddSymlink(link.path, link.target), true;
    }
    Result<bool> operator()(const RemoveFile& file) { return machine.Remove(file.path), true; }
  };
  return std::visit(Visitor{machine}, change);
}

}  // namespace tfdoctor
