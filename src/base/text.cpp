#include "base/text.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdio>

namespace tfdoctor {

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  parts.reserve(static_cast<size_t>(std::count(text.begin(), text.end(), separator)) + 1);
  for (size_t start = 0;;) {
    size_t end = text.find(separator, start);
    parts.emplace_back(text.substr(start, end - start));
    if (end == std::string_view::npos) return parts;
    start = end + 1;
  }
}

std::vector<std::string_view> SplitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) lines.push_back(TakeLine(text));
  return lines;
}

std::string_view TakeLine(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::vector<std::string_view> SplitWords(std::string_view text) {
  std::vector<std::string_view> words;
  for (size_t start = text.find_first_not_of(" \t"); start != std::string_view::npos;) {
    size_t end = text.find_first_of(" \t", start);
    words.push_back(text.substr(start, end - start));
    start = end == std::string_view::npos ? end : text.find_first_not_of(" \t", end);
  }
  return words;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n\f\v";
  size_t start = text.find_first_not_of(kBlank);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(kBlank) - start + 1);
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string Join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string joined;
  for (size_t i = 0; i < parts.size(); i++) {
    if (i > 0) joined += separator;
    joined += parts[i];
  }
  return joined;
}

namespace {

// Length of the well-formed UTF-8 sequence at `text` and its code point; 0 if it is malformed.
size_t DecodeUtf8(std::string_view text, uint32_t& code) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  if (byte(0) < 0x80) return code = byte(0), 1;
  size_t length = byte(0) >= 0xF0 && byte(0) < 0xF5   ? 4
                  : byte(0) >= 0xE0 && byte(0) < 0xF0 ? 3
                  : byte(0) >= 0xC2 && byte(0) < 0xE0 ? 2
                                                      : 0;
  if (length == 0 || text.size() < length) return 0;
  code = byte(0) & (0xFFU >> (length + 1));
  for (size_t i = 1; i < length; i++) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3FU);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[length] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return 0;
  return length;
}

bool IsBidirectionalControl(uint32_t code) {
  return code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0x2028 || code == 0x2029 || code == 0xFEFF;
}

}  // namespace

std::string Printable(std::string_view text, size_t limit) {
  // Nearly every text is plain, and the errors of a search path make many of them.
  auto plain = [](char c) { return c >= 0x20 && c < 0x7F; };
  if (text.size() <= limit && std::all_of(text.begin(), text.end(), plain)) return std::string(text);
  std::string out;
  bool cut = text.size() > limit;
  size_t i = 0;
  while (i < text.size() && i < limit) {
    uint32_t code = 0;
    size_t length = DecodeUtf8(text.substr(i), code);
    char escaped[16];
    if (length == 0 || code < 0x20 || (code >= 0x7F && code < 0xA0)) {
      length = std::max<size_t>(length, 1);
      for (size_t k = 0; k < length; k++) {
        std::snprintf(escaped, sizeof escaped, "\\x%02x",
                      static_cast<unsigned>(static_cast<uint8_t>(text[i + k])));
        out += escaped;
      }
    } else if (IsBidirectionalControl(code)) {
      std::snprintf(escaped, sizeof escaped, "\\u{%04x}", static_cast<unsigned>(code));
      out += escaped;
    } else {
      out += text.substr(i, length);
    }
    i += length;
  }
  if (cut) out += "…";
  return out;
}

std::string ShellQuote(std::string_view word) {
  constexpr std::string_view kSafe =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,";
  if (!word.empty() && word.find_first_not_of(kSafe) == std::string_view::npos) return std::string(word);
  std::string quoted = "'";
  for (char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

namespace {

// Takes the next number off `text`; false when there is none.
bool NextNumber(std::string_view& text, unsigned long long& number) {
  if (text.empty() || !IsDigit(text[0])) return false;
  number = 0;
  while (!text.empty() && IsDigit(text[0])) {
    if (number < 1'000'000'000'000ULL) number = number * 10 + static_cast<unsigned>(text[0] - '0');
    text.remove_prefix(1);
  }
  if (text.size() > 1 && text[0] == '.' && IsDigit(text[1])) {
    text.remove_prefix(1);
  } else {
    text = {};
  }
  return true;
}

}  // namespace

int CompareVersions(std::string_view a, std::string_view b) {
  for (;;) {
    unsigned long long x = 0;
    unsigned long long y = 0;
    bool more_a = NextNumber(a, x);
    bool more_b = NextNumber(b, y);
    if (!more_a && !more_b) return 0;
    if (x != y) return x < y ? -1 : 1;
  }
}

std::string FindVersion(std::string_view text) {
  for (size_t i = 0; i < text.size(); i++) {
    if (!IsDigit(text[i]) || (i > 0 && (IsDigit(text[i - 1]) || text[i - 1] == '.'))) continue;
    size_t end = i;
    bool dotted = false;
    while (end < text.size()) {
      if (IsDigit(text[end])) {
        end++;
      } else if (text[end] == '.' && end + 1 < text.size() && IsDigit(text[end + 1])) {
        dotted = true;
        end++;
      } else {
        break;
      }
    }
    if (dotted) return std::string(text.substr(i, end - i));
    i = end;
  }
  return {};
}

int MajorVersion(std::string_view version) {
  unsigned long long major = 0;
  return NextNumber(version, major) && major < 1'000'000 ? static_cast<int>(major) : -1;
}

bool IsDate(std::string_view version) { return MajorVersion(version) >= 100; }

}  // namespace tfdoctor
