#include "python/project.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "base/toml.h"
#include "python/path.h"
#include "python/requirement.h"

namespace tfdoctor {
namespace {

constexpr int kMaxParents = 64;
constexpr size_t kMaxFile = 8 << 20;  // lock files of large projects have some hundred thousand lines
constexpr int kMaxIncludes = 8;

using Names = std::vector<std::string>;

bool IsWanted(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), NormalizeName(name)) != names.end();
}

std::string Text(const std::string& name, std::vector<std::string> extras, const std::string& specifiers) {
  std::sort(extras.begin(), extras.end());
  return NormalizeName(name) + (extras.empty() ? "" : "[" + Join(extras, ",") + "]") + specifiers;
}

// A line of PEP 508; false: it is none.
bool AddRequirement(std::string_view line, const std::string& where, const Names& names,
                    ProjectRequirements& out) {
  Result<Requirement> requirement = Requirement::Parse(line);
  if (!requirement) return false;
  if (IsWanted(names, requirement->name)) {
    out.requirements.push_back(
        {where, Text(requirement->name, requirement->extras, requirement->specifiers.Text()), false});
  }
  return true;
}

bool MentionsOne(std::string_view text, const Names& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return Lower(text).find(name) != std::string::npos; });
}

// What stands in a TOML value that is a version or a table with one.
void AddTable(const toml::table& table, const std::string& where, const Names& names, bool poetry,
              ProjectRequirements& out) {
  for (const auto& [key, node] : table) {
    std::string name(key.str());
    if (!IsWanted(names, name)) continue;
    std::string constraint;
    std::vector<std::string> extras;
    if (auto text = node.value<std::string>()) {
      constraint = *text;
    } else if (const toml::table* details = node.as_table()) {
      constraint = (*details)["version"].value_or(std::string("*"));
      if (const toml::array* list = (*details)["extras"].as_array()) {
        for (const auto& extra : *list) {
          if (auto word = extra.value<std::string>()) extras.push_back(NormalizeName(*word));
        }
      }
    } else {
      out.unread.push_back(where + " " + name + " is not understood");
      continue;
    }
    std::string specifiers = poetry ? PoetrySpecifiers(constraint) : constraint == "*" ? "" : constraint;
    if (!SpecifierSet::Parse(specifiers)) {
      out.unread.push_back(where + " " + name + " = \"" + Printable(constraint, 100) +
                           "\" is not understood");
      continue;
    }
    out.requirements.push_back({where, Text(name, extras, specifiers), false});
  }
}

void AddArray(const toml::array* array, const std::string& where, const Names& names,
              ProjectRequirements& out) {
  if (array == nullptr) return;
  for (const auto& item : *array) {
    auto text = item.value<std::string>();
    if (text && !AddRequirement(*text, where, names, out) && MentionsOne(*text, names))
      out.unread.push_back(where + ": " + Printable(*text, 100) + " is not understood");
  }
}

// nullopt: no TOML.
std::optional<toml::table> ParseToml(std::string_view text) {
  try {
    toml::parse_result parsed = toml::parse(text);
    if (parsed) return std::move(parsed).table();
  } catch (const TomlParserGaveUp&) {
  }
  return std::nullopt;
}

}  // namespace

std::string PoetrySpecifiers(std::string_view constraint) {
  std::vector<std::string> out;
  for (const std::string& part : Split(constraint, ',')) {
    std::string_view one = Trim(part);
    if (one.empty() || one == "*") continue;
    if (one[0] != '^' && !(one[0] == '~' && !one.starts_with("~="))) {
      bool plain = one[0] >= '0' && one[0] <= '9';
      out.push_back((plain ? "==" : "") + std::string(one));
      continue;
    }
    std::string_view version = Trim(one.substr(1));
    Result<Version> parsed = Version::Parse(version);
    if (!parsed) return std::string(constraint);
    std::vector<uint64_t> next = parsed->release;
    // ^: up to the first number that is not 0; ~: up to the second.
    size_t keep = 1;
    if (one[0] == '~') {
      keep = std::min<size_t>(2, next.size());
    } else {
      while (keep < next.size() && next[keep - 1] == 0) ++keep;
    }
    next.resize(keep);
    ++next.back();
    std::string below;
    for (uint64_t number : next) below += (below.empty() ? "" : ".") + std::to_string(number);
    out.push_back(">=" + std::string(version) + ",<" + below);
  }
  return Join(out, ",");
}

ProjectRequirements ParseRequirementsFile(std::string_view text, const Names& names) {
  ProjectRequirements out;
  size_t number = 0;
  std::string joined;
  for (std::string_view line : SplitLines(text)) {
    ++number;
    if (line.ends_with('\\')) {
      joined += std::string(line.substr(0, line.size() - 1)) + " ";
      continue;
    }
    joined += line;
    std::string whole = std::exchange(joined, "");
    // A comment begins the line, or stands behind a blank.
    for (size_t at = whole.find('#'); at != std::string::npos; at = whole.find('#', at + 1)) {
      if (at == 0 || whole[at - 1] == ' ' || whole[at - 1] == '\t') whole.resize(at);
    }
    if (size_t options = whole.find(" --"); options != std::string::npos) whole.resize(options);  // --hash=…
    std::string_view one = Trim(whole);
    if (one.empty() || one.starts_with('-') || one.starts_with('.') || one.starts_with('/')) continue;
    std::string where = "line " + std::to_string(number);
    if (!AddRequirement(one, where, names, out) && MentionsOne(one, names))
      out.unread.push_back(where + ": " + Printable(one, 100) + " is not understood");
  }
  return out;
}

ProjectRequirements ParsePyproject(std::string_view text, const Names& names) {
  ProjectRequirements out;
  std::optional<toml::table> table = ParseToml(text);
  if (!table) return out.unread.emplace_back("not understood: it is no TOML"), out;
  AddArray((*table)["project"]["dependencies"].as_array(), "project.dependencies", names, out);
  for (const char* group : {"optional-dependencies", "dependency-groups"}) {
    const toml::table* groups = std::string_view(group) == "dependency-groups"
                                    ? (*table)[group].as_table()
                                    : (*table)["project"][group].as_table();
    if (groups == nullptr) continue;
    for (const auto& [key, list] : *groups)
      AddArray(list.as_array(), std::string(group) + "." + std::string(key.str()), names, out);
  }
  auto poetry = (*table)["tool"]["poetry"];
  if (const toml::table* plain = poetry["dependencies"].as_table())
    AddTable(*plain, "tool.poetry.dependencies", names, true, out);
  if (const toml::table* groups = poetry["group"].as_table()) {
    for (const auto& [key, group] : *groups) {
      const toml::table* details = group.as_table();
      const toml::table* of_group = details == nullptr ? nullptr : (*details)["dependencies"].as_table();
      if (of_group != nullptr)
        AddTable(*of_group, "tool.poetry.group." + std::string(key.str()) + ".dependencies", names, true,
                 out);
    }
  }
  return out;
}

ProjectRequirements ParsePipfile(std::string_view text, const Names& names) {
  ProjectRequirements out;
  std::optional<toml::table> table = ParseToml(text);
  if (!table) return out.unread.emplace_back("not understood: it is no TOML"), out;
  for (const char* section : {"packages", "dev-packages"}) {
    if (const toml::table* packages = (*table)[section].as_table())
      AddTable(*packages, section, names, false, out);
  }
  return out;
}

// Lines of YAML such as "  - tensorflow=2.15.0=cuda120*" and, below "pip:", "    -
// tensorflow[and-cuda]==2.15".
ProjectRequirements ParseCondaEnvironment(std::string_view text, const Names& names) {
  ProjectRequirements out;
  size_t number = 0;
  for (std::string_view line : SplitLines(text)) {
    ++number;
    line = Trim(line.substr(0, line.find(" #")));
    if (!line.starts_with("- ")) continue;
    std::string item(Trim(line.substr(2)));
    std::erase_if(item, [](char c) { return c == '"' || c == '\''; });
    if (size_t channel = item.find("::"); channel != std::string::npos) item.erase(0, channel + 2);
    std::string where = "line " + std::to_string(number);
    size_t equals = item.find('=');
    bool conda =
        equals != std::string::npos &&
        (equals == 0 || std::string_view("=<>!~").find(item[equals - 1]) == std::string_view::npos) &&
        !(equals + 1 < item.size() && item[equals + 1] == '=');
    if (!conda) {
      if (!AddRequirement(item, where, names, out) && MentionsOne(item, names))
        out.unread.push_back(where + ": " + Printable(item, 100) + " is not understood");
      continue;
    }
    const std::string name = NormalizeName(Trim(item.substr(0, equals)));
    if (!IsWanted(names, name)) continue;
    std::string version = item.substr(equals + 1);
    version = version.substr(0, version.find('='));
    // "2.15" of conda means 2.15.*
    if (!version.ends_with('*')) version += ".*";
    out.requirements.push_back(
        {where, version == ".*" || version == "*" ? name : name + "==" + version, false});
  }
  return out;
}

// poetry.lock, uv.lock, pdm.lock: [[package]] with name and version.
ProjectRequirements ParseLockFile(std::string_view text, const Names& names) {
  ProjectRequirements out;
  std::string name;
  size_t number = 0;
  auto value = [](std::string_view line) {
    size_t begin = line.find('"');
    size_t end = begin == std::string_view::npos ? begin : line.find('"', begin + 1);
    return end == std::string_view::npos ? std::string()
                                         : std::string(line.substr(begin + 1, end - begin - 1));
  };
  for (std::string_view line : SplitLines(text)) {
    ++number;
    if (line == "[[package]]") name.clear();
    if (line.starts_with("name = ")) name = NormalizeName(value(line));
    if (!line.starts_with("version = ") || name.empty() || !IsWanted(names, name)) continue;
    std::string version = value(line);
    if (Version::Parse(version))
      out.requirements.push_back({"line " + std::to_string(number), name + "==" + version, true});
    name.clear();
  }
  return out;
}

ProjectRequirements ParsePipfileLock(std::string_view text, const Names& names) {
  ProjectRequirements out;
  nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return out.unread.emplace_back("not understood: it is no JSON"), out;
  for (const char* section : {"default", "develop"}) {
    auto packages = json.find(section);
    if (packages == json.end() || !packages->is_object()) continue;
    for (const auto& [name, details] : packages->items()) {
      if (!IsWanted(names, name) || !details.is_object()) continue;
      auto version = details.find("version");
      if (version == details.end() || !version->is_string()) continue;
      std::string specifiers = version->get<std::string>();
      if (SpecifierSet::Parse(specifiers))
        out.requirements.push_back({section, NormalizeName(name) + specifiers, true});
    }
  }
  return out;
}

namespace {

class ProjectReader {
 public:
  ProjectReader(const System& system, const Names& names) : system_(system), names_(names) {}

  bool Read(const std::string& folder) {
    Result<std::vector<DirEntry>> entries = system_.List(folder);
    if (!entries) {
      if (entries.not_found()) return false;
      out.unread.push_back(entries.error().message);
      return true;
    }
    for (const DirEntry& entry : *entries) {
      std::string path = JoinPath(folder, entry.name);
      if (entry.name.starts_with("requirements") && entry.name.ends_with(".txt")) {
        Requirements(path, 0);
      } else if (entry.name == "pyproject.toml") {
        Take(path, ParsePyproject);
      } else if (entry.name == "Pipfile") {
        Take(path, ParsePipfile);
      } else if (entry.name == "Pipfile.lock") {
        Take(path, ParsePipfileLock);
      } else if (entry.name == "environment.yml" || entry.name == "environment.yaml") {
        Take(path, ParseCondaEnvironment);
      } else if (entry.name == "poetry.lock" || entry.name == "uv.lock" || entry.name == "pdm.lock") {
        Take(path, ParseLockFile);
      }
    }
    return any_;
  }

  ProjectRequirements out;

 private:
  void Take(const std::string& path, ProjectRequirements (*parse)(std::string_view, const Names&)) {
    any_ = true;
    Result<std::string> text = system_.ReadAll(path, kMaxFile);
    if (!text) return out.unread.push_back(text.error().message);
    Add(path, parse(*text, names_));
  }

  void Add(const std::string& path, ProjectRequirements found) {
    for (ProjectRequirement& one : found.requirements) {
      one.where = path + " " + one.where;
      out.requirements.push_back(std::move(one));
    }
    for (std::string& why : found.unread) out.unread.push_back(Printable(path) + " " + why);
  }

  // With the files that it includes: "-r base.txt".
  void Requirements(const std::string& path, int depth) {
    if (depth > kMaxIncludes || !seen_.insert(path).second) return;
    any_ = true;
    Result<std::string> text = system_.ReadAll(path, kMaxFile);
    if (!text) return out.unread.push_back(text.error().message);
    Add(path, ParseRequirementsFile(*text, names_));
    for (std::string_view line : SplitLines(*text)) {
      std::vector<std::string_view> words = SplitWords(line);
      if (words.size() >= 2 && (words[0] == "-r" || words[0] == "--requirement" || words[0] == "-c"))
        Requirements(AbsPath(words[1], DirName(path)), depth + 1);
    }
  }

  const System& system_;
  const Names& names_;
  std::set<std::string> seen_;
  bool any_ = false;
};

}  // namespace

ProjectRequirements ReadProject(const System& system, const std::string& folder, const Names& names) {
  std::string at = folder;
  for (int i = 0; i < kMaxParents; ++i, at = DirName(at)) {
    ProjectReader reader(system, names);
    if (reader.Read(at)) return std::move(reader.out);
    if (at.empty() || at == "/") break;
  }
  return {};
}

}  // namespace tfdoctor
