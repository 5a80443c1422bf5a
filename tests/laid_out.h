// A machine as files in a folder: what a recording shows that was asked of it, and nothing more. Files are as
// long as they are, and hold what was read.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/text.h"
#include "system/recording.h"

namespace tfdoctor {

class LaidOut {
 public:
  LaidOut(const Recording& recording, const System& machine, std::filesystem::path root)
      : machine_(machine), root_(std::move(root)) {
    std::filesystem::create_directories(root_);
    for (const auto& [path, known] : recording.paths) {
      const std::string place = Bring(path);
      if (place.empty()) continue;
      for (const auto& [offset, bytes] : known.pieces) Write(place, offset, bytes);
      if (!known.entries || !known.entries->ok()) continue;
      for (const DirEntry& entry : **known.entries) Bring(path + "/" + entry.name);
    }
    if (recording.kernel_log && recording.kernel_log->ok()) {
      std::filesystem::create_directories(root_ / "var/log");
      Create("/var/log/kern.log", {});
      Write("/var/log/kern.log", 0, **recording.kernel_log);
    }
  }

  // Whether this user may make device nodes; else there are none.
  static bool MakesDevices() { return geteuid() == 0; }

 private:
  // Makes every part of the path that is there, links as links; its place without links, empty: not there.
  std::string Bring(const std::string& path) {
    std::vector<std::string> ahead;
    auto push = [&](const std::string& text) {
      std::vector<std::string> parts = Split(text, '/');
      for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
        if (!part->empty() && *part != ".") ahead.push_back(*part);
      }
    };
    push(path.starts_with('/') ? path : machine_.WorkingDirectory() + "/" + path);
    std::string at;
    for (int links = 0; !ahead.empty();) {
      const std::string part = ahead.back();
      ahead.pop_back();
      if (part == "..") {
        at = at.substr(0, std::min(at.rfind('/'), at.size()));
        continue;
      }
      const std::string next = at + "/" + part;
      const Result<FileStat> stat = machine_.LStat(next);
      if (!stat.ok()) return {};
      if (stat->type == FileType::kSymlink) {
        const std::string target = machine_.ReadLink(next).value_or("");
        std::error_code ignored;
        std::filesystem::create_symlink(target, root_.string() + next, ignored);
        if (++links > 40) return {};
        if (target.starts_with('/')) at.clear();
        push(target);
        continue;
      }
      Create(next, *stat);
      at = next;
    }
    return at.empty() ? "/" : at;
  }

  void Create(const std::string& path, const FileStat& stat) {
    const std::string place = root_.string() + path;
    struct stat there = {};
    if (lstat(place.c_str(), &there) == 0) return;
    if (stat.type == FileType::kDirectory) {
      ASSERT_EQ(mkdir(place.c_str(), 0755), 0) << place;
    } else if (stat.type == FileType::kCharacterDevice) {
      if (!MakesDevices()) return;
      ASSERT_EQ(mknod(place.c_str(), S_IFCHR | stat.mode, stat.rdev), 0) << place;
      chmod(place.c_str(), stat.mode);
    } else {
      const int file = open(place.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
      ASSERT_GE(file, 0) << place;
      ASSERT_EQ(ftruncate(file, static_cast<off_t>(stat.size)), 0);
      fchmod(file, stat.mode == 0 ? 0644 : stat.mode);
      close(file);
    }
  }

  void Write(const std::string& path, uint64_t offset, const std::string& bytes) {
    const int file = open((root_.string() + path).c_str(), O_WRONLY | O_CLOEXEC);
    ASSERT_GE(file, 0) << path;
    ASSERT_EQ(pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset)),
              static_cast<ssize_t>(bytes.size()));
    close(file);
  }

  const System& machine_;
  std::filesystem::path root_;
};

}  // namespace tfdoctor
