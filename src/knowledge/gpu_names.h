// Finding a GPU by what people type.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "knowledge/knowledge.h"

namespace tfdoctor {

// "sm_89", "compute_89", "8.9", "89" -> "8.9"; empty: not written like a compute capability.
std::string CapabilityIn(std::string_view text);

// The model that `text` names. Of several that fit, those with the fewest other words in their name count; if
// their compute capabilities differ, that is an error which lists them.
Result<GpuModel> FindModel(std::string_view text, const std::vector<GpuModel>& models);

}  // namespace tfdoctor
