// What no rule understands may still speak of the same things as the page of a cause: a text is looked up in
// the pages as a search engine does it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "diagnose/rule.h"

namespace tfdoctor {

struct Resemblance {
  const Rule* rule = nullptr;
  double share = 0;                // how likely it is this one, if it is one of them; 0 to 1
  std::vector<std::string> words;  // that both have, the most telling first, as the text has them
};

// The pages that are most like the text, best first; none where it has too little in common with any. Weights
// of words are those of Okapi BM25 (Robertson, Walker: TREC-3, 1994). `beside`: what only describes the
// machine and counts for less than what is complained of.
std::vector<Resemblance> Resembling(std::string_view text, const Knowledge& knowledge,
                                    std::span<const Rule* const> rules, std::string_view beside = {});

}  // namespace tfdoctor
