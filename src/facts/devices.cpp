#include "facts/devices.h"

#include <cstdlib>

namespace tfdoctor {

bool IsGpuNode(std::string_view path) {
  constexpr std::string_view kPrefix = "/dev/nvidia";
  return path.size() > kPrefix.size() && path.starts_with(kPrefix) &&
         path.find_first_not_of("0123456789", kPrefix.size()) == std::string_view::npos;
}

double Bytes(const Fact<std::string>& fact) {
  const std::string* text = fact.Get();
  return text == nullptr ? -1 : std::strtod(text->c_str(), nullptr);
}

Room RoomOn(const CudaDevice& device) {
  // TensorFlow needs some hundred megabytes for its context and the handles of cuBLAS and cuDNN alone.
  constexpr double kTooLittle = 600.0 * 1024 * 1024;
  // A TensorFlow that takes all memory leaves more than that on a large GPU: of an H200's 139.8 GiB 2.3.
  constexpr double kSmallShare = 0.2;
  const std::string* context = device.context.Get();
  if (context == nullptr) return Room::kUnknown;
  if (*context == "2") return Room::kNone;  // CUDA_ERROR_OUT_OF_MEMORY
  const double total = Bytes(device.total_memory);
  const double free = Bytes(device.free_memory);
  if (*context != "0" || total <= 0 || free < 0) return Room::kUnknown;
  if (free < kTooLittle) return free < total / 2 ? Room::kTiny : Room::kEnough;
  return free < total * kSmallShare ? Room::kLittle : Room::kEnough;
}

std::string WithCapability(const std::string& name, const std::string& capability) {
  const std::string words = "compute capability " + capability;
  return name.ends_with(words) ? name : name + " (" + words + ")";
}

}  // namespace tfdoctor
