#include "diagnose/resemblance.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "base/text.h"

namespace tfdoctor {

namespace {

constexpr size_t kStem = 6;          // letters that words of one family share: "install", "installed"
constexpr double kSaturation = 1.5;  // k1 and b of BM25, at their usual values
constexpr double kByLength = 0.75;
// Of scores that are about as likely. Of the reports that the pages were written after; of later ones a share
// says much less (kAtMost in diagnose.cpp).
constexpr double kSpread = 2.5;
constexpr double kBesideWeighs = 0.5;
constexpr double kLeast = 10;   // a score below it says nothing
constexpr size_t kFewest = 3;   // words in common
constexpr size_t kMost = 3;     // pages
constexpr int kNameWeighs = 3;  // the name of a cause is worth so many of its words

// Words that every text has.
constexpr std::string_view kEmpty[] = {
    "the",  "an",   "of",    "to",   "in",   "is",   "it",    "and",  "or",    "not",   "for",  "on",
    "with", "by",   "that",  "this", "be",   "are",  "as",    "at",   "from",  "which", "what", "has",
    "have", "no",   "does",  "do",   "can",  "its",  "was",   "were", "if",    "so",    "but",  "than",
    "then", "when", "where", "how",  "only", "also", "still", "same", "other", "there", "true", "false"};

// Calls `take` with each word that says something: its stem, and the word.
template <class Take>
void ForWords(std::string_view text, const Take& take) {
  std::string word;
  for (size_t i = 0; i <= text.size(); i++) {
    const char c = i < text.size() ? text[i] : ' ';
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      word += upper ? static_cast<char>(c - 'A' + 'a') : c;
      continue;
    }
    if (word.size() > 1 && word.find_first_not_of("0123456789") != word.npos &&
        std::find(std::begin(kEmpty), std::end(kEmpty), word) == std::end(kEmpty))
      take(word.substr(0, kStem), word);
    word.clear();
  }
}

// Whoever looks for a GPU calls one of these: that it was called tells nothing.
constexpr std::string_view kTests[] = {"list_physical_devices", "is_gpu_available", "list_local_devices"};

std::string WithoutTests(std::string_view text) {
  std::string rest;
  while (!text.empty()) {
    size_t at = text.size(), end = text.size();
    for (const std::string_view call : kTests) {
      const size_t found = text.find(call);
      if (found < at) at = found, end = found + call.size();
    }
    rest += text.substr(0, at);
    rest += ' ';
    text.remove_prefix(end);
  }
  return rest;
}

struct Page {
  const Rule* rule = nullptr;
  std::map<std::string, int, std::less<>> counts;
  double length = 0;

  void Add(std::string_view text, int times = 1) {
    ForWords(text,
             [&](const std::string& stem, const std::string&) { counts[stem] += times, length += times; });
  }
};

}  // namespace

std::vector<Resemblance> Resembling(std::string_view text, const Knowledge& knowledge,
                                    std::span<const Rule* const> rules, std::string_view beside) {
  std::vector<Page> pages(rules.size());
  std::map<std::string_view, Page*> by_id;
  for (size_t i = 0; i < rules.size(); i++) {
    pages[i].rule = rules[i];
    pages[i].Add(rules[i]->page);
    pages[i].Add(rules[i]->title);
    pages[i].Add(rules[i]->id, kNameWeighs);
    by_id[rules[i]->id] = &pages[i];
  }
  for (const MessageRow& row : *knowledge.Messages()) {
    const auto page = by_id.find(row.cause);
    if (page == by_id.end()) continue;
    for (const std::string_view message : row.texts) page->second->Add(message);
  }
  double average = 0;
  for (const Page& page : pages) average += page.length / static_cast<double>(pages.size());

  struct Asked {
    std::string word;
    double weight;
  };
  std::map<std::string, Asked> asked;  // by stem
  const auto ask = [&](std::string_view of, double weight) {
    ForWords(of, [&](const std::string& stem, const std::string& word) {
      asked.try_emplace(stem, Asked{word, weight});
    });
  };
  ask(WithoutTests(text), 1);
  ask(beside, kBesideWeighs);
  struct Scored {
    double score = 0;
    const Page* page = nullptr;
    std::vector<std::pair<double, std::string>> words;
  };
  std::vector<Scored> scored(pages.size());
  for (size_t i = 0; i < pages.size(); i++) scored[i].page = &pages[i];
  for (const auto& [stem, one_asked] : asked) {
    const auto has = [&stem = stem](const Page& page) { return page.counts.contains(stem); };
    const double with = static_cast<double>(std::count_if(pages.begin(), pages.end(), has));
    const double rarity = std::log(1 + (static_cast<double>(pages.size()) - with + 0.5) / (with + 0.5));
    for (Scored& one : scored) {
      const auto found = one.page->counts.find(stem);
      if (found == one.page->counts.end()) continue;
      const double count = found->second;
      const double length = 1 - kByLength + kByLength * one.page->length / average;
      const double score =
          one_asked.weight * rarity * count * (kSaturation + 1) / (count + kSaturation * length);
      one.score += score;
      one.words.emplace_back(-score, one_asked.word);
    }
  }
  std::stable_sort(scored.begin(), scored.end(),
                   [](const Scored& a, const Scored& b) { return a.score > b.score; });
  if (scored.empty() || scored[0].score < kLeast || scored[0].words.size() < kFewest) return {};
  double sum = 0;
  const auto weight = [&](const Scored& one) { return std::exp((one.score - scored[0].score) / kSpread); };
  for (const Scored& one : scored) sum += weight(one);
  std::vector<Resemblance> like;
  for (Scored& one : scored) {
    if (like.size() == kMost || one.words.size() < kFewest) break;
    Resemblance& next = like.emplace_back();
    next.rule = one.page->rule;
    next.share = weight(one) / sum;
    std::sort(one.words.begin(), one.words.end());
    for (size_t i = 0; i < std::min<size_t>(one.words.size(), 5); i++)
      next.words.push_back(one.words[i].second);
  }
  return like;
}

}  // namespace tfdoctor
