// A running process as the machine that is judged: its environment, working directory, user and mount
// namespace, and the files that it has mapped.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "system/system.h"

namespace tfdoctor {

// A process that runs Python, and what it was started with. Paths are those of its own root.
struct PythonProcess {
  int pid = 0;
  std::string command;      // "python3 train.py"
  std::string interpreter;  // as it was started: "/home/ada/venv/bin/python"; empty: it cannot be told
  std::string script;       // empty: none, or not there any more
  std::string flags;        // those of -I, -E, -P, -s, -S: "Is"
  std::unique_ptr<System> system;
};

// Everything that may go with the process is read at once. Its driver may be called only where that gives
// what the process itself would get: for a process of this user in this mount namespace. Error: for people,
// "there is no process 4711".
Result<PythonProcess> OpenProcess(int pid);

struct TensorFlowProcess {
  int pid = 0;
  std::string command;
  std::string library;  // of TensorFlow, that it has mapped
};
// The processes of this user that have TensorFlow mapped, by number.
std::vector<TensorFlowProcess> TensorFlowProcesses();

}  // namespace tfdoctor
