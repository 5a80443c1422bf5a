#include "logs/quotes.h"

#include <algorithm>

#include "base/text.h"
#include "logs/template.h"

namespace tfdoctor {

namespace {

// The beginning of a message, quoted alone, may be short. From the middle of one, or in the middle of a
// sentence, few words are just English: "does not match", "is older than the".
constexpr size_t kFewestWords = 3, kFewestBytes = 14;
constexpr size_t kFewestWordsInside = 4, kFewestBytesInside = 20;

bool IsEdge(char c) {
  return c == ' ' || c == '\t' || c == '"' || c == '\'' || c == '`' || c == '.' || c == ',' || c == ':' ||
         c == ';' || c == '!' || c == '?' || c == '*' || c == '>' || c == '(' || c == ')';
}

// Without quotes, dots and blanks around it.
std::string_view Core(std::string_view text) {
  constexpr std::string_view kEllipsis = "…", kOpen = "“", kClose = "”";
  while (!text.empty()) {
    if (IsEdge(text.front())) {
      text.remove_prefix(1);
    } else if (IsEdge(text.back())) {
      text.remove_suffix(1);
    } else if (text.starts_with(kEllipsis) || text.starts_with(kOpen)) {
      text.remove_prefix(kOpen.size());
    } else if (text.ends_with(kEllipsis) || text.ends_with(kClose)) {
      text.remove_suffix(kClose.size());
    } else {
      break;
    }
  }
  return text;
}

size_t WordCount(std::string_view text) { return SplitWords(text).size(); }

// What stands between quotes in a line.
std::vector<std::string_view> Quoted(std::string_view line) {
  static constexpr std::pair<std::string_view, std::string_view> kPairs[] = {
      {"\"", "\""}, {"`", "`"}, {"“", "”"}, {"'", "'"}};
  std::vector<std::string_view> found;
  for (const auto& [open, close] : kPairs) {
    size_t at = line.find(open);
    while (at != line.npos) {
      const size_t start = at + open.size();
      const size_t end = line.find(close, start);
      if (end == line.npos) break;
      found.push_back(line.substr(start, end - start));
      at = line.find(open, end + close.size());
    }
  }
  return found;
}

// A word that stands for a value: a number, or what people write in its place ("N", "X").
bool IsValue(std::string_view word) {
  const bool placeholder = word.size() == 1 && word[0] >= 'A' && word[0] <= 'Z';
  return placeholder || word.find_first_not_of("0123456789.") == word.npos;
}

// What is left of a quote without its values and dots: "kernel version", "does not match DSO version".
std::vector<std::string> Parts(std::string_view quote) {
  std::vector<std::string> parts(1);
  for (std::string_view word : SplitWords(quote)) {
    const bool left_out = word.find("...") != word.npos || word.find("…") != word.npos;
    if (left_out || IsValue(word)) {
      if (!parts.back().empty()) parts.emplace_back();
      continue;
    }
    parts.back() += (parts.back().empty() ? "" : " ") + Lower(word);
  }
  if (parts.back().empty()) parts.pop_back();
  return parts;
}

bool HoldsInOrder(std::string_view text, const std::vector<std::string>& parts) {
  size_t at = 0;
  for (const std::string& part : parts) {
    at = text.find(part, at);
    if (at == text.npos) return false;
    at += part.size();
  }
  return true;
}

// How much of the message the text at its start holds: bytes of literals, and whether it is the whole text.
struct Begun {
  size_t bytes = 0;
  bool whole = false;
};
Begun Begins(std::string_view text, const std::vector<std::string>& literals) {
  Begun begun;
  size_t at = 0;
  for (size_t i = 0; i < literals.size(); i++) {
    const std::string& literal = literals[i];
    const size_t found =
        i == 0 ? 0 : text.find(literal.substr(0, std::min(literal.size(), text.size() - at)), at);
    if (found == text.npos) break;
    const std::string_view rest = text.substr(found);
    const size_t same = static_cast<size_t>(
        std::mismatch(rest.begin(), rest.end(), literal.begin(), literal.end()).first - rest.begin());
    begun.bytes += same;
    at = found + same;
    if (same < literal.size()) break;
  }
  begun.whole = at >= text.size();
  return begun;
}

// As far as its words go: "oom when allocating tensor" of "oom when allocating tensor w".
size_t ToWordEnd(std::string_view literal, size_t bytes) {
  if (bytes >= literal.size() || literal[bytes] == ' ') return bytes;
  const size_t blank = literal.substr(0, bytes).find_last_of(' ');
  return blank == literal.npos ? 0 : blank;
}

}  // namespace

Quotes::Quotes(std::span<const MessageRow> rows) : rows_(rows) {
  for (uint32_t row = 0; row < rows.size(); row++) {
    for (std::string_view text : rows[row].texts) {
      Text whole{row, {}};
      for (std::string_view literal : Template(text).literals()) whole.literals.push_back(Lower(literal));
      texts_.push_back(std::move(whole));
    }
  }
}

std::optional<uint32_t> Quotes::Only(const std::vector<uint32_t>& found) const {
  if (found.empty()) return std::nullopt;
  for (const uint32_t row : found) {
    const MessageRow &one = rows_[row], &first = rows_[found.front()];
    if (row != found.front() && (one.cause != first.cause || one.kind != first.kind || first.cause.empty()))
      return std::nullopt;
  }
  return found.front();
}

std::optional<uint32_t> Quotes::Find(std::string_view line) const {
  std::vector<std::string_view> spans = Quoted(line);
  spans.insert(spans.begin(), line);
  for (const std::string_view span : spans) {
    const std::string quote = Lower(Core(span));
    if (quote.size() < kFewestBytes || WordCount(quote) < kFewestWords) continue;
    const std::vector<std::string> parts = Parts(Core(span));
    size_t said = 0, words = 0;
    for (const std::string& part : parts) said += part.size(), words += WordCount(part);
    const bool apart = parts.size() > 1 && said >= kFewestBytesInside && words >= kFewestWordsInside;
    std::vector<uint32_t> found;
    for (const Text& text : texts_) {
      const bool long_enough = quote.size() >= kFewestBytesInside && WordCount(quote) >= kFewestWordsInside;
      const bool inside = long_enough && std::any_of(text.literals.begin(), text.literals.end(),
                                                     [&](const std::string& literal) {
                                                       return literal.find(quote) != literal.npos;
                                                     });
      const Begun begun = inside ? Begun{} : Begins(quote, text.literals);
      const bool begins = begun.whole && begun.bytes >= kFewestBytes;
      if (inside || begins || (apart && HoldsInOrder(Join(text.literals, "\n"), parts)))
        found.push_back(text.row);
    }
    if (const auto row = Only(found)) return row;
  }
  // In the middle of a sentence: the beginning of a message.
  const std::string lower = Lower(line);
  size_t longest = 0;
  std::vector<uint32_t> found;
  for (const Text& text : texts_) {
    const std::string& first = text.literals.front();
    if (first.size() < kFewestBytesInside) continue;
    for (size_t at = lower.find(first.substr(0, kFewestBytesInside)); at != lower.npos;
         at = lower.find(first.substr(0, kFewestBytesInside), at + 1)) {
      const Begun begun = Begins(std::string_view(lower).substr(at), text.literals);
      // Whoever has the value, too, has a message that goes on otherwise: another one.
      if (begun.bytes >= first.size() && !begun.whole) continue;
      const size_t bytes = ToWordEnd(first, begun.bytes);
      if (bytes < kFewestBytesInside || WordCount(first.substr(0, bytes)) < kFewestWordsInside ||
          bytes < longest)
        continue;
      if (bytes > longest) found.clear();
      longest = bytes;
      found.push_back(text.row);
    }
  }
  return Only(found);
}

}  // namespace tfdoctor
