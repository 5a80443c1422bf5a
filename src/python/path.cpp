#include "python/path.h"

#include <vector>

#include "base/text.h"

namespace tfdoctor {

std::string DirName(std::string_view path) {
  size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return "";
  std::string_view head = path.substr(0, slash + 1);
  size_t last = head.find_last_not_of('/');
  return std::string(last == std::string_view::npos ? head : head.substr(0, last + 1));
}

std::string BaseName(std::string_view path) {
  size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

std::string JoinPath(std::string_view a, std::string_view b) {
  if (a.empty() || b.starts_with('/')) return std::string(b);
  std::string joined(a);
  if (!joined.ends_with('/')) joined += '/';
  return joined.append(b);
}

std::string NormPath(std::string_view path) {
  if (path.empty()) return ".";
  std::string root;
  if (path.starts_with('/')) root = path.starts_with("//") && !path.starts_with("///") ? "//" : "/";
  std::vector<std::string> parts;
  for (std::string& part : Split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != ".." || (root.empty() && (parts.empty() || parts.back() == ".."))) {
      parts.push_back(std::move(part));
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string text = root + Join(parts, "/");
  return text.empty() ? "." : text;
}

std::string AbsPath(std::string_view path, std::string_view working_directory) {
  return NormPath(JoinPath(working_directory, path));
}

}  // namespace tfdoctor
