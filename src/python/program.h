// What a program's text says about the GPU: read statement by statement, never run.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "system/system.h"

namespace tfdoctor {

// One statement that bears on the GPU.
struct ProgramAction {
  enum class What {
    kImport,           // name: "tensorflow", "torch"
    kSetVariable,      // name: "CUDA_VISIBLE_DEVICES", value
    kDefaultVariable,  // os.environ.setdefault()
    kUnsetVariable,
    kVisibleDevices,  // value: "none", "0" (GPU 0 alone), …
    kMemoryGrowth,    // value: "all", "0" (GPU 0)
    kLogicalDevices,
    kSessionDevices,  // ConfigProto(device_count={'GPU': N}), value: N
    kDevice,          // tf.device(value), OneDeviceStrategy(value)
    kStartsDevices,   // name: the function, "tensorflow.constant"
    kEager,           // name: "run_functions_eagerly", "disable_eager_execution", "run_eagerly"
    kJit,             // name: "jit_compile", "set_jit"
  };
  What what = What::kImport;
  std::string name;
  bool any_name = false;             // of a variable: only the running program knows which
  std::optional<std::string> value;  // nullopt: only the running program knows
  std::string text;                  // the first line of the statement
  std::string file;                  // of a module that the program imports; empty: the program itself
  uint32_t line = 0;       // of the program, also for what its import does; of a notebook: of all its
                           // code, counted on
  std::string where;       // "line 12" of the file; of a notebook "cell 3, line 2"
  std::string function;    // that it stands in, or class; empty: in none
  std::string why_unsure;  // empty: reached whenever the program runs; else "it stands in …"
  // As far as it is known when the statement runs (not in a function). "After the start" is judged for what
  // the statement sets: TensorFlow's devices for its settings, the driver for the variables that it reads.
  enum class Phase { kBeforeImport, kAfterImport, kAfterStart, kPerhapsAfterStart, kUnknown };
  Phase phase = Phase::kBeforeImport;
  std::string why_phase_unsure;  // of kPerhapsAfterStart: what may have started them before
  // Of kDevice: whether the network is trained in its block.
  std::optional<bool> trains;
};

struct ProgramReading {
  std::vector<ProgramAction> actions;  // in the order of the text
  bool notebook = false;
  bool graph_mode = false;  // TensorFlow 1's graphs and sessions: constants start nothing
};

// A cell of a notebook that is to be run.
struct NotebookCell {
  std::string source;
  bool python = false;  // else it is of another language ("%%bash"), or nothing that Python would run
};
Result<std::vector<NotebookCell>> NotebookCells(std::string_view bytes);

// A module that belongs to the program.
struct OwnModule {
  std::string file;
  std::string bytes;
};
// "helper", "package.module" -> its text; not found: Python takes it from elsewhere.
using FindOwnModule = std::function<Result<OwnModule>(const std::string& name)>;

// A .py or .ipynb file, at most 16 MiB. An error: not readable, or nothing that Python would run.
// `own_modules`: its folder comes first on sys.path, so that it imports what lies there.
Result<ProgramReading> ReadProgram(const System& system, const std::string& path, bool own_modules);
Result<ProgramReading> ReadProgramText(std::string_view bytes, bool notebook, const FindOwnModule& find = {});

}  // namespace tfdoctor
