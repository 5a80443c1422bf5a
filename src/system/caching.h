// One look at the machine: what was asked once is not asked again. A check and the repairs that it tries see
// the same state, and a trial costs little.
#pragma once

#include <string>
#include <unordered_map>

#include "system/system.h"

namespace tfdoctor {

class CachingSystem : public ForwardingSystem {
 public:
  using ForwardingSystem::ForwardingSystem;

  Result<std::string> Read(const std::string& path, uint64_t offset, size_t length) const override;
  Result<std::vector<DirEntry>> List(const std::string& path, size_t limit = 100'000) const override;
  Result<std::string> ReadLink(const std::string& path) const override;
  Result<FileStat> Stat(const std::string& path) const override;
  Result<FileStat> LStat(const std::string& path) const override;
  Result<std::string> RealPath(const std::string& path) const override;

 private:
  template <class T>
  using Memory = std::unordered_map<std::string, Result<T>>;
  Result<std::string> Resolve(const std::string& path, int links_left) const;

  mutable Memory<std::string> reads_;
  mutable size_t read_bytes_ = 0;
  mutable Memory<std::vector<DirEntry>> lists_;
  mutable Memory<std::string> links_;
  mutable Memory<FileStat> stats_;
  mutable Memory<FileStat> link_stats_;
  mutable Memory<std::string> real_paths_;
};

}  // namespace tfdoctor
