#include "python/environment.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "python/archive.h"
#include "python/path.h"

namespace tfdoctor {
namespace {

constexpr size_t kConfigLimit = 1 << 20;
constexpr size_t kPthLimit = 4 << 20;  // the longest real ones list a few hundred folders
constexpr size_t kMaxPthLines = 20'000;
constexpr size_t kMaxPaths = 10'000;  // entries of sys.path
constexpr size_t kMaxPath = 4096;     // PATH_MAX
constexpr int kMaxSiteDepth = 8;      // .pth files that add folders with .pth files …
constexpr int kMaxNestedVenvs = 8;
constexpr size_t kDpkgStatusLimit = 16 << 20;

bool IsFile(const System& system, const std::string& path) {
  Result<FileStat> stat = system.Stat(path);
  return stat && stat->type == FileType::kRegular;
}
// "python3.11" -> {3, 11}; "python3.13t" has the suffix "t"; what follows ("m", "-dbg") does not matter here.
std::optional<PythonVersion> VersionFromName(std::string_view name) {
  static constexpr std::string_view kPython = "python";
  if (!name.starts_with(kPython)) return std::nullopt;
  name.remove_prefix(kPython.size());
  size_t dot = name.find('.');
  if (dot != 1 || !IsDigit(name[0]) || name.size() < 3 || !IsDigit(name[2])) return std::nullopt;
  PythonVersion version;
  version.major = name[0] - '0';
  size_t at = 2;
  for (; at < name.size() && at < 5 && IsDigit(name[at]); ++at)
    version.minor = version.minor * 10 + (name[at] - '0');
  if (at < name.size() && name[at] == 't') version.abi_suffix = "t";
  version.text = version.Dotted();
  return version;
}

// "3.11.2", "3.11.2.final.0" (virtualenv), "3.11" (uv) -> 3.11.2 or 3.11
std::optional<PythonVersion> VersionFromText(std::string_view text) {
  std::vector<std::string> parts = Split(Trim(text), '.');
  auto number = [](const std::string& part) {
    return !part.empty() && part.size() < 4 && std::all_of(part.begin(), part.end(), IsDigit);
  };
  if (parts.size() < 2 || !number(parts[0]) || !number(parts[1])) return std::nullopt;
  PythonVersion version;
  version.major = std::stoi(parts[0]);
  version.minor = std::stoi(parts[1]);
  version.text = version.Dotted();
  if (parts.size() > 2 && !parts[2].empty() && IsDigit(parts[2][0])) {
    version.has_patch = true;
    version.text += "." + parts[2];  // "0rc1" stays
  }
  return version;
}

struct FoundConfig {
  VenvConfig config;
  std::string path;  // empty: there is no pyvenv.cfg
};

// A pyvenv.cfg that cannot be read counts as none for getpath; site then stops with an error.
FoundConfig ReadConfig(const System& system, const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    std::string path = JoinPath(folder, "pyvenv.cfg");
    Result<std::string> text = system.ReadAll(path, kConfigLimit);
    if (text) return {VenvConfig::Parse(*text), path};
  }
  return {};
}

// The nearest folder from `from` up where `found` holds; like getpath's search_up never "/" itself, nor "//",
// which is its own parent, too.
template <class Predicate>
std::string SearchUp(std::string from, Predicate found) {
  if (from.size() > kMaxPath) return "";  // no kernel opens anything by that name
  for (; from.find_first_not_of('/') != std::string::npos; from = DirName(from)) {
    if (found(from)) return from;
  }
  return "";
}

// lib/pythonX.Y folders with a standard library in them.
std::vector<PythonVersion> VersionsBelow(const System& system, const std::string& prefix) {
  std::vector<PythonVersion> versions;
  Result<std::vector<DirEntry>> entries = system.List(prefix + "/lib");
  if (!entries) return versions;
  for (const DirEntry& entry : *entries) {
    std::optional<PythonVersion> version = VersionFromName(entry.name);
    if (!version || version->FolderName() != entry.name) continue;
    if (IsFile(system, prefix + "/lib/" + entry.name + "/os.py")) versions.push_back(*version);
  }
  return versions;
}

// --- patch level
// ---------------------------------------------------------------------------------------------------------

std::string DpkgVersion(const System& system, const std::string& package) {
  Result<std::string> status = system.ReadAll("/var/lib/dpkg/status", kDpkgStatusLimit);
  if (!status) return "";
  size_t at = status->find("\nPackage: " + package + "\n");
  if (at == std::string::npos) return "";
  size_t end = status->find("\n\n", at);
  static constexpr std::string_view kVersion = "\nVersion: ";
  size_t version = status->find(kVersion, at + 1);
  if (version == std::string::npos || version > end) return "";
  version += kVersion.size();
  return status->substr(version, status->find_first_of("-\n", version) - version);
}

// Adds the patch level where something tells it.
void AddPatchLevel(const System& system, const std::string& base_prefix, const FoundConfig& venv,
                   PythonVersion& version) {
  auto take = [&](std::string_view text, const std::string& from) {
    std::optional<PythonVersion> told = VersionFromText(text);
    if (version.has_patch || !told || !told->has_patch || told->Dotted() != version.Dotted()) return;
    version.has_patch = true;
    version.text = told->text;
    version.from = from;
  };
  std::string header = base_prefix + "/include/" + version.FolderName() + "/patchlevel.h";
  if (Result<std::string> text = system.ReadAll(header, kConfigLimit)) {
    static constexpr std::string_view kKey = "#define PY_VERSION";
    size_t at = text->find(kKey);
    size_t quote = at == std::string::npos ? at : text->find('"', at);
    if (quote != std::string::npos)
      take(text->substr(quote + 1, text->find('"', quote + 1) - quote - 1), header);
  }
  if (version.has_patch) return;
  // pyenv: versions/3.11.7; uv: cpython-3.11.7-linux-x86_64-gnu
  std::string folder = BaseName(base_prefix);
  if (folder.starts_with("cpython-")) folder = folder.substr(8, folder.find('-', 8) - 8);
  take(folder, base_prefix);
  for (const char* key : {"version_info", "version"}) {
    if (std::optional<std::string> text = venv.config.Get(key)) take(*text, venv.path);
  }
  if (version.has_patch) return;
  if (Result<std::vector<DirEntry>> entries = system.List(base_prefix + "/conda-meta")) {
    for (const DirEntry& entry : *entries) {
      if (!entry.name.starts_with("python-") || entry.name.size() < 8 || !IsDigit(entry.name[7])) continue;
      take(entry.name.substr(7, entry.name.find('-', 7) - 7), base_prefix + "/conda-meta/" + entry.name);
    }
  }
  if (!version.has_patch && base_prefix == "/usr") {
    take(DpkgVersion(system, version.FolderName() + "-minimal"), "/var/lib/dpkg/status");
  }
}

// --- site.py
// ---------------------------------------------------------------------------------------------------------------

// What differs between site.py of different releases and distributors, read from its text rather than guessed
// from a version, since both are backported.
struct SiteStyle {
  bool debian = false;        // dist-packages
  bool modern_pth = false;    // reads .pth as "utf-8-sig" (3.13)
  bool skips_hidden = false;  // leaves out ".x.pth" (3.13, backported)
};

SiteStyle ReadSiteStyle(const System& system, const std::string& stdlib, const PythonVersion& version) {
  SiteStyle style;
  Result<std::string> text = system.ReadAll(stdlib + "/site.py", kConfigLimit);
  if (!text) {  // a standard library of compiled files only
    style.modern_pth = style.skips_hidden = version.AtLeast(3, 13);
    return style;
  }
  style.debian = text->find("\"dist-packages\"") != std::string::npos;
  style.modern_pth = text->find("\"utf-8-sig\"") != std::string::npos;
  style.skips_hidden = text->find("not name.startswith(\".\")") != std::string::npos;
  return style;
}

// Whether a sitecustomize.py can be ignored: nothing but comments, what coverage's manual says, or Debian's.
bool IsHarmlessCustomize(std::string_view text) {
  bool code = false;
  for (std::string_view line : SplitLines(text)) {
    std::string_view trimmed = Trim(line);
    bool coverage = trimmed == "import coverage" || trimmed == "coverage.process_startup()" ||
                    trimmed == "import coverage; coverage.process_startup()";
    code = code || !(trimmed.empty() || trimmed.starts_with('#') || coverage);
  }
  return !code || (text.size() < 400 && text.find("apport_python_hook.install()") != std::string_view::npos &&
                   text.find("sys") == std::string_view::npos);
}

constexpr const char* kRunsAtStart = " runs at each start of Python and may change sys.path";

// A sitecustomize that a tool puts before the user's own, with PYTHONPATH: it watches the program, then hands
// over to the next of this name.
bool StandsBefore(std::string_view file) {
  for (const char* end : {"/ddtrace/bootstrap/sitecustomize.py", "/newrelic/bootstrap/sitecustomize.py",
                          "/opentelemetry/instrumentation/auto_instrumentation/sitecustomize.py",
                          "/pycharm_matplotlib_backend/sitecustomize.py"}) {
    if (file.ends_with(end)) return true;
  }
  return false;
}

class Predictor {
 public:
  // -I stands for -E, -P and -s.
  Predictor(const System& system, const Interpreter& interpreter, const std::string& flags)
      : system_(system),
        interpreter_(interpreter),
        isolated_(flags.find('I') != std::string::npos),
        ignores_environment_(isolated_ || flags.find('E') != std::string::npos),
        safe_path_(isolated_ || flags.find('P') != std::string::npos),
        no_user_site_(isolated_ || flags.find('s') != std::string::npos),
        no_site_(flags.find('S') != std::string::npos) {}

  Result<PythonEnvironment> Run(const std::string& script) {
    Result<PythonVersion> version = InterpreterVersion(system_, interpreter_);
    if (!version) return version.error();
    env_.version = *version;
    if (!env_.version.AtLeast(3, 0)) {
      return Error{ErrorKind::kMalformed,
                   "Python " + env_.version.text + " is too old for TensorFlow 2 and is not examined"};
    }
    bool isolated = ReadPthOverride();
    if (!isolated) {
      FindPrefixes();
      if (std::optional<Error> error = CheckStandardLibrary()) return *error;
      AddBasePaths();
    }
    style_ = ReadSiteStyle(system_, env_.stdlib, env_.version);
    RemoveDuplicates();
    if (!no_site_ && (!isolated || pth_imports_site_)) RunSite(isolated);
    AddPatchLevel(system_, env_.base_prefix, site_config_, env_.version);
    env_.kind = Kind();
    AddScriptFolder(script, isolated);
    return std::move(env_);
  }

 private:
  // PYTHON* variables count only when they are not empty.
  std::string Variable(const char* name) const {
    return ignores_environment_ ? "" : system_.Env(name).value_or("");
  }
  std::string Absolute(const std::string& path) const { return AbsPath(path, system_.WorkingDirectory()); }
  std::string LibFolder() const { return env_.version.FolderName(); }

  // getpath of 3.11 and newer: PROGRAM._pth beside the program replaces everything.
  bool ReadPthOverride() {
    if (!env_.version.AtLeast(3, 11)) return false;
    for (const std::string& program : {interpreter_.path, interpreter_.real}) {
      Result<std::string> text = system_.ReadAll(program + "._pth", kConfigLimit);
      if (!text) continue;
      std::string folder = DirName(program);
      for (std::string_view line : SplitLines(*text)) {
        line = Trim(line.substr(0, line.find('#')));
        if (line == "import site") {
          pth_imports_site_ = true;
        } else if (!line.empty() && !line.starts_with("import ") && env_.sys_path.size() < kMaxPaths) {
          env_.sys_path.push_back(JoinPath(folder, line));
        }
      }
      env_.base_prefix = env_.base_exec_prefix = env_.prefix = folder;
      env_.stdlib = folder + "/lib/" + LibFolder();
      return true;
    }
    return false;
  }

  bool HasLandmark(const std::string& prefix, const std::string& libdir) const {
    std::string stdlib = prefix + "/" + libdir + "/" + LibFolder();
    return IsFile(system_, stdlib + "/os.py") || IsFile(system_, stdlib + "/os.pyc");
  }

  // Fedora and openSUSE build Python with lib64 (3.9 and newer: sys.platlibdir).
  std::string SearchStandardLibrary(const std::string& from) {
    std::string stated = env_.version.AtLeast(3, 9) ? Variable("PYTHONPLATLIBDIR") : "";
    if (!stated.empty()) {
      platlibdir_ = stated;
      return SearchUp(from, [&](const std::string& folder) { return HasLandmark(folder, platlibdir_); });
    }
    return SearchUp(from, [&](const std::string& folder) {
      // In an environment lib64 is only a link to lib.
      for (const char* libdir : {"lib", "lib64"}) {
        platlibdir_ = libdir;
        if (HasLandmark(folder, libdir)) return true;
      }
      return false;
    });
  }

  void FindPrefixes() {
    std::string home = Variable("PYTHONHOME");
    std::string real_folder = DirName(interpreter_.real);
    std::string start = real_folder;
    if (home.empty()) {
      // Since 3.11 pyvenv.cfg is looked for beside the program as it was called, before beside the file
      // behind links.
      std::string folder = env_.version.AtLeast(3, 11) ? DirName(interpreter_.path) : real_folder;
      std::vector<std::string> folders = {DirName(folder), folder};
      if (!env_.version.AtLeast(3, 11)) std::reverse(folders.begin(), folders.end());
      FoundConfig config = ReadConfig(system_, folders);
      if (std::optional<std::string> stated = config.config.Get("home"); stated && !stated->empty()) {
        start = Absolute(*stated);
        config_home_ = config.path;
      }
      env_.base_prefix = SearchStandardLibrary(start);
      if (env_.base_prefix.empty()) env_.base_prefix = CompiledPrefix(config);
      env_.base_exec_prefix = SearchUp(start, [&](const std::string& at) {
        return system_.IsDirectory(at + "/" + platlibdir_ + "/" + LibFolder() + "/lib-dynload");
      });
      if (env_.base_exec_prefix.empty()) env_.base_exec_prefix = env_.base_prefix;
    } else {
      size_t colon = home.find(':');
      env_.base_prefix = home.substr(0, colon);
      env_.base_exec_prefix = colon == std::string::npos ? env_.base_prefix : home.substr(colon + 1);
      platlibdir_ =
          HasLandmark(env_.base_prefix, "lib") || !HasLandmark(env_.base_prefix, "lib64") ? "lib" : "lib64";
    }
    env_.prefix = env_.base_prefix;
    env_.stdlib = JoinPath(env_.base_prefix, platlibdir_ + "/" + LibFolder());
  }

  // Where nothing is found from the stated home, Python uses the prefix that it was built with. That stands
  // in the program; where the interpreter lies that this one was copied from is nearly always the same.
  std::string CompiledPrefix(FoundConfig config) {
    std::string real_folder = DirName(interpreter_.real);
    std::string found = SearchStandardLibrary(real_folder);
    if (config.path.empty()) config = ReadConfig(system_, {DirName(real_folder), real_folder});
    std::string stated_in = config.path.empty() ? interpreter_.path : config.path;
    // An environment made from an environment names that one as its home, which has a pyvenv.cfg, too.
    for (int i = 0; i < kMaxNestedVenvs && found.empty() && !config.path.empty(); ++i) {
      std::string home = Absolute(config.config.Get("home").value_or(""));
      for (const std::string& start : {home, DirName(config.config.Get("executable").value_or("")),
                                       config.config.Get("base-prefix").value_or("")}) {
        if (found.empty() && start.starts_with('/')) found = SearchStandardLibrary(start);
      }
      config = ReadConfig(system_, {DirName(home), home});
    }
    for (const char* usual : {"/usr/local", "/usr"}) {
      if (found.empty()) found = SearchStandardLibrary(usual);
    }
    if (!found.empty()) {
      env_.unread.push_back(Printable(stated_in) +
                            ": its base folder has no standard library; assumed the one in " +
                            Printable(found));
    }
    return found;
  }

  std::optional<Error> CheckStandardLibrary() const {
    if (!env_.base_prefix.empty() && HasLandmark(Absolute(env_.base_prefix), platlibdir_))
      return std::nullopt;
    std::string why;
    ErrorKind kind = ErrorKind::kMalformed;
    if (std::string home = Variable("PYTHONHOME"); !home.empty()) {
      // A standard library may also lie in an archive.
      const std::string zip = JoinPath(Absolute(env_.base_prefix), platlibdir_ + "/python") +
                              std::to_string(env_.version.major) + std::to_string(env_.version.minor) +
                              env_.version.abi_suffix + ".zip";
      if (system_.Stat(zip).not_found()) kind = ErrorKind::kNotFound;
      why = "PYTHONHOME=" + Printable(home, 200) + " has no " + platlibdir_ + "/" + LibFolder() + "/os.py";
    } else if (!config_home_.empty()) {
      why = "the home in " + Printable(config_home_) + " has no standard library of Python " +
            env_.version.Dotted();
    } else {
      why = "its standard library (" + LibFolder() + "/os.py) was not found";
    }
    return Error{kind, Printable(interpreter_.path) + " would not start: " + why};
  }

  void AddBasePaths() {
    if (std::string stated = Variable("PYTHONPATH"); !stated.empty()) {
      for (const std::string& entry : Split(stated, ':')) {
        if (env_.sys_path.size() < kMaxPaths) env_.sys_path.push_back(entry);
      }
    }
    if (!ignores_environment_ && !system_.KnowsVariable("PYTHONPATH"))
      env_.unread.push_back("the environment variable PYTHONPATH is not known");
    std::string lib = JoinPath(env_.base_prefix, platlibdir_);
    env_.sys_path.push_back(lib + "/python" + std::to_string(env_.version.major) +
                            std::to_string(env_.version.minor) + env_.version.abi_suffix + ".zip");
    env_.sys_path.push_back(env_.stdlib);
    env_.sys_path.push_back(
        JoinPath(env_.base_exec_prefix, platlibdir_ + "/" + LibFolder() + "/lib-dynload"));
  }

  void RemoveDuplicates() {
    std::vector<std::string> all = std::move(env_.sys_path);
    env_.sys_path.clear();
    for (const std::string& entry : all) Append(Absolute(entry));
  }

  bool Append(const std::string& absolute) {
    if (env_.sys_path.size() >= kMaxPaths || !known_.insert(absolute).second) return false;
    env_.sys_path.push_back(absolute);
    return true;
  }

  void RunSite(bool isolated) {
    std::vector<std::string> prefixes = {Absolute(env_.base_prefix), Absolute(env_.base_exec_prefix)};
    bool user_site = !isolated && !no_user_site_ && Variable("PYTHONNOUSERSITE").empty();
    std::string program_folder = DirName(interpreter_.path);
    site_config_ = ReadConfig(system_, {program_folder, DirName(program_folder)});
    if (!site_config_.path.empty()) {
      if (!site_config_.config.utf8)
        env_.unread.push_back(Printable(site_config_.path) + " is not UTF-8: Python stops");
      env_.prefix = DirName(program_folder);
      AddSitePackages({env_.prefix});
      if (Lower(site_config_.config.Get("include-system-site-packages").value_or("true")) == "true") {
        prefixes.insert(prefixes.begin(), env_.prefix);
      } else {
        prefixes = {env_.prefix};
        user_site = false;
      }
    }
    if (user_site) {
      std::string folder = UserSite();
      if (system_.IsDirectory(folder)) AddSiteFolder(folder, 0);
    }
    AddSitePackages(prefixes);
    NoteCustomize("sitecustomize");
    if (user_site) NoteCustomize("usercustomize");
  }

  // site.getusersitepackages()
  std::string UserSite() const {
    // site.py reads this one whatever -E says.
    std::string base = system_.Env("PYTHONUSERBASE").value_or("");
    if (base.empty()) base = JoinPath(HomeFolder(), ".local");
    return Absolute(base + "/lib/" + LibFolder() + "/site-packages");
  }

  // os.path.expanduser("~")
  std::string HomeFolder() const {
    if (std::optional<std::string> home = system_.Env("HOME")) {
      size_t last = home->find_last_not_of('/');
      return last == std::string::npos ? "/" : home->substr(0, last + 1);
    }
    Result<std::string> users = system_.ReadAll("/etc/passwd", kConfigLimit);
    if (!users) return "~";
    for (std::string_view line : SplitLines(*users)) {
      std::vector<std::string> fields = Split(line, ':');
      if (fields.size() >= 6 && fields[2] == std::to_string(system_.EffectiveUser())) return fields[5];
    }
    return "~";
  }

  // site.getsitepackages(), CPython's and Debian's
  void AddSitePackages(const std::vector<std::string>& prefixes) {
    std::set<std::string> seen;
    bool is_virtual = env_.prefix != env_.base_prefix;
    std::vector<std::string> libdirs = {platlibdir_};
    if (platlibdir_ != "lib") libdirs.push_back("lib");
    for (const std::string& prefix : prefixes) {
      if (prefix.empty() || !seen.insert(prefix).second) continue;
      std::vector<std::string> folders;
      if (style_.debian) {
        std::string python = "python" + env_.version.Dotted();
        if (is_virtual) folders.push_back("lib/" + python + "/site-packages");
        folders.push_back("local/lib/" + python + "/dist-packages");
        folders.push_back("lib/python3/dist-packages");
        for (const std::string& libdir : libdirs) folders.push_back(libdir + "/" + python + "/dist-packages");
      } else {
        for (const std::string& libdir : libdirs)
          folders.push_back(libdir + "/" + LibFolder() + "/site-packages");
      }
      for (const std::string& folder : folders) {
        std::string path = JoinPath(prefix, folder);
        if (system_.IsDirectory(path)) AddSiteFolder(path, 0);
      }
    }
  }

  // site.addsitedir(): also a folder that is known already has its .pth files read (again).
  void AddSiteFolder(const std::string& path, int depth) {
    std::string folder = Absolute(path);
    Append(folder);
    if (std::find(env_.site_folders.begin(), env_.site_folders.end(), folder) == env_.site_folders.end()) {
      env_.site_folders.push_back(folder);
    }
    if (depth > kMaxSiteDepth) {
      env_.unread.push_back(Printable(folder) + ": .pth files nested too deeply");
      return;
    }
    // Python reads the .pth files of a folder each time that a rule names it; the second time adds nothing
    // new.
    if (!read_site_folders_.insert(folder).second) return;
    Result<std::vector<DirEntry>> entries = system_.List(folder);
    if (!entries) {
      // Python passes over a folder that it may not list; what would be there is the user's to know.
      ErrorKind kind = entries.error().kind;
      if (kind == ErrorKind::kDenied) {
        env_.passed_over.push_back(entries.error().message);
      } else if (kind != ErrorKind::kNotFound && kind != ErrorKind::kWrongType) {
        env_.unread.push_back(entries.error().message);
      }
      return;
    }
    for (const DirEntry& entry : *entries) {
      if (!entry.name.ends_with(".pth") || (style_.skips_hidden && entry.name.starts_with('.'))) continue;
      ReadPthFile(folder, entry.name, depth);
    }
  }

  // addsitedir() called from a .pth file: it knows what is on sys.path by then, and site does not learn what
  // it adds.
  void AddForeignSiteFolder(const std::string& path, int depth) {
    std::set<std::string> known = known_;
    known_.clear();
    for (const std::string& entry : env_.sys_path) {
      if (system_.Exists(entry)) known_.insert(entry);
    }
    AddSiteFolder(path, depth);
    known_ = std::move(known);
  }

  void ReadPthFile(const std::string& folder, const std::string& name, int depth) {
    std::string path = JoinPath(folder, name);
    Result<std::string> bytes = system_.ReadAll(path, kPthLimit);
    if (!bytes && bytes.error().kind == ErrorKind::kTooLarge) {
      env_.unread.push_back(Printable(path) + " is larger than 4 MiB; what follows was not read");
      bytes = system_.Read(path, 0, kPthLimit);
      // The last line is not whole.
      if (bytes)
        bytes->resize(bytes->find_last_of("\r\n") == std::string::npos ? 0 : bytes->find_last_of("\r\n"));
    }
    if (!bytes) {
      // Python, too, passes over a .pth file that it may not read.
      if (bytes.error().kind != ErrorKind::kNotFound && bytes.error().kind != ErrorKind::kDenied) {
        env_.unread.push_back(bytes.error().message);
      }
      return;
    }
    PthFile file = ParsePth(*bytes, style_.modern_pth);
    if (!file.utf8) {
      env_.unread.push_back(Printable(path) + " is not UTF-8: Python stops there with an error");
      return;
    }
    if (file.lines.size() > kMaxPthLines) {
      env_.unread.push_back(Printable(path) + " has too many lines to look at each");
      file.lines.resize(kMaxPthLines);
    }
    for (const PthLine& line : file.lines) {
      if (line.is_import) {
        // Code that fails ends the file: "Remainder of file ignored".
        if (!RunPthCode(folder, path, line.text, depth)) return;
      } else if (line.text.find('\0') == std::string::npos) {
        std::string target = AbsPath(JoinPath(folder, line.text), system_.WorkingDirectory());
        if (!known_.contains(target) && system_.Exists(target)) Append(target);
      }
    }
  }

  // False: it fails.
  bool RunPthCode(const std::string& folder, const std::string& file, const std::string& line, int depth) {
    KnownPthCode known = RecognisePthCode(line);
    switch (known.code) {
      case PthCode::kNothing:
        return true;
      case PthCode::kNamespace:
        return AddNamespace(folder, known.argument, line);
      case PthCode::kEggBegin:
        egg_begin_ = env_.sys_path.size();
        return true;
      case PthCode::kEggEnd:
        MoveEggs();
        return true;
      case PthCode::kAddSiteFolder:
        AddForeignSiteFolder(known.argument, depth + 1);
        return true;
      case PthCode::kEditable:
        if (AddEditable(folder, known.argument)) return true;
        break;
      case PthCode::kUnknown:
        break;
    }
    env_.unread.push_back(Printable(file) + " runs code that was not understood: " + Printable(line, 80));
    return true;
  }

  // `p=getattr(sys,'__egginsert',0); sys.path[p:p]=new; sys.__egginsert = p+len(new)`
  void MoveEggs() {
    if (egg_begin_ > env_.sys_path.size()) return;
    auto at = env_.sys_path.begin();
    auto begin = at + static_cast<std::ptrdiff_t>(egg_begin_);
    size_t moved = env_.sys_path.size() - egg_begin_;
    if (egg_insert_ <= egg_begin_)
      std::rotate(at + static_cast<std::ptrdiff_t>(egg_insert_), begin, env_.sys_path.end());
    egg_insert_ += moved;
  }

  // It puts the package into sys.modules with this folder on its __path__; without the folder it fails. The
  // oldest form leaves a folder with an __init__.py to the first import.
  bool AddNamespace(const std::string& folder, const std::string& name, const std::string& line) {
    std::string portion = folder;
    for (const std::string& part : Split(name, '.')) portion = JoinPath(portion, part);
    const bool oldest = line.find("ie = os.path.exists(") != std::string::npos;
    if (!system_.IsDirectory(portion)) return oldest || IsFile(system_, portion + ".py");
    if (oldest && system_.Exists(portion + "/__init__.py")) return true;
    std::vector<std::string>& portions = env_.preset[name];
    if (std::find(portions.begin(), portions.end(), portion) == portions.end()) portions.push_back(portion);
    return true;
  }

  bool AddEditable(const std::string& folder, const std::string& module) {
    Result<std::string> source = system_.ReadAll(JoinPath(folder, module + ".py"), kConfigLimit);
    if (!source) return false;
    if (IsFinderOfAnotherProject(*source)) return true;
    std::optional<EditableFinder> finder = ParseEditableFinder(*source);
    if (!finder) return false;
    for (const auto& [name, path] : finder->modules) env_.editable_modules.emplace(name, path);
    // The finder appends this without asking what is known already.
    if (!finder->path_placeholder.empty()) env_.sys_path.push_back(finder->path_placeholder);
    return true;
  }

  void NoteCustomize(const std::string& module) {
    for (const std::string& entry : env_.sys_path) {
      std::string folder = Absolute(entry);
      // Of a file Python reads the list of what is in it.
      if (IsFile(system_, folder) && ArchiveMayHold(system_, folder, module).value_or(false)) {
        env_.unread.push_back("the " + module + " in " + Printable(folder) + kRunsAtStart);
        return;
      }
      for (const std::string& file :
           {folder + "/" + module + "/__init__.py", folder + "/" + module + ".py"}) {
        Result<std::string> text = system_.ReadAll(file, kConfigLimit);
        if (text.not_found() || (!text && text.error().kind == ErrorKind::kWrongType)) continue;
        if (StandsBefore(file)) break;
        // Python says that it may not read it, and goes on.
        if (!text && text.error().kind == ErrorKind::kDenied) {
          env_.passed_over.push_back(text.error().message);
        } else if (!text || !IsHarmlessCustomize(*text)) {
          env_.unread.push_back(Printable(file) + kRunsAtStart);
        }
        return;
      }
    }
  }

  std::string Kind() const {
    if (!site_config_.path.empty()) {
      if (site_config_.config.Get("uv")) return "uv";
      if (site_config_.config.Get("virtualenv")) return "virtualenv";
      return "venv";
    }
    if (system_.IsDirectory(env_.prefix + "/conda-meta")) return "conda";
    std::string above = DirName(env_.prefix);
    if (BaseName(above) == "versions" && (BaseName(DirName(above)).find("pyenv") != std::string::npos ||
                                          DirName(above) == system_.Env("PYENV_ROOT"))) {
      return "pyenv";
    }
    if (BaseName(env_.prefix).starts_with("cpython-") && BaseName(above) == "python") return "uv-managed";
    return env_.prefix == "/usr" ? "system" : "standalone";
  }

  // Comes last, after site: so it may be there twice.
  void AddScriptFolder(const std::string& script, bool isolated) {
    if (isolated || safe_path_ || (env_.version.AtLeast(3, 11) && !Variable("PYTHONSAFEPATH").empty()))
      return;
    std::string first;
    if (!script.empty()) {
      // Python takes the folder of the file behind links; a folder or an archive is itself the entry.
      std::string absolute = Absolute(script);
      std::string real = system_.RealPath(absolute).value_or(absolute);
      bool runs_inside = system_.IsDirectory(real) || real.ends_with(".zip") || real.ends_with(".pyz");
      first = runs_inside ? absolute : DirName(real);
    }
    env_.sys_path.insert(env_.sys_path.begin(), first);
  }

  const System& system_;
  const Interpreter& interpreter_;
  bool isolated_;
  bool ignores_environment_;
  bool safe_path_;
  bool no_user_site_;
  bool no_site_;
  PythonEnvironment env_;
  SiteStyle style_;
  FoundConfig site_config_;
  std::string config_home_;
  std::string platlibdir_ = "lib";
  std::set<std::string> known_;
  std::set<std::string> read_site_folders_;
  size_t egg_begin_ = 0;
  size_t egg_insert_ = 0;
  bool pth_imports_site_ = false;
};

}  // namespace

Result<PythonVersion> InterpreterVersion(const System& system, const Interpreter& interpreter) {
  // The file behind the links tells the truth even where pyvenv.cfg is older than an upgrade of the base.
  for (const std::string& path : {interpreter.real, interpreter.path}) {
    if (std::optional<PythonVersion> version = VersionFromName(BaseName(path))) {
      version->from = path;
      return *version;
    }
  }
  std::string folder = DirName(interpreter.path), real_folder = DirName(interpreter.real);
  FoundConfig config = ReadConfig(system, {DirName(folder), folder, DirName(real_folder), real_folder});
  for (const char* key : {"version_info", "version"}) {
    std::optional<std::string> text = config.config.Get(key);
    std::optional<PythonVersion> version = text ? VersionFromText(*text) : std::nullopt;
    if (!version) continue;
    version->has_patch = false;  // decided later, with better sources first
    version->text = version->Dotted();
    version->from = config.path;
    return *version;
  }
  for (std::string at = DirName(interpreter.real); at.find_first_not_of('/') != std::string::npos;
       at = DirName(at)) {
    std::vector<PythonVersion> versions = VersionsBelow(system, at);
    if (versions.size() > 1) break;
    if (versions.size() == 1) {
      versions[0].from = at + "/lib/" + versions[0].FolderName();
      return versions[0];
    }
  }
  return Error{ErrorKind::kMalformed, "the version of " + Printable(interpreter.path) + " could not be told"};
}

Result<PythonEnvironment> PredictEnvironment(const System& system, const Interpreter& interpreter,
                                             const std::string& script, const std::string& flags) {
  return Predictor(system, interpreter, flags).Run(script);
}

MarkerVariables MarkersOf(const System& system, const PythonEnvironment& environment) {
  MarkerVariables variables = MarkersOnLinux(system.Machine(), environment.version.Dotted());
  if (environment.version.has_patch) {
    variables["python_full_version"] = environment.version.text;
    variables["implementation_version"] = environment.version.text;
  }
  return variables;
}

Result<bool> MakesEnvironments(const System& system, const PythonEnvironment& environment) {
  Result<FileStat> found = system.Stat(environment.stdlib + "/ensurepip/__init__.py");
  if (!found.ok() && !found.not_found()) return found.error();
  return found.ok();
}

}  // namespace tfdoctor
