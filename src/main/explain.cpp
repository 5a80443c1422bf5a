#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>

#include "base/text.h"
#include "diagnose/diagnose.h"
#include "logs/decode.h"
#include "logs/errors.h"
#include "logs/facts.h"
#include "logs/read.h"
#include "logs/statements.h"
#include "main/commands.h"
#include "main/output.h"
#include "probes/probes.h"
#include "render/json.h"
#include "render/pages.h"
#include "render/text.h"
#include "rules/all.h"

namespace tfdoctor {

namespace {

int Page(const Arguments& arguments, const Rule& rule) {
  return Finish(arguments.json() ? RenderPageJson(rule) : RenderPage(rule, TextOptionsFor(arguments)), 0);
}

int NoSuchCause(const std::string& name) {
  std::vector<std::string> names;
  for (const Rule* known : AllRules()) names.emplace_back(known->id);
  const std::vector<std::string> nearest = Nearest(name, names);
  return EndEarly(UsageError(fmt::format(
      "no cause is called '{}'; {}", name,
      nearest.empty() ? "\"tfdoctor causes\" lists them" : "did you mean: " + Join(nearest, ", ") + "?")));
}

// What is to be explained, and where it comes from.
struct Subject {
  enum class Kind : uint8_t { kNothing, kStandardInput, kFile, kCause, kError, kText } kind = Kind::kNothing;
  std::string value;
};

Subject Resolve(const Arguments& arguments) {
  if (!arguments.file.empty()) return {Subject::Kind::kFile, arguments.file};
  if (!arguments.text.empty()) return {Subject::Kind::kText, arguments.text};
  if (!arguments.cause.empty()) return {Subject::Kind::kCause, arguments.cause};
  if (arguments.subject.empty()) return {};
  const std::string words = Join(arguments.subject, " ");
  if (words == "-") return {Subject::Kind::kStandardInput, words};
  if (arguments.subject.size() == 1 && ::access(words.c_str(), F_OK) == 0)
    return {Subject::Kind::kFile, words};
  if (FindRule(AllRules(), words) != nullptr) return {Subject::Kind::kCause, words};
  if (!FindErrors(words, BuiltInKnowledge()).empty()) return {Subject::Kind::kError, words};
  // One word that looks like the name of a cause is none of a log.
  const bool name = words.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos &&
                    words.find_first_of("abcdefghijklmnopqrstuvwxyz") != std::string::npos;
  return {name ? Subject::Kind::kCause : Subject::Kind::kText, words};
}

// The statements of --context and of the single options; the latter win.
std::optional<EarlyEnd> TakeStatements(const Arguments& arguments, const System& system,
                                       const Knowledge& knowledge, Statements& statements) {
  if (!arguments.context.empty()) {
    constexpr size_t kLargest = 4 << 20;
    Result<std::string> json = system.ReadAll(arguments.context, kLargest);
    if (!json) return UsageError("--context: " + json.error().message);
    Result<Statements> read = ReadStatements(*json);
    if (!read) return UsageError(fmt::format("--context {}: {}", arguments.context, read.error().message));
    statements = std::move(*read);
  }
  for (const auto& [key, value] : arguments.stated) statements.Set(key, value);
  for (const std::string& answer : arguments.answers) {
    const size_t equals = answer.find('=');
    if (equals == std::string::npos || equals == 0)
      return UsageError(fmt::format("--answer: '{}' is not KEY=VALUE", answer));
    statements.Answer(answer.substr(0, equals), answer.substr(equals + 1), knowledge);
  }
  return std::nullopt;
}

// --with-machine: the machine that is judged together with the log.
struct WithMachine {
  const CachingSystem& machine;
  std::string now;
  Probing present;
};

class LogJudge {
 public:
  // `machine`: nullptr for the log alone.
  LogJudge(const Knowledge& knowledge, const Statements& statements, WithMachine* machine)
      : knowledge_(knowledge), statements_(statements), machine_(machine) {}

  Diagnosis Judge(const LogReading& reading) {
    facts_ = machine_ == nullptr ? Facts() : machine_->present.facts();
    const std::set<std::string> taken = AddLog(reading, statements_, knowledge_, machine_ == nullptr, facts_);
    Diagnosis diagnosis = Diagnose(facts_, knowledge_, AllRules());
    not_understood_ = statements_.other_parts;
    for (const auto& [key, value] : statements_.values) {
      if (!taken.contains(key) && !diagnosis.asked.contains(key)) not_understood_.push_back(key);
    }
    if (machine_ != nullptr) {
      TellWhatChanged(machine_->machine, machine_->now, machine_->present, diagnosis);
    } else {
      // A repair that was not tried on a model of that machine is advice.
      for (std::vector<Finding>* findings : {&diagnosis.causes, &diagnosis.explained}) {
        for (Finding& finding : *findings) {
          for (Fix& fix : finding.fixes) fix.safety = Safety::kAdvice;
        }
      }
      std::erase_if(diagnosis.unchecked, [](const Unchecked& unchecked) { return unchecked.fact.empty(); });
    }
    return diagnosis;
  }
  const Facts& facts() const { return facts_; }
  // Of the last judgement: what is stated and was of no use.
  const std::vector<std::string>& not_understood() const { return not_understood_; }

 private:
  const Knowledge& knowledge_;
  const Statements& statements_;
  WithMachine* machine_;
  Facts facts_;
  std::vector<std::string> not_understood_;
};

LogAnswer AnswerOf(const LogReading& reading, std::vector<std::string> not_understood, std::string name) {
  LogAnswer answer;
  answer.name = std::move(name);
  answer.not_understood = std::move(not_understood);
  answer.trouble = reading.trouble;
  answer.lines = reading.line_count;
  answer.attempts = reading.attempts.size();
  for (const LogLine& line : reading.lines) {
    answer.messages.push_back({line.line, line.text, std::string(line.row->meaning),
                               line.row->kind == "harmless", std::string(line.row->cause)});
  }
  return answer;
}

// Reads the log piece by piece. `pause`: what is called where nothing more comes just now, or for some time
// has come without a pause; the log is then followed: of a file the end is no end.
std::optional<EarlyEnd> ReadLog(int file, const std::string& name, LogReader& reader, LogReading& reading,
                                const std::function<void()>& pause) {
  Decoder decoder([&](std::string_view text) {
    reader.Feed(text);
    return true;
  });
  std::vector<char> piece(256 << 10);
  const auto fails = [&] {
    return UsageError(fmt::format("cannot read {}: {}", name, std::strerror(errno)));
  };
  struct stat status = {};
  const bool grows = pause && ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  constexpr std::chrono::milliseconds kQuiet(100), kLongest(500);
  auto told = std::chrono::steady_clock::now();
  const auto tell = [&] {
    decoder.Pause();
    pause();
    told = std::chrono::steady_clock::now();
  };
  for (bool waiting = false;;) {
    pollfd coming = {file, POLLIN, 0};
    if (pause && !grows && !waiting && ::poll(&coming, 1, static_cast<int>(kQuiet.count())) == 0) {
      tell();
      waiting = true;  // for more, however long
      continue;
    }
    waiting = false;
    const ssize_t got = ::read(file, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fails();
    if (got == 0 && !grows) break;
    if (got == 0) {
      tell();
      std::this_thread::sleep_for(kQuiet);
      // Emptied and written anew, as log rotation does.
      if (::fstat(file, &status) != 0) return fails();
      if (status.st_size < ::lseek(file, 0, SEEK_CUR)) ::lseek(file, 0, SEEK_SET);
      continue;
    }
    if (!decoder.Feed(std::string_view(piece.data(), static_cast<size_t>(got)))) break;
    if (pause && std::chrono::steady_clock::now() - told > kLongest) tell();
  }
  decoder.End();
  reading = reader.Finish();
  reading.trouble = decoder.trouble();
  return std::nullopt;
}

// Of an Xid: "; it lies most often with …".
std::string WhereItLies(const ErrorRow& error) {
  std::string text;
  if (error.fault == "hardware") text = "; it lies most often with the hardware";
  if (error.fault == "driver") text = "; it lies most often with the driver or the GPU's firmware";
  if (error.fault == "program") text = "; it lies most often with the program, and is no fault of the GPU";
  if (error.fault == "none") text = "; it is no error of its own";
  return text + (error.reset ? "; the GPU does no more work until it is reset or the machine restarted" : "");
}

// One answer in one line, for a stream of them. Strings of JSON hold no newline.
std::string InOneLine(const std::string& json) {
  std::string line;
  for (const std::string_view part : SplitLines(json))
    line += part.substr(std::min(part.find_first_not_of(' '), part.size()));
  return line + "\n";
}

int ExplainLog(Arguments& arguments, const Subject& subject, const Clock& clock) {
  if (arguments.follow && subject.kind != Subject::Kind::kFile &&
      subject.kind != Subject::Kind::kStandardInput)
    return EndEarly(UsageError("--follow needs a log: a file, or - for standard input"));
  Look look;
  if (auto end = look.Open(arguments)) return EndEarly(*end);
  const CachingSystem& machine = look.machine();
  const Knowledge& knowledge = look.knowledge();
  Statements statements;
  if (auto end = TakeStatements(arguments, look.live(), knowledge, statements)) return EndEarly(*end);

  Question question;
  std::unique_ptr<WithMachine> of_machine;
  if (arguments.with_machine) {
    if (auto end = look.Ask(arguments, question)) return EndEarly(*end);
    question.driver_calls = false;  // to read a log starts nothing
    of_machine.reset(new WithMachine{machine, look.LocalTime(clock), Probing(machine, knowledge, question)});
  }
  LogJudge judge(knowledge, statements, of_machine.get());
  LogReading reading;
  std::vector<ErrorRow> errors;
  std::string name = "What is stated";
  struct Told {
    std::string text;
    std::string what;  // verdict and first cause: another answer is worth telling
    bool known;        // that there is trouble, or that a GPU is used
    int status;
  };
  std::string said;  // what of the last that was told
  const auto tell = [&](const LogReading& log) {
    const Diagnosis diagnosis = judge.Judge(log);
    LogAnswer answer = AnswerOf(log, judge.not_understood(), name);
    if (!errors.empty()) {
      answer.messages.clear();
      for (const ErrorRow& error : errors) {
        answer.messages.push_back({1, subject.value,
                                   fmt::format("{}, {} ({}): {}{}", error.library, error.number, error.name,
                                               error.text, WhereItLies(error)),
                                   error.number == 0, ""});
      }
    }
    const bool* registered = judge.facts().log.gpu_registered.Peek();
    answer.gpu_registered = registered != nullptr && *registered;
    const Facts* facts = arguments.facts ? &judge.facts() : nullptr;
    Told told;
    if (arguments.json()) {
      told.text = RenderJson(diagnosis, facts, clock.Info(), false, &answer);
      if (arguments.follow) told.text = InOneLine(told.text);
    } else {
      told.text = RenderLogText(diagnosis, judge.facts(), answer, TextOptionsFor(arguments));
      if (!said.empty()) told.text = "\n" + told.text;
    }
    told.what = fmt::format("{} {}", Name(diagnosis.verdict),
                            diagnosis.causes.empty() ? "" : diagnosis.causes.front().rule->id);
    // With several causes open, too, it is known that the GPU is not used.
    const Attempt* attempt = log.Judged();
    const bool trouble = attempt != nullptr && attempt->Fails() && !diagnosis.causes.empty();
    told.known = answer.gpu_registered || trouble || diagnosis.verdict == VerdictKind::kGpuBlocked ||
                 diagnosis.verdict == VerdictKind::kGpuDegraded;
    told.status = ExitStatus(diagnosis.verdict, arguments.strict);
    return told;
  };
  switch (subject.kind) {
    case Subject::Kind::kError:
      errors = FindErrors(subject.value, knowledge);
      reading = ReadLog(AsLog(errors), knowledge);
      name = "The error " + subject.value;
      break;
    case Subject::Kind::kText:
      reading = ReadLog(subject.value, knowledge);
      reading.own_words = subject.value;
      name = "This text";
      break;
    case Subject::Kind::kFile:
    case Subject::Kind::kStandardInput: {
      const bool file = subject.kind == Subject::Kind::kFile;
      name = file ? subject.value : "Standard input";
      const int descriptor = file ? ::open(subject.value.c_str(), O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
      if (descriptor < 0)
        return EndEarly(UsageError(fmt::format("cannot read {}: {}", subject.value, std::strerror(errno))));
      LogReader reader(knowledge);
      std::function<void()> pause;
      uint64_t judged = 0;
      if (arguments.follow) {
        pause = [&] {
          if (reader.recognised() == judged) return;
          judged = reader.recognised();
          const Told now = tell(reader.SoFar());
          if (!now.known || now.what == said) return;
          WriteOut(now.text);
          said = now.what;
        };
      }
      if (auto end = ReadLog(descriptor, name, reader, reading, pause)) return EndEarly(*end);
      break;
    }
    case Subject::Kind::kNothing:
    case Subject::Kind::kCause:
      break;
  }
  const Told last = tell(reading);
  return !said.empty() && last.what == said ? last.status : Finish(last.text, last.status);
}

}  // namespace

int Explain(Arguments& arguments, const Clock& clock) {
  const Subject subject = Resolve(arguments);
  if (subject.kind != Subject::Kind::kCause) return ExplainLog(arguments, subject, clock);
  const Rule* rule = FindRule(AllRules(), subject.value);
  return rule != nullptr ? Page(arguments, *rule) : NoSuchCause(subject.value);
}

}  // namespace tfdoctor
