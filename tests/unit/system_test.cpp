#include "system/system.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "system/caching.h"
#include "system/overlay.h"

namespace tfdoctor {
namespace {

namespace fs = std::filesystem;

class TempFolder {
 public:
  TempFolder() {
    std::string name = testing::TempDir() + "tfdoctor_system_XXXXXX";
    path_ = fs::canonical(mkdtemp(name.data()));
  }
  ~TempFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void Write(const std::string& path, const std::string& content, mode_t mode = 0644) {
  std::ofstream(path, std::ios::binary) << content;
  ASSERT_EQ(chmod(path.c_str(), mode), 0);
}

template <class T>
ErrorKind KindOf(const Result<T>& result) {
  EXPECT_FALSE(result.ok());
  return result.ok() ? ErrorKind::kIo : result.error().kind;
}

std::string Names(const Result<std::vector<DirEntry>>& entries) {
  if (!entries.ok()) return entries.error().message;
  std::string names;
  for (const DirEntry& entry : *entries) names += entry.name + " ";
  return names;
}

// While one lives, this process is somebody who may do nothing; the superuser may do everything.
class Nobody {
 public:
  Nobody() : was_(geteuid()) {
    if (was_ == 0 && seteuid(65534) != 0) std::abort();
  }
  ~Nobody() {
    if (was_ == 0 && seteuid(0) != 0) std::abort();
  }

 private:
  uid_t was_;
};

TEST(LiveSystem, ReadsFromAnOffset) {
  TempFolder temp;
  Write(temp / "file", "0123456789");
  for (const Looks looks : {Looks::kMany, Looks::kOne}) {
    auto live = LiveSystem(looks);
    EXPECT_EQ(*live->Read(temp / "file", 0, 100), "0123456789");
    EXPECT_EQ(*live->Read(temp / "file", 3, 4), "3456");
    EXPECT_EQ(*live->Read(temp / "file", 8, 4), "89");
    EXPECT_EQ(*live->Read(temp / "file", 10, 4), "");
    EXPECT_EQ(*live->Read(temp / "file", 0, 0), "");
    EXPECT_EQ(*live->Read(temp / "file", UINT64_MAX, 4), "");
    EXPECT_EQ(*live->Read(temp / "file", INT64_MAX, SIZE_MAX), "");
    EXPECT_EQ(*live->Read(temp / "file", 0, SIZE_MAX), "0123456789");
  }
}

TEST(LiveSystem, ReadsFarIntoASparseFile) {
  TempFolder temp;
  Write(temp / "sparse", "");
  constexpr uint64_t kEnd = uint64_t{1} << 40;
  ASSERT_EQ(truncate((temp / "sparse").c_str(), static_cast<off_t>(kEnd)), 0);
  auto live = LiveSystem();
  EXPECT_EQ(*live->Read(temp / "sparse", kEnd - 2, 100), std::string(2, '\0'));
  EXPECT_EQ(KindOf(live->ReadAll(temp / "sparse")), ErrorKind::kTooLarge);
}

TEST(LiveSystem, ReadAllHasALimit) {
  TempFolder temp;
  std::string large(1'000'000, 'x');
  Write(temp / "large", large);
  auto live = LiveSystem();
  EXPECT_EQ(*live->ReadAll(temp / "large", large.size()), large);
  EXPECT_EQ(KindOf(live->ReadAll(temp / "large", large.size() - 1)), ErrorKind::kTooLarge);
}

TEST(LiveSystem, ReadsFilesOfProcWhateverTheirSizeSays) {
  auto live = LiveSystem();
  EXPECT_EQ(live->Stat("/proc/self/maps")->size, 0U);
  auto maps = live->ReadAll("/proc/self/maps", 1 << 24);
  ASSERT_TRUE(maps.ok());
  EXPECT_NE(maps->find("[stack]"), std::string::npos);
}

TEST(LiveSystem, OpensRegularFilesOnly) {
  TempFolder temp;
  ASSERT_EQ(mkfifo((temp / "fifo").c_str(), 0644), 0);
  auto live = LiveSystem();
  EXPECT_EQ(KindOf(live->ReadAll(temp / "fifo")), ErrorKind::kWrongType);  // would block for ever
  EXPECT_EQ(KindOf(live->ReadAll(temp.path())), ErrorKind::kWrongType);
  EXPECT_EQ(KindOf(live->ReadAll("/dev/null")), ErrorKind::kWrongType);
  EXPECT_EQ(live->Stat(temp / "fifo")->type, FileType::kFifo);
  EXPECT_EQ(live->Stat("/dev/null")->type, FileType::kCharacterDevice);
  EXPECT_EQ(live->Stat("/dev/null")->rdev, makedev(1, 3));
}

TEST(LiveSystem, TellsWhatIsNotThereFromWhatCannotBeSeen) {
  TempFolder temp;
  Write(temp / "file", "x");
  ASSERT_EQ(symlink("loop", (temp / "loop").c_str()), 0);
  auto live = LiveSystem();
  EXPECT_EQ(KindOf(live->ReadAll(temp / "none")), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(live->ReadAll(temp / "file/below")), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(live->ReadAll("")), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(live->ReadAll(temp / std::string(5000, 'x'))), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(live->ReadAll(temp / std::string("file\0none", 9))), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(live->Stat(temp / "loop")), ErrorKind::kLoop);
  EXPECT_EQ(KindOf(live->RealPath(temp / "loop")), ErrorKind::kLoop);
  EXPECT_EQ(live->LStat(temp / "loop")->type, FileType::kSymlink);
  EXPECT_EQ(*live->ReadLink(temp / "loop"), "loop");
  EXPECT_EQ(KindOf(live->ReadLink(temp / "file")), ErrorKind::kWrongType);

  fs::create_directory(temp / "closed");
  Write(temp / "closed/secret", "x");
  Write(temp / "mine", "x", geteuid() == 0 ? 0600 : 0);
  ASSERT_EQ(chmod((temp / "closed").c_str(), 0), 0);
  ASSERT_EQ(chmod(temp.path().c_str(), 0755), 0);
  Nobody nobody;
  EXPECT_EQ(KindOf(live->ReadAll(temp / "mine")), ErrorKind::kDenied);
  EXPECT_EQ(live->ReadAll(temp / "mine").error().message,
            "cannot read " + (temp / "mine") + ": Permission denied");
  EXPECT_EQ(KindOf(live->Stat(temp / "closed/secret")), ErrorKind::kDenied);
  EXPECT_EQ(KindOf(live->List(temp / "closed")), ErrorKind::kDenied);
  EXPECT_FALSE(*live->MayAccess(temp / "mine", Access::kRead));
  EXPECT_FALSE(*live->MayAccess(temp / "closed/secret", Access::kRead));
  EXPECT_EQ(KindOf(live->MayAccess(temp / "none", Access::kRead)), ErrorKind::kNotFound);
  EXPECT_TRUE(*live->MayAccess(temp / "file", Access::kRead));
  EXPECT_FALSE(*live->MayAccess(temp / "file", Access::kExecute));
  EXPECT_TRUE(*live->MayAccess("/dev/null", Access::kReadWrite));
}

TEST(LiveSystem, ErrorsAreSafeToPrint) {
  auto error = LiveSystem()->ReadAll("/none/\x1b[31m\nx").error();
  EXPECT_EQ(error.message, "cannot read /none/\\x1b[31m\\x0ax: No such file or directory");
}

TEST(LiveSystem, ListsSortedAndBounded) {
  TempFolder temp;
  for (const char* name : {"b", "a", "c"}) Write(temp / name, "");
  fs::create_directory(temp / "d");
  ASSERT_EQ(symlink("a", (temp / "e").c_str()), 0);
  auto live = LiveSystem();
  auto entries = live->List(temp.path());
  EXPECT_EQ(Names(entries), "a b c d e ");
  EXPECT_EQ((*entries)[3].type, FileType::kDirectory);
  EXPECT_EQ((*entries)[4].type, FileType::kSymlink);
  EXPECT_EQ(live->List(temp.path(), 5)->size(), 5U);
  EXPECT_EQ(KindOf(live->List(temp.path(), 4)), ErrorKind::kTooLarge);
  EXPECT_EQ(KindOf(live->List(temp / "a")), ErrorKind::kNotFound);
}

TEST(LiveSystem, EnvironmentIsOfItsTime) {
  ASSERT_EQ(setenv("TFDOCTOR_TEST", "a=b", 1), 0);
  auto live = LiveSystem();
  ASSERT_EQ(unsetenv("TFDOCTOR_TEST"), 0);
  EXPECT_EQ(live->Env("TFDOCTOR_TEST"), "a=b");
  EXPECT_EQ(LiveSystem()->Env("TFDOCTOR_TEST"), std::nullopt);
}

std::string Output(const char* command) {
  std::string text;
  FILE* pipe = popen(command, "r");
  if (pipe == nullptr) return text;
  std::array<char, 4096> buffer;
  for (size_t got; (got = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) text.append(buffer.data(), got);
  pclose(pipe);
  return text;
}

// The oracle is the dynamic loader, which lists the levels that it searches.
TEST(LiveSystem, IsaLevelIsThatOfTheLoader) {
  auto live = LiveSystem();
  EXPECT_EQ(live->Machine() + "\n", Output("uname -m"));
  if (live->Machine() != "x86_64") {
    EXPECT_EQ(live->IsaLevel(), 0);
    return;
  }
  std::string help = Output("/lib64/ld-linux-x86-64.so.2 --help");
  ASSERT_NE(help.find("x86-64-v4"), std::string::npos) << help;
  int level = 1;
  for (int candidate = 2; candidate <= 4; candidate++) {
    if (help.find("x86-64-v" + std::to_string(candidate) + " (supported, searched)") != std::string::npos) {
      level = candidate;
    }
  }
  EXPECT_EQ(live->IsaLevel(), level) << help;
}

TEST(Overlay, AnEmptyMachineHasOnlyARoot) {
  auto empty = EmptySystem();
  EXPECT_EQ(Names(empty->List("/")), "");
  EXPECT_EQ(empty->Stat("/")->type, FileType::kDirectory);
  EXPECT_TRUE(empty->ReadAll("/etc/passwd").not_found());
  EXPECT_TRUE(empty->Environment().empty());
}

TEST(Overlay, AddsToWhatIsBelow) {
  auto empty = EmptySystem();
  OverlaySystem below(*empty);
  below.AddFile("/usr/lib/liba.so", "below");
  below.AddFile("/usr/lib/libb.so", "below");
  below.AddSymlink("/lib", "usr/lib");
  OverlaySystem above(below);
  above.AddFile("/lib/libc.so", "above");  // through the link of the other layer
  above.AddFile("/usr/lib/libb.so", "above");
  above.Remove("/usr/lib/liba.so");
  EXPECT_EQ(Names(above.List("/lib")), "libb.so libc.so ");
  EXPECT_EQ(*above.ReadAll("/lib/libb.so"), "above");
  EXPECT_EQ(*above.RealPath("/lib/libc.so"), "/usr/lib/libc.so");
  EXPECT_TRUE(above.ReadAll("/lib/liba.so").not_found());
  EXPECT_TRUE(above.LStat("/usr/lib/liba.so").not_found());
  EXPECT_EQ(*below.ReadAll("/lib/liba.so"), "below");
  EXPECT_EQ(Names(below.List("/lib")), "liba.so libb.so ");
}

TEST(Overlay, LinksLeadAcrossTheLayers) {
  auto empty = EmptySystem();
  OverlaySystem below(*empty);
  below.AddFile("/opt/real/file", "real");
  below.AddSymlink("/opt/late", "/new/place");  // leads nowhere yet
  OverlaySystem above(below);
  EXPECT_TRUE(above.ReadAll("/opt/late/file").not_found());
  above.AddSymlink("/new/place", "../opt/real");
  EXPECT_EQ(*above.ReadAll("/opt/late/file"), "real");
  EXPECT_EQ(*above.ReadAll("/new/place/../real/file"), "real");  // ".." of the place that the link leads to
  EXPECT_EQ(*above.RealPath("/opt/late"), "/opt/real");
  EXPECT_EQ(*above.ReadLink("/opt/late"), "/new/place");
  above.AddSymlink("/opt/real", "late");
  EXPECT_EQ(KindOf(above.ReadAll("/opt/late/file")), ErrorKind::kLoop);
  EXPECT_EQ(above.LStat("/opt/late")->type, FileType::kSymlink);
}

TEST(Overlay, WhatWasRemovedWithAFolderDoesNotComeBack) {
  auto empty = EmptySystem();
  OverlaySystem below(*empty);
  below.AddFile("/site/old/a.py", "");
  below.AddFile("/site/old/b.py", "");
  OverlaySystem above(below);
  above.AddFile("/site/old/c.py", "");
  EXPECT_EQ(Names(above.List("/site/old")), "a.py b.py c.py ");
  above.Remove("/site/old");
  EXPECT_EQ(Names(above.List("/site")), "");
  EXPECT_TRUE(above.Stat("/site/old/a.py").not_found());
  EXPECT_TRUE(above.Stat("/site/old/c.py").not_found());
  above.AddFile("/site/old/new.py", "");
  EXPECT_EQ(Names(above.List("/site/old")), "new.py ");
  EXPECT_TRUE(above.Stat("/site/old/a.py").not_found());
  above.AddFile("/site/old", "a file now");
  EXPECT_TRUE(above.Stat("/site/old/new.py").not_found());
  above.AddDirectory("/site/old");
  EXPECT_EQ(Names(above.List("/site/old")), "");
}

TEST(Overlay, InjectsErrors) {
  auto empty = EmptySystem();
  OverlaySystem machine(*empty);
  machine.AddFile("/proc/modules", "x");
  machine.AddSymlink("/modules", "/proc/modules");
  machine.Fail("/proc/modules", {ErrorKind::kDenied, "injected"});
  EXPECT_EQ(machine.ReadAll("/proc/modules").error().message, "injected");
  EXPECT_EQ(machine.ReadAll("/modules").error().message, "injected");
  EXPECT_EQ(machine.Stat("/proc/modules").error().message, "injected");
  EXPECT_EQ(machine.LStat("/proc/modules").error().message, "injected");
  EXPECT_EQ(machine.List("/proc/modules").error().message, "injected");
  EXPECT_EQ(machine.ReadLink("/proc/modules").error().message, "injected");
  EXPECT_EQ(machine.RealPath("/proc/modules").error().message, "injected");
  EXPECT_EQ(machine.MayAccess("/modules", Access::kRead).error().message, "injected");
  EXPECT_EQ(Names(machine.List("/proc")), "modules ");
  EXPECT_EQ(machine.LStat("/modules")->type, FileType::kSymlink);
}

TEST(Overlay, JudgesPermissionsOfItsUser) {
  auto empty = EmptySystem();
  OverlaySystem machine(*empty);
  machine.AddDevice("/dev/nvidia0", makedev(195, 0), 0660);
  machine.AddFile("/bin/tool", "x", 0755);
  machine.AddFile("/root/secret", "x", 0600);
  machine.SetEffectiveUser(1000);
  EXPECT_FALSE(*machine.MayAccess("/dev/nvidia0", Access::kReadWrite));
  EXPECT_TRUE(*machine.MayAccess("/bin/tool", Access::kExecute));
  EXPECT_FALSE(*machine.MayAccess("/bin/tool", Access::kWrite));
  EXPECT_EQ(KindOf(machine.ReadAll("/root/secret")), ErrorKind::kDenied);
  EXPECT_EQ(KindOf(machine.ReadAll("/dev/nvidia0")), ErrorKind::kWrongType);
  EXPECT_EQ(machine.Stat("/dev/nvidia0")->rdev, makedev(195, 0));
  machine.SetEffectiveUser(0);
  EXPECT_TRUE(*machine.MayAccess("/dev/nvidia0", Access::kReadWrite));
  EXPECT_FALSE(*machine.MayAccess("/root/secret", Access::kExecute));
  EXPECT_EQ(*machine.ReadAll("/root/secret"), "x");
}

TEST(Overlay, EnvironmentAndPlaceAreItsOwn) {
  auto empty = EmptySystem();
  OverlaySystem below(*empty);
  below.SetEnv("A", "1");
  below.SetEnv("B", "1");
  OverlaySystem above(below);
  above.UnsetEnv("A");
  above.SetEnv("B", "2");
  above.AddFile("/home/a/x.py", "print()");
  above.SetWorkingDirectory("/home/a");
  above.SetMachine("aarch64", 0);
  EXPECT_EQ(above.Env("A"), std::nullopt);
  EXPECT_EQ(above.Env("B"), "2");
  EXPECT_EQ(below.Env("B"), "1");
  EXPECT_EQ(*above.ReadAll("x.py"), "print()");
  EXPECT_EQ(*above.RealPath("../a/./x.py"), "/home/a/x.py");
  EXPECT_EQ(above.Machine(), "aarch64");
}

// --- the overlay behaves as the kernel does
// ------------------------------------------------------------------------

using Random = std::mt19937;

size_t Pick(Random& random, size_t count) { return random() % count; }

std::string RandomName(Random& random) { return std::string(1, static_cast<char>('a' + Pick(random, 4))); }

std::string RandomPath(Random& random, const std::string& root) {
  static const std::array<std::string, 9> parts = {"a", "b", "c", "d", "a", "b", "..", ".", ""};
  std::string path = root;
  for (size_t i = Pick(random, 6) + 1; i > 0; i--) path += "/" + parts[Pick(random, parts.size())];
  return path;
}

std::string RandomTarget(Random& random, const std::string& root) {
  switch (Pick(random, 4)) {
    case 0:
      return root + "/" + RandomName(random);
    case 1:
      return "../" + RandomName(random);
    case 2:
      return RandomName(random) + "/" + RandomName(random) + (Pick(random, 3) == 0 ? "/" : "");
    default:
      return RandomName(random);
  }
}

// One change, made on the disk and in the overlay, if its parent is a folder on the disk.
void Change(Random& random, const std::string& root, OverlaySystem& overlay) {
  std::string parent = root;
  for (size_t i = Pick(random, 4); i > 0; i--) parent += "/" + RandomName(random);
  std::error_code ignored;
  if (!fs::is_directory(fs::status(parent, ignored))) return;
  std::string path = parent + "/" + RandomName(random);
  size_t kind = Pick(random, 7);
  if (kind >= 4 && fs::is_directory(fs::status(path, ignored))) return;  // mkdir -p would do nothing
  fs::remove_all(path, ignored);
  overlay.Remove(path);
  if (kind == 0) return;
  if (kind == 1) {
    std::string content(Pick(random, 20), 'x');
    Write(path, content, Pick(random, 2) == 0 ? 0644 : 0755);
    overlay.AddFile(path, content, fs::status(path).permissions() == fs::perms{0755} ? 0755 : 0644);
  } else if (kind <= 3) {
    std::string target = RandomTarget(random, root);
    ASSERT_EQ(symlink(target.c_str(), path.c_str()), 0);
    overlay.AddSymlink(path, target);
  } else {
    ASSERT_EQ(mkdir(path.c_str(), 0755), 0);
    overlay.AddDirectory(path);
  }
}

template <class T, class Same>
void ExpectSame(const Result<T>& overlay, const Result<T>& live, const std::string& what, Same same) {
  ASSERT_EQ(overlay.ok(), live.ok()) << what << ": " << (overlay.ok() ? live : overlay).error().message;
  if (!live.ok()) {
    EXPECT_EQ(overlay.error().kind, live.error().kind) << what << ": " << live.error().message;
  } else {
    EXPECT_TRUE(same(*overlay, *live)) << what;
  }
}

bool SameStat(const FileStat& a, const FileStat& b) {
  return a.type == b.type && (a.type == FileType::kDirectory || a.size == b.size) && a.mode == b.mode;
}

void ExpectSameAnswers(const System& overlay, const System& live, const std::string& path) {
  auto equal = [](const auto& a, const auto& b) { return a == b; };
  ExpectSame(overlay.Stat(path), live.Stat(path), "Stat " + path, SameStat);
  ExpectSame(overlay.LStat(path), live.LStat(path), "LStat " + path, SameStat);
  ExpectSame(overlay.Read(path, 2, 5), live.Read(path, 2, 5), "Read " + path, equal);
  ExpectSame(overlay.ReadAll(path, 10), live.ReadAll(path, 10), "ReadAll " + path, equal);
  ExpectSame(overlay.ReadLink(path), live.ReadLink(path), "ReadLink " + path, equal);
  ExpectSame(overlay.RealPath(path), live.RealPath(path), "RealPath " + path, equal);
  for (Access access : {Access::kRead, Access::kExecute}) {
    ExpectSame(overlay.MayAccess(path, access), live.MayAccess(path, access), "MayAccess " + path, equal);
  }
  auto same_entries = [](const std::vector<DirEntry>& a, const std::vector<DirEntry>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const auto& x, const auto& y) { return x.name == y.name && x.type == y.type; });
  };
  for (size_t limit : {size_t{2}, size_t{100}}) {
    ExpectSame(overlay.List(path, limit), live.List(path, limit), "List " + path, same_entries);
  }
}

TEST(Caching, AnswersLikeTheSystemBelow) {
  // One level down, and from there: what lies above and in the first working directory changes while others
  // test.
  const TempFolder above;
  fs::create_directories(above / "inside/a/b");
  const fs::path temp = above / "inside";
  fs::current_path(temp);
  Write((temp / "a/file").string(), "x");
  auto link = [&](const std::string& target, const std::string& name) {
    ASSERT_EQ(symlink(target.c_str(), (temp / name).c_str()), 0);
  };
  link("a/b", "folder");
  link("../a/b/", "a/up");
  link("a/file", "to_file");
  link("a/file/", "to_file_as_folder");
  link(temp.string() + "//a/./b/..", "absolute");
  link("none", "dangling");
  link("loop", "loop");
  link("pong", "ping");
  link("ping", "pong");
  link(".", "here");
  link("/", "root");
  auto live = LiveSystem();
  const std::array<std::string, 10> beginnings = {"",     "folder",   "a/up", "to_file",  "to_file_as_folder",
                                                  "here", "absolute", "root", "dangling", "loop"};
  const std::array<std::string, 11> ends = {"",         "/",  "//",    "/.",     "/..",  "/../",
                                            "/./../..", "/b", "/file", "/file/", "/none"};
  for (bool backwards : {false, true}) {
    const auto one_look = LiveSystem(Looks::kOne);
    CachingSystem caching(*one_look);
    for (size_t i = 0; i < beginnings.size() * ends.size(); i++) {
      size_t k = backwards ? beginnings.size() * ends.size() - 1 - i : i;
      const std::string path =
          temp.string() + "/" + beginnings[k % beginnings.size()] + ends[k / beginnings.size()];
      ExpectSameAnswers(caching, *live, path);
    }
    for (const std::string& path :
         {std::string(), std::string("/"), std::string("//"), std::string("/.."), std::string("."),
          std::string("none"), temp.string() + "/ping", temp.string() + "/pong/x",
          temp.string() + "/" + std::string(300, 'x'), "/" + std::string(5000, '/'),
          temp.string() + "/" + std::string("a\0b", 3)}) {
      ExpectSameAnswers(caching, *live, path);
    }
  }
  fs::current_path("/");
}

// The kernel follows 40 links on a way. How many are left depends on the way, so the same link may be too far
// on one and near enough on another.
TEST(Caching, CountsLinksAsTheKernel) {
  TempFolder temp;
  Write(temp / "0", "x");
  for (int i = 1; i <= 45; i++) {
    ASSERT_EQ(symlink(std::to_string(i - 1).c_str(), (temp / std::to_string(i)).c_str()), 0);
  }
  ASSERT_EQ(symlink(".", (temp / "here").c_str()), 0);
  auto live = LiveSystem();
  for (bool backwards : {false, true}) {
    CachingSystem caching(*live);
    for (int i = 0; i <= 45; i++) {
      int k = backwards ? 45 - i : i;
      for (const char* way : {"", "here/", "here/here/here/"}) {
        ExpectSameAnswers(caching, *live, temp / (way + std::to_string(k)));
      }
    }
  }
}

TEST(Caching, AsksOnce) {
  class Counting : public ForwardingSystem {
   public:
    using ForwardingSystem::ForwardingSystem;
    Result<FileStat> LStat(const std::string& path) const override {
      asked++;
      return ForwardingSystem::LStat(path);
    }
    Result<std::string> Read(const std::string& path, uint64_t offset, size_t length) const override {
      asked++;
      return ForwardingSystem::Read(path, offset, length);
    }
    mutable int asked = 0;
  };
  auto empty = EmptySystem();
  OverlaySystem machine(*empty);
  machine.AddFile("/a/b/c", "x");
  machine.Fail("/a/denied", {ErrorKind::kDenied, "injected"});
  Counting counting(machine);
  CachingSystem caching(counting);
  for (int i = 0; i < 3; i++) {
    EXPECT_EQ(*caching.RealPath("/a/b/c"), "/a/b/c");
    EXPECT_EQ(*caching.ReadAll("/a/b/c"), "x");
    EXPECT_TRUE(caching.LStat("/none").not_found());
    EXPECT_EQ(KindOf(caching.LStat("/a/denied")), ErrorKind::kDenied);  // unknown stays unknown
    EXPECT_EQ(KindOf(caching.RealPath("/a/denied/x")), ErrorKind::kDenied);
  }
  int once = counting.asked;
  EXPECT_EQ(*caching.RealPath("/a/b/c"), "/a/b/c");
  EXPECT_EQ(counting.asked, once);
}

TEST(OverlayProperty, AnswersLikeTheKernelOnTheSameTree) {
  auto empty = EmptySystem();
  auto live = LiveSystem();
  size_t found = 0;
  for (unsigned seed = 0; seed < 20; seed++) {
    Random random(seed);
    TempFolder temp;
    ASSERT_EQ(chmod(temp.path().c_str(), 0755), 0);
    // Deep down, so that no ".." leaves what both sides know.
    std::string root = temp.path();
    for (int i = 0; i < 10; i++) root += "/n";
    fs::create_directories(root);
    OverlaySystem first(*empty);
    first.SetEffectiveUser(geteuid());
    first.AddDirectory(root);
    for (int i = 0; i < 25; i++) Change(random, root, first);
    // A second layer that changes what the first one holds.
    OverlaySystem second(first);
    std::vector<std::string> paths;
    for (int i = 0; i < 15; i++) {
      Change(random, root, second);
      for (int k = 0; k < 15; k++) {
        std::string path = RandomPath(random, root);
        SCOPED_TRACE("seed " + std::to_string(seed));
        ExpectSameAnswers(second, *live, path);
        if (HasFatalFailure()) return;
        paths.push_back(path);
        found += live->Stat(path).ok() ? 1 : 0;
      }
    }
    // What was asked before changes no answer: all paths of this tree, twice, in any order, of one memory,
    // and of one that keeps folders open.
    const auto one_look = LiveSystem(Looks::kOne);
    CachingSystem caching(*one_look);
    const std::vector<std::string> again = paths;
    paths.insert(paths.end(), again.begin(), again.end());
    std::shuffle(paths.begin(), paths.end(), random);
    for (const std::string& path : paths) {
      SCOPED_TRACE("remembered, seed " + std::to_string(seed));
      ExpectSameAnswers(caching, *live, path);
      ExpectSameAnswers(*one_look, *live, path);
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(found, 500U);  // the property was not tried on empty trees only
}

// The same with the kernel's own tree as the lower layer: the disk is changed only after the answers were
// taken.
TEST(OverlayProperty, ChangesOverTheRealMachine) {
  TempFolder temp;
  fs::create_directories(temp / "usr/lib");
  Write(temp / "usr/lib/liba.so", "a");
  ASSERT_EQ(symlink("usr/lib", (temp / "lib").c_str()), 0);
  auto live = LiveSystem();
  OverlaySystem overlay(*live);
  overlay.AddSymlink(temp / "lib/libb.so", "liba.so");
  overlay.Remove(temp / "usr/lib/liba.so");
  overlay.AddFile(temp / "usr/lib/liba.so", "new");
  auto before = overlay.ReadAll(temp / "lib/libb.so");
  auto listed = Names(overlay.List(temp / "lib"));
  EXPECT_EQ(*live->ReadAll(temp / "lib/liba.so"), "a");
  EXPECT_TRUE(live->LStat(temp / "lib/libb.so").not_found());
  ASSERT_EQ(symlink("liba.so", (temp / "lib/libb.so").c_str()), 0);
  Write(temp / "usr/lib/liba.so", "new");
  EXPECT_EQ(*before, *live->ReadAll(temp / "lib/libb.so"));
  EXPECT_EQ(listed, Names(live->List(temp / "lib")));
  EXPECT_NE(overlay.Stat(temp / "usr/lib/liba.so")->inode, overlay.LStat(temp / "usr/lib/libb.so")->inode);
}

}  // namespace
}  // namespace tfdoctor
