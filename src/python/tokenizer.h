// Python source as tokens, as Python's own tokenizer sees them. Nothing is run.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tfdoctor {

struct PythonToken {
  // kMagic: a line of IPython ("%env X=1", "!pip install x"), only where those are asked for.
  enum class Kind : uint8_t { kName, kNumber, kString, kOperator, kNewline, kIndent, kDedent, kEnd, kMagic };
  Kind kind = Kind::kEnd;
  std::string_view text;  // of the source; an f-string is one token with all that is inside
  uint32_t line = 0;      // from 1
};
using Tokens = std::span<const PythonToken>;

inline bool IsName(const PythonToken& token, std::string_view text) {
  return token.kind == PythonToken::Kind::kName && token.text == text;
}
inline bool IsOperator(const PythonToken& token, std::string_view text) {
  return token.kind == PythonToken::Kind::kOperator && token.text == text;
}

struct PythonTokens {
  std::vector<PythonToken> tokens;
  // Where Python would refuse the source; the tokens before it are there.
  std::optional<Error> error;
};

// `source` is what DecodePython() gave; the tokens point into it. Comments and blank lines make no tokens.
PythonTokens TokenizePython(std::string_view source, bool ipython = false);

// The bytes of a file as text with "\n" at the ends of lines and without a byte order mark. An error: not in
// an encoding that Python would take, or in one whose bytes cannot be read as ASCII is.
Result<std::string> DecodePython(std::string_view bytes);

// The value of string tokens that stand next to each other; nullopt: bytes, or an f-string that computes.
std::optional<std::string> StringValue(std::string_view token);

}  // namespace tfdoctor
