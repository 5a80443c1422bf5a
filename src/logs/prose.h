// What people write between the lines that programs print.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tfdoctor {

// The first byte of a character of a script that does not part words: Chinese, Japanese, Korean (U+3000 to
// U+D7FF in UTF-8).
inline bool IsOfUnpartedText(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0xE3 && byte <= 0xED;
}

// The parts of a text between the first of these words, then the next.
template <size_t N>
std::vector<std::string_view> SplitAt(std::string_view text, const std::string_view (&between)[N]) {
  constexpr size_t kLongest = 8192;  // as of a statement
  text = text.substr(0, kLongest);
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    size_t end = text.size(), next = end;
    for (const std::string_view word : between) {
      const size_t at = text.find(word);
      if (at < end) end = at, next = at + word.size();
    }
    parts.push_back(text.substr(0, end));
    text.remove_prefix(next);
  }
  return parts;
}

// Whether a line is a sentence that somebody wrote: mostly plain words, and among them such as only sentences
// have ("my", "when", "but"). Time stamps, paths, code and tables are none.
bool IsSentence(std::string_view line);

// "the kernel was updated, and nvidia-smi fails since" has two. Of a long text (8 KiB) the beginning.
std::vector<std::string> Clauses(std::string_view text);

// Packages of those in `known` that are said to be installed together, and their versions where they are
// named: "I have tensorflow-gpu==1.8.0 and tensorflow==1.8.0 installed", "pip install tensorflow
// tensorflow-gpu"; empty: nothing like it is said.
std::map<std::string, std::string> InstalledTogether(std::string_view text,
                                                     const std::vector<std::string>& known);

}  // namespace tfdoctor
