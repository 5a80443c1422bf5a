// The probes: each asks the machine about one link (or a part of it) and fills its own fields of Facts.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "facts/facts.h"
#include "knowledge/knowledge.h"
#include "system/caching.h"
#include "system/overlay.h"
#include "system/system.h"

namespace tfdoctor {

// What the user asked to have judged.
struct Question {
  std::string python;  // --python: an interpreter or an environment's folder; empty: what PATH starts
  std::string script;  // --script: the program to be run; empty: `python -c` in the working folder
  // --assume: each GPU's compute capability and name, and the driver; empty: read the machine.
  std::vector<GpuModel> assumed_gpus;
  std::string assumed_driver;  // empty: the newest that our data knows and that drives this GPU
  bool driver_calls = true;    // false: --no-driver-calls
  std::chrono::milliseconds driver_limit{20'000};  // how long the driver may take to answer
  bool one_of_all = false;      // --all: other environments are not looked for, since all are on the page
  std::string python_flags;     // --python-flags: letters, "Is"
  std::string process;          // --pid: the number of the process that runs; empty: none
  std::string process_command;  // its command line
  // Why the Python on PATH may not be the one that is meant; empty: it is, or another is named.
  std::string python_doubt;
};

// Takes what an option of check says, by its name without dashes; a recording keeps them so. Others change
// nothing. Error: for people, with the option in front.
Result<bool> TakeOption(const std::string& option, const std::string& value, const Knowledge&, Question&);

using Probe = void (*)(const System&, const Knowledge&, const Question&, Facts&);

void ProbeEnvironment(const System&, const Knowledge&, const Question&, Facts&);
void ProbeHost(const System&, const Knowledge&, const Question&, Facts&);
void ProbeHardware(const System&, const Knowledge&, const Question&, Facts&);  // gpus
void ProbeKernelDriver(const System&, const Knowledge&, const Question&, Facts&);
void ProbeDeviceAccess(const System&, const Knowledge&, const Question&, Facts&);
void ProbeProgram(const System&, const Knowledge&, const Question&, Facts&);  // program
void ProbePython(const System&, const Knowledge&, const Question&, Facts&);
void ProbeTensorFlow(const System&, const Knowledge&, const Question&, Facts&);
void ProbeProject(const System&, const Knowledge&, const Question&, Facts&);
// Opens, as the program's process would, the libraries of the driver and of CUDA.
void ProbeLibraries(const System&, const Knowledge&, const Question&, Facts&);
// In a root where no kernel runs (System::NotRunning()), what only a running machine has is not absent by
// being missing there.
void ProbeNotRunning(const System&, const Knowledge&, const Question&, Facts&);
// What the running process that is judged has mapped.
void ProbeProcess(const System&, const Knowledge&, const Question&, Facts&);
// Calls the driver in a child process (driver_answers, and what follows from them).
void ProbeDriver(const System&, const Knowledge&, const Question&, Facts&);
// What the answers that were given `before` say of a machine with changes, which cannot be called.
void AnswersAfter(const System& changed, const Facts& before, Facts& after);
// What bears on a fault, read only where there is one.
void ProbeTrouble(const System&, const Knowledge&, const Question&, Facts&);

// Whether a module's file is the driver proper: "updates/dkms/nvidia.ko.xz", Debian's "nvidia-current.ko" and
// "nvidia-legacy-390xx.ko"; not nvidia-drm.ko, nvidia-uvm.ko, nvidiafb.ko, nvidia-wmi-ec-backlight.ko.
bool IsDriverFile(std::string_view path);

// Who holds the memory of the GPU, where it turned out too little after all (device_memory).
void ProbeHolders(const System&, Facts&);

// Groups of them, by what they depend on: the machine alone, then the interpreter, then the libraries that a
// process of it would take.
void ProbeMachine(const System&, const Knowledge&, const Question&, Facts&);
void ProbeInterpreter(const System&, const Knowledge&, const Question&, Facts&);
void ProbeTaken(const System&, const Knowledge&, const Question&, Facts&);
// All of them, in the order of their data.
Facts ProbeAll(const System&, const Knowledge&, const Question&);

// One probing of a machine, which can be repeated for the same machine with changes. Most repairs concern the
// CUDA libraries alone: where the changes touch nothing that the probes before the last asked about, these
// would find the same again, and their facts are taken over.
class Probing {
 public:
  Probing(const CachingSystem&, const Knowledge&, const Question&);
  const Facts& facts() const { return facts_; }
  double driver_milliseconds() const { return driver_milliseconds_; }  // that the driver took to answer
  void AddHistory();  // facts().history: what changed, which is asked where a cause was found
  // What ProbeAll() would find on `changed`, which lies over the machine that was probed.
  Facts After(const OverlaySystem& changed) const;

 private:
  const CachingSystem& machine_;
  const Knowledge& knowledge_;
  const Question& question_;
  Facts facts_;
  Facts before_last_;  // without what the last probes found
  double driver_milliseconds_ = 0;
  size_t asked_before_last_;  // how much of CachingSystem::asked()
};

// --- `check --all`

struct ListedEnvironment {
  std::string interpreter;         // absolute
  std::vector<std::string> kinds;  // "this shell", "venv", "Jupyter kernel gpu", …
  std::string command;             // that uses it; empty: nothing is needed
  std::string failure;             // why it cannot be judged; empty: it can
};
// The Python of this shell first, then all that FindSurroundings() finds; one for each sys.prefix.
std::vector<ListedEnvironment> ListEnvironments(const System&, std::vector<std::string>& unread);

// One look at the machine for many interpreters.
class ManyProbings {
 public:
  ManyProbings(const System&, const Knowledge&, const Question&);
  Facts Of(const std::string& interpreter) const;

 private:
  const System& system_;
  const Knowledge& knowledge_;
  Question question_;
  Facts machine_;
  // What the driver answered, by the libraries that were opened: a child for each environment would take
  // most of the time.
  mutable std::map<std::string, Facts> answered_;
};

}  // namespace tfdoctor
