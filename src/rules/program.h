// What the program's own lines say, for the rules that judge them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "diagnose/rule.h"
#include "facts/facts.h"
#include "facts/visible_devices.h"

namespace tfdoctor {

// The lines that do this, in the order of the text; none where no program was named.
std::vector<const ProgramLine*> ProgramLines(const Facts& facts, std::string_view what);

// Which line of the program decides an environment variable, by the time that it is read.
enum class ReadAt { kImport, kStart, kUse };  // kUse: some time after the start, as XLA reads its flags
struct VariableOfProgram {
  const ProgramLine* sure = nullptr;     // reached whenever the program runs; nullptr: none
  const ProgramLine* perhaps = nullptr;  // a later one that may be reached
  const ProgramLine* too_late = nullptr;
  const FactBase* unsure = nullptr;  // what is not known and may decide otherwise
};
VariableOfProgram FindVariable(const Facts& facts, std::string_view name, ReadAt read_at);

// A value that a variable may have when it is read.
struct ValueInForce {
  const Fact<std::string>* value = nullptr;  // of the shell, or of the program's line; absent: not set
  const ProgramLine* line = nullptr;         // nullptr: the shell's
  const FactBase* unsure = nullptr;          // what may make it another; nullptr: it is this one
};
std::vector<ValueInForce> ValuesInForce(const Facts& facts, std::string_view name, ReadAt read_at);
// Does without it: takes the variable out of the shell, or the line out of the program.
Fix TakeOut(const ValueInForce& found, const std::string& name, const std::string& title = "");

// What a value of CUDA_VISIBLE_DEVICES leaves of this machine's GPUs.
VisibleDevices VisibleDevicesOf(const Facts& facts, const std::string& value);

// Whether CUDA_DEVICE_ORDER has a value with which the driver refuses to start.
bool OrderIsRefused(const Facts& facts);

// The NVIDIA GPUs that the program sees: those that the driver lists, else those that CUDA_VISIBLE_DEVICES
// leaves.
struct GpusInUse {
  std::vector<const Gpu*> gpus;
  // Set where it leaves only some of `gpus` and the driver's order, by which they are numbered, is not known:
  // what is not known. A rule that holds of some of them and not of all is open then.
  const FactBase* doubt = nullptr;
};
GpusInUse FindGpusInUse(const Facts& facts);
// The answer of a rule that holds of some of them, `of_some`, and not of `other`, as `text` says: open where
// the program may see the others alone.
Verdict OfSomeGpus(const GpusInUse& use, Verdict of_some, const Gpu& other, const std::string& text);

// "/GPU:1", "gpu:1", "/device:GPU:1" -> 1; -1: another kind of device. "/CPU:0" likewise for "CPU".
int DeviceIndex(std::string_view device, std::string_view type);

// What speaks against a finding that rests on this line: it may not be reached, or another line was not
// understood.
void AddDoubts(const Facts& facts, const ProgramLine& line, Verdict& verdict);

// Where a line stands: "train.py line 12".
std::string Place(const ProgramLine& line);

// How many GPUs the driver shows to the program at most; -1: not known.
int VisibleGpus(const Facts& facts);

}  // namespace tfdoctor
