// Where `import NAME` ends: Python's path finder on a predicted sys.path.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "python/distributions.h"
#include "python/environment.h"
#include "system/system.h"

namespace tfdoctor {

struct FoundModule {
  enum class Kind { kPackage, kModule, kNamespace };
  Kind kind = Kind::kModule;
  std::string path;                  // the package's folder (the first, of a namespace), or the module's file
  std::string file;                  // what is loaded: …/__init__.py; empty for a namespace
  std::vector<std::string> folders;  // where submodules are looked for
  std::string doubt;  // what comes before it and could not be looked into: it may be hidden; empty: nothing
};

// kNotFound: not importable. Any other error: it is in no folder that could be read, and some could not.
Result<FoundModule> FindModule(const System& system, const PythonEnvironment& environment,
                               const std::string& name);

// The distribution whose RECORD lists the module's file (else whose top_level.txt names it); nullptr:
// nobody's.
const InstalledDistribution* OwnerOf(const System& system, const Installed& installed,
                                     const FoundModule& module);

}  // namespace tfdoctor
