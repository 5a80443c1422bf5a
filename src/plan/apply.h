// Lays the changes of a repair over a machine.
#pragma once

#include "base/result.h"
#include "diagnose/change.h"
#include "system/overlay.h"

namespace tfdoctor {

// An error: this change cannot be modelled (no listing of that wheel, a RECORD that cannot be read).
Result<bool> Apply(const Change& change, OverlaySystem& machine);

}  // namespace tfdoctor
