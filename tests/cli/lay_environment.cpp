// Writes made site-packages to a real folder: lay_environment SITE_PACKAGES TENSORFLOW_VERSION
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "made_environment.h"

namespace {

using namespace tfdoctor;
namespace fs = std::filesystem;

void Write(const System& machine, const std::string& from, const fs::path& to) {
  fs::create_directories(to);
  for (const DirEntry& entry : machine.List(from).value_or({})) {
    const std::string path = from + "/" + entry.name;
    if (entry.type == FileType::kDirectory) {
      Write(machine, path, to / entry.name);
    } else {
      std::ofstream(to / entry.name, std::ios::binary) << machine.ReadAll(path, 64 << 20).value_or("");
      fs::resize_file(to / entry.name, machine.Stat(path).value_or({}).size);  // sparse
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: %s SITE_PACKAGES TENSORFLOW_VERSION\n", argv[0]), 2;
  const auto nothing = EmptySystem();
  OverlaySystem machine(*nothing);
  if (Result<bool> made = MakeSitePackages(argv[2], "/site", machine); !made.ok()) {
    return std::fprintf(stderr, "%s\n", made.error().message.c_str()), 1;
  }
  Write(machine, "/site", argv[1]);
}
