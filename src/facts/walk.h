// Visits every fact below a Facts, with its name ("gpus.0000:01:00.0.name") and its words.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "facts/facts.h"

namespace tfdoctor {

template <class T>
struct IsFact : std::false_type {};
template <class T>
struct IsFact<Fact<T>> : std::true_type {};
template <class T>
struct IsMap : std::false_type {};
template <class T>
struct IsMap<std::map<std::string, T>> : std::true_type {};
template <class T>
concept Described = requires(T t) {
  T::Describe(t, [](const char*, auto&, const char*) {});
};

// What a fact is called below another, and for people: inside a map the key says which one, "file that the
// loader takes (libcudart.so.12)".
std::string PathBelow(const std::string& path, std::string_view name);
std::string WordsBelow(const std::string& words, std::string_view key);
std::string WordsOfField(const std::string& words, std::string_view field_words);

template <class Node, class Visit>
void WalkFacts(Node& node, const std::string& path, const std::string& words, Visit& visit);

// A visitor of fields with a name of its own, and no lambda: so it is compiled once for each type of field,
// not once for each field's owner.
template <class Visit>
struct FieldWalk {
  const std::string& path;
  const std::string& words;
  Visit& visit;
  template <class Field>
  void operator()(const char* name, Field& field, const char* field_words) const {
    WalkFacts(field, PathBelow(path, name), WordsOfField(words, field_words), visit);
  }
};

// visit(path, words, fact) for the fact itself and for every fact inside its value, outer before inner.
// `Node` may be const or not; `visit` is generic over the fact's type.
template <class Node, class Visit>
void WalkFacts(Node& node, const std::string& path, const std::string& words, Visit& visit) {
  using Plain = std::remove_const_t<Node>;
  if constexpr (IsFact<Plain>::value) {
    visit(path, words, node);
    using Value = typename Plain::value_type;
    if constexpr (IsMap<Value>::value || Described<Value>) {
      if constexpr (std::is_const_v<Node>) {
        if (const Value* value = node.Peek()) WalkFacts(*value, path, words, visit);
      } else {
        if (Value* value = node.Mutable()) WalkFacts(*value, path, words, visit);
      }
    }
  } else if constexpr (IsMap<Plain>::value) {
    using Value = typename Plain::mapped_type;
    if constexpr (IsFact<Value>::value || Described<Value>) {
      for (auto& [key, value] : node) WalkFacts(value, PathBelow(path, key), WordsBelow(words, key), visit);
    }
  } else if constexpr (Described<Plain>) {
    Plain::Describe(node, FieldWalk<Visit>{path, words, visit});
  }
}

template <class Visit>
void WalkFacts(const Facts& facts, Visit&& visit) {
  WalkFacts(facts, std::string(), std::string(), visit);
}
template <class Visit>
void WalkFacts(Facts& facts, Visit&& visit) {
  WalkFacts(facts, std::string(), std::string(), visit);
}

// One fact as a line for people.
struct FactLine {
  std::string path;
  std::string words;
  FactState state = FactState::kUnknown;
  std::string value;  // of a value: text, "yes", "a, b, c"; of a map with facts inside: the number of entries
  std::string why;    // of an unknown one
  Origin origin;
};
std::vector<FactLine> Lines(const Facts& facts);

// Names of facts, by address: how `needs` get their names.
struct FactName {
  std::string path;
  std::string words;
  std::string why;
};
// Of the unknown facts of `facts`, which must not change meanwhile. They are named once, when first asked
// for: a hundred rules ask.
class UnknownFacts {
 public:
  explicit UnknownFacts(const Facts& facts) : facts_(facts) {}
  // In the order of the facts.
  std::vector<FactName> NamesOf(const std::vector<const FactBase*>& wanted);

 private:
  struct Named {
    size_t place = 0;
    FactName name;
  };
  const Facts& facts_;
  bool named_ = false;
  std::unordered_map<const FactBase*, Named> names_;
};

// Makes one fact unknown. False if there is no fact of this name.
bool Forget(Facts& facts, const std::string& path, const std::string& why);

std::string_view Name(Witness witness);  // "machine"
std::string_view Name(FactState state);  // "value"

}  // namespace tfdoctor
