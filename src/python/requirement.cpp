#include "python/requirement.h"

#include <set>

#include "base/text.h"

namespace tfdoctor {
namespace {

constexpr int kMaxParentheses = 64;  // of parentheses in a marker; real ones have at most three

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
         c == '_';
}
bool IsBlank(char c) { return c == ' ' || c == '\t'; }

const std::set<std::string, std::less<>> kVariables = {"python_version",
                                                       "python_full_version",
                                                       "os_name",
                                                       "sys_platform",
                                                       "platform_release",
                                                       "platform_system",
                                                       "platform_version",
                                                       "platform_machine",
                                                       "platform_python_implementation",
                                                       "implementation_name",
                                                       "implementation_version",
                                                       "extra",
                                                       "extras",
                                                       "dependency_groups"};

// Names of setuptools' old markers, which `packaging` still reads.
std::string CanonicalVariable(std::string_view name) {
  if (name == "os.name") return "os_name";
  if (name == "sys.platform") return "sys_platform";
  if (name == "platform.version") return "platform_version";
  if (name == "platform.machine") return "platform_machine";
  if (name == "platform.python_implementation" || name == "python_implementation") {
    return "platform_python_implementation";
  }
  return std::string(name);
}

bool HoldsVersions(std::string_view variable) {
  return variable == "python_version" || variable == "python_full_version" ||
         variable == "implementation_version" || variable == "platform_release";
}

// Reads and evaluates at once; unknown parts follow Kleene's logic: "unknown and false" is false.
class MarkerReader {
 public:
  MarkerReader(std::string_view text, const MarkerVariables& variables)
      : text_(text), variables_(variables) {}

  Result<std::optional<bool>> Run() {
    std::optional<bool> value = Or(0);
    SkipBlanks();
    if (failed_ || at_ != text_.size()) {
      return Error{ErrorKind::kMalformed, "not an environment marker: " + Printable(text_, 120)};
    }
    return value;
  }

 private:
  struct Operand {
    std::string variable;  // "" for a quoted text
    std::optional<std::string> value;
  };

  void SkipBlanks() {
    while (at_ < text_.size() && IsBlank(text_[at_])) ++at_;
  }
  bool TakeWord(std::string_view word) {
    SkipBlanks();
    std::string_view rest = text_.substr(at_);
    if (!rest.starts_with(word) || (rest.size() > word.size() && IsNameChar(rest[word.size()]))) return false;
    at_ += word.size();
    return true;
  }
  bool TakeSymbol(std::string_view symbol) {
    SkipBlanks();
    if (!text_.substr(at_).starts_with(symbol)) return false;
    at_ += symbol.size();
    return true;
  }

  std::optional<bool> Or(int depth) {
    std::optional<bool> value = And(depth);
    while (!failed_ && TakeWord("or")) {
      std::optional<bool> right = And(depth);
      if (value == true || right == true) {
        value = true;
      } else if (!value || !right) {
        value = std::nullopt;
      }
    }
    return value;
  }

  std::optional<bool> And(int depth) {
    std::optional<bool> value = Atom(depth);
    while (!failed_ && TakeWord("and")) {
      std::optional<bool> right = Atom(depth);
      if (value == false || right == false) {
        value = false;
      } else if (!value || !right) {
        value = std::nullopt;
      }
    }
    return value;
  }

  std::optional<bool> Atom(int depth) {
    if (depth > kMaxParentheses) return Fail();
    if (TakeSymbol("(")) {
      std::optional<bool> value = Or(depth + 1);
      if (!TakeSymbol(")")) return Fail();
      return value;
    }
    Operand left = TakeOperand();
    std::string op = TakeOperator();
    Operand right = TakeOperand();
    if (failed_ || op.empty()) return Fail();
    if (!left.value || !right.value) return std::nullopt;
    return CompareOperands(left, op, right);
  }

  std::optional<bool> Fail() {
    failed_ = true;
    return std::nullopt;
  }

  Operand TakeOperand() {
    SkipBlanks();
    if (at_ >= text_.size()) {
      failed_ = true;
      return {};
    }
    char quote = text_[at_];
    if (quote == '"' || quote == '\'') {
      size_t end = text_.find(quote, at_ + 1);
      if (end == std::string_view::npos) {
        failed_ = true;
        return {};
      }
      Operand operand{"", std::string(text_.substr(at_ + 1, end - at_ - 1))};
      at_ = end + 1;
      return operand;
    }
    size_t begin = at_;
    while (at_ < text_.size() && IsNameChar(text_[at_])) ++at_;
    Operand operand;
    operand.variable = CanonicalVariable(text_.substr(begin, at_ - begin));
    if (!kVariables.contains(operand.variable)) failed_ = true;
    if (auto found = variables_.find(operand.variable); found != variables_.end())
      operand.value = found->second;
    return operand;
  }

  std::string TakeOperator() {
    for (std::string_view symbol : {"===", "~=", "==", "!=", "<=", ">=", "<", ">"}) {
      if (TakeSymbol(symbol)) return std::string(symbol);
    }
    if (TakeWord("in")) return "in";
    if (TakeWord("not") && TakeWord("in")) return "not in";
    return "";
  }

  static bool CompareOperands(const Operand& left, const std::string& op, const Operand& right) {
    std::string a = *left.value, b = *right.value;
    if (left.variable == "extra" || right.variable == "extra") {
      a = NormalizeName(a);
      b = NormalizeName(b);
    }
    if (op == "in") return b.find(a) != std::string::npos;
    if (op == "not in") return b.find(a) == std::string::npos;
    if (HoldsVersions(left.variable) || HoldsVersions(right.variable)) {
      Result<Specifier> specifier = Specifier::Parse(op + b);
      Result<Version> version = Version::Parse(a);
      if (specifier && version) return specifier->Contains(*version, a);
    }
    if (op == "==" || op == "===") return a == b;
    if (op == "!=") return a != b;
    if (op == "<=") return a <= b;
    if (op == ">=") return a >= b;
    if (op == "<") return a < b;
    if (op == ">") return a > b;
    return false;  // "~=" has a meaning for versions only
  }

  std::string_view text_;
  const MarkerVariables& variables_;
  size_t at_ = 0;
  bool failed_ = false;
};

Error NotARequirement(std::string_view text) {
  return {ErrorKind::kMalformed, "not a requirement: " + Printable(text, 120)};
}

}  // namespace

std::string NormalizeName(std::string_view name) {
  std::string normal;
  for (char c : Lower(name)) {
    if (c != '-' && c != '_' && c != '.') {
      normal += c;
    } else if (!normal.ends_with('-')) {
      normal += '-';
    }
  }
  return normal;
}

MarkerVariables MarkersOnLinux(const std::string& machine, const std::string& python) {
  MarkerVariables variables = {{"os_name", "posix"},
                               {"sys_platform", "linux"},
                               {"platform_system", "Linux"},
                               {"implementation_name", "cpython"},
                               {"platform_python_implementation", "CPython"}};
  if (!machine.empty()) variables["platform_machine"] = machine;
  const std::vector<std::string> parts = Split(python, '.');
  if (parts.size() >= 2) variables["python_version"] = parts[0] + "." + parts[1];
  if (parts.size() >= 3) variables["python_full_version"] = variables["implementation_version"] = python;
  return variables;
}

Result<std::optional<bool>> EvaluateMarker(std::string_view marker, const MarkerVariables& variables) {
  return MarkerReader(Trim(marker), variables).Run();
}

Result<Requirement> Requirement::Parse(std::string_view text) {
  std::string_view rest = Trim(text);
  Requirement requirement;
  size_t end = 0;
  while (end < rest.size() && IsNameChar(rest[end])) ++end;
  if (end == 0) return NotARequirement(text);
  requirement.name = NormalizeName(rest.substr(0, end));
  rest = Trim(rest.substr(end));

  if (rest.starts_with('[')) {
    size_t close = rest.find(']');
    if (close == std::string_view::npos) return NotARequirement(text);
    for (const std::string& extra : Split(rest.substr(1, close - 1), ',')) {
      if (!Trim(extra).empty()) requirement.extras.push_back(NormalizeName(Trim(extra)));
    }
    rest = Trim(rest.substr(close + 1));
  }
  if (rest.starts_with('@')) {
    // A URL may hold ";": only one after a blank begins the marker.
    rest = Trim(rest.substr(1));
    size_t blank = rest.find_first_of(" \t");
    requirement.url = rest.substr(0, blank);
    rest = blank == std::string_view::npos ? "" : Trim(rest.substr(blank));
    if (requirement.url.empty() || (!rest.empty() && !rest.starts_with(';'))) return NotARequirement(text);
  }
  size_t semicolon = rest.find(';');
  if (semicolon != std::string_view::npos) {
    requirement.marker = Trim(rest.substr(semicolon + 1));
    rest = Trim(rest.substr(0, semicolon));
    Result<std::optional<bool>> marker = EvaluateMarker(requirement.marker, {});
    if (!marker) return marker.error();
  }
  if (rest.starts_with('(') && rest.ends_with(')') && rest.size() >= 2)
    rest = rest.substr(1, rest.size() - 2);
  Result<SpecifierSet> specifiers = SpecifierSet::Parse(rest);
  if (!specifiers) return NotARequirement(text);
  requirement.specifiers = std::move(*specifiers);
  return requirement;
}

std::optional<bool> Requirement::Applies(const MarkerVariables& variables, std::string_view extra) const {
  if (marker.empty()) return true;
  MarkerVariables all = variables;
  all["extra"] = extra;
  Result<std::optional<bool>> value = EvaluateMarker(marker, all);
  return value ? *value : std::nullopt;
}

}  // namespace tfdoctor
