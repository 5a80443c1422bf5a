#include "logs/statements.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "logs/prose.h"

namespace tfdoctor {

namespace {

constexpr size_t kMostStatements = 200;
constexpr size_t kLongestValue = 8192;

bool IsYes(std::string_view value) {
  const std::string word = Lower(Trim(value));
  return word == "true" || word == "yes";
}
bool IsNo(std::string_view value) {
  const std::string word = Lower(Trim(value));
  return word == "false" || word == "no";
}

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
}
// What marks a word ("`tensorflow-gpu`") is not said.
bool IsGap(char c) {
  return c == ' ' || c == '-' || c == '_' || c == ':' || c == '`' || c == '"' || c == '*';
}

// Where the words end in the text if they stand at this place; npos: they do not.
size_t EndOf(std::string_view text, size_t at, std::string_view words) {
  for (size_t i = 0; i < words.size(); i++) {
    if (words[i] == ' ') {
      if (at == text.size() || !IsGap(text[at])) return std::string_view::npos;
      while (at < text.size() && IsGap(text[at])) at++;
      continue;
    }
    if (at == text.size() || text[at] != words[i]) return std::string_view::npos;
    at++;
  }
  return at;
}

// "tensorflow" does not end in "tensorflow-gpu".
bool GoesOn(std::string_view rest) {
  if (rest.starts_with('-')) rest.remove_prefix(1);
  return !rest.empty() && IsWordCharacter(rest[0]);
}

// What is said of a thing that is not there any more: "nouveau is blacklisted", "I removed Docker Desktop".
constexpr std::string_view kGone[] = {"disabled",    "disable",   "off",     "never",  "none",
                                      "blacklisted", "blacklist", "removed", "purged", "uninstalled"};

// Whether what stands before takes back what follows: "…without the", "no".
bool Denied(std::string_view before) {
  static constexpr std::string_view kDenials[] = {"no",    "not",  "without", "never", "neither",
                                                  "isn't", "non",  "both",    "kein",  "keine",
                                                  "nicht", "ohne", "sans",    "sin"};
  static constexpr std::string_view kBetween[] = {"a", "an", "the", "any", "in", "on", "under", "using"};
  const auto last = [&] {
    while (!before.empty() && IsGap(before.back())) before.remove_suffix(1);
    size_t start = before.size();
    while (start > 0 && (IsWordCharacter(before[start - 1]) || before[start - 1] == '\'')) start--;
    const std::string_view word = before.substr(start);
    before.remove_suffix(word.size());
    return word;
  };
  std::string_view word = last();
  for (int i = 0; i < 2 && IsOneOf(word, kBetween); i++) word = last();
  return IsOneOf(word, kDenials) || IsOneOf(word, kGone);
}

// Whether what stands behind does: "shows no devices", "secure boot: disabled", "nouveau is blacklisted".
// What begins a thought of its own does not: "the laptop slept: no GPU since".
bool DeniedAfter(std::string_view rest) {
  static constexpr std::string_view kNothing[] = {"no", "nothing", "none"};
  const auto next = [&] {
    while (!rest.empty() && IsGap(rest[0])) rest.remove_prefix(1);
    size_t end = 0;
    while (end < rest.size() && IsWordCharacter(rest[end])) end++;
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(end);
    return word;
  };
  const bool goes_on = rest.starts_with(' ');
  std::string_view word = next();
  if (goes_on && IsOneOf(word, kNothing)) return true;
  if (word == "is" || word == "was" || word == "are") word = next();
  return IsOneOf(word, kGone);
}

bool Holds(std::string_view text, std::string_view words) {
  if (words.starts_with('=')) return EndOf(text, 0, words.substr(1)) == text.size();
  const bool open = words.ends_with('*');
  if (open) words.remove_suffix(1);
  if (words.empty()) return false;
  for (size_t at = text.find(words[0]); at != text.npos; at = text.find(words[0], at + 1)) {
    if (at > 0 && !IsOfUnpartedText(words[0]) && IsWordCharacter(words[0]) && IsWordCharacter(text[at - 1]))
      continue;
    const size_t end = EndOf(text, at, words);
    if (end == text.npos) continue;
    if (!open && IsWordCharacter(words.back()) && GoesOn(text.substr(end))) continue;
    if (!Denied(text.substr(0, at)) && !DeniedAfter(text.substr(end))) return true;
  }
  return false;
}

// "gpu util*|gpu load* .. low|idle": in one sentence one of the words of each group; of a group behind a '!'
// none.
constexpr std::string_view kAnd = " .. ";
bool Says(std::string_view text, const std::string& words) {
  if (words.find(kAnd) == words.npos) return Holds(text, words);
  static constexpr std::string_view kEnds[] = {". ", "? ", "! ", "; ", "\n"};
  for (const std::string_view sentence : SplitAt(text, kEnds)) {
    bool all = true;
    for (std::string_view rest = words; all && !rest.empty();) {
      const size_t end = rest.find(kAnd);
      std::string_view group = rest.substr(0, end);
      rest = end == rest.npos ? std::string_view() : rest.substr(end + kAnd.size());
      const bool none = group.starts_with('!');
      if (none) group.remove_prefix(1);
      const std::vector<std::string> one_of = Split(group, '|');
      all = none != std::any_of(one_of.begin(), one_of.end(),
                                [&](const std::string& one) { return Holds(sentence, one); });
    }
    if (all) return true;
  }
  return false;
}

// Whether a key is one of those that a saying is for: holds one of these, and none that a '!' stands before.
bool Under(std::string_view key, const std::vector<std::string>& parts) {
  bool any = false, found = false;
  for (const std::string_view part : parts) {
    const bool not_this = part.starts_with('!');
    const bool here = key.find(part.substr(not_this ? 1 : 0)) != key.npos;
    if (not_this && here) return false;
    any = any || !not_this;
    found = found || (!not_this && here);
  }
  return found || !any;
}

std::string Words(const nlohmann::json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_array() && !json.empty()) {
    std::vector<std::string> parts;
    for (const auto& part : json) parts.push_back(Words(part));
    return Join(parts, "; ");
  }
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

void Statements::Set(std::string_view key, std::string_view value) {
  const std::string name = Lower(Trim(key));
  if (name.empty() || values.size() >= kMostStatements) return;
  values[name] = std::string(value.substr(0, kLongestValue));
}

void Statements::Answer(std::string_view key, std::string_view value, const Knowledge& knowledge) {
  const std::string name = Lower(Trim(key));
  const auto question = knowledge.FindQuestion(name);
  if (!question) return Set(name, value);
  for (const auto& [word, fact] : question->answers) {
    if (Lower(word) == Lower(Trim(value))) return void(facts[name] = fact);
  }
  Set(question->stated.empty() ? name : question->stated, value);
}

std::vector<Said> SayingsIn(const std::map<std::string, std::string>& values,
                            const std::vector<SayingRow>& sayings) {
  std::vector<Said> said;
  for (const auto& [key, value] : values) {
    const bool no = IsNo(value);
    const std::string text = IsYes(value) ? key : no ? "not " + key : key + ": " + value;
    const std::string lower = Lower(text);
    for (const SayingRow& row : sayings) {
      if (!Under(key, row.under)) continue;
      const auto in_text = [&](const std::string& words) {
        return (!no || words.starts_with("not ")) && Says(lower, words);
      };
      if (std::any_of(row.words.begin(), row.words.end(), in_text)) said.push_back({row.id, key, text});
    }
  }
  return said;
}

std::vector<Said> GroupsIn(std::string_view text, const std::vector<SayingRow>& sayings) {
  std::vector<Said> said;
  const std::string lower = Lower(text);
  for (const SayingRow& row : sayings) {
    const auto in_text = [&](const std::string& words) {
      return words.find(kAnd) != words.npos && Says(lower, words);
    };
    if (row.under.empty() && std::any_of(row.words.begin(), row.words.end(), in_text))
      said.push_back({row.id, "", std::string(text)});
  }
  return said;
}

Result<Statements> ReadStatements(std::string_view json) {
  const auto document = nlohmann::json::parse(json, nullptr, false);
  constexpr const char* kForm = R"(right is {"context": {"tf_version": "2.15.1", …}, "observed": {…}})";
  if (document.is_discarded()) return Error{ErrorKind::kMalformed, std::string("is not JSON; ") + kForm};
  if (!document.is_object()) return Error{ErrorKind::kMalformed, std::string("is no object; ") + kForm};
  Statements statements;
  for (const auto& [part, object] : document.items()) {
    if (part != "context" && part != "observed") {
      statements.other_parts.push_back(part);
      continue;
    }
    if (!object.is_object()) return Error{ErrorKind::kMalformed, "\"" + part + "\" is no object; " + kForm};
    for (const auto& [key, value] : object.items()) {
      if (!value.is_object() || value.empty()) {
        if (!value.is_null()) statements.Set(key, Words(value));
        continue;
      }
      // {"import tensorflow": {"in a terminal": "works", …}}
      for (const auto& [inner, of_inner] : value.items()) statements.Set(key + " " + inner, Words(of_inner));
    }
  }
  return statements;
}

}  // namespace tfdoctor
