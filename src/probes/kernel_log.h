// The kernel's messages about the GPU.
#pragma once

#include <string_view>

#include "facts/facts.h"
#include "system/system.h"

namespace tfdoctor {

// From the kernel itself where this user may, else from the files that a logging service keeps of it.
void ReadKernelLog(const System& system, KernelLog& log);
// What a text of messages says; of each kind the newest counts.
void ParseKernelLog(std::string_view text, const Origin& origin, KernelLog& log);

}  // namespace tfdoctor
