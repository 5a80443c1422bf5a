// Which Python a container's command (ENTRYPOINT and CMD) starts, and with what, as far as it can be told
// without running anything.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "system/system.h"

namespace tfdoctor {

struct StartedPython {
  std::string python;  // absolute; empty: it starts none, or one that is not there
  std::string script;  // of it, absolute; empty: none
  std::string flags;   // of it, as in PythonArguments
  // As the command has them when it starts Python: "env NAME=value", "cd", "export", an environment that is
  // activated.
  std::map<std::string, std::string> environment;
  std::string working_directory;
  // False: it starts something that may start any Python.
  bool understood = false;
};

// `head` gives the first bytes of a file, which tell what runs it; empty: they cannot be had.
StartedPython ReadStartCommand(const System& system, const std::vector<std::string>& words,
                               const std::function<std::string(const std::string&)>& head);

}  // namespace tfdoctor
