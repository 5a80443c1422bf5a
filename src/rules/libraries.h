// Sorts the CUDA libraries that TensorFlow needs to start by what is wrong with each, so that every library
// is claimed by one rule only.
#pragma once

#include <string>
#include <vector>

#include "diagnose/rule.h"

namespace tfdoctor {

enum class Trouble {
  kNone,          // found, loads
  kNowhere,       // not on this machine
  kOtherVersion,  // not there, but the same library of another CUDA is
  kInPip,         // below site-packages/nvidia, where this build does not look
  kElsewhere,     // on this machine, where the loader does not look
  kUnclear,       // the loader finds none; what else there is could not be seen
  kDependency,    // found, but something that it needs is not
  kUnfitByPath,   // does not load, and was found through LD_LIBRARY_PATH, or what it lacks something of was
  kUnfit,         // found otherwise and does not load
  kFailsSomehow,  // does not load; why could not be seen
};

struct StartLibrary {
  std::string soname;
  const Library* library = nullptr;
  Trouble trouble = Trouble::kNone;
  // The file elsewhere, the missing dependency, the distribution or file ("/…") of another CUDA, the library
  // that lacks something.
  std::string detail;
};

// All of them; empty when not known, which is noted then. Only for CUDA builds.
std::vector<StartLibrary> StartLibraries(const Facts& facts, const Knowledge& knowledge);

bool IsCudnn(const std::string& soname);
// Whether a TensorFlow compiled with the one cuDNN takes the other: the same major version and at least the
// same minor one; patches do not count. Where only the major version is known, that alone.
// Source: xla/stream_executor/cuda/cuda_dnn.cc (IsSourceCompatibleWithCudnnLibrary).
bool CudnnFits(const std::string& there, const std::string& compiled_with);
// Which distributions are not those that the and-cuda extra wants, as a sign of a verdict that has others:
// alone they prove nothing, since most libraries of one CUDA major version work with one another.
void NameAtOdds(const Facts& facts, Verdict& verdict);
// The library that is cuDNN, of those that this build opens; nullptr: none or not known.
const Library* FindCudnn(const Facts& facts);

}  // namespace tfdoctor
