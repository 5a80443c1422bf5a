// Repairs are tried before they are offered: on an overlay of this machine, with the same probes and rules.
#pragma once

#include "diagnose/diagnosis.h"
#include "probes/probes.h"
#include "system/caching.h"

namespace tfdoctor {

// Drops every fix that does not make its cause go away. A fix that cannot be modelled becomes advice.
void TryFixes(const CachingSystem& system, const Knowledge& knowledge, const Probing& present,
              Diagnosis& diagnosis);

// The facts of the machine after a fix; an error when it cannot be modelled.
Result<Facts> FactsAfter(const Fix& fix, const CachingSystem& system, const Probing& present);

}  // namespace tfdoctor
