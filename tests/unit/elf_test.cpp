// The ELF reader, the writer of small objects, and the reader of ld.so.cache.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "base/text.h"
#include "elf/cache.h"
#include "elf/loader.h"
#include "elf/object.h"
#include "elf/synth.h"
#include "system/overlay.h"
#include "system/system.h"

namespace tfdoctor::elf {
namespace {

const System& Machine() {
  static const std::unique_ptr<System> machine = LiveSystem();
  return *machine;
}

Blueprint Example() {
  Blueprint print;
  print.soname = "libexample.so.3";
  print.needed = {"libc.so.6"};
  print.runpath = "$ORIGIN/../x";
  print.imports = {{"malloc", "GLIBC_2.2.5", "libc.so.6"}, {"nowhere", "", "", true}};
  print.exports = {{"example_version", "libexample.so.3", std::string("\x2a\0\0\0", 4)},
                   {"example_call", "libexample.so.3", ""},
                   {"example_plain", "", "text"}};
  print.version_needs = {{"libc.so.6", {{"GLIBC_9.99", true}}}};
  print.version_definitions = {"EXAMPLE_OLD"};
  print.build_id = "00ff10a5";
  return print;
}

class InFile {
 public:
  explicit InFile(const std::string& bytes) {
    std::string pattern = testing::TempDir() + "/elf-XXXXXX";
    const int file = mkstemp(pattern.data());
    EXPECT_GE(file, 0);
    close(file);
    path_ = pattern;
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~InFile() { std::remove(path_.c_str()); }
  InFile(const InFile&) = delete;
  InFile& operator=(const InFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(Object, ReadsWhatTheWriterWrote) {
  for (const bool gnu_hash : {true, false}) {
    Blueprint print = Example();
    print.gnu_hash = gnu_hash;
    const InFile file(WriteObject(print));
    const Result<Object> object = ReadObject(Machine(), file.path());
    ASSERT_TRUE(object.ok()) << object.error().message;
    EXPECT_TRUE(object->is_64);
    EXPECT_FALSE(object->is_executable);
    EXPECT_EQ(object->machine, kMachineX86_64);
    EXPECT_EQ(object->soname, print.soname);
    EXPECT_EQ(object->needed, print.needed);
    EXPECT_EQ(object->runpath, print.runpath);
    EXPECT_EQ(object->rpath, std::nullopt);
    EXPECT_EQ(object->build_id, print.build_id);
    EXPECT_EQ(object->version_definitions,
              (std::vector<std::string>{"libexample.so.3", "EXAMPLE_OLD", "libexample.so.3"}));
    ASSERT_EQ(object->version_needs.size(), 1U);
    ASSERT_EQ(object->version_needs[0].versions.size(), 2U);
    EXPECT_TRUE(object->version_needs[0].versions[0].weak);
    EXPECT_EQ(object->version_needs[0].versions[1].name, "GLIBC_2.2.5");

    const Result<std::vector<Symbol>> undefined = UndefinedSymbols(Machine(), file.path());
    ASSERT_TRUE(undefined.ok());
    ASSERT_EQ(undefined->size(), 2U);
    EXPECT_EQ((*undefined)[0].name, "malloc");
    EXPECT_EQ((*undefined)[0].version, "GLIBC_2.2.5");
    EXPECT_EQ((*undefined)[0].file, "libc.so.6");
    EXPECT_TRUE((*undefined)[1].weak);

    EXPECT_EQ(SymbolBytes(Machine(), file.path(), "example_version", 16).value_or(""),
              std::string("\x2a\0\0\0", 4));
    EXPECT_EQ(SymbolBytes(Machine(), file.path(), "example_plain", 2).value_or(""), "te");
    EXPECT_TRUE(SymbolBytes(Machine(), file.path(), "malloc", 4).not_found());
    EXPECT_TRUE(SymbolBytes(Machine(), file.path(), "absent", 4).not_found());
  }
}

// The oracle of the writer: ld.so opens the object, binds its imports, and dlsym() finds its data.
TEST(Synth, IsOpenedByLdSo) {
  for (const bool gnu_hash : {true, false}) {
    Blueprint print = Example();
    print.gnu_hash = gnu_hash;
    const InFile file(WriteObject(print));
    void* library = dlopen(file.path().c_str(), RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << dlerror();
    const void* version = dlvsym(library, "example_version", "libexample.so.3");
    ASSERT_NE(version, nullptr);
    EXPECT_EQ(std::memcmp(version, "\x2a\0\0\0", 4), 0);
    EXPECT_NE(dlsym(library, "example_plain"), nullptr);
    EXPECT_NE(dlsym(library, "example_call"), nullptr);
    EXPECT_EQ(dlvsym(library, "example_version", "EXAMPLE_OLD"), nullptr);
    dlclose(library);
  }
}

TEST(Object, SaysWhatIsWrong) {
  const auto message = [](const std::string& bytes) {
    const InFile file(bytes);
    const Result<Object> object = ReadObject(Machine(), file.path());
    return object.ok() ? "" : object.error().message;
  };
  const std::string good = WriteObject(Example());
  EXPECT_EQ(message(good), "");
  EXPECT_EQ(message(""), "file too short");
  EXPECT_EQ(message(good.substr(0, 63)), "file too short");
  EXPECT_EQ(message(std::string(100, 'x')), "invalid ELF header");
  EXPECT_EQ(message(good.substr(0, 100)), "cannot read file data");
  EXPECT_EQ(message(good.substr(0, good.size() - 100)),
            "file is cut short: a segment reaches beyond its end");
  std::string other = good;
  other[4] = 1;
  const InFile file32(other);
  const Result<Object> object32 = ReadObject(Machine(), file32.path());
  ASSERT_TRUE(object32.ok());
  EXPECT_FALSE(object32->is_64);
  EXPECT_EQ(ReadObject(Machine(), "/").error().kind, ErrorKind::kWrongType);
  EXPECT_TRUE(ReadObject(Machine(), "/nowhere/x.so").not_found());
  EXPECT_EQ(ReadObject(Machine(), "/dev/null").error().kind, ErrorKind::kWrongType);
}

// Against readelf: every library that this test program uses, and the interpreter of Python.
TEST(Object, AgreesWithReadelf) {
  if (std::system("command -v readelf >/dev/null") != 0)
    FAIL() << "readelf (binutils) comes with the compiler";
  const Result<Process> process = Process::Start(Machine(), "/proc/self/exe");
  ASSERT_TRUE(process.ok()) << process.error().message;
  std::vector<std::string> files = process->Loaded();
  if (Machine().Exists("/usr/bin/python3")) files.emplace_back("/usr/bin/python3");
  ASSERT_GE(files.size(), 5U);
  for (const std::string& path : files) {
    const Result<Object> object = ReadObject(Machine(), path);
    ASSERT_TRUE(object.ok()) << path << object.error().message;
    // In a process of its own /proc/self/exe is another program.
    const std::string real = Machine().RealPath(path).value_or(path);
    FILE* pipe = popen(("LC_ALL=C readelf -dnW --dyn-syms '" + real + "' 2>/dev/null").c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string text;
    char buffer[4096];
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, n);
    pclose(pipe);
    std::vector<std::string> needed;
    std::string soname;
    std::string build_id;
    size_t undefined = 0;
    for (const std::string_view line : SplitLines(text)) {
      const size_t open = line.find('[');
      const std::string in_brackets(
          open == std::string_view::npos ? "" : line.substr(open + 1, line.rfind(']') - open - 1));
      if (line.find("(NEEDED)") != std::string_view::npos) needed.push_back(in_brackets);
      if (line.find("(SONAME)") != std::string_view::npos) soname = in_brackets;
      if (const size_t at = line.find("Build ID: "); at != std::string_view::npos)
        build_id = line.substr(at + 10);
      const std::vector<std::string_view> words = SplitWords(line);
      if (words.size() >= 8 && words[6] == "UND" && words[4] != "LOCAL") ++undefined;
    }
    EXPECT_EQ(object->needed, needed) << path;
    EXPECT_EQ(object->soname, soname) << path;
    EXPECT_EQ(object->build_id, build_id) << path;
    if (object->is_executable) continue;  // GNU ld places some undefined symbols of programs elsewhere
    const Result<std::vector<Symbol>> symbols = UndefinedSymbols(Machine(), path);
    ASSERT_TRUE(symbols.ok());
    EXPECT_EQ(symbols->size(), undefined) << path;
  }
}

// Bytes changed and cut at random: an answer or an error, in bounded time.
TEST(Object, SurvivesDamage) {
  std::mt19937 random(7);
  const std::string good = WriteObject(Example());
  const std::unique_ptr<System> nothing = EmptySystem();
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = good;
    for (size_t j = 1 + random() % 6; j > 0; --j)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    OverlaySystem system(*nothing);
    system.AddFile("/x.so", bytes);
    const Result<Object> object = ReadObject(system, "/x.so");
    if (object.ok()) {
      EXPECT_EQ(object->file_size, bytes.size());
    } else {
      EXPECT_FALSE(object.error().message.empty());
    }
    (void)UndefinedSymbols(system, "/x.so");
    (void)SymbolBytes(system, "/x.so", "example_version", 16);
  }
}

// Every name of this machine's cache, with ldconfig as the oracle.
TEST(LdCache, AgreesWithLdconfig) {
  const Result<LdCache> cache = LdCache::Load(Machine(), "/etc/ld.so.cache");
  ASSERT_TRUE(cache.ok()) << cache.error().message;
  FILE* pipe = popen("/sbin/ldconfig -p", "r");
  ASSERT_NE(pipe, nullptr);
  char line[4096];
  std::map<std::string, std::string> first;
  while (fgets(line, sizeof line, pipe) != nullptr) {
    // "	libz.so.1 (libc6,x86-64) => /lib/x86_64-linux-gnu/libz.so.1"
    const std::string text(Trim(line));
    const size_t arrow = text.find(" => ");
    if (arrow == std::string::npos || text.find("(libc6,x86-64)") == std::string::npos) continue;
    first.try_emplace(text.substr(0, text.find(' ')), text.substr(arrow + 4));
  }
  pclose(pipe);
  ASSERT_GT(first.size(), 10U);
  for (const auto& [name, path] : first) EXPECT_EQ(cache->Lookup(name, kMachineX86_64, {}), path) << name;
  EXPECT_EQ(cache->Lookup("libabsent.so.1", kMachineX86_64, {}), "");
  EXPECT_EQ(cache->Lookup("libc.so.6", kMachineAarch64, {}), "");
}

// glibc-hwcaps in the cache, and the old format in front: written by ldconfig itself for a folder of ours.
TEST(LdCache, ChoosesTheBestSubfolder) {
  std::string root = testing::TempDir() + "/cache-XXXXXX";
  ASSERT_NE(mkdtemp(root.data()), nullptr);
  const auto run = [](const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; };
  run("mkdir -p " + root + "/etc " + root + "/opt/x/glibc-hwcaps/x86-64-v3 " + root +
      "/opt/x/glibc-hwcaps/x86-64-v2");
  Blueprint print;
  print.soname = "libhw.so.1";
  for (const char* folder : {"", "glibc-hwcaps/x86-64-v2/", "glibc-hwcaps/x86-64-v3/"}) {
    std::ofstream(root + "/opt/x/" + folder + "libhw.so.1", std::ios::binary) << WriteObject(print);
  }
  std::ofstream(root + "/etc/ld.so.conf") << "/opt/x\n";
  for (const char* format : {"new", "compat", "old"}) {
    run("/sbin/ldconfig -c " + std::string(format) + " -r " + root +
        " -C /etc/cache -f /etc/ld.so.conf -X 2>/dev/null");
    const Result<LdCache> cache = LdCache::Load(Machine(), root + "/etc/cache");
    ASSERT_TRUE(cache.ok()) << format << ": " << cache.error().message;
    const auto lookup = [&](const std::vector<std::string>& subfolders) {
      return cache->Lookup("libhw.so.1", kMachineX86_64, subfolders);
    };
    if (std::string(format) == "old") {
      // It cannot say which entry is for which processor.
      EXPECT_TRUE(lookup({}).ends_with("/libhw.so.1"));
      continue;
    }
    EXPECT_EQ(lookup({}), "/opt/x/libhw.so.1") << format;
    EXPECT_EQ(lookup({"x86-64-v4", "x86-64-v3", "x86-64-v2"}), "/opt/x/glibc-hwcaps/x86-64-v3/libhw.so.1")
        << format;
    EXPECT_EQ(lookup({"x86-64-v2"}), "/opt/x/glibc-hwcaps/x86-64-v2/libhw.so.1") << format;
  }
  run("rm -r " + root);
}

TEST(LdCache, RefusesDamage) {
  const std::string good = Machine().ReadAll("/etc/ld.so.cache", 64 << 20).value_or("");
  ASSERT_GT(good.size(), 100U);
  EXPECT_FALSE(LdCache::Parse("").ok());
  EXPECT_FALSE(LdCache::Parse("ld.so-1.7.0").ok());
  EXPECT_FALSE(LdCache::Parse(good.substr(0, 60)).ok());
  std::mt19937 random(7);
  for (int i = 0; i < 500; ++i) {
    std::string bytes = good;
    for (int j = 0; j < 20; ++j) bytes[random() % 400] = static_cast<char>(random());
    const Result<LdCache> cache = LdCache::Parse(std::move(bytes));
    if (cache.ok()) (void)cache->Lookup("libc.so.6", kMachineX86_64, {"x86-64-v2"});
  }
}

}  // namespace
}  // namespace tfdoctor::elf
