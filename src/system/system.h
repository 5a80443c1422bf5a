// The only door to the machine. Everything that tfdoctor learns comes through here, so that another root, a
// recording, an overlay (a repair that is tried) or a machine that injects errors can stand in for the real
// one.
#pragma once

#include <any>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tfdoctor {

enum class FileType : uint8_t {
  kRegular,
  kDirectory,
  kSymlink,
  kCharacterDevice,
  kBlockDevice,
  kFifo,
  kSocket,
  kOther
};

struct FileStat {
  FileType type = FileType::kOther;
  uint64_t size = 0;  // bytes; 0 for most files of /proc and /sys, whatever they hold
  uint32_t mode = 0;  // permission bits, as in 0755
  uint32_t uid = 0;
  uint32_t gid = 0;
  int64_t mtime = 0;    // seconds since 1970
  uint64_t device = 0;  // device and inode name one file
  uint64_t inode = 0;
  uint64_t rdev = 0;  // of a device node: makedev(major, minor)
};

struct DirEntry {
  std::string name;
  FileType type = FileType::kOther;  // of the entry itself: a symbolic link is kSymlink
};

enum class Access : uint8_t { kRead = 4, kWrite = 2, kExecute = 1, kReadWrite = 6 };

// A child process: tfdoctor itself with these arguments, in the environment of the program but for what
// `without` names. Its answer is what it writes to descriptor 3; its other streams lead nowhere.
struct ChildTask {
  std::vector<std::string> arguments;
  std::vector<std::string> without;
  std::string program = {};                           // another program; empty: tfdoctor itself
  std::map<std::string, std::string> variables = {};  // set for it
  std::string folder = {};                            // where it starts; empty: here
  // Hears its answer as it comes (the answer is then not kept), and what it prints.
  std::function<void(std::string_view)> answered = {};
  std::function<void(std::string_view)> printed = {};
};
struct ChildLimits {
  std::chrono::milliseconds time{20'000};
  size_t output = 1 << 20;
  uint64_t printed = 0;   // bytes; 0: any
  uint64_t resident = 0;  // bytes of memory that it holds; 0: any. Its address space is never limited.
  // Asked several times a second while it runs; true: the children are ended.
  std::function<bool()> interrupted = {};
};
struct ChildEnd {
  enum class How : uint8_t {
    kExit,         // `number` is its status
    kSignal,       // `number` is the signal
    kTime,         // it took longer than its limit and was killed
    kOutput,       // it wrote or printed more than its limit and was killed
    kMemory,       // it held more memory than its limit and was killed
    kInterrupted,  // `interrupted` said so, and it was killed
    kRefused,      // it could not be started: `why`
  };
  How how = How::kRefused;
  int number = 0;
  std::string output;
  std::string why;
  uint64_t most_resident = 0;  // bytes, as far as they were watched
};

constexpr int kUnknownIsaLevel = -1;

class System;

// What readers of files made of them during one look at the machine. By device and inode, of files that
// `system` reads.
struct Kept {
  const System* system;
  std::any elf;
};

class System {
 public:
  virtual ~System() = default;

  // At most `length` bytes of a regular file from `offset`; fewer at its end. Never blocks: a FIFO, a socket
  // or a device is kWrongType and is not opened. Symbolic links are followed.
  virtual Result<std::string> Read(const std::string& path, uint64_t offset, size_t length) const = 0;
  // The entries of a directory, sorted by name, without "." and ".."; more than `limit` is kTooLarge.
  virtual Result<std::vector<DirEntry>> List(const std::string& path, size_t limit = 100'000) const = 0;
  virtual Result<std::string> ReadLink(const std::string& path) const = 0;
  virtual Result<FileStat> Stat(const std::string& path) const = 0;   // follows symbolic links
  virtual Result<FileStat> LStat(const std::string& path) const = 0;  // does not follow the last one
  // Whether this user may use the file so (effective ids, as open() decides; nothing is opened).
  virtual Result<bool> MayAccess(const std::string& path, Access access) const = 0;
  // The path without symbolic links, "." and ".."; every part must exist.
  virtual Result<std::string> RealPath(const std::string& path) const = 0;

  // The whole environment of the program to be judged. Who wants one variable asks Env(): a recording holds
  // what was asked for.
  virtual const std::map<std::string, std::string>& Environment() const = 0;
  virtual std::optional<std::string> Env(std::string_view name) const;
  // False: whether this variable is set is not known (a recording does not hold it).
  virtual bool KnowsVariable(std::string_view) const { return true; }
  virtual std::string WorkingDirectory() const = 0;
  virtual uint32_t EffectiveUser() const = 0;
  virtual std::string Machine() const = 0;  // uname -m: "x86_64", "aarch64"
  // The instruction set level the dynamic loader of this machine uses for glibc-hwcaps (x86_64: 1 to 4; else
  // 0). kUnknownIsaLevel: of the processor that will run this nothing is known.
  virtual int IsaLevel() const = 0;
  // The kernel's messages, the newest last. Most machines show them to root only.
  virtual Result<std::string> KernelLog() const;
  // Runs the children at the same time, and waits for all. Only on the live machine: a repair that is tried
  // and a recording have nothing to run, every child is kRefused there.
  virtual std::vector<ChildEnd> RunChildren(const std::vector<ChildTask>& tasks,
                                            const ChildLimits& limits) const;
  // The files that the process to be judged has mapped, as it names them, each once. kNotFound: it is none
  // that runs.
  virtual Result<std::vector<std::string>> MappedFiles() const;
  // Why files that the kernel makes, and those that a driver's installation adds, prove nothing by being
  // missing: no kernel runs in this root. Empty: one does.
  virtual std::string NotRunning() const { return {}; }
  // nullptr: nothing is kept.
  virtual Kept* kept() const { return nullptr; }

  // Conveniences, the same for every System.
  // The whole file; larger than `limit` bytes is kTooLarge. Works for /proc and /sys too.
  Result<std::string> ReadAll(const std::string& path, size_t limit = 1 << 20) const;
  // False, too, for what could not be asked.
  bool IsDirectory(const std::string& path) const;
  bool Exists(const std::string& path) const { return Stat(path).ok(); }
};

// The machine that tfdoctor runs on. For one look its folders, and the file that is read, stay open: what
// comes into their place meanwhile is not seen.
enum class Looks : uint8_t { kOne, kMany };
std::unique_ptr<System> LiveSystem(Looks looks = Looks::kMany);

// Forwards everything to another System; a stand-in overrides what it changes.
class ForwardingSystem : public System {
 public:
  explicit ForwardingSystem(const System& below) : below_(below) {}
  Result<std::string> Read(const std::string& path, uint64_t offset, size_t length) const override {
    return below_.Read(path, offset, length);
  }
  Result<std::vector<DirEntry>> List(const std::string& path, size_t limit = 100'000) const override {
    return below_.List(path, limit);
  }
  Result<std::string> ReadLink(const std::string& path) const override { return below_.ReadLink(path); }
  Result<FileStat> Stat(const std::string& path) const override { return below_.Stat(path); }
  Result<FileStat> LStat(const std::string& path) const override { return below_.LStat(path); }
  Result<bool> MayAccess(const std::string& path, Access access) const override {
    return below_.MayAccess(path, access);
  }
  Result<std::string> RealPath(const std::string& path) const override { return below_.RealPath(path); }
  const std::map<std::string, std::string>& Environment() const override { return below_.Environment(); }
  bool KnowsVariable(std::string_view name) const override { return below_.KnowsVariable(name); }
  std::string WorkingDirectory() const override { return below_.WorkingDirectory(); }
  uint32_t EffectiveUser() const override { return below_.EffectiveUser(); }
  std::string Machine() const override { return below_.Machine(); }
  int IsaLevel() const override { return below_.IsaLevel(); }
  Result<std::string> KernelLog() const override { return below_.KernelLog(); }
  Result<std::vector<std::string>> MappedFiles() const override { return below_.MappedFiles(); }
  std::string NotRunning() const override { return below_.NotRunning(); }

 protected:
  const System& below() const { return below_; }

 private:
  const System& below_;
};

}  // namespace tfdoctor
