#include "diagnose/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>

#include "base/text.h"
#include "facts/visible_devices.h"

namespace tfdoctor {

namespace {

std::string Or(const Fact<std::string>& fact, std::string_view other) {
  const std::string* value = fact.Peek();
  return value != nullptr ? *value : std::string(other);
}

std::string HardwareSummary(const Facts& facts) {
  std::vector<std::string> names;
  if (const auto* gpus = facts.gpus.Peek()) {
    for (const auto& [address, gpu] : *gpus) {
      if (const std::string* vendor = gpu.vendor.Peek(); vendor != nullptr && *vendor != "NVIDIA") continue;
      std::string name = Or(gpu.name, "NVIDIA GPU");
      // A GPU that was assumed by its compute capability has no other name.
      bool said = name.find("compute capability") != std::string::npos;
      names.push_back(
          said ? name
               : fmt::format("{}, compute capability {}", name, Or(gpu.compute_capability, "unknown")));
    }
  }
  std::string text = Join(names, "; ");
  return facts.assumed.Peek() != nullptr && *facts.assumed.Peek() ? "assumed: " + text : text;
}

bool Yes(const Fact<bool>& fact) { return fact.Peek() != nullptr && *fact.Peek(); }

bool DriverFindsGpu(const Facts& facts) {
  const DriverAnswers& answers = facts.driver_answers;
  const std::string* count = answers.count.Peek();
  return Yes(answers.asked) && Or(answers.init, "") == "0" && count != nullptr && *count != "0";
}

std::string KernelDriverSummary(const Facts& facts) {
  const std::string* version = facts.kernel_driver.version.Peek();
  if (version != nullptr) {
    bool assumed = facts.kernel_driver.version.origin().witness == Witness::kStated;
    return fmt::format("{}NVIDIA kernel module {} is loaded", assumed ? "assumed: " : "", *version);
  }
  if (DriverFindsGpu(facts) && facts.host.wsl.Peek() == nullptr) {
    return fmt::format("the driver answers, version {}",
                       Or(facts.driver_answers.nvml_driver_version, "not told"));
  }
  if (facts.host.wsl.Peek() != nullptr) return "the Windows driver's, under the Windows Subsystem for Linux";
  return {};
}

std::string DeviceAccessSummary(const Facts& facts) {
  const auto* nodes = facts.device_access.nodes.Peek();
  if ((nodes == nullptr || nodes->empty()) && DriverFindsGpu(facts))
    return "the driver lists a GPU to this process";
  if (nodes == nullptr || nodes->empty()) return {};
  if (facts.device_access.nodes.origin().witness == Witness::kStated) {
    return "assumed: this user may open the device nodes";
  }
  size_t usable = 0;
  for (const auto& [path, node] : *nodes) usable += Yes(node.usable) ? 1 : 0;
  return fmt::format("{} of {} device nodes may be opened by this user, all that are needed", usable,
                     nodes->size());
}

std::string DriverLibrarySummary(const Facts& facts) {
  const Library& cuda = facts.driver_library.cuda;
  if (cuda.path.Peek() == nullptr) return {};
  if (cuda.path.origin().witness == Witness::kStated) {
    return fmt::format("assumed: libcuda.so.1 {}", Or(cuda.version, "of unknown version"));
  }
  std::string text =
      fmt::format("libcuda.so.1 {} ({})", Or(cuda.version, "of unknown version"), *cuda.path.Peek());
  if (!DriverFindsGpu(facts)) return text;
  return text + fmt::format("; called, it lists {} for CUDA up to {}",
                            *facts.driver_answers.count.Peek() == "1"
                                ? "a device"
                                : *facts.driver_answers.count.Peek() + " devices",
                            Or(facts.driver_answers.version, "unknown"));
}

std::string TensorFlowSummary(const Facts& facts) {
  const TensorFlow& tensorflow = facts.tensorflow;
  if (!Yes(tensorflow.cuda_build)) return {};
  return fmt::format("{} {}, built for CUDA {}", Or(tensorflow.distribution, "TensorFlow"),
                     Or(tensorflow.version, "of unknown version"),
                     Or(tensorflow.cuda_version, "of unknown version"));
}

std::string CudaLibrariesSummary(const Facts& facts) {
  const auto* opened = facts.cuda_libraries.opened.Peek();
  if (opened == nullptr || opened->empty()) return {};
  size_t found = 0;
  for (const auto& [soname, library] : *opened) found += library.path.Peek() != nullptr ? 1 : 0;
  return fmt::format("{} of the {} libraries that this build opens are found, all that it needs to start",
                     found, opened->size());
}

std::string ArchitectureSummary(const Facts& facts) {
  if (!Yes(facts.tensorflow.cuda_build) || HardwareSummary(facts).empty()) return {};
  return "this build and its libraries carry code for this GPU";
}

// The NVIDIA GPUs in the driver's order, as far as it is known without asking the driver: by PCI address when
// CUDA_DEVICE_ORDER says so, and among GPUs of one model any order is the same.
std::vector<std::string> NamesInOrder(const Facts& facts) {
  std::vector<std::string> names;
  if (const auto* gpus = facts.gpus.Peek()) {
    for (const auto& [address, gpu] : *gpus) {
      const std::string* vendor = gpu.vendor.Peek();
      if (vendor == nullptr || *vendor == "NVIDIA") names.push_back(Or(gpu.name, ""));
    }
  }
  const std::string* order = facts.environment.Variable("CUDA_DEVICE_ORDER").Peek();
  bool by_address = order != nullptr && *order == "PCI_BUS_ID";
  bool alike =
      std::all_of(names.begin(), names.end(), [&](const std::string& n) { return n == names.front(); });
  if (!by_address && !alike) std::fill(names.begin(), names.end(), "");
  return names;
}

// What the program calls GPU:0, GPU:1, … under CUDA_VISIBLE_DEVICES.
std::string Mapping(const std::vector<std::string>& entries, const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < entries.size(); i++) {
    text += fmt::format("{}GPU:{} is {}", i == 0 ? "" : ", ", i, entries[i]);
    const bool number =
        entries[i].find_first_not_of("0123456789") == std::string::npos && entries[i].size() < 5;
    const size_t at = number ? std::stoul(entries[i]) : names.size();
    if (at < names.size() && !names[at].empty()) text += fmt::format(" ({})", names[at]);
  }
  return text;
}

// Of each device what is free, since that is what a program gets.
std::string MemorySummary(const Facts& facts) {
  const auto* devices = facts.driver_answers.devices.Peek();
  if (devices == nullptr) return {};
  std::vector<std::string> parts;
  for (const auto& [ordinal, device] : *devices) {
    const std::string* free_bytes = device.free_memory.Peek();
    const std::string* total = device.total_memory.Peek();
    if (free_bytes == nullptr || total == nullptr) continue;
    constexpr double kGiga = 1024.0 * 1024 * 1024;
    parts.push_back(fmt::format("{:.1f} of {:.1f} GiB", std::strtod(free_bytes->c_str(), nullptr) / kGiga,
                                std::strtod(total->c_str(), nullptr) / kGiga));
  }
  return parts.empty() ? "" : Join(parts, ", ") + " free";
}

std::string VisibilitySummary(const Facts& facts) {
  const Fact<std::string>& variable = facts.environment.Variable("CUDA_VISIBLE_DEVICES");
  const std::string* visible = variable.Peek();
  if (visible == nullptr && variable.state() == FactState::kUnknown) return {};
  const std::vector<std::string> names = NamesInOrder(facts);
  if (visible == nullptr) {
    const std::string* order = facts.environment.Variable("CUDA_DEVICE_ORDER").Peek();
    const bool by_address = order != nullptr && *order == "PCI_BUS_ID" && names.size() > 1;
    if (!by_address) return "no environment variable hides the GPU";
    std::vector<std::string> all;
    for (size_t i = 0; i < names.size(); i++) all.push_back(std::to_string(i));
    return fmt::format("no environment variable hides the GPU; CUDA_DEVICE_ORDER={}: {}", *order,
                       Mapping(all, names));
  }
  std::optional<size_t> count;
  if (!names.empty()) count = names.size();
  const VisibleDevices devices = ReadVisibleDevices(*visible, count);
  std::string text = fmt::format("CUDA_VISIBLE_DEVICES={}: {}", *visible, Mapping(devices.entries, names));
  if (!devices.ended_by.empty()) text += "; " + devices.ended_by;
  const std::set<std::string> shown(devices.entries.begin(), devices.entries.end());
  const bool numbers = std::none_of(shown.begin(), shown.end(), VisibleDevices::IsName);
  if (count && numbers && shown.size() < *count)
    text += fmt::format("; {} of {} GPUs {} hidden", *count - shown.size(), *count,
                        *count - shown.size() == 1 ? "is" : "are");
  return text;
}

}  // namespace

std::string Summary(Link link, const Facts& facts) {
  switch (link) {
    case Link::kHardware:
      return HardwareSummary(facts);
    case Link::kKernelDriver:
      return KernelDriverSummary(facts);
    case Link::kDeviceAccess:
      return DeviceAccessSummary(facts);
    case Link::kDriverLibrary:
      return DriverLibrarySummary(facts);
    case Link::kPython:
      if (facts.python.interpreter.Peek() == nullptr) return {};
      return fmt::format("Python {} at {}", Or(facts.python.version, "of unknown version"),
                         *facts.python.interpreter.Peek());
    case Link::kTensorFlow:
      return TensorFlowSummary(facts);
    case Link::kCudaLibraries:
      return CudaLibrariesSummary(facts);
    case Link::kGpuArchitecture:
      return ArchitectureSummary(facts);
    case Link::kVisibility:
      return VisibilitySummary(facts);
    case Link::kMemory:
      return MemorySummary(facts);
    case Link::kExecution:
    case Link::kUtilisation:
    case Link::kNone:
      return {};
  }
  return {};
}

}  // namespace tfdoctor
