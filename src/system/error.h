// Errors of system calls in the form that every System returns.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tfdoctor {

// "cannot read PATH: what errno says", of the kind that this errno means.
Error FileError(const std::string& path, int error_number);
// The same with words of our own.
Error FileError(const std::string& path, ErrorKind kind, std::string_view why);

}  // namespace tfdoctor
