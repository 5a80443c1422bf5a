// The next question: which unknown fact would tell the open causes apart.
#pragma once

#include <string>
#include <string_view>

#include "diagnose/diagnosis.h"

namespace tfdoctor {

std::vector<Ask> NextQuestions(const Diagnosis& diagnosis);

// The first paragraph under the page's first heading: what a finding says when the case has no words of its
// own.
std::string FirstParagraph(std::string_view page);

}  // namespace tfdoctor
