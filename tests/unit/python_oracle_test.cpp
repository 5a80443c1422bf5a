// The oracle is Python itself: for generated environments the predicted sys.path, modules and distributions
// must be those that the interpreter reports. One combination alone: TFDOCTOR_ORACLE_SEED=N
// python_oracle_test
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "base/text.h"
#include "python/distributions.h"
#include "python/environment.h"
#include "python/interpreter.h"
#include "python/modules.h"
#include "python/path.h"

namespace fs = std::filesystem;

namespace tfdoctor {
namespace {

// The inner loop takes fewer; all of them are a test of their own (tests/oracle/).
int Combinations() {
  const char* stated = getenv("TFDOCTOR_ORACLE_COMBINATIONS");
  return stated == nullptr ? 50 : atoi(stated);
}

using Variables = std::map<std::string, std::string>;

// The live machine as a program sees it that is started in this folder with these variables.
class StartedIn : public ForwardingSystem {
 public:
  StartedIn(const System& below, Variables variables, std::string folder)
      : ForwardingSystem(below), variables_(std::move(variables)), folder_(std::move(folder)) {}
  const Variables& Environment() const override { return variables_; }
  std::string WorkingDirectory() const override { return folder_; }

 private:
  Variables variables_;
  std::string folder_;
};

struct Output {
  int status = -1;
  std::string text;
};

Output RunProgram(const std::vector<std::string>& command, const Variables& variables,
                  const std::string& folder) {
  std::vector<std::string> pairs;
  for (const auto& [name, value] : variables) pairs.push_back(name + "=" + value);
  std::vector<char*> argv, envp;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  for (const std::string& pair : pairs) envp.push_back(const_cast<char*>(pair.c_str()));
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  int pipes[2];
  if (pipe(pipes) != 0) return {};
  pid_t child = fork();
  if (child == 0) {
    dup2(pipes[1], 1);
    dup2(open("/dev/null", O_WRONLY), 2);
    close(pipes[0]);
    close(pipes[1]);
    if (chdir(folder.c_str()) == 0) execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  close(pipes[1]);
  Output output;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(pipes[0], buffer, sizeof buffer)) > 0;) {
    output.text.append(buffer, static_cast<size_t>(n));
  }
  close(pipes[0]);
  waitpid(child, &output.status, 0);
  return output;
}

// What the interpreter says of itself, one fact a line.
constexpr const char* kProgram = R"py(
import sys, os
def say(*words):
    sys.stdout.buffer.write(b'\t'.join(os.fsencode(str(w)) for w in words) + b'\n')
say('version', sys.version.split()[0])
say('prefix', sys.prefix)
say('base_prefix', sys.base_prefix)
say('executable', sys.executable)
for p in sys.path: say('path', p)
import importlib.util
for name in ('tensorflow', 'keras', 'numpy', 'google.protobuf', 'ml_dtypes'):
    try:
        spec = importlib.util.find_spec(name)
    except ImportError:
        spec = None
    if spec is None: say('module', name, 'absent')
    elif spec.loader is None or type(spec.loader).__name__.strip('_') in ('NamespaceLoader', 'NamespacePath'):
        say('module', name, 'namespace', *list(spec.submodule_search_locations))
    else: say('module', name, 'file', spec.origin)
try:
    import importlib.metadata as m
except ImportError:
    m = None
if m:
    for name in ('tensorflow', 'tensorflow-cpu', 'numpy', 'protobuf'):
        # 3.8 does not see what lies in the entry '', later ones do.
        found = list(m.Distribution.discover(name=name, path=[p or os.getcwd() for p in sys.path]))
        say('distribution', name, found[0].version if found else 'absent')
)py";

std::vector<std::string> Interpreters() {
  std::vector<std::string> found;
  std::set<std::string> seen;
  auto add = [&](const std::string& path) {
    std::error_code error;
    fs::path real = fs::canonical(path, error);
    if (error || access(path.c_str(), X_OK) != 0) return;
    std::string head(2, '\0');
    std::ifstream(path).read(head.data(), 2);
    if (head == "#!" || !seen.insert(real).second) return;
    Output output = RunProgram({path, "-c", "import sys; print(sys.version_info >= (3, 6))"}, {}, "/");
    if (output.text == "True\n") found.push_back(path);
  };
  add("/usr/bin/python3");
  if (const char* home = getenv("HOME")) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(std::string(home) + "/.pyenv/versions", error)) {
      add(entry.path() / "bin/python3");
    }
  }
  const char* path = getenv("PATH");
  for (const std::string& folder : Split(path == nullptr ? "" : path, ':')) {
    for (int minor = 6; minor < 20; ++minor) add(folder + "/python3." + std::to_string(minor));
  }
  std::sort(found.begin(), found.end());
  return found;
}

// One generated environment.
class Combination {
 public:
  Combination(int seed, const std::string& base, const std::string& root)
      : random_(static_cast<unsigned>(seed)), base_(base), root_(root) {
    fs::create_directories(root_ + "/work/rel");
    fs::create_directories(root_ + "/home");
    fs::create_directories(root_ + "/extra");
    variables_ = {
        {"HOME", root_ + "/home"}, {"PATH", DirName(base) + ":/usr/bin:/bin"}, {"LC_ALL", "C.UTF-8"}};
  }

  void Build() {
    MakeEnvironment();
    folder_ = root_ + "/work";
    Output where = RunProgram({python_, "-c",
                               "import site,sys;print(site.getusersitepackages());"
                               "print([p for p in sys.path if p.endswith('-packages')][-1] if True else '');"
                               "print('%d%d' % sys.version_info[:2]);"
                               "import importlib.machinery as m;print(m.EXTENSION_SUFFIXES[0]);"
                               "import importlib.util as u;print(u.MAGIC_NUMBER.hex())"},
                              variables_, folder_);
    std::vector<std::string> lines = Split(where.text, '\n');
    if (lines.size() < 5) return;
    std::string user = lines[0];
    extension_suffix_ = lines[3];
    // Never write into a folder that is not ours.
    std::string site = lines[1].starts_with(root_) ? lines[1] : root_ + "/extra";
    if (Chance(40)) {
      fs::create_directories(user);
      sites_.push_back(user);
    }
    sites_.push_back(site);
    if (Chance(10)) Set("PYTHONNOUSERSITE", "1");
    if (Chance(10)) Set("PYTHONUSERBASE", root_ + "/userbase");
    if (Chance(10)) {
      std::string other = root_ + "/userbase" + user.substr(std::min(user.size(), user.rfind("/lib/")));
      fs::create_directories(other);
      sites_.push_back(other);
    }
    if (Chance(45)) Set("PYTHONPATH", MakePythonPath());
    if (Chance(15)) Set("PYTHONSAFEPATH", "1");
    for (const std::string& folder : sites_) AddPthFiles(folder);
    for (int i = Pick(4); i >= 0; --i) AddPackage();
    if (Chance(35)) MakeScript();
    if (Chance(25)) {
      // -P is new in 3.11.
      bool modern = lines[2].size() >= 3 && std::stoi(lines[2].substr(1)) >= 11;
      static constexpr const char* kFlags[] = {"I", "E", "s", "Es", "P", "PE"};
      flags_ = kFlags[Pick(modern ? 6 : 4)];
    }
  }

  std::string python() const { return python_; }
  const Variables& variables() const { return variables_; }
  const std::string& folder() const { return folder_; }
  const std::string& script() const { return script_; }
  const std::string& flags() const { return flags_; }
  std::vector<std::string> Command() const {
    std::vector<std::string> command = {python_};
    if (!flags_.empty()) command.push_back("-" + flags_);
    if (script_.empty()) {
      command.insert(command.end(), {"-c", kProgram});
    } else {
      command.push_back(script_);
    }
    return command;
  }
  const std::string& kind() const { return kind_; }

 private:
  int Pick(int count) { return static_cast<int>(random_() % static_cast<unsigned>(count)); }
  bool Chance(int percent) { return Pick(100) < percent; }
  void Set(const std::string& name, const std::string& value) { variables_[name] = value; }
  static void Write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << text;
  }

  void Venv(const std::string& python, const std::string& target) {
    std::vector<std::string> command = {python, "-m", "venv", "--without-pip", target};
    if (Chance(40)) command.push_back("--system-site-packages");
    if (Chance(40)) command.push_back(Chance(50) ? "--copies" : "--symlinks");
    RunProgram(command, variables_, root_);
  }

  // By the real uv or virtualenv, where TFDOCTOR_ORACLE_TOOLS names the folder that has them. Neither makes
  // any for the oldest Pythons.
  bool MadeByTool(const std::string& name) {
    const std::string target = root_ + "/" + name;
    std::vector<std::string> command = {std::string(getenv("TFDOCTOR_ORACLE_TOOLS")) + "/" + name};
    if (name == "uv") {
      command.insert(command.end(), {"venv", "--offline", "--no-project", "--quiet"});
    } else {
      command.insert(command.end(), {"--no-download", "--without-pip", "--quiet"});
      if (Chance(30)) command.emplace_back("--copies");
    }
    if (Chance(50)) command.emplace_back("--system-site-packages");
    command.insert(command.end(), {"--python", base_, target});
    Variables variables = variables_;
    variables["UV_PYTHON_DOWNLOADS"] = "never";
    if (RunProgram(command, variables, root_).status != 0) return false;
    kind_ = name;
    python_ = target + "/bin/python";
    return true;
  }

  void MakeEnvironment() {
    const bool tools = getenv("TFDOCTOR_ORACLE_TOOLS") != nullptr;
    if (tools && Chance(70) && MadeByTool(Chance(50) ? "uv" : "virtualenv")) return;
    switch (Pick(9)) {
      case 0:
        kind_ = "base";
        python_ = base_;
        return;
      case 1:
      case 2:
        kind_ = "venv";
        Venv(base_, root_ + "/venv");
        python_ = root_ + "/venv/bin/python";
        return;
      case 3:
        kind_ = "nested venv";
        Venv(base_, root_ + "/outer");
        Venv(root_ + "/outer/bin/python", root_ + "/outer/inner");
        python_ = root_ + "/outer/inner/bin/python";
        return;
      case 4:
        kind_ = "moved venv";
        Venv(base_, root_ + "/before");
        fs::rename(root_ + "/before", root_ + "/after");
        python_ = root_ + "/after/bin/python3";
        return;
      case 5:
        kind_ = "venv behind a link";
        Venv(base_, root_ + "/venv");
        fs::create_directory_symlink(root_ + "/venv", root_ + "/link");
        python_ = root_ + "/link/bin/python";
        return;
      case 6:
        kind_ = "link to a venv's interpreter";
        Venv(base_, root_ + "/venv");
        fs::create_directories(root_ + "/bin");
        fs::create_symlink(root_ + "/venv/bin/python", root_ + "/bin/python");
        python_ = root_ + "/bin/python";
        return;
      case 7:
        kind_ = "PYTHONHOME";
        python_ = base_;
        Set("PYTHONHOME", DirName(DirName(fs::canonical(base_).string())));
        return;
      default:
        // The same keys as uv and virtualenv write.
        kind_ = "written by hand";
        fs::create_directories(root_ + "/own/bin");
        fs::create_symlink(base_, root_ + "/own/bin/python");
        std::string version = DirName(base_);
        Write(root_ + "/own/pyvenv.cfg", "home = " + DirName(base_) +
                                             "\nimplementation = CPython\nuv = 0.9\n" +
                                             (Chance(50) ? "include-system-site-packages = false\n" : "") +
                                             (Chance(30) ? "Include-System-Site-Packages=TRUE\n" : ""));
        python_ = root_ + "/own/bin/python";
        Output output = RunProgram({python_, "-c", "import sys; print('python%d.%d' % sys.version_info[:2])"},
                                   variables_, root_);
        fs::create_directories(root_ + "/own/lib/" + std::string(Trim(output.text)) + "/site-packages");
        return;
    }
  }

  std::string MakePythonPath() {
    const std::vector<std::string> choices = {"",
                                              "rel",
                                              ".",
                                              "../extra",
                                              root_ + "/extra",
                                              root_ + "/extra/",
                                              root_ + "//work/./rel",
                                              root_ + "/missing",
                                              sites_.back(),
                                              "/usr/lib"};
    std::string text;
    for (int i = Pick(4); i >= 0; --i) text += choices[static_cast<size_t>(Pick(10))] + (i > 0 ? ":" : "");
    return text;
  }

  void AddPthFiles(const std::string& folder) {
    fs::create_directories(root_ + "/pth/ümlaut");
    const std::vector<std::string> lines = {
        root_ + "/pth",
        "# comment",
        "",
        "   ",
        "missing",
        "../../..",
        root_ + "/pth/ümlaut",
        root_ + "/extra  ",
        " " + root_ + "/pth",
        "import _virtualenv",
        "\xEF\xBB\xBF" + root_ + "/pth",
        "sub",
        ".",
        "import sys; sys.__plen = len(sys.path)",
        "import sys; new=sys.path[sys.__plen:]; del sys.path[sys.__plen:]; p=getattr(sys,'__egginsert',0); "
        "sys.path[p:p]=new; sys.__egginsert = p+len(new)",
        "import site; site.addsitedir('" + root_ + "/added')",
        "import __editable___x_finder; __editable___x_finder.install()",
        "import _editable_impl_h",
        "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; "
        "enabled and __import__('_distutils_hack').add_shim();",
        "import sys, types, os;has_mfs = sys.version_info > (3, 5);p = "
        "os.path.join(sys._getframe(1).f_locals['sitedir'], *('google',));importlib = has_mfs and "
        "__import__('importlib.util');has_mfs and __import__('importlib.machinery');m = has_mfs and "
        "sys.modules.setdefault('google', "
        "importlib.util.module_from_spec(importlib.machinery.PathFinder.find_spec('google', "
        "[os.path.dirname(p)])));m = m or sys.modules.setdefault('google', types.ModuleType('google'));mp = "
        "(m "
        "or []) and m.__dict__.setdefault('__path__',[]);(p not in mp) and mp.append(p)"};
    fs::create_directories(folder + "/sub");
    fs::create_directories(root_ + "/added");
    Write(root_ + "/added/more.pth", root_ + "/pth/ümlaut\n");
    Write(folder + "/_virtualenv.py", "");
    Write(folder + "/__editable___x_finder.py", EditableFinder());
    Write(folder + "/_editable_impl_h.py", HatchlingEditable());
    Write(folder + "/editables/__init__.py", "");
    Write(folder + "/editables/redirector.py", kRedirector);
    Write(folder + "/_distutils_hack/__init__.py", "def add_shim(): pass\n");
    for (int file = Pick(3); file > 0; --file) {
      std::string text;
      static constexpr const char* kEnds[] = {"\n", "\r\n", "\n", "\r"};
      const char* end = kEnds[Pick(4)];
      bool eggs = Chance(20);
      if (eggs) text += lines[13] + end;
      for (int i = Pick(5); i >= 0; --i) {
        int line = Pick(18);
        if (line == 13 || line == 14) line = 17;
        if (line == 15 && Chance(50)) line = 18;
        if (line < 4) line = 19;
        text += lines[static_cast<size_t>(line)] + (i > 0 || eggs ? end : "");
      }
      if (eggs) text += lines[14] + end;
      static constexpr const char* kNames[] = {
          "a", "Z", ".hidden", "__editable__.x-1", "_h", "distutils-precedence"};
      Write(folder + "/" + kNames[Pick(6)] + ".pth", text);
    }
  }

  // As setuptools writes it, cut down to what finds modules.
  std::string EditableFinder() {
    Write(root_ + "/source/ml_dtypes/__init__.py", "");
    return "import sys\nfrom importlib.machinery import PathFinder\n"
           "from importlib.util import spec_from_file_location\n"
           "MAPPING = {'ml_dtypes': '" +
           root_ + "/source/ml_dtypes'}\n" +
           "NAMESPACES = {}\nPATH_PLACEHOLDER = '__editable__.x-1.finder' + \".__path_hook__\"\n"
           "class F:\n  @classmethod\n  def find_spec(cls, name, path=None, target=None):\n"
           "    if name in MAPPING: return spec_from_file_location(name, MAPPING[name] + '/__init__.py')\n"
           "def install():\n  if F not in sys.meta_path: sys.meta_path.append(F)\n";
  }

  // As hatchling writes it, with what of `editables` finds modules.
  static constexpr const char* kRedirector =
      "import importlib.util, sys\n"
      "class RedirectingFinder:\n"
      "  _redirections = {}\n"
      "  @classmethod\n  def map_module(cls, name, path): cls._redirections[name] = path\n"
      "  @classmethod\n  def find_spec(cls, fullname, path=None, target=None):\n"
      "    if '.' in fullname or path is not None: return None\n"
      "    redir = cls._redirections.get(fullname)\n"
      "    return importlib.util.spec_from_file_location(fullname, redir) if redir else None\n"
      "  @classmethod\n  def install(cls):\n"
      "    if cls not in sys.meta_path: sys.meta_path.append(cls)\n";
  std::string HatchlingEditable() {
    Write(root_ + "/source/keras/__init__.py", "");
    return "from editables.redirector import RedirectingFinder as F\nF.install()\n"
           "F.map_module('keras', '" +
           root_ + "/source/keras/__init__.py')\n";
  }

  void AddPackage() {
    std::vector<std::string> folders = sites_;
    folders.insert(folders.end(), {root_ + "/work", root_ + "/work/rel", root_ + "/extra", root_ + "/pth"});
    std::string folder = folders[static_cast<size_t>(Pick(static_cast<int>(folders.size())))];
    static constexpr const char* kNames[] = {"tensorflow", "keras", "numpy", "google/protobuf", "ml_dtypes"};
    std::string name = kNames[Pick(5)];
    switch (Pick(8)) {
      case 0:
        fs::create_directories(folder + "/" + name);
        break;
      case 1:
        Write(folder + "/" + name + ".py", "");
        break;
      case 2:
        Write(folder + "/" + name + ".pyc", "");
        break;
      case 3:
        Write(folder + "/" + name + extension_suffix_, "");
        break;
      case 4:
        Write(folder + "/" + name + ".cpython-31-x86_64-linux-gnu.so", "");
        break;
      case 5:
        Write(folder + "/" + name + "/__init__" + (Chance(50) ? ".pyc" : ".abi3.so"), "");
        break;
      case 6:
        Write(folder + "/google/__init__.py",
              Chance(50) ? "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n" : "");
        [[fallthrough]];
      default:
        Write(folder + "/" + name + "/__init__.py", "");
    }
    static constexpr const char* kInfos[] = {"tensorflow-2.15.0.dist-info", "tensorflow_cpu-2.21.0.dist-info",
                                             "Numpy-1.26.4.dist-info", "protobuf-4.25.3+x.dist-info",
                                             "protobuf-5.0-py3.11.egg-info"};
    std::string info = kInfos[Pick(5)];
    // Of two copies in one folder Python takes the first that the file system lists.
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (Lower(entry.path().filename().string()).starts_with(Lower(info.substr(0, 8)))) return;
    }
    std::string version = Split(info, '-')[1];
    if (version.ends_with(".dist")) version.resize(version.size() - 5);
    Write(folder + "/" + info + (info.ends_with("egg-info") ? "/PKG-INFO" : "/METADATA"),
          "Metadata-Version: 2.1\nName: " + Split(info, '-')[0] + "\nVersion: " + version + "\n\n");
  }

  void MakeScript() {
    Write(root_ + "/scripts/real.py", kProgram);
    switch (Pick(3)) {
      case 0:
        script_ = root_ + "/scripts/real.py";
        break;
      case 1:
        script_ = "../scripts/real.py";
        break;
      default:
        fs::create_directories(root_ + "/work/links");
        fs::create_symlink(root_ + "/scripts/real.py", root_ + "/work/links/link.py");
        script_ = "links/link.py";
    }
  }

  std::mt19937 random_;
  std::string base_, root_, python_, folder_, script_, kind_, extension_suffix_, flags_;
  std::vector<std::string> sites_;
  Variables variables_;
};

std::string DescribeFound(const Result<FoundModule>& found) {
  if (!found) return found.not_found() ? "absent" : "error " + found.error().message;
  if (found->kind == FoundModule::Kind::kNamespace) return "namespace\t" + Join(found->folders, "\t");
  return "file\t" + found->file;
}

class PythonOracle : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = fs::temp_directory_path() / "tfdoctor-python-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = fs::canonical(pattern);
  }
  void TearDown() override { fs::remove_all(root_); }

  void Check(int seed, const std::string& base) {
    std::string root = root_ + "/" + std::to_string(seed);
    Combination combination(seed, base, root);
    combination.Build();
    std::ostringstream repeat;
    repeat << "repeat: TFDOCTOR_ORACLE_SEED=" << seed << " python_oracle_test   (" << combination.kind()
           << ", " << combination.python() << ", script '" << combination.script() << "', flags '"
           << combination.flags() << "'";
    for (const auto& [name, value] : combination.variables()) repeat << ", " << name << "=" << value;
    repeat << ")";
    SCOPED_TRACE(repeat.str());
    Output output = RunProgram(combination.Command(), combination.variables(), combination.folder());
    ASSERT_EQ(output.status, 0) << "the interpreter itself failed";
    kinds_[combination.kind()]++;

    std::unique_ptr<System> live = LiveSystem();
    StartedIn system(*live, combination.variables(), combination.folder());
    Result<Interpreter> interpreter = FindInterpreter(system, combination.python());
    ASSERT_TRUE(interpreter.ok()) << interpreter.error().message;
    Result<PythonEnvironment> environment =
        PredictEnvironment(system, *interpreter, combination.script(), combination.flags());
    ASSERT_TRUE(environment.ok()) << environment.error().message;
    Installed installed = ListDistributions(system, environment->sys_path);

    const std::map<std::string, std::string> predicted = {{"version", environment->version.text},
                                                          {"prefix", environment->prefix},
                                                          {"base_prefix", environment->base_prefix},
                                                          {"executable", interpreter->path}};
    std::vector<std::string> path;
    for (const std::string& line : Split(output.text, '\n')) {
      std::vector<std::string> words = Split(line, '\t');
      if (words.size() < 2) continue;
      if (auto value = predicted.find(words[0]); value != predicted.end()) {
        EXPECT_EQ(value->second, words[1]) << words[0];
      }
      if (words[0] == "path") path.push_back(words[1]);
      if (words[0] == "module") {
        Result<FoundModule> found = FindModule(system, *environment, words[1]);
        std::string said = line.substr(8 + words[1].size());
        // Older ones name a folder of a namespace below the entry '' relative, and then once more as it is.
        if (said.find("./") != std::string::npos) {
          std::vector<std::string> parts;
          for (const std::string& part : Split(said, '\t')) {
            bool is_path = part.find('/') != std::string::npos;
            std::string whole = is_path ? AbsPath(part, combination.folder()) : part;
            if (std::find(parts.begin(), parts.end(), whole) == parts.end()) parts.push_back(whole);
          }
          said = Join(parts, "\t");
        }
        EXPECT_EQ(DescribeFound(found), said) << words[1];
      }
      if (words[0] == "distribution") {
        const InstalledDistribution* found = installed.Find(words[1]);
        EXPECT_EQ(found == nullptr ? "absent" : found->version, words[2]) << words[1];
      }
    }
    EXPECT_EQ(environment->sys_path, path);
    fs::remove_all(root);
  }

  std::string root_;
  std::map<std::string, int> kinds_;
};

TEST_F(PythonOracle, PredictsWhatTheInterpreterSays) {
  std::vector<std::string> interpreters = Interpreters();
  ASSERT_FALSE(interpreters.empty()) << "no Python 3.6 or newer to ask";
  const char* only = getenv("TFDOCTOR_ORACLE_SEED");
  std::map<std::string, int> ran;
  for (int seed = 0; seed < Combinations(); ++seed) {
    if (only != nullptr && atoi(only) != seed) continue;
    const std::string& base = interpreters[static_cast<size_t>(seed) % interpreters.size()];
    Check(seed, base);
    ++ran[base];
    if (HasFatalFailure()) return;
  }
  if (only == nullptr) {
    EXPECT_GE(ran.size(), std::min<size_t>(3, interpreters.size()));
  }
  for (const auto& [base, count] : ran) std::cout << base << ": " << count << " combinations\n";
  for (const auto& [kind, count] : kinds_) std::cout << "made by " << kind << ": " << count << "\n";
}

// Versions, specifiers and markers against `packaging`, in the copy that pip brings along.
constexpr const char* kPackaging = R"py(
import sys
from pip._vendor.packaging import version, specifiers, requirements, markers
for line in open(sys.argv[1]).read().split('\n'):
    kind, _, rest = line.partition(' ')
    a, _, b = rest.partition('|')
    try:
        if kind == 'compare':
            x, y = version.Version(a), version.Version(b)
            print((x > y) - (x < y))
        elif kind in ('contains', 'chosen'):
            # One by one: the set of packaging before 22 also takes what is not PEP 440.
            parts = [specifiers.Specifier(p) for p in a.split(',') if p.strip()]
            v = version.Version(b)
            pre = kind == 'contains' or any(p.prereleases for p in parts)
            print(int((pre or not v.is_prerelease) and all(p.contains(v, prereleases=True) for p in parts)))
        elif kind == 'marker':
            print(int(markers.Marker(a).evaluate({'python_version': b, 'extra': 'and-cuda', 'sys_platform': 'linux'})))
    except (version.InvalidVersion, specifiers.InvalidSpecifier, markers.InvalidMarker):
        print('invalid')
)py";

std::string OurAnswer(const std::string& kind, const std::string& a, const std::string& b) {
  if (kind == "marker") {
    Result<std::optional<bool>> value =
        EvaluateMarker(a, {{"python_version", b}, {"extra", "and-cuda"}, {"sys_platform", "linux"}});
    if (!value) return "invalid";
    return !*value ? "unknown" : **value ? "1" : "0";
  }
  Result<Version> right = Version::Parse(b);
  if (kind == "compare") {
    Result<Version> left = Version::Parse(a);
    return left && right ? std::to_string(Compare(*left, *right)) : "invalid";
  }
  Result<SpecifierSet> set = SpecifierSet::Parse(a);
  if (!set || !right) return "invalid";
  return set->Contains(*right, kind == "contains") ? "1" : "0";
}

TEST_F(PythonOracle, SaysWhichPythonsMakeEnvironments) {
  const auto system = LiveSystem();
  for (const std::string& python : Interpreters()) {
    auto interpreter = FindInterpreter(*system, python);
    ASSERT_TRUE(interpreter.ok()) << python;
    auto environment = PredictEnvironment(*system, *interpreter, "");
    ASSERT_TRUE(environment.ok()) << python;
    const Output said = RunProgram(
        {python, "-c", "import importlib.util as u; print(u.find_spec('ensurepip') is not None)"}, {}, "/");
    auto predicted = MakesEnvironments(*system, *environment);
    ASSERT_TRUE(predicted.ok()) << predicted.error().message;
    EXPECT_EQ(*predicted ? "True\n" : "False\n", said.text) << python;
  }
}

TEST_F(PythonOracle, VersionsAndMarkersAsPackaging) {
  static constexpr const char* kVersions[] = {"1",
                                              "1.0",
                                              "1.0.0",
                                              "1.1",
                                              "1.10",
                                              "2.15.0",
                                              "2.15.0.post1",
                                              "2.15.0rc0",
                                              "2.15.0.dev1",
                                              "2.15.0a1.dev2",
                                              "2.15.0b2.post3",
                                              "2.15.0+nv",
                                              "2.15.0+nv.5",
                                              "2.15.0+5",
                                              "2.15",
                                              "2.15.1",
                                              "1!1.0",
                                              "v2.0",
                                              "2.0-1",
                                              "2.0-RC.1",
                                              "2.0_dev",
                                              "2.0alpha",
                                              "2.0c1",
                                              "2.0.x",
                                              "",
                                              "2.0+",
                                              "2.0rev2",
                                              "2.0.post",
                                              "9.3.0.75",
                                              "20240101"};
  static constexpr const char* kOperators[] = {"==", "!=", "<", "<=", ">", ">=", "~=", "===", "=", ""};
  static constexpr const char* kMarkers[] = {
      "python_version < \"3.9\"",
      "python_version ~= '3.8' and extra == 'and-cuda'",
      "(python_version >= '3.10' or sys_platform == 'win32') and extra != 'x'",
      "'linux' in sys_platform",
      "sys_platform not in 'linux2 darwin' or python_version == '3.11.*'",
      "'3.10' > python_version",
      "python_version",
      "python_version in '3.8 3.9'",
      "python_version < '3' or",
      "unheard == '1'"};
  std::mt19937 random(440);
  auto pick = [&](const auto& list) { return std::string(list[random() % std::size(list)]); };
  std::vector<std::array<std::string, 3>> questions;
  for (int i = 0; i < 1500; ++i) {
    questions.push_back({"compare", pick(kVersions), pick(kVersions)});
    std::string set = pick(kOperators) + pick(kVersions);
    bool plain = set.find_first_not_of("0123456789.=!<>~") == std::string::npos;
    // Before 22 `packaging` read "~=v2.0", "~=2.0rc1" and "===" otherwise than PEP 440 says.
    if (set == "===" || (set.starts_with("~=") && !plain)) continue;
    if (plain && random() % 3 == 0) set += ".*";
    if (random() % 4 == 0) set += ", <2.15.0";
    questions.push_back({random() % 4 == 0 ? "chosen" : "contains", set, pick(kVersions)});
  }
  for (const char* marker : kMarkers) {
    for (const char* version : {"3.8", "3.9", "3.10", "3.11"})
      questions.push_back({"marker", marker, version});
  }
  std::string text;
  for (const auto& [kind, a, b] : questions) text += (text.empty() ? "" : "\n") + kind + " " + a + "|" + b;
  std::ofstream(root_ + "/questions") << text;

  // Debian's Python has no pip of its own, but keeps the wheel that venv takes it from.
  const std::string wheels =
      "import sys, glob; sys.path += sorted(glob.glob('/usr/share/python-wheels/pip-*.whl'))\n";
  for (const std::string& python : Interpreters()) {
    std::string command =
        wheels + "import pip._vendor.packaging as p; print(int(sys.version_info >= (3, 11)))";
    if (RunProgram({python, "-c", command}, {}, "/").text != "1\n") continue;
    Output output = RunProgram({python, "-c", wheels + kPackaging, root_ + "/questions"}, {}, "/");
    ASSERT_EQ(output.status, 0);
    std::vector<std::string> answers = Split(output.text, '\n');
    ASSERT_EQ(answers.size(), questions.size() + 1);
    for (size_t i = 0; i < questions.size(); ++i) {
      const auto& [kind, a, b] = questions[i];
      EXPECT_EQ(OurAnswer(kind, a, b), answers[i]) << kind << " " << a << " | " << b;
    }
    std::cout << questions.size() << " questions to the packaging of " << python << "\n";
    return;
  }
  FAIL() << "no interpreter with pip to ask";
}

}  // namespace
}  // namespace tfdoctor
