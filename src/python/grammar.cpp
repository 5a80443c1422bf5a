#include "python/grammar.h"

#include <algorithm>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "base/text.h"

namespace tfdoctor {
namespace {

using Kind = PythonToken::Kind;

constexpr size_t kMaxShown = 30;

bool IsBracket(const PythonToken& token, std::string_view which) {
  return token.kind == Kind::kOperator && token.text.size() == 1 &&
         which.find(token.text[0]) != std::string_view::npos;
}

// Words that open a block. The soft ones, "match" and "case", are looked at where they stand.
bool OpensBlock(std::string_view word) {
  return IsOneOf(word, {"if", "elif", "else", "for", "while", "try", "except", "finally", "with", "def",
                        "class", "async"});
}
// Words after which a value comes, at the begin of a statement or in an expression.
bool IsPrefixWord(std::string_view word) {
  return OpensBlock(word) || IsOneOf(word, {"not", "lambda", "await", "yield", "return", "raise", "del",
                                            "assert", "global", "nonlocal"});
}
// Words between two values.
bool IsInfixWord(std::string_view word) {
  return IsOneOf(word, {"and", "or", "in", "is", "if", "else", "for", "as", "from", "async"});
}

class Checker {
 public:
  std::optional<Error> Run(const std::vector<PythonToken>& tokens) {
    size_t begin = 0;
    for (size_t i = 0; i < tokens.size() && !error_; ++i) {
      const PythonToken& token = tokens[i];
      if (token.kind == Kind::kIndent) {
        if (!expects_block_) Fail(token, "unexpected indent");
        expects_block_ = false;
        begin = i + 1;
      } else if (token.kind == Kind::kDedent) {
        begin = i + 1;
      } else if (token.kind == Kind::kNewline || token.kind == Kind::kEnd) {
        Line(Tokens(tokens).subspan(begin, i - begin));
        if (token.kind == Kind::kEnd && expects_block_) Fail(token, "expected an indented block");
        begin = i + 1;
      }
    }
    return std::move(error_);
  }

 private:
  void Fail(const PythonToken& token, const std::string& why) {
    if (!error_) error_ = Error{ErrorKind::kMalformed, "line " + std::to_string(token.line) + ": " + why};
  }

  void Line(Tokens line) {
    if (line.empty()) return;
    if (expects_block_) return Fail(line[0], "expected an indented block");
    // What IPython makes of its own lines is not looked into.
    if (std::any_of(line.begin(), line.end(), [](const PythonToken& t) { return t.kind == Kind::kMagic; }))
      return;
    if (line[0].kind == Kind::kName && OpensBlock(line[0].text)) {
      const size_t colon = HeaderEnd(line);
      if (colon == line.size()) return Fail(line[0], "expected ':' after " + std::string(line[0].text));
      Statement(line.first(colon));
      if (colon + 1 == line.size()) {
        expects_block_ = true;
        return;
      }
      line = line.subspan(colon + 1);
    } else if (IsOneOf(line[0].text, {"match", "case"}) && line[0].kind == Kind::kName &&
               IsOperator(line.back(), ":")) {
      expects_block_ = true;
    }
    for (size_t begin = 0; begin <= line.size();) {
      size_t end = begin;
      while (end < line.size() && !IsOperator(line[end], ";")) ++end;
      if (end > begin) Statement(line.subspan(begin, end - begin));
      begin = end + 1;
    }
  }

  // Index of the ":" that ends a header, else the end.
  static size_t HeaderEnd(Tokens line) {
    int depth = 0;
    int lambdas = 0;
    for (size_t i = 0; i < line.size(); ++i) {
      if (IsBracket(line[i], "([{")) ++depth;
      if (IsBracket(line[i], ")]}")) --depth;
      if (depth > 0) continue;
      if (IsName(line[i], "lambda")) ++lambdas;
      if (IsOperator(line[i], ":") && lambdas-- == 0) return i;
    }
    return line.size();
  }

  // Only names, dots, commas, "as", "*" and brackets.
  void Import(Tokens statement) {
    bool imports = IsName(statement[0], "import");
    bool name_before = false;
    for (size_t i = 1; i < statement.size(); ++i) {
      const PythonToken& token = statement[i];
      const bool word = token.kind == Kind::kName && IsOneOf(token.text, {"import", "as"});
      imports = imports || IsName(token, "import");
      const bool name = token.kind == Kind::kName && !word;
      const bool mark =
          token.kind == Kind::kOperator && IsOneOf(token.text, {".", "...", ",", "*", "(", ")"});
      if ((!name && !mark && !word) || (name && name_before)) return Refuse(statement, i);
      name_before = name;
    }
    if (!imports || statement.size() < 2) Refuse(statement, statement.size() - 1);
  }

  void Statement(Tokens statement) {
    if (error_) return;
    if (statement[0].kind == Kind::kName && IsOneOf(statement[0].text, {"import", "from"}))
      return Import(statement);
    const bool raises = IsName(statement[0], "raise");
    const bool catches = IsName(statement[0], "except");
    size_t i = 0;
    if (IsOperator(statement[0], "@")) i = 1;  // a decorator
    const bool soft = statement[0].kind == Kind::kName && statement.size() > 1 &&
                      (IsOneOf(statement[0].text, {"match", "case"})
                           ? HeaderEnd(statement) < statement.size()
                           : statement[0].text == "type" && statement[1].kind == Kind::kName);
    if (soft) i = 1;
    bool wants_value = true;
    int depth = 0;
    for (; i < statement.size(); ++i) {
      const PythonToken& token = statement[i];
      const PythonToken* before = i > 0 ? &statement[i - 1] : nullptr;
      if (IsBracket(token, "([{")) {
        if (!wants_value && token.text == "{") return Refuse(statement, i);
        ++depth;
        wants_value = true;
        continue;
      }
      if (IsBracket(token, ")]}")) {
        if (wants_value && (before == nullptr || !MayEndAfter(*before))) return Refuse(statement, i);
        --depth;
        wants_value = false;
        continue;
      }
      // Python 2: `raise Error, "text"`, `except Error, e:`
      if (depth == 0 && (raises || catches) && IsOperator(token, ",")) return RefuseAsPython2(token);
      const std::optional<bool> wants = Next(statement, i, wants_value);
      if (!wants) return Refuse(statement, i);
      wants_value = *wants;
    }
    if (wants_value && !MayEndAfter(statement.back())) Refuse(statement, statement.size() - 1);
  }

  // Whether a value is wanted after this token; nullopt: it cannot stand there.
  static std::optional<bool> Next(Tokens statement, size_t i, bool wants_value) {
    const PythonToken& token = statement[i];
    const PythonToken* before = i > 0 ? &statement[i - 1] : nullptr;
    if (token.kind == Kind::kNumber || token.kind == Kind::kString || IsOperator(token, "...")) {
      const bool joined = token.kind == Kind::kString && before != nullptr && before->kind == Kind::kString;
      const bool octal = token.kind == Kind::kNumber && token.text.size() > 1 && token.text[0] == '0' &&
                         token.text.find_first_not_of("01234567") == std::string_view::npos &&
                         token.text.find_first_not_of('0') != std::string_view::npos;
      if ((!wants_value && !joined) || octal) return std::nullopt;
      return false;
    }
    if (token.kind == Kind::kName) {
      if (wants_value) {
        if (IsPrefixWord(token.text)) return true;
        // `yield from`, `not in`, `async for`
        const bool pair = before != nullptr && ((IsName(*before, "yield") && token.text == "from") ||
                                                (IsName(*before, "not") && token.text == "in") ||
                                                // `for key, in rows`
                                                (IsOperator(*before, ",") && token.text == "in"));
        if (pair) return true;
        if (IsInfixWord(token.text)) return std::nullopt;
        return false;
      }
      if (IsInfixWord(token.text)) return true;
      const bool not_in = token.text == "not" && i + 1 < statement.size() && IsName(statement[i + 1], "in");
      return not_in ? std::optional<bool>(true) : std::nullopt;
    }
    if (token.text == "<>") return std::nullopt;
    if (!wants_value) return true;
    if (IsOneOf(token.text, {"+", "-", "~", "*", "**", ":"})) return true;
    if (before == nullptr) return std::nullopt;
    // `def f(a, /, *, b)`, `rows[:, 1]`, `first, = row`
    const bool allowed =
        token.text == ","   ? IsOperator(*before, "*") || IsOperator(*before, "/") || IsOperator(*before, ":")
        : token.text == "/" ? IsOperator(*before, ",")
        : token.text == "=" ? IsOperator(*before, ",")
                            : false;
    return allowed ? std::optional<bool>(true) : std::nullopt;
  }

  static bool MayEndAfter(const PythonToken& token) {
    if (token.kind == Kind::kName)
      return IsOneOf(token.text, {"yield", "return", "raise", "else", "try", "finally", "except"});
    return token.kind == Kind::kOperator && IsOneOf(token.text, {"(", "[", "{", ",", ":", "*", "/"});
  }

  void RefuseAsPython2(const PythonToken& token) { Fail(token, "it is Python 2"); }

  void Refuse(Tokens statement, size_t i) {
    const PythonToken& token = statement[i];
    const PythonToken* before = i > 0 ? &statement[i - 1] : nullptr;
    const bool value =
        token.kind == Kind::kName || token.kind == Kind::kNumber || token.kind == Kind::kString;
    const bool prints =
        value && before != nullptr && i == 1 && (IsName(*before, "print") || IsName(*before, "exec"));
    const bool octal = token.kind == Kind::kNumber && token.text.size() > 1 && token.text[0] == '0';
    const bool suffix =
        before != nullptr && before->kind == Kind::kNumber && (token.text == "L" || token.text == "l");
    const bool prefix = token.kind == Kind::kString && before != nullptr && IsName(*before, "ur");
    if (prints || octal || suffix || prefix || IsOperator(token, "<>")) {
      return Fail(token, prints ? "\"" + std::string(before->text) + "\" is a statement in Python 2 only"
                                : "it is Python 2");
    }
    Fail(token, "\"" + Printable(token.text.substr(0, kMaxShown)) + "\" cannot stand there");
  }

  std::optional<Error> error_;
  bool expects_block_ = false;
};

}  // namespace

std::optional<Error> RefusedByPython(const std::vector<PythonToken>& tokens) { return Checker().Run(tokens); }

}  // namespace tfdoctor
