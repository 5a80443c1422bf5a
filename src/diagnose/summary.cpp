#include "diagnose/summary.h"

#include <fmt/format.h>

#include "base/text.h"

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

std::string KernelDriverSummary(const Facts& facts) {
  const std::string* version = facts.kernel_driver.version.Peek();
  if (version != nullptr) {
    bool assumed = facts.kernel_driver.version.origin().witness == Witness::kStated;
    return fmt::format("{}NVIDIA kernel module {} is loaded", assumed ? "assumed: " : "", *version);
  }
  if (facts.host.wsl.Peek() != nullptr) return "the Windows driver's, under the Windows Subsystem for Linux";
  return {};
}

std::string DeviceAccessSummary(const Facts& facts) {
  const auto* nodes = facts.device_access.nodes.Peek();
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
  return fmt::format("libcuda.so.1 {} ({})", Or(cuda.version, "of unknown version"), *cuda.path.Peek());
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

std::string VisibilitySummary(const Facts& facts) {
  const std::string* visible = facts.environment.Variable("CUDA_VISIBLE_DEVICES").Peek();
  if (visible == nullptr) return "no environment variable hides the GPU";
  return fmt::format("CUDA_VISIBLE_DEVICES={} leaves a GPU to the program", *visible);
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
    case Link::kExecution:
    case Link::kUtilisation:
    case Link::kNone:
      return {};
  }
  return {};
}

}  // namespace tfdoctor
