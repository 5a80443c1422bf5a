// What was asked of a machine and what it answered: made while it is looked at, kept in a file, and looked at
// again in its place, anywhere.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "system/system.h"

namespace tfdoctor {

// The answers about one path, each as it was first given.
struct RecordedPath {
  std::optional<Result<FileStat>> stat, link_stat;
  std::optional<Result<std::string>> link, real_path;
  std::optional<Result<std::vector<DirEntry>>> entries;
  size_t entries_limit = 0;  // that was asked with; of an error kTooLarge it is part of the answer
  std::map<Access, Result<bool>> access;
  // What was read, by offset; pieces neither overlap nor touch.
  std::map<uint64_t, std::string> pieces;
  std::optional<uint64_t> end;  // where the file was seen to end
  std::optional<Error> read_error;

  void AddPiece(uint64_t offset, size_t asked, std::string_view bytes);
  // nullopt: a part of this was not read.
  std::optional<std::string> Piece(uint64_t offset, size_t length) const;
};

struct Recording {
  static constexpr int kSchema = 1;

  std::string made_by;  // "tfdoctor 0.1.0"
  std::string made_at;  // "2026-11-26T08:00:00Z"
  bool redacted = false;
  // What was to be judged: options of check without their dashes, "python" -> "/home/user/venv".
  std::vector<std::pair<std::string, std::string>> question;
  std::map<std::string, std::optional<std::string>, std::less<>> variables;  // nullopt: not set
  std::string working_directory, machine, not_running;
  uint32_t user = 0;
  int isa_level = 0;
  std::map<std::string, RecordedPath, std::less<>> paths;
  std::optional<Result<std::string>> kernel_log;
  std::optional<Result<std::vector<std::string>>> mapped_files;
  std::map<std::string, ChildEnd> children;  // by ChildKey()
};

// The arguments joined by blanks, with " without NAME" for each variable that the child does not get.
std::string ChildKey(const ChildTask& task);

// Notes what it is asked for in `recording`, both of which must live as long. Device and inode numbers,
// which only tell files apart, are counted anew; times are left out.
class RecordingSystem : public ForwardingSystem {
 public:
  RecordingSystem(const System& below, Recording& recording);

  Result<std::string> Read(const std::string& path, uint64_t offset, size_t length) const override;
  Result<std::vector<DirEntry>> List(const std::string& path, size_t limit = 100'000) const override;
  Result<std::string> ReadLink(const std::string& path) const override;
  Result<FileStat> Stat(const std::string& path) const override;
  Result<FileStat> LStat(const std::string& path) const override;
  Result<bool> MayAccess(const std::string& path, Access access) const override;
  Result<std::string> RealPath(const std::string& path) const override;
  std::optional<std::string> Env(std::string_view name) const override;
  Result<std::string> KernelLog() const override;
  Result<std::vector<std::string>> MappedFiles() const override;
  std::vector<ChildEnd> RunChildren(const std::vector<ChildTask>& tasks,
                                    const ChildLimits& limits) const override;

 private:
  Result<FileStat> Anonymous(Result<FileStat> stat) const;

  Recording& recording_;
  mutable std::map<uint64_t, uint64_t> devices_;
  mutable std::map<std::pair<uint64_t, uint64_t>, uint64_t> inodes_;
};

// The machine of a recording. What it does not hold, and what does not follow from what it holds (a name that
// a listing lacks is not there), is an error "not recorded" of kind kIo: unknown, never absent.
class ReplaySystem : public System {
 public:
  explicit ReplaySystem(Recording recording);

  Result<std::string> Read(const std::string& path, uint64_t offset, size_t length) const override;
  Result<std::vector<DirEntry>> List(const std::string& path, size_t limit = 100'000) const override;
  Result<std::string> ReadLink(const std::string& path) const override;
  Result<FileStat> Stat(const std::string& path) const override;
  Result<FileStat> LStat(const std::string& path) const override;
  Result<bool> MayAccess(const std::string& path, Access access) const override;
  Result<std::string> RealPath(const std::string& path) const override;
  const std::map<std::string, std::string>& Environment() const override { return environment_; }
  bool KnowsVariable(std::string_view name) const override { return recording_.variables.contains(name); }
  std::string WorkingDirectory() const override { return recording_.working_directory; }
  uint32_t EffectiveUser() const override { return recording_.user; }
  std::string Machine() const override { return recording_.machine; }
  int IsaLevel() const override { return recording_.isa_level; }
  Result<std::string> KernelLog() const override;
  Result<std::vector<std::string>> MappedFiles() const override;
  std::string NotRunning() const override { return recording_.not_running; }
  std::vector<ChildEnd> RunChildren(const std::vector<ChildTask>& tasks,
                                    const ChildLimits& limits) const override;

  const Recording& recording() const { return recording_; }

 private:
  const RecordedPath* Find(const std::string& path) const;
  bool KnownAbsent(const std::string& path) const;
  Error NotRecorded(const std::string& path) const;

  Recording recording_;
  std::map<std::string, std::string> environment_;
};

// The file of a recording: one zstd frame of text (`zstd -dc FILE` shows it), each answer on a line with the
// bytes that belong to it behind.
std::string PackRecording(const Recording& recording);
// Error: kMalformed (no recording, of another schema, cut short, damaged) or kTooLarge.
Result<Recording> UnpackRecording(std::string_view packed);
// The same of the text inside.
Result<Recording> ParseRecording(std::string_view text);

}  // namespace tfdoctor
