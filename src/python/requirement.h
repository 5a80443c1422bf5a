// What a distribution asks for: PEP 508, one value of Requires-Dist.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "python/version.h"

namespace tfdoctor {

// "Nvidia_CUDNN.cu12" -> "nvidia-cudnn-cu12" (PEP 503).
std::string NormalizeName(std::string_view name);

// The variables of markers ("python_version" -> "3.11"). One that is missing is not known to us.
using MarkerVariables = std::map<std::string, std::string>;
// Those of CPython on Linux. `machine`: "x86_64"; `python`: "3.11.2" or "3.11". What is not known (empty) is
// not in it, and leaves undecided what hangs on it.
MarkerVariables MarkersOnLinux(const std::string& machine, const std::string& python);

struct Requirement {
  std::string name;                 // normalised
  std::vector<std::string> extras;  // normalised
  SpecifierSet specifiers;
  std::string url;     // "name @ https://…"
  std::string marker;  // as written, without ";"

  static Result<Requirement> Parse(std::string_view text);
  // Whether it counts where these variables hold and this extra (normalised, "" for none) is asked for;
  // nullopt when that depends on a variable that is not known.
  std::optional<bool> Applies(const MarkerVariables& variables, std::string_view extra = "") const;
};

// nullopt: depends on a variable that is missing. An error: not a marker.
Result<std::optional<bool>> EvaluateMarker(std::string_view marker, const MarkerVariables& variables);

}  // namespace tfdoctor
