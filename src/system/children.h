// Child processes with limits: none is left behind, and none can make us wait for ever.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "system/system.h"

namespace tfdoctor {

// As System::RunChildren(), of this program; in `environment`, or in this process's own.
std::vector<ChildEnd> RunProcesses(const std::string& program, const std::vector<ChildTask>& tasks,
                                   const ChildLimits& limits,
                                   const std::map<std::string, std::string>* environment = nullptr);

}  // namespace tfdoctor
