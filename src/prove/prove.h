// Runs the experiments in a fenced child process and notes what happened. It judges nothing: diagnose/ does.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "diagnose/proof.h"
#include "facts/facts.h"
#include "knowledge/knowledge.h"
#include "logs/read.h"
#include "system/system.h"

namespace tfdoctor {

struct ProveOptions {
  std::string device = "GPU:0";
  std::vector<std::string> steps;  // in the order in which they are run
  int64_t seed = 1;
  std::string python_flags;  // letters, as Question::python_flags
  bool with_python = false;  // in the user's own interpreter, whether or not the C API can be had
  std::chrono::milliseconds time_limit{600'000};  // for all steps together
  double load_seconds = 60;                       // that step load takes
  uint64_t memory_limit = 8ULL << 30;             // bytes that the child may hold
  uint64_t output_limit = 64ULL << 20;            // bytes that it may print
  // Hears what is done at the moment, several times a second.
  std::function<void(const std::string& doing)> progress;
  // Hears all that TensorFlow prints, and what its calls said.
  std::function<void(std::string_view)> log;
  std::function<bool()> interrupted;
};

// The names of the steps, in order; `deep`: those of --deep after them.
std::vector<std::string> StepNames(bool deep);
// "GPU:0", "CPU:0"; also as TensorFlow writes it, "/device:GPU:0", "/GPU:0", and in lower case.
Result<std::string> ReadDevice(std::string_view text);
// "add,matmul": each known, of --deep or not, in the order of StepNames().
Result<std::vector<std::string>> ReadSteps(std::string_view text);

struct Proving {
  Proof proof;
  LogReading log;
  bool interrupted = false;
};
// `facts`: what the probes found; they name the TensorFlow to be run.
Proving Prove(const System& system, const Knowledge& knowledge, const Facts& facts,
              const ProveOptions& options);

}  // namespace tfdoctor
