// The reader of programs on arbitrary bytes: as a script, as a notebook, and the tokenizer alone, whose
// tokens must lie in the source one after the other.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "python/program.h"
#include "python/tokenizer.h"

using namespace tfdoctor;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 3 < 2) {
    (void)ReadProgramText(text, data[0] % 3 == 1);
    return 0;
  }
  Result<std::string> source = DecodePython(text);
  if (!source) return 0;
  const char* at = source->data();
  for (const PythonToken& token : TokenizePython(*source, size % 2 == 0).tokens) {
    if (token.kind == PythonToken::Kind::kDedent || token.kind == PythonToken::Kind::kEnd) continue;
    if (token.text.data() < at || token.text.data() + token.text.size() > source->data() + source->size())
      std::abort();
    at = token.text.data() + token.text.size();
    if (token.kind == PythonToken::Kind::kString) (void)StringValue(token.text);
  }
  return 0;
}
