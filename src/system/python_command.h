// What a command line that starts Python says of it.
#pragma once

#include <string>
#include <vector>

#include "system/system.h"

namespace tfdoctor {

struct PythonArguments {
  std::string script;  // absolute; empty: none, or it is not there
  std::string flags;   // those of -I, -E, -P, -s, -S: "Is"
};

// `words` follow the interpreter.
PythonArguments ReadPythonArguments(const System& system, const std::vector<std::string>& words);

// Where the shell of this system would find a program: by its path, from the working directory, or on PATH.
// All candidates, in order; they need not exist.
std::vector<std::string> PlacesOfProgram(const System& system, const std::string& name);

}  // namespace tfdoctor
