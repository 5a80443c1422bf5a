#include "python/modules.h"

#include <algorithm>

#include "base/text.h"
#include "python/archive.h"
#include "python/path.h"

namespace tfdoctor {
namespace {

constexpr size_t kInitLimit = 1 << 20;

// importlib.machinery.all_suffixes() in the order of the loaders: extensions, source, bytecode. The tag of
// the ABI has an "m" before 3.8; distributors' platform tags differ only in the C library.
std::vector<std::string> Suffixes(const System& system, const PythonVersion& version) {
  std::string tag = ".cpython-" + std::to_string(version.major) + std::to_string(version.minor) +
                    (version.AtLeast(3, 8) ? "" : "m") + version.abi_suffix;
  std::string platform = system.Machine() + "-linux-";
  std::vector<std::string> suffixes = {tag + "-" + platform + "gnu.so", tag + "-" + platform + "musl.so"};
  if (version.abi_suffix.empty()) suffixes.push_back(".abi3.so");
  suffixes.insert(suffixes.end(), {".so", ".py", ".pyc"});
  return suffixes;
}

// What one folder says of a name, as importlib's FileFinder.
class FolderFinder {
 public:
  FolderFinder(const System& system, const PythonEnvironment& environment)
      : system_(system), suffixes_(Suffixes(system, environment.version)) {}

  // kNotFound: nothing. A namespace is only a portion of one.
  Result<FoundModule> Find(const std::string& folder, const std::string& name) const {
    Result<FoundModule> found = Look(folder, name);
    // Python looks into the list of the folder: without it the file is there for everybody else only.
    if (found && !system_.MayAccess(folder, Access::kRead).value_or(true)) {
      return Error{ErrorKind::kNotFound, "no permission to list " + Printable(folder)};
    }
    return found;
  }

 private:
  Result<FoundModule> Look(const std::string& folder, const std::string& name) const {
    // An entry of sys.path that is no folder, such as the python311.zip that is seldom there, has no finder
    // unless it is an archive, or a folder in one.
    const Result<FileStat> where = system_.Stat(folder);
    const bool in_file = where ? where->type == FileType::kRegular : IsInArchive(folder);
    if (in_file) return LookInArchive(folder, name);
    if (!where && !where.not_found()) return where.error();
    if (!where || where->type != FileType::kDirectory)
      return Error{ErrorKind::kNotFound, Printable(folder) + " is no folder"};
    std::string base = JoinPath(folder, name);
    Result<FileStat> stat = system_.Stat(base);
    if (!stat && !stat.not_found()) return stat.error();
    bool is_folder = stat && stat->type == FileType::kDirectory;
    if (is_folder) {
      for (const std::string& suffix : suffixes_) {
        std::string file = base + "/__init__" + suffix;
        if (IsFile(file)) return FoundModule{FoundModule::Kind::kPackage, base, file, {base}, ""};
      }
    }
    for (const std::string& suffix : suffixes_) {
      std::string file = base + suffix;
      if (IsFile(file)) return FoundModule{FoundModule::Kind::kModule, file, file, {}, ""};
    }
    if (is_folder) return FoundModule{FoundModule::Kind::kNamespace, base, "", {base}, ""};
    return Error{ErrorKind::kNotFound, "no module " + Printable(name, 200) + " in " + Printable(folder)};
  }

  // By its name, since a file on the way is no other answer than a path that is not there.
  static bool IsInArchive(const std::string& path) {
    for (const char* end : {".zip/", ".egg/", ".whl/", ".pyz/"}) {
      if (path.find(end) != std::string::npos) return true;
    }
    return false;
  }

  // What is in an archive is not read: only whether it could be what is looked for.
  Result<FoundModule> LookInArchive(const std::string& entry, const std::string& name) const {
    Result<bool> holds = ArchiveMayHold(system_, entry, name);
    if (!holds) return holds.error();
    if (!*holds)
      return Error{ErrorKind::kNotFound, "no module " + Printable(name, 200) + " in " + Printable(entry)};
    return Error{ErrorKind::kMalformed, Printable(entry) + " on sys.path is an archive that has a " +
                                            Printable(name, 200) + " of its own, which was not examined"};
  }

  bool IsFile(const std::string& path) const {
    Result<FileStat> stat = system_.Stat(path);
    return stat && stat->type == FileType::kRegular;
  }
  const System& system_;
  std::vector<std::string> suffixes_;
};

// The first regular package or module wins; else all portions make one namespace.
Result<FoundModule> FindIn(const FolderFinder& finder, const std::vector<std::string>& folders,
                           const std::string& name) {
  FoundModule space;
  space.kind = FoundModule::Kind::kNamespace;
  std::optional<Error> unreadable;
  for (const std::string& folder : folders) {
    Result<FoundModule> found = finder.Find(folder, name);
    if (found && found->kind != FoundModule::Kind::kNamespace) {
      if (unreadable) found->doubt = unreadable->message;
      return found;
    }
    if (found) space.folders.push_back(found->path);
    // Python passes over a folder that it may not read; any other trouble leaves the answer open.
    if (!found && !found.not_found() && found.error().kind != ErrorKind::kDenied && !unreadable) {
      unreadable = found.error();
    }
  }
  if (unreadable) return *unreadable;
  if (space.folders.empty()) return Error{ErrorKind::kNotFound, "no module " + Printable(name, 200)};
  space.path = space.folders.front();
  return space;
}

// setuptools' and `editables`' finders come after sys.path.
Result<FoundModule> FindEditable(const FolderFinder& finder, const PythonEnvironment& environment,
                                 const std::string& name) {
  auto mapped = environment.editable_modules.find(name);
  if (mapped == environment.editable_modules.end()) {
    return Error{ErrorKind::kNotFound, "no module " + Printable(name, 200)};
  }
  std::string path = mapped->second;
  if (path.ends_with(".py")) path.resize(path.size() - 3);
  return finder.Find(DirName(path), BaseName(path));
}

// An __init__.py that spreads its package over all of sys.path, in the two usual ways.
bool SpreadsOverPath(const System& system, const FoundModule& package) {
  if (package.kind != FoundModule::Kind::kPackage || !package.file.ends_with(".py")) return false;
  Result<std::string> text = system.Read(package.file, 0, kInitLimit);
  return text && (text->find("extend_path(__path__") != std::string::npos ||
                  text->find("declare_namespace(__name__)") != std::string::npos);
}

std::vector<std::string> Absolute(const System& system, const std::vector<std::string>& sys_path) {
  std::vector<std::string> folders;
  for (const std::string& entry : sys_path) folders.push_back(AbsPath(entry, system.WorkingDirectory()));
  return folders;
}

// Which names of distributions usually own a module, so that one RECORD suffices: "google.protobuf" ->
// "protobuf".
bool IsLikelyOwner(const std::string& distribution, const std::string& module) {
  return distribution == module || distribution.starts_with(module + "-") ||
         distribution.ends_with("-" + module);
}

bool OwnsFile(const System& system, const InstalledDistribution& distribution, const std::string& relative) {
  Result<std::map<std::string, RecordEntry>> found = FindInRecord(system, distribution, {relative});
  return found && !found->empty();
}

bool NamesTopLevel(const System& system, const InstalledDistribution& distribution, const std::string& name) {
  Result<std::string> text = system.ReadAll(JoinPath(distribution.info, "top_level.txt"), 64 << 10);
  if (!text) return false;
  std::vector<std::string_view> lines = SplitLines(*text);
  return std::any_of(lines.begin(), lines.end(), [&](std::string_view line) { return Trim(line) == name; });
}

}  // namespace

Result<FoundModule> FindModule(const System& system, const PythonEnvironment& environment,
                               const std::string& name) {
  FolderFinder finder(system, environment);
  std::vector<std::string> sys_path = Absolute(system, environment.sys_path);
  std::vector<std::string> folders = sys_path;
  std::string dotted, doubt;
  Result<FoundModule> found = Error{ErrorKind::kNotFound, "no module"};
  for (const std::string& part : Split(name, '.')) {
    dotted += (dotted.empty() ? "" : ".") + part;
    if (part.empty()) return Error{ErrorKind::kNotFound, "not a module name: " + Printable(name, 200)};
    found = FindIn(finder, folders, part);
    auto preset = environment.preset.find(dotted);
    if (preset != environment.preset.end()) {
      // It is there before the first import: only another portion of the same namespace can add to it.
      if (!found || found->kind != FoundModule::Kind::kNamespace) {
        found = FoundModule{FoundModule::Kind::kNamespace, preset->second.front(), "", preset->second, ""};
      }
      folders = found->folders;
      continue;
    }
    if (found.not_found() || (found && found->kind == FoundModule::Kind::kNamespace)) {
      Result<FoundModule> editable = FindEditable(finder, environment, dotted);
      // A namespace found on sys.path comes before what an editable finder would say.
      if (editable && found.not_found()) found = std::move(editable);
    }
    if (!found) return found;
    if (doubt.empty()) doubt = found->doubt;
    found->doubt = doubt;
    if (SpreadsOverPath(system, *found)) {
      for (const std::string& folder : folders) {
        std::string portion = JoinPath(folder, part);
        Result<FileStat> stat = system.Stat(portion);
        bool is_new =
            std::find(found->folders.begin(), found->folders.end(), portion) == found->folders.end();
        if (is_new && stat && stat->type == FileType::kDirectory) found->folders.push_back(portion);
      }
    }
    folders = found->folders;
  }
  return found;
}

const InstalledDistribution* OwnerOf(const System& system, const Installed& installed,
                                     const FoundModule& module) {
  if (module.file.empty()) return nullptr;
  std::string name = BaseName(module.path);
  name = NormalizeName(name.substr(0, name.find('.')));
  std::vector<const InstalledDistribution*> likely, rest;
  for (const auto* list : {&installed.distributions, &installed.hidden}) {
    for (const InstalledDistribution& distribution : *list) {
      if (!module.file.starts_with(distribution.folder + "/")) continue;
      (IsLikelyOwner(distribution.name, name) ? likely : rest).push_back(&distribution);
    }
  }
  // Of likely ones the exact name first, since several TensorFlows may list the same file.
  std::stable_partition(likely.begin(), likely.end(), [&](const InstalledDistribution* distribution) {
    return distribution->name == name;
  });
  auto relative = [&](const InstalledDistribution& distribution) {
    return module.file.substr(distribution.folder.size() + 1);
  };
  for (const auto* list : {&likely, &rest}) {
    for (const InstalledDistribution* distribution : *list) {
      if (OwnsFile(system, *distribution, relative(*distribution))) return distribution;
    }
    for (const InstalledDistribution* distribution : *list) {
      if (NamesTopLevel(system, *distribution, BaseName(module.path))) return distribution;
    }
  }
  return nullptr;
}

}  // namespace tfdoctor
