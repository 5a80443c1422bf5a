// The TOML of --data: no input may crash, and what is taken must answer every question.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "knowledge/knowledge.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto knowledge = tfdoctor::KnowledgeWithFile(text, "fuzz.toml");
  if (knowledge) {
    const tfdoctor::Knowledge& k = **knowledge;
    for (const tfdoctor::TensorFlowBuild* build : k.Builds()) {
      if (k.FindBuild(build->distribution, build->version, build->machine) == nullptr) __builtin_trap();
    }
    (void)k.NewestDriver();
    (void)k.FindNvidiaWheel("nvidia-cudnn-cu12", "9.28.0.42");
  }
  (void)tfdoctor::BuiltInKnowledge().FindGpuByName(text);
  return 0;
}
