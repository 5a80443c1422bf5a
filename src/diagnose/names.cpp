#include "diagnose/diagnosis.h"

namespace tfdoctor {

std::string_view Name(Link link) {
  static constexpr std::string_view kNames[] = {
      "hardware",   "kernel-driver", "device-access",  "driver-library",
      "python",     "tensorflow",    "cuda-libraries", "gpu-architecture",
      "visibility", "memory",        "execution",      "utilisation",
      "none"};
  return kNames[static_cast<size_t>(link)];
}

std::string_view QuestionOf(Link link) {
  static constexpr std::string_view kQuestions[] = {
      "Is there a GPU that CUDA still supports?",
      "Is the NVIDIA kernel module built, allowed and loaded?",
      "May this process open the device?",
      "Which libcuda.so.1 does the loader take, and does it fit the kernel module?",
      "Which Python will run the program, and where does it look for modules?",
      "Which TensorFlow is imported there, and was it built with CUDA?",
      "Does each library that this build opens resolve to a file of a fitting version?",
      "Do this build and its libraries carry code for this GPU?",
      "Do environment variables or the program hide the GPU?",
      "Is enough device memory free?",
      "Do operations really run there?",
      "Is the GPU kept busy?",
      ""};
  return kQuestions[static_cast<size_t>(link)];
}

std::string_view Name(Effect effect) {
  static constexpr std::string_view kNames[] = {"blocks", "degrades", "program", "harmless"};
  return kNames[static_cast<size_t>(effect)];
}

std::string_view Name(VerdictKind verdict) {
  static constexpr std::string_view kNames[] = {"gpu-blocked", "unknown", "gpu-degraded", "gpu-usable"};
  return kNames[static_cast<size_t>(verdict)];
}

std::string_view Name(LinkState state) {
  static constexpr std::string_view kNames[] = {"ok", "broken", "degraded", "unknown"};
  return kNames[static_cast<size_t>(state)];
}

int ExitStatus(VerdictKind verdict, bool strict) {
  switch (verdict) {
    case VerdictKind::kGpuBlocked:
      return 1;
    case VerdictKind::kUnknown:
      return 3;
    case VerdictKind::kGpuDegraded:
      return strict ? 1 : 0;
    case VerdictKind::kGpuUsable:
      return 0;
  }
  return 3;
}

}  // namespace tfdoctor
