// The command: arguments in, one answer out. All judgement is elsewhere; here things are only wired.
#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/text.h"
#include "command/arguments.h"
#include "diagnose/compare.h"
#include "diagnose/diagnose.h"
#include "diagnose/judge_proof.h"
#include "diagnose/since.h"
#include "driver/child.h"
#include "knowledge/knowledge.h"
#include "logs/decode.h"
#include "logs/errors.h"
#include "logs/facts.h"
#include "logs/read.h"
#include "logs/statements.h"
#include "plan/plan.h"
#include "probes/probes.h"
#include "prove/interruption.h"
#include "prove/prove.h"
#include "render/all.h"
#include "render/compare.h"
#include "render/json.h"
#include "render/pages.h"
#include "render/processes.h"
#include "render/proof.h"
#include "render/terminal.h"
#include "render/text.h"
#include "rules/all.h"
#include "saved/state.h"
#include "source/source.h"
#include "system/caching.h"
#include "system/process.h"
#include "system/recording.h"
#include "system/redaction.h"
#include "system/system.h"
#include "tensorflow/child.h"

namespace tfdoctor {
namespace {

constexpr int kUsageError = 2;
constexpr int kCouldNotTell = 3;

void Complain(const std::string& message) {
  const std::string line = "tfdoctor: " + message + "\n";
  // Nobody is left to tell when this fails.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

// The name of the system's error; 0 when all was written. A reader that has left (`tfdoctor | head`) is no
// error.
int WriteOut(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EPIPE) {
      return 0;
    } else if (errno == EAGAIN) {  // somebody made the terminal or pipe non-blocking
      pollfd out = {STDOUT_FILENO, POLLOUT, 0};
      ::poll(&out, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

int Finish(std::string_view text, int status) {
  const int error = WriteOut(text);
  if (error == 0) return status;
  Complain(fmt::format("cannot write the answer: {}", std::strerror(error)));
  return kCouldNotTell;
}

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

std::optional<EarlyEnd> TakeQuestion(const Arguments& arguments, const System& system,
                                     const Knowledge& knowledge, Question& question) {
  if (auto end = TakePath(system, "--python", arguments.python, question.python)) return end;
  if (auto end = TakePath(system, "--script", arguments.script, question.script)) return end;
  if (auto end = TakeFlags(arguments.python_flags, question)) return end;
  question.process = arguments.process;
  question.process_command = arguments.process_command;
  question.driver_calls = !arguments.no_driver_calls;
  question.driver_limit = std::chrono::seconds(arguments.driver_limit);
  return arguments.assume.empty() ? std::nullopt : ParseAssumption(arguments.assume, knowledge, question);
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

// --- the terminal
// ---------------------------------------------------------------------------------------------------

std::string_view Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

bool Utf8Locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {  // the first that is set decides
    if (Variable(name).empty()) continue;
    const std::string locale = Lower(Variable(name));
    return locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos;
  }
  return false;
}

TextOptions TextOptionsFor(const Arguments& arguments) {
  TextOptions options;
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  options.verbose = arguments.verbose;
  options.unicode = Utf8Locale();
  options.color = arguments.color == "always" || (arguments.color == "auto" && terminal &&
                                                  Variable("NO_COLOR").empty() && Variable("TERM") != "dumb");
  winsize size = {};
  if (arguments.width > 0) {
    options.width = arguments.width;
  } else if (terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    options.width = std::clamp<size_t>(size.ws_col, kNarrowest, kWidest);
  }
  return options;
}

// --- the commands
// ---------------------------------------------------------------------------------------------------

class Clock {
 public:
  // As the logs of packages have it: "2026-11-26 09:00"; with "%z" its zone, "+0100".
  std::string LocalTime(const char* form = "%Y-%m-%d %H:%M") const {
    const std::time_t started = std::chrono::system_clock::to_time_t(started_);
    std::tm local = {};
    ::localtime_r(&started, &local);
    char text[32] = "";
    std::strftime(text, sizeof text, form, &local);
    return text;
  }
  RunInfo Info() const {
    using std::chrono::steady_clock;
    const std::time_t started = std::chrono::system_clock::to_time_t(started_);
    std::tm utc = {};
    ::gmtime_r(&started, &utc);
    char text[32] = "";
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    const std::chrono::duration<double, std::milli> elapsed = steady_clock::now() - start_;
    return {TFDOCTOR_VERSION, text, elapsed.count(), ::getpid(), 0};
  }

 private:
  std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// What changed is asked only where something is wrong.
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

// All that check finds: the causes, the repairs that were tried, what changed.
Diagnosis Judged(const CachingSystem& machine, const Knowledge& knowledge, const std::string& now,
                 Probing& present) {
  Diagnosis diagnosis = Diagnose(present.facts(), knowledge, AllRules());
  TryFixes(machine, knowledge, present, diagnosis);
  TellWhatChanged(machine, now, present, diagnosis);
  return diagnosis;
}

// On a terminal, what is being done after the first second; one line that is written over.
std::function<void(const std::string&)> ProgressLine() {
  if (::isatty(STDERR_FILENO) != 1) return {};
  return [start = std::chrono::steady_clock::now(), last = std::string()](const std::string& text) mutable {
    if (std::chrono::steady_clock::now() - start < std::chrono::seconds(1) || text == last) return;
    last = text;
    const std::string line = "\r" + text + "\x1b[K";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  };
}
void EndProgressLine() {
  constexpr std::string_view kErase = "\r\x1b[K";
  if (::isatty(STDERR_FILENO) != 1) return;
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kErase.data(), kErase.size());
}

// What a recording keeps of the question, by name.
constexpr std::pair<const char*, std::string Arguments::*> kOfQuestion[] = {
    {"python", &Arguments::python},
    {"script", &Arguments::script},
    {"python-flags", &Arguments::python_flags},
    {"assume", &Arguments::assume},
    {"pid", &Arguments::process},
    {"command", &Arguments::process_command},
};

// The machine to be judged, what is asked about it, and the data to judge it by.
class Look {
 public:
  // What ends the command before it looked.
  std::optional<EarlyEnd> Open(Arguments& arguments, Recording* recording = nullptr) {
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
    if (recording != nullptr) recorder_ = std::make_unique<RecordingSystem>(*source_.system, *recording);
    machine_ = std::make_unique<CachingSystem>(recorder_ ? *recorder_ : *source_.system);
    return std::nullopt;
  }

  // Of an image only what was asked for is read: asks, until all answers are there.
  std::optional<EarlyEnd> Settle(const Question& question) {
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

  std::string LocalTime(const Clock& clock) const {
    return source_.local_time.empty() ? clock.LocalTime() : source_.local_time;
  }
  const System& live() const { return *live_; }  // where the files lie that options name
  const System& source() const { return *source_.system; }
  const CachingSystem& machine() const { return *machine_; }
  const Knowledge& knowledge() const { return with_file_ ? *with_file_ : BuiltInKnowledge(); }
  const std::string& name() const { return source_.name; }

 private:
  // A recording is judged as it was made to be, where nothing else is said.
  static void Adopt(const std::vector<std::pair<std::string, std::string>>& question, Arguments& arguments) {
    for (const auto& [option, value] : question) {
      for (const auto& [name, place] : kOfQuestion) {
        if (option == name && (arguments.*place).empty()) arguments.*place = value;
      }
      if (option == "no-driver-calls") arguments.no_driver_calls = true;
    }
  }

  const std::unique_ptr<System> live_ = LiveSystem();
  Source source_;
  std::unique_ptr<RecordingSystem> recorder_;
  std::unique_ptr<CachingSystem> machine_;
  std::unique_ptr<Knowledge> with_file_;  // --data
};

int EndEarly(const EarlyEnd& end) {
  if (!end.usage_error) return Finish(end.text, 0);
  Complain(Printable(end.text) + "\nTry: tfdoctor --help");
  return kUsageError;
}

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

class LogJudge {
 public:
  LogJudge(const Arguments& arguments, const Knowledge& knowledge, const Statements& statements,
           Facts machine)
      : arguments_(arguments), knowledge_(knowledge), statements_(statements), machine_(std::move(machine)) {}

  Diagnosis Judge(const LogReading& reading) {
    facts_ = machine_;
    AddLog(reading, statements_, knowledge_, !arguments_.with_machine, facts_);
    Diagnosis diagnosis = Diagnose(facts_, knowledge_, AllRules());
    // A repair that was not tried on a model of that machine is advice.
    if (!arguments_.with_machine) {
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

 private:
  const Arguments& arguments_;
  const Knowledge& knowledge_;
  const Statements& statements_;
  const Facts machine_;
  Facts facts_;
};

LogAnswer AnswerOf(const LogReading& reading, const Statements& statements, std::string name) {
  LogAnswer answer;
  answer.name = std::move(name);
  answer.not_understood = statements.not_understood;
  answer.trouble = reading.trouble;
  answer.lines = reading.line_count;
  answer.attempts = reading.attempts.size();
  for (const LogLine& line : reading.lines) {
    answer.messages.push_back({line.line, line.text, std::string(line.row->meaning),
                               line.row->kind != "trouble", std::string(line.row->cause)});
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

  Facts of_machine;
  if (arguments.with_machine) {
    Question question;
    if (auto end = TakeQuestion(arguments, machine, knowledge, question)) return EndEarly(*end);
    if (auto end = look.Settle(question)) return EndEarly(*end);
    question.driver_calls = false;  // to read a log starts nothing
    of_machine = Probing(machine, knowledge, question).facts();
  }
  LogJudge judge(arguments, knowledge, statements, std::move(of_machine));
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
    LogAnswer answer = AnswerOf(log, statements, name);
    if (!errors.empty()) {
      answer.messages.clear();
      for (const ErrorRow& error : errors) {
        answer.messages.push_back(
            {1, subject.value,
             fmt::format("{}, {} ({}): {}", error.library, error.number, error.name, error.text),
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

int Explain(Arguments& arguments, const Clock& clock) {
  const Subject subject = Resolve(arguments);
  if (subject.kind != Subject::Kind::kCause) return ExplainLog(arguments, subject, clock);
  const Rule* rule = FindRule(AllRules(), subject.value);
  return rule != nullptr ? Page(arguments, *rule) : NoSuchCause(subject.value);
}

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

int Check(Arguments& arguments, const Clock& clock) {
  Look look;
  if (auto end = look.Open(arguments)) return EndEarly(*end);
  const CachingSystem& machine = look.machine();
  const Knowledge& knowledge = look.knowledge();
  Question question;
  if (auto end = TakeQuestion(arguments, machine, knowledge, question)) return EndEarly(*end);
  if (auto end = look.Settle(question)) return EndEarly(*end);

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

int ProveIt(Arguments& arguments, const Clock& clock) {
  Look look;
  if (auto end = look.Open(arguments)) return EndEarly(*end);
  const CachingSystem& machine = look.machine();
  const Knowledge& knowledge = look.knowledge();
  Question question;
  if (auto end = TakeQuestion(arguments, machine, knowledge, question)) return EndEarly(*end);
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

// Judges every `step`th environment from `first` on; with a look of its own, since none is for two threads.
std::optional<EarlyEnd> JudgeSome(Arguments arguments, const std::vector<ListedEnvironment>& listed,
                                  size_t first, size_t step, std::vector<JudgedEnvironment>& judged) {
  Look look;
  if (auto end = look.Open(arguments)) return end;
  Question question;
  if (auto end = TakeQuestion(arguments, look.machine(), look.knowledge(), question)) return end;
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

int CheckAll(Arguments& arguments, const Clock& clock) {
  Look look;
  if (auto end = look.Open(arguments)) return EndEarly(*end);
  AllEnvironments all;
  const std::vector<ListedEnvironment> listed = ListEnvironments(look.machine(), all.unread);
  all.environments.resize(listed.size());
  // Each thread looks at the machine once more, which is worth it from some environments on.
  constexpr size_t kWorthAThread = 8, kMostThreads = 8;
  const size_t threads = std::clamp<size_t>(
      std::min<size_t>(std::thread::hardware_concurrency(), listed.size() / kWorthAThread), 1, kMostThreads);
  std::vector<std::future<std::optional<EarlyEnd>>> others;
  for (size_t i = 1; i < threads; i++) {
    others.push_back(std::async(std::launch::async, JudgeSome, arguments, std::cref(listed), i, threads,
                                std::ref(all.environments)));
  }
  std::optional<EarlyEnd> end = JudgeSome(arguments, listed, 0, threads, all.environments);
  for (auto& other : others) {
    if (auto ended = other.get()) end = std::move(ended);
  }
  if (end) return EndEarly(*end);
  const int status =
      Finish(arguments.json() ? RenderAllJson(all, clock.Info()) : RenderAll(all, TextOptionsFor(arguments)),
             ExitStatus(all.Best(), arguments.strict));
  std::_Exit(status);
}

// The question as a recording keeps it; paths are absolute by now.
std::vector<std::pair<std::string, std::string>> Kept(Arguments arguments, const Question& question) {
  arguments.python = question.python;
  arguments.script = question.script;
  std::vector<std::pair<std::string, std::string>> kept;
  for (const auto& [option, place] : kOfQuestion) {
    if (!(arguments.*place).empty()) kept.emplace_back(option, arguments.*place);
  }
  if (arguments.no_driver_calls) kept.emplace_back("no-driver-calls", "");
  return kept;
}

// What a diagnosis comes down to.
std::string Essence(const Diagnosis& diagnosis) {
  std::string essence(Name(diagnosis.verdict));
  for (const Finding& finding : diagnosis.causes) essence += fmt::format(" {}", finding.rule->id);
  return essence;
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

int Record(Arguments& arguments, const Clock& clock) {
  Look look;
  Recording recording;
  if (auto end = look.Open(arguments, &recording)) return EndEarly(*end);
  Question question;
  if (auto end = TakeQuestion(arguments, look.machine(), look.knowledge(), question)) return EndEarly(*end);
  if (auto end = look.Settle(question)) return EndEarly(*end);
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
  recording.question = Kept(arguments, question);
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
  if (judge(replayed, again) != here)
    Complain(
        "the recording is not judged as this machine is; please report this, and use --no-redact meanwhile");
  const std::string summary = RecordSummary(arguments.output, packed.size(), redactor ? &*redactor : nullptr);
  return to_stdout ? 0 : Finish(summary, 0);
}

// A recording, an environment of this machine, or, where nothing is named, this shell.
std::optional<EarlyEnd> Judge(Arguments arguments, const std::string& named, ComparedSide& side,
                              Facts& facts) {
  constexpr std::string_view kZstd("\x28\xb5\x2f\xfd", 4);
  const auto live = LiveSystem();
  const bool recording = !named.empty() && live->Read(named, 0, kZstd.size()).value_or("") == kZstd;
  (recording ? arguments.source.from : arguments.python) = named;
  Look look;
  if (auto end = look.Open(arguments)) return end;
  Question question;
  if (auto end = TakeQuestion(arguments, look.machine(), look.knowledge(), question)) return end;
  if (auto end = look.Settle(question)) return end;
  side.name = named.empty() ? "this shell" : recording ? look.name() : "the environment " + named;
  facts = ProbeAll(look.machine(), look.knowledge(), question);
  side.diagnosis = Diagnose(facts, look.knowledge(), AllRules());
  return std::nullopt;
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

int ListProcesses(const Arguments& arguments) {
  std::vector<RunningTensorFlow> processes;
  for (TensorFlowProcess& process : TensorFlowProcesses())
    processes.push_back({process.pid, std::move(process.command), std::move(process.library)});
  return Finish(arguments.json() ? RenderProcessesJson(processes)
                                 : RenderProcesses(processes, TextOptionsFor(arguments)),
                0);
}

int Run(int argc, char** argv, Arguments& arguments, const Clock& clock) {
  if (auto end = Parse(argc, argv, arguments)) return EndEarly(*end);
  switch (arguments.action) {
    case Action::kExplain:
      return Explain(arguments, clock);
    case Action::kProve:
      return ProveIt(arguments, clock);
    case Action::kCauses:
      return Finish(arguments.json() ? RenderCausesJson(AllRules())
                                     : RenderCauses(AllRules(), TextOptionsFor(arguments)),
                    0);
    case Action::kRecord:
      return Record(arguments, clock);
    case Action::kDiff:
      return Diff(arguments);
    case Action::kCheck:
      break;
  }
  if (arguments.list_processes) return ListProcesses(arguments);
  return arguments.all ? CheckAll(arguments, clock) : Check(arguments, clock);
}

int Main(int argc, char** argv) {
  // Else a reader that leaves early kills us before the exit status says the verdict.
  std::signal(SIGPIPE, SIG_IGN);
  const Clock clock;
  Arguments arguments;
  std::string failure;
  try {
    return Run(argc, argv, arguments, clock);
  } catch (const std::exception& error) {
    failure = fmt::format("internal error: {}", Printable(error.what()));
  } catch (...) {
    failure = "internal error";
  }
  Complain(failure + "; this is a fault of tfdoctor, please report it with what \"tfdoctor --version\" says");
  if (arguments.json()) return Finish(RenderFailureJson(failure, clock.Info()), kCouldNotTell);
  return kCouldNotTell;
}

// A check lasts some milliseconds, and fetches some two megabytes page by page: more than any system call,
// that is what it waits for. They are fetched at once, and what malloc would give back is kept.
void PrepareMemory() {
#ifdef __GLIBC__
  constexpr size_t kWorth = 2 << 20;
  ::mallopt(M_TRIM_THRESHOLD, 8 << 20);
  ::mallopt(M_TOP_PAD, kWorth);
  constexpr uintptr_t kPage = 4096;
  char* const heap_end = static_cast<char*>(::sbrk(0));
  char* const start = heap_end + (kPage - reinterpret_cast<uintptr_t>(heap_end) % kPage) % kPage;
  // More than what is left of the heap, less than what malloc maps by itself.
  constexpr size_t kSome = 127 << 10;
  void* volatile some = ::malloc(kSome);
  void* volatile more = ::malloc(kSome);
  char* const end = static_cast<char*>(::sbrk(0));
  ::free(more);
  ::free(some);
#ifdef MADV_POPULATE_WRITE
  // Where the kernel does not know it, or has little memory, all goes on as ever.
  if (end > start) ::madvise(start, std::min(static_cast<size_t>(end - start), kWorth), MADV_POPULATE_WRITE);
#endif
#endif
}

}  // namespace
}  // namespace tfdoctor

int main(int argc, char** argv) {
  // We ourselves, started once more to call the driver or TensorFlow: nothing else is to run in that process.
  if (argc > 1 && std::string_view(argv[1]) == tfdoctor::kDriverChild)
    return tfdoctor::DriverChildMain(argc, argv);
  if (argc > 1 && std::string_view(argv[1]) == tfdoctor::kProveChild)
    return tfdoctor::ProveChildMain(argc, argv);
  tfdoctor::PrepareMemory();
  return tfdoctor::Main(argc, argv);
}
