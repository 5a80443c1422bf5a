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

std::vector<FactLine> Lines(const Facts& facts) {
  std::vector<FactLine> lines;
  WalkFacts(facts, [&](const std::string& path, const std::string& words, const auto& fact) {
    FactLine line{path, words, fact.state(), "", fact.why(), fact.origin()};
    if (const auto* value = fact.Peek()) line.value = Text(*value);
    lines.push_back(std::move(line));
  });
  return lines;
}

std::vector<FactName> NamesOf(const Facts& facts, const std::vector<const FactBase*>& wanted) {
  std::vector<FactName> names;
  if (wanted.empty()) return names;
  std::vector<const FactBase*> left = wanted;
  WalkFacts(facts, [&](const std::string& path, const std::string& words, const auto& fact) {
    auto found = std::find(left.begin(), left.end(), static_cast<const FactBase*>(&fact));
    if (found == left.end()) return;
    left.erase(found);
    names.push_back({path, words, fact.why()});
  });
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
