// Paths as text, exactly as Python's posixpath treats them: what it would call by the same name.
#pragma once

#include <string>
#include <string_view>

namespace tfdoctor {

std::string DirName(std::string_view path);
std::string BaseName(std::string_view path);
// An absolute second part replaces the first.
std::string JoinPath(std::string_view a, std::string_view b);
// Resolves "//", "." and ".." as text; "" becomes "."; exactly two leading slashes stay, as POSIX wants.
std::string NormPath(std::string_view path);
std::string AbsPath(std::string_view path, std::string_view working_directory);

}  // namespace tfdoctor
