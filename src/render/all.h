// The answer of `check --all`: every environment with its verdict.
#pragma once

#include <string>
#include <vector>

#include "diagnose/diagnosis.h"
#include "facts/facts.h"
#include "render/json.h"
#include "render/terminal.h"

namespace tfdoctor {

struct JudgedEnvironment {
  std::string interpreter;
  std::vector<std::string> kinds;  // "this shell", "venv", "Jupyter kernel gpu"
  std::string command;             // that uses it; may be empty
  std::string failure;             // why it could not be judged; empty: it was
  std::string python;              // "3.11.2"; empty: not known
  std::string tensorflow;          // "tensorflow 2.20.0"; empty: none
  Diagnosis diagnosis;
};
// Fills what is shown of the facts.
void Describe(const Facts& facts, JudgedEnvironment& environment);

struct AllEnvironments {
  std::vector<JudgedEnvironment> environments;
  std::vector<std::string> unread;  // files that were not understood

  VerdictKind Best() const;  // of all; kUnknown when there is none
};

std::string RenderAll(const AllEnvironments& all, const TextOptions& options);
// docs/schema/environments-1.schema.json
std::string RenderAllJson(const AllEnvironments& all, const RunInfo& run);

}  // namespace tfdoctor
