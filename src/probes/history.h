// What changed on this machine and in this environment, read only where a cause was found.
#pragma once

#include "facts/facts.h"
#include "system/system.h"

namespace tfdoctor {

// Of the packages that may bear on the GPU: the logs of dpkg, apt, dnf and pacman, conda's history, the dates
// of pip's distributions, and when the system started. `facts` tells which Python is judged.
History ReadHistory(const System& system, const Facts& facts);

}  // namespace tfdoctor
