// What nothing looks at is not kept: a recording needs no author of a package and no description.
#pragma once

#include <string>

namespace tfdoctor {

// Blanks in what was read of the file `path` all that is not judged. Its length stays.
void BlankUnjudged(const std::string& path, std::string& bytes);

}  // namespace tfdoctor
