// Zip archives on sys.path, as zipimport reads them: by their central directory.
#pragma once

#include <string>

#include "base/result.h"
#include "system/system.h"

namespace tfdoctor {

// Whether `import NAME` could take something from this entry of sys.path ("/a/b.zip", "/a/b.zip/folder").
// kNotFound: the entry is no archive, so Python passes over it. Any other error: it could not be told.
Result<bool> ArchiveMayHold(const System& system, const std::string& entry, const std::string& name);

}  // namespace tfdoctor
