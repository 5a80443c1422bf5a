#include "main/look.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "base/text.h"
#include "diagnose/diagnose.h"
#include "diagnose/since.h"
#include "main/output.h"
#include "plan/plan.h"
#include "python/interpreter.h"
#include "rules/all.h"
#include "saved/state.h"

namespace tfdoctor {

namespace {

// A path that is not there is a slip of the hand; everything else about it is for the probes to say.
std::optional<EarlyEnd> TakePath(const System& system, const std::string& machine, const char* option,
                                 const std::string& given, std::string& path) {
  if (given.empty()) return std::nullopt;
  path = given.front() == '/' ? given : system.WorkingDirectory() + "/" + given;
  if (!system.LStat(path).not_found()) return std::nullopt;
  return UsageError(fmt::format("{} {}: no such file or folder{}{}", option, given,
                                machine.empty() ? "" : " in ", machine));
}

// A folder that is no environment, whole or broken.
bool HoldsNoPython(const System& system, const std::string& path) {
  const Result<FileStat> stat = system.Stat(path);
  if (!stat || stat->type != FileType::kDirectory || !InterpreterIn(system, path).empty()) return false;
  return system.LStat(path + "/pyvenv.cfg").not_found() && system.LStat(path + "/conda-meta").not_found();
}

std::optional<EarlyEnd> TakeData(const Arguments& arguments, const System& system,
                                 std::unique_ptr<Knowledge>& knowledge) {
  if (arguments.data.empty()) return std::nullopt;
  constexpr size_t kLargest = 16 << 20;
  Result<std::string> text = system.ReadAll(arguments.data, kLargest);
  if (!text) return UsageError("--data: " + text.error().message);
  Result<std::unique_ptr<Knowledge>> read = KnowledgeWithFile(*text, arguments.data);
  if (!read) return UsageError("--data: " + read.error().message);
  knowledge = std::move(*read);
  return std::nullopt;
}

// A recording is judged as it was made to be, where nothing else is said.
void Adopt(const std::vector<std::pair<std::string, std::string>>& question, Arguments& arguments) {
  for (const auto& [option, value] : question) {
    for (const auto& [name, place] : kOfQuestion) {
      if (option == name && (arguments.*place).empty()) arguments.*place = value;
    }
    if (option == "no-driver-calls") arguments.no_driver_calls = true;
  }
}

std::optional<EarlyEnd> TakeQuestion(const Arguments& arguments, const System& system,
                                     const std::string& machine, const Knowledge& knowledge,
                                     Question& question) {
  for (const auto& [option, place] : kOfQuestion) {
    if ((arguments.*place).empty()) continue;
    if (Result<bool> taken = TakeOption(option, arguments.*place, knowledge, question); !taken)
      return UsageError(taken.error().message);
  }
  if (auto end = TakePath(system, machine, "--python", arguments.python, question.python)) return end;
  if (!question.python.empty() && HoldsNoPython(system, question.python))
    return UsageError(
        fmt::format("--python {}: there is no Python in this folder (neither bin/python nor pyvenv.cfg)",
                    arguments.python));
  if (auto end = TakePath(system, machine, "--script", arguments.script, question.script)) return end;
  question.driver_calls = !arguments.no_driver_calls;
  question.driver_limit = std::chrono::seconds(arguments.driver_limit);
  return std::nullopt;
}

}  // namespace

void TellWhatChanged(const CachingSystem& machine, const std::string& now, Probing& present,
                     Diagnosis& diagnosis) {
  const bool* assumed = present.facts().assumed.Peek();
  if (diagnosis.headline() == nullptr || diagnosis.verdict == VerdictKind::kGpuUsable) return;
  if (assumed == nullptr || *assumed) return;
  present.AddHistory();
  diagnosis.since = Since(diagnosis, present.facts(), now);
  if (auto path = StatePath(machine, present.facts()); path.ok())
    diagnosis.saved = CompareState(machine, *path, present.facts());
}

Diagnosis Judged(const CachingSystem& machine, const Knowledge& knowledge, const std::string& now,
                 Probing& present) {
  Diagnosis diagnosis = Diagnose(present.facts(), knowledge, AllRules());
  TryFixes(machine, knowledge, present, diagnosis);
  TellWhatChanged(machine, now, present, diagnosis);
  return diagnosis;
}

std::optional<EarlyEnd> Look::Open(Arguments& arguments, Recording* recording) {
  if (auto end = TakeData(arguments, *live_, with_file_)) return end;
  Result<Source> source = OpenSource(arguments.source, *live_, ProgressLine());
  if (!source || source->fetch) EndProgressLine();
  if (!source) return UsageError(source.error().message);
  source_ = std::move(*source);
  if (source_.zone.size() == 5) {
    // Times are told as the clock there tells them. TZ counts the other way.
    const std::string& zone = source_.zone;
    const char sign = zone.front() == '-' ? '+' : '-';
    ::setenv("TZ", fmt::format("<rec>{}{}:{}", sign, zone.substr(1, 2), zone.substr(3, 2)).c_str(), 1);
    ::tzset();
  }
  Adopt(source_.question, arguments);
  if (arguments.python.empty() && !arguments.python_doubt.empty())
    source_.name += "; " + arguments.python_doubt;
  if (recording != nullptr) recorder_ = std::make_unique<RecordingSystem>(*source_.system, *recording);
  machine_ = std::make_unique<CachingSystem>(recorder_ ? *recorder_ : *source_.system);
  return std::nullopt;
}

std::optional<EarlyEnd> Look::Ask(const Arguments& arguments, Question& question) {
  if (auto end = TakeQuestion(arguments, *machine_, source_.name, knowledge(), question)) return end;
  if (!source_.fetch) return std::nullopt;
  while (true) {
    const CachingSystem machine(*source_.system);
    Probing present(machine, knowledge(), question);
    (void)Judged(machine, knowledge(), "", present);
    Result<bool> more = source_.fetch();
    if (!more) return UsageError("--image: " + more.error().message);
    if (!*more) break;
  }
  EndProgressLine();
  return std::nullopt;
}

}  // namespace tfdoctor
