// The next question: which unknown fact would tell the open causes apart.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "diagnose/diagnosis.h"

namespace tfdoctor {

// The facts that open causes miss, as questions, the most telling first. `judge` gives the diagnosis of
// other facts: each candidate is set to each of its usual values (data/questions.toml) and judged again; what
// makes the answers differ most, in bits for its cost, is asked first.
std::vector<Ask> NextQuestions(const Diagnosis& diagnosis, const Facts& facts, const Knowledge& knowledge,
                               const std::function<Diagnosis(const Facts&)>& judge);

// The first paragraph under the page's first heading: what a finding says when the case has no words of its
// own.
std::string FirstParagraph(std::string_view page);

}  // namespace tfdoctor
