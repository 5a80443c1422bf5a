#include "prove/prove.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string_view>

#include "diagnose/diagnose.h"
#include "diagnose/judge_proof.h"
#include "logs/facts.h"
#include "main/commands.h"
#include "main/output.h"
#include "plan/plan.h"
#include "probes/probes.h"
#include "prove/interruption.h"
#include "render/json.h"
#include "render/proof.h"
#include "rules/all.h"

namespace tfdoctor {

namespace {

std::optional<EarlyEnd> TakeProveOptions(const Arguments& arguments, ProveOptions& options) {
  Result<std::string> device = ReadDevice(arguments.device);
  if (!device) return UsageError("--device: " + device.error().message);
  options.device = *device;
  Result<std::vector<std::string>> steps =
      arguments.steps.empty() ? StepNames(arguments.deep) : ReadSteps(arguments.steps);
  if (!steps) return UsageError("--steps: " + steps.error().message);
  options.steps = *steps;
  options.seed = arguments.seed;
  options.with_python = arguments.with_python;
  options.load_seconds = arguments.load_seconds;
  options.time_limit = std::chrono::seconds(arguments.time_limit);
  options.memory_limit = arguments.memory_limit << 20;
  return std::nullopt;
}

}  // namespace

int ProveIt(Arguments& arguments, const Clock& clock) {
  Look look;
  if (auto end = look.Open(arguments)) return EndEarly(*end);
  const CachingSystem& machine = look.machine();
  const Knowledge& knowledge = look.knowledge();
  Question question;
  if (auto end = look.Ask(arguments, question)) return EndEarly(*end);
  ProveOptions options;
  if (auto end = TakeProveOptions(arguments, options)) return EndEarly(*end);
  options.python_flags = question.python_flags;
  int log = -1;
  if (!arguments.keep_log.empty()) {
    log = ::open(arguments.keep_log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (log < 0) {
      return EndEarly(
          UsageError(fmt::format("cannot write {}: {}", arguments.keep_log, std::strerror(errno))));
    }
  }
  const std::function<void(const std::string&)> show = ProgressLine();
  const Probing present(machine, knowledge, question);
  const Diagnosis predicted = Diagnose(present.facts(), knowledge, AllRules());
  const Interruption interruption;
  options.progress = show;
  options.interrupted = Interruption::Asked;
  options.log = [log](std::string_view text) {
    // A full disk is no reason to stop.
    if (log >= 0) [[maybe_unused]]
      const ssize_t written = ::write(log, text.data(), text.size());
  };
  Proving proving = Prove(machine, knowledge, present.facts(), options);
  EndProgressLine();
  if (log >= 0) ::close(log);
  if (proving.interrupted) Interruption::End();

  Facts facts = present.facts();
  const std::vector<ProvedStep>& steps = proving.proof.steps;
  if (std::any_of(steps.begin(), steps.end(), [](const ProvedStep& step) { return step.out_of_memory; }))
    ProbeHolders(machine, facts);
  AddLog(proving.log, {}, knowledge, false, facts);
  Diagnosis diagnosis = Diagnose(facts, knowledge, AllRules());
  TryFixes(machine, knowledge, present, diagnosis);
  JudgeProof(predicted, diagnosis, proving.proof);
  RunInfo run = clock.Info();
  run.driver_milliseconds = present.driver_milliseconds();
  const int status = Finish(
      arguments.json()
          ? RenderJson(diagnosis, arguments.facts ? &facts : nullptr, run, false, nullptr, &proving.proof)
          : RenderProof(proving.proof, diagnosis, facts, TextOptionsFor(arguments)),
      ExitStatus(proving.proof, diagnosis));
  std::_Exit(status);
}

}  // namespace tfdoctor
