// conda's own view of its TensorFlow.
#pragma once

#include <string>

#include "diagnose/rule.h"

namespace tfdoctor {

struct CondaBuild {
  const CondaPackage* package = nullptr;  // nullptr: TensorFlow is not conda's
  std::string name;                       // "tensorflow-base"
  std::string text;                       // "cpu_py311h7aa0b3d_1"
};
// Of the packages of this environment the one that has the files.
CondaBuild FindCondaTensorFlow(const Facts& facts);
// "cuda120py311h5cbd639_1", "gpu_py36hf933387_0"
bool SaysCuda(std::string_view build);
Fix InstallCondaCuda(const CondaBuild& build);

}  // namespace tfdoctor
