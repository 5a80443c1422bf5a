#include "command/arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "knowledge/knowledge.h"
#include "render/pages.h"

namespace tfdoctor {
namespace {

constexpr std::string_view kHelp = R"(tfdoctor says why TensorFlow cannot use the GPU, and how to repair it.

It looks at the GPU, its driver, the Python environment, TensorFlow and the CUDA
libraries as they are in this shell. It needs no root and no network, starts no
Python, and changes nothing (--save writes one file of its own). Only "prove"
starts TensorFlow.

Usage:
  tfdoctor [check] [options]   judge this machine and this environment
  tfdoctor prove [options]     run that TensorFlow: does it compute and train on
                               the GPU, and are the results right?
  tfdoctor explain LOG         what do the lines of a log mean, and what is the
                               cause? A file, - (standard input), a line, or
                               what happens, in your own words
  tfdoctor explain NAME        explain one cause: what it is, how to repair it
  tfdoctor causes              list all causes that tfdoctor knows
  tfdoctor record -o FILE [options of check]
                               write what check asks of this machine, and the
                               answers, to one small file; -o - writes it to
                               standard output
  tfdoctor diff A [B]          what differs that bears on the GPU? Each a
                               recording, an environment, a root, an image or
                               a running process; B: this shell

Examples:
  tfdoctor
      in the shell where training fails: what is wrong here?
  tfdoctor --python ~/venv --script train.py
      what will train.py meet when the Python of this environment runs it?
  tfdoctor --assume gpu=H100,driver=570.124.06
      would this environment work on that machine?
  python train.py 2>&1 | tfdoctor explain -
      why did this program not use the GPU?
  tail -f train.log | tfdoctor explain --follow -
      the same, said as soon as the log shows it
  tfdoctor explain "since the laptop slept: unknown error, nvidia-smi works"
      which cause is that?
  tfdoctor record -o job.tfdoctor
      send this file to who can help; there: tfdoctor --from job.tfdoctor
  tfdoctor diff job.tfdoctor ~/venv
      what is otherwise here than on the machine of this recording?

Options of check:
  --python PATH     interpreter or environment's folder; default: what PATH
                    starts for "python", else "python3"
  --script FILE     the program to be run, .py or .ipynb: it is read, never run,
                    and its folder comes first on sys.path
  --assume gpu=NAME|CC[,driver=VERSION]
                    judge as if this GPU (a name, or a compute capability such
                    as 8.9; gpu= may be repeated) and a healthy driver were here
  --no-driver-calls leave out calling the driver in a child process
  --driver-limit N  seconds that the driver may take to answer; default: 20
  --all             judge every environment of this user: those here and above,
                    conda's, pyenv's, Poetry's, …, and all Jupyter kernels
  --python-flags F  options that python gets: -I, -E, -P, -s, -S
  --from FILE       judge the machine of a recording, with the options that it
                    was made with
  --root DIR        judge what lies below this folder (a mounted image, a
                    chroot); all paths are inside it, and of this machine
                    nothing counts
  --image FILE      judge a container image: an OCI layout (a folder or a tar
                    archive) or what "docker save" writes, with or without
                    "| gzip"; nothing is unpacked to disk. Of several that it
                    holds: FILE:NAME ("app.tar:app:2")
  --platform P      of an image for several, such as linux/arm64; default: this
                    machine's, else the first
  --pid [NUMBER]    judge a running Python as it was started and what it has
                    mapped; without a number: those that have TensorFlow mapped
  --env KEY=VALUE, --env-file FILE
                    the variables of the program there; may be repeated
  --save            if TensorFlow can use the GPU: keep what was read, below
                    $XDG_STATE_HOME/tfdoctor (else ~/.local/state/tfdoctor);
                    later answers name what differs from it
  --strict          exit status 1 also when the GPU is used, but not fully
  --facts           with --format json: everything that was read
  --simulated-facts with --format json: under each repair, what would be read
                    after it
  -v, --verbose     everything that was read, with where
  --data FILE       newer data (TOML) on top of what is built in

Options of prove (and those of check that say what is judged):
  --device GPU:N|CPU:0  where the steps have to run; default: GPU:0
  --steps NAMES     of devices,add,matmul,memory-growth,train-mlp,train-cnn;
                    with --deep also precision,xla,all-gpus,memory-fill,load:
  --deep            float16 and bfloat16, XLA, every GPU and a sum over all,
                    90 % of the free memory, a minute of load that is watched
  --load-seconds N  of step load; default: 60
  --seed N          of the random numbers; default: 1
  --time-limit N    seconds for all steps together; default: 600
  --memory-limit N  MiB of this machine's memory for TensorFlow; default: 8192
  --keep-log FILE   all that TensorFlow printed
  --with-python     run the same steps in the environment's Python, which takes
                    longer; done by itself where TensorFlow has no C API

Options of explain:
  --context FILE    what is known of that machine, as JSON; single things:
                    --tf-version, --python-version, --os, --gpu, --driver,
                    --cuda, --cudnn, --install-method
  --answer KEY=VALUE
                    the answer to a question that was asked
  --with-machine    the log is of this machine: judge both together
  --follow          the log is still being written: an answer as soon as
                    something is known, and again when it becomes another; with
                    --format json one line each
  --file FILE, --text TEXT, --cause NAME
                    where it could be several of them

Options of record:
  -o, --output FILE what is there is replaced, once the recording is complete
  --no-redact       keep names, tokens, UUIDs, serial numbers and addresses,
                    which are else replaced by others of the same length

A and B of diff are taken for what is there:
  the file of a recording (as by --from), the folder of a root (--root), an
  image (--image), the number of a process (--pid), an interpreter or the
  folder of an environment of this machine (--python)
  --python, --env, --env-file, --platform
                    of those that are a root or an image: diff /mnt/old /mnt/new
                    --python /opt/venv
  --assume          of both

Options of every command:
  --format text|json         default: text
  --color auto|always|never  default: auto; NO_COLOR is respected
  --width N                  at least 40; default: the terminal's, else 80
  --version, -h, --help

Exit status:
  0  TensorFlow can use the GPU; of prove: every step passed
  1  it cannot (with --strict also: not fully); of prove: a step failed;
     of diff: something differs
  2  the command was not understood
  3  could not tell; the answer says what is missing

Where to go on: "tfdoctor causes" (all causes), "tfdoctor -v" (all evidence).
)";

// What people state about the machine of a log, as options.
constexpr std::pair<const char*, const char*> kStatedOptions[] = {
    {"--tf-version", "tf_version"},
    {"--python-version", "python"},
    {"--os", "os"},
    {"--gpu", "gpu"},
    {"--driver", "driver"},
    {"--cuda", "cuda"},
    {"--cudnn", "cudnn"},
    {"--install-method", "install_method"},
};

struct Options {
  CLI::Option* pid = nullptr;
  std::vector<CLI::Option*> of_check;
  std::vector<CLI::Option*> of_explain;
  std::vector<CLI::Option*> not_of_prove;  // of those of check
  CLI::App* check = nullptr;
  CLI::App* prove = nullptr;
  CLI::App* explain = nullptr;
  CLI::App* causes = nullptr;
  CLI::App* record = nullptr;
  CLI::App* diff = nullptr;
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
      app.add_flag("--no-driver-calls", arguments.no_driver_calls),
      app.add_option("--driver-limit", arguments.driver_limit)->check(CLI::Range(1, 600)),
      app.add_flag("--all", arguments.all),
      app.add_option("--python-flags", arguments.python_flags),
      app.add_option("--from", arguments.source.from),
      app.add_option("--root", arguments.source.root),
      app.add_option("--image", arguments.source.image),
      app.add_option("--platform", arguments.source.platform),
      app.add_option("--pid", arguments.source.pid)->expected(0, 1),
      app.add_option("--env", arguments.source.environment)->expected(1)->take_all()->allow_extra_args(false),
      app.add_option("--env-file", arguments.source.environment_files)
          ->expected(1)
          ->take_all()
          ->allow_extra_args(false),
      app.add_flag("--save", arguments.save),
  };
  options.pid = app.get_option("--pid");
  app.add_option("--format", arguments.format)->check(CLI::IsMember({"text", "json"}));
  app.add_option("--color", arguments.color)->check(CLI::IsMember({"auto", "always", "never"}));
  app.add_option("--width", arguments.width)->check(CLI::Range(kNarrowest, kWidest));
  app.require_subcommand(0, 1);
  options.check = app.add_subcommand("check");
  for (CLI::Option* option : options.of_check) {
    for (const char* name : {"--assume", "--all", "--strict", "--simulated-facts", "--save", "--from",
                             "--root", "--image", "--platform", "--pid", "--env", "--env-file"}) {
      if (option->check_name(name)) options.not_of_prove.push_back(option);
    }
  }
  options.prove = app.add_subcommand("prove");
  options.prove->add_option("--device", arguments.device);
  options.prove->add_option("--steps", arguments.steps);
  options.prove->add_option("--seed", arguments.seed)->check(CLI::Range(int64_t{0}, int64_t{1} << 31));
  options.prove->add_option("--time-limit", arguments.time_limit)->check(CLI::Range(1, 24 * 3600));
  options.prove->add_option("--memory-limit", arguments.memory_limit)->check(CLI::Range(64, 1 << 24));
  options.prove->add_option("--keep-log", arguments.keep_log);
  options.prove->add_flag("--with-python", arguments.with_python);
  options.prove->add_flag("--deep", arguments.deep);
  options.prove->add_option("--load-seconds", arguments.load_seconds)->check(CLI::Range(0.1, 3600.0));
  options.explain = app.add_subcommand("explain");
  options.causes = app.add_subcommand("causes");
  options.record = app.add_subcommand("record");
  options.record->add_option("-o,--output", arguments.output)->required();
  options.record->add_flag("--no-redact", arguments.no_redact);
  options.diff = app.add_subcommand("diff");
  options.diff->add_option("A B", arguments.compared);
  options.explain->add_option("WHAT", arguments.subject);
  options.of_explain = {
      options.explain->add_option("--file", arguments.file),
      options.explain->add_option("--text", arguments.text),
      options.explain->add_option("--cause", arguments.cause),
      options.explain->add_option("--context", arguments.context),
      options.explain->add_option("--answer", arguments.answers)
          ->expected(1)
          ->take_all()
          ->allow_extra_args(false),
      options.explain->add_flag("--with-machine", arguments.with_machine),
      options.explain->add_flag("--follow", arguments.follow),
  };
  for (const auto& [option, key] : kStatedOptions) {
    options.explain->add_option_function<std::string>(
        option, [&arguments, key = std::string(key)](const std::string& value) {
          arguments.stated.emplace_back(key, value);
        });
  }
  for (CLI::App* command :
       {options.check, options.prove, options.explain, options.causes, options.record, options.diff})
    command->fallthrough();
  return options;
}

// The commands and the long options of all of them.
std::vector<std::string> Words(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
  for (const CLI::App* command : app.get_subcommands({})) {
    words.push_back(command->get_name());
    for (std::string& word : Words(*command)) words.push_back(std::move(word));
  }
  return words;
}

// What to say about an argument that nothing took.
std::string Unexpected(const CLI::App& app, const std::string& argument) {
  std::string message = fmt::format("do not know what to do with '{}'", argument);
  if (argument == "-o" || argument == "--output" || argument == "--no-redact")
    return fmt::format("{} goes with record: tfdoctor record -o FILE", argument);
  if (argument.ends_with(".py"))
    return message + fmt::format("; to judge a program: tfdoctor --script {}", argument);
  const std::vector<std::string> words = Words(app);
  if (std::find(words.begin(), words.end(), argument) != words.end())
    return message + " after what stands before it";
  const std::vector<std::string> nearest = Nearest(Split(argument, '=').front(), words, 1);
  return nearest.empty() ? message : message + fmt::format("; did you mean {}?", nearest.front());
}

}  // namespace

EarlyEnd UsageError(std::string message) { return {std::move(message), true}; }

std::optional<EarlyEnd> Parse(int argc, char** argv, Arguments& arguments) {
  // `--pid "$PID"` of a variable that is not set is a slip, not the question which processes there are.
  for (int i = 1; i < argc; i++) {
    const std::string_view word = argv[i], next = i + 1 < argc ? argv[i + 1] : "-";
    if (word == "--pid=" || (word == "--pid" && next.empty()))
      return UsageError(
          "--pid needs the number of a process; without a value it lists those with TensorFlow");
  }
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
    return UsageError(Unexpected(app, left.empty() ? std::string() : left.front()));
  } catch (const CLI::ArgumentMismatch& error) {  // "--width: 1 required INT missing"
    return UsageError(fmt::format("{} takes exactly one value", Split(error.what(), ':').front()));
  } catch (const CLI::ParseError& error) {
    return UsageError(error.what());
  }
  arguments.action = options.explain->parsed()  ? Action::kExplain
                     : options.prove->parsed()  ? Action::kProve
                     : options.causes->parsed() ? Action::kCauses
                     : options.record->parsed() ? Action::kRecord
                     : options.diff->parsed()   ? Action::kDiff
                                                : Action::kCheck;
  for (const CLI::Option* option : options.of_check) {
    if (option->count() == 0) continue;
    const bool both = option->get_name() == "--verbose" || option->get_name() == "-v" ||
                      option->get_name() == "--strict" || option->get_name() == "--facts" ||
                      option->get_name() == "--data";
    const bool of_diff = arguments.action == Action::kDiff &&
                         (option->get_name() == "--assume" || option->get_name() == "--no-driver-calls" ||
                          option->get_name() == "--python" || option->get_name() == "--env" ||
                          option->get_name() == "--env-file" || option->get_name() == "--platform" ||
                          option->get_name() == "--data" || option->get_name() == "--verbose" ||
                          option->get_name() == "-v" || option->get_name() == "--driver-limit");
    const bool machine_too = arguments.action == Action::kRecord || of_diff ||
                             (arguments.action == Action::kExplain && (both || arguments.with_machine));
    const bool prove_too = arguments.action == Action::kProve &&
                           std::find(options.not_of_prove.begin(), options.not_of_prove.end(), option) ==
                               options.not_of_prove.end();
    if (arguments.action != Action::kCheck && !machine_too && !prove_too) {
      if (arguments.action == Action::kDiff &&
          (option->get_name() == "--from" || option->get_name() == "--root" ||
           option->get_name() == "--image" || option->get_name() == "--pid")) {
        return UsageError(fmt::format("diff takes what {} takes without that option: tfdoctor diff A B",
                                      option->get_name()));
      }
      return UsageError(fmt::format("{} goes with check, not with {}", option->get_name(),
                                    arguments.action == Action::kProve  ? "prove"
                                    : arguments.action == Action::kDiff ? "diff"
                                                                        : "explain or causes"));
    }
    if (option->get_expected_min() > 0 && option->as<std::string>().empty()) {
      return UsageError(fmt::format("{} needs a value", option->get_name()));
    }
  }
  if (arguments.action == Action::kExplain && arguments.subject.empty() && arguments.file.empty() &&
      arguments.text.empty() && arguments.cause.empty() && arguments.context.empty() &&
      arguments.stated.empty()) {
    return UsageError(
        "explain what? A log's file, - for standard input, a line of it, or a cause (\"tfdoctor causes\" "
        "lists them)");
  }
  const SourceOptions& source = arguments.source;
  const auto named = {!source.from.empty(), !source.root.empty(), !source.image.empty(),
                      options.pid->count() > 0};
  if (std::count(named.begin(), named.end(), true) > 1)
    return UsageError("--from, --root, --image and --pid name different machines");
  arguments.list_processes = options.pid->count() > 0 && source.pid.empty();
  if (arguments.list_processes && arguments.action != Action::kCheck)
    return UsageError("--pid needs the number of a process here");
  if (arguments.all && options.pid->count() > 0) return UsageError("--all and --pid do not go together");
  if (source.states_environment() && !source.another_root() && arguments.action != Action::kDiff)
    return UsageError("--env and --env-file go with --root and --image");
  if (!source.platform.empty() && source.image.empty() && arguments.action != Action::kDiff)
    return UsageError("--platform goes with --image");
  // Neither holds more than what was asked about one environment.
  if (arguments.all && !source.image.empty()) return UsageError("--all and --image do not go together");
  if (arguments.all && !source.from.empty()) return UsageError("--all and --from do not go together");
  const bool empty_name = std::count(arguments.compared.begin(), arguments.compared.end(), "") > 0;
  if (arguments.action == Action::kDiff &&
      (arguments.compared.empty() || arguments.compared.size() > 2 || empty_name))
    return UsageError(
        "diff compares two things, each a recording, an environment, a root, an image or a process: "
        "tfdoctor diff A B");
  if (arguments.action == Action::kRecord && (arguments.all || arguments.json()))
    return UsageError("record takes neither --all nor --format json");
  if (arguments.all && !(arguments.python + arguments.script).empty()) {
    return UsageError("--all judges every environment; --python and --script name one");
  }
  const bool elsewhere = !arguments.assume.empty() || std::count(named.begin(), named.end(), true) > 0;
  if (arguments.save && (arguments.all || elsewhere || arguments.action != Action::kCheck)) {
    return UsageError(
        "--save keeps what check read of this very machine and one environment; it goes with neither --all, "
        "--assume, --from, --root, --image nor --pid");
  }
  if ((arguments.facts || arguments.simulated_facts) && !arguments.json()) {
    return UsageError("--facts and --simulated-facts go with --format json; for people: -v");
  }
  return std::nullopt;
}

}  // namespace tfdoctor
