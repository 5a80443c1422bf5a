#include "logs/prose.h"

#include <algorithm>

#include "base/text.h"

namespace tfdoctor {

namespace {

// A word of a sentence about packages.
struct PackageWord {
  std::string word;     // in small letters, without what stands around it
  std::string package;  // empty: it is none
  std::string version;  // that it carries, or is
  bool comma = false;   // behind it
};

PackageWord ReadPackageWord(std::string_view text, const std::vector<std::string>& known) {
  constexpr std::string_view kAround = "\"'`*(),.:;[]";
  PackageWord one;
  one.comma = text.ends_with(',');
  while (!text.empty() && kAround.find(text.front()) != kAround.npos) text.remove_prefix(1);
  while (!text.empty() && kAround.find(text.back()) != kAround.npos) text.remove_suffix(1);
  one.word = Lower(text);
  const size_t end = std::min(one.word.find_first_of("=<>~@ "), one.word.size());
  std::string name = one.word.substr(0, end);
  std::replace(name.begin(), name.end(), '_', '-');
  // "tensorflow-gpu-1.8.0"
  if (const size_t dash = name.find_last_of('-');
      dash != name.npos && dash + 1 < name.size() && name[dash + 1] >= '0' && name[dash + 1] <= '9') {
    one.version = name.substr(dash + 1);
    name.resize(dash);
  }
  if (std::find(known.begin(), known.end(), name) != known.end()) one.package = name;
  if (one.package.empty()) one.version.clear();
  const bool plain = one.word.find_first_not_of("v0123456789.") == one.word.npos &&
                     one.word.find_first_of("0123456789") != one.word.npos;
  if (end < one.word.size() || plain) one.version = FindVersion(one.word.substr(plain ? 0 : end));
  return one;
}

// The packages of one sentence.
std::map<std::string, std::string> TogetherIn(const std::vector<PackageWord>& words) {
  static constexpr std::string_view kBetween[] = {
      "and",  "&",    "+",      "plus",    "both", "also",     "with",      "along",   "together", "as",
      "well", "the",  "beside", "besides", "next", "to",       "alongside", "version", "package",  "packages",
      "a",    "then", "my",     "v",       "of",   "versions", "installed", "in",      "addition"};
  static constexpr std::string_view kJoins[] = {"and",    "&",       "+",         "plus",     "with",
                                                "beside", "besides", "alongside", "addition", "well"};
  static constexpr std::string_view kThere[] = {"installed", "install", "have",  "has",  "both",
                                                "present",   "got",     "there", "using"};
  static constexpr std::string_view kElse[] = {
      "or",       "instead",  "uninstall", "uninstalled", "uninstalling", "remove", "removed",    "removing",
      "either",   "neither",  "nor",       "between",     "vs",           "versus", "don't",      "not",
      "without",  "replaced", "whether",   "if",          "should",       "never",  "difference", "tried",
      "try",      "delete",   "deleted",   "need",        "needs",        "must",   "require",    "requires",
      "required", "want",     "wants",     "can"};
  const auto there = [](const PackageWord& one) { return IsOneOf(one.word, kThere); };
  if (std::none_of(words.begin(), words.end(), there)) return {};
  std::map<std::string, std::string> found;
  bool joined = false, other = false;
  size_t between = 0;
  const PackageWord* last = nullptr;
  for (size_t i = 0; i < words.size(); i++) {
    const PackageWord& one = words[i];
    if (one.package.empty()) {
      if (last != nullptr && found[last->package].empty() && i > 0 && &words[i - 1] == last)
        found[last->package] = one.version;
      // "if I have both" is said of what is there, "if I should" is not.
      other = other || (IsOneOf(one.word, kElse) && (last != nullptr || one.word != "if"));
      if (last == nullptr) continue;
      joined = joined || IsOneOf(one.word, kJoins) || one.comma;
      // After the last of them, only what is said at once: "… were uninstalled".
      if (++between > 5 || (one.version.empty() && !IsOneOf(one.word, kBetween))) {
        if (found.size() > 1) {
          for (size_t next = i; next < std::min(words.size(), i + 4); next++) {
            const std::string& after = words[next].word;
            other = other || after.starts_with("uninstall") || after.starts_with("remove") ||
                    after == "not" || after.ends_with("n't") || after == "missing";
          }
          break;
        }
        last = nullptr;
        found.clear();
        joined = false;
      }
      continue;
    }
    if (last != nullptr && !joined) found.clear();
    found.try_emplace(one.package, one.version);
    last = &one;
    between = 0;
    joined = joined || one.comma;
  }
  return other || !joined || found.size() < 2 ? std::map<std::string, std::string>() : found;
}

}  // namespace

std::map<std::string, std::string> InstalledTogether(std::string_view text,
                                                     const std::vector<std::string>& known) {
  static constexpr std::string_view kEnds[] = {". ", "? ", "! ", "; ", " but ", " however", "\n", " && "};
  for (const std::string_view sentence : SplitAt(text, kEnds)) {
    std::vector<PackageWord> words;
    for (const std::string_view word : SplitWords(sentence)) words.push_back(ReadPackageWord(word, known));
    // One command that installs both.
    std::map<std::string, std::string> found;
    for (size_t i = 1; i < words.size(); i++) {
      if (words[i].word != "install" || !words[i - 1].word.starts_with("pip")) continue;
      for (size_t at = i + 1; at < words.size(); at++) {
        const PackageWord& one = words[at];
        if (one.package.empty() && one.version.empty() && !one.word.starts_with('-')) break;
        if (!one.package.empty()) found.try_emplace(one.package, one.version);
      }
    }
    if (found.size() < 2) found = TogetherIn(words);
    if (found.size() > 1) return found;
  }
  return {};
}

bool IsSentence(std::string_view line) {
  constexpr size_t kFewest = 3;  // words
  static constexpr std::string_view kOfSentences[] = {
      "i",       "i'm",    "my",       "me",    "we",    "it",     "the",     "this",  "that",  "is",
      "was",     "are",    "were",     "does",  "do",    "did",    "have",    "has",   "had",   "can",
      "when",    "after",  "but",      "and",   "to",    "though", "while",   "since", "until", "only",
      "still",   "even",   "although", "with",  "on",    "in",     "from",    "if",    "not",   "no",
      "then",    "so",     "for",      "as",    "of",    "a",      "takes",   "works", "get",   "gets",
      "run",     "use",    "using",    "take",  "took",  "about",  "at",      "by",    "or",    "be",
      "been",    "very",   "before",   "there", "all",   "both",   "which",   "what",  "how",   "why",
      "you",     "your",   "its",      "than",  "also",  "just",   "too",     "will",  "would", "don't",
      "doesn't", "didn't", "can't",    "an",    "these", "those",  "because", "some",  "now",   "here",
      "should",  "could",  "cannot",   "isn't", "am",    "more",   "much",    "got",   "into",  "out",
      "up",      "where",  "who",      "he",    "they",  "them",   "any",     "every", "each",  "during",
      "between"};
  while (line.starts_with('>') || line.starts_with(' ')) line.remove_prefix(1);  // quoted
  if (line.find_first_of(";{}<>|") != line.npos) return false;                   // code, tables
  // No program prints as much of it.
  constexpr std::ptrdiff_t kFewestUnparted = 6;  // characters
  if (std::count_if(line.begin(), line.end(), IsOfUnpartedText) >= kFewestUnparted) return true;
  // "it hangs if I set workers=4 and use a Sequence" is no code for all that.
  constexpr size_t kWordsForOne = 8;
  size_t all = 0, plain = 0, of_sentences = 0, assignments = 0;
  for (std::string_view word : SplitWords(line)) {
    all++;
    if (word.find('=') != word.npos) assignments++;
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
  if (assignments > 0 && (all < assignments * kWordsForOne || plain == 0)) return false;
  return all >= kFewest && (plain == all || (plain * 3 >= all * 2 && of_sentences * 5 >= all));
}

std::vector<std::string> Clauses(std::string_view text) {
  static constexpr std::string_view kBetween[] = {", ", "; ", ". ", ": ", " and ", " but ", " while ", "\n"};
  std::vector<std::string> clauses;
  for (const std::string_view part : SplitAt(text, kBetween)) {
    if (const std::string_view clause = Trim(part); !clause.empty()) clauses.emplace_back(clause);
  }
  return clauses;
}

}  // namespace tfdoctor
