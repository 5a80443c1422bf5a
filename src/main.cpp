// The command: arguments in, one answer out. All judgement is elsewhere; here things are only wired.
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "diagnose/diagnose.h"
#include "knowledge/knowledge.h"
#include "plan/plan.h"
#include "probes/probes.h"
#include "render/json.h"
#include "render/pages.h"
#include "render/terminal.h"
#include "render/text.h"
#include "rules/all.h"
#include "system/caching.h"
#include "system/system.h"

namespace tfdoctor {
namespace {

constexpr int kUsageError = 2;
constexpr int kCouldNotTell = 3;
constexpr size_t kNarrowest = 40;
constexpr size_t kWidest = 1000;

constexpr std::string_view kHelp = R"(tfdoctor says why TensorFlow cannot use the GPU, and how to repair it.

It looks at the GPU, its driver, the Python environment, TensorFlow and the CUDA
libraries as they are in this shell. It needs no root and no network, starts no
Python, and changes nothing.

Usage:
  tfdoctor [check] [options]   judge this machine and this environment
  tfdoctor explain NAME        explain one cause: what it is, how to repair it
  tfdoctor causes              list all causes that tfdoctor knows

Examples:
  tfdoctor
      in the shell where training fails: what is wrong here?
  tfdoctor --python ~/venv --script train.py
      what will train.py meet when the Python of this environment runs it?
  tfdoctor --assume gpu=H100,driver=570.124.06
      would this environment work on that machine?

Options of check:
  --python PATH     interpreter or environment's folder; default: what PATH
                    starts for "python", else "python3"
  --script FILE     the program to be run: its folder comes first on sys.path
  --assume gpu=NAME|CC[,driver=VERSION]
                    judge as if this GPU (a name, or a compute capability such
                    as 8.9; gpu= may be repeated) and a healthy driver were here
  --strict          exit status 1 also when the GPU is used, but not fully
  --facts           with --format json: everything that was read
  --simulated-facts with --format json: under each repair, what would be read
                    after it
  -v, --verbose     everything that was read, with where
  --data FILE       newer data (TOML) on top of what is built in

Options of every command:
  --format text|json         default: text
  --color auto|always|never  default: auto; NO_COLOR is respected
  --width N                  at least 40; default: the terminal's, else 80
  --version, -h, --help

Exit status:
  0  TensorFlow can use the GPU
  1  it cannot (with --strict also: not fully)
  2  the command was not understood
  3  could not tell; the answer says what is missing

Where to go on: "tfdoctor causes" (all causes), "tfdoctor -v" (all evidence).
)";

enum class Action : uint8_t { kCheck, kExplain, kCauses };

struct Arguments {
  Action action = Action::kCheck;
  std::string cause;  // of explain
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

  bool json() const { return format == "json"; }
};

// What ends the command before any work: a text for stdout, or a usage error.
struct EarlyEnd {
  std::string text;
  bool usage_error = false;
};

EarlyEnd UsageError(std::string message) { return {std::move(message), true}; }

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

// --- arguments
// ------------------------------------------------------------------------------------------------------

struct Options {
  std::vector<CLI::Option*> of_check;
  CLI::App* check = nullptr;
  CLI::App* explain = nullptr;
  CLI::App* causes = nullptr;
};

Options Declare(CLI::App& app, Arguments& arguments) {
  Options options;
  app.set_help_flag("-h,--help");
  app.set_version_flag("--version", TFDOCTOR_VERSION);
  options.of_check = {
      app.add_option("--python", arguments.python),
      app.add_option("--script", arguments.script),
      app.add_option("--assume", arguments.assume),
      app.add_option("--data", arguments.data),
      app.add_flag("-v,--verbose", arguments.verbose),
      app.add_flag("--facts", arguments.facts),
      app.add_flag("--simulated-facts", arguments.simulated_facts),
      app.add_flag("--strict", arguments.strict),
  };
  app.add_option("--format", arguments.format)->check(CLI::IsMember({"text", "json"}));
  app.add_option("--color", arguments.color)->check(CLI::IsMember({"auto", "always", "never"}));
  app.add_option("--width", arguments.width)->check(CLI::Range(kNarrowest, kWidest));
  app.require_subcommand(0, 1);
  options.check = app.add_subcommand("check");
  options.explain = app.add_subcommand("explain");
  options.causes = app.add_subcommand("causes");
  options.explain->add_option("NAME", arguments.cause);
  for (CLI::App* command : {options.check, options.explain, options.causes}) command->fallthrough();
  return options;
}

// What to say about an argument that nothing took.
std::string Unexpected(const std::string& argument) {
  std::string message = fmt::format("do not know what to do with '{}'", argument);
  if (argument.ends_with(".py"))
    return message + fmt::format("; to judge a program: tfdoctor --script {}", argument);
  const std::vector<std::string> words = {
      "check",    "explain", "causes",    "--python", "--script",          "--assume",
      "--strict", "--facts", "--verbose", "--data",   "--simulated-facts", "--format",
      "--color",  "--width", "--version", "--help"};
  if (std::find(words.begin(), words.end(), argument) != words.end())
    return message + " after what stands before it";
  const std::vector<std::string> nearest = Nearest(Split(argument, '=').front(), words, 1);
  return nearest.empty() ? message : message + fmt::format("; did you mean {}?", nearest.front());
}

std::optional<EarlyEnd> Parse(int argc, char** argv, Arguments& arguments) {
  CLI::App app;
  const Options options = Declare(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return EarlyEnd{std::string(kHelp)};
  } catch (const CLI::CallForVersion&) {
    return EarlyEnd{fmt::format("tfdoctor {} (data of {})\n", TFDOCTOR_VERSION, BuiltInKnowledge().Date())};
  } catch (const CLI::ExtrasError&) {
    std::vector<std::string> left = app.remaining(true);
    return UsageError(Unexpected(left.empty() ? std::string() : left.front()));
  } catch (const CLI::ArgumentMismatch& error) {  // "--width: 1 required INT missing"
    return UsageError(fmt::format("{} takes exactly one value", Split(error.what(), ':').front()));
  } catch (const CLI::ParseError& error) {
    return UsageError(error.what());
  }
  arguments.action = options.explain->parsed()  ? Action::kExplain
                     : options.causes->parsed() ? Action::kCauses
                                                : Action::kCheck;
  for (const CLI::Option* option : options.of_check) {
    if (option->count() == 0) continue;
    if (arguments.action != Action::kCheck) {
      return UsageError(fmt::format("{} goes with check, not with explain or causes", option->get_name()));
    }
    if (option->get_expected_min() > 0 && option->as<std::string>().empty()) {
      return UsageError(fmt::format("{} needs a value", option->get_name()));
    }
  }
  if (arguments.action == Action::kExplain && arguments.cause.empty()) {
    return UsageError("explain which cause? \"tfdoctor causes\" lists them");
  }
  if ((arguments.facts || arguments.simulated_facts) && !arguments.json()) {
    return UsageError("--facts and --simulated-facts go with --format json; for people: -v");
  }
  return std::nullopt;
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

std::optional<EarlyEnd> TakeQuestion(const Arguments& arguments, const System& system,
                                     const Knowledge& knowledge, Question& question) {
  if (auto end = TakePath(system, "--python", arguments.python, question.python)) return end;
  if (auto end = TakePath(system, "--script", arguments.script, question.script)) return end;
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
  RunInfo Info() const {
    using std::chrono::steady_clock;
    const std::time_t started = std::chrono::system_clock::to_time_t(started_);
    std::tm utc = {};
    ::gmtime_r(&started, &utc);
    char text[32] = "";
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    const std::chrono::duration<double, std::milli> elapsed = steady_clock::now() - start_;
    return {TFDOCTOR_VERSION, text, elapsed.count(), ::getpid()};
  }

 private:
  std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

int EndEarly(const EarlyEnd& end) {
  if (!end.usage_error) return Finish(end.text, 0);
  Complain(Printable(end.text) + "\nTry: tfdoctor --help");
  return kUsageError;
}

int Explain(const Arguments& arguments) {
  const Rule* rule = FindRule(AllRules(), arguments.cause);
  if (rule != nullptr) {
    return Finish(arguments.json() ? RenderPageJson(*rule) : RenderPage(*rule, TextOptionsFor(arguments)), 0);
  }
  std::vector<std::string> names;
  for (const Rule* known : AllRules()) names.emplace_back(known->id);
  const std::vector<std::string> nearest = Nearest(arguments.cause, names);
  return EndEarly(UsageError(fmt::format(
      "no cause is called '{}'; {}", arguments.cause,
      nearest.empty() ? "\"tfdoctor causes\" lists them" : "did you mean: " + Join(nearest, ", ") + "?")));
}

int Check(const Arguments& arguments, const Clock& clock) {
  const std::unique_ptr<System> live = LiveSystem();
  const CachingSystem machine(*live);
  std::unique_ptr<Knowledge> with_file;
  if (auto end = TakeData(arguments, machine, with_file)) return EndEarly(*end);
  const Knowledge& knowledge = with_file ? *with_file : BuiltInKnowledge();
  Question question;
  if (auto end = TakeQuestion(arguments, machine, knowledge, question)) return EndEarly(*end);

  const Probing present(machine, knowledge, question);
  const Facts& facts = present.facts();
  Diagnosis diagnosis = Diagnose(facts, knowledge, AllRules());
  TryFixes(machine, knowledge, present, diagnosis);

  const int status = Finish(arguments.json() ? RenderJson(diagnosis, arguments.facts ? &facts : nullptr,
                                                          clock.Info(), arguments.simulated_facts)
                                             : RenderText(diagnosis, facts, TextOptionsFor(arguments)),
                            ExitStatus(diagnosis.verdict, arguments.strict));
  // To give back piece by piece what was read would take as long as a probe.
  std::_Exit(status);
}

int Run(int argc, char** argv, Arguments& arguments, const Clock& clock) {
  if (auto end = Parse(argc, argv, arguments)) return EndEarly(*end);
  switch (arguments.action) {
    case Action::kExplain:
      return Explain(arguments);
    case Action::kCauses:
      return Finish(arguments.json() ? RenderCausesJson(AllRules())
                                     : RenderCauses(AllRules(), TextOptionsFor(arguments)),
                    0);
    case Action::kCheck:
      break;
  }
  return Check(arguments, clock);
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

}  // namespace
}  // namespace tfdoctor

int main(int argc, char** argv) { return tfdoctor::Main(argc, argv); }
