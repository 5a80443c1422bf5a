// The JSON form of Facts: what `--facts` prints, what snapshots hold and what the cases of rules are patches
// of.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
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

// A further witness of one fact, by its name ("driver_library.cuda.path"): somebody states it, in either
// form. An error: there is no such fact, or the form is not its own.
std::optional<Error> StateFact(Facts& facts, const std::string& path, const nlohmann::ordered_json& json);

}  // namespace tfdoctor
