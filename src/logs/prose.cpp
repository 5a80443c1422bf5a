#include "logs/prose.h"

#include <algorithm>

#include "base/text.h"

namespace tfdoctor {

bool IsSentence(std::string_view line) {
  constexpr size_t kFewest = 3;  // words
  static constexpr std::string_view kOfSentences[] = {
      "i",    "i'm",  "my",    "me",     "we",    "it",    "the",   "this", "that",  "is",   "was",
      "are",  "were", "does",  "do",     "did",   "have",  "has",   "had",  "can",   "when", "after",
      "but",  "and",  "to",    "though", "while", "since", "until", "only", "still", "even", "although",
      "with", "on",   "in",    "from",   "if",    "not",   "no",    "then", "so",    "for",  "as",
      "of",   "a",    "takes", "works",  "get",   "gets",  "run",   "use",  "using"};
  if (line.find_first_of("=;{}<>|") != line.npos) return false;  // code, tables
  size_t all = 0, plain = 0, of_sentences = 0;
  for (std::string_view word : SplitWords(line)) {
    all++;
    while (!word.empty() && std::string_view(",.;:!?)\"*").find(word.back()) != word.npos)
      word.remove_suffix(1);
    while (!word.empty() && std::string_view("(\"*").find(word.front()) != word.npos) word.remove_prefix(1);
    const auto of_word = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '\'' || c == '-';
    };
    if (word.empty() || !std::all_of(word.begin(), word.end(), of_word)) continue;
    plain++;
    const std::string lower = Lower(word);
    if (std::find(std::begin(kOfSentences), std::end(kOfSentences), lower) != std::end(kOfSentences))
      of_sentences++;
  }
  // A title is of plain words alone: "Training is very slow", "low GPU usage".
  return all >= kFewest && (plain == all || (plain * 3 >= all * 2 && of_sentences * 5 >= all));
}

std::vector<std::string> Clauses(std::string_view text) {
  constexpr size_t kLongest = 8192;  // as of a statement
  static constexpr std::string_view kBetween[] = {", ", "; ", ". ", ": ", " and ", " but ", " while ", "\n"};
  std::vector<std::string> clauses;
  text = text.substr(0, kLongest);
  while (!text.empty()) {
    size_t end = text.size(), next = end;
    for (const std::string_view word : kBetween) {
      const size_t at = text.find(word);
      if (at < end) end = at, next = at + word.size();
    }
    if (const std::string_view clause = Trim(text.substr(0, end)); !clause.empty())
      clauses.emplace_back(clause);
    text.remove_prefix(next);
  }
  return clauses;
}

}  // namespace tfdoctor
