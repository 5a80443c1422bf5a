// Whether Python 3 would take a text as a program, as far as its tokens tell: what stands beside what.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "python/tokenizer.h"

namespace tfdoctor {

// "line 3: …", where Python 3 would refuse the text. Nothing of what it takes is refused here; of what it
// refuses, whatever has two values side by side, an operator without its value, a header without its block.
std::optional<Error> RefusedByPython(const std::vector<PythonToken>& tokens);

}  // namespace tfdoctor
