// Other roots: nothing outside is read, whatever lies in them; the kernel's own walk is the oracle of ours.
#include "system/root.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "elf/loader.h"
#include "elf/synth.h"
#include "system/overlay.h"

namespace tfdoctor {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSecret = "what lies outside";

class Roots : public testing::TestWithParam<bool> {
 protected:
  Roots() {
    std::string name = (fs::temp_directory_path() / "tfdoctor-root-XXXXXX").string();
    outside_ = mkdtemp(name.data());
    root_ = outside_ / "root";
    fs::create_directories(root_ / "etc");
    Write(outside_ / "secret", kSecret);
    Write(outside_ / "etc-secret", kSecret);
  }
  ~Roots() override { fs::remove_all(outside_); }

  static void Write(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  std::unique_ptr<System> Open() const { return Open(GetParam()); }
  std::unique_ptr<System> Open(bool own_walk) const {
    RootSettings settings;
    settings.own_walk = own_walk;
    Result<std::unique_ptr<System>> root = RootSystem(root_.string(), std::move(settings));
    EXPECT_TRUE(root.ok()) << root.error().message;
    return std::move(*root);
  }

  fs::path outside_, root_;
};

INSTANTIATE_TEST_SUITE_P(OfTheKernelAndOurs, Roots, testing::Bool());

TEST_P(Roots, NoLinkLeadsOut) {
  Write(root_ / "etc/inside", "inside");
  Write(root_ / "secret", "of the root");
  const std::string up = "../../../../../../../../../../../..";
  const std::pair<const char*, std::string> links[] = {
      {"absolute", outside_ / "secret"},
      {"up", up + (outside_ / "secret").string()},
      {"etc/one-up", "../../secret"},
      {"folder", outside_},
      {"top", "/"},
      {"etc/top-of-top", "/../../.."},
      {"chain", "etc/one-up"},
      {"etc/self", "self"},
      {"around", "etc/around"},
      {"etc/around", "/around"},
      {"proc-link", "/proc/self/root/etc"},
      {"dots", "./././../secret"},
  };
  for (const auto& [name, target] : links) fs::create_symlink(target, root_ / name);
  const auto root = Open();
  for (const std::string path :
       {"/absolute", "/up", "/etc/one-up", "/folder/secret", "/top/secret", "/etc/top-of-top/secret",
        "/chain", "/dots", "/../secret", "/etc/../../secret", "/../../etc-secret", "/folder/../secret",
        "/top/../../../secret", "secret", "../secret", "/etc/./../secret", "//secret",
        "/top/top/top/etc/../secret", "/proc-link/hostname"}) {
    const std::string read = root->Read(path, 0, 100).value_or("");
    EXPECT_NE(read, kSecret) << path;
    EXPECT_TRUE(read.empty() || read == "of the root") << path << ": " << read;
  }
  EXPECT_EQ(root->Read("/top/../../../secret", 0, 100).value_or(""), "of the root");
  EXPECT_TRUE(root->Read("/absolute", 0, 9).not_found());
  EXPECT_TRUE(root->Stat("/folder").not_found());
  EXPECT_EQ(root->ReadLink("/folder").value_or(""), outside_.string());
  EXPECT_EQ(root->RealPath("/etc/top-of-top/etc/inside").value_or(""), "/etc/inside");
  for (const char* loop : {"/etc/self", "/around", "/etc/around"}) {
    EXPECT_EQ(root->Read(loop, 0, 9).error().kind, ErrorKind::kLoop) << loop;
    EXPECT_EQ(root->RealPath(loop).error().kind, ErrorKind::kLoop) << loop;
  }
}

TEST_P(Roots, WhatIsNoFileIsNotOpened) {
  ASSERT_EQ(mkfifo((root_ / "fifo").c_str(), 0600), 0);
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = (root_ / "socket").string();
  ASSERT_LT(path.size(), sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(listener);
  const auto root = Open();
  EXPECT_EQ(root->Read("/fifo", 0, 9).error().kind, ErrorKind::kWrongType);
  EXPECT_EQ(root->Stat("/fifo").value_or({}).type, FileType::kFifo);
  EXPECT_EQ(root->Read("/socket", 0, 9).error().kind, ErrorKind::kWrongType);
  EXPECT_EQ(root->Read("/etc", 0, 9).error().kind, ErrorKind::kWrongType);
  EXPECT_TRUE(root->List("/fifo").not_found());
  // Only who may make devices can test that they are not opened; others see that there is none.
  const bool made = mknod((root_ / "device").c_str(), S_IFCHR | 0666, makedev(1, 5)) == 0;
  EXPECT_EQ(root->Read("/device", 0, 9).error().kind, made ? ErrorKind::kWrongType : ErrorKind::kNotFound);
}

TEST_P(Roots, OddNamesAndManyFiles) {
  const std::string odd = "a\nb\x1b[31m\xff";
  Write(root_ / odd, "odd");
  for (int i = 0; i < 3000; i++) Write(root_ / "many" / std::to_string(i), "");
  std::string deep;
  for (int i = 0; i < 2000; i++) deep += "/etc/..";
  const auto root = Open();
  EXPECT_EQ(root->Read("/" + odd, 0, 9).value_or(""), "odd");
  EXPECT_EQ(root->Read("/no\n\x1b", 0, 9).error().message.find('\x1b'), std::string::npos);
  EXPECT_EQ(root->List("/many", 2999).error().kind, ErrorKind::kTooLarge);
  EXPECT_EQ(root->List("/many", 3000).value_or({}).size(), 3000U);
  EXPECT_TRUE(root->Read("/" + std::string(300, 'x'), 0, 9).not_found());
  EXPECT_TRUE(root->Read(std::string("/etc\0/x", 7), 0, 9).not_found());
  EXPECT_FALSE(root->Read(deep + "/gone", 0, 9).ok());
}

TEST_P(Roots, NothingOfThisProcessIsSeen) {
  ASSERT_EQ(setenv("TFDOCTOR_TEST_LEAK", "leak", 1), 0);
  const auto root = Open();
  EXPECT_FALSE(root->Env("TFDOCTOR_TEST_LEAK"));
  EXPECT_FALSE(root->Env("PATH"));
  EXPECT_EQ(root->WorkingDirectory(), "/");
  EXPECT_EQ(root->Machine(), "") << "no program tells";
  EXPECT_FALSE(root->NotRunning().empty());
  EXPECT_FALSE(root->KernelLog().ok());
  EXPECT_EQ(root->RunChildren({{{"driver-child"}, {}}}, {}).front().how, ChildEnd::How::kRefused);
}

TEST_P(Roots, TheRunningProcIsNotThisProcess) {
  RootSettings settings;
  settings.own_walk = GetParam();
  const auto root = std::move(*RootSystem("/", std::move(settings)));
  EXPECT_TRUE(root->Read("/proc/self/cgroup", 0, 99).error().kind == ErrorKind::kIo);
  EXPECT_FALSE(root->Read("/proc/self/exe", 0, 9).ok());
  EXPECT_FALSE(root->Read("/proc/self/root/etc/passwd", 0, 9).ok());
  EXPECT_TRUE(root->ReadAll("/proc/sys/kernel/osrelease").ok());
}

TEST_F(Roots, OursWalksAsTheKernelDoes) {
  std::mt19937 random(7);
  auto pick = [&](size_t count) { return std::uniform_int_distribution<size_t>(0, count - 1)(random); };
  const std::vector<std::string> names = {"a", "b", "c", "d"};
  auto some_path = [&](size_t longest) {
    std::string path;
    for (size_t i = 1 + pick(longest); i > 0; i--) {
      const size_t what = pick(8);
      path += what == 0 ? "/.." : what == 1 ? "/." : "/" + names[pick(names.size())];
    }
    return path + (pick(8) == 0 ? "/" : "");
  };
  size_t files = 0;
  size_t answers = 0;
  for (int tree = 0; tree < 60; tree++) {
    fs::remove_all(root_);
    fs::create_directories(root_);
    for (int i = 0; i < 25; i++) {
      std::string at = root_.string();
      for (size_t depth = pick(3); depth > 0; depth--) at += "/" + names[pick(names.size())];
      std::error_code ignored;
      if (fs::is_directory(fs::symlink_status(at, ignored)) == false) fs::create_directories(at, ignored);
      const std::string place = at + "/" + names[pick(names.size())];
      if (pick(3) == 0) {
        fs::create_directory(place, ignored);
      } else if (pick(2) == 0) {
        const std::string target = some_path(4);
        fs::create_symlink(pick(2) == 0 ? target : target.substr(1), place, ignored);
      } else if (!fs::exists(fs::symlink_status(place, ignored))) {
        std::ofstream(place) << files++;
      }
    }
    const auto kernel = Open(false);
    const auto ours = Open(true);
    for (int i = 0; i < 200; i++) {
      const std::string path = some_path(6);
      SCOPED_TRACE(path);
      auto same = [&](const auto& a, const auto& b, auto&& value) {
        ASSERT_EQ(a.ok(), b.ok()) << (a.ok() ? b : a).error().message;
        answers += a.ok() ? 1 : 0;
        if (a.ok()) {
          EXPECT_EQ(value(*a), value(*b));
        } else {
          EXPECT_EQ(a.error().message, b.error().message);
        }
      };
      auto stat = [](const FileStat& s) { return std::pair(s.inode, s.device); };
      auto text = [](const std::string& t) { return t; };
      same(kernel->Stat(path), ours->Stat(path), stat);
      same(kernel->LStat(path), ours->LStat(path), stat);
      same(kernel->Read(path, 0, 9), ours->Read(path, 0, 9), text);
      same(kernel->ReadLink(path), ours->ReadLink(path), text);
      // A path without links names the same file.
      if (const Result<std::string> real = ours->RealPath(path); real.ok()) {
        EXPECT_EQ(stat(*kernel->LStat(*real)), stat(*kernel->Stat(path)));
        EXPECT_NE(kernel->LStat(*real)->type, FileType::kSymlink);
      }
    }
  }
  EXPECT_GT(answers, 3000U);
}

TEST_F(Roots, AnotherArchitecture) {
  auto object = [](elf::Blueprint blueprint) {
    blueprint.machine = elf::kMachineAarch64;
    return elf::WriteObject(blueprint);
  };
  elf::Blueprint program;
  program.interpreter = "/lib/ld-linux-aarch64.so.1";
  Write(root_ / "bin/sh", object(program));
  elf::Blueprint loader;
  loader.soname = "ld-linux-aarch64.so.1";
  Write(root_ / "lib/ld-linux-aarch64.so.1",
        object(loader) + std::string("/lib/\0/usr/lib/\0", 16) + "GLIBC_2.17 stable release version 2.36." +
            std::string(1, '\0') + std::string("/etc/ld.so.cache\0/etc/ld.so.preload\0", 36));
  elf::Blueprint library;
  library.soname = "libcuda.so.1";
  Write(root_ / "usr/lib/libcuda.so.1", object(library));
  elf::Blueprint wrong = library;
  Write(root_ / "lib/libcuda.so.1", elf::WriteObject(wrong));  // x86_64, comes first
  const auto root = Open(false);
  EXPECT_EQ(root->Machine(), "aarch64");
  EXPECT_EQ(root->IsaLevel(), 0);
  Result<elf::Process> process = elf::Process::Start(*root, "/bin/sh");
  ASSERT_TRUE(process.ok()) << process.error().message;
  const elf::Resolution found = process->Open("libcuda.so.1");
  EXPECT_EQ(found.path, "/usr/lib/libcuda.so.1") << found.failure;
  EXPECT_EQ(found.rejected.size(), 1U);
}

TEST_F(Roots, TheProcessorOfAnotherMachine) {
  const auto nothing = EmptySystem();
  const std::pair<const char*, int> levels[] = {
      {"flags\t: fpu ssse3 sse4_2 popcnt\n", 2},
      {"flags\t: fpu sse4_2\n", 1},
      {"flags\t: ssse3 sse4_2 popcnt avx2 fma bmi1 bmi2\n", 3},
      {"flags\t: ssse3 sse4_2 popcnt avx2 fma bmi1 bmi2 avx512f avx512bw avx512cd avx512dq avx512vl\n", 4},
      {"nothing\n", kUnknownIsaLevel},
  };
  for (const auto& [text, level] : levels) {
    OverlaySystem machine(*nothing);
    machine.AddFile("/proc/cpuinfo", text);
    EXPECT_EQ(IsaLevelOfCpuInfo(machine, "x86_64"), level) << text;
    EXPECT_EQ(IsaLevelOfCpuInfo(machine, "aarch64"), 0);
  }
  // That of this machine, by both of its witnesses.
  const auto live = LiveSystem();
  const int level = live->Machine() == "x86_64" ? live->IsaLevel() : 0;
  EXPECT_EQ(IsaLevelOfCpuInfo(*live, live->Machine()), level);
}

TEST_F(Roots, WhatIsNoFolderIsRefused) {
  Write(root_ / "file", "x");
  EXPECT_FALSE(RootSystem((root_ / "file").string(), {}).ok());
  EXPECT_TRUE(RootSystem((root_ / "gone").string(), {}).not_found());
}

}  // namespace
}  // namespace tfdoctor
