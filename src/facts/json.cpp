#include "facts/json.h"

#include <optional>

#include "facts/walk.h"

namespace tfdoctor {

namespace {

using Json = nlohmann::ordered_json;

// One set of overloads; members see each other whatever their order.
struct Writer {
  static Json Dump(const std::string& value) { return value; }
  static Json Dump(bool value) { return value; }
  static Json Dump(const std::vector<std::string>& value) { return value; }
  template <class T>
  static Json Dump(const std::map<std::string, T>& value) {
    Json json = Json::object();
    for (const auto& [key, item] : value) json[key] = Dump(item);
    return json;
  }
  template <Described T>
  static Json Dump(const T& value) {
    Json json = Json::object();
    T::Describe(value, [&](const char* name, const auto& field, const char*) { json[name] = Dump(field); });
    return json;
  }
  template <class T>
  static Json Dump(const Fact<T>& fact) {
    Json json = Json::object();
    json["state"] = Name(fact.state());
    if (const T* value = fact.Peek()) json["value"] = Dump(*value);
    if (fact.state() == FactState::kUnknown) json["why"] = fact.why();
    if (!fact.origin().from.empty()) json["from"] = fact.origin().from;
    json["witness"] = Name(fact.origin().witness);
    for (const Fact<T>& other : fact.others()) json["others"].push_back(Dump(other));
    return json;
  }
};

// Reading: the first error stays, with the path of the field.
class Reader {
 public:
  std::optional<Error> error;

  // Of facts in the short form.
  explicit Reader(Origin short_form) : short_form_(std::move(short_form)) {}

  void Read(const Json& json, const std::string& path, std::string& value) {
    if (json.is_string()) {
      value = json.get<std::string>();
    } else {
      Fail(path, "a text");
    }
  }
  void Read(const Json& json, const std::string& path, bool& value) {
    if (json.is_boolean()) {
      value = json.get<bool>();
    } else {
      Fail(path, "true or false");
    }
  }
  void Read(const Json& json, const std::string& path, std::vector<std::string>& value) {
    if (!json.is_array()) return Fail(path, "a list of texts");
    for (const Json& item : json) Read(item, path, value.emplace_back());
  }
  template <class T>
  void Read(const Json& json, const std::string& path, std::map<std::string, T>& value) {
    if (!json.is_object()) return Fail(path, "an object");
    for (const auto& [key, item] : json.items()) Read(item, path + "." + key, value[key]);
  }
  template <Described T>
  void Read(const Json& json, const std::string& path, T& value) {
    if (!json.is_object()) return Fail(path, "an object");
    size_t known = 0;
    T::Describe(value, [&](const char* name, auto& field, const char*) {
      auto found = json.find(name);
      if (found == json.end()) return;
      known++;
      Read(*found, path.empty() ? name : path + "." + name, field);
    });
    if (known != json.size()) Fail(path.empty() ? "facts" : path, "only fields that exist");
  }
  template <class T>
  void Read(const Json& json, const std::string& path, Fact<T>& fact) {
    Origin origin = short_form_;
    if (json.is_string()) {
      const std::string text = json.get<std::string>();
      if (text == "@absent") return void(fact = Fact<T>::Absent(origin));
      if (text.starts_with("@unknown")) {
        return void(fact = Fact<T>::Unknown(text.size() > 10 ? text.substr(10) : "not known", origin));
      }
    }
    if (!json.is_object() || !json.contains("state")) {
      T value{};
      Read(json, path, value);
      return void(fact = Fact<T>::Value(std::move(value), origin));
    }
    origin.from.clear();
    if (json.contains("from")) Read(json["from"], path + ".from", origin.from);
    std::string text;
    if (json.contains("witness")) {
      Read(json["witness"], path + ".witness", text);
      bool known = false;
      for (Witness w : {Witness::kStated, Witness::kLog, Witness::kMachine, Witness::kProcess}) {
        if (Name(w) == text) origin.witness = w, known = true;
      }
      if (!known) Fail(path + ".witness", "stated, log, machine or process");
    }
    Read(json["state"], path + ".state", text);
    if (text == "absent") {
      fact = Fact<T>::Absent(origin);
    } else if (text == "unknown") {
      std::string why = "not known";
      if (json.contains("why")) Read(json["why"], path + ".why", why);
      fact = Fact<T>::Unknown(why, origin);
    } else if (text == "value" && json.contains("value")) {
      T value{};
      Read(json["value"], path, value);
      fact = Fact<T>::Value(std::move(value), origin);
    } else {
      Fail(path + ".state", "value (with \"value\"), absent or unknown");
    }
    if (json.contains("others") && json["others"].is_array()) {
      for (const Json& item : json["others"]) {
        Fact<T> other;
        Read(item, path + ".others", other);
        fact.Add(std::move(other));
      }
    }
  }

 private:
  const Origin short_form_;

  void Fail(const std::string& path, const char* right) {
    if (!error)
      error = Error{ErrorKind::kMalformed,
                    path + ": here stands what is not understood; right would be " + right};
  }
};

}  // namespace

Json ToJson(const Facts& facts) { return Writer::Dump(facts); }

Result<Facts> FactsFromJson(const Json& json) {
  Facts facts;
  Reader reader({Witness::kMachine, "case"});
  reader.Read(json, "", facts);
  if (reader.error) return *reader.error;
  return facts;
}

std::optional<Error> StateFact(Facts& facts, const std::string& path, const Json& json) {
  Reader reader({Witness::kStated, "stated: " + path});
  bool found = false;
  WalkFacts(facts, [&](const std::string& name, const std::string&, auto& fact) {
    if (found || name != path) return;
    found = true;
    std::remove_cvref_t<decltype(fact)> stated;
    reader.Read(json, path, stated);
    if (!reader.error) fact.Add(std::move(stated));
  });
  if (!found) return Error{ErrorKind::kNotFound, path + ": there is no such fact"};
  return reader.error;
}

}  // namespace tfdoctor
