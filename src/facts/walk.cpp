#include "facts/walk.h"

#include <algorithm>

#include "base/text.h"

namespace tfdoctor {

namespace {

std::string Text(const std::string& value) { return value; }
std::string Text(bool value) { return value ? "yes" : "no"; }
std::string Text(const std::vector<std::string>& value) { return Join(value, ", "); }
std::string Text(const std::map<std::string, std::string>& value) {
  std::vector<std::string> parts;
  for (const auto& [key, text] : value) parts.push_back(key + " " + text);
  return Join(parts, ", ");
}
template <class T>
std::string Text(const std::map<std::string, T>& value) {
  return std::to_string(value.size());
}

}  // namespace

std::string PathBelow(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}

std::string WordsBelow(const std::string& words, std::string_view key) {
  return words.empty() ? std::string(key) : words + " " + std::string(key);
}

std::string WordsOfField(const std::string& words, std::string_view field_words) {
  std::string of = words.empty() ? std::string() : " (" + words.substr(words.rfind(' ') + 1) + ")";
  return std::string(field_words) + of;
}

std::vector<FactLine> Lines(const Facts& facts) {
  std::vector<FactLine> lines;
  WalkFacts(facts, [&](const std::string& path, const std::string& words, const auto& fact) {
    FactLine line{path, words, fact.state(), "", fact.why(), fact.origin()};
    if (const auto* value = fact.Peek()) line.value = Text(*value);
    lines.push_back(std::move(line));
  });
  return lines;
}

std::vector<FactName> UnknownFacts::NamesOf(const std::vector<const FactBase*>& wanted) {
  if (wanted.empty()) return {};
  if (!named_) {
    WalkFacts(facts_, [&](const std::string& path, const std::string& words, const auto& fact) {
      if (fact.state() != FactState::kUnknown) return;
      names_.emplace(&fact, Named{names_.size(), {path, words, fact.why()}});
    });
    named_ = true;
  }
  std::map<size_t, const FactName*> found;
  for (const FactBase* fact : wanted) {
    if (auto named = names_.find(fact); named != names_.end())
      found[named->second.place] = &named->second.name;
  }
  std::vector<FactName> names;
  for (const auto& [place, name] : found) names.push_back(*name);
  return names;
}

bool Forget(Facts& facts, const std::string& path, const std::string& why) {
  bool found = false;
  WalkFacts(facts, [&](const std::string& name, const std::string&, auto& fact) {
    if (name != path || found) return;
    found = true;
    using F = std::remove_cvref_t<decltype(fact)>;
    fact = F::Unknown(why, fact.origin());
  });
  return found;
}

std::string_view Name(Witness witness) {
  switch (witness) {
    case Witness::kStated:
      return "stated";
    case Witness::kLog:
      return "log";
    case Witness::kMachine:
      return "machine";
    case Witness::kProcess:
      return "process";
  }
  return "machine";
}

std::string_view Name(FactState state) {
  switch (state) {
    case FactState::kUnknown:
      return "unknown";
    case FactState::kAbsent:
      return "absent";
    case FactState::kValue:
      return "value";
  }
  return "unknown";
}

}  // namespace tfdoctor
