// What the project in a folder says of TensorFlow: requirements files, pyproject.toml, Pipfile,
// environment.yml and lock files. Read as text; nothing is resolved or run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "python/requirement.h"
#include "system/system.h"

namespace tfdoctor {

struct ProjectRequirement {
  std::string where;        // "/home/a/project/requirements.txt line 3"
  std::string requirement;  // in the form of PEP 508: "tensorflow[and-cuda]==2.15.0"
  bool locked = false;      // by a lock file
  std::string marker;       // counts only where this marker of PEP 508 holds; empty: everywhere
  std::string only;         // counts only with this, which no file decides: "the group dev"; empty: always
  std::vector<std::string> unless = {};  // not where one of these markers holds
};

struct ProjectRequirements {
  std::vector<ProjectRequirement> requirements;  // of the distributions asked for alone
  std::vector<std::string> unread;               // files that were not understood
};

// The nearest folder from `folder` up that has such a file counts. `names` are normalised.
// Markers stay as they are written; WhatApplies() evaluates them.
ProjectRequirements ReadProject(const System& system, const std::string& folder,
                                const std::vector<std::string>& names);

// Without what does not count for this interpreter. Of what remains with a marker or an `only` it could not
// be decided; what counts for sure is not said once more with a condition.
ProjectRequirements WhatApplies(ProjectRequirements found, const MarkerVariables& here);

// "^2.15" -> ">=2.15,<3", "~2.15" -> ">=2.15,<2.16", "2.15" -> "==2.15", "*" -> "" (Poetry's constraints)
std::string PoetrySpecifiers(std::string_view constraint);

// Each parser alone, for tests and fuzzing: "where" has the line or key only.
ProjectRequirements ParseRequirementsFile(std::string_view text, const std::vector<std::string>& names);
ProjectRequirements ParsePyproject(std::string_view text, const std::vector<std::string>& names);
ProjectRequirements ParsePipfile(std::string_view text, const std::vector<std::string>& names);
ProjectRequirements ParseCondaEnvironment(std::string_view text, const std::vector<std::string>& names);
ProjectRequirements ParseLockFile(std::string_view text, const std::vector<std::string>& names);
ProjectRequirements ParsePipfileLock(std::string_view text, const std::vector<std::string>& names);

}  // namespace tfdoctor
