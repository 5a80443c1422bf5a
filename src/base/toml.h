// toml++, with the same settings wherever it is included: the linker keeps one copy of its functions.
// Slow to compile, so only where TOML is read.
#pragma once

namespace tfdoctor {
struct TomlParserGaveUp {};
constexpr void TomlParserExpects(bool holds) {
  if (!holds) throw TomlParserGaveUp{};
}
}  // namespace tfdoctor

// toml++ 3.3 asserts on some malformed input ("[=]", found by fuzzing), and with NDEBUG assumes that it does
// not occur. Here such input ends the parse instead: catch TomlParserGaveUp.
#undef NDEBUG
#define TOML_ASSERT(expression) ::tfdoctor::TomlParserExpects(static_cast<bool>(expression))
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>
