#include "python/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "python/environment.h"

namespace tfdoctor {
namespace {

constexpr size_t kMaxIndents = 100;   // as CPython's MAXINDENT
constexpr size_t kMaxBrackets = 200;  // as CPython's MAXLEVEL
constexpr int kMaxNesting = 60;       // strings in fields of f-strings in …

bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool IsNamePart(char c) { return IsNameStart(c) || IsDigit(c); }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// "rb", "F", "": what may stand before a quote.
bool IsStringPrefix(std::string_view name) {
  static const std::set<std::string, std::less<>> kPrefixes = {"",   "r",  "u",  "b",  "f",  "t",
                                                               "br", "rb", "fr", "rf", "tr", "rt"};
  return name.size() <= 2 && kPrefixes.contains(Lower(name));
}

class Tokenizer {
 public:
  Tokenizer(std::string_view source, bool ipython) : source_(source), ipython_(ipython) {}

  PythonTokens Run() {
    out_.tokens.reserve(source_.size() / 3 + 8);
    while (!out_.error && at_ < source_.size()) Line();
    if (!out_.error && !brackets_.empty()) {
      Fail(bracket_lines_.back(), fmt::format("'{}' was never closed", brackets_.back()));
    }
    if (in_statement_) Emit(PythonToken::Kind::kNewline, at_, 0);
    for (; indents_.size() > 1; indents_.pop_back()) Emit(PythonToken::Kind::kDedent, at_, 0);
    Emit(PythonToken::Kind::kEnd, at_, 0);
    return std::move(out_);
  }

 private:
  using Kind = PythonToken::Kind;

  char Peek(size_t ahead = 0) const { return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0'; }

  void Emit(Kind kind, size_t begin, size_t length) {
    out_.tokens.push_back({kind, source_.substr(begin, length), line_});
  }

  void Fail(uint32_t line, const std::string& why) {
    if (!out_.error) out_.error = Error{ErrorKind::kMalformed, "line " + std::to_string(line) + ": " + why};
  }

  // From the start of a line to behind its end.
  void Line() {
    if (!in_statement_ && !Indentation()) return;
    while (!out_.error && at_ < source_.size()) {
      char c = source_[at_];
      if (c == ' ' || c == '\t' || c == '\f') {
        ++at_;
      } else if (c == '#') {
        at_ = std::min(source_.find('\n', at_), source_.size());
      } else if (c == '\n') {
        if (in_statement_ && brackets_.empty()) {
          Emit(Kind::kNewline, at_, 1);
          in_statement_ = false;
        }
        ++at_;
        ++line_;
        return;
      } else if (c == '\\') {
        if (!Continuation()) return;
      } else {
        Token(c);
      }
    }
  }

  bool Continuation() {
    if (Peek(1) != '\n') return Fail(line_, "unexpected character after line continuation character"), false;
    at_ += 2;
    ++line_;
    if (at_ >= source_.size()) return Fail(line_, "unexpected end of file"), false;
    return true;
  }

  // False: a line without a statement, which is left behind.
  bool Indentation() {
    size_t column = 0;
    size_t alternative = 0;  // a tab counted as one: both must agree in order
    size_t begin = at_;
    for (; at_ < source_.size(); ++at_) {
      char c = source_[at_];
      if (c == ' ') {
        ++column;
        ++alternative;
      } else if (c == '\t') {
        column = (column / 8 + 1) * 8;
        ++alternative;
      } else if (c == '\f') {
        column = alternative = 0;
      } else if (c == '\\' && Peek(1) == '\n') {
        // A line that begins with a continuation: its own blanks are the indentation.
        at_ += 2;
        ++line_;
        while (Peek() == ' ' || Peek() == '\t') ++at_;
        break;
      } else {
        break;
      }
    }
    if (at_ >= source_.size()) return false;
    if (source_[at_] == '\n') {
      ++at_;
      ++line_;
      return false;
    }
    if (source_[at_] == '#') {
      at_ = std::min(source_.find('\n', at_), source_.size());
      if (at_ < source_.size()) ++at_, ++line_;
      return false;
    }
    in_statement_ = true;
    if (column > indents_.back().column) {
      if (alternative <= indents_.back().alternative) return Inconsistent();
      if (indents_.size() >= kMaxIndents) return Fail(line_, "too many levels of indentation"), false;
      indents_.push_back({column, alternative});
      Emit(Kind::kIndent, begin, at_ - begin);
    } else {
      while (column < indents_.back().column) {
        indents_.pop_back();
        Emit(Kind::kDedent, at_, 0);
      }
      if (column != indents_.back().column)
        return Fail(line_, "unindent does not match any outer indentation level"), false;
      if (alternative != indents_.back().alternative) return Inconsistent();
    }
    if (ipython_ && (source_[at_] == '%' || source_[at_] == '!' || source_[at_] == '?')) Magic();
    return true;
  }

  bool Inconsistent() { return Fail(line_, "inconsistent use of tabs and spaces in indentation"), false; }

  // To the end of the line, or of the last that a backslash joins.
  void Magic() {
    size_t begin = at_;
    uint32_t line = line_;
    for (; at_ < source_.size() && source_[at_] != '\n'; ++at_) {
      if (source_[at_] == '\\' && Peek(1) == '\n') ++at_, ++line_;
    }
    out_.tokens.push_back({Kind::kMagic, source_.substr(begin, at_ - begin), line});
  }

  void Token(char c) {
    if (IsNameStart(c)) {
      size_t begin = at_;
      while (at_ < source_.size() && IsNamePart(source_[at_])) ++at_;
      std::string_view name = source_.substr(begin, at_ - begin);
      if ((Peek() == '\'' || Peek() == '"') && IsStringPrefix(name)) {
        String(begin, name);
      } else {
        Emit(Kind::kName, begin, at_ - begin);
      }
    } else if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) {
      size_t begin = at_;
      Number();
      Emit(Kind::kNumber, begin, at_ - begin);
    } else if (c == '\'' || c == '"') {
      String(at_, "");
    } else {
      Operator(c);
    }
  }

  void String(size_t begin, std::string_view prefix) {
    uint32_t first_line = line_;
    if (!SkipString(prefix, 0)) return Fail(first_line, "a string without an end");
    out_.tokens.push_back({Kind::kString, source_.substr(begin, at_ - begin), first_line});
  }

  // From the opening quote to behind the closing one.
  bool SkipString(std::string_view prefix, int depth) {
    if (depth > kMaxNesting) return false;
    char quote = Peek();
    bool triple = Peek(1) == quote && Peek(2) == quote;
    bool fields = prefix.find_first_of("fFtT") != std::string_view::npos;
    bool raw = prefix.find_first_of("rR") != std::string_view::npos;
    at_ += triple ? 3 : 1;
    while (at_ < source_.size()) {
      char c = source_[at_];
      if (c == '\\') {
        if (at_ + 1 >= source_.size()) return false;
        if (source_[at_ + 1] == '\n') ++line_;
        bool named = !raw && fields && source_[at_ + 1] == 'N' && Peek(2) == '{';
        // In a raw f-string "\{" is a backslash and the begin of a field.
        bool brace = fields && (source_[at_ + 1] == '{' || source_[at_ + 1] == '}');
        at_ += brace ? 1 : 2;
        if (named) {
          size_t end = source_.find('}', at_);
          if (end == std::string_view::npos) return false;
          at_ = end + 1;
        }
      } else if (c == quote && !triple) {
        return ++at_, true;
      } else if (c == quote && Peek(1) == quote && Peek(2) == quote) {
        return at_ += 3, true;
      } else if (c == '\n') {
        if (!triple) return false;
        ++line_;
        ++at_;
      } else if (fields && c == '{') {
        if (Peek(1) == '{') {
          at_ += 2;
        } else if (!SkipField(quote, triple, depth + 1)) {
          return false;
        }
      } else {
        ++at_;
      }
    }
    return false;
  }

  // From "{" to behind its "}".
  bool SkipField(char quote, bool triple, int depth) {
    if (depth > kMaxNesting) return false;
    ++at_;
    std::string open;  // brackets inside the expression
    while (at_ < source_.size()) {
      char c = source_[at_];
      if (IsNameStart(c)) {
        size_t begin = at_;
        while (at_ < source_.size() && IsNamePart(source_[at_])) ++at_;
        std::string_view name = source_.substr(begin, at_ - begin);
        bool string = (Peek() == '\'' || Peek() == '"') && IsStringPrefix(name);
        if (string && !SkipString(name, depth + 1)) return false;
        continue;
      }
      if (c == '\'' || c == '"') {
        if (!SkipString("", depth + 1)) return false;
        continue;
      }
      if (c == '(' || c == '[' || c == '{') {
        if (open.size() >= kMaxBrackets) return false;
        open += c;
      } else if (c == ')' || c == ']') {
        if (open.empty()) return false;
        open.pop_back();
      } else if (c == '}') {
        if (open.empty()) return ++at_, true;
        open.pop_back();
      } else if (c == ':' && open.empty()) {
        return SkipFormat(quote, triple, depth);
      } else if (c == '#') {
        at_ = source_.find('\n', at_);
        if (at_ == std::string_view::npos) return at_ = source_.size(), false;
        continue;
      } else if (c == '\n') {
        ++line_;
      }
      ++at_;
    }
    return false;
  }

  // The format after ":", which may hold fields of its own.
  bool SkipFormat(char quote, bool triple, int depth) {
    for (++at_; at_ < source_.size();) {
      char c = source_[at_];
      if (c == '}') return ++at_, true;
      if (c == '{') {
        if (!SkipField(quote, triple, depth + 1)) return false;
        continue;
      }
      if (c == '\n') {
        if (!triple) return false;
        ++line_;
      }
      if (c == quote && (!triple || (Peek(1) == quote && Peek(2) == quote))) return false;
      ++at_;
    }
    return false;
  }

  template <class Test>
  void Digits(Test test) {
    while (test(Peek()) || (Peek() == '_' && test(Peek(1)))) ++at_;
  }

  void Number() {
    if (Peek() == '0' && at_ + 1 < source_.size()) {
      char base = static_cast<char>(Peek(1) | 0x20);
      auto digit = [&](char c) {
        return base == 'x' ? IsHex(c) : base == 'o' ? c >= '0' && c <= '7' : c == '0' || c == '1';
      };
      size_t first = Peek(2) == '_' ? 3 : 2;
      if ((base == 'x' || base == 'o' || base == 'b') && digit(Peek(first))) {
        at_ += 2;
        return Digits(digit);
      }
    }
    Digits(IsDigit);
    if (Peek() == '.') {
      ++at_;
      if (IsDigit(Peek())) Digits(IsDigit);
    }
    if (Peek() == 'e' || Peek() == 'E') {
      size_t sign = Peek(1) == '+' || Peek(1) == '-' ? 2 : 1;
      if (IsDigit(Peek(sign))) {
        at_ += sign;
        Digits(IsDigit);
      }
    }
    if (Peek() == 'j' || Peek() == 'J') ++at_;
  }

  // Of the longest operator that begins here.
  size_t OperatorLength(char c) const {
    char second = Peek(1);
    if (c == '.') return second == '.' && Peek(2) == '.' ? 3 : 1;
    if (second == c && (c == '*' || c == '/' || c == '<' || c == '>')) return Peek(2) == '=' ? 3 : 2;
    if (second == '>' && (c == '-' || c == '<')) return 2;
    static constexpr std::string_view kBeforeEquals = "+-*/%&|^@=!<>:";
    return second == '=' && kBeforeEquals.find(c) != std::string_view::npos ? 2 : 1;
  }

  void Operator(char c) {
    size_t length = OperatorLength(c);
    static constexpr std::string_view kSingle = "+-*/%&|~^<>()[]{},:;.=@";
    if (length == 1 && kSingle.find(c) == std::string_view::npos) {
      // `files = !ls`, `object?`
      if (ipython_ && (c == '!' || c == '?')) return Magic();
      return Fail(line_, "'" + Printable(source_.substr(at_, 1)) + "' does not belong there");
    }
    if (length == 1 && !Bracket(c)) return;
    Emit(Kind::kOperator, at_, length);
    at_ += length;
  }

  bool Bracket(char c) {
    if (c == '(' || c == '[' || c == '{') {
      if (brackets_.size() >= kMaxBrackets) return Fail(line_, "too many nested parentheses"), false;
      brackets_ += c;
      bracket_lines_.push_back(line_);
    } else if (c == ')' || c == ']' || c == '}') {
      char open = c == ')' ? '(' : c == ']' ? '[' : '{';
      if (brackets_.empty() || brackets_.back() != open)
        return Fail(line_, std::string("unmatched '") + c + "'"), false;
      brackets_.pop_back();
      bracket_lines_.pop_back();
    }
    return true;
  }

  struct Indent {
    size_t column;
    size_t alternative;
  };

  std::string_view source_;
  bool ipython_;
  PythonTokens out_;
  size_t at_ = 0;
  uint32_t line_ = 1;
  bool in_statement_ = false;
  std::vector<Indent> indents_ = {{0, 0}};
  std::string brackets_;
  std::vector<uint32_t> bracket_lines_;
};

// PEP 263: "# -*- coding: latin-1 -*-" in one of the first two lines, the first of which is a comment or
// blank then. Empty: none.
std::string CodingCookie(std::string_view text) {
  for (int i = 0; i < 2; ++i) {
    std::string_view line = text.substr(0, text.find('\n'));
    std::string_view trimmed = Trim(line);
    if (trimmed.starts_with('#')) {
      size_t at = trimmed.find("coding");
      while (at != std::string_view::npos) {
        std::string_view rest = trimmed.substr(at + 6);
        if (rest.starts_with(':') || rest.starts_with('=')) {
          rest = Trim(rest.substr(1));
          size_t end = 0;
          while (end < rest.size() && (IsNamePart(rest[end]) || rest[end] == '-' || rest[end] == '.')) ++end;
          if (end > 0) return Lower(rest.substr(0, end));
        }
        at = trimmed.find("coding", at + 1);
      }
    } else if (!trimmed.empty()) {
      return "";
    }
    if (line.size() >= text.size()) return "";
    text.remove_prefix(line.size() + 1);
  }
  return "";
}

// Every byte below 0x80 is the ASCII character, wherever it stands.
bool IsSingleByteEncoding(std::string_view name) {
  for (std::string_view start : {"latin", "iso-8859", "iso8859", "iso_8859", "cp125", "windows-125", "koi8",
                                 "ascii", "us-ascii", "l1", "mac-roman", "macroman"}) {
    if (name.starts_with(start)) return true;
  }
  return false;
}

bool IsUtf8Name(std::string_view name) {
  return name == "utf8" || name.starts_with("utf-8") || name == "utf_8" || name == "u8" ||
         name == "utf_8_sig";
}

void AppendUtf8(uint32_t code, std::string& out) {
  auto byte = [&](uint32_t value) { out += static_cast<char>(value); };
  if (code < 0x80) return byte(code);
  if (code < 0x800) return byte(0xC0 | code >> 6), byte(0x80 | (code & 0x3F));
  if (code < 0x10000)
    return byte(0xE0 | code >> 12), byte(0x80 | (code >> 6 & 0x3F)), byte(0x80 | (code & 0x3F));
  byte(0xF0 | (code >> 18 & 0x07));
  byte(0x80 | (code >> 12 & 0x3F));
  byte(0x80 | (code >> 6 & 0x3F));
  byte(0x80 | (code & 0x3F));
}

// The escape at `text`, behind the backslash; returns its length. Source: the Python Language Reference,
// 2.4.1.
size_t Unescape(std::string_view text, std::string& out) {
  char c = text[0];
  static constexpr std::string_view kLetters = "\\'\"abfnrtv";
  static constexpr std::string_view kMeanings = "\\'\"\a\b\f\n\r\t\v";
  if (size_t at = kLetters.find(c); at != std::string_view::npos) return out += kMeanings[at], 1;
  if (c == '\n') return 1;
  size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  uint32_t code = 0;
  if (digits > 0 && text.size() > digits &&
      std::all_of(text.begin() + 1, text.begin() + 1 + static_cast<std::ptrdiff_t>(digits), IsHex)) {
    for (size_t i = 1; i <= digits; ++i) {
      auto lower = static_cast<uint32_t>(text[i] | 0x20);
      code = code << 4 | (IsDigit(text[i]) ? static_cast<uint32_t>(text[i] - '0') : lower - 'a' + 10);
    }
    return AppendUtf8(code, out), digits + 1;
  }
  size_t length = 0;
  for (; length < 3 && length < text.size() && text[length] >= '0' && text[length] <= '7'; ++length)
    code = code << 3 | static_cast<uint32_t>(text[length] - '0');
  if (length > 0) return AppendUtf8(code, out), length;
  out += '\\';
  return 0;
}

}  // namespace

PythonTokens TokenizePython(std::string_view source, bool ipython) {
  return Tokenizer(source, ipython).Run();
}

Result<std::string> DecodePython(std::string_view bytes) {
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF"))
    return Error{ErrorKind::kMalformed, "it is UTF-16, which Python does not run"};
  bool mark = bytes.starts_with("\xEF\xBB\xBF");
  if (mark) bytes.remove_prefix(3);
  if (bytes.find('\0') != std::string_view::npos)
    return Error{ErrorKind::kMalformed, "it has null bytes in it, so it is no Python"};
  std::string cookie = CodingCookie(bytes);
  if (cookie.empty() || IsUtf8Name(cookie)) {
    if (!IsUtf8(bytes)) return Error{ErrorKind::kMalformed, "it is not UTF-8 and names no other encoding"};
  } else if (mark || !IsSingleByteEncoding(cookie)) {
    return Error{ErrorKind::kMalformed, "its encoding, " + Printable(cookie, 40) + ", is not understood"};
  }
  std::string text;
  if (bytes.find('\r') == std::string_view::npos) return text = bytes;
  text.reserve(bytes.size());
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != '\r') {
      text += bytes[i];
    } else if (i + 1 >= bytes.size() || bytes[i + 1] != '\n') {
      text += '\n';
    }
  }
  return text;
}

std::optional<std::string> StringValue(std::string_view token) {
  size_t quote_at = token.find_first_of("'\"");
  if (quote_at == std::string_view::npos) return std::nullopt;
  std::string prefix = Lower(token.substr(0, quote_at));
  if (prefix.find('b') != std::string::npos || prefix.find('t') != std::string::npos) return std::nullopt;
  bool raw = prefix.find('r') != std::string::npos;
  bool fields = prefix.find('f') != std::string::npos;
  token.remove_prefix(quote_at);
  size_t width = token.size() >= 6 && token[1] == token[0] && token[2] == token[0] ? 3 : 1;
  if (token.size() < 2 * width) return std::nullopt;
  token = token.substr(width, token.size() - 2 * width);
  std::string value;
  for (size_t i = 0; i < token.size(); ++i) {
    char c = token[i];
    if (c == '\\' && !raw && i + 1 < token.size()) {
      i += Unescape(token.substr(i + 1), value);
    } else if (fields && (c == '{' || c == '}')) {
      if (i + 1 >= token.size() || token[i + 1] != c) return std::nullopt;
      value += c;
      ++i;
    } else {
      value += c;
    }
  }
  return value;
}

}  // namespace tfdoctor
