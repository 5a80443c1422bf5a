#include "render/terminal.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/text.h"

namespace tfdoctor {
namespace {

// Longer lines of prose are hard to read, however wide the terminal is.
constexpr size_t kProseWidth = 100;

// The code point at `i` of UTF-8 text, `i` moved behind it. A malformed byte counts as one character.
uint32_t NextCodePoint(std::string_view text, size_t& i) {
  const auto first = static_cast<uint8_t>(text[i++]);
  if (first < 0xC0) return first;
  const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  uint32_t code = first & (0x3FU >> more);
  for (int k = 0; k < more && i < text.size() && (static_cast<uint8_t>(text[i]) & 0xC0) == 0x80; k++) {
    code = code << 6 | (static_cast<uint8_t>(text[i++]) & 0x3FU);
  }
  return code;
}

struct Range {
  uint32_t first;
  uint32_t last;
};

// East_Asian_Width W and F, in blocks (Unicode 15, EastAsianWidth.txt).
constexpr Range kWide[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0x33FF},   {0x3400, 0x4DBF},
                           {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},   {0xA960, 0xA97F},   {0xAC00, 0xD7A3},
                           {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
                           {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
// Combining marks and joiners, which take no column.
constexpr Range kZero[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x064B, 0x065F},
                           {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200D}, {0x20D0, 0x20FF},
                           {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};

template <size_t N>
bool In(const Range (&ranges)[N], uint32_t code) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [&](const Range& range) { return code >= range.first && code <= range.last; });
}

constexpr std::string_view kEscape = "\x1b[";

std::string_view Code(Tone tone) {
  switch (tone) {
    case Tone::kStrong:
      return "1";
    case Tone::kGood:
      return "32";
    case Tone::kBad:
      return "1;31";
    case Tone::kDoubt:
      return "33";
    case Tone::kFaint:
      return "2";
    case Tone::kCode:
      return "36";
  }
  return "0";
}

// The typography that our own texts use.
constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kAscii = {{{"…", "..."},
                                                                                   {"–", "-"},
                                                                                   {"—", "-"},
                                                                                   {"‘", "'"},
                                                                                   {"’", "'"},
                                                                                   {"“", "\""},
                                                                                   {"”", "\""},
                                                                                   {"→", "->"},
                                                                                   {"·", "-"},
                                                                                   {"•", "-"},
                                                                                   {"×", "x"},
                                                                                   {"≥", ">="},
                                                                                   {"≤", "<="},
                                                                                   {"\u00A0", " "}}};

std::string ToAscii(std::string text) {
  for (const auto& [from, to] : kAscii) {
    for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
      text.replace(at, from.size(), to);
    }
  }
  return text;
}

size_t LeadingBlanks(std::string_view line) { return std::min(line.find_first_not_of(' '), line.size()); }

// "- ", "* ", "12. ": the length of a list item's mark, 0 when the line starts none.
size_t ListMark(std::string_view line) {
  if (line.starts_with("- ") || line.starts_with("* ")) return 2;
  const size_t digits = line.find_first_not_of("0123456789");
  return digits != std::string_view::npos && digits > 0 && digits < 4 && line.substr(digits).starts_with(". ")
             ? digits + 2
             : 0;
}

}  // namespace

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  for (size_t i = 0; i < text.size();) {
    if (text.substr(i).starts_with(kEscape)) {
      i = std::min(text.find('m', i), text.size() - 1) + 1;
      continue;
    }
    const uint32_t code = NextCodePoint(text, i);
    width += In(kWide, code) ? 2 : In(kZero, code) ? 0 : 1;
  }
  return width;
}

std::string Printer::Safe(std::string_view text) const {
  std::string safe = Printable(text);
  return options_.unicode ? safe : ToAscii(std::move(safe));
}

std::string Printer::Toned(Tone tone, std::string_view text) const {
  if (!options_.color || text.empty()) return std::string(text);
  std::string toned(kEscape);
  toned.append(Code(tone)).append("m").append(text).append(kEscape).append("0m");
  return toned;
}

std::string Printer::Inline(std::string_view markdown) const {
  const std::string safe = Safe(markdown);
  if (!options_.color) {
    std::string plain = safe;  // backticks stay: they say what is literal
    for (size_t at = plain.find("**"); at != std::string::npos; at = plain.find("**", at)) plain.erase(at, 2);
    return plain;
  }
  std::string out;
  for (std::string_view rest = safe; !rest.empty();) {
    const std::string_view mark = rest.starts_with("**") ? "**" : rest.starts_with("`") ? "`" : "";
    const size_t end = mark.empty() ? std::string_view::npos : rest.find(mark, mark.size());
    if (end == std::string_view::npos) {
      const size_t plain = std::max<size_t>(1, std::min(rest.find_first_of("*`", 1), rest.size()));
      out += rest.substr(0, plain);
      rest.remove_prefix(plain);
    } else {
      out += Toned(mark == "`" ? Tone::kCode : Tone::kStrong, rest.substr(mark.size(), end - mark.size()));
      rest.remove_prefix(end + mark.size());
    }
  }
  return out;
}

void Printer::Blank() {
  if (!out_.empty() && !out_.ends_with("\n\n")) out_ += '\n';
}

void Printer::Wrapped(std::string_view text, std::string_view first_prefix, std::string_view rest_prefix) {
  WrapTo(options_.width, text, first_prefix, rest_prefix);
}

void Printer::Prose(std::string_view text, std::string_view first_prefix, std::string_view rest_prefix) {
  WrapTo(std::min(options_.width, kProseWidth), text, first_prefix, rest_prefix);
}

void Printer::WrapTo(size_t width, std::string_view text, std::string_view first_prefix,
                     std::string_view rest_prefix) {
  out_ += first_prefix;
  size_t column = DisplayWidth(first_prefix);
  bool fresh = true;
  for (std::string_view word : SplitWords(text)) {
    const size_t columns = DisplayWidth(word);
    if (!fresh && column + 1 + columns > width) {
      out_ += '\n';
      out_ += rest_prefix;
      column = DisplayWidth(rest_prefix);
      fresh = true;
    }
    if (!fresh) out_ += ' ';
    out_ += word;
    column += columns + (fresh ? 0 : 1);
    fresh = false;
  }
  while (out_.ends_with(' ')) out_.pop_back();
  out_ += '\n';
}

void Printer::Verbatim(std::string_view text, std::string_view prefix) {
  // No limit and no change of letters: a command that was cut or altered would be pasted so.
  const std::string safe = Printable(text, std::numeric_limits<size_t>::max());
  out_ += prefix;
  out_ += safe;
  while (out_.ends_with(' ')) out_.pop_back();
  out_ += '\n';
}

void Printer::Heading(std::string_view text) {
  Blank();
  Wrapped(Toned(Tone::kStrong, Safe(text)));
}

void Printer::Markdown(std::string_view page, std::string_view indent) {
  std::string paragraph;  // gathered until a line that ends it
  std::string first(indent);
  std::string rest(indent);
  const auto flush = [&] {
    if (!paragraph.empty()) Prose(Inline(paragraph), first, rest);
    paragraph.clear();
  };
  const std::string code_indent = std::string(indent) + "    ";
  bool fenced = false;
  bool in_list = false;
  for (std::string_view line : SplitLines(page)) {
    const std::string_view text = Trim(line);
    const size_t blanks = LeadingBlanks(line);
    if (text.starts_with("```")) {
      flush();
      Blank();
      fenced = !fenced;
    } else if (fenced) {
      Verbatim(line, code_indent);
    } else if (text.empty()) {
      flush();
      Blank();
    } else if (blanks >= 4 && paragraph.empty() && !in_list) {
      Verbatim(line.substr(4), code_indent);
    } else if (text.starts_with("#")) {
      flush();
      in_list = false;
      Heading(Trim(text.substr(std::min(text.find_first_not_of('#'), text.size()))));
      first = rest = indent;
    } else if (const size_t mark = ListMark(text); mark > 0) {
      flush();
      in_list = true;
      const std::string shown = text[0] == '*' || text[0] == '-' ? (options_.unicode ? "• " : "- ")
                                                                 : std::string(text.substr(0, mark));
      first = std::string(indent) + std::string(blanks, ' ') + shown;
      rest = std::string(indent) + std::string(blanks + mark, ' ');
      paragraph = text.substr(mark);
    } else {
      if (paragraph.empty()) {  // a new paragraph: of the list's item if indented, else of the page
        if (blanks == 0) {
          in_list = false;
          rest = indent;
        }
        first = rest;
      } else {
        paragraph += ' ';
      }
      paragraph += text;
    }
  }
  flush();
}

}  // namespace tfdoctor
