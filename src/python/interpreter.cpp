#include "python/interpreter.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "python/path.h"

namespace tfdoctor {
namespace {

constexpr size_t kScriptLimit = 64 << 10;  // shims are a few hundred bytes
constexpr size_t kHead = 4096;             // tells a program from a script
constexpr int kMaxShims = 4;               // a shim that starts a wrapper that starts …

bool IsExecutableFile(const System& system, const std::string& path) {
  Result<FileStat> stat = system.Stat(path);
  return stat && stat->type == FileType::kRegular && system.MayAccess(path, Access::kExecute).value_or(false);
}

// Without PATH a shell takes a default of its own; this is bash's on Debian.
std::string SearchPath(const System& system) {
  return system.Env("PATH").value_or("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
}

// Why a file that the user named cannot be started; nullopt: it can.
std::optional<Error> WhyNotStartable(const System& system, const std::string& path) {
  Result<FileStat> stat = system.Stat(path);
  if (!stat) {
    if (stat.not_found()) {
      if (Result<std::string> target = system.ReadLink(path)) {
        return Error{ErrorKind::kNotFound,
                     Printable(path) + " is a broken link: " + Printable(*target) + " does not exist"};
      }
      return Error{ErrorKind::kNotFound, "there is no " + Printable(path)};
    }
    return stat.error();
  }
  if (stat->type != FileType::kRegular)
    return Error{ErrorKind::kWrongType, Printable(path) + " is not a file"};
  Result<bool> may = system.MayAccess(path, Access::kExecute);
  if (!may) return may.error();
  if (!*may) return Error{ErrorKind::kDenied, Printable(path) + " is not executable for this user"};
  return std::nullopt;
}

// --- pyenv: libexec/pyenv-version-file, pyenv-version-file-read, pyenv-which and pyenv-latest of pyenv 2.4
// ------------

struct PyenvChoice {
  std::vector<std::string> versions;
  std::string from;  // who chose: "PYENV_VERSION", a file
};

std::vector<std::string> ReadVersionFile(const std::string& text) {
  std::vector<std::string> versions;
  for (std::string_view line : SplitLines(text)) {
    std::vector<std::string_view> words = SplitWords(line);
    if (words.empty() || words[0].starts_with('#')) continue;
    if (words[0] == ".." || words[0].find('/') != std::string_view::npos)
      continue;  // pyenv refuses these, too
    versions.emplace_back(words[0]);
  }
  return versions;
}

PyenvChoice ChoosePyenv(const System& system, const std::string& root) {
  if (std::optional<std::string> stated = system.Env("PYENV_VERSION"); stated && !stated->empty()) {
    return {Split(*stated, ':'), "PYENV_VERSION"};
  }
  std::string folder = system.WorkingDirectory();
  std::string file;
  while (true) {
    std::string candidate = JoinPath(folder, ".python-version");
    Result<FileStat> stat = system.Stat(candidate);
    if (stat && stat->type == FileType::kRegular) {
      file = candidate;
      break;
    }
    if (folder.empty() || folder == "/") break;
    folder = DirName(folder);
  }
  if (file.empty()) file = root + "/version";
  Result<std::string> text = system.ReadAll(file, kScriptLimit);
  PyenvChoice choice;
  if (text) choice = {ReadVersionFile(*text), Printable(file)};
  if (choice.versions.empty()) choice = {{"system"}, "pyenv's default"};
  return choice;
}

bool IsUnfinishedRelease(std::string_view name) {
  if (name.ends_with("-dev") || name.ends_with("-src") || name.ends_with("-latest")) return true;
  size_t digits = name.find_last_not_of("0123456789");
  if (digits == std::string_view::npos || digits + 1 == name.size()) return false;
  return name[digits] == 'a' || name[digits] == 'b' || name.substr(0, digits + 1).ends_with("rc");
}

// "3.11" -> the newest installed 3.11.x.
std::string NewestInstalled(const System& system, const std::string& root, std::string prefix) {
  bool threaded = prefix.size() > 1 && prefix.back() == 't' && prefix[prefix.size() - 2] >= '0' &&
                  prefix[prefix.size() - 2] <= '9';
  if (threaded) prefix.pop_back();
  Result<std::vector<DirEntry>> entries = system.List(root + "/versions");
  std::string best;
  if (!entries) return best;
  for (const DirEntry& entry : *entries) {
    std::string_view name = entry.name;
    if (name.size() <= prefix.size() || !name.starts_with(prefix)) continue;
    if (name[prefix.size()] != '.' && name[prefix.size()] != '-') continue;
    bool is_threaded = name.ends_with("t");
    if (is_threaded != threaded || IsUnfinishedRelease(name)) continue;
    if (best.empty() || CompareVersions(best, name) < 0) best = name;
  }
  return best;
}

std::string PyenvFolder(const System& system, const std::string& root, const std::string& version) {
  std::string plain = version.starts_with("python-") ? version.substr(7) : version;
  for (const std::string& name : {version, plain}) {
    std::string folder = root + "/versions/" + name;
    if (!name.empty() && system.IsDirectory(folder)) return folder;
  }
  for (const std::string& name : {version, plain}) {
    std::string newest = name.empty() ? "" : NewestInstalled(system, root, name);
    if (!newest.empty()) return root + "/versions/" + newest;
  }
  return "";
}

std::string PathWithout(const System& system, const std::string& folder) {
  std::vector<std::string> kept;
  for (const std::string& entry : Split(SearchPath(system), ':')) {
    if (entry != folder) kept.push_back(entry);
  }
  return Join(kept, ":");
}

Result<std::string> ResolvePyenv(const System& system, const std::string& shim, const std::string& root,
                                 std::string* how) {
  PyenvChoice choice = ChoosePyenv(system, root);
  std::string program = BaseName(shim);
  std::vector<std::string> versions = choice.versions;
  versions.push_back("system");  // pyenv falls back to it
  for (const std::string& version : versions) {
    std::string candidate;
    if (version == "system") {
      candidate = FindOnPath(system, PathWithout(system, root + "/shims"), program);
    } else if (std::string folder = PyenvFolder(system, root, version); !folder.empty()) {
      candidate = folder + "/bin/" + program;
    }
    if (candidate.empty() || !IsExecutableFile(system, candidate)) continue;
    *how += ", pyenv shim (" + Printable(version, 80) + " by " + choice.from + ")";
    return candidate;
  }
  return Error{ErrorKind::kNotFound, "pyenv chooses " + Printable(Join(choice.versions, ":"), 200) + " (by " +
                                         choice.from + "), which has no " + Printable(program, 80)};
}

// --- other scripts that stand in for an interpreter
// --------------------------------------------------------------------

// The text between the quotes of `export PYENV_ROOT="…"`.
std::string PyenvRoot(const System& system, const std::string& script) {
  static constexpr std::string_view kKey = "export PYENV_ROOT=\"";
  size_t begin = script.find(kKey);
  if (begin != std::string::npos) {
    begin += kKey.size();
    size_t end = script.find('"', begin);
    if (end != std::string::npos) return script.substr(begin, end - begin);
  }
  return system.Env("PYENV_ROOT").value_or(system.Env("HOME").value_or("") + "/.pyenv");
}

// The program of a wrapper whose only command is `exec /path/of/python "$@"`.
std::string WrappedProgram(const std::string& script) {
  std::string program;
  for (std::string_view line : SplitLines(script)) {
    line = Trim(line);
    if (line.empty() || line.starts_with('#')) continue;
    std::vector<std::string_view> words = SplitWords(line);
    if (words.size() != 3 || words[0] != "exec" || words[2] != "\"$@\"" || !program.empty()) return "";
    std::string_view word = words[1];
    if (word.size() > 2 && (word[0] == '"' || word[0] == '\'') && word.back() == word[0]) {
      word = word.substr(1, word.size() - 2);
    }
    if (!word.starts_with('/') || word.find_first_of("$`\"'\\*?~") != std::string_view::npos) return "";
    program = word;
  }
  return program;
}

bool LooksLikePython(std::string_view file_name) {
  return file_name.find("python") != std::string_view::npos;
}

// What starting `path` starts in the end.
Result<std::string> FollowShims(const System& system, std::string path, std::string* how) {
  for (int i = 0; i < kMaxShims; ++i) {
    if (std::optional<Error> error = WhyNotStartable(system, path)) return *error;
    Result<std::string> head = system.Read(path, 0, kHead);
    if (head && head->size() == kHead && head->starts_with("#!")) head = system.Read(path, 0, kScriptLimit);
    if (!head) {
      // A program may be executable without being readable; its name then has to do.
      if (head.error().kind == ErrorKind::kDenied && LooksLikePython(BaseName(path))) return path;
      return head.error();
    }
    if (head->starts_with("\x7f"
                          "ELF"))
      return path;
    if (!head->starts_with("#!")) {
      return Error{ErrorKind::kMalformed, Printable(path) + " is neither a program nor a script"};
    }
    if (head->find("pyenv") != std::string::npos) {
      Result<std::string> next = ResolvePyenv(system, path, PyenvRoot(system, *head), how);
      if (!next) return next;
      path = *next;
      continue;
    }
    std::string next = WrappedProgram(*head);
    if (next.empty()) {
      bool asdf = head->find("asdf exec") != std::string::npos;
      return Error{ErrorKind::kMalformed,
                   Printable(path) +
                       (asdf ? " is a shim of asdf; pass what `asdf which python` prints with --python"
                             : " is a script that we do not understand; pass the interpreter itself with "
                               "--python")};
    }
    *how += ", wrapper script " + Printable(path);
    path = NormPath(next);
  }
  return Error{ErrorKind::kLoop, Printable(path) + ": scripts that start scripts without end"};
}

Result<Interpreter> Finish(const System& system, const std::string& typed, std::string chosen_by) {
  Interpreter interpreter;
  interpreter.typed = typed;
  Result<std::string> path = FollowShims(system, typed, &chosen_by);
  if (!path) return path.error();
  interpreter.path = AbsPath(*path, system.WorkingDirectory());
  Result<std::string> real = system.RealPath(*path);
  if (!real) return real.error();
  interpreter.real = *real;
  interpreter.chosen_by = std::move(chosen_by);
  if (!LooksLikePython(BaseName(interpreter.real)) && !LooksLikePython(BaseName(interpreter.path))) {
    return Error{ErrorKind::kMalformed, Printable(typed) + " does not look like a Python interpreter"};
  }
  // Version managers put one program of theirs under the name of each command.
  std::string program = BaseName(interpreter.real);
  for (const char* manager : {"rye", "mise", "uv", "pixi", "proto", "volta", "asdf", "hatch"}) {
    if (program == manager) {
      return Error{ErrorKind::kMalformed, Printable(typed) + " is a shim of " + program +
                                              "; pass the interpreter itself with --python"};
    }
  }
  return interpreter;
}

Result<Interpreter> FindNamed(const System& system, const std::string& asked) {
  std::string path = AbsPath(asked, system.WorkingDirectory());
  Result<FileStat> stat = system.Stat(path);
  if (stat && stat->type == FileType::kDirectory) {
    if (const std::string found = InterpreterIn(system, path); !found.empty())
      return Finish(system, found, "--python");
    return Error{ErrorKind::kNotFound, "there is no bin/python in " + Printable(path)};
  }
  if (!stat && asked.find('/') == std::string::npos && !system.LStat(path).ok()) {
    std::string found = FindOnPath(system, SearchPath(system), asked);
    if (found.empty()) {
      return Error{ErrorKind::kNotFound, "there is no file " + Printable(path) + " and no command " +
                                             Printable(asked, 200) + " on PATH"};
    }
    return Finish(system, found, "--python (from PATH)");
  }
  return Finish(system, path, "--python");
}

}  // namespace

std::string InterpreterIn(const System& system, const std::string& folder) {
  for (const char* name : {"bin/python", "bin/python3", "python", "python3"}) {
    std::string candidate = JoinPath(folder, name);
    if (!system.LStat(candidate).not_found()) return candidate;
  }
  return {};
}

std::string FindOnPath(const System& system, const std::string& path, const std::string& name) {
  for (const std::string& entry : Split(path, ':')) {
    std::string candidate = AbsPath(JoinPath(entry, name), system.WorkingDirectory());
    if (IsExecutableFile(system, candidate)) return candidate;
  }
  return "";
}

Result<Interpreter> FindInterpreter(const System& system, const std::string& asked) {
  if (!asked.empty()) return FindNamed(system, asked);
  std::string path = SearchPath(system);
  for (const char* name : {"python", "python3"}) {
    std::string found = FindOnPath(system, path, name);
    if (!found.empty()) return Finish(system, found, std::string("PATH (") + name + ")");
  }
  return Error{ErrorKind::kNotFound, "there is no python and no python3 on PATH"};
}

}  // namespace tfdoctor
