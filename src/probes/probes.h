// The probes: each asks the machine about one link (or a part of it) and fills its own fields of Facts.
#pragma once

#include <string>
#include <vector>

#include "facts/facts.h"
#include "knowledge/knowledge.h"
#include "system/system.h"

namespace tfdoctor {

// What the user asked to have judged.
struct Question {
  std::string python;  // --python: an interpreter or an environment's folder; empty: what PATH starts
  std::string script;  // --script: the program to be run; empty: `python -c` in the working folder
  // --assume: each GPU's compute capability and name, and the driver; empty: read the machine.
  std::vector<GpuModel> assumed_gpus;
  std::string assumed_driver;  // empty: the newest that our data knows and that drives this GPU
};

using Probe = void (*)(const System&, const Knowledge&, const Question&, Facts&);

void ProbeEnvironment(const System&, const Knowledge&, const Question&, Facts&);
void ProbeHost(const System&, const Knowledge&, const Question&, Facts&);
void ProbeHardware(const System&, const Knowledge&, const Question&, Facts&);      // gpus
void ProbeKernelDriver(const System&, const Knowledge&, const Question&, Facts&);
void ProbeDeviceAccess(const System&, const Knowledge&, const Question&, Facts&);
void ProbePython(const System&, const Knowledge&, const Question&, Facts&);
void ProbeTensorFlow(const System&, const Knowledge&, const Question&, Facts&);
// Opens, as the program's process would, the libraries of the driver and of CUDA.
void ProbeLibraries(const System&, const Knowledge&, const Question&, Facts&);

// All of them, in the order of their data.
Facts ProbeAll(const System&, const Knowledge&, const Question&);

}  // namespace tfdoctor
