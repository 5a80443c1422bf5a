#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.h"
#include "python/environment.h"
#include "python/harmless_code.h"

namespace tfdoctor {
namespace {

// str.isspace() for ASCII.
bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || (c >= '\x1c' && c <= '\x1f'); }

std::string_view StripRight(std::string_view text) {
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

// Length of the line end at `at`, 0 if there is none: universal newlines, or those of str.splitlines().
size_t LineEnd(std::string_view text, size_t at, bool modern) {
  char c = text[at];
  if (c == '\r') return at + 1 < text.size() && text[at + 1] == '\n' ? 2 : 1;
  if (c == '\n') return 1;
  if (!modern) return 0;
  if (c == '\v' || c == '\f' || (c >= '\x1c' && c <= '\x1e')) return 1;
  std::string_view rest = text.substr(at);
  if (rest.starts_with("\xC2\x85")) return 2;
  if (rest.starts_with("\xE2\x80\xA8") || rest.starts_with("\xE2\x80\xA9")) return 3;
  return 0;
}

void AddLine(std::string_view line, PthFile& file) {
  if (line.starts_with('#') || StripRight(line).empty()) return;
  bool is_import = line.starts_with("import ") || line.starts_with("import\t");
  file.lines.push_back({is_import, std::string(StripRight(line))});
}

bool IsIdentifier(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
  });
}

// Reads Python literals of strings, and steps over the punctuation between them.
class LiteralReader {
 public:
  explicit LiteralReader(std::string_view text) : text_(text) {}
  bool Take(char c) {
    while (!text_.empty() && IsSpace(text_.front())) text_.remove_prefix(1);
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  std::optional<std::string> TakeString() {
    char quote = Take('\'') ? '\'' : Take('"') ? '"' : '\0';
    if (quote == '\0') return std::nullopt;
    std::string value;
    while (!text_.empty() && text_.front() != quote && text_.front() != '\n') {
      if (text_.front() == '\\') {
        // repr() of a path writes only these two with a backslash; others need no support.
        if (text_.size() < 2 || (text_[1] != '\\' && text_[1] != '\'' && text_[1] != '"'))
          return std::nullopt;
        text_.remove_prefix(1);
      }
      value += text_.front();
      text_.remove_prefix(1);
    }
    if (!Take(quote)) return std::nullopt;
    return value;
  }

 private:
  std::string_view text_;
};

// The text after "NAME" and "=" at the start of a line, an annotation between them left out.
std::optional<std::string_view> Assigned(std::string_view source, std::string_view name) {
  for (std::string_view line : SplitLines(source)) {
    if (!line.starts_with(name)) continue;
    std::string_view rest = line.substr(name.size());
    size_t equals = rest.find('=');
    if (equals == std::string_view::npos || (!rest.starts_with(':') && !rest.starts_with(' ') && equals != 0))
      continue;
    // The literal may go on over several lines.
    return source.substr(static_cast<size_t>(rest.data() - source.data()) + equals + 1);
  }
  return std::nullopt;
}

// MAPPING, NAMESPACES and PATH_PLACEHOLDER of setuptools/command/editable_wheel.py, _FINDER_TEMPLATE.
std::optional<EditableFinder> ParseSetuptoolsFinder(std::string_view source) {
  std::optional<std::string_view> mapping = Assigned(source, "MAPPING");
  if (!mapping) return std::nullopt;
  EditableFinder finder;
  LiteralReader reader(*mapping);
  if (!reader.Take('{')) return std::nullopt;
  while (!reader.Take('}')) {
    std::optional<std::string> name = reader.TakeString();
    if (!name || !reader.Take(':')) return std::nullopt;
    std::optional<std::string> path = reader.TakeString();
    if (!path) return std::nullopt;
    finder.modules[*name] = *path;
    reader.Take(',');
  }
  std::optional<std::string_view> namespaces = Assigned(source, "NAMESPACES");
  if (!namespaces) return finder;
  LiteralReader empty(*namespaces);
  if (empty.Take('{') && empty.Take('}')) return finder;
  std::optional<std::string_view> placeholder = Assigned(source, "PATH_PLACEHOLDER");
  if (!placeholder) return std::nullopt;
  std::optional<std::string> name = LiteralReader(*placeholder).TakeString();
  if (!name) return std::nullopt;
  finder.path_placeholder = *name + ".__path_hook__";
  return finder;
}

// Lines `F.map_module('name', '/path/__init__.py')` of the project `editables`, which hatchling and pdm
// write.
std::optional<EditableFinder> ParseEditablesFinder(std::string_view source) {
  if (source.find("editables.redirector") == std::string_view::npos) return std::nullopt;
  EditableFinder finder;
  for (std::string_view line : SplitLines(source)) {
    static constexpr std::string_view kCall = "F.map_module(";
    if (!line.starts_with(kCall)) continue;
    LiteralReader reader(line.substr(kCall.size()));
    std::optional<std::string> name = reader.TakeString();
    if (!name || !reader.Take(',')) return std::nullopt;
    std::optional<std::string> path = reader.TakeString();
    if (!path) return std::nullopt;
    static constexpr std::string_view kInit = "/__init__.py";
    if (path->ends_with(kInit)) path->resize(path->size() - kInit.size());
    finder.modules[*name] = *path;
  }
  return finder;
}

}  // namespace

bool IsUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    // Eight ASCII characters at a time: nearly every file is nothing else.
    uint64_t eight = 0;
    if (text.size() - i >= sizeof eight) {
      std::memcpy(&eight, text.data() + i, sizeof eight);
      if ((eight & 0x8080808080808080U) == 0) {
        i += sizeof eight;
        continue;
      }
    }
    auto byte = [&](size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U; };
    unsigned lead = byte(i);
    size_t length = lead < 0x80                   ? 1
                    : lead >= 0xC2 && lead < 0xE0 ? 2
                    : lead >= 0xE0 && lead < 0xF0 ? 3
                    : lead >= 0xF0 && lead < 0xF5 ? 4
                                                  : 0;
    if (length == 0) return false;
    for (size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xC0) != 0x80) return false;
    }
    unsigned second = byte(i + 1);
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
        (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) {
      return false;
    }
    i += length;
  }
  return true;
}

VenvConfig VenvConfig::Parse(std::string_view text) {
  VenvConfig config;
  config.utf8 = IsUtf8(text);
  bool has_home = false;
  for (std::string_view line : SplitLines(text)) {
    size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    std::string key = Lower(Trim(line.substr(0, equals)));
    if (key == "home" && has_home) continue;
    has_home = has_home || key == "home";
    config.keys[key] = Trim(line.substr(equals + 1));
  }
  return config;
}

std::optional<std::string> VenvConfig::Get(const std::string& key) const {
  auto found = keys.find(key);
  if (found == keys.end()) return std::nullopt;
  return found->second;
}

PthFile ParsePth(std::string_view bytes, bool modern) {
  PthFile file;
  file.utf8 = IsUtf8(bytes);
  if (!file.utf8) return file;
  if (modern && bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  size_t begin = 0;
  for (size_t at = 0; at < bytes.size();) {
    size_t end = LineEnd(bytes, at, modern);
    if (end == 0) {
      ++at;
      continue;
    }
    AddLine(bytes.substr(begin, at - begin), file);
    at += end;
    begin = at;
  }
  AddLine(bytes.substr(begin), file);
  return file;
}

KnownPthCode RecognisePthCode(std::string_view line) {
  auto has = [&](std::string_view part) { return line.find(part) != std::string_view::npos; };
  line = Trim(line);
  // setuptools/_distutils_hack; the file distutils-precedence.pth
  if (line.starts_with("import os; var = 'SETUPTOOLS_USE_DISTUTILS';") &&
      has("__import__('_distutils_hack')")) {
    return {PthCode::kNothing, ""};
  }
  // virtualenv and uv: a hook that only patches distutils
  if (line == "import _virtualenv") return {PthCode::kNothing, ""};
  // setuptools' -nspkg.pth of protobuf, zope, matplotlib, google-cloud-…
  if ((line.starts_with("import sys, types, os;") || line.starts_with("import sys,types,os;")) &&
      has("__path__")) {
    static constexpr std::string_view kParts = "sys._getframe(1).f_locals['sitedir'], *(";
    size_t at = line.find(kParts);
    if (at != std::string_view::npos) {
      LiteralReader reader(line.substr(at + kParts.size()));
      std::vector<std::string> parts;
      while (std::optional<std::string> part = reader.TakeString()) {
        parts.push_back(*part);
        reader.Take(',');
      }
      if (!parts.empty() && reader.Take(')')) return {PthCode::kNamespace, Join(parts, ".")};
    }
  }
  // coverage's own a1_coverage.pth, and the line that its manual tells people to write
  if (line == "import coverage; coverage.process_startup()" ||
      (line.starts_with("import sys; exec(") && has("import coverage") && has("coverage.process_startup(") &&
       line.size() < 400)) {
    return {PthCode::kNothing, ""};
  }
  // pytest-cov, coloredlogs, pip-system-certs: nothing unless a variable is set, and then nothing of imports
  for (
      std::string_view start :
      {R"(import os, sys;exec('if \'COV_CORE_SOURCE\' in os.environ:)",
       R"(import os; exec('try: __import__("coloredlogs").auto_install() if os.environ.get("COLOREDLOGS_AUTO_INSTALL"))",
       "import os, sys; __import__('pip_system_certs.bootstrap') and "}) {
    if (line.starts_with(start) && line.size() < 700) return {PthCode::kNothing, ""};
  }
  // numba-cuda: a finder that answers for numba.cuda only
  if (line == "import _numba_cuda_redirector") return {PthCode::kNothing, ""};
  // setuptools' easy-install.pth
  if (line == "import sys; sys.__plen = len(sys.path)") return {PthCode::kEggBegin, ""};
  if (line.starts_with("import sys; new=sys.path[sys.__plen:]; del sys.path[sys.__plen:];") &&
      has("sys.__egginsert")) {
    return {PthCode::kEggEnd, ""};
  }
  // uv's overlays (`uv run --with`)
  for (std::string_view call : {"import site; site.addsitedir("}) {
    if (!line.starts_with(call)) continue;
    std::string_view rest = line.substr(call.size());
    std::optional<std::string> folder = LiteralReader(rest).TakeString();
    if (folder && rest.size() == folder->size() + 3 && rest.ends_with(')')) {
      return {PthCode::kAddSiteFolder, *folder};
    }
  }
  // `import __editable___x_finder; __editable___x_finder.install()` of setuptools, `import _x` of editables
  std::string_view module = Trim(line.substr(std::min<size_t>(line.size(), 6)));
  if (size_t semicolon = module.find(';'); semicolon != std::string_view::npos) {
    std::string_view call = Trim(module.substr(semicolon + 1));
    module = Trim(module.substr(0, semicolon));
    if (call != std::string(module) + ".install()") module = "";
  }
  if (IsIdentifier(module) && module.starts_with('_')) return {PthCode::kEditable, std::string(module)};
  if (LeavesImportsAlone(line)) return {PthCode::kNothing, ""};
  return {};
}

bool IsFinderOfAnotherProject(std::string_view source) {
  auto has = [&](const std::string& part) { return source.find(part) != std::string_view::npos; };
  if (!has("class ScikitBuildRedirectingFinder") && !has("class MesonpyMetaFinder")) return false;
  for (const std::string name : {"tensorflow", "keras", "numpy", "google", "ml_dtypes"}) {
    for (const std::string quote : {"'", "\""}) {
      if (has(quote + name + quote) || has(quote + name + ".")) return false;
    }
  }
  return true;
}

std::optional<EditableFinder> ParseEditableFinder(std::string_view source) {
  if (std::optional<EditableFinder> finder = ParseSetuptoolsFinder(source)) return finder;
  return ParseEditablesFinder(source);
}

}  // namespace tfdoctor
