// Prints every file of a root as tfdoctor sees it, for comparison: dump_tree root FOLDER | dump_tree image
// FILE
#include <cstdio>
#include <string>

#include "base/text.h"
#include "image/image.h"
#include "system/root.h"

namespace {

using namespace tfdoctor;

void Dump(const System& system, const std::string& path, bool contents, std::string& out) {
  for (const DirEntry& entry : system.List(path).value_or({})) {
    const std::string child = (path == "/" ? "" : path) + "/" + entry.name;
    const FileStat stat = system.LStat(child).value_or({});
    out += Printable(child) + " " + std::to_string(static_cast<int>(stat.type)) + " " +
           std::to_string(stat.mode);
    if (stat.type == FileType::kSymlink) out += " -> " + system.ReadLink(child).value_or("?");
    if (stat.type == FileType::kRegular) out += " " + std::to_string(stat.size);
    const Result<std::string> text =
        stat.type == FileType::kRegular ? system.ReadAll(child, 1 << 20) : std::string();
    if (contents && stat.type == FileType::kRegular)
      out += " " + (text.ok() ? Printable(*text, 60) : text.error().message);
    const Result<std::string> real = system.RealPath(child);
    out +=
        " = " + (real.ok() ? Printable(*real) : std::to_string(static_cast<int>(real.error().kind))) + "\n";
    if (stat.type == FileType::kDirectory) Dump(system, child, contents, out);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::string out;
  if (std::string(argv[1]) == "root") {
    const auto root = RootSystem(argv[2], {});
    if (!root.ok()) return std::fprintf(stderr, "%s\n", root.error().message.c_str()), 1;
    Dump(**root, "/", true, out);
  } else {
    const auto opened = image::ImageSystem::Open(argv[2], {"x86_64", {}, {}}, {}, {});
    if (!opened.ok()) return std::fprintf(stderr, "%s\n", opened.error().message.c_str()), 1;
    do {
      out.clear();
      Dump(**opened, "/", true, out);
    } while ((*opened)->Fetch().value_or(false));
  }
  std::fputs(out.c_str(), stdout);
}
