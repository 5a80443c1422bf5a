// What people write between the lines that programs print.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tfdoctor {

// Whether a line is a sentence that somebody wrote: mostly plain words, and among them such as only sentences
// have ("my", "when", "but"). Time stamps, paths, code and tables are none.
bool IsSentence(std::string_view line);

// "the kernel was updated, and nvidia-smi fails since" has two. Of a long text (8 KiB) the beginning.
std::vector<std::string> Clauses(std::string_view text);

}  // namespace tfdoctor
