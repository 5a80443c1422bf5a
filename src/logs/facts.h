// From a log and statements to facts: what a probe would also have found becomes that very fact, the rest
// goes into Facts::log.
#pragma once

#include <set>
#include <string>

#include "facts/facts.h"
#include "knowledge/knowledge.h"
#include "logs/read.h"
#include "logs/statements.h"

namespace tfdoctor {

// `alone`: nobody looked at a machine. With a machine's facts the more trusted witness stays in front. Gives
// the keys of the statements that became facts or messages; rules may read others (Diagnosis::asked).
std::set<std::string> AddLog(const LogReading& reading, const Statements& statements,
                             const Knowledge& knowledge, bool alone, Facts& facts);
// There is no log: said once, so that rules need not ask for it.
void WithoutLog(Facts& facts);

}  // namespace tfdoctor
