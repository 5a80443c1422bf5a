// What a Python would make of its folders when it starts: prefix, sys.path, as CPython's getpath and site
// compute them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "python/interpreter.h"
#include "python/requirement.h"
#include "system/system.h"

namespace tfdoctor {

// pyvenv.cfg: keys in lower case. Python takes the first `home`, but the last of any other key.
struct VenvConfig {
  std::map<std::string, std::string> keys;
  bool utf8 = true;

  static VenvConfig Parse(std::string_view text);
  std::optional<std::string> Get(const std::string& key) const;
};

struct PythonEnvironment {
  PythonVersion version;
  std::string prefix;       // sys.prefix
  std::string base_prefix;  // sys.base_prefix
  std::string base_exec_prefix;
  std::string stdlib;  // the folder with os.py
  std::string kind;    // "venv", "virtualenv", "uv", "conda", "pyenv", "uv-managed", "system", "standalone"
  // In order; "" is the working folder, as `python -c` has it first.
  std::vector<std::string> sys_path;
  std::vector<std::string>
      site_folders;  // those of sys_path that site-packages rules added, the user's one included
  // Import names that editable installs answer for after sys.path: "mypkg" -> its folder or file.
  std::map<std::string, std::string> editable_modules;
  // Namespaces that are there before the first import, since a -nspkg.pth made them: "google" -> its folders.
  std::map<std::string, std::vector<std::string>> preset;
  // Why the prediction may be wrong; one line for each thing that was not understood. Any of these may put
  // something at the front of sys.path.
  std::vector<std::string> unread;
  std::vector<std::string> passed_over;  // what Python, too, may not read and goes on without
};

// `script` is the program to be run; empty: `python -c` in the working folder. An error: this Python would
// not start, or what it is could not be told. kNotFound: PYTHONHOME names a folder without its standard
// library, which ends it at once. `flags` are letters of options that Python gets: I, E, P, s, S.
Result<PythonEnvironment> PredictEnvironment(const System& system, const Interpreter& interpreter,
                                             const std::string& script, const std::string& flags = "");

// Whether `python -m venv` works with it: that runs ensurepip in the new environment (venv/__init__.py),
// which Debian keeps in a package of its own. An error: could not be looked at.
Result<bool> MakesEnvironments(const System& system, const PythonEnvironment& environment);

// The version of an interpreter from what lies around it (pyvenv.cfg, lib/pythonX.Y, its file name,
// patchlevel.h, …).
Result<PythonVersion> InterpreterVersion(const System& system, const Interpreter& interpreter);

// What the markers of requirements see in this environment. Without a patch level python_full_version is
// missing.
MarkerVariables MarkersOf(const System& system, const PythonEnvironment& environment);

// Strict UTF-8, as Python decodes it: no surrogates, no overlong forms, nothing above U+10FFFF.
bool IsUtf8(std::string_view text);

// One .pth file, line by line as site.addpackage does.
struct PthLine {
  bool is_import = false;  // code that Python runs; else a path
  std::string text;
};
struct PthFile {
  std::vector<PthLine> lines;
  bool utf8 = true;  // else Python stops here with an error
};
// `modern`: Python since 3.13, which drops a byte order mark and splits at more kinds of line ends.
PthFile ParsePth(std::string_view bytes, bool modern);

// What a known import line of a .pth file does. The finders of setuptools and of `editables` (hatchling) are
// read from the Python file that the line imports.
enum class PthCode {
  kNothing,        // nothing that bears on what is imported: distutils-precedence, virtualenv, coverage
  kNamespace,      // makes the package `argument` out of the folder of that name beside the file
  kEditable,       // imports `module`, which answers for names of its own
  kAddSiteFolder,  // site.addsitedir('argument')
  kEggBegin,       // easy-install.pth: the paths between these two go to the front
  kEggEnd,
  kUnknown,
};
struct KnownPthCode {
  PthCode code = PthCode::kUnknown;
  std::string
      argument;  // of kEditable the module, of kAddSiteFolder the folder, of kNamespace "google.cloud"
};
KnownPthCode RecognisePthCode(std::string_view line);

struct EditableFinder {
  std::map<std::string, std::string> modules;  // import name -> folder or file, as written
  std::string path_placeholder;                // what it adds to sys.path; empty: nothing
};
// nullopt: not a finder that we know.
std::optional<EditableFinder> ParseEditableFinder(std::string_view source);
// A finder of scikit-build-core or meson-python, which answers for the packages of its project alone, and
// these are none of those that TensorFlow needs.
bool IsFinderOfAnotherProject(std::string_view source);

}  // namespace tfdoctor
