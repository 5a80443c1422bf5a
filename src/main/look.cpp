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
#include "rules/all.h"
#include "saved/state.h"

namespace tfdoctor {

namespace {

bool IsDriverVersion(std::string_view text) {
  const std::vector<std::string> parts = Split(text, '.');
  return parts.size() <= 3 && parts.front().size() >= 2 &&
         std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
           return !part.empty() && part.size() <= 4 &&
                  part.find_first_not_of("0123456789") == std::string::npos;
         });
}

// "gpu=H100,gpu=8.9,driver=570.124.06"
std::optional<EarlyEnd> ParseAssumption(const std::string& text, const Knowledge& knowledge,
                                        Question& question) {
  constexpr std::string_view kForm =
      "; right is gpu=NAME|CC[,driver=VERSION], as in gpu=H100,driver=570.124.06";
  for (const std::string& part : Split(text, ',')) {
    const size_t equals = part.find('=');
    const std::string key(Trim(part.substr(0, equals)));
    const std::string value(equals == std::string::npos ? "" : Trim(part.substr(equals + 1)));
    if (value.empty()) return UsageError(fmt::format("--assume: '{}' has no value{}", part, kForm));
    if (key == "gpu") {
      Result<GpuModel> gpu = knowledge.FindGpuByName(value);
      if (!gpu) return UsageError(fmt::format("--assume gpu={}: {}", value, gpu.error().message));
      question.assumed_gpus.push_back(*gpu);
    } else if (key == "driver") {
      if (!question.assumed_driver.empty()) return UsageError("--assume: driver= may be given once");
      if (!IsDriverVersion(value)) {
        return UsageError(fmt::format("--assume: '{}' is not a driver version such as 570.124.06", value));
      }
      question.assumed_driver = value;
    } else {
      return UsageError(fmt::format("--assume: '{}' is neither gpu nor driver{}", key, kForm));
    }
  }
  if (question.assumed_gpus.empty()) return UsageError(fmt::format("--assume: which GPU?{}", kForm));
  return std::nullopt;
}

// A path that is not there is a slip of the hand; everything else about it is for the probes to say.
std::optional<EarlyEnd> TakePath(const System& system, const char* option, const std::string& given,
                                 std::string& path) {
  if (given.empty()) return std::nullopt;
  path = given.front() == '/' ? given : system.WorkingDirectory() + "/" + given;
  if (!system.LStat(path).not_found()) return std::nullopt;
  return UsageError(fmt::format("{} {}: no such file or folder", option, given));
}

// "-I", "-Es", "-P -s": only what bears on sys.path is understood; other options of python change nothing
// here.
std::optional<EarlyEnd> TakeFlags(const std::string& text, Question& question) {
  for (std::string_view word : SplitWords(text)) {
    constexpr std::string_view kKnown = "IEPsSuBbdOqv";
    if (word.size() < 2 || word[0] != '-' || word.find_first_not_of(kKnown, 1) != std::string_view::npos)
      return UsageError(
          fmt::format("--python-flags: '{}' is not understood; right is -I, -E, -P, -s or -S", word));
    question.python_flags += word.substr(1);
  }
  return std::nullopt;
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
                                     const Knowledge& knowledge, Question& question) {
  if (auto end = TakePath(system, "--python", arguments.python, question.python)) return end;
  if (auto end = TakePath(system, "--script", arguments.script, question.script)) return end;
  if (auto end = TakeFlags(arguments.python_flags, question)) return end;
  question.process = arguments.process;
  question.process_command = arguments.process_command;
  question.python_doubt = arguments.python_doubt;
  question.driver_calls = !arguments.no_driver_calls;
  question.driver_limit = std::chrono::seconds(arguments.driver_limit);
  return arguments.assume.empty() ? std::nullopt : ParseAssumption(arguments.assume, knowledge, question);
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
  if (auto end = TakeQuestion(arguments, *machine_, knowledge(), question)) return end;
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
