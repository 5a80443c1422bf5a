// The Python environments of this user: those of the project in the working folder, then all that the usual
// tools keep. Found by looking at files; nothing is started.
#pragma once

#include <string>
#include <vector>

#include "system/system.h"

namespace tfdoctor {

struct NearbyEnvironment {
  std::string interpreter;  // absolute, as one would start it
  std::string kind;         // "venv", "Poetry", "conda", "pyenv", "Jupyter kernel NAME", …
  std::string command;      // activates it for this shell, or else starts its Python
  bool chosen = false;      // by an editor or a notebook for this folder or this user: no word of a shell
};

struct Surroundings {
  std::vector<NearbyEnvironment> environments;  // the nearest first; an interpreter may be there twice
  std::vector<std::string> unread;              // files that were not understood
};

// `prefix` is sys.prefix of the Python at hand, whose own kernelspecs count, too; it may be empty.
Surroundings FindSurroundings(const System& system, const std::string& prefix);

// The names that Poetry ("demo-4mZ0aaXV") and Pipenv give to the environment of a project.
std::string PoetryEnvironmentName(std::string_view project, std::string_view folder);
std::string PipenvEnvironmentName(std::string_view pipfile);

}  // namespace tfdoctor
