// What the program's own text does with the GPU: read, never run.
#include "python/program.h"

#include <fmt/format.h>

#include "probes/found.h"
#include "probes/probes.h"
#include "python/path.h"

namespace tfdoctor {
namespace {

using What = ProgramAction::What;
using Phase = ProgramAction::Phase;

const char* NameOf(What what) {
  switch (what) {
    case What::kImport:
      return "import";
    case What::kSetVariable:
      return "set-variable";
    case What::kDefaultVariable:
      return "default-variable";
    case What::kUnsetVariable:
      return "unset-variable";
    case What::kVisibleDevices:
      return "visible-devices";
    case What::kMemoryGrowth:
      return "memory-growth";
    case What::kLogicalDevices:
      return "logical-devices";
    case What::kSessionDevices:
      return "session-devices";
    case What::kDevice:
      return "device";
    case What::kStartsDevices:
      return "starts-devices";
    case What::kEager:
      return "eager";
    case What::kJit:
      return "jit";
  }
  return "import";
}

ProgramLine Describe(const std::string& file, const ProgramAction& action) {
  const Origin origin{Witness::kMachine, (action.file.empty() ? file : action.file) + " " + action.where};
  ProgramLine line;
  line.what = Text::Value(NameOf(action.what), origin);
  line.name = action.any_name
                  ? Text::Unknown("only the running program knows which variable: " + action.text, origin)
                  : Text::Value(action.name, origin);
  line.text = Text::Value(action.text, origin);
  bool has_value = action.what != What::kImport && action.what != What::kUnsetVariable &&
                   action.what != What::kStartsDevices && action.what != What::kLogicalDevices;
  line.value = !has_value     ? Text::Absent(origin)
               : action.value ? Text::Value(*action.value, origin)
                              : Text::Unknown("only the running program knows it: " + action.text, origin);
  line.reached = action.why_unsure.empty() ? Fact<bool>::Value(true, origin)
                                           : Fact<bool>::Unknown(action.why_unsure, origin);
  switch (action.phase) {
    case Phase::kBeforeImport:
      line.phase = Text::Value("before-import", origin);
      break;
    case Phase::kAfterImport:
      line.phase = Text::Value("after-import", origin);
      break;
    case Phase::kAfterStart:
      line.phase = Text::Value("after-start", origin);
      break;
    case Phase::kPerhapsAfterStart:
      line.phase = Text::Unknown("it may come too late: " + action.why_phase_unsure, origin);
      break;
    case Phase::kUnknown:
      line.phase = Text::Value("in-a-function", origin);
  }
  line.trains = action.what != What::kDevice ? Fact<bool>::Absent(origin)
                : action.trains              ? Fact<bool>::Value(*action.trains, origin)
                                             : Fact<bool>::Unknown("its block calls other functions", origin);
  return line;
}

}  // namespace

void ProbeProgram(const System& system, const Knowledge&, const Question& question, Facts& facts) {
  using Lines = Fact<std::map<std::string, ProgramLine>>;
  Program& program = facts.program;
  if (question.script.empty()) {
    const Origin origin{Witness::kMachine, "no program was named with --script"};
    program.file = Fact<std::string>::Absent(origin);
    program.lines = Lines::Absent(origin);
    return;
  }
  const Origin origin{Witness::kMachine, question.script};
  program.file = Fact<std::string>::Value(question.script, origin);
  Result<FileStat> stat = system.Stat(question.script);
  if (stat && stat->type == FileType::kDirectory) {
    program.lines = Lines::Unknown("a folder is run, of which only its __main__.py could be read", origin);
    return;
  }
  // python -I, python -P
  const bool safe_path = question.python_flags.find_first_of("IP") != std::string::npos ||
                         !system.Env("PYTHONSAFEPATH").value_or("").empty();
  Result<ProgramReading> reading = ReadProgram(system, question.script, !safe_path);
  if (!reading) {
    program.lines = Lines::Unknown(reading.error().message, origin);
    return;
  }
  std::map<std::string, ProgramLine> lines;
  for (size_t i = 0; i < reading->actions.size(); ++i) {
    const ProgramAction& action = reading->actions[i];
    // Graphs and sessions of TensorFlow 1 start nothing before they are run.
    if (action.what == What::kStartsDevices && reading->graph_mode) continue;
    const std::string of_module = action.file.empty() ? "" : fmt::format(".{:04}", i);
    lines.emplace(fmt::format("{:05}{} {} {}", action.line, of_module, NameOf(action.what), action.name),
                  Describe(question.script, action));
  }
  program.lines = Lines::Value(std::move(lines), origin);
}

}  // namespace tfdoctor
