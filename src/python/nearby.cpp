#include "python/nearby.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "base/sha256.h"
#include "base/text.h"
#include "python/interpreter.h"
#include "python/path.h"
#include "python/requirement.h"

namespace tfdoctor {
namespace {

using Json = nlohmann::json;

constexpr int kMaxParents = 64;
constexpr size_t kMaxFolder = 1000;   // entries of a folder with environments
constexpr size_t kMaxText = 1 << 20;  // settings, kernelspecs
constexpr size_t kMaxEnvironments = 2000;

// The 8 letters that Poetry, Pipenv and Hatch make of a path.
std::string HashOf(std::string_view path) {
  std::array<uint8_t, 32> digest = Sha256(path);
  return UrlSafeBase64(std::string(digest.begin(), digest.end())).substr(0, 8);
}

std::string Replaced(std::string_view name, std::string_view what) {
  std::string out(name.substr(0, 42));
  for (char& c : out) {
    if (what.find(c) != std::string_view::npos) c = '_';
  }
  return out;
}

class Finder {
 public:
  Finder(const System& system, std::string prefix) : system_(system), prefix_(std::move(prefix)) {
    home_ = system_.Env("HOME").value_or("");
    for (std::string at = system_.WorkingDirectory(); folders_.size() < kMaxParents; at = DirName(at)) {
      folders_.push_back(at);
      if (at.empty() || at == "/") break;
    }
  }

  Surroundings Run() {
    // What is activated comes first, though another Python may come before it on PATH.
    AddVenv(system_.Env("VIRTUAL_ENV").value_or(""), "venv", false);
    if (std::string conda = system_.Env("CONDA_PREFIX").value_or(""); !conda.empty()) AddConda(conda, "");
    for (const std::string& folder : folders_) {
      for (const char* name : {".venv", "venv", "env"}) AddVenv(JoinPath(folder, name), "venv", false);
      ProjectEnvironments(folder);
    }
    for (const std::string& folder : folders_) EditorsChoice(folder);
    Kernels();
    Conda();
    Pyenv();
    std::string work = system_.Env("WORKON_HOME").value_or(Home(".virtualenvs"));
    AddAllIn(work, "virtualenvwrapper");
    AddAllIn(PipenvFolder(), "Pipenv");
    AddAllIn(PoetryFolder(), "Poetry");
    std::string pipx = system_.Env("PIPX_HOME").value_or("");
    for (const std::string& folder : {pipx, DataHome() + "/pipx", Home(".local/pipx")}) {
      if (!folder.empty()) AddAllIn(folder + "/venvs", "pipx");
    }
    AddAllIn(system_.Env("UV_TOOL_DIR").value_or(DataHome() + "/uv/tools"), "uv tool");
    OnPath();
    return std::move(out_);
  }

 private:
  std::string Home(const std::string& rest) const { return home_.empty() ? "" : JoinPath(home_, rest); }
  std::string DataHome() const { return system_.Env("XDG_DATA_HOME").value_or(Home(".local/share")); }
  std::string CacheHome() const { return system_.Env("XDG_CACHE_HOME").value_or(Home(".cache")); }
  std::string PoetryFolder() const {
    std::string stated = system_.Env("POETRY_VIRTUALENVS_PATH").value_or("");
    if (!stated.empty()) return stated;
    std::string cache = system_.Env("POETRY_CACHE_DIR").value_or("");
    return (cache.empty() ? CacheHome() + "/pypoetry" : cache) + "/virtualenvs";
  }
  std::string PipenvFolder() const { return DataHome() + "/virtualenvs"; }

  void Add(std::string interpreter, std::string kind, std::string command, bool chosen = false) {
    if (out_.environments.size() >= kMaxEnvironments) return;
    if (!seen_.insert(interpreter + "\n" + kind).second) return;
    out_.environments.push_back({std::move(interpreter), std::move(kind), std::move(command), chosen});
  }

  // `known`: its tool says that it is an environment, whatever lies there.
  void AddVenv(const std::string& folder, const std::string& kind, bool known, std::string command = "") {
    if (!folder.starts_with('/')) return;
    if (!known && !system_.Exists(folder + "/pyvenv.cfg") && !system_.Exists(folder + "/conda-meta")) return;
    if (command.empty()) {
      bool script = system_.Exists(folder + "/bin/activate");
      command = script ? ". " + ShellQuote(folder + "/bin/activate") : ShellQuote(folder + "/bin/python");
    }
    Add(folder + "/bin/python", kind, std::move(command));
  }

  void AddAllIn(const std::string& folder, const std::string& kind) {
    if (!folder.starts_with('/')) return;
    Result<std::vector<DirEntry>> entries = system_.List(folder, kMaxFolder);
    if (!entries) return Unread(entries.error(), folder);
    for (const DirEntry& entry : *entries) AddVenv(JoinPath(folder, entry.name), kind, false);
  }

  void Unread(const Error& error, const std::string&) {
    if (error.kind != ErrorKind::kNotFound && error.kind != ErrorKind::kWrongType)
      out_.unread.push_back(error.message);
  }

  std::optional<std::string> ReadText(const std::string& path) {
    Result<std::string> text = system_.ReadAll(path, kMaxText);
    if (text) return *text;
    Unread(text.error(), path);
    return std::nullopt;
  }
  std::optional<Json> ReadJson(const std::string& path) {
    std::optional<std::string> text = ReadText(path);
    if (!text) return std::nullopt;
    Json json = Json::parse(*text, nullptr, false, true);
    if (json.is_object()) return json;
    out_.unread.push_back(Printable(path) + " is not understood: not JSON");
    return std::nullopt;
  }

  // --- of the project in a folder
  // ------------------------------------------------------------------------------------------

  // The value of `name` in [project] or [tool.poetry] of pyproject.toml.
  std::string ProjectName(const std::string& folder) {
    std::optional<std::string> text = ReadText(JoinPath(folder, "pyproject.toml"));
    if (!text) return "";
    std::string_view table;
    for (std::string_view line : SplitLines(*text)) {
      line = Trim(line);
      if (line.starts_with('[')) table = line;
      if ((table != "[project]" && table != "[tool.poetry]") || !line.starts_with("name")) continue;
      std::string_view rest = Trim(line.substr(4));
      if (!rest.starts_with('=')) continue;
      rest = Trim(rest.substr(1));
      if (rest.size() < 2 || (rest[0] != '"' && rest[0] != '\'')) continue;
      size_t end = rest.find(rest[0], 1);
      if (end != std::string_view::npos) return std::string(rest.substr(1, end - 1));
    }
    return "";
  }

  void ProjectEnvironments(const std::string& folder) {
    std::string real = system_.RealPath(folder).value_or(folder);
    if (system_.Exists(JoinPath(folder, "Pipfile"))) {
      AddVenv(JoinPath(PipenvFolder(), PipenvEnvironmentName(JoinPath(real, "Pipfile"))), "Pipenv", false,
              "pipenv run python");
    }
    if (!system_.Exists(JoinPath(folder, "pyproject.toml"))) return;
    std::string name = ProjectName(folder);
    if (name.empty()) return;
    std::string start = PoetryEnvironmentName(name, real) + "-py";
    std::string poetry = PoetryFolder();
    if (poetry.starts_with('/')) {
      Result<std::vector<DirEntry>> entries = system_.List(poetry, kMaxFolder);
      if (!entries) Unread(entries.error(), poetry);
      for (const DirEntry& entry : entries.value_or({})) {
        if (entry.name.starts_with(start))
          AddVenv(JoinPath(poetry, entry.name), "Poetry", false, "poetry run python");
      }
    }
    std::string hatch = system_.Env("HATCH_DATA_DIR").value_or(DataHome() + "/hatch") + "/env/virtual/" +
                        NormalizeName(name) + "/" + HashOf(real);
    if (!hatch.starts_with('/')) return;
    Result<std::vector<DirEntry>> entries = system_.List(hatch, kMaxFolder);
    if (!entries) return Unread(entries.error(), hatch);
    for (const DirEntry& entry : *entries) {
      // The default environment is named like the project.
      bool plain = entry.name == NormalizeName(name);
      AddVenv(JoinPath(hatch, entry.name), "Hatch", false,
              plain ? "hatch run python" : "hatch run " + ShellQuote(entry.name + ":python"));
    }
  }

  // --- editors
  // ------------------------------------------------------------------------------------------------------

  void EditorsChoice(const std::string& folder) {
    if (system_.Exists(JoinPath(folder, ".vscode/settings.json"))) {
      std::optional<Json> settings = ReadJson(JoinPath(folder, ".vscode/settings.json"));
      for (const char* key : {"python.defaultInterpreterPath", "python.pythonPath"}) {
        if (!settings || !settings->contains(key) || !(*settings)[key].is_string()) continue;
        Editor("VS Code", folder, (*settings)[key].get<std::string>());
      }
    }
    PyCharm(folder);
  }

  void Editor(const std::string& editor, const std::string& folder, std::string path) {
    for (std::string_view variable : {"${workspaceFolder}", "${workspaceRoot}", "$PROJECT_DIR$"}) {
      if (path.starts_with(variable)) path = folder + path.substr(variable.size());
    }
    for (std::string_view variable : {"${env:HOME}", "${userHome}", "$USER_HOME$", "~"}) {
      if (!home_.empty() && path.starts_with(variable)) path = home_ + path.substr(variable.size());
    }
    if (path.find('$') != std::string::npos) {
      out_.unread.push_back(editor + "'s interpreter is not understood: " + Printable(path, 200));
      return;
    }
    if (path.find('/') == std::string::npos) {
      std::string found = FindOnPath(system_, system_.Env("PATH").value_or(""), path);
      if (found.empty()) return;
      path = found;
    }
    path = AbsPath(path, folder);
    Result<FileStat> stat = system_.Stat(path);
    if (stat && stat->type == FileType::kDirectory) path += "/bin/python";
    Add(path, editor, ShellQuote(path), true);
  }

  // The project names an interpreter of PyCharm's own list, jdk.table.xml.
  void PyCharm(const std::string& folder) {
    std::string file = JoinPath(folder, ".idea/misc.xml");
    if (!system_.Exists(file)) return;
    std::optional<std::string> text = ReadText(file);
    std::string name = text ? Attribute(*text, "project-jdk-name=\"", 0) : "";
    if (name.empty()) return;
    std::string jetbrains = system_.Env("XDG_CONFIG_HOME").value_or(Home(".config")) + "/JetBrains";
    if (!jetbrains.starts_with('/')) return;
    Result<std::vector<DirEntry>> entries = system_.List(jetbrains, kMaxFolder);
    if (!entries) return Unread(entries.error(), jetbrains);
    for (const DirEntry& entry : *entries) {
      std::optional<std::string> table = ReadText(JoinPath(jetbrains, entry.name + "/options/jdk.table.xml"));
      if (!table) continue;
      size_t at = table->find("<name value=\"" + name + "\"");
      if (at == std::string::npos) continue;
      std::string path = Attribute(*table, "<homePath value=\"", at);
      if (!path.empty()) Editor("PyCharm", folder, path);
    }
  }

  static std::string Attribute(std::string_view text, std::string_view start, size_t from) {
    size_t at = text.find(start, from);
    if (at == std::string_view::npos) return "";
    at += start.size();
    size_t end = text.find('"', at);
    return end == std::string_view::npos ? "" : std::string(text.substr(at, end - at));
  }

  // --- Jupyter
  // ----------------------------------------------------------------------------------------------------

  // jupyter_core.paths.jupyter_path(): JUPYTER_PATH, the user's, the environment's, the system's.
  void Kernels() {
    std::vector<std::string> folders = Split(system_.Env("JUPYTER_PATH").value_or(""), ':');
    folders.push_back(system_.Env("JUPYTER_DATA_DIR").value_or(DataHome() + "/jupyter"));
    if (!prefix_.empty()) folders.push_back(prefix_ + "/share/jupyter");
    folders.insert(folders.end(), {"/usr/local/share/jupyter", "/usr/share/jupyter"});
    std::set<std::string> names;  // the first of a name wins
    for (const std::string& folder : folders) {
      if (!folder.starts_with('/')) continue;
      Result<std::vector<DirEntry>> entries = system_.List(folder + "/kernels", kMaxFolder);
      if (!entries) {
        Unread(entries.error(), folder);
        continue;
      }
      for (const DirEntry& entry : *entries) {
        std::string file = folder + "/kernels/" + entry.name + "/kernel.json";
        if (!system_.Exists(file) || !names.insert(Lower(entry.name)).second) continue;
        if (std::optional<Json> spec = ReadJson(file)) Kernel(*spec, file, entry.name, folder);
      }
    }
  }

  void Kernel(const Json& spec, const std::string& file, const std::string& name, const std::string& folder) {
    auto argv = spec.find("argv");
    auto language = spec.find("language");
    if (language != spec.end() && language->is_string() && language->get<std::string>() != "python") return;
    if (argv == spec.end() || !argv->is_array() || argv->empty() || !argv->front().is_string()) {
      out_.unread.push_back(Printable(file) + " is not understood: it names no program");
      return;
    }
    std::string program = argv->front().get<std::string>();
    // jupyter_client puts its own interpreter in the place of "python".
    bool own = program == "python" || program == "python3" || program.starts_with("python3.");
    if (own && !prefix_.empty() && folder.starts_with(prefix_ + "/")) {
      program = prefix_ + "/bin/python";
    } else if (program.find('/') == std::string::npos) {
      std::string found = FindOnPath(system_, system_.Env("PATH").value_or(""), program);
      if (found.empty()) {
        out_.unread.push_back(Printable(file) + ": " + Printable(program, 200) + " is not on PATH");
        return;
      }
      program = found;
    } else if (!program.starts_with('/')) {
      out_.unread.push_back(Printable(file) + ": " + Printable(program, 200) +
                            " is relative to the folder of the server, which is not known");
      return;
    }
    Add(program, "Jupyter kernel " + name, ShellQuote(program), true);
  }

  // --- conda, pyenv, PATH
  // -----------------------------------------------------------------------------------------------------

  // The line that activates an environment of conda in this shell, or starts its Python. `conda activate` is
  // a function of a shell that was initialised for it, which then has CONDA_SHLVL; an installation's own
  // script needs nothing of the kind. micromamba has no such script, but a command that runs one program.
  std::string CondaCommand(const std::string& prefix, const std::string& root) const {
    const std::string exe = system_.Env("CONDA_EXE").value_or("");
    if (!exe.empty() && system_.Env("CONDA_SHLVL")) return "conda activate " + ShellQuote(prefix);
    for (const std::string& base : {root, exe.empty() ? "" : DirName(DirName(exe)), prefix}) {
      if (!base.empty() && system_.Exists(base + "/bin/activate") && system_.Exists(base + "/bin/conda"))
        return ". " + ShellQuote(base + "/bin/activate") + " " + ShellQuote(prefix);
    }
    const std::string mamba = system_.Env("MAMBA_EXE").value_or("");
    if (mamba.starts_with('/') && system_.Exists(mamba))
      return ShellQuote(mamba) + " run -p " + ShellQuote(prefix) + " python";
    return ShellQuote(prefix + "/bin/python");
  }

  void AddConda(const std::string& prefix, const std::string& root) {
    if (!prefix.starts_with('/') || !system_.Exists(prefix + "/conda-meta")) return;
    if (!system_.Exists(prefix + "/bin/python")) return;  // one without Python
    Add(prefix + "/bin/python", "conda", CondaCommand(prefix, root));
  }

  void Conda() {
    std::vector<std::string> roots;
    for (const char* name : {"CONDA_PREFIX", "CONDA_ROOT", "MAMBA_ROOT_PREFIX"})
      roots.push_back(system_.Env(name).value_or(""));
    if (std::string exe = system_.Env("CONDA_EXE").value_or(""); !exe.empty())
      roots.push_back(DirName(DirName(exe)));
    for (const char* name : {"miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba", ".conda"})
      roots.push_back(Home(name));
    roots.insert(roots.end(), {"/opt/conda", "/opt/miniconda3", "/opt/anaconda3", "/opt/miniforge3"});
    for (const std::string& root : roots) {
      if (!root.starts_with('/')) continue;
      AddConda(root, root);
      Result<std::vector<DirEntry>> entries = system_.List(root + "/envs", kMaxFolder);
      if (!entries) {
        Unread(entries.error(), root);
        continue;
      }
      for (const DirEntry& entry : *entries) AddConda(root + "/envs/" + entry.name, root);
    }
    if (home_.empty()) return;
    std::string list = Home(".conda/environments.txt");
    if (!system_.Exists(list)) return;
    std::optional<std::string> text = ReadText(list);
    size_t count = 0;
    if (!text) return;
    for (std::string_view line : SplitLines(*text)) {
      if (++count > kMaxFolder) break;
      AddConda(std::string(Trim(line)), "");
    }
  }

  void Pyenv() {
    std::string root = system_.Env("PYENV_ROOT").value_or(Home(".pyenv"));
    if (!root.starts_with('/')) return;
    Result<std::vector<DirEntry>> entries = system_.List(root + "/versions", kMaxFolder);
    if (!entries) return Unread(entries.error(), root);
    for (const DirEntry& entry : *entries) {
      std::string python = root + "/versions/" + entry.name + "/bin/python";
      if (system_.Exists(python)) Add(python, "pyenv", "export PYENV_VERSION=" + ShellQuote(entry.name));
    }
  }

  void OnPath() {
    for (const std::string& entry : Split(system_.Env("PATH").value_or(""), ':')) {
      if (!entry.starts_with('/')) continue;
      std::vector<std::string> names = {"python", "python3"};
      for (int minor = 6; minor <= 16; ++minor) names.push_back("python3." + std::to_string(minor));
      for (const std::string& name : names) {
        std::string path = JoinPath(entry, name);
        if (system_.Exists(path)) Add(path, "on PATH", ShellQuote(path));
      }
    }
  }

  const System& system_;
  std::string prefix_;
  std::string home_;
  std::vector<std::string> folders_;  // the working folder and those above
  Surroundings out_;
  std::set<std::string> seen_;
};

}  // namespace

Surroundings FindSurroundings(const System& system, const std::string& prefix) {
  return Finder(system, prefix).Run();
}

// poetry/utils/env/env_manager.py, generate_env_name()
std::string PoetryEnvironmentName(std::string_view project, std::string_view folder) {
  return Replaced(Lower(project), " $`!*@\"\\\r\n\t") + "-" + HashOf(folder);
}

// pipenv/project.py, _get_virtualenv_hash(): of the first six bytes
std::string PipenvEnvironmentName(std::string_view pipfile) {
  std::string folder = BaseName(DirName(pipfile));
  return Replaced(folder, " &$`!*@\"()[]\\\r\n\t") + "-" + HashOf(pipfile);
}

}  // namespace tfdoctor
