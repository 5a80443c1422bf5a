#include "plan/apply.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "plan/listings.h"
#include "python/distributions.h"

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

Result<bool> Install(const InstallDistribution& wanted, OverlaySystem& machine) {
  Result<WheelListing> listing = FindListing(wanted.name, wanted.version);
  if (!listing.ok()) return listing.error();
  Result<bool> removed = Remove(wanted.folder, wanted.name, machine);
  if (!removed.ok()) return removed.error();
  std::string record;
  auto add = [&](const std::string& path, std::string content, uint64_t size) {
    record += fmt::format("{},,{}\n", path, size);
    machine.AddLargeFile(wanted.folder + "/" + path, std::move(content), size);
  };
  for (const ListedLibrary& library : listing->libraries)
    add(library.path, elf::WriteObject(library.blueprint), library.size);
  for (const auto& [path, text] : listing->texts) add(path, text, text.size());
  for (const auto& [path, size] : listing->files) add(path, "", size);
  std::string info =
      fmt::format("{}/{}-{}.dist-info", wanted.folder, FolderName(wanted.name), wanted.version);
  std::string metadata =
      fmt::format("Metadata-Version: 2.1\nName: {}\nVersion: {}\n", wanted.name, wanted.version);
  bool has_extra = false;
  for (const std::string& requirement : listing->requires_dist) {
    metadata += "Requires-Dist: " + requirement + "\n";
    has_extra = has_extra || requirement.find("and-cuda") != std::string::npos;
  }
  if (has_extra) metadata += "Provides-Extra: and-cuda\n";
  machine.AddFile(info + "/METADATA", metadata);
  machine.AddFile(info + "/INSTALLER", "pip\n");
  machine.AddFile(info + "/RECORD", record);
  return true;
}

}  // namespace

Result<bool> Apply(const Change& change, OverlaySystem& machine) {
  struct Visitor {
    OverlaySystem& machine;
    Result<bool> operator()(const SetVariable& set) { return machine.SetEnv(set.name, set.value), true; }
    Result<bool> operator()(const UnsetVariable& unset) { return machine.UnsetEnv(unset.name), true; }
    Result<bool> operator()(const InstallDistribution& install) { return Install(install, machine); }
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
