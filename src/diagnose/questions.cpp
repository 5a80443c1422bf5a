#include "diagnose/questions.h"

#include <algorithm>
#include <map>

#include "base/text.h"

namespace tfdoctor {

std::vector<Ask> NextQuestions(const Diagnosis& diagnosis) {
  // Every fact that an open cause misses, the one that most open causes miss first.
  std::vector<Ask> asks;
  for (const Finding& finding : diagnosis.causes) {
    if (finding.holds) continue;
    for (const Need& need : finding.needs) {
      auto same =
          std::find_if(asks.begin(), asks.end(), [&](const Ask& ask) { return ask.key == need.fact; });
      if (same == asks.end()) {
        asks.push_back({need.fact, "What is the " + need.words + "?", "", {}});
        same = std::prev(asks.end());
      }
      same->separates.emplace_back(finding.rule->id);
    }
  }
  std::stable_sort(asks.begin(), asks.end(),
                   [](const Ask& a, const Ask& b) { return a.separates.size() > b.separates.size(); });
  if (asks.size() > 3) asks.resize(3);
  return asks;
}

std::string FirstParagraph(std::string_view page) {
  std::vector<std::string> words;
  for (std::string_view line : SplitLines(page)) {
    line = Trim(line);
    if (line.starts_with('#') || line.empty()) {
      if (!words.empty()) break;
      continue;
    }
    words.emplace_back(line);
  }
  return Join(words, " ");
}

}  // namespace tfdoctor
