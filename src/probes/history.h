// What changed on this machine and in this environment, read only where a cause was found.
#pragma once

#include "facts/facts.h"
#include "system/system.h"

namespace tfdoctor {

// Of the packages that may bear on the GPU: the logs of dpkg, apt, dnf, yum, zypper and pacman, conda's
// history, the dates of pip's distributions, and when the system started, with which kernel. `facts` tells
// which Python is judged.
History ReadHistory(const System& system, const Facts& facts);
// When this system started, in seconds since 1970: "btime 1764083520" of /proc/stat.
Result<int64_t> BootTime(const System& system);

}  // namespace tfdoctor
