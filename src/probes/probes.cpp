#include "probes/probes.h"

namespace tfdoctor {

Facts ProbeAll(const System& system, const Knowledge& knowledge, const Question& question) {
  // The order of data: what a probe reads from Facts was filled by one above it.
  static constexpr Probe kProbes[] = {
      ProbeEnvironment,  ProbeHost,   ProbeHardware,   ProbeKernelDriver,
      ProbeDeviceAccess, ProbePython, ProbeTensorFlow, ProbeLibraries,
  };
  Facts facts;
  for (Probe probe : kProbes) probe(system, knowledge, question, facts);
  return facts;
}

}  // namespace tfdoctor
