#include "prove/prove.h"

#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/text.h"
#include "prove/python_stand_in.h"
#include "prove/steps.h"
#include "tensorflow/child.h"
#include "tensorflow/trial.h"

namespace tfdoctor {

namespace {

using Json = nlohmann::ordered_json;
using Time = std::chrono::steady_clock::time_point;

constexpr size_t kLongestMessage = 2000;
constexpr size_t kMostFigures = 64;
constexpr size_t kLongestLine = 1 << 16;

// Memory growth and XLA are matters of a whole process: each of these is one. Whoever fills the memory must
// have it in one piece: an allocator that lets it grow doubles its pieces, and three large matrices do not
// fit into what that leaves.
enum class Group : uint8_t { kPlain, kGrowth, kXla, kFill };

struct KnownStep {
  const char* name;
  Group group;
  bool deep = false;
};
constexpr KnownStep kSteps[] = {
    {"devices", Group::kPlain},          {"add", Group::kPlain},         {"matmul", Group::kPlain},
    {"memory-growth", Group::kGrowth},   {"train-mlp", Group::kGrowth},  {"train-cnn", Group::kGrowth},
    {"precision", Group::kPlain, true},  {"xla", Group::kXla, true},     {"all-gpus", Group::kGrowth, true},
    {"memory-fill", Group::kFill, true}, {"load", Group::kGrowth, true},
};

// Where the child may write; removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::error_code error;
    const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
    std::string name = ((error ? "/tmp" : parent.string()) + "/tfdoctor-prove-XXXXXX");
    if (::mkdtemp(name.data()) != nullptr) {
      path_ = name;
    } else {
      why_ = fmt::format("cannot make a temporary folder in {}: {}", parent.string(), ::strerror(errno));
    }
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }
  const std::string& why() const { return why_; }

 private:
  std::string path_;
  std::string why_;
};

// The last line that says something, of what comes in pieces: not of the list of functions that follows a
// crash.
class LastLine {
 public:
  void Feed(std::string_view text) {
    for (const char c : text) {
      if (c != '\n') {
        if (line_.size() < kLongestMessage) line_ += c;
      } else {
        Take();
        line_.clear();
      }
    }
  }
  std::string Get() {
    Take();
    return last_;
  }

 private:
  void Take() {
    const std::string line = CleanLine(line_);
    const std::string_view words = Trim(line);
    if (!words.empty() && !words.starts_with("@ ") && !words.starts_with("*** ")) last_ = words;
  }

  std::string line_;
  std::string last_;
};

std::string SignalName(int number) {
  const char* name = ::sigabbrev_np(number);
  return name == nullptr ? fmt::format("signal {}", number) : fmt::format("SIG{}", name);
}

// The exception that Python shows for a TF_Code: a log has it so, too.
const char* ErrorName(int code) {
  static constexpr const char* kNames[] = {"OK",
                                           "CancelledError",
                                           "UnknownError",
                                           "InvalidArgumentError",
                                           "DeadlineExceededError",
                                           "NotFoundError",
                                           "AlreadyExistsError",
                                           "PermissionDeniedError",
                                           "ResourceExhaustedError",
                                           "FailedPreconditionError",
                                           "AbortedError",
                                           "OutOfRangeError",
                                           "UnimplementedError",
                                           "InternalError",
                                           "UnavailableError",
                                           "DataLossError",
                                           "UnauthenticatedError"};
  return code > 0 && code < static_cast<int>(std::size(kNames)) ? kNames[code] : "Error";
}

std::string Text(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>().substr(0, kLongestMessage)
                                                   : std::string();
}

double Seconds(const Json& json) {
  const auto found = json.find("seconds");
  return found != json.end() && found->is_number() ? std::max(found->get<double>(), 0.0) : 0;
}

bool IsTrue(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_boolean() && found->get<bool>();
}

int CodeOf(const Json& json) {
  const auto found = json.find("code");
  return found != json.end() && found->is_number_integer() ? found->get<int>() : 0;
}

std::vector<std::pair<std::string, Figure>> FiguresOf(const Json& json) {
  std::vector<std::pair<std::string, Figure>> figures;
  const auto found = json.find("figures");
  if (found == json.end() || !found->is_object()) return figures;
  for (const auto& [name, value] : found->items()) {
    if (figures.size() == kMostFigures) break;
    if (value.is_boolean()) figures.emplace_back(name, value.get<bool>());
    if (value.is_number_integer()) figures.emplace_back(name, value.get<int64_t>());
    if (value.is_number_float()) figures.emplace_back(name, value.get<double>());
    if (value.is_string()) figures.emplace_back(name, value.get<std::string>().substr(0, kLongestMessage));
  }
  return figures;
}

// What the driver said of the device that TensorFlow calls GPU:n: it counts the devices in the driver's
// order.
const CudaDevice* DriverDevice(const Facts& facts, const std::string& device) {
  const auto* devices = facts.driver_answers.devices.Peek();
  if (devices == nullptr || !device.starts_with("GPU:")) return nullptr;
  const auto found = devices->find(device.substr(4));
  return found == devices->end() ? nullptr : &found->second;
}

class Prover {
 public:
  Prover(const System& system, const Knowledge& knowledge, const Facts& facts, const ProveOptions& options)
      : system_(system), facts_(facts), options_(options), reader_(knowledge) {
    proof_.device = options.device;
    for (const std::string& name : options.steps) {
      proof_.steps.emplace_back();
      proof_.steps.back().name = name;
    }
  }

  Proving Run() {
    if (FindTensorFlow()) RunGroups();
    if (no_functions_) {
      no_functions_ = false;
      // Nothing has been run yet: from the start, with Python.
      for (ProvedStep& step : proof_.steps) {
        ProvedStep again;
        again.name = step.name;
        step = std::move(again);
      }
      if (FindPython("its C API cannot be called: " + load_failure_)) RunGroups();
    }
    if (!proof_.unstarted.empty()) SkipRest(proof_.unstarted);
    return {std::move(proof_), reader_.Finish(), interrupted_};
  }

 private:
  bool Unstarted(std::string why) {
    proof_.unstarted = std::move(why);
    return false;
  }

  bool FindTensorFlow() {
    if (!temporary_.why().empty()) return Unstarted(temporary_.why());
    if (facts_.tensorflow.folder.state() == FactState::kAbsent)
      return Unstarted("no TensorFlow is installed there");
    const std::string* folder = facts_.tensorflow.folder.Peek();
    if (folder == nullptr)
      return Unstarted("which TensorFlow is imported is not known: " + facts_.tensorflow.folder.why());
    if (options_.with_python) return FindPython("--with-python");
    // The files of the wheels for Linux.
    const std::string framework = *folder + "/libtensorflow_framework.so.2";
    const std::string since_2_13 = *folder + "/libtensorflow_cc.so.2";
    const std::string before = *folder + "/python/_pywrap_tensorflow_internal.so";
    libraries_ = {framework, system_.Stat(since_2_13).not_found() ? before : since_2_13};
    for (const std::string& file : libraries_) {
      if (const auto found = system_.Stat(file); !found.ok())
        return FindPython("its C API cannot be called: " + found.error().message);
    }
    if (libraries_.back() == before && !AddPythonStandIn()) return false;
    proof_.by = "C API";
    return true;
  }

  // The user's own interpreter is to run the steps.
  bool FindPython(const std::string& why) {
    const std::string* python = facts_.python.interpreter.Peek();
    if (python == nullptr)
      return Unstarted(
          fmt::format("{}, and which Python is used is not known: {}", why, facts_.python.interpreter.why()));
    if (!WriteTemporary("steps.py", PythonSteps())) return false;
    python_ = *python;
    proof_.by = "Python";
    proof_.note = why;
    return true;
  }

  bool WriteTemporary(const char* name, std::string_view bytes) {
    const std::string file = temporary_.path() + "/" + name;
    std::ofstream out(file, std::ios::binary);
    out << bytes;
    return out.flush() ? true : Unstarted("cannot write " + file);
  }

  bool AddPythonStandIn() {
    Result<std::string> bytes = PythonStandIn(system_, libraries_);
    // Nor will the loader read what we cannot; it says why, in the child.
    if (!bytes || bytes->empty()) return true;
    constexpr const char* kName = "libpython-stand-in.so";
    if (!WriteTemporary(kName, *bytes)) return false;
    libraries_.insert(libraries_.begin(), temporary_.path() + "/" + kName);
    return true;
  }

  void RunGroups() {
    deadline_ = std::chrono::steady_clock::now() + options_.time_limit;
    over_ = false;
    const std::string kernel_said = KernelLog();
    for (const Group group : {Group::kPlain, Group::kGrowth, Group::kXla, Group::kFill}) {
      std::vector<std::string> steps;
      for (const KnownStep& known : kSteps) {
        ProvedStep* step = Find(known.name);
        if (known.group != group || step == nullptr) continue;
        if (known.deep && !python_.empty()) {
          step->message = "only through the C API";
        } else {
          steps.emplace_back(known.name);
        }
      }
      if (!steps.empty() && !over_ && !no_functions_) RunGroup(steps, group);
      const ProvedStep* devices = Find("devices");
      if (devices == nullptr || devices->state != StepState::kFailed) continue;
      SkipRest(fmt::format("there is no {} to run it on", options_.device));
      break;
    }
    HearKernel(kernel_said);
    if (!no_functions_) SkipRest("the process did not come to it");
  }

  std::string KernelLog() const {
    return proof_.OnGpu() ? system_.KernelLog().value_or(std::string()) : std::string();
  }

  // What the driver has said in the kernel's log since `before` is part of the story; an Xid error is a
  // failure.
  void HearKernel(const std::string& before) {
    const std::string after = KernelLog();
    const std::vector<std::string_view> old = SplitLines(before);
    size_t start = old.empty() ? 0 : after.rfind(old.back());
    start = start == std::string::npos ? 0 : start + (old.empty() ? 0 : old.back().size());
    for (const std::string_view line : SplitLines(std::string_view(after).substr(start))) {
      if (line.find("NVRM: ") == std::string_view::npos) continue;
      Log(fmt::format("\n{}\n", line));
      ProvedStep* load = Find("load");
      if (line.find("NVRM: Xid") == std::string_view::npos || load == nullptr) continue;
      load->state = StepState::kFailed;
      load->message = line;
    }
  }

  void RunGroup(const std::vector<std::string>& steps, Group group) {
    ChildTask task;
    Settings settings;
    settings.libraries = libraries_;
    settings.steps = steps;
    settings.device = options_.device;
    settings.seed = options_.seed;
    settings.load_seconds = options_.load_seconds;
    settings.growth = group == Group::kGrowth || group == Group::kXla;
    settings.tf32 = MayUseTf32();
    if (const CudaDevice* device = DriverDevice(facts_, options_.device);
        device != nullptr && device->pci_address.Peek() != nullptr)
      settings.address = *device->pci_address.Peek();
    task.arguments = {kProveChild, ToJson(settings).dump()};
    if (!python_.empty()) {
      task.program = python_;
      // No bytecode is written.
      task.arguments = {"-B", temporary_.path() + "/steps.py", ToJson(settings).dump()};
      if (!options_.python_flags.empty())
        task.arguments.insert(task.arguments.begin(), "-" + options_.python_flags);
    }
    task.folder = temporary_.path();
    task.variables = {
        {"TMPDIR", temporary_.path()},
        {"CUDA_CACHE_PATH", temporary_.path() + "/ComputeCache"},
        {"KERAS_HOME", temporary_.path()},
        {"TF_CPP_MIN_LOG_LEVEL", "0"},  // what it prints is what a failure is judged by
    };
    task.without = {"TF_CPP_MAX_VLOG_LEVEL", "TF_CPP_VMODULE"};
    if (group == Group::kFill) task.without.emplace_back("TF_FORCE_GPU_ALLOW_GROWTH");
    task.answered = [this](std::string_view text) { Answered(text); };
    task.printed = [this](std::string_view text) { Log(text); };

    ChildLimits limits;
    limits.time =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
    limits.printed = options_.output_limit;
    limits.resident = options_.memory_limit;
    limits.interrupted = [this] {
      if (options_.progress) options_.progress(Doing());
      return options_.interrupted && options_.interrupted();
    };
    group_ = steps;
    current_.clear();
    loaded_ = false;
    load_failure_.clear();
    no_functions_ = false;
    finished_ = false;
    line_.clear();
    began_ = std::chrono::steady_clock::now();
    const std::vector<ChildEnd> ends = system_.RunChildren({task}, limits);
    Log("\n");
    End(ends.front());
  }

  // --- what the child says

  void Answered(std::string_view text) {
    for (const char c : text) {
      if (c != '\n') {
        if (line_.size() < kLongestLine) line_ += c;
        continue;
      }
      const Json event = Json::parse(line_, nullptr, false);
      line_.clear();
      if (event.is_object()) Event(event);
    }
  }

  void Event(const Json& event) {
    const std::string kind = Text(event, "event");
    if (kind == "loaded") {
      loaded_ = true;
      proof_.tensorflow = Text(event, "version");
      load_seconds_ = Seconds(event);
    } else if (kind == "failed") {
      load_failure_ = Text(event, "message");
      no_functions_ = python_.empty() && IsTrue(event, "opened");
    } else if (kind == "begin") {
      current_ = Text(event, "step");
      began_ = std::chrono::steady_clock::now();
    } else if (kind == "end") {
      EndStep(event);
    } else if (kind == "finished") {
      finished_ = true;
    }
  }

  void EndStep(const Json& event) {
    ProvedStep* step = Find(Text(event, "step"));
    current_.clear();
    if (step == nullptr) return;
    step->state = Text(event, "state") == "passed" ? StepState::kPassed : StepState::kFailed;
    step->device = Text(event, "device");
    step->seconds = Seconds(event);
    step->figures = FiguresOf(event);
    step->message = Text(event, "message");
    if (step->name == "devices") DescribeDevices(*step);
    if (step->name == "xla" && proof_.OnGpu()) {
      const CudaTools& tools = facts_.cuda_libraries.tools;
      step->figures.emplace_back("libdevice",
                                 tools.libdevice.Peek() == nullptr ? "" : *tools.libdevice.Peek());
      step->figures.emplace_back("ptxas", tools.ptxas.Peek() == nullptr ? "" : *tools.ptxas.Peek());
    }
    if (step->state == StepState::kPassed) return;
    step->out_of_memory =
        CodeOf(event) == kResourceExhausted || step->Find<int64_t>("needed_bytes") != nullptr;
    // As a log would have it: there it is recognised.
    if (IsTrue(event, "wrong")) {
      Log(fmt::format("\ntfdoctor prove: wrong result of {} on {}: {}\n", step->name, step->device,
                      step->message));
    } else {
      Log(fmt::format("\n{}: {}\n", ErrorName(CodeOf(event)), step->message));
    }
  }

  // What TensorFlow's list does not tell.
  void DescribeDevices(ProvedStep& step) const {
    step.figures.emplace_back("load_seconds", load_seconds_);
    if (!proof_.OnGpu()) return;
    if (const auto* all = facts_.driver_answers.nvml_devices.Peek())
      step.figures.emplace_back("physical_gpus", static_cast<int64_t>(all->size()));
    const std::string* visible = facts_.environment.Variable("CUDA_VISIBLE_DEVICES").Peek();
    if (visible != nullptr) step.figures.emplace_back("cuda_visible_devices", *visible);
    const auto* devices = facts_.driver_answers.devices.Peek();
    if (devices == nullptr) return;
    for (const auto& [ordinal, device] : *devices) {
      const std::string name = "GPU:" + ordinal;
      const std::pair<const char*, const Fact<std::string>*> texts[] = {
          {"_name", &device.name},
          {"_compute_capability", &device.compute_capability},
          {"_pci_address", &device.pci_address}};
      for (const auto& [suffix, fact] : texts) {
        if (fact->Peek() != nullptr) step.figures.emplace_back(name + suffix, *fact->Peek());
      }
      if (const std::string* total = device.total_memory.Peek())
        step.figures.emplace_back(name + "_memory_bytes",
                                  static_cast<int64_t>(::strtoll(total->c_str(), nullptr, 10)));
    }
  }

  // --- its end

  void End(const ChildEnd& end) {
    if (end.how == ChildEnd::How::kExit && end.number == 0 && finished_) return;
    if (end.how == ChildEnd::How::kRefused && !loaded_)
      return (void)Unstarted("the process for TensorFlow could not be started: " + end.why);
    bool certain = true;
    const std::string why = WhyEnded(end, certain);
    ProvedStep* step = current_.empty() ? FirstOfGroup() : Find(current_);
    std::string where = step == nullptr ? std::string() : step->name;
    if (step != nullptr) {
      step->state = StepState::kFailed;
      step->seconds = SecondsSince(began_);
      step->message = why;
      step->certain = certain;
      if (!load_failure_.empty() && !no_functions_) Log(fmt::format("\nImportError: {}\n", load_failure_));
      // As a shell tells it.
      if (end.how == ChildEnd::How::kSignal) Log(fmt::format("\n{}\n", ::strsignal(end.number)));
    }
    for (const std::string& name : group_) {
      ProvedStep* rest = Find(name);
      if (rest != nullptr && rest->state == StepState::kSkipped && rest->message.empty())
        rest->message = fmt::format("not reached: the process ended in {}", where);
    }
    // What met a limit would meet it again; what could not be loaded will not be.
    over_ = !certain || !load_failure_.empty() || interrupted_;
    if (over_) SkipRest(fmt::format("not reached: the process ended in {}", where));
  }

  std::string WhyEnded(const ChildEnd& end, bool& certain) {
    const std::string last = last_line_.Get();
    const std::string saying =
        last.empty() ? std::string(", without a word") : "; the last that it said: " + last;
    switch (end.how) {
      case ChildEnd::How::kSignal:
        if (end.number == SIGKILL || end.number == SIGTERM) {
          certain = false;
          return fmt::format(
              "the process was killed from outside ({}), as the kernel does where memory runs out{}",
              SignalName(end.number), saying);
        }
        return fmt::format("TensorFlow crashed ({}){}", SignalName(end.number), saying);
      case ChildEnd::How::kExit:
        if (!load_failure_.empty()) return "TensorFlow could not be loaded: " + load_failure_;
        return fmt::format("TensorFlow ended its process with status {}{}", end.number, saying);
      case ChildEnd::How::kTime:
        certain = false;
        return fmt::format("not done after {:.0f} s, the time limit (--time-limit){}",
                           std::chrono::duration<double>(options_.time_limit).count(), saying);
      case ChildEnd::How::kOutput:
        certain = false;
        return fmt::format("TensorFlow printed more than {} MiB and was stopped{}",
                           options_.output_limit >> 20, saying);
      case ChildEnd::How::kMemory:
        certain = false;
        return fmt::format(
            "the process held more than {} MiB of the machine's memory and was stopped (--memory-limit)",
            options_.memory_limit >> 20);
      case ChildEnd::How::kInterrupted:
        certain = false;
        interrupted_ = true;
        return "interrupted";
      case ChildEnd::How::kRefused:
        break;
    }
    certain = false;
    return "the process is lost: " + end.why;
  }

  ProvedStep* FirstOfGroup() {
    for (const std::string& name : group_) {
      ProvedStep* step = Find(name);
      if (step != nullptr && step->state == StepState::kSkipped) return step;
    }
    return nullptr;
  }

  void SkipRest(const std::string& why) {
    for (ProvedStep& step : proof_.steps) {
      if (step.state == StepState::kSkipped && step.message.empty()) step.message = why;
    }
  }

  // --- small things

  ProvedStep* Find(const std::string& name) {
    const auto found = std::find_if(proof_.steps.begin(), proof_.steps.end(),
                                    [&](const ProvedStep& step) { return step.name == name; });
    return found == proof_.steps.end() ? nullptr : &*found;
  }

  static double SecondsSince(Time start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  // GPUs of compute capability 8.0 and later have TF32, and TensorFlow lets it be used unless told otherwise.
  bool MayUseTf32() const {
    if (!proof_.OnGpu()) return false;
    const CudaDevice* device = DriverDevice(facts_, options_.device);
    const std::string* capability = device == nullptr ? nullptr : device->compute_capability.Peek();
    return capability == nullptr || MajorVersion(*capability) >= 8;
  }

  std::string Doing() const {
    const auto done = static_cast<size_t>(std::count_if(
        proof_.steps.begin(), proof_.steps.end(),
        [](const ProvedStep& step) { return step.state != StepState::kSkipped || !step.message.empty(); }));
    return fmt::format("{} of {}: {} ({:.0f} s)", std::min(done + 1, proof_.steps.size()),
                       proof_.steps.size(), current_.empty() ? std::string("starting TensorFlow") : current_,
                       SecondsSince(began_));
  }

  void Log(std::string_view text) {
    reader_.Feed(text);
    last_line_.Feed(text);
    if (options_.log) options_.log(text);
  }

  const System& system_;
  const Facts& facts_;
  const ProveOptions& options_;
  const TemporaryFolder temporary_;
  LogReader reader_;
  LastLine last_line_;
  Proof proof_;
  std::vector<std::string> libraries_;
  Time deadline_;
  bool over_ = false;
  bool interrupted_ = false;
  double load_seconds_ = 0;
  std::string load_failure_;
  bool no_functions_ = false;  // its libraries were opened, and have no C API
  std::string python_;         // that runs the steps; empty: the C API does
  // Of the process that runs.
  std::vector<std::string> group_;
  std::string current_;  // the step that it is in
  std::string line_;
  bool loaded_ = false;
  bool finished_ = false;
  Time began_;
};

}  // namespace

std::vector<std::string> StepNames(bool deep) {
  std::vector<std::string> names;
  for (const KnownStep& step : kSteps) {
    if (deep || !step.deep) names.emplace_back(step.name);
  }
  return names;
}

Result<std::string> ReadDevice(std::string_view text) {
  std::string name = Lower(text);
  for (const std::string_view start : {"/device:", "/"}) {
    if (name.starts_with(start)) name.erase(0, start.size());
  }
  const bool cpu = name.starts_with("cpu:");
  const std::string number = name.size() > 4 ? name.substr(4) : std::string();
  const bool digits =
      !number.empty() && number.size() <= 3 && number.find_first_not_of("0123456789") == std::string::npos;
  if ((!cpu && !name.starts_with("gpu:")) || !digits)
    return Error{ErrorKind::kMalformed, fmt::format("'{}' is no device; right is GPU:0 or CPU:0", text)};
  return fmt::format("{}:{}", cpu ? "CPU" : "GPU", std::stoi(number));
}

Result<std::vector<std::string>> ReadSteps(std::string_view text) {
  const std::vector<std::string> known = StepNames(true);
  std::vector<std::string> wanted = Split(text, ',');
  for (std::string& name : wanted) {
    name = std::string(Trim(name));
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    return Error{ErrorKind::kMalformed,
                 fmt::format("'{}' is no step; there are {}", name, Join(known, ", "))};
  }
  std::vector<std::string> steps;
  for (const std::string& name : known) {
    if (std::find(wanted.begin(), wanted.end(), name) != wanted.end()) steps.push_back(name);
  }
  return steps;
}

Proving Prove(const System& system, const Knowledge& knowledge, const Facts& facts,
              const ProveOptions& options) {
  return Prover(system, knowledge, facts, options).Run();
}

}  // namespace tfdoctor
