// Every rule, in the order of the folders and files.
#pragma once

#include <span>

#include "diagnose/rule.h"
#include "diagnose/signs.h"

namespace tfdoctor {

std::span<const Rule* const> AllRules();
// What logs and statements show of their causes (src/rules/logs/).
std::span<const LogRule> AllLogRules();

}  // namespace tfdoctor
