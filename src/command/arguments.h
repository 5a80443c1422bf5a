// What the command line says. What it may say, and how it teaches, is in arguments.cpp alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/source.h"

namespace tfdoctor {

constexpr size_t kNarrowest = 40;  // of an answer, in columns
constexpr size_t kWidest = 1000;

enum class Action : uint8_t { kCheck, kProve, kExplain, kCauses, kRecord, kDiff };

struct Arguments {
  Action action = Action::kCheck;
  // --- of explain
  std::vector<std::string> subject;  // a log's file, "-", a cause, an error, or words
  std::string file, text, cause, context;
  std::vector<std::string> answers;                         // KEY=VALUE
  std::vector<std::pair<std::string, std::string>> stated;  // by --tf-version and the like
  bool with_machine = false;
  bool follow = false;
  // --- of prove
  std::string device = "GPU:0";
  std::string steps, keep_log;
  bool with_python = false, deep = false;
  double load_seconds = 60;
  int64_t seed = 1;
  int time_limit = 600;          // seconds
  uint64_t memory_limit = 8192;  // MiB
  // --- of check
  std::string python;
  std::string script;
  std::string assume;
  std::string data;
  std::string format = "text";
  std::string color = "auto";
  size_t width = 0;  // 0: the terminal's
  bool verbose = false;
  bool facts = false;
  bool simulated_facts = false;
  bool strict = false;
  bool no_driver_calls = false;
  int driver_limit = 20;
  bool all = false;
  std::string python_flags;
  bool save = false;
  SourceOptions source;
  // of --pid, or of a recording of one
  std::string process, process_command;
  // of --image, or of a recording of one: why the Python of PATH may not be the one that is meant
  std::string python_doubt;
  bool list_processes = false;
  std::vector<std::string> compared;  // of diff: A and B
  // --- of record
  std::string output;
  bool no_redact = false;

  bool json() const { return format == "json"; }
};

// What ends the command before any work: a text for stdout, or a usage error.
struct EarlyEnd {
  std::string text;
  bool usage_error = false;
};

EarlyEnd UsageError(std::string message);

// Reads the command line. What it returns ends the command: --help, --version, or what was not understood.
std::optional<EarlyEnd> Parse(int argc, char** argv, Arguments& arguments);

}  // namespace tfdoctor
