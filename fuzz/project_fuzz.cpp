// What a project says of TensorFlow, on arbitrary bytes: the first byte chooses the parser.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "python/project.h"
#include "python/version.h"

using namespace tfdoctor;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  static const std::vector<std::string> names = {"tensorflow", "tensorflow-cpu"};
  static constexpr decltype(&ParsePyproject) kParsers[] = {ParseRequirementsFile, ParsePyproject,
                                                           ParsePipfile,          ParseCondaEnvironment,
                                                           ParseLockFile,         ParsePipfileLock};
  ProjectRequirements found = kParsers[data[0] % 6](text, names);
  for (const ProjectRequirement& one : found.requirements) {
    if (!one.requirement.starts_with("tensorflow")) std::abort();
    // What is handed on can be decided, where its variables are known.
    if (!one.marker.empty() && !EvaluateMarker(one.marker, {})) std::abort();
  }
  const size_t all = found.requirements.size();
  if (WhatApplies(std::move(found), {{"python_version", "3.11"}}).requirements.size() > all) std::abort();
  if (data[0] % 6 == 0) (void)PoetrySpecifiers(text);
  return 0;
}
