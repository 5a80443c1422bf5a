// What device nodes and answers of the driver mean, for whoever looks further and for whoever judges.
#pragma once

#include <cstdint>
#include <string_view>

#include "facts/facts.h"

namespace tfdoctor {

// "/dev/nvidia0", not "/dev/nvidiactl".
bool IsGpuNode(std::string_view path);

// What others have left of a device's memory.
enum class Room : uint8_t {
  kUnknown,
  kNone,    // no context can be made
  kTiny,    // TensorFlow's own libraries do not fit
  kLittle,  // what needs little computes in it
  kEnough,
};
Room RoomOn(const CudaDevice& device);

// Bytes; -1: not known.
double Bytes(const Fact<std::string>& fact);

// "NVIDIA H100 (compute capability 9.0)"; a name that says it already stays: "a GPU of compute
// capability 8.9".
std::string WithCapability(const std::string& name, const std::string& capability);

}  // namespace tfdoctor
