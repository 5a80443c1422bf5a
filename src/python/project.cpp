#include "python/project.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/text.h"
#include "base/toml.h"
#include "python/path.h"
#include "python/requirement.h"

namespace tfdoctor {
namespace {

constexpr int kMaxFoldersUp = 64;
constexpr size_t kMaxFile = 8 << 20;  // lock files of large projects have some hundred thousand lines
constexpr int kMaxIncludes = 8;

using NameList = std::vector<std::string>;

bool IsWanted(const NameList& names, const std::string& name) {
  return std::find(names.begin(), names.end(), NormalizeName(name)) != names.end();
}

std::string Text(const std::string& name, std::vector<std::string> extras, const std::string& specifiers) {
  std::sort(extras.begin(), extras.end());
  return NormalizeName(name) + (extras.empty() ? "" : "[" + Join(extras, ",") + "]") + specifiers;
}

// A line of PEP 508; false: it is none.
bool AddRequirement(std::string_view line, const std::string& where, const NameList& names,
                    ProjectRequirements& out, const std::string& only = "") {
  Result<Requirement> requirement = Requirement::Parse(line);
  if (!requirement) return false;
  if (IsWanted(names, requirement->name)) {
    out.requirements.push_back({where,
                                Text(requirement->name, requirement->extras, requirement->specifiers.Text()),
                                false, requirement->marker, only});
  }
  return true;
}

// Both of them; empty: no condition.
std::string And(const std::string& a, const std::string& b) {
  return a.empty() ? b : b.empty() ? a : "(" + a + ") and (" + b + ")";
}

std::string Or(const std::vector<std::string>& markers) {
  std::vector<std::string> parts;
  for (const std::string& marker : markers) parts.push_back("(" + marker + ")");
  return Join(parts, " or ");
}

// "^3.9", ">=3.9,<3.12 || ^3.13" of Python -> a marker; nullopt: not understood.
std::optional<std::string> MarkerOfPython(const std::string& constraint) {
  std::vector<std::string> any;
  for (std::string_view rest = constraint;;) {
    const size_t bar = rest.find("||");
    Result<SpecifierSet> set = SpecifierSet::Parse(PoetrySpecifiers(Trim(rest.substr(0, bar))));
    if (!set) return std::nullopt;
    if (set->empty()) return std::string();  // any Python
    std::vector<std::string> all;
    for (const Specifier& one : set->specifiers()) {
      const bool patch = one.version.release.size() > 2 || one.prefix;
      all.push_back((patch ? "python_full_version " : "python_version ") + one.op + " '" + one.text +
                    (one.prefix ? ".*'" : "'"));
    }
    any.push_back(Join(all, " and "));
    if (bar == std::string_view::npos) break;
    rest = rest.substr(bar + 2);
  }
  return any.size() == 1 ? any[0] : Or(any);
}

// The keys of a table with a condition: markers, python and platform of Poetry, the variables of Pipfiles.
std::optional<std::string> MarkerOfTable(const toml::table& details) {
  std::string marker = details["markers"].value_or(std::string());
  if (auto python = details["python"].value<std::string>()) {
    std::optional<std::string> more = MarkerOfPython(*python);
    if (!more) return std::nullopt;
    marker = And(marker, *more);
  }
  if (auto platform = details["platform"].value<std::string>())
    marker = And(marker, "sys_platform == '" + *platform + "'");
  for (const char* variable :
       {"python_version", "python_full_version", "os_name", "sys_platform", "platform_system",
        "platform_machine", "platform_release", "platform_version", "implementation_name",
        "implementation_version", "platform_python_implementation"}) {
    if (auto condition = details[variable].value<std::string>())
      marker = And(marker, std::string(variable) + " " + *condition);
  }
  if (!marker.empty() && !EvaluateMarker(marker, {})) return std::nullopt;
  return marker;
}

bool MentionsOne(std::string_view text, const NameList& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return Lower(text).find(name) != std::string::npos; });
}

// A TOML value that is a version or a table with one.
void AddNode(const std::string& name, const toml::node& node, const std::string& where, bool poetry,
             const std::string& only, ProjectRequirements& out) {
  std::string constraint;
  std::vector<std::string> extras;
  std::optional<std::string> marker = "";
  std::string condition = only;
  if (auto text = node.value<std::string>()) {
    constraint = *text;
  } else if (const toml::table* details = node.as_table()) {
    constraint = (*details)["version"].value_or(std::string("*"));
    if (const toml::array* list = (*details)["extras"].as_array()) {
      for (const auto& extra : *list) {
        if (auto word = extra.value<std::string>()) extras.push_back(NormalizeName(*word));
      }
    }
    marker = MarkerOfTable(*details);
    if (condition.empty() && (*details)["optional"].value_or(false)) condition = "an extra of the project";
  } else {
    out.unread.push_back(where + " " + name + " is not understood");
    return;
  }
  std::string specifiers = poetry ? PoetrySpecifiers(constraint) : constraint == "*" ? "" : constraint;
  if (!SpecifierSet::Parse(specifiers) || !marker) {
    out.unread.push_back(where + " " + name + " = \"" + Printable(constraint, 100) + "\" is not understood");
    return;
  }
  out.requirements.push_back({where, Text(name, extras, specifiers), false, *marker, condition});
}

void AddTable(const toml::table& table, const std::string& where, const NameList& names, bool poetry,
              const std::string& only, ProjectRequirements& out) {
  for (const auto& [key, node] : table) {
    std::string name(key.str());
    if (!IsWanted(names, name)) continue;
    // Poetry takes a list where versions differ by marker.
    const toml::array* several = node.as_array();
    if (several == nullptr) {
      AddNode(name, node, where, poetry, only, out);
    } else {
      for (const toml::node& one : *several) AddNode(name, one, where, poetry, only, out);
    }
  }
}

void AddArray(const toml::array* array, const std::string& where, const NameList& names,
              const std::string& only, ProjectRequirements& out) {
  if (array == nullptr) return;
  for (const auto& item : *array) {
    auto text = item.value<std::string>();
    if (text && !AddRequirement(*text, where, names, out, only) && MentionsOne(*text, names))
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

ProjectRequirements ParseRequirementsFile(std::string_view text, const NameList& names) {
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

ProjectRequirements ParsePyproject(std::string_view text, const NameList& names) {
  ProjectRequirements out;
  std::optional<toml::table> table = ParseToml(text);
  if (!table) return out.unread.emplace_back("not understood: it is no TOML"), out;
  AddArray((*table)["project"]["dependencies"].as_array(), "project.dependencies", names, "", out);
  for (const char* group : {"optional-dependencies", "dependency-groups"}) {
    const toml::table* groups = std::string_view(group) == "dependency-groups"
                                    ? (*table)[group].as_table()
                                    : (*table)["project"][group].as_table();
    if (groups == nullptr) continue;
    for (const auto& [key, list] : *groups)
      AddArray(list.as_array(), std::string(group) + "." + std::string(key.str()), names,
               "the group " + Printable(key.str(), 100), out);
  }
  auto poetry = (*table)["tool"]["poetry"];
  if (const toml::table* plain = poetry["dependencies"].as_table())
    AddTable(*plain, "tool.poetry.dependencies", names, true, "", out);
  if (const toml::table* plain = poetry["dev-dependencies"].as_table())
    AddTable(*plain, "tool.poetry.dev-dependencies", names, true, "the group dev", out);
  if (const toml::table* groups = poetry["group"].as_table()) {
    for (const auto& [key, group] : *groups) {
      const toml::table* details = group.as_table();
      const toml::table* of_group = details == nullptr ? nullptr : (*details)["dependencies"].as_table();
      if (of_group != nullptr)
        AddTable(*of_group, "tool.poetry.group." + std::string(key.str()) + ".dependencies", names, true,
                 "the group " + Printable(key.str(), 100), out);
    }
  }
  return out;
}

ProjectRequirements ParsePipfile(std::string_view text, const NameList& names) {
  ProjectRequirements out;
  std::optional<toml::table> table = ParseToml(text);
  if (!table) return out.unread.emplace_back("not understood: it is no TOML"), out;
  for (const char* section : {"packages", "dev-packages"}) {
    if (const toml::table* packages = (*table)[section].as_table())
      AddTable(*packages, section, names, false,
               std::string_view(section) == "packages" ? "" : "the group dev-packages", out);
  }
  return out;
}

// Lines of YAML such as "  - tensorflow=2.15.0=cuda120*" and, below "pip:", "    -
// tensorflow[and-cuda]==2.15".
ProjectRequirements ParseCondaEnvironment(std::string_view text, const NameList& names) {
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
        {where, version == ".*" || version == "*" ? name : name + "==" + version, false, "", ""});
  }
  return out;
}

namespace {

// A table [[package]] of a lock file with all that is below it.
struct LockedPackage {
  std::string name;
  size_t line = 0;        // of the version
  std::string_view text;  // as it stands there
  bool is_project = false;
};

// Between the first two quotes.
std::string Quoted(std::string_view line) {
  size_t begin = line.find('"');
  size_t end = begin == std::string_view::npos ? begin : line.find('"', begin + 1);
  return end == std::string_view::npos ? std::string() : std::string(line.substr(begin + 1, end - begin - 1));
}

// By lines: a lock file is large, and only few of its packages are read as TOML.
std::vector<LockedPackage> PackagesOf(std::string_view text) {
  std::vector<LockedPackage> packages;
  const char* begin = nullptr;
  auto end = [&](const char* at) {
    if (begin != nullptr) packages.back().text = {begin, static_cast<size_t>(at - begin)};
    begin = nullptr;
  };
  size_t number = 0;
  for (std::string_view line : SplitLines(text)) {
    ++number;
    if (line == "[[package]]" || line == "[[packages]]") {
      end(line.data());
      packages.emplace_back();
      begin = line.data();
    } else if (line.starts_with('[') && !line.starts_with("[package") && !line.starts_with("[[package")) {
      end(line.data());
    }
    if (begin == nullptr) continue;
    LockedPackage& package = packages.back();
    if (package.name.empty() && line.starts_with("name = ")) package.name = NormalizeName(Quoted(line));
    if (package.line == 0 && line.starts_with("version = ")) package.line = number;
    // The project itself, or another of its workspace; registry and git are for what others made.
    if (line.starts_with("source = { virtual = ") || line.starts_with("source = { editable = "))
      package.is_project = true;
  }
  end(text.data() + text.size());
  return packages;
}

// The table of one package. nullopt: no TOML.
std::optional<toml::table> Read(const LockedPackage& package) {
  std::optional<toml::table> parsed = ParseToml(package.text);
  if (!parsed) return std::nullopt;
  for (const char* key : {"package", "packages"}) {
    const toml::array* list = (*parsed)[key].as_array();
    const toml::table* first = list == nullptr || list->empty() ? nullptr : list->get(0)->as_table();
    if (first != nullptr) return *first;
  }
  return std::nullopt;
}

std::vector<std::string> TextsOf(const toml::array* array) {
  std::vector<std::string> texts;
  if (array == nullptr) return texts;
  for (const auto& item : *array) {
    if (auto text = item.value<std::string>()) texts.push_back(*text);
  }
  return texts;
}

// What a project of uv.lock wants itself.
struct Edge {
  std::string name, version, marker, only;  // version: empty where the lock has one alone
};

void AddEdges(const toml::array* dependencies, const NameList& names, const std::string& only,
              std::vector<Edge>& edges) {
  if (dependencies == nullptr) return;
  for (const auto& item : *dependencies) {
    const toml::table* one = item.as_table();
    if (one == nullptr) continue;
    std::string name = NormalizeName((*one)["name"].value_or(std::string()));
    if (!IsWanted(names, name)) continue;
    edges.push_back({std::move(name), (*one)["version"].value_or(std::string()),
                     (*one)["marker"].value_or(std::string()), only});
  }
}

// Who wants the packages of uv.lock: the projects that it is for, and other packages.
struct Wants {
  bool known = false;           // a project is in the lock
  bool groups = false;          // with groups or extras
  std::vector<Edge> edges;      // of projects
  std::set<std::string> other;  // names that other packages want
};

Wants WantsOf(const std::vector<LockedPackage>& packages, const NameList& names) {
  Wants wants;
  for (const LockedPackage& package : packages) {
    if (!package.is_project) {
      for (const std::string& name : names) {
        if (package.name != name && package.text.find("{ name = \"" + name + "\"") != std::string_view::npos)
          wants.other.insert(name);
      }
      continue;
    }
    std::optional<toml::table> table = Read(package);
    if (!table) continue;
    wants.known = true;
    AddEdges((*table)["dependencies"].as_array(), names, "", wants.edges);
    for (const char* kind : {"optional-dependencies", "dev-dependencies"}) {
      const toml::table* groups = (*table)[kind].as_table();
      if (groups == nullptr) continue;
      for (const auto& [key, list] : *groups) {
        wants.groups = true;
        AddEdges(list.as_array(), names, "the group " + Printable(key.str(), 100), wants.edges);
      }
    }
  }
  return wants;
}

// The condition under which the lock has this package: of uv its fork, of the others its marker.
std::optional<ProjectRequirement> Locked(const LockedPackage& package, const toml::table& table, bool alone) {
  std::string version = table["version"].value_or(std::string());
  if (!Version::Parse(version)) return std::nullopt;
  ProjectRequirement locked{"line " + std::to_string(package.line), package.name + "==" + version, true, "",
                            ""};
  // Groups of Poetry ("main") and pdm ("default"); Poetry 1 wrote a category.
  std::vector<std::string> groups = TextsOf(table["groups"].as_array());
  if (auto category = table["category"].value<std::string>()) groups.push_back(*category);
  const bool of_all = groups.empty() || std::any_of(groups.begin(), groups.end(), [](const std::string& one) {
                        return one == "main" || one == "default";
                      });
  if (!of_all) locked.only = "the group " + Printable(groups.front(), 100);
  if (of_all && table["optional"].value_or(false)) locked.only = "an extra of the project";

  if (std::vector<std::string> forks = TextsOf(table["resolution-markers"].as_array()); !forks.empty())
    locked.marker = Or(forks);
  for (const char* key : {"marker", "markers"}) {
    if (auto text = table[key].value<std::string>()) locked.marker = And(locked.marker, *text);
    // Poetry 2, where it differs by group: { main = "…", dev = "…" }
    if (auto text = table[key]["main"].value<std::string>()) locked.marker = And(locked.marker, *text);
  }
  // Where the lock has several, that which this Python cannot have is none of them.
  for (const char* key : {"python-versions", "requires_python", "requires-python"}) {
    auto python = alone ? std::nullopt : table[key].value<std::string>();
    std::optional<std::string> more = python ? MarkerOfPython(*python) : std::nullopt;
    if (more) locked.marker = And(locked.marker, *more);
  }
  return locked;
}

}  // namespace

// poetry.lock, uv.lock, pdm.lock: [[package]] with name and version; pylock.toml (PEP 751): [[packages]].
ProjectRequirements ParseLockFile(std::string_view text, const NameList& names) {
  ProjectRequirements out;
  const std::vector<LockedPackage> packages = PackagesOf(text);
  std::map<std::string, int> count;
  for (const LockedPackage& package : packages) ++count[package.name];
  std::optional<Wants> wants;  // looked for only where there is something to want
  for (const LockedPackage& package : packages) {
    if (!IsWanted(names, package.name) || package.line == 0) continue;
    const std::string where = "line " + std::to_string(package.line);
    std::optional<toml::table> table = Read(package);
    std::optional<ProjectRequirement> locked =
        table ? Locked(package, *table, count[package.name] == 1) : std::nullopt;
    if (!locked || (!locked->marker.empty() && !EvaluateMarker(locked->marker, {}))) {
      out.unread.push_back(where + ": " + package.name + " is not understood");
      continue;
    }
    if (!wants) wants = WantsOf(packages, names);
    if (!wants->known) {
      out.requirements.push_back(*locked);
      continue;
    }
    bool wanted = false;
    for (const Edge& edge : wants->edges) {
      if (edge.name != package.name ||
          (!edge.version.empty() && locked->requirement != edge.name + "==" + edge.version))
        continue;
      ProjectRequirement one = *locked;
      one.marker = And(one.marker, edge.marker);
      if (one.only.empty()) one.only = edge.only;
      if (!one.marker.empty() && !EvaluateMarker(one.marker, {})) {
        out.unread.push_back(where + ": " + package.name + " is not understood");
        continue;
      }
      wanted = true;
      out.requirements.push_back(std::move(one));
    }
    // What another package wants is wanted for sure only where nothing but that can be.
    if (wanted && !wants->other.contains(package.name)) continue;
    if (locked->only.empty() && (wanted || wants->groups)) locked->only = "a package that wants it";
    out.requirements.push_back(*locked);
  }
  return out;
}

ProjectRequirements ParsePipfileLock(std::string_view text, const NameList& names) {
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
      auto markers = details.find("markers");
      std::string marker =
          markers != details.end() && markers->is_string() ? markers->get<std::string>() : std::string();
      if (!SpecifierSet::Parse(specifiers) || (!marker.empty() && !EvaluateMarker(marker, {}))) {
        out.unread.push_back(std::string(section) + ": " + NormalizeName(name) + " is not understood");
        continue;
      }
      out.requirements.push_back({section, NormalizeName(name) + specifiers, true, marker,
                                  std::string_view(section) == "default" ? "" : "the group develop"});
    }
  }
  return out;
}

namespace {

class ProjectReader {
 public:
  ProjectReader(const System& system, const NameList& names) : system_(system), names_(names) {}

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
      } else if (entry.name == "poetry.lock" || entry.name == "uv.lock" || entry.name == "pdm.lock" ||
                 entry.name == "pylock.toml") {
        Take(path, ParseLockFile);
      }
    }
    return any_;
  }

  ProjectRequirements out;

 private:
  void Take(const std::string& path, ProjectRequirements (*parse)(std::string_view, const NameList&)) {
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

  // "-r base.txt", "--requirement=base.txt" -> base.txt; empty: the line has no such option.
  static std::string Option(std::string_view line, std::string_view brief, std::string_view full) {
    line = Trim(line);
    std::string_view rest;
    if (line.starts_with(full)) {
      rest = line.substr(full.size());
    } else if (line.starts_with(brief)) {
      rest = line.substr(brief.size());
    }
    if (rest.starts_with('=')) rest = rest.substr(1);
    const std::vector<std::string_view> words = SplitWords(rest);
    return words.empty() ? std::string() : std::string(words[0]);
  }

  // With the files that it includes: "-r base.txt". A file of constraints limits what is wanted, and wants
  // nothing itself: "-c constraints.txt".
  void Requirements(const std::string& path, int depth, bool constrains = false) {
    if (depth > kMaxIncludes || !seen_.insert(path).second) return;
    any_ = true;
    Result<std::string> text = system_.ReadAll(path, kMaxFile);
    if (!text) return out.unread.push_back(text.error().message);
    const size_t first = out.requirements.size();
    Add(path, ParseRequirementsFile(*text, names_));
    if (constrains) {
      const auto begin = out.requirements.begin() + static_cast<std::ptrdiff_t>(first);
      std::move(begin, out.requirements.end(), std::back_inserter(constraints_));
      out.requirements.erase(begin, out.requirements.end());
    }
    for (std::string_view line : SplitLines(*text)) {
      if (std::string more = Option(line, "-r", "--requirement"); !more.empty())
        Requirements(AbsPath(more, DirName(path)), depth + 1, constrains);
      if (std::string more = Option(line, "-c", "--constraint"); !more.empty())
        Requirements(AbsPath(more, DirName(path)), depth + 1, true);
    }
    if (depth == 0) Constrain();
  }

  void Constrain() {
    for (const ProjectRequirement& constraint : std::exchange(constraints_, {})) {
      Result<Requirement> limit = Requirement::Parse(constraint.requirement);
      if (!limit || limit->specifiers.empty()) continue;
      for (size_t i = 0, end = out.requirements.size(); i < end; ++i) {
        ProjectRequirement& one = out.requirements[i];
        Result<Requirement> wanted = Requirement::Parse(one.requirement);
        if (one.locked || !wanted || wanted->name != limit->name) continue;
        const std::string limits = limit->specifiers.Text();
        if (constraint.marker.empty()) {
          one.requirement += (wanted->specifiers.empty() ? "" : ",") + limits;
          continue;
        }
        // Limited where the constraint's marker holds, as it is elsewhere: PEP 508 has no "not".
        ProjectRequirement limited = one;
        limited.requirement += (wanted->specifiers.empty() ? "" : ",") + limits;
        limited.marker = And(one.marker, constraint.marker);
        one.unless.push_back(constraint.marker);
        out.requirements.push_back(std::move(limited));
      }
    }
  }

  const System& system_;
  const NameList& names_;
  std::set<std::string> seen_;
  std::vector<ProjectRequirement> constraints_;
  bool any_ = false;
};

}  // namespace

ProjectRequirements ReadProject(const System& system, const std::string& folder, const NameList& names) {
  std::string at = folder;
  for (int i = 0; i < kMaxFoldersUp; ++i, at = DirName(at)) {
    ProjectReader reader(system, names);
    if (reader.Read(at)) return std::move(reader.out);
    if (at.empty() || at == "/") break;
  }
  return {};
}

ProjectRequirements WhatApplies(ProjectRequirements found, const MarkerVariables& here) {
  std::vector<ProjectRequirement> kept;
  std::set<std::pair<std::string, bool>> sure;
  for (ProjectRequirement& one : found.requirements) {
    auto value = [&](const std::string& marker) {
      Result<std::optional<bool>> result = EvaluateMarker(marker, here);
      return result ? *result : std::nullopt;
    };
    const std::optional<bool> holds = one.marker.empty() ? true : value(one.marker);
    if (holds == false) continue;
    if (holds == true) one.marker.clear();
    bool replaced = false;
    for (const std::string& marker : std::exchange(one.unless, {})) {
      const std::optional<bool> other = value(marker);
      replaced = replaced || other == true;
      if (!other) one.only = "a constraint that does not count: " + marker;
    }
    if (replaced) continue;
    if (one.marker.empty() && one.only.empty()) sure.insert({one.requirement, one.locked});
    kept.push_back(std::move(one));
  }
  std::erase_if(kept, [&](const ProjectRequirement& one) {
    return !(one.marker.empty() && one.only.empty()) && sure.contains({one.requirement, one.locked});
  });
  found.requirements = std::move(kept);
  return found;
}

}  // namespace tfdoctor
