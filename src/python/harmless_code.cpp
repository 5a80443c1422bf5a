#include "python/harmless_code.h"

#include <algorithm>
#include <initializer_list>
#include <set>
#include <string>

#include "python/tokenizer.h"

namespace tfdoctor {
namespace {

// What may be used of the modules that may be imported: through anything else of theirs the import system
// could be reached ("os.path.os.sys.path"). certifi is a list of certificates.
bool IsHarmlessUse(std::string_view module, std::string_view name) {
  if (module == "os") return IsOneOf(name, {"getenv", "getpid", "stat", "name", "sep", "linesep", "devnull"});
  if (module == "os.path")
    return IsOneOf(name, {"isfile", "isdir", "exists", "getsize", "getmtime", "join", "dirname", "basename",
                          "abspath", "realpath", "expanduser"});
  if (module == "os.environ") return name == "get";
  if (module == "certifi") return IsOneOf(name, {"where", "contents"});
  if (module == "warnings") return IsOneOf(name, {"filterwarnings", "simplefilter"});
  if (module == "re") return IsOneOf(name, {"compile", "match", "search", "sub", "findall"});
  return module == "time" && name == "time";
}

bool IsHarmlessModule(std::string_view name) {
  return IsOneOf(name, {"os", "re", "time", "warnings", "certifi"});
}

bool IsHarmlessWord(std::string_view name) {
  return IsOneOf(name, {"try",           "except",        "finally", "if",          "elif",
                        "else",          "with",          "as",      "for",         "in",
                        "not",           "and",           "or",      "is",          "pass",
                        "True",          "False",         "None",    "open",        "len",
                        "max",           "min",           "str",     "int",         "bool",
                        "bytes",         "print",         "any",     "all",         "Exception",
                        "BaseException", "OSError",       "IOError", "ImportError", "KeyError",
                        "ValueError",    "AttributeError"});
}

class CodeReader {
 public:
  CodeReader(const std::vector<PythonToken>& tokens, int depth) : tokens_(tokens), depth_(depth) {}

  bool Harmless() {
    for (; at_ < tokens_.size(); at_++) {
      const PythonToken& token = tokens_[at_];
      // What stands in an f-string is code, too.
      if (token.kind == PythonToken::Kind::kString && !StringValue(token.text) && !IsBytes(token.text))
        return false;
      if (token.kind == PythonToken::Kind::kMagic || IsOperator(0, "@") || IsOperator(0, ":=")) return false;
      if (token.kind == PythonToken::Kind::kOperator && IsOneOf(token.text, {"(", "[", "{"})) brackets_++;
      if (token.kind == PythonToken::Kind::kOperator && IsOneOf(token.text, {")", "]", "}"})) brackets_--;
      if (token.kind == PythonToken::Kind::kName && !Name(std::string(token.text))) return false;
    }
    return true;
  }

 private:
  bool Is(size_t ahead, Kind kind) const {
    return at_ + ahead < tokens_.size() && tokens_[at_ + ahead].kind == kind;
  }
  bool IsOperator(size_t ahead, std::string_view text) const {
    return Is(ahead, PythonToken::Kind::kOperator) && tokens_[at_ + ahead].text == text;
  }
  std::string_view Text(size_t ahead) const { return tokens_[at_ + ahead].text; }
  static bool IsBytes(std::string_view literal) { return IsOneOf(literal.substr(0, 2), {"b'", "b\""}); }

  bool Name(const std::string& name) {
    if (name.starts_with("__")) return false;
    const bool attribute =
        at_ > 0 && tokens_[at_ - 1].kind == PythonToken::Kind::kOperator && tokens_[at_ - 1].text == ".";
    if (attribute) return true;
    if (name == "import") return Import();
    if (name == "exec") return Exec();
    if (modules_.contains(name)) return Use(name);
    if (IsHarmlessWord(name) || bound_.contains(name)) return true;
    // Bound here, at its first mention: else it is one of site.py's own. In brackets it is the name of an
    // argument, and binds nothing.
    const bool before = at_ > 0 && tokens_[at_ - 1].kind == PythonToken::Kind::kName &&
                        IsOneOf(tokens_[at_ - 1].text, {"as", "for"});
    if (!before && !IsOperator(1, "=")) return false;
    if (brackets_ == 0) bound_.insert(name);
    return true;
  }

  // `import os, re`
  bool Import() {
    if (at_ > 0 && tokens_[at_ - 1].kind == PythonToken::Kind::kName) return false;  // `from x import y`
    do {
      if (!Is(1, PythonToken::Kind::kName) || !IsHarmlessModule(Text(1))) return false;
      modules_.insert(std::string(Text(1)));
      at_++;
      if (IsOperator(1, ".") || (Is(1, PythonToken::Kind::kName) && Text(1) == "as")) return false;
    } while (IsOperator(1, ",") && ++at_ < tokens_.size());
    return true;
  }

  // `exec("…")`
  bool Exec() {
    constexpr int kDeepest = 3;
    if (depth_ >= kDeepest || !IsOperator(1, "(") || !Is(2, PythonToken::Kind::kString) ||
        !IsOperator(3, ")"))
      return false;
    const auto code = StringValue(Text(2));
    if (!code) return false;
    const PythonTokens inner = TokenizePython(*code);
    if (inner.error) return false;
    CodeReader reader(inner.tokens, depth_ + 1);
    reader.modules_ = modules_;
    reader.bound_ = bound_;
    if (!reader.Harmless()) return false;
    modules_ = reader.modules_;
    at_ += 3;
    return true;
  }

  // `os.path.isfile`, `os.environ.get`, `x in os.environ`, never a module itself
  bool Use(std::string module) {
    const bool contained = at_ > 0 && tokens_[at_ - 1].text == "in";
    while (IsOperator(1, ".") && Is(2, PythonToken::Kind::kName)) {
      const std::string_view name = Text(2);
      at_ += 2;
      if (IsHarmlessUse(module, name)) return true;
      if (module != "os" || !IsOneOf(name, {"path", "environ"})) return false;
      module += "." + std::string(name);
    }
    return contained && module == "os.environ" && !IsOperator(1, "[");
  }

  const std::vector<PythonToken>& tokens_;
  int depth_;
  size_t at_ = 0;
  int brackets_ = 0;
  std::set<std::string> modules_;
  std::set<std::string> bound_;
};

}  // namespace

bool LeavesImportsAlone(std::string_view code) {
  const PythonTokens tokens = TokenizePython(code);
  return !tokens.error && CodeReader(tokens.tokens, 0).Harmless();
}

}  // namespace tfdoctor
