#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "diagnose/compare.h"
#include "diagnose/diagnose.h"
#include "main/commands.h"
#include "main/output.h"
#include "probes/probes.h"
#include "redaction/redaction.h"
#include "render/compare.h"
#include "rules/all.h"
#include "system/recording.h"

namespace tfdoctor {

namespace {

// The question as a recording keeps it; paths are absolute by now.
std::vector<std::pair<std::string, std::string>> KeptQuestion(Arguments arguments, const Question& question) {
  arguments.python = question.python;
  arguments.script = question.script;
  std::vector<std::pair<std::string, std::string>> kept;
  for (const auto& [option, place] : kOfQuestion) {
    if (!(arguments.*place).empty()) kept.emplace_back(option, arguments.*place);
  }
  if (arguments.no_driver_calls) kept.emplace_back("no-driver-calls", "");
  return kept;
}

// What a diagnosis comes down to: what is the same wherever the same is known.
std::string Essence(const Diagnosis& diagnosis) {
  std::string essence(Name(diagnosis.verdict));
  for (const auto* findings : {&diagnosis.causes, &diagnosis.explained}) {
    for (const Finding& finding : *findings)
      essence += fmt::format(" {}{}", finding.rule->id, finding.holds ? "" : "?");
    essence += ';';
  }
  for (const Unchecked& one : diagnosis.unchecked) essence += " " + one.fact;
  return essence + "; " + diagnosis.since;
}

std::string RecordSummary(const std::string& file, size_t size, const Redactor* redactor) {
  std::string text =
      fmt::format("Recorded: {} ({} KB), to be judged anywhere with\n\n    tfdoctor --from {}\n\n",
                  Printable(file), (size + 1023) / 1024, ShellQuote(file));
  if (redactor == nullptr)
    return text + "Nothing in it was replaced: it may hold names, tokens and addresses.\n";
  std::vector<std::string> parts;
  for (const auto& [kind, count] : redactor->Counts())
    parts.push_back(fmt::format("{}: {}", Plural(kind), count));
  text += parts.empty() ? "Nothing in it had to be replaced" : "Replaced in it: " + Join(parts, ", ");
  return text + fmt::format(".\nTo see what is in it: zstd -dc {}\n", ShellQuote(file));
}

// Why a side of diff is no Python environment; empty: it is one, or not there, which is said elsewhere.
std::string WhyNoEnvironment(const System& live, const std::string& named) {
  const Result<FileStat> stat = live.Stat(named);
  if (!stat.ok()) return {};
  if (stat->type != FileType::kDirectory) {
    const std::string head = live.Read(named, 0, 4).value_or("");
    return head == "\x7f"
                   "ELF" ||
                   head.starts_with("#!")
               ? ""
               : "it is no program";
  }
  if (live.Exists(named + "/usr/bin") && live.Exists(named + "/etc")) return "it is the root of a system";
  for (const char* python : {"bin/python", "bin/python3", "python", "python3"}) {
    if (live.LStat(named + "/" + python).ok()) return {};
  }
  return "there is no bin/python in it";
}

// A recording, an environment of this machine, or, where nothing is named, this shell.
std::optional<EarlyEnd> Judge(Arguments arguments, const std::string& named, ComparedSide& side,
                              Facts& facts) {
  constexpr std::string_view kZstd("\x28\xb5\x2f\xfd", 4);
  const auto live = LiveSystem();
  const bool recording = !named.empty() && live->Read(named, 0, kZstd.size()).value_or("") == kZstd;
  if (const std::string why = recording || named.empty() ? "" : WhyNoEnvironment(*live, named);
      !why.empty()) {
    return UsageError(
        fmt::format("diff: {} is neither a recording nor a Python environment: {}; of another root, an image "
                    "or a process "
                    "make a recording first (tfdoctor record -o FILE --root DIR, --image FILE or --pid PID)",
                    Printable(named), why));
  }
  (recording ? arguments.source.from : arguments.python) = named;
  Look look;
  if (auto end = look.Open(arguments)) return end;
  Question question;
  if (auto end = look.Ask(arguments, question)) return end;
  side.name = named.empty() ? "this shell" : recording ? look.name() : "the environment " + named;
  facts = ProbeAll(look.machine(), look.knowledge(), question);
  side.diagnosis = Diagnose(facts, look.knowledge(), AllRules());
  return std::nullopt;
}

}  // namespace

int Record(Arguments& arguments, const Clock& clock) {
  Look look;
  Recording recording;
  if (auto end = look.Open(arguments, &recording)) return EndEarly(*end);
  Question question;
  if (auto end = look.Ask(arguments, question)) return EndEarly(*end);
  const std::string now = look.LocalTime(clock);
  auto judge = [&](const CachingSystem& machine, const Question& asked) {
    Probing present(machine, look.knowledge(), asked);
    return Essence(Judged(machine, look.knowledge(), now, present));
  };
  const std::string here = judge(look.machine(), question);
  recording.made_by = "tfdoctor " TFDOCTOR_VERSION;
  recording.made_at = clock.Info().started;
  recording.local_time = now;
  recording.zone = clock.LocalTime("%z");
  recording.question = KeptQuestion(arguments, question);
  std::optional<Redactor> redactor;
  if (!arguments.no_redact) {
    redactor.emplace(look.source());
    redactor->Redact(recording);
  }
  const std::string packed = PackRecording(recording);
  const bool to_stdout = arguments.output == "-";
  if (to_stdout) {
    if (::isatty(STDOUT_FILENO) == 1)
      return EndEarly(UsageError("a recording is nothing for a terminal; -o FILE"));
    if (const int status = Finish(packed, 0); status != 0) return status;
  } else if (Result<bool> written = WriteWhole(arguments.output, packed); !written) {
    Complain(Printable(written.error().message));
    return kCouldNotTell;
  }
  // Whether it says what this machine says; names may be more to it than they seem.
  Question again = question;
  for (const auto& [option, value] : recording.question) {
    if (option == "python") again.python = value;
    if (option == "script") again.script = value;
  }
  const ReplaySystem replay(std::move(recording));
  const CachingSystem replayed(replay);
  if (judge(replayed, again) != (redactor ? redactor->Replaced(here) : here))
    Complain(
        "the recording is not judged as this machine is; please report this, and use --no-redact meanwhile");
  const std::string summary = RecordSummary(arguments.output, packed.size(), redactor ? &*redactor : nullptr);
  return to_stdout ? 0 : Finish(summary, 0);
}

int Diff(const Arguments& arguments) {
  Comparison comparison;
  Facts a, b;
  const std::string other = arguments.compared.size() > 1 ? arguments.compared[1] : "";
  if (auto end = Judge(arguments, arguments.compared[0], comparison.a, a)) return EndEarly(*end);
  if (auto end = Judge(arguments, other, comparison.b, b)) return EndEarly(*end);
  comparison.differences = Compare(a, b);
  const bool differ = std::any_of(comparison.differences.begin(), comparison.differences.end(),
                                  [](const Difference& one) { return one.known(); });
  return Finish(arguments.json() ? RenderComparisonJson(comparison)
                                 : RenderComparison(comparison, TextOptionsFor(arguments)),
                differ ? 1 : 0);
}

}  // namespace tfdoctor
