// The JSON form of Facts: what `--facts` prints, what snapshots hold and what the cases of rules are patches
// of.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"
#include "facts/facts.h"

namespace tfdoctor {

// Each fact is {"state": "value|absent|unknown", "value": …, "why": …, "from": …, "witness": …}. `why` stands
// with unknown only.
nlohmann::ordered_json ToJson(const Facts& facts);

// Reads that form and its short one, which people write in cases: a fact is its bare value, "@absent", or
// "@unknown: why". Fields that are missing stay unknown. An error names the field and what would be right.
Result<Facts> FactsFromJson(const nlohmann::ordered_json& json);

}  // namespace tfdoctor
