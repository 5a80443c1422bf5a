#include "plan/wheel_listing.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace tfdoctor {
namespace {

using nlohmann::json;

// Reads the members of one JSON object and remembers the first that is not of the expected form.
class Reader {
 public:
  explicit Reader(const json& object) : object_(object) {
    if (!object.is_object()) fault_ = "not an object";
  }

  const std::string& fault() const { return fault_; }

  std::string Text(const char* key) {
    const json* value = Member(key);
    if (value != nullptr && value->is_string()) return value->get<std::string>();
    if (value != nullptr) Refuse(key, "a text");
    return {};
  }
  std::string RequiredText(const char* key) {
    std::string text = Text(key);
    if (text.empty()) Refuse(key, "a text");
    return text;
  }
  std::optional<std::string> OptionalText(const char* key) {
    return Member(key) == nullptr ? std::nullopt : std::optional(Text(key));
  }
  uint64_t Number(const char* key) {
    const json* value = Member(key);
    return value == nullptr ? 0 : NumberIn(*value, key);
  }
  std::vector<std::string> Texts(const char* key) {
    const json* value = Member(key);
    return value == nullptr ? std::vector<std::string>() : TextsIn(*value, key);
  }
  template <class Visit>  // visit(name, value)
  void EachMember(const char* key, Visit visit) {
    const json* value = Member(key);
    if (value != nullptr) EachIn(*value, key, visit);
  }
  template <class Visit>
  void EachIn(const json& object, const char* key, Visit visit) {
    if (!object.is_object()) return Refuse(key, "an object");
    for (const auto& [name, value] : object.items()) visit(name, value);
  }
  std::vector<std::string> TextsIn(const json& array, const char* key) {
    std::vector<std::string> texts;
    if (!array.is_array()) Refuse(key, "a list");
    for (const json& item : array) {
      if (!item.is_string()) Refuse(key, "a list of texts");
      if (item.is_string()) texts.push_back(item.get<std::string>());
    }
    return texts;
  }
  std::string TextIn(const json& value, const char* key) {
    if (value.is_string()) return value.get<std::string>();
    Refuse(key, "an object of texts");
    return {};
  }
  uint64_t NumberIn(const json& value, const char* key) {
    if (value.is_number_unsigned()) return value.get<uint64_t>();
    Refuse(key, "a whole number");
    return 0;
  }
  const json* Member(const char* key) const {
    if (!object_.is_object()) return nullptr;
    auto at = object_.find(key);
    return at == object_.end() ? nullptr : &*at;
  }
  void Refuse(const char* key, const char* expected) {
    if (fault_.empty()) fault_ = fmt::format("\"{}\" is not {}", key, expected);
  }

 private:
  const json& object_;
  std::string fault_;
};

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::string BytesOfHex(const std::string& hex, Reader& reader) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    int high = HexDigit(hex[i]);
    int low = HexDigit(hex[i + 1]);
    if (high < 0 || low < 0) reader.Refuse("constants", "hexadecimal");
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  return bytes;
}

// {"libcublas.so.12": {"libcublas.so.12": ["cublasCreate_v2", …]}}: file, version, symbols; "" stands for
// none.
void ReadImports(Reader& reader, elf::Blueprint& blueprint) {
  reader.EachMember("imports", [&](const std::string& file, const json& versions) {
    elf::VersionNeed need{file, {}};
    reader.EachIn(versions, "imports", [&](const std::string& version, const json& names) {
      if (!version.empty()) need.versions.push_back({version, false});
      for (std::string& name : reader.TextsIn(names, "imports")) {
        blueprint.imports.push_back({std::move(name), version, file, false});
      }
    });
    if (!need.versions.empty()) blueprint.version_needs.push_back(std::move(need));
  });
}

// {"libcublas.so.12": ["cublasCreate_v2", …]}: version, symbols.
void ReadExports(Reader& reader, elf::Blueprint& blueprint) {
  std::map<std::string, std::string> bytes;
  reader.EachMember("constants", [&](const std::string& name, const json& value) {
    bytes[name] = BytesOfHex(reader.TextIn(value, "constants"), reader);
  });
  reader.EachMember("exports", [&](const std::string& version, const json& names) {
    if (!version.empty()) blueprint.version_definitions.push_back(version);
    for (std::string& name : reader.TextsIn(names, "exports")) {
      auto content = bytes.extract(name);
      blueprint.exports.push_back(
          {std::move(name), version, content.empty() ? std::string() : content.mapped()});
    }
  });
  if (!bytes.empty()) reader.Refuse("constants", "among the exports");
}

ListedLibrary ReadLibrary(Reader& reader) {
  ListedLibrary library{reader.RequiredText("path"), reader.Number("size"), {}};
  elf::Blueprint& blueprint = library.blueprint;
  blueprint.soname = reader.Text("soname");
  blueprint.needed = reader.Texts("needed");
  blueprint.rpath = reader.OptionalText("rpath");
  blueprint.runpath = reader.OptionalText("runpath");
  blueprint.build_id = reader.Text("build_id");
  ReadImports(reader, blueprint);
  ReadExports(reader, blueprint);
  return library;
}

Error Malformed(const std::string& what) {
  return {ErrorKind::kMalformed, "not a listing of a wheel: " + what};
}

}  // namespace

Result<WheelListing> ReadWheelListing(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  if (document.is_discarded()) return Malformed("no JSON");
  Reader reader(document);
  WheelListing listing;
  listing.distribution = reader.RequiredText("distribution");
  listing.version = reader.RequiredText("version");
  listing.requires_python = reader.Text("requires_python");
  listing.requires_dist = reader.Texts("requires");
  listing.opens = reader.Texts("opens");
  reader.EachMember("texts", [&](const std::string& path, const json& value) {
    listing.texts[path] = reader.TextIn(value, "texts");
  });
  reader.EachMember("files", [&](const std::string& path, const json& value) {
    listing.files[path] = reader.NumberIn(value, "files");
  });
  if (!reader.fault().empty()) return Malformed(reader.fault());
  const json* libraries = reader.Member("libraries");
  if (libraries == nullptr || !libraries->is_array()) return Malformed("\"libraries\" is not a list");
  for (const json& item : *libraries) {
    Reader library(item);
    listing.libraries.push_back(ReadLibrary(library));
    if (!library.fault().empty()) return Malformed(library.fault());
  }
  return listing;
}

}  // namespace tfdoctor
