// The root of a container image, without unpacking it: an index of its files in memory, and of their contents
// what was asked for, in a temporary file of bounded size.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "image/manifest.h"
#include "image/tree.h"
#include "system/posix.h"
#include "system/system.h"

namespace tfdoctor::image {

class ImageSystem : public System {
 public:
  // Reads through all layers once. `variables` are laid over the image's own.
  static Result<std::unique_ptr<ImageSystem>> Open(const std::string& path, const Wanted& wanted,
                                                   const std::map<std::string, std::string>& variables,
                                                   Progress progress);

  // A content that is not at hand is an error of kind kIo, and noted. This reads through the layers again for
  // all that is noted; false: nothing was, or it cannot be had. Who asks again then gets it.
  Result<bool> Fetch();

  const std::string& which() const { return manifest_.which; }
  // ENTRYPOINT and CMD.
  const std::vector<std::string>& command() const { return manifest_.command; }
  // What the command makes of them before it starts the program.
  void Enter(std::map<std::string, std::string> environment, std::string working_directory) {
    manifest_.environment = std::move(environment);
    manifest_.working_directory = std::move(working_directory);
  }

  // For who cannot ask again later: reads through the layers at once where the content is not at hand.
  Result<std::string> ReadNow(const std::string& path, size_t length);

  Result<std::string> Read(const std::string& path, uint64_t offset, size_t length) const override;
  Result<std::vector<DirEntry>> List(const std::string& path, size_t limit = 100'000) const override;
  Result<std::string> ReadLink(const std::string& path) const override;
  Result<FileStat> Stat(const std::string& path) const override { return StatOf(path, true); }
  Result<FileStat> LStat(const std::string& path) const override { return StatOf(path, false); }
  Result<bool> MayAccess(const std::string& path, Access access) const override;
  Result<std::string> RealPath(const std::string& path) const override;
  const std::map<std::string, std::string>& Environment() const override { return manifest_.environment; }
  std::string WorkingDirectory() const override { return manifest_.working_directory; }
  uint32_t EffectiveUser() const override { return user_; }
  std::string Machine() const override { return manifest_.machine; }
  int IsaLevel() const override { return isa_level_; }
  std::string NotRunning() const override { return not_running_; }
  Result<std::string> KernelLog() const override;

 private:
  // Where a file's content lies; all hard links of it share it.
  using Content = std::pair<uint16_t, uint64_t>;  // layer and offset
  struct Range {
    uint64_t from = 0, to = 0;  // in the file
  };
  struct Kept {
    uint64_t size = 0;
    uint64_t at = 0;  // in the temporary file
  };

  ImageSystem(Manifest manifest, Progress progress);
  Result<bool> OpenStore();
  Result<bool> Index();
  bool IsOfCommand(std::string_view path) const;
  Result<uint64_t> Prefetch(const TarEntry& entry, uint16_t layer, LayerReader& reader);
  Result<bool> KeepFrom(LayerReader& reader, Content content, uint64_t from, uint64_t size,
                        std::string* copy = nullptr);
  Result<bool> FetchLayer(uint16_t layer);
  Result<bool> Settle();
  Result<bool> TakeUser();
  Result<FileStat> StatOf(const std::string& path, bool follow) const;
  std::string Absolute(const std::string& path) const;
  void Want(Content content, uint64_t file_size, uint64_t offset, size_t length) const;

  Manifest manifest_;
  Progress progress_;
  Tree tree_;
  FileDescriptor store_;
  uint64_t stored_ = 0;
  std::map<Content, std::map<uint64_t, Kept>> kept_;  // by offset in the file
  std::vector<std::vector<Mark>> marks_;              // of each layer, by place
  mutable std::map<Content, std::vector<Range>> wanted_;
  int passes_ = 0;
  double read_ = 0;  // how often all layers were read through since they were indexed
  uint32_t user_ = 0;
  uint32_t group_ = 0;
  int isa_level_ = 0;
  std::string not_running_;
};

}  // namespace tfdoctor::image
