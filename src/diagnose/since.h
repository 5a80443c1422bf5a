// What changed on the machine that bears on a cause.
#pragma once

#include <string>
#include <string_view>

#include "diagnose/diagnosis.h"

namespace tfdoctor {

// Of the facts' history, the newest change that bears on the root cause, with what changed within the hour
// before it: "2026-11-25 06:33: nvidia-driver-570 from 570.86.15 to 575.57.08 and 12 more; the machine was
// not restarted since". Empty: there is no root cause that blocks or degrades, nothing changed, or long ago.
// `now` is local time, "2026-11-26 06:19", as in the logs of packages.
std::string Since(const Diagnosis& diagnosis, const Facts& facts, std::string_view now);

}  // namespace tfdoctor
