// The running processes that `check --pid` can judge.
#pragma once

#include <string>
#include <vector>

#include "render/terminal.h"

namespace tfdoctor {

struct RunningTensorFlow {
  int pid = 0;
  std::string command;
  std::string library;  // of TensorFlow, that it has mapped
};

std::string RenderProcesses(const std::vector<RunningTensorFlow>& processes, const TextOptions& options);
// docs/schema/processes-1.schema.json
std::string RenderProcessesJson(const std::vector<RunningTensorFlow>& processes);

}  // namespace tfdoctor
