// Any bytes as a container image, and as a layer of one.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "image/image.h"
#include "image/layer.h"
#include "image/tar.h"
#include "image/tree.h"

namespace {

using namespace tfdoctor;

void Look(const System& system, const std::string& path, int& left) {
  for (const DirEntry& entry : system.List(path, 1000).value_or({})) {
    if (left-- <= 0) return;
    const std::string child = (path == "/" ? "" : path) + "/" + entry.name;
    (void)system.Read(child, 0, 4096);
    (void)system.ReadLink(child);
    // A path without links names the same file.
    const Result<std::string> real = system.RealPath(child);
    if (real.ok() && system.LStat(*real).value_or({}).inode != system.Stat(child).value_or({}).inode)
      __builtin_trap();
    if (entry.type == FileType::kDirectory) Look(system, child, left);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const int file = memfd_create("image", MFD_CLOEXEC);
  if (file < 0) return 0;
  if (write(file, data, size) == static_cast<ssize_t>(size)) {
    const std::string path = "/proc/self/fd/" + std::to_string(file);
    int left = 2000;
    const auto opened = image::ImageSystem::Open(path, {"x86_64", {}, {}}, {}, {});
    if (opened.ok()) {
      Look(**opened, "/", left);
      if ((*opened)->Fetch().value_or(false)) Look(**opened, "/", left = 2000);
    }
    image::Tree tree;
    auto reader = image::LayerReader::Open({path, 0, size});
    // What unpacks to much more than it is takes time, and shows nothing new.
    uint64_t most = 64 << 20;
    const image::TakeEntry take = [&](const image::TarEntry& entry, image::LayerReader&) -> Result<uint64_t> {
      if (entry.size > most) return Error{ErrorKind::kTooLarge, "enough"};
      most -= entry.size;
      Result<bool> added = tree.Add(entry, 1);
      return added.ok() ? Result<uint64_t>(uint64_t{0}) : Result<uint64_t>(added.error());
    };
    if (reader.ok()) (void)image::ReadTar(**reader, take);
  }
  close(file);
  return 0;
}
