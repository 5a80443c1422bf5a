// Which Python is meant, and its version, without running it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "system/system.h"

namespace tfdoctor {

struct PythonVersion {
  int major = 0;
  int minor = 0;
  std::string text;  // "3.11.7"; "3.11" where the patch level is not known
  bool has_patch = false;
  std::string abi_suffix;  // "t" for a free-threaded build, else ""
  std::string from;        // what told it

  std::string Dotted() const { return std::to_string(major) + "." + std::to_string(minor); }
  std::string FolderName() const { return "python" + Dotted() + abi_suffix; }  // below lib/
  bool AtLeast(int want_major, int want_minor) const {
    return major != want_major ? major > want_major : minor >= want_minor;
  }
};

struct Interpreter {
  std::string typed;  // as the user reaches it: "/home/a/.pyenv/shims/python"
  std::string path;   // what is started in the end, absolute, links not followed: Python's sys.executable
  std::string real;   // the file behind all symbolic links
  std::string
      chosen_by;  // "--python", "PATH (python)", "PATH (python3)"; with ", pyenv shim (PYENV_VERSION)" …
};

// `asked` is what --python says: an interpreter, an environment's folder, or a command on PATH; empty: what
// PATH starts for `python`, else for `python3`. An error of kind kNotFound: there is none; of another kind:
// it could not be told.
Result<Interpreter> FindInterpreter(const System& system, const std::string& asked);

// Where the folder of an environment has its interpreter (or something that could not be read in its place);
// empty: it has none.
std::string InterpreterIn(const System& system, const std::string& folder);

// The first executable file of this name on PATH, absolute; empty when there is none.
std::string FindOnPath(const System& system, const std::string& path, const std::string& name);

}  // namespace tfdoctor
