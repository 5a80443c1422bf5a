#include "elf/loader.h"

#include <algorithm>
#include <any>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/text.h"
#include "elf/cache.h"
#include "elf/image.h"
#include "elf/linker.h"

namespace tfdoctor::elf {
namespace {

constexpr size_t kMaxObjects = 4096;       // loaded in one process
constexpr size_t kMaxFolders = 4096;       // in one search path
constexpr size_t kMaxBoundImports = 4096;  // TensorFlow's own objects import more and are not checked
constexpr size_t kMaxPreloadFile = 64 << 10;

constexpr const char* kUnknownLevel = ": whether the processor is of this level is not known";

using FolderList = std::shared_ptr<const std::vector<std::string>>;

// The search paths of an object with everything expanded, by what the tokens stand for; TensorFlow's are 20
// KB of text.
struct SearchPaths {
  std::map<std::string, FolderList> rpath, runpath;
};

// A file as ld.so meets it under one path.
struct Candidate {
  enum class Kind : uint8_t {
    kAbsent,
    kDenied,
    kLoop,     // symbolic links without end
    kSkipped,  // for another machine: the search goes on
    kFatal,    // what ld.so gives up with
    kUsable,
  };
  Kind kind = Kind::kAbsent;
  std::string why;
  bool other_class = false;
  uint64_t device = 0;
  uint64_t inode = 0;
  std::shared_ptr<const Object> object;
  std::shared_ptr<Image> image;
  std::shared_ptr<SearchPaths> search_paths;
};

// What one look at the machine found, by device and inode; the trials of repairs find mostly the same.
struct KeptElf {
  std::map<std::tuple<uint64_t, uint64_t, uint16_t>, Candidate> files;  // usable ones, for a machine
  std::map<std::pair<uint64_t, uint64_t>, Linker> linkers;
};

// nullptr: nothing is kept.
KeptElf* KeptOf(const System& system) {
  Kept* kept = system.kept();
  if (kept == nullptr) return nullptr;
  if (!kept->elf.has_value()) kept->elf.emplace<KeptElf>();
  return std::any_cast<KeptElf>(&kept->elf);
}

Result<Linker> LinkerAt(const System& system, const std::string& path) {
  KeptElf* kept = KeptOf(system);
  const Result<FileStat> stat = kept == nullptr ? Error{} : system.Stat(path);
  if (!stat) return ReadLinker(system, path);
  const std::pair file(stat->device, stat->inode);
  if (const auto known = kept->linkers.find(file); known != kept->linkers.end()) return known->second;
  Result<Linker> linker = ReadLinker(system, path);
  if (linker) kept->linkers.emplace(file, *linker);
  return linker;
}

Candidate Examine(const System& system, const std::string& path, uint16_t machine) {
  Candidate file;
  const auto failed = [&file](const Error& error) {
    switch (error.kind) {
      case ErrorKind::kNotFound:
        file.kind = Candidate::Kind::kAbsent;
        break;
      case ErrorKind::kDenied:
        file.kind = Candidate::Kind::kDenied;
        break;
      case ErrorKind::kLoop:
        file.kind = Candidate::Kind::kLoop;
        break;
      default:
        file.kind = Candidate::Kind::kFatal;
    }
    file.why = error.message;
    return file;
  };
  const Result<FileStat> stat = system.Stat(path);
  if (!stat) return failed(stat.error());
  file.device = stat->device;
  file.inode = stat->inode;
  KeptElf* kept = KeptOf(system);
  if (kept != nullptr) {
    const auto known = kept->files.find({file.device, file.inode, machine});
    if (known != kept->files.end()) return known->second;
  }
  Result<Image> image = Image::Open(system, path);
  if (!image) return failed(image.error());
  // In the order of open_verify(): what class and machine skip is not examined further.
  if (!image->is_64() || (image->machine() != machine && image->machine() != 0)) {
    file.kind = Candidate::Kind::kSkipped;
    file.other_class = !image->is_64();
    file.why = file.other_class ? "wrong ELF class: ELFCLASS32" : "for another processor architecture";
    return file;
  }
  Result<Object> object = image->Describe();
  if (!object) {
    file.kind = Candidate::Kind::kFatal;
    file.why = object.error().message;
    return file;
  }
  file.kind = Candidate::Kind::kUsable;
  file.object = std::make_shared<const Object>(std::move(*object));
  file.image = std::make_shared<Image>(std::move(*image));
  file.search_paths = std::make_shared<SearchPaths>();
  // An image goes on reading through its system, which must live as long.
  if (kept != nullptr && system.kept()->system == &system)
    kept->files.emplace(std::tuple(file.device, file.inode, machine), file);
  return file;
}

// A folder of a search path, as ld.so remembers it.
struct SearchFolder {
  // What is put between the folder and the name; nothing where there is no such folder.
  std::vector<std::string> subfolders;
  // The names in it, in small letters (some file systems do not tell them apart), where they could be listed:
  // dozens of libraries are looked for in dozens of folders, and each look costs more than a listing.
  std::optional<std::unordered_set<std::string>> names;

  bool Lacks(const std::string& small_name) const { return names && !names->contains(small_name); }
};

// What copies of a process share: what was read of the machine, which does not change while tfdoctor looks.
struct Machine {
  const System* system = nullptr;
  uint16_t elf_machine = 0;
  Linker linker;
  FolderList default_folders;
  std::vector<std::string> hwcaps;           // "x86-64-v4", … that this machine supports, best first
  std::vector<std::string> doubtful_hwcaps;  // those of which it is not known
  std::optional<LdCache> cache;
  std::string cache_unreadable;  // why it could not be read although it is there
  std::string working_directory;
  std::unordered_map<std::string, Candidate> files;
  std::unordered_map<std::string, SearchFolder> search_folders;
  std::unordered_map<std::string, std::string> denied_folders;
  std::string platform;

  std::string Absolute(const std::string& path) const {
    return path.starts_with('/') ? path : working_directory + "/" + path;
  }

  const Candidate& File(const std::string& path) {
    const auto it = files.find(path);
    if (it != files.end()) return it->second;
    return files.emplace(path, Examine(*system, Absolute(path), elf_machine)).first->second;
  }

  bool IsFolder(const std::string& path) {
    const Result<FileStat> stat = system->Stat(Absolute(path));
    if (!stat && !stat.not_found()) denied_folders[path] = stat.error().message;
    return stat.ok() && stat->type == FileType::kDirectory;
  }

  // AT_PLATFORM, which glibc replaces on Intel's processors (init_cpu_features()).
  const std::string& Platform() {
    if (!platform.empty()) return platform;
    platform = system->Machine();
    if (elf_machine == kMachineX86_64 && system->IsaLevel() >= 3) {
      const Result<std::string> cpu = system->Read("/proc/cpuinfo", 0, 512);
      if (cpu && cpu->find("GenuineIntel") != std::string::npos) platform = "haswell";
    }
    return platform;
  }

  // Folders of a folder that glibc 2.36 and earlier search first: every subset of these names, in this order.
  std::vector<std::string> LegacySubfolders(const std::string& folder, const SearchFolder& known) {
    static constexpr const char* kNames[] = {"tls", "haswell", "avx512_1", "x86_64"};
    bool any = false;
    for (const char* name : kNames) any = (!known.Lacks(name) && IsFolder(folder + name)) || any;
    std::vector<std::string> found;
    if (!any) return found;
    std::vector<std::string> names = {"tls", Platform()};
    if (elf_machine == kMachineX86_64) {
      if (system->IsaLevel() >= 4 && Platform() == "haswell") names.emplace_back("avx512_1");
      names.emplace_back("x86_64");
    }
    for (unsigned subset = (1U << names.size()) - 1; subset > 0; --subset) {
      std::string path;
      for (size_t i = 0; i < names.size(); ++i) {
        if ((subset >> (names.size() - 1 - i) & 1U) != 0) path += names[i] + "/";
      }
      if (IsFolder(folder + path)) found.push_back(path);
    }
    return found;
  }

  // ld.so tries each subfolder once and remembers which do not exist; so do we.
  const SearchFolder& Folder(const std::string& folder) {
    const auto it = search_folders.find(folder);
    if (it != search_folders.end()) return it->second;
    SearchFolder found;
    if (IsFolder(folder.empty() ? "." : folder)) {
      List(folder, found);
      if (linker.glibc_hwcaps && !hwcaps.empty() && !found.Lacks("glibc-hwcaps") &&
          IsFolder(folder + "glibc-hwcaps")) {
        for (const std::string& name : hwcaps) found.subfolders.push_back("glibc-hwcaps/" + name + "/");
      }
      if (linker.legacy_hwcaps) {
        for (std::string& path : LegacySubfolders(folder, found)) found.subfolders.push_back(std::move(path));
      }
      found.subfolders.emplace_back();
    }
    return search_folders.emplace(folder, std::move(found)).first->second;
  }

  // The default folders hold thousands and are asked last, for few.
  void List(const std::string& folder, SearchFolder& found) {
    constexpr size_t kMostNames = 512;
    if (folder.empty() ||
        std::find(default_folders->begin(), default_folders->end(), folder) != default_folders->end())
      return;
    // Who may list a folder and not enter it is told "Permission denied" of any name.
    const std::string absolute = Absolute(folder);
    if (!system->Stat(absolute + ".").ok()) return;
    const Result<std::vector<DirEntry>> entries = system->List(absolute, kMostNames);
    if (!entries.ok()) return;
    found.names.emplace();
    for (const DirEntry& entry : *entries) found.names->insert(Lower(entry.name));
  }
};

struct LoadedObject {
  std::string path;                // as ld.so names it
  std::string detail;              // how it was found
  std::string origin;              // $ORIGIN
  std::vector<std::string> names;  // it was asked for by these
  int loader = -1;                 // the object that had it loaded
  bool by_inode = true;            // false: the executable and ld.so, of which ld.so knows no inode
  Candidate file;
};

std::string FolderOf(const std::string& absolute_path) {
  const size_t slash = absolute_path.rfind('/');
  return slash == 0 ? "/" : absolute_path.substr(0, slash);
}

bool IsIdentifier(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

// Length of the token `name` (with its braces) at the start of `text`, which follows a '$'; 0: another text.
size_t TokenLength(std::string_view text, std::string_view name) {
  const bool braces = text.starts_with('{');
  if (braces) text.remove_prefix(1);
  if (!text.starts_with(name)) return 0;
  const char next = text.size() > name.size() ? text[name.size()] : '\0';
  if (braces) return next == '}' ? name.size() + 2 : 0;
  return IsIdentifier(next) ? 0 : name.size();
}

constexpr const char* kAborts =
    "Inconsistency detected by ld.so: dl-lookup.c: check_match: Assertion `version->filename == NULL || ! "
    "_dl_name_match_p (version->filename, map)' failed!";

// The libraries of glibc and of GCC keep every symbol of a version that they define: that the version is
// there, which is checked for all, is enough.
bool IsKeptForever(std::string_view version) {
  return version.starts_with("GLIBC_") || version.starts_with("GLIBCXX_") || version.starts_with("CXXABI_") ||
         version.starts_with("GCC_");
}

// ld.so reports the last error that it met.
std::string ErrnoText(Candidate::Kind kind) {
  if (kind == Candidate::Kind::kDenied) return "Permission denied";
  if (kind == Candidate::Kind::kLoop) return "Too many levels of symbolic links";
  return "No such file or directory";
}

uint16_t ElfMachine(const std::string& uname) {
  if (uname == "x86_64") return kMachineX86_64;
  return uname == "aarch64" ? kMachineAarch64 : uint16_t{0};
}

void AddOnce(std::vector<std::string>& list, const std::string& text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
}

}  // namespace

struct Process::State {
  // A file that the search meets.
  struct Met {
    std::string path;  // empty of one that a listing lacks
    FoundBy by;
    std::string detail;
    const Candidate* file;
  };
  struct Place {
    FoundBy by;
    std::string detail;
    FolderList folders;
  };

  std::shared_ptr<Machine> machine;
  std::vector<LoadedObject> objects;                // the executable first
  std::unordered_map<std::string, size_t> by_name;  // of what an object is, or was asked for, by
  std::vector<size_t> global;  // the executable and what was loaded with it, in the order of symbol lookup
  Place library_path;          // LD_LIBRARY_PATH

  std::optional<std::string> Expand(const std::string& text, size_t object) const;
  FolderList Folders(const std::string& list, std::string_view separators, size_t object) const;
  FolderList FoldersOf(const std::string& list, std::map<std::string, FolderList>& known,
                       size_t object) const;
  std::vector<Place> Places(size_t loader) const;
  template <class Take>
  void Search(const std::string& name, size_t loader, Resolution& result, const Take& take) const;
  template <class Take>
  bool SearchFolders(const Place& place, const std::string& name, Resolution& result, const Take& take) const;
  bool Meet(const Met& met, Resolution& result, bool& other_class) const;
  std::vector<std::string> Searched(size_t loader) const;  // in vain: all places, each once
  std::optional<size_t> FindLoaded(const std::string& name) const;
  void Add(LoadedObject object);
  void Unload(size_t first);  // and all after it
  std::optional<size_t> Map(const std::string& name, size_t loader, Resolution& result);
  bool MapDependencies(std::vector<size_t>& list, Resolution& result);
  std::string VersionFault(size_t object, Resolution& result) const;
  std::string BindingFault(size_t object, const std::vector<size_t>& scope, Resolution& result) const;
  void NameLacking(const std::string& name, size_t provider, Resolution& result) const;
  void Preload(const std::string& list, std::string_view separators, std::vector<size_t>& loaded);
};

// _dl_dst_substitute(): an unknown token stays as it is.
std::optional<std::string> Process::State::Expand(const std::string& text, size_t object) const {
  std::string out;
  out.reserve(text.size() + objects[object].origin.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      const size_t plain = std::min(text.find('$', i), text.size());
      out.append(text, i, plain - i);
      i = plain - 1;
      continue;
    }
    const std::string_view rest = std::string_view(text).substr(i + 1);
    if (const size_t origin = TokenLength(rest, "ORIGIN"); origin > 0) {
      if (objects[object].origin.empty()) return std::nullopt;
      out += objects[object].origin;
      i += origin;
    } else if (const size_t platform = TokenLength(rest, "PLATFORM"); platform > 0) {
      out += machine->Platform();
      i += platform;
    } else if (const size_t lib = TokenLength(rest, "LIB"); lib > 0) {
      out += machine->linker.lib;
      i += lib;
    } else {
      out += '$';
    }
  }
  return out;
}

// fillin_rpath(): an empty entry is the working directory; one that expands to nothing is dropped.
FolderList Process::State::Folders(const std::string& list, std::string_view separators,
                                   size_t object) const {
  std::vector<std::string> folders;
  std::unordered_set<std::string> known;
  std::unordered_set<std::string_view> written;  // TensorFlow's lists name each folder many times
  size_t start = 0;
  while (start <= list.size() && folders.size() < kMaxFolders) {
    const size_t end = std::min(list.find_first_of(separators, start), list.size());
    const std::string_view entry = std::string_view(list).substr(start, end - start);
    start = end + 1;
    if (!written.insert(entry).second) continue;
    std::string folder;
    if (!entry.empty()) {
      std::optional<std::string> expanded = Expand(std::string(entry), object);
      if (!expanded || expanded->empty()) continue;
      folder = std::move(*expanded);
      while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
      if (!folder.ends_with('/')) folder += '/';
    }
    if (known.insert(folder).second) folders.push_back(std::move(folder));
  }
  return std::make_shared<const std::vector<std::string>>(std::move(folders));
}

// The trials of repairs meet the same objects: what the tokens stand for decides.
FolderList Process::State::FoldersOf(const std::string& list, std::map<std::string, FolderList>& known,
                                     size_t object) const {
  FolderList& folders =
      known[machine->Platform() + '\0' + machine->linker.lib + '\0' + objects[object].origin];
  if (!folders) folders = Folders(list, ":", object);
  return folders;
}

// The search paths before the cache, as _dl_map_object() goes through them.
std::vector<Process::State::Place> Process::State::Places(size_t loader) const {
  std::vector<Place> places;
  const auto rpath_of = [&](size_t object) {
    const Object& file = *objects[object].file.object;
    // DT_RUNPATH makes ld.so forget the DT_RPATH of the same object.
    if (!file.rpath || file.rpath->empty() || file.runpath) return;
    FolderList folders = FoldersOf(*file.rpath, objects[object].file.search_paths->rpath, object);
    places.push_back({FoundBy::kRpath, "RPATH of " + objects[object].path, std::move(folders)});
  };
  if (!objects[loader].file.object->runpath) {
    bool did_executable = false;
    size_t steps = 0;
    for (int i = static_cast<int>(loader); i >= 0 && steps++ < objects.size();
         i = objects[static_cast<size_t>(i)].loader) {
      rpath_of(static_cast<size_t>(i));
      did_executable = did_executable || i == 0;
    }
    if (!did_executable) rpath_of(0);
  }
  if (library_path.folders) places.push_back(library_path);
  const Object& file = *objects[loader].file.object;
  if (file.runpath && !file.runpath->empty()) {
    FolderList folders = FoldersOf(*file.runpath, objects[loader].file.search_paths->runpath, loader);
    places.push_back({FoundBy::kRunpath, "RUNPATH of " + objects[loader].path, std::move(folders)});
  }
  return places;
}

// Whether the search ends with this file. Notes why it does not.
bool Process::State::Meet(const Met& met, Resolution& result, bool& other_class) const {
  switch (met.file->kind) {
    case Candidate::Kind::kAbsent:
      return false;
    case Candidate::Kind::kDenied:
      AddOnce(result.unreadable, met.path + ": " + met.file->why);
      return false;
    case Candidate::Kind::kLoop:
    case Candidate::Kind::kSkipped:
      AddOnce(result.rejected, met.path + ": " + met.file->why);
      other_class = other_class || met.file->other_class;
      return false;
    case Candidate::Kind::kFatal:
      AddOnce(result.rejected, met.path + ": " + met.file->why);
      return true;
    case Candidate::Kind::kUsable:
      return true;
  }
  return false;
}

template <class Take>
bool Process::State::SearchFolders(const Place& place, const std::string& name, Resolution& result,
                                   const Take& take) const {
  static const Candidate absent;
  const std::string small_name = Lower(name);
  for (const std::string& folder : *place.folders) {
    const SearchFolder& known = machine->Folder(folder);
    if (const auto denied = machine->denied_folders.find(folder); denied != machine->denied_folders.end()) {
      AddOnce(result.unreadable, folder + ": " + denied->second);
    }
    if (!machine->doubtful_hwcaps.empty() && !known.Lacks("glibc-hwcaps") &&
        machine->IsFolder(folder + "glibc-hwcaps")) {
      for (const std::string& level : machine->doubtful_hwcaps) {
        const std::string path = folder + "glibc-hwcaps/" + level + "/" + name;
        if (machine->File(path).kind != Candidate::Kind::kAbsent)
          AddOnce(result.unreadable, path + kUnknownLevel);
      }
    }
    const Candidate* file = nullptr;
    for (const std::string& subfolder : known.subfolders) {
      if (subfolder.empty() && known.Lacks(small_name)) {
        file = &absent;
        if (take(Met{{}, place.by, {}, file})) return true;
        continue;
      }
      std::string path = folder + subfolder + name;
      file = &machine->File(path);
      std::string detail;
      if (file->kind != Candidate::Kind::kAbsent) detail = place.detail;
      if (file->kind != Candidate::Kind::kAbsent && place.by == FoundBy::kLibraryPath) {
        detail += " entry " + (folder.empty() ? "(empty: the working directory)" : folder);
      }
      if (take(Met{std::move(path), place.by, std::move(detail), file})) return true;
    }
    // open_path() leaves the rest of this search path for any error but ENOENT and EACCES.
    if (file != nullptr && file->kind == Candidate::Kind::kLoop) return false;
  }
  return false;
}

// Calls `take` with each file of this name in the order of the search, until it says that this is it.
template <class Take>
void Process::State::Search(const std::string& name, size_t loader, Resolution& result,
                            const Take& take) const {
  for (const Place& place : Places(loader)) {
    if (SearchFolders(place, name, result, take)) return;
  }
  const bool no_default = objects[loader].file.object->no_default_folders;
  const std::vector<std::string>& default_folders = *machine->default_folders;
  if (machine->cache) {
    const std::string path = machine->cache->Lookup(name, machine->elf_machine, machine->hwcaps);
    if (!machine->doubtful_hwcaps.empty()) {
      const std::string best = machine->cache->Lookup(name, machine->elf_machine, machine->doubtful_hwcaps);
      if (best != path) AddOnce(result.unreadable, best + kUnknownLevel);
    }
    const bool in_default = std::any_of(default_folders.begin(), default_folders.end(),
                                        [&](const std::string& folder) { return path.starts_with(folder); });
    if (!path.empty() && !(no_default && in_default) &&
        take(Met{path, FoundBy::kCache, machine->linker.cache, &machine->File(path)})) {
      return;
    }
  } else if (!machine->cache_unreadable.empty()) {
    AddOnce(result.unreadable, machine->linker.cache + ": " + machine->cache_unreadable);
  }
  if (!no_default) {
    SearchFolders({FoundBy::kDefaultFolder, "default folder", machine->default_folders}, name, result, take);
  }
}

std::optional<size_t> Process::State::FindLoaded(const std::string& name) const {
  const auto known = by_name.find(name);
  return known == by_name.end() ? std::nullopt : std::optional(known->second);
}

// The first object of a name keeps it.
void Process::State::Add(LoadedObject object) {
  const size_t index = objects.size();
  if (index > 0) by_name.try_emplace(object.path, index);  // the executable is found by no path
  if (!object.file.object->soname.empty()) by_name.try_emplace(object.file.object->soname, index);
  for (const std::string& name : object.names) by_name.try_emplace(name, index);
  objects.push_back(std::move(object));
}

void Process::State::Unload(size_t first) {
  objects.resize(first);
  std::erase_if(by_name, [&](const auto& entry) { return entry.second >= first; });
}

std::vector<std::string> Process::State::Searched(size_t loader) const {
  std::vector<std::string> all;
  std::unordered_set<std::string_view> known;
  const auto add = [&](const std::string& place) {
    if (known.insert(place).second) all.push_back(place.empty() ? "." : place);
  };
  const std::vector<Place> places = Places(loader);
  for (const Place& place : places) std::for_each(place.folders->begin(), place.folders->end(), add);
  if (machine->cache) add(machine->linker.cache);
  if (!objects[loader].file.object->no_default_folders)
    std::for_each(machine->default_folders->begin(), machine->default_folders->end(), add);
  return all;
}

// _dl_map_object(): finds and loads one object, not what it needs.
std::optional<size_t> Process::State::Map(const std::string& name, size_t loader, Resolution& result) {
  result.searched.clear();
  if (const std::optional<size_t> loaded = FindLoaded(name)) {
    result.path = objects[*loaded].path;
    result.found_by = *loaded == 0 ? FoundBy::kExecutable : FoundBy::kAlreadyLoaded;
    result.detail = "already loaded";
    return loaded;
  }
  std::optional<Met> found;
  bool other_class = false;
  Candidate::Kind last_kind = Candidate::Kind::kAbsent;
  const auto take = [&](Met met) {
    if (!Meet(met, result, other_class)) {
      last_kind = met.file->kind;
      return false;
    }
    found = std::move(met);
    return true;
  };
  if (name.find('/') != std::string::npos) {
    if (const std::optional<std::string> path = Expand(name, loader); path && !path->empty()) {
      take(Met{*path, FoundBy::kPath, "path", &machine->File(*path)});
    }
  } else if (!name.empty()) {
    Search(name, loader, result, take);
  }
  if (!found) {
    if (name.find('/') == std::string::npos) result.searched = Searched(loader);
    result.failure = name + (other_class ? ": wrong ELF class: ELFCLASS32"
                                         : ": cannot open shared object file: " + ErrnoText(last_kind));
    return std::nullopt;
  }
  result.searched.clear();
  result.path = found->path;
  result.found_by = found->by;
  result.detail = found->detail;
  if (found->file->kind == Candidate::Kind::kFatal) {
    result.failure = found->path + ": " + found->file->why;
    return std::nullopt;
  }
  for (size_t i = 0; i < objects.size(); ++i) {
    LoadedObject& object = objects[i];
    if (object.by_inode && object.file.device == found->file->device &&
        object.file.inode == found->file->inode) {
      object.names.push_back(name);
      by_name.try_emplace(name, i);
      result.path = object.path;
      result.found_by = FoundBy::kAlreadyLoaded;
      result.detail = "already loaded";
      return i;
    }
  }
  if (found->file->object->is_executable) {
    result.failure = found->path + ": cannot dynamically load executable";
    return std::nullopt;
  }
  if (objects.size() >= kMaxObjects) {
    result.failure = name + ": too many objects";
    return std::nullopt;
  }
  LoadedObject object;
  object.path = found->path;
  object.detail = found->detail;
  object.origin = FolderOf(machine->Absolute(found->path));
  object.names = {name};
  object.loader = static_cast<int>(loader);
  object.file = *found->file;
  Add(std::move(object));
  return objects.size() - 1;
}

// _dl_map_object_deps(): breadth first; each dependency is searched for with the rules of the object that
// needs it.
bool Process::State::MapDependencies(std::vector<size_t>& list, Resolution& result) {
  for (size_t i = 0; i < list.size(); ++i) {
    const std::shared_ptr<const Object> object = objects[list[i]].file.object;
    for (const std::string& written : object->needed) {
      const std::string needed = Expand(written, list[i]).value_or(written);
      Resolution dependency;
      const std::optional<size_t> index = Map(needed, list[i], dependency);
      for (const std::string& file : dependency.rejected) AddOnce(result.rejected, file);
      for (const std::string& place : dependency.unreadable) AddOnce(result.unreadable, place);
      if (!index) {
        result.failure = dependency.failure;
        result.missing_for = objects[list[i]].path;
        if (dependency.path.empty()) {
          result.missing = needed;
          result.searched = dependency.searched;
        }
        return false;
      }
      if (std::find(list.begin(), list.end(), *index) == list.end()) list.push_back(*index);
    }
  }
  return true;
}

void Process::State::NameLacking(const std::string& name, size_t provider, Resolution& result) const {
  result.lacking = name;
  result.lacking_path = objects[provider].path;
  result.lacking_detail = objects[provider].detail;
}

// _dl_check_map_versions()
std::string Process::State::VersionFault(size_t index, Resolution& result) const {
  const LoadedObject& object = objects[index];
  for (const VersionNeed& need : object.file.object->version_needs) {
    const std::optional<size_t> provider = FindLoaded(need.file);
    if (!provider) return object.path + ": needs versions of " + need.file + ", which it does not load";
    const std::vector<std::string>& defined = objects[*provider].file.object->version_definitions;
    if (defined.empty()) continue;  // a library without versions provides any
    for (const VersionNeed::Version& version : need.versions) {
      if (version.weak || std::find(defined.begin(), defined.end(), version.name) != defined.end()) continue;
      NameLacking(need.file, *provider, result);
      return objects[*provider].path + ": version `" + version.name + "' not found (required by " +
             object.path + ")";
    }
  }
  return "";
}

// What RTLD_NOW binds. Only imports with a version are looked up: NVIDIA's libraries, whose combinations
// break, give their versions the name of the library; imports without one may come from anything that the
// program made global.
std::string Process::State::BindingFault(size_t index, const std::vector<size_t>& scope,
                                         Resolution& result) const {
  const LoadedObject& object = objects[index];
  const std::vector<VersionNeed>& needs = object.file.object->version_needs;
  const bool concerns = std::any_of(needs.begin(), needs.end(), [](const VersionNeed& need) {
    return std::any_of(need.versions.begin(), need.versions.end(),
                       [](const VersionNeed::Version& version) { return !IsKeptForever(version.name); });
  });
  if (!concerns) return "";
  const Result<std::vector<Symbol>>& imports = object.file.image->UndefinedOf(
      [](std::string_view version) { return !version.empty() && !IsKeptForever(version); }, kMaxBoundImports);
  if (!imports) return "";
  for (const Symbol& import : *imports) {
    const auto defines = [&](size_t i) {
      return objects[i].file.image->Defines(import.name, import.version);
    };
    const std::optional<size_t> named = FindLoaded(import.file);
    const bool by_named = named && defines(*named);
    if (by_named && objects[*named].file.image->HasVersions()) continue;
    // The symbol lookup takes the first that defines it: the program and its libraries, then those opened
    // here.
    std::vector<size_t> order = global;
    order.insert(order.end(), scope.begin(), scope.end());
    const auto first = std::find_if(order.begin(), order.end(), defines);
    if (first != order.end() && *first == named) {
      // Measured: the symbol in a library without any versions, of which versions are expected, ends the
      // process.
      NameLacking(import.file, *named, result);
      return kAborts;
    }
    if (first != order.end() || import.weak) continue;
    if (named) NameLacking(import.file, *named, result);
    return object.path + ": undefined symbol: " + import.name + ", version " + import.version;
  }
  return "";
}

// What cannot be preloaded ld.so says and goes on without.
void Process::State::Preload(const std::string& list, std::string_view separators,
                             std::vector<size_t>& loaded) {
  size_t start = 0;
  while (start < list.size() && loaded.size() < kMaxObjects) {
    const size_t end = std::min(list.find_first_of(separators, start), list.size());
    const std::string name = list.substr(start, end - start);
    start = end + 1;
    if (name.empty()) continue;
    Resolution ignored;
    const std::optional<size_t> index = Map(name, 0, ignored);
    if (index && std::find(loaded.begin(), loaded.end(), *index) == loaded.end()) loaded.push_back(*index);
  }
}

Process::Process(std::unique_ptr<State> state) : state_(std::move(state)) {}
Process::~Process() = default;
Process::Process(const Process& other) : state_(std::make_unique<State>(*other.state_)) {}
Process::Process(Process&&) noexcept = default;
Process& Process::operator=(Process&&) noexcept = default;

Result<Process> Process::Start(const System& system, const std::string& executable) {
  const auto machine = std::make_shared<Machine>();
  machine->system = &system;
  machine->elf_machine = ElfMachine(system.Machine());
  machine->working_directory = system.WorkingDirectory();
  const std::string path = machine->Absolute(executable);
  const Candidate& program = machine->File(path);
  switch (program.kind) {
    case Candidate::Kind::kUsable:
      break;
    case Candidate::Kind::kAbsent:
      return Error{ErrorKind::kNotFound, executable + ": no such file"};
    case Candidate::Kind::kDenied:
      return Error{ErrorKind::kDenied, executable + ": " + program.why};
    case Candidate::Kind::kLoop:
      return Error{ErrorKind::kLoop, executable + ": " + program.why};
    default: {
      const Result<std::string> start = system.Read(path, 0, 2);
      if (start && *start == "#!") return Error{ErrorKind::kMalformed, executable + " is a script"};
      return Error{ErrorKind::kMalformed, executable + ": " + program.why};
    }
  }
  const std::string interpreter = program.object->interpreter;
  if (interpreter.empty())
    return Error{ErrorKind::kMalformed, executable + " is not a dynamically linked program"};
  Result<Linker> linker = LinkerAt(system, interpreter);
  if (!linker) {
    return Error{linker.error().kind,
                 executable + " needs the dynamic loader " + interpreter + ": " + linker.error().message};
  }
  machine->linker = std::move(*linker);
  machine->default_folders =
      std::make_shared<const std::vector<std::string>>(std::move(machine->linker.default_folders));
  if (machine->linker.glibc_hwcaps && machine->elf_machine == kMachineX86_64) {
    for (int level = std::min(system.IsaLevel(), 4); level >= 2; --level) {
      machine->hwcaps.push_back("x86-64-v" + std::to_string(level));
    }
    if (system.IsaLevel() == kUnknownIsaLevel)
      machine->doubtful_hwcaps = {"x86-64-v4", "x86-64-v3", "x86-64-v2"};
  }
  if (Result<LdCache> cache = LdCache::Load(system, machine->linker.cache); cache) {
    machine->cache = std::move(*cache);
  } else if (!cache.not_found()) {
    machine->cache_unreadable = cache.error().message;
  }

  auto state = std::make_unique<State>();
  state->machine = machine;
  LoadedObject main;
  main.path = path;
  main.origin = FolderOf(system.RealPath(path).value_or(path));
  main.by_inode = false;
  main.file = program;
  state->Add(std::move(main));
  const Candidate& loader = machine->File(interpreter);
  if (loader.kind != Candidate::Kind::kUsable) {
    return Error{ErrorKind::kMalformed,
                 executable + " needs the dynamic loader " + interpreter + ": " + loader.why};
  }
  LoadedObject rtld;
  rtld.path = interpreter;
  rtld.origin = FolderOf(interpreter);
  rtld.names = {interpreter};
  rtld.by_inode = false;
  rtld.file = loader;
  state->Add(std::move(rtld));

  if (const auto library_path = system.Env("LD_LIBRARY_PATH"); library_path && !library_path->empty()) {
    state->library_path = {FoundBy::kLibraryPath, "LD_LIBRARY_PATH", state->Folders(*library_path, ":;", 0)};
  }
  std::vector<size_t>& list = state->global;
  list = {0};
  state->Preload(system.Env("LD_PRELOAD").value_or(""), " :", list);
  std::string preload_file = system.ReadAll(machine->linker.preload, kMaxPreloadFile).value_or("");
  for (size_t i = preload_file.find('#'); i != std::string::npos; i = preload_file.find('#', i)) {
    const size_t end = std::min(preload_file.find('\n', i), preload_file.size());
    preload_file.replace(i, end - i, end - i, ' ');
  }
  state->Preload(preload_file, ": \t\n", list);

  Resolution result;
  if (!state->MapDependencies(list, result)) {
    return Error{result.missing.empty() ? ErrorKind::kMalformed : ErrorKind::kNotFound,
                 executable + ": error while loading shared libraries: " + result.failure};
  }
  for (const size_t object : list) {
    if (const std::string fault = state->VersionFault(object, result); !fault.empty()) {
      return Error{ErrorKind::kMalformed, executable + ": error while loading shared libraries: " + fault};
    }
  }
  return Process(std::move(state));
}

Resolution Process::Open(const std::string& name, const std::string& caller) {
  Resolution result;
  size_t from = 0;
  if (!caller.empty()) {
    const std::optional<size_t> loaded = state_->FindLoaded(caller);
    if (!loaded) {
      result.failure = caller + " is not loaded";
      return result;
    }
    from = *loaded;
  }
  const size_t before = state_->objects.size();
  const std::optional<size_t> top = state_->Map(name, from, result);
  if (!top) {
    if (result.path.empty()) result.missing = name;
    return result;
  }
  // ld.so forgets who called dlopen() once it has the file: the caller's RPATH does not count for the
  // dependencies.
  if (*top >= before) state_->objects[*top].loader = -1;
  std::vector<size_t> list = {*top};
  bool complete = state_->MapDependencies(list, result);
  // Errors of versions come before those of symbols; what was loaded before has been checked.
  for (size_t i = 0; complete && i < list.size(); ++i) {
    if (list[i] < before) continue;
    result.failure = state_->VersionFault(list[i], result);
    if (!result.failure.empty()) result.missing_for = state_->objects[list[i]].path;
    complete = result.failure.empty();
  }
  // What is needed is bound before what needs it.
  for (size_t i = list.size(); complete && i-- > 0;) {
    if (list[i] < before) continue;
    result.failure = state_->BindingFault(list[i], list, result);
    if (!result.failure.empty()) result.missing_for = state_->objects[list[i]].path;
    complete = result.failure.empty();
  }
  if (!complete) {
    state_->Unload(before);
    return result;
  }
  result.loads = true;
  return result;
}

std::vector<std::string> Process::AlsoOnPath(const std::string& name, const std::string& caller) {
  std::vector<std::string> paths;
  const std::optional<size_t> from = caller.empty() ? std::optional<size_t>(0) : state_->FindLoaded(caller);
  if (!from || name.find('/') != std::string::npos) return paths;
  std::set<std::pair<uint64_t, uint64_t>> seen;
  if (const std::optional<size_t> loaded = state_->FindLoaded(name)) {
    const Candidate& file = state_->objects[*loaded].file;
    seen.insert({file.device, file.inode});
  }
  Resolution ignored;
  bool first = seen.empty();
  state_->Search(name, *from, ignored, [&](const State::Met& met) {
    if (met.file->kind != Candidate::Kind::kUsable) return false;
    if (!seen.insert({met.file->device, met.file->inode}).second) return false;
    if (!std::exchange(first, false)) paths.push_back(met.path);
    return false;
  });
  return paths;
}

Result<std::string> Process::SymbolBytes(const std::string& path, const std::string& symbol, size_t limit) {
  const Candidate& file = state_->machine->File(path);
  if (file.kind != Candidate::Kind::kUsable) return Error{ErrorKind::kMalformed, path + ": " + file.why};
  std::optional<std::string> bytes = file.image->Bytes(symbol, limit);
  if (!bytes) return Error{ErrorKind::kNotFound, "no such symbol in " + path};
  return std::move(*bytes);
}

std::vector<std::string> Process::Loaded() const {
  std::vector<std::string> paths;
  for (const LoadedObject& object : state_->objects) paths.push_back(object.path);
  return paths;
}

}  // namespace tfdoctor::elf
