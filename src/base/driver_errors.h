// The numbers that NVIDIA's libraries return, by name. They are part of the libraries' interfaces: a number
// never changes its meaning. Sources: the CUDA driver API's CUresult and NVML's nvmlReturn_t.
#pragma once

#include <string>
#include <string_view>

namespace tfdoctor {

// "100" -> "CUDA_ERROR_NO_DEVICE"; "" for a number that we do not know.
std::string_view CudaErrorName(std::string_view number);
// "CUDA_ERROR_NO_DEVICE" -> "100"; "" for a name that we do not know.
std::string_view CudaErrorNumber(std::string_view name);
// "18" -> "NVML_ERROR_LIB_RM_VERSION_MISMATCH"
std::string_view NvmlErrorName(std::string_view number);
std::string_view NvmlErrorNumber(std::string_view name);

// "CUDA_ERROR_NO_DEVICE (100)"; "CUDA error 12345" for one without a name.
std::string CudaErrorText(std::string_view number);
std::string NvmlErrorText(std::string_view number);

}  // namespace tfdoctor
