// Which TensorFlow a repair may name, and what has to go or to come before it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "diagnose/rule.h"

namespace tfdoctor {

// Whether a distribution of this name may have been built with CUDA: not one for the CPU alone, for another
// maker's accelerator or another system ("tensorflow-cpu-aws", "tf-nightly-intel", "tensorflow-rocm").
bool MayHaveCuda(std::string_view distribution);

// Whether pip finds no solution for the and-cuda extra of this release with this Python ("cp311").
bool ExtraIsUnresolvable(const Knowledge& knowledge, const std::string& version, const std::string& tag);

// The installed distributions that must be removed before TensorFlow `version` with CUDA is installed: those
// of other names, whose files it would share, and one of the same name and version, with which pip finds its
// requirement satisfied.
std::vector<std::string> InTheWay(const Facts& facts, const std::string& version);

// A GPU here has code in this build, and a driver that runs its CUDA is loaded or there is one for the GPU.
// What is not known does not count against it.
bool FitsGpuAndDriver(const TensorFlowBuild& build, const Facts& facts, const Knowledge& knowledge);

// As InNewPython(), with a Python for which the build's and-cuda extra can be installed, and DriverFirst().
Fix InFittingPython(const Facts& facts, const Knowledge& knowledge, const TensorFlowBuild& build);

// The repair with the newer driver first that this build needs; as it is where the driver is new enough.
Fix DriverFirst(Fix fix, const Facts& facts, const Knowledge& knowledge, const TensorFlowBuild& build);

// The newest TensorFlow that fits GPU, driver and C library, in this Python or, where it has no wheel for it,
// in a new one.
Fix InstallFitting(const Facts& facts, const Knowledge& knowledge,
                   const std::vector<std::string>& instead_of);

}  // namespace tfdoctor
