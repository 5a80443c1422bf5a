// The part of JSON Schema that docs/schema/ uses. An unknown keyword is a fault, so that none is silently not
// checked.
#pragma once

#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <vector>

namespace tfdoctor {

class JsonSchema {
 public:
  explicit JsonSchema(nlohmann::json root) : root_(std::move(root)) {}

  // What is wrong with `value`, each with its place; none: it is valid.
  std::vector<std::string> Faults(const nlohmann::json& value) const {
    std::vector<std::string> faults;
    Check(root_, value, "", faults);
    return faults;
  }

 private:
  using Json = nlohmann::json;
  using Faulty = std::vector<std::string>;

  static bool IsType(const std::string& type, const Json& value) {
    return type == "object"    ? value.is_object()
           : type == "array"   ? value.is_array()
           : type == "string"  ? value.is_string()
           : type == "boolean" ? value.is_boolean()
           : type == "integer" ? value.is_number_integer()
           : type == "number"  ? value.is_number()
                               : false;
  }

  void Check(const Json& schema, const Json& value, const std::string& at, Faulty& faults) const {
    for (const auto& [keyword, rule] : schema.items()) {
      const auto fault = [&, keyword = keyword, rule = rule] {
        faults.push_back(at + ": " + keyword + " " + rule.dump() + ": " + value.dump());
      };
      if (keyword == "$schema" || keyword == "title" || keyword == "description" || keyword == "$defs")
        continue;
      if (keyword == "$ref") {
        Check(root_.at(Json::json_pointer(rule.get<std::string>().substr(1))), value, at, faults);
      } else if (keyword == "type") {
        if (!IsType(rule, value)) fault();
      } else if (keyword == "const") {
        if (value != rule) fault();
      } else if (keyword == "enum") {
        if (std::find(rule.begin(), rule.end(), value) == rule.end()) fault();
      } else if (keyword == "minimum") {
        if (value.is_number() && value < rule) fault();
      } else if (keyword == "maximum") {
        if (value.is_number() && value > rule) fault();
      } else if (keyword == "minLength") {
        if (value.is_string() && value.get<std::string>().size() < rule) fault();
      } else if (keyword == "pattern") {
        if (value.is_string() &&
            !std::regex_search(value.get<std::string>(), std::regex(rule.get<std::string>())))
          fault();
      } else if (keyword == "minItems") {
        if (value.is_array() && value.size() < rule) fault();
      } else if (keyword == "maxItems") {
        if (value.is_array() && value.size() > rule) fault();
      } else if (keyword == "items") {
        for (size_t i = 0; value.is_array() && i < value.size(); i++) {
          Check(rule, value[i], at + "/" + std::to_string(i), faults);
        }
      } else if (keyword == "required") {
        for (const auto& name : rule) {
          if (value.is_object() && !value.contains(name.get<std::string>()))
            faults.push_back(at + ": no " + name.dump());
        }
      } else if (keyword == "properties") {
        for (const auto& [name, property] : rule.items()) {
          if (value.is_object() && value.contains(name))
            Check(property, value[name], at + "/" + name, faults);
        }
      } else if (keyword == "additionalProperties") {
        if (rule != false) faults.push_back("the schema's additionalProperties must be false");
        for (const auto& [name, unused] : value.items()) {
          if (!schema.at("properties").contains(name)) faults.push_back(at + ": unexpected " + name);
        }
      } else {
        faults.push_back("keyword that the test does not know: " + keyword);
      }
    }
  }

  Json root_;
};

}  // namespace tfdoctor
