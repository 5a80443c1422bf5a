#include "base/driver_errors.h"

#include <algorithm>
#include <span>

namespace tfdoctor {

namespace {

struct Named {
  std::string_view number;
  std::string_view name;
};

constexpr Named kCuda[] = {
    {"0", "CUDA_SUCCESS"},
    {"1", "CUDA_ERROR_INVALID_VALUE"},
    {"2", "CUDA_ERROR_OUT_OF_MEMORY"},
    {"3", "CUDA_ERROR_NOT_INITIALIZED"},
    {"4", "CUDA_ERROR_DEINITIALIZED"},
    {"34", "CUDA_ERROR_STUB_LIBRARY"},
    {"46", "CUDA_ERROR_DEVICE_UNAVAILABLE"},
    {"100", "CUDA_ERROR_NO_DEVICE"},
    {"101", "CUDA_ERROR_INVALID_DEVICE"},
    {"102", "CUDA_ERROR_DEVICE_NOT_LICENSED"},
    {"200", "CUDA_ERROR_INVALID_IMAGE"},
    {"201", "CUDA_ERROR_INVALID_CONTEXT"},
    {"205", "CUDA_ERROR_MAP_FAILED"},
    {"209", "CUDA_ERROR_NO_BINARY_FOR_GPU"},
    {"214", "CUDA_ERROR_ECC_UNCORRECTABLE"},
    {"215", "CUDA_ERROR_UNSUPPORTED_LIMIT"},
    {"216", "CUDA_ERROR_CONTEXT_ALREADY_IN_USE"},
    {"217", "CUDA_ERROR_PEER_ACCESS_UNSUPPORTED"},
    {"218", "CUDA_ERROR_INVALID_PTX"},
    {"219", "CUDA_ERROR_INVALID_GRAPHICS_CONTEXT"},
    {"220", "CUDA_ERROR_NVLINK_UNCORRECTABLE"},
    {"221", "CUDA_ERROR_JIT_COMPILER_NOT_FOUND"},
    {"222", "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"},
    {"223", "CUDA_ERROR_JIT_COMPILATION_DISABLED"},
    {"226", "CUDA_ERROR_CONTAINED"},
    {"300", "CUDA_ERROR_INVALID_SOURCE"},
    {"301", "CUDA_ERROR_FILE_NOT_FOUND"},
    {"302", "CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND"},
    {"303", "CUDA_ERROR_SHARED_OBJECT_INIT_FAILED"},
    {"304", "CUDA_ERROR_OPERATING_SYSTEM"},
    {"400", "CUDA_ERROR_INVALID_HANDLE"},
    {"401", "CUDA_ERROR_ILLEGAL_STATE"},
    {"500", "CUDA_ERROR_NOT_FOUND"},
    {"600", "CUDA_ERROR_NOT_READY"},
    {"700", "CUDA_ERROR_ILLEGAL_ADDRESS"},
    {"701", "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"},
    {"702", "CUDA_ERROR_LAUNCH_TIMEOUT"},
    {"708", "CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE"},
    {"709", "CUDA_ERROR_CONTEXT_IS_DESTROYED"},
    {"710", "CUDA_ERROR_ASSERT"},
    {"711", "CUDA_ERROR_TOO_MANY_PEERS"},
    {"714", "CUDA_ERROR_HARDWARE_STACK_ERROR"},
    {"715", "CUDA_ERROR_ILLEGAL_INSTRUCTION"},
    {"716", "CUDA_ERROR_MISALIGNED_ADDRESS"},
    {"718", "CUDA_ERROR_INVALID_PC"},
    {"719", "CUDA_ERROR_LAUNCH_FAILED"},
    {"800", "CUDA_ERROR_NOT_PERMITTED"},
    {"801", "CUDA_ERROR_NOT_SUPPORTED"},
    {"802", "CUDA_ERROR_SYSTEM_NOT_READY"},
    {"803", "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"},
    {"804", "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE"},
    {"805", "CUDA_ERROR_MPS_CONNECTION_FAILED"},
    {"806", "CUDA_ERROR_MPS_RPC_FAILURE"},
    {"807", "CUDA_ERROR_MPS_SERVER_NOT_READY"},
    {"808", "CUDA_ERROR_MPS_MAX_CLIENTS_REACHED"},
    {"809", "CUDA_ERROR_MPS_MAX_CONNECTIONS_REACHED"},
    {"810", "CUDA_ERROR_MPS_CLIENT_TERMINATED"},
    {"908", "CUDA_ERROR_CAPTURED_EVENT"},
    {"909", "CUDA_ERROR_TIMEOUT"},
    {"914", "CUDA_ERROR_EXTERNAL_DEVICE"},
    {"999", "CUDA_ERROR_UNKNOWN"},
};

constexpr Named kNvml[] = {
    {"0", "NVML_SUCCESS"},
    {"1", "NVML_ERROR_UNINITIALIZED"},
    {"2", "NVML_ERROR_INVALID_ARGUMENT"},
    {"3", "NVML_ERROR_NOT_SUPPORTED"},
    {"4", "NVML_ERROR_NO_PERMISSION"},
    {"6", "NVML_ERROR_NOT_FOUND"},
    {"7", "NVML_ERROR_INSUFFICIENT_SIZE"},
    {"8", "NVML_ERROR_INSUFFICIENT_POWER"},
    {"9", "NVML_ERROR_DRIVER_NOT_LOADED"},
    {"10", "NVML_ERROR_TIMEOUT"},
    {"11", "NVML_ERROR_IRQ_ISSUE"},
    {"12", "NVML_ERROR_LIBRARY_NOT_FOUND"},
    {"13", "NVML_ERROR_FUNCTION_NOT_FOUND"},
    {"14", "NVML_ERROR_CORRUPTED_INFOROM"},
    {"15", "NVML_ERROR_GPU_IS_LOST"},
    {"16", "NVML_ERROR_RESET_REQUIRED"},
    {"17", "NVML_ERROR_OPERATING_SYSTEM"},
    {"18", "NVML_ERROR_LIB_RM_VERSION_MISMATCH"},
    {"19", "NVML_ERROR_IN_USE"},
    {"20", "NVML_ERROR_MEMORY"},
    {"21", "NVML_ERROR_NO_DATA"},
    {"22", "NVML_ERROR_VGPU_ECC_NOT_SUPPORTED"},
    {"23", "NVML_ERROR_INSUFFICIENT_RESOURCES"},
    {"999", "NVML_ERROR_UNKNOWN"},
};

std::string_view NameOf(std::span<const Named> table, std::string_view number) {
  auto found = std::find_if(table.begin(), table.end(), [&](const Named& n) { return n.number == number; });
  return found == table.end() ? std::string_view() : found->name;
}

std::string_view NumberOf(std::span<const Named> table, std::string_view name) {
  auto found = std::find_if(table.begin(), table.end(), [&](const Named& n) { return n.name == name; });
  return found == table.end() ? std::string_view() : found->number;
}

std::string TextOf(std::string_view name, std::string_view library, std::string_view number) {
  std::string text = name.empty() ? std::string(library) + " error " : std::string(name) + " (";
  return text.append(number).append(name.empty() ? "" : ")");
}

}  // namespace

std::string_view CudaErrorName(std::string_view number) { return NameOf(kCuda, number); }
std::string_view CudaErrorNumber(std::string_view name) { return NumberOf(kCuda, name); }
std::string_view NvmlErrorName(std::string_view number) { return NameOf(kNvml, number); }
std::string_view NvmlErrorNumber(std::string_view name) { return NumberOf(kNvml, name); }

std::string CudaErrorText(std::string_view number) { return TextOf(CudaErrorName(number), "CUDA", number); }
std::string NvmlErrorText(std::string_view number) { return TextOf(NvmlErrorName(number), "NVML", number); }

}  // namespace tfdoctor
