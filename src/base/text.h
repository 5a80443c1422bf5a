// Small helpers on text that several folders need.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tfdoctor {

// "a:b::c" with ':' gives {"a","b","","c"}; the empty text gives {""}.
std::vector<std::string> Split(std::string_view text, char separator);
// Lines without their "\n" or "\r\n"; a final newline makes no empty last line.
std::vector<std::string_view> SplitLines(std::string_view text);
std::string_view TakeLine(std::string_view& text);  // the first of them; the rest stays
// Words separated by blanks and tabs; no empty words.
std::vector<std::string_view> SplitWords(std::string_view text);
std::string_view Trim(std::string_view text);
inline bool Has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}
inline bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}
inline bool IsOneOf(std::string_view text, std::span<const std::string_view> list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}
constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
std::string Lower(std::string_view text);
std::string Join(const std::vector<std::string>& parts, std::string_view separator);

// Makes text from outside safe for a terminal and for one line: control characters, escape sequences and
// invalid UTF-8 become \xNN, bidirectional controls become \u{NNNN}; everything else stays. At most `limit`
// bytes of the input are shown, then "…".
std::string Printable(std::string_view text, size_t limit = 4096);

// Quotes a word for a POSIX shell when it needs it: `a b` -> 'a b'.
std::string ShellQuote(std::string_view word);

// Compares dotted numbers: "525.60.13" < "545.23.06", "12.9" < "12.10"; text after the numbers is ignored
// ("2.15.0.post1" equals "2.15.0" here: PEP 440 lives in python/). Missing parts are 0. Returns <0, 0, >0.
int CompareVersions(std::string_view a, std::string_view b);
// The first dotted number in a text ("NVRM version: … 535.54.03  Tue" -> "535.54.03"), else "".
std::string FindVersion(std::string_view text);
// "12.5.1" -> 12; no digits -> -1.
int MajorVersion(std::string_view version);
// The day of a nightly build where a version should stand, "2020.03.16": no release has so high a number.
bool IsDate(std::string_view version);

}  // namespace tfdoctor
