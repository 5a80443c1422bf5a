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
    T::Describe(value, Fields{json});
    return json;
  }
  template <class T>
  static Json Dump(const Fact<T>& fact) {
    Json json = Json::object();
    json["state"] = Name(fact.state());
    if (const T* value = fact.Peek()) json["value"] = Dump(*value);
    DumpOrigin(fact, json);
    for (const Fact<T>& other : fact.others()) json["others"].push_back(Dump(other));
    return json;
  }

 private:
  // A name of its own, and no lambda: compiled once for each type of field (see FieldWalk).
  struct Fields {
    Json& json;
    template <class Field>
    void operator()(const char* name, const Field& field, const char*) const {
      json[name] = Dump(field);
    }
  };
  static void DumpOrigin(const FactBase& fact, Json& json) {
    if (fact.state() == FactState::kUnknown) json["why"] = fact.why();
    if (!fact.origin().from.empty()) json["from"] = fact.origin().from;
    json["witness"] = Name(fact.origin().witness);
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
    T::Describe(value, Fields{*this, json, path, known});
    if (known != json.size()) Fail(path.empty() ? "facts" : path, "only fields that exist");
  }
  template <class T>
  void Read(const Json& json, const std::string& path, Fact<T>& fact) {
    const Header header = ReadHeader(json, path);
    if (header.value != nullptr) {
      T value{};
      Read(*header.value, path, value);
      fact = Fact<T>::Value(std::move(value), header.origin);
    } else {
      fact = header.absent ? Fact<T>::Absent(header.origin) : Fact<T>::Unknown(header.why, header.origin);
    }
    if (header.others == nullptr) return;
    for (const Json& item : *header.others) {
      Fact<T> other;
      Read(item, path + ".others", other);
      fact.Add(std::move(other));
    }
  }

 private:
  const Origin short_form_;

  struct Fields {
    Reader& reader;
    const Json& json;
    const std::string& path;
    size_t& known;
    template <class Field>
    void operator()(const char* name, Field& field, const char*) const {
      auto found = json.find(name);
      if (found == json.end()) return;
      known++;
      reader.Read(*found, path.empty() ? name : path + "." + name, field);
    }
  };

  // A fact but for its value.
  struct Header {
    Origin origin;
    const Json* value = nullptr;
    bool absent = false;  // where there is no value; else unknown
    std::string why;
    const Json* others = nullptr;
  };
  Header ReadHeader(const Json& json, const std::string& path) {
    Header header{short_form_, nullptr, false, {}, nullptr};
    if (json.is_string()) {
      const std::string text = json.get<std::string>();
      header.absent = text == "@absent";
      if (header.absent) return header;
      if (text.starts_with("@unknown")) {
        header.why = text.size() > 10 ? text.substr(10) : "not known";
        return header;
      }
    }
    if (!json.is_object() || !json.contains("state")) {
      header.value = &json;
      return header;
    }
    header.origin.from.clear();
    if (json.contains("from")) Read(json["from"], path + ".from", header.origin.from);
    std::string text;
    if (json.contains("witness")) {
      Read(json["witness"], path + ".witness", text);
      bool known = false;
      for (Witness w : {Witness::kStated, Witness::kLog, Witness::kMachine, Witness::kProcess}) {
        if (Name(w) == text) header.origin.witness = w, known = true;
      }
      if (!known) Fail(path + ".witness", "stated, log, machine or process");
    }
    Read(json["state"], path + ".state", text);
    header.absent = text == "absent";
    header.why = "not known";
    if (text == "unknown" && json.contains("why")) Read(json["why"], path + ".why", header.why);
    if (text == "value" && json.contains("value")) {
      header.value = &json["value"];
    } else if (text != "unknown" && !header.absent) {
      Fail(path + ".state", "value (with \"value\"), absent or unknown");
    }
    if (json.contains("others") && json["others"].is_array()) header.others = &json["others"];
    return header;
  }

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
