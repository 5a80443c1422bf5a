#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

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

// One side of diff.
struct JudgedSide {
  ComparedSide side;
  Facts facts;
  std::string home;  // of who uses it
};

bool IsRedacted(const SourceOptions& source) {
  if (source.from.empty()) return false;
  const Result<Recording> recording = ReadRecordingFile(*LiveSystem(), source.from);
  return recording.ok() && recording->redacted;
}

// The machine as a recording of it would tell it, with names and the like replaced.
ReplaySystem Redacted(const Look& look, Recording recording, Question& question) {
  Redactor redactor(look.source());
  redactor.Redact(recording);
  for (std::string* path : {&question.python, &question.script}) *path = redactor.Replaced(*path);
  return ReplaySystem(std::move(recording));
}

std::optional<EarlyEnd> JudgeSide(Arguments arguments, const std::string& named, const SourceOptions& source,
                                  bool redact, JudgedSide& judged) {
  const bool environment = !named.empty() && source.names_none();
  if (environment) arguments.python = named;
  if (!environment && !source.another_root()) arguments.python.clear();
  const SourceOptions stated = std::exchange(arguments.source, source);
  arguments.source.environment = stated.environment;
  arguments.source.environment_files = stated.environment_files;
  arguments.source.platform = stated.platform;
  Look look;
  Recording recording;
  if (auto end = look.Open(arguments, redact ? &recording : nullptr)) return end;
  Question question;
  if (auto end = look.Ask(arguments, question)) return end;
  judged.side.name = environment ? "the environment " + named : named.empty() ? "this shell" : look.name();
  auto judge = [&](const CachingSystem& machine) {
    judged.facts = ProbeAll(machine, look.knowledge(), question);
    judged.home = machine.Env("HOME").value_or("");
  };
  judge(look.machine());
  if (redact) {
    const ReplaySystem replay = Redacted(look, std::move(recording), question);
    judge(CachingSystem(replay));
  }
  judged.side.diagnosis = Diagnose(judged.facts, look.knowledge(), AllRules());
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
  const std::vector<std::string> named = {arguments.compared[0],
                                          arguments.compared.size() > 1 ? arguments.compared[1] : ""};
  std::array<SourceOptions, 2> sources;
  for (size_t i = 0; i < named.size(); i++) {
    if (named[i].empty()) continue;
    Result<SourceOptions> source = SourceNamed(named[i], *LiveSystem());
    if (!source) {
      return EndEarly(UsageError(fmt::format("diff {}: {}", Printable(named[i]), source.error().message)));
    }
    sources[i] = std::move(*source);
  }
  if (!sources[0].another_root() && !sources[1].another_root() &&
      (!arguments.python.empty() || arguments.source.states_environment() ||
       !arguments.source.platform.empty())) {
    return EndEarly(
        UsageError("--python, --env, --env-file and --platform go with diff where A or B is a root or an "
                   "image; an environment of "
                   "this machine is itself an A or B"));
  }
  // What was replaced in a recording is no difference: it is replaced in the other, too.
  const std::array<bool, 2> redacted = {IsRedacted(sources[0]), IsRedacted(sources[1])};
  std::array<JudgedSide, 2> sides;
  for (size_t i = 0; i < sides.size(); i++) {
    const bool redact = !redacted[i] && redacted[1 - i];
    if (auto end = JudgeSide(arguments, named[i], sources[i], redact, sides[i])) return EndEarly(*end);
  }
  Comparison comparison;
  comparison.differences = Compare(sides[0].facts, sides[1].facts, sides[0].home, sides[1].home);
  comparison.a = std::move(sides[0].side);
  comparison.b = std::move(sides[1].side);
  const bool differ = std::any_of(comparison.differences.begin(), comparison.differences.end(),
                                  [](const Difference& one) { return one.known(); });
  return Finish(arguments.json() ? RenderComparisonJson(comparison)
                                 : RenderComparison(comparison, TextOptionsFor(arguments)),
                differ ? 1 : 0);
}

}  // namespace tfdoctor
