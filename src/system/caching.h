// One look at the machine: what was asked once is not asked again. A check and the repairs that it tries see
// the same state, and a trial costs little.
#pragma once

#include <deque>
#include <string>
#include <unordered_map>

#include "system/system.h"

namespace tfdoctor {

class CachingSystem : public ForwardingSystem {
 public:
  explicit CachingSystem(const System& below)
      : ForwardingSystem(below), working_directory_(below.WorkingDirectory()), user_(below.EffectiveUser()) {}
  CachingSystem(const CachingSystem&) = delete;
  CachingSystem& operator=(const CachingSystem&) = delete;

  Result<std::string> Read(const std::string& path, uint64_t offset, size_t length) const override;
  Result<std::vector<DirEntry>> List(const std::string& path, size_t limit = 100'000) const override;
  Result<std::string> ReadLink(const std::string& path) const override;
  Result<FileStat> Stat(const std::string& path) const override;
  Result<FileStat> LStat(const std::string& path) const override;
  Result<bool> MayAccess(const std::string& path, Access access) const override;
  Result<std::string> RealPath(const std::string& path) const override;
  std::optional<std::string> Env(std::string_view name) const override { return below().Env(name); }
  std::string WorkingDirectory() const override { return working_directory_; }
  uint32_t EffectiveUser() const override { return user_; }
  Result<std::string> KernelLog() const override {
    if (!kernel_log_) kernel_log_ = below().KernelLog();
    return *kernel_log_;
  }
  std::vector<ChildEnd> RunChildren(const std::vector<ChildTask>& tasks,
                                    const ChildLimits& limits) const override {
    return below().RunChildren(tasks, limits);
  }
  Kept* kept() const override { return &kept_; }

  // The paths that were asked about, in the order of the first time; the same path may be there twice.
  struct Asked {
    std::string_view path;  // as long as this lives
    bool listed;
  };
  const std::deque<Asked>& asked() const { return asked_; }

 private:
  template <class T>
  using Memory = std::unordered_map<std::string, Result<T>>;
  struct RealPathAnswer {
    Result<std::string> answer;
    int links;  // followed on the way
  };
  Result<std::string> Resolve(const std::string& path, int& links_left) const;
  void NoteAsked(const std::string& path) const;  // of what is not kept

  std::string working_directory_;
  uint32_t user_;
  mutable Memory<std::string> reads_;
  mutable size_t read_bytes_ = 0;
  mutable Memory<std::vector<DirEntry>> lists_;
  mutable Memory<std::string> links_;
  mutable Memory<FileStat> stats_;
  mutable Memory<FileStat> link_stats_;
  mutable std::unordered_map<std::string, RealPathAnswer> real_paths_;
  mutable std::deque<Asked> asked_;
  mutable std::deque<std::string> asked_alone_;  // paths that stand in no memory
  mutable std::optional<Result<std::string>> kernel_log_;
  mutable Kept kept_{this, {}};
};

}  // namespace tfdoctor
