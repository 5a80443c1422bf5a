// From facts to the answer, with the rules.
#pragma once

#include <span>

#include "diagnose/diagnosis.h"

namespace tfdoctor {

Diagnosis Diagnose(const Facts& facts, const Knowledge& knowledge, std::span<const Rule* const> rules);

// Whether `rule` may be explained by `by`, going by its list (a link's name stands for all causes of that
// link).
bool MayExplain(const Rule& by, const Rule& rule, const Facts& facts);

}  // namespace tfdoctor
