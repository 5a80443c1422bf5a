#include <algorithm>
#include <cstdlib>
#include <functional>
#include <future>
#include <thread>

#include "base/text.h"
#include "diagnose/diagnose.h"
#include "main/commands.h"
#include "main/output.h"
#include "probes/probes.h"
#include "render/all.h"
#include "render/processes.h"
#include "render/text.h"
#include "rules/all.h"
#include "saved/state.h"
#include "system/process.h"

namespace tfdoctor {

namespace {

// --save. On stderr, since the answer is for stdout; it does not change the exit status.
void Save(const CachingSystem& machine, const Facts& facts, const Diagnosis& diagnosis, const RunInfo& run) {
  if (diagnosis.verdict != VerdictKind::kGpuUsable && diagnosis.verdict != VerdictKind::kGpuDegraded) {
    return Complain("not saved: only a state in which TensorFlow can use the GPU is kept");
  }
  const Result<std::string> path = StatePath(machine, facts);
  if (!path.ok()) return Complain("not saved: " + path.error().message);
  const Result<bool> done = SaveState(*path, facts, run.started);
  Complain(done.ok() ? "saved as the good state of this environment: " + Printable(*path)
                     : "not saved: " + done.error().message);
}

// Judges every `step`th environment from `first` on.
std::optional<EarlyEnd> JudgeSome(Look& look, const Arguments& arguments,
                                  const std::vector<ListedEnvironment>& listed, size_t first, size_t step,
                                  std::vector<JudgedEnvironment>& judged) {
  Question question;
  if (auto end = look.Ask(arguments, question)) return end;
  const ManyProbings probings(look.machine(), look.knowledge(), question);
  for (size_t i = first; i < listed.size(); i += step) {
    judged[i].interpreter = listed[i].interpreter;
    judged[i].kinds = listed[i].kinds;
    judged[i].command = listed[i].command;
    judged[i].failure = listed[i].failure;
    const Facts facts = probings.Of(listed[i].interpreter);
    Describe(facts, judged[i]);
    judged[i].diagnosis = Diagnose(facts, look.knowledge(), AllRules());
  }
  return std::nullopt;
}

}  // namespace

int Check(Arguments& arguments, const Clock& clock) {
  Look look;
  if (auto end = look.Open(arguments)) return EndEarly(*end);
  const CachingSystem& machine = look.machine();
  const Knowledge& knowledge = look.knowledge();
  Question question;
  if (auto end = look.Ask(arguments, question)) return EndEarly(*end);

  Probing present(machine, knowledge, question);
  const Facts& facts = present.facts();
  const Diagnosis diagnosis = Judged(machine, knowledge, look.LocalTime(clock), present);

  RunInfo run = clock.Info();
  if (arguments.save) Save(machine, facts, diagnosis, run);
  run.driver_milliseconds = present.driver_milliseconds();
  TextOptions text = TextOptionsFor(arguments);
  text.driver_milliseconds = present.driver_milliseconds();
  text.judged = look.name();
  const int status = Finish(arguments.json() ? RenderJson(diagnosis, arguments.facts ? &facts : nullptr, run,
                                                          arguments.simulated_facts)
                                             : RenderText(diagnosis, facts, text),
                            ExitStatus(diagnosis.verdict, arguments.strict));
  // To give back piece by piece what was read would take as long as a probe.
  std::_Exit(status);
}

int CheckAll(Arguments& arguments, const Clock& clock) {
  // No look is for two threads. They stay until the end: to give back what was read takes long.
  std::vector<std::unique_ptr<Look>> looks;
  looks.push_back(std::make_unique<Look>());
  if (auto end = looks[0]->Open(arguments)) return EndEarly(*end);
  AllEnvironments all;
  const std::vector<ListedEnvironment> listed = ListEnvironments(looks[0]->machine(), all.unread);
  all.environments.resize(listed.size());
  // Each looks at the machine once more, which is worth it from some environments on.
  constexpr size_t kWorthAThread = 8, kMostThreads = 8;
  const size_t threads = std::clamp<size_t>(
      std::min<size_t>(std::thread::hardware_concurrency(), listed.size() / kWorthAThread), 1, kMostThreads);
  std::vector<std::future<std::optional<EarlyEnd>>> others;
  for (size_t i = 1; i < threads; i++) {
    looks.push_back(std::make_unique<Look>());
    others.push_back(
        std::async(std::launch::async, [&, i, mine = looks.back().get(), asked = arguments]() mutable {
          if (auto end = mine->Open(asked)) return std::optional<EarlyEnd>(std::move(end));
          return JudgeSome(*mine, asked, listed, i, threads, all.environments);
        }));
  }
  std::optional<EarlyEnd> end = JudgeSome(*looks[0], arguments, listed, 0, threads, all.environments);
  for (auto& other : others) {
    if (auto ended = other.get()) end = std::move(ended);
  }
  if (end) return EndEarly(*end);
  const int status =
      Finish(arguments.json() ? RenderAllJson(all, clock.Info()) : RenderAll(all, TextOptionsFor(arguments)),
             ExitStatus(all.Best(), arguments.strict));
  std::_Exit(status);
}

int ListProcesses(const Arguments& arguments) {
  std::vector<RunningTensorFlow> processes;
  for (TensorFlowProcess& process : TensorFlowProcesses())
    processes.push_back({process.pid, std::move(process.command), std::move(process.library)});
  return Finish(arguments.json() ? RenderProcessesJson(processes)
                                 : RenderProcesses(processes, TextOptionsFor(arguments)),
                0);
}

}  // namespace tfdoctor
