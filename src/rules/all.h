// Every rule, in the order of the folders and files.
#pragma once

#include <span>

#include "diagnose/rule.h"

namespace tfdoctor {

std::span<const Rule* const> AllRules();

}  // namespace tfdoctor
