// A machine with stated changes: how a repair is tried before it is offered, how `--assume` states a GPU, and
// how tests make machines. Paths that the overlay does not name are those of the System below.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "system/system.h"

namespace tfdoctor {

class OverlaySystem : public ForwardingSystem {
 public:
  explicit OverlaySystem(const System& below);

  // Each change is made where the kernel would make it: symbolic links among the parents are followed, the
  // last part is not. Parent directories come into being by themselves. A later change of the same path wins;
  // what lay below a directory that is removed or replaced does not come back.
  void AddFile(const std::string& path, std::string content, uint32_t mode = 0644);
  // A file of which only what matters is at hand: Stat tells `size`, Read gives `content` and nothing beyond
  // it.
  void AddLargeFile(const std::string& path, std::string content, uint64_t size);
  void AddDirectory(const std::string& path);
  void AddSymlink(const std::string& path, const std::string& target);
  void AddDevice(const std::string& path, uint64_t rdev, uint32_t mode = 0666);
  void Remove(const std::string& path);  // and everything below it
  void SetEnv(const std::string& name, const std::string& value);
  void UnsetEnv(const std::string& name);
  void SetWorkingDirectory(const std::string& path);
  void SetMachine(const std::string& machine, int isa_level);
  void SetEffectiveUser(uint32_t uid);
  void SetKernelLog(std::string text);
  // What children end with, by their arguments joined by blanks, with " without NAME" for each variable that
  // they do not get. All others are refused.
  void SetChildAnswer(const std::string& arguments, ChildEnd end);
  // Every call that names this path, or that reaches it through links, fails so: the machine that injects
  // errors.
  void Fail(const std::string& path, Error error);

  Result<std::string> Read(const std::string& path, uint64_t offset, size_t length) const override;
  Result<std::vector<DirEntry>> List(const std::string& path, size_t limit = 100'000) const override;
  Result<std::string> ReadLink(const std::string& path) const override;
  Result<FileStat> Stat(const std::string& path) const override;
  Result<FileStat> LStat(const std::string& path) const override;
  Result<bool> MayAccess(const std::string& path, Access access) const override;
  Result<std::string> RealPath(const std::string& path) const override;
  const std::map<std::string, std::string>& Environment() const override { return environment_; }
  std::optional<std::string> Env(std::string_view name) const override;
  bool KnowsVariable(std::string_view name) const override {
    return changed_variables_.contains(name) || below().KnowsVariable(name);
  }
  std::string WorkingDirectory() const override { return working_directory_; }
  uint32_t EffectiveUser() const override { return user_; }
  std::string Machine() const override { return machine_; }
  int IsaLevel() const override { return isa_level_; }
  Result<std::string> KernelLog() const override { return kernel_log_ ? *kernel_log_ : below().KernelLog(); }
  std::vector<ChildEnd> RunChildren(const std::vector<ChildTask>& tasks,
                                    const ChildLimits& limits) const override;
  Kept* kept() const override {
    // Only who may read what it names may use it.
    return failures_.empty() && user_ == below().EffectiveUser() ? below().kept() : nullptr;
  }

  // Whether a question about this path may be answered differently than by the layer below: something that
  // is changed lies on the way to it. `listed`: or directly in it.
  bool Changes(const std::string& path, bool listed) const;
  // Whether more than files is changed: environment, user, what fails, ….
  bool ChangesMoreThanFiles() const;

 private:
  struct Node {
    FileStat stat;
    std::string content;  // of a file; the target of a symbolic link
    bool removed = false;
    bool opaque = false;  // of a directory: nothing of the layer below is seen in it
  };
  struct Walk;
  void Put(const std::string& path, Node node);
  void Keep(const std::string& canonical, Node node);
  void ForgetFolders();  // before a change
  Node NewNode(FileType type, uint32_t mode);
  // Where a change of this path happens; the parents need not exist.
  std::string PlaceOf(const std::string& path);
  void MakeFolder(const std::string& canonical);
  // Follows every symbolic link of a path through both layers; the last part only if `follow_last`. That last
  // part need not exist.
  Result<std::string> Resolve(const std::string& path, bool follow_last) const;
  Result<std::string> Locate(const std::string& path,
                             bool follow_last) const;  // Resolve(), but fails as Fail() says
  Result<std::string> ResolveFolder(const std::string& path) const;
  Result<std::string> Follow(Walk walk) const;
  // Where a walk ends in the layer below, empty when nowhere; nullopt: it meets a change.
  std::optional<std::string> FollowUnchanged(Walk walk) const;
  const std::optional<std::string>& UnchangedFolder(const std::string& path) const;  // the same, of a folder
  Result<FileStat> EntryStat(const std::string& canonical) const;  // of a path whose parents are no links
  Result<std::string> LinkTarget(const std::string& canonical) const;
  // Whether to decide permissions here: of our own files, and when another user is to be judged.
  bool DecidesAccess(const std::string& canonical) const;
  bool Permits(const FileStat& stat, Access access) const;
  const Node* Find(std::string_view canonical) const;
  const Error* Failure(const std::string& path) const;
  bool Hidden(const std::string& canonical) const;  // the layer below is not seen there
  // Whether nothing is changed in the folder of this path, nor on the way to it: the layer below, asked with
  // the same words, knows the entry. (A link may still lead to a change.)
  bool Untouched(const std::string& path) const;
  bool LeadsNowhereElse(
      const std::string& path) const;  // nor is the entry a link, and it is our user who asks

  std::map<std::string, Node, std::less<>> nodes_;
  std::string all_begin_;  // what the paths of all nodes have in common
  // Programs ask for many files of few folders, and each part of a path costs calls to the layer below.
  mutable std::map<std::string, Result<std::string>> resolved_folders_;
  mutable std::unordered_map<std::string, std::optional<std::string>> unchanged_folders_;
  mutable std::unordered_map<std::string, bool> untouched_folders_;
  std::map<std::string, Error> failures_;
  std::map<std::string, std::string> environment_;
  std::set<std::string, std::less<>> changed_variables_;
  std::string working_directory_;
  std::string machine_;
  int isa_level_ = 0;
  uint32_t user_ = 0;
  std::optional<std::string> kernel_log_;
  std::map<std::string, ChildEnd> child_answers_;
};

// A machine with nothing on it: only "/"; user 1000, x86_64.
std::unique_ptr<System> EmptySystem();

}  // namespace tfdoctor
