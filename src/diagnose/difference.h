// What differs between two looks at a machine: two Facts, fact by fact.
#pragma once

#include <string>
#include <vector>

#include "facts/facts.h"

namespace tfdoctor {

struct Difference {
  std::string fact;    // "kernel_driver.version"
  std::string words;   // "version of the loaded NVIDIA kernel module"
  std::string before;  // "570.86.15", "absent", "unknown: cannot read …"
  std::string after;
};

// In the order of the facts; a fact that one side never looked for is no difference. Origins do not count.
std::vector<Difference> Differences(const Facts& before, const Facts& after);

// Whether a difference may be why something no longer works: versions, files that are taken, variables;
// not what changes from run to run, nor what is counted or derived from others.
bool MayBeTheReason(const Difference& difference);

}  // namespace tfdoctor
