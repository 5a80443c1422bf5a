// What the driver answers when it is called, by a child process (src/driver/child.h has its words). Once for
// a machine: a repair that is tried calls nothing, AnswersAfter() tells what is left of the answers then.

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "facts/visible_devices.h"
#include "probes/found.h"
#include "probes/probes.h"

namespace tfdoctor {

namespace {

// The variables that keep devices from a program. Source: CUDA C++ Programming Guide, "CUDA Environment
// Variables".
constexpr const char* kVisible = "CUDA_VISIBLE_DEVICES";
constexpr const char* kDeviceOrder = "CUDA_DEVICE_ORDER";  // a value that is none of its words does

constexpr size_t kLongestText = 512;
constexpr const char* kNotCalled = "it was not called";

bool IsNumber(std::string_view text) {
  return !text.empty() && text.size() <= 20 && text.find_first_not_of("0123456789") == std::string_view::npos;
}
bool IsResult(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return IsNumber(text) && text.size() <= 10;
}

// "12080" -> "12.8"
std::string CudaVersion(std::string_view number) {
  if (!IsNumber(number) || number.size() < 4 || number.size() > 6) return {};
  int value = std::stoi(std::string(number));
  return fmt::format("{}.{}", value / 1000, value % 1000 / 10);
}

// "00000000:0A:00.0" -> "0000:0a:00.0", as sysfs writes it.
std::string Address(std::string_view text) {
  std::string address = Lower(text);
  if (address.size() == 16 && address.starts_with("0000")) address.erase(0, 4);
  bool right = address.size() == 12 && address[4] == ':' && address[7] == ':' && address[10] == '.' &&
               address.find_first_not_of("0123456789abcdef:.") == std::string::npos;
  return right ? address : "";
}

std::string ComputeMode(std::string_view number) {
  if (number == "0") return "default";
  if (number == "1") return "exclusive-thread";
  if (number == "2") return "prohibited";
  if (number == "3") return "exclusive-process";
  return {};
}

// The bits of nvmlClocksEventReasons that say that something holds the GPU back.
std::vector<std::string> Throttle(std::string_view number) {
  static constexpr std::pair<unsigned long long, const char*> kBits[] = {
      {0x4, "power-cap"},         {0x8, "hardware-slowdown"}, {0x20, "thermal"},
      {0x40, "hardware-thermal"}, {0x80, "power-brake"},
  };
  unsigned long long bits = IsNumber(number) ? std::stoull("0" + std::string(number.substr(0, 18))) : 0;
  std::vector<std::string> reasons;
  for (const auto& [bit, name] : kBits) {
    if ((bits & bit) != 0) reasons.emplace_back(name);
  }
  return reasons;
}

std::string SignalName(int number) {
  const char* name = sigabbrev_np(number);
  return name == nullptr ? fmt::format("signal {}", number) : fmt::format("SIG{}", name);
}

// What a child wrote, line by line. It may be cut anywhere, and the driver may have written anything into it.
class Transcript {
 public:
  Transcript(const ChildEnd& end, Origin origin) : origin_(std::move(origin)) {
    for (std::string_view line : SplitLines(end.output)) Line(line);
    switch (end.how) {
      case ChildEnd::How::kExit:
        if (end.number != 0) ended_ = fmt::format("exit {}", end.number);
        if (end.number == 0 && !finished_) ended_ = "exit 0";
        break;
      case ChildEnd::How::kSignal:
        ended_ = SignalName(end.number);
        break;
      case ChildEnd::How::kTime:
        ended_ = "hang";
        break;
      case ChildEnd::How::kOutput:
        ended_ = "garbage";
        break;
      case ChildEnd::How::kMemory:  // neither is asked for here
      case ChildEnd::How::kInterrupted:
      case ChildEnd::How::kRefused:
        ended_ = "refused";
        break;
    }
    if (ended_.empty() && garbage_) ended_ = "garbage";
    // Without the number of devices nothing goes on.
    if (const std::string count = Result("cuDeviceGetCount");
        ended_.empty() && !count.empty() && count != "0")
      ended_ = "returned " + count;
  }

  // What CUDA's child said goes into the answers.
  void FillCuda(DriverAnswers& answers) const {
    answers.open_failure = open_failure_.empty() ? Text::Absent(origin_) : Value(open_failure_);
    answers.version = OrUnknown(version_, "cuDriverGetVersion");
    answers.init = OrUnknown(Result("cuInit"), "cuInit");
    answers.count = Result("cuInit") == "0" ? OrUnknown(count_, "cuDeviceGetCount") : Text::Absent(origin_);
    if (std::string init = Result("cuInit"); !init.empty() && init != "0") {
      answers.devices = Fact<std::map<std::string, CudaDevice>>::Absent(origin_);
    } else {
      answers.devices = Devices();
    }
    answers.ended = ended_.empty() ? Text::Absent(origin_) : Value(ended_);
    answers.ended_in = ended_.empty() || step_.empty() ? Text::Absent(origin_) : Value(step_);
  }

  void FillNvml(DriverAnswers& answers) const {
    answers.nvml_open_failure = open_failure_.empty() ? Text::Absent(origin_) : Value(open_failure_);
    answers.nvml_init = OrUnknown(Result("nvmlInit"), "nvmlInit");
    answers.nvml_driver_version = OrUnknown(driver_, "nvmlSystemGetDriverVersion");
    using Devices = Fact<std::map<std::string, NvmlDevice>>;
    // What was not asked, or what the GPU or its driver does not know, that GPU does not have.
    std::map<std::string, NvmlDevice> devices = nvml_;
    for (auto& [number, device] : devices) {
      NvmlDevice::Describe(device, [&, &index = number](const char* name, auto& field, const char*) {
        using Field = std::remove_cvref_t<decltype(field)>;
        if (field.Peek() != nullptr) return;
        auto failed = nvml_failed_.find(index + " " + name);
        field = failed == nvml_failed_.end()
                    ? Field::Absent(origin_)
                    : Field::Unknown(fmt::format("NVML failed with {}", failed->second), origin_);
      });
    }
    answers.nvml_ended = ended_.empty() ? Text::Absent(origin_) : Value(ended_);
    answers.nvml_ended_in = ended_.empty() || step_.empty() ? Text::Absent(origin_) : Value(step_);
    using Lost = Fact<std::map<std::string, std::string>>;
    answers.nvml_lost = Result("nvmlInit") == "0" && ended_.empty()
                            ? Lost::Value(lost_, origin_)
                            : Lost::Unknown(Why("nvmlDeviceGetHandleByIndex"), origin_);
    answers.nvml_devices = Result("nvmlInit") == "0" && ended_.empty()
                               ? Devices::Value(std::move(devices), origin_)
                               : Devices::Unknown(Why("nvmlDeviceGetHandleByIndex"), origin_);
  }

  // What open() said of device nodes; "no" is no refusal.
  void FillRefused(DeviceAccess& access) const {
    if (const std::string init = Result("cuInit"); init.empty() || init == "0") return;
    std::map<std::string, std::string> refused;
    for (const auto& [path, error] : refused_) {
      if (error != "no") refused.emplace(path, error);
    }
    access.refused =
        Fact<std::map<std::string, std::string>>::Value(std::move(refused), {Witness::kProcess, "open()"});
  }

  void FillHolders(DeviceMemory& memory) const {
    if (holders_.empty()) return;
    memory.holders = Fact<std::map<std::string, MemoryHolder>>::Value(holders_, origin_);
  }

  std::string Result(const std::string& function) const {
    auto found = results_.find(function);
    return found == results_.end() ? "" : found->second;
  }
  const std::string& count() const { return count_; }
  bool ended_early() const { return !ended_.empty(); }

 private:
  void Line(std::string_view line) {
    if (line.size() > 2 * kLongestText) return Garbage();
    auto words = SplitWords(line);
    if (words.empty()) return Garbage();
    std::string_view kind = words[0];
    if (kind == "end") return void(finished_ = true);
    if (words.size() < 2) return Garbage();
    std::string rest =
        Printable(line.substr(static_cast<size_t>(words[1].data() - line.data())), kLongestText);
    if (kind == "call") return void(step_ = rest);
    if (kind == "failed" && words[1] == "dlopen") {
      open_failure_ = rest.substr(std::min(rest.size(), std::string_view("dlopen ").size()));
      return;
    }
    if (kind == "missing") return void(open_failure_ = fmt::format("it has no function {}", rest));
    if (kind == "version" && IsNumber(rest)) return void(version_ = CudaVersion(rest));
    if (kind == "driver") return void(driver_ = FindVersion(rest));
    if ((kind == "count" || kind == "nvml-count") && IsNumber(rest)) return void(count_ = rest);
    if (words.size() < 3) return Garbage();
    if (kind == "nvml-lost" && IsNumber(words[1]) && words[1].size() <= 3 && IsResult(words[2]))
      return void(lost_[std::string(words[1])] = words[2]);
    if (kind == "done" && IsResult(words[2])) return void(results_[std::string(words[1])] = words[2]);
    if (kind == "refused") return void(refused_[std::string(words[1])] = words[2]);
    if (words.size() < 4 || !IsNumber(words[1]) || words[1].size() > 3) return Garbage();
    std::string number(words[1]);
    if (kind == "process") return Process(number, std::string(words[2]), std::string(words[3]));
    std::string field(words[2]);
    if (kind == "nvml-failed") return NvmlFailed(number, field, std::string(words[3]));
    if (kind == "device-failed" && IsResult(words[3]))
      return void(cuda_failed_[number + " " + field] = words[3]);
    std::string value =
        Printable(line.substr(static_cast<size_t>(words[3].data() - line.data())), kLongestText);
    if (kind == "device") return Device(cuda_[number], field, value);
    if (kind == "nvml") return Device(nvml_[number], field, value);
    Garbage();
  }
  void Garbage() { garbage_ = true; }

  // The fields that both kinds of devices have.
  template <class T>
  bool Common(T& device, const std::string& field, const std::string& value) {
    if (field == "name") return device.name = Value(value), true;
    if (field == "uuid") return device.uuid = Value(value), true;
    if (field == "pci_address" && !Address(value).empty())
      return device.pci_address = Value(Address(value)), true;
    if (field == "compute_capability" && FindVersion(value) == value)
      return device.compute_capability = Value(value), true;
    if (field == "compute_mode" && !ComputeMode(value).empty())
      return device.compute_mode = Value(ComputeMode(value)), true;
    if (field == "total_memory" && IsNumber(value)) return device.total_memory = Value(value), true;
    if (field == "free_memory" && IsNumber(value)) return device.free_memory = Value(value), true;
    return false;
  }

  void Device(CudaDevice& device, const std::string& field, const std::string& value) {
    if (Common(device, field, value)) return;
    if (field == "context" && IsResult(value)) return void(device.context = Value(value));
    Garbage();
  }

  void Device(NvmlDevice& device, const std::string& field, const std::string& value) {
    if (Common(device, field, value)) return;
    if (field == "mig_mode") return void(device.mig_mode = Value(value));
    if (field == "mig_looked") return void(device.mig_instances = List::Value({}, origin_));
    if (field == "mig_instance" && device.mig_instances.Mutable() != nullptr)
      return device.mig_instances.Mutable()->push_back(value);
    if (field == "ecc_errors" && IsNumber(value)) return void(device.ecc_errors = Value(value));
    if (field == "throttle") return void(device.throttle = List::Value(Throttle(value), origin_));
    if (field == "virtualisation") return void(device.virtualisation = Value(value));
    if (field == "licence") return void(device.licence = Value(value));
    if (field == "licence_ends") return void(device.licence_ends = Value(value));
    if (field == "fabric") return void(device.fabric = Value(value));
    Garbage();
  }

  void NvmlFailed(const std::string& index, const std::string& field, const std::string& result) {
    if (!IsResult(result)) return Garbage();
    // NVML_ERROR_NOT_SUPPORTED; NVML_ERROR_FUNCTION_NOT_FOUND of a driver that is older than the thing.
    if (result == "3" || result == "13") return;
    if (result == "15") lost_[index] = result;  // NVML_ERROR_GPU_IS_LOST: it had been reached once
    for (const char* name : {"total_memory", "free_memory"}) {
      if (field == "memory") nvml_failed_[index + " " + name] = result;
    }
    nvml_failed_[index + " " + field] = result;
  }

  void Process(const std::string& device, const std::string& pid, const std::string& bytes) {
    if (!IsNumber(pid)) return Garbage();
    MemoryHolder& holder = holders_[pid];
    holder.listed = Fact<bool>::Value(true, origin_);
    if (IsNumber(bytes)) holder.memory = Value(bytes);
    auto known = nvml_.find(device);
    const std::string* address = known == nvml_.end() ? nullptr : known->second.pci_address.Peek();
    if (address != nullptr) holder.devices = List::Value({*address}, origin_);
  }

  Text Value(std::string value) const { return Text::Value(std::move(value), origin_); }
  std::string Why(const std::string& step) const {
    if (ended_.empty()) return step + " was not reached";
    return step_.empty() ? fmt::format("the call of the driver ended ({})", ended_)
                         : fmt::format("the call of the driver ended in {} ({})", step_, ended_);
  }
  Text OrUnknown(const std::string& value, const std::string& step) const {
    return value.empty() ? Text::Unknown(Why(step), origin_) : Value(value);
  }
  // Those that were described before the call ended are all of them or not known.
  Fact<std::map<std::string, CudaDevice>> Devices() const {
    using Fact = Fact<std::map<std::string, CudaDevice>>;
    if (count_.empty() || (!ended_.empty() && std::to_string(cuda_.size()) != count_))
      return Fact::Unknown(Why("cuDeviceGet"), origin_);
    std::map<std::string, CudaDevice> devices = cuda_;
    for (auto& [ordinal, device] : devices) {
      CudaDevice::Describe(device, [&, &index = ordinal](const char* name, auto& field, const char*) {
        const auto failed = cuda_failed_.find(index + " " + name);
        const std::string why = failed == cuda_failed_.end()
                                    ? Why(name)
                                    : fmt::format("the driver failed with {}", failed->second);
        if (field.Peek() == nullptr) field = Text::Unknown(why, origin_);
      });
    }
    return Fact::Value(std::move(devices), origin_);
  }

  Origin origin_;
  bool finished_ = false;
  bool garbage_ = false;
  std::string step_;   // that began last
  std::string ended_;  // empty: came to its end
  std::string open_failure_;
  std::string version_;
  std::string driver_;
  std::string count_;
  std::map<std::string, std::string> results_;
  std::map<std::string, std::string> refused_;
  std::map<std::string, CudaDevice> cuda_;
  std::map<std::string, NvmlDevice> nvml_;
  std::map<std::string, std::string> cuda_failed_;  // "0 free_memory" -> CUresult
  std::map<std::string, std::string> nvml_failed_;  // "0 mig_mode" -> nvmlReturn_t
  std::map<std::string, std::string> lost_;         // "1" -> nvmlReturn_t
  std::map<std::string, MemoryHolder> holders_;
};

void NotAsked(const std::string& why, DriverAnswers& answers) {
  answers.asked = Fact<bool>::Value(false, {Witness::kMachine, why});
}

// The GPUs that the driver lists are there, whatever /sys shows (WSL and sandboxes show nothing).
void AddGpus(const Knowledge& knowledge, Facts& facts) {
  const auto* devices = facts.driver_answers.devices.Peek();
  if (devices == nullptr || devices->empty()) return;
  std::map<std::string, Gpu> gpus;
  if (const auto* known = facts.gpus.Peek()) gpus = *known;
  bool news = false;
  for (const auto& [ordinal, device] : *devices) {
    const std::string* at = device.pci_address.Peek();
    std::string address = at == nullptr ? "device " + ordinal : *at;
    bool fresh = !gpus.contains(address);
    Gpu& gpu = gpus[address];
    Origin origin = device.name.origin();
    if (fresh) {
      gpu.vendor = Text::Value("NVIDIA", origin);
      std::string why = "the driver does not tell";
      Gpu::Describe(gpu, [&](const char* name, auto& field, const char*) {
        if (std::string_view(name) != "vendor")
          field = std::remove_cvref_t<decltype(field)>::Unknown(why, origin);
      });
      gpu.lanes = gpu.most_lanes = Text::Absent(origin);
    }
    const std::string* name = device.name.Peek();
    auto model = name == nullptr ? Result<GpuModel>(Error{}) : knowledge.FindGpuByName(*name);
    auto learn = [&](Text& fact, const Text& said) {
      if (said.Peek() == nullptr || (fact.Peek() != nullptr && *fact.Peek() == *said.Peek())) return;
      fact.Add(said);
      news = true;
    };
    if (gpu.name.Peek() == nullptr) learn(gpu.name, device.name);
    learn(gpu.compute_capability, device.compute_capability);
    const std::string* capability = device.compute_capability.Peek();
    bool same = model.ok() && capability != nullptr && model->compute_capability == *capability;
    if (gpu.architecture.Peek() == nullptr && same && !model->architecture.empty())
      learn(gpu.architecture, Text::Value(model->architecture, origin));
    news = news || fresh;
  }
  if (!news) return;
  facts.gpus.Add(Fact<std::map<std::string, Gpu>>::Value(
      std::move(gpus), {Witness::kProcess, "the devices that libcuda lists"}));
}

std::string WhyNoLibrary(const Facts& facts) {
  const Text& path = facts.driver_library.cuda.path;
  return path.state() == FactState::kAbsent ? "no libcuda.so.1 is found" : path.why();
}

std::vector<std::string> HidingVariables(const System& system) {
  std::vector<std::string> names;
  if (system.Env(kVisible)) names.emplace_back(kVisible);
  if (const auto order = system.Env(kDeviceOrder); order && !IsDeviceOrder(*order))
    names.emplace_back(kDeviceOrder);
  return names;
}

// "CUDA_VISIBLE_DEVICES=-1"
std::vector<std::string> WithValues(const System& system, const std::vector<std::string>& names) {
  std::vector<std::string> words;
  for (const std::string& name : names)
    words.push_back(name + "=" + Printable(*system.Env(name), kLongestText));
  return words;
}

bool FindsNoDevice(const DriverAnswers& answers) {
  const std::string* init = answers.init.Peek();
  const std::string* count = answers.count.Peek();
  return (init != nullptr && *init != "0") || (count != nullptr && *count == "0");
}

void AskUnhidden(const System& system, const Question& question, const std::string& path,
                 const std::vector<std::string>& names, DriverAnswers& answers) {
  const Origin origin{Witness::kProcess, path};
  if (names.empty() || !FindsNoDevice(answers)) {
    answers.init_unhidden = Text::Absent(origin);
    answers.count_unhidden = Text::Absent(origin);
    return;
  }
  auto ends = system.RunChildren({{{"driver-child", "cuda", path}, names}}, {question.driver_limit});
  Transcript transcript(ends.front(), origin);
  DriverAnswers again;
  transcript.FillCuda(again);
  answers.init_unhidden = again.init;
  answers.count_unhidden = again.count;
}

}  // namespace

void ProbeDriver(const System& system, const Knowledge& knowledge, const Question& question, Facts& facts) {
  DriverAnswers& answers = facts.driver_answers;
  if (!question.assumed_gpus.empty()) return NotAsked("--assume", answers);
  if (!question.driver_calls) return NotAsked("--no-driver-calls", answers);
  const std::string* cuda = facts.driver_library.cuda.path.Peek();
  if (cuda == nullptr) return NotAsked(WhyNoLibrary(facts), answers);

  std::vector<ChildTask> tasks = {{{"driver-child", "cuda", *cuda}, {}}};
  const std::string* nvml = facts.driver_library.nvml.path.Peek();
  if (nvml != nullptr) tasks.push_back({{"driver-child", "nvml", *nvml}, {}});
  auto ends = system.RunChildren(tasks, {question.driver_limit});
  const Origin origin{Witness::kProcess, *cuda};
  if (ends.front().how == ChildEnd::How::kRefused) {
    return NotAsked(ends.front().why.empty() ? kNotCalled : ends.front().why, answers);
  }
  answers.asked = Fact<bool>::Value(true, origin);
  answers.library = Text::Value(*cuda, origin);
  Transcript transcript(ends.front(), origin);
  transcript.FillCuda(answers);
  transcript.FillRefused(facts.device_access);
  if (nvml != nullptr) {
    Transcript of_nvml(ends.back(), {Witness::kProcess, *nvml});
    of_nvml.FillNvml(answers);
    of_nvml.FillHolders(facts.device_memory);
  } else if (facts.driver_library.nvml.path.state() == FactState::kAbsent) {
    const Origin nowhere = facts.driver_library.nvml.path.origin();
    answers.nvml_open_failure = answers.nvml_init = answers.nvml_driver_version = Text::Absent(nowhere);
    answers.nvml_ended = answers.nvml_ended_in = Text::Absent(nowhere);
    answers.nvml_lost = Fact<std::map<std::string, std::string>>::Absent(nowhere);
    answers.nvml_devices = Fact<std::map<std::string, NvmlDevice>>::Absent(nowhere);
  }
  std::vector<std::string> names = HidingVariables(system);
  answers.hiding = List::Value(WithValues(system, names), {Witness::kMachine, "environment"});
  AskUnhidden(system, question, *cuda, names, answers);
  AddGpus(knowledge, facts);
}

void AnswersAfter(const System& changed, const Facts& before, Facts& after) {
  const DriverAnswers& said = before.driver_answers;
  DriverAnswers& answers = after.driver_answers;
  const std::string* path = after.driver_library.cuda.path.Peek();
  const std::string* asked = said.library.Peek();
  if (path == nullptr) return NotAsked(WhyNoLibrary(after), answers);
  if (asked == nullptr) {
    const bool had_library = before.driver_library.cuda.path.Peek() != nullptr;
    return NotAsked(had_library ? said.asked.origin().from : kNotCalled, answers);
  }
  // Of another library nothing is known.
  if (*path != *asked) return NotAsked(kNotCalled, answers);
  const std::vector<std::string> hiding = WithValues(changed, HidingVariables(changed));
  const auto* hid = said.hiding.Peek();
  if (hid == nullptr || *hid == hiding) {
    answers = said;
    after.gpus = before.gpus;
    after.device_access.refused = before.device_access.refused;
    after.device_memory = before.device_memory;
    return;
  }
  if (said.init_unhidden.Peek() == nullptr || !hiding.empty())
    return NotAsked("not called with these variables", answers);
  answers = said;
  answers.init = said.init_unhidden;
  answers.count = said.count_unhidden;
  answers.hiding = List::Value({}, said.hiding.origin());
  const std::string* count = answers.count.Peek();
  answers.devices =
      count != nullptr && *count == "0"
          ? Fact<std::map<std::string, CudaDevice>>::Value({}, said.init_unhidden.origin())
          : Fact<std::map<std::string, CudaDevice>>::Unknown(
                "without the variables only their number was asked", said.init_unhidden.origin());
}

}  // namespace tfdoctor
