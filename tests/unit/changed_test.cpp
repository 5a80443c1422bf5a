// What changed: the logs of packages, what of them bears on a cause, and the saved good state.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "base/text.h"
#include "diagnose/since.h"
#include "facts/json.h"
#include "probes/history.h"
#include "saved/state.h"
#include "system/overlay.h"

namespace tfdoctor {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

// "2026-11-25 06:33:10 nvidia-driver-570: 570.86.15-1 > 575.57.08-1"; "-": absent, "?": unknown.
std::vector<std::string> Told(const History& history) {
  auto text = [](const Fact<std::string>& fact) -> std::string {
    if (const std::string* value = fact.Peek()) return *value;
    return fact.state() == FactState::kAbsent ? "-" : "?";
  };
  std::vector<std::string> told;
  if (const auto* changes = history.changes.Peek()) {
    for (const auto& [key, change] : *changes)
      told.push_back(key + ": " + text(change.before) + " > " + text(change.after));
  }
  return told;
}

class HistoryTest : public ::testing::Test {
 protected:
  HistoryTest() : live_(LiveSystem()), machine_(*live_) { machine_.Remove("/var/log"); }

  std::unique_ptr<System> live_;
  OverlaySystem machine_;
  Facts facts_;
};

// A log is read in parts: no line is lost or told twice where they meet, wherever that is.
TEST_F(HistoryTest, ALongLogIsReadInParts) {
  constexpr size_t kPart = 96 << 10;
  const std::string change = "2026-11-25 06:33:10 upgrade nvidia-driver-570:amd64 570.86.15-1 575.57.08-1\n";
  for (size_t shift : {size_t{0}, size_t{1}, change.size() / 2, change.size() - 1, change.size()}) {
    std::string log;
    while (log.size() + 60 < kPart - shift) log += "2026-11-25 06:33:09 status installed vim:amd64 9.1\n";
    log += std::string(kPart - shift - 1 - log.size(), 'x') + "\n" + change;
    log += std::string(3 * kPart, 'y') + "\n";  // a line longer than a part
    log += "2026-11-26 07:00:00 install dkms:all <none> 3.0\n2026-11-26 08:00:00 install dkms:all <none> 3.1";
    machine_.AddFile("/var/log/dpkg.log", log);
    EXPECT_EQ(
        Told(ReadHistory(machine_, facts_)),
        (std::vector<std::string>{"2026-11-25 06:33:10 nvidia-driver-570: 570.86.15-1 > 575.57.08-1",
                                  "2026-11-26 07:00:00 dkms: - > 3.0", "2026-11-26 08:00:00 dkms: - > 3.1"}))
        << shift;
    // Of a log of more than a megabyte the end, from its first whole line on.
    machine_.AddFile("/var/log/dpkg.log",
                     std::string((1 << 20) - 40, 'z') + "\n" + change + change.substr(0, 40));
    EXPECT_EQ(Told(ReadHistory(machine_, facts_)).size(), 1U) << shift;
  }
}

// Nobody tells what is older than a month: a long log is read from there on, or whole where its times are not
// known.
TEST_F(HistoryTest, OfALongLogWhatIsNotOld) {
  const auto lines = [](const std::string& day, size_t bytes) {
    std::string text = day + " 06:00:00 upgrade nvidia-driver-570:amd64 1.0 of-" + day + "\n";
    while (text.size() < bytes) text += day + " 06:00:01 status installed vim:amd64 9.1\n";
    return text;
  };
  constexpr size_t kLong = 200 << 10;
  const std::string end = "2026-11-25 07:00:00 upgrade nvidia-driver-570:amd64 1.0 of-today\n";
  const auto told = [&](const std::string& log) {
    machine_.AddFile("/var/log/dpkg.log", log);
    return Join(Told(ReadHistory(machine_, facts_)), "; ");
  };
  const std::string old = lines("2025-02-01", kLong) + lines("2026-03-01", kLong);
  const std::string some = told(old + lines("2026-11-02", kLong) + end);
  EXPECT_EQ(some.find("of-2025"), some.npos) << some;
  EXPECT_NE(some.find("of-2026-11-02"), some.npos) << some;
  EXPECT_NE(some.find("of-today"), some.npos) << some;
  // As far as it is read nothing is left out.
  const std::string none_old = told(lines("2026-10-30", kLong) + lines("2026-11-02", kLong) + end);
  EXPECT_NE(none_old.find("of-2026-10-30"), none_old.npos) << none_old;
  for (const std::string& last :
       {std::string("no time at all\n"), std::string("2026-13-99 06:00:00 install x y z\n")}) {
    const std::string all = told(old + end + last);
    EXPECT_NE(all.find("of-2025"), all.npos) << last;
  }
  machine_.Remove("/var/log/dpkg.log");
}

TEST_F(HistoryTest, Dpkg) {
  machine_.AddFile("/var/log/dpkg.log",
                   "2026-11-25 06:33:09 startup archives unpack\n"
                   "2026-11-25 06:33:10 upgrade nvidia-driver-570:amd64 570.86.15-1 575.57.08-1\n"
                   "2026-11-25 06:33:11 status half-configured nvidia-driver-570:amd64 570.86.15-1\n"
                   "2026-11-25 06:33:12 install linux-image-6.1.0-29-amd64:amd64 <none> 6.1.123-1\n"
                   "2026-11-25 06:33:13 upgrade vim:amd64 9.0 9.1\n"
                   "2026-11-25 06:34:00 remove libcudnn9-cuda-12:amd64 9.3.0 <none>\n"
                   "2026-11-25 06:35 upgrade nvidia-smi:amd64 1 2\n\x01\xff\n");
  machine_.AddFile("/var/log/dpkg.log.1", "2026-10-01 10:00:00 install dkms:all <none> 3.0\n");
  EXPECT_EQ(Told(ReadHistory(machine_, facts_)),
            (std::vector<std::string>{
                "2026-10-01 10:00:00 dkms: - > 3.0",
                "2026-11-25 06:33:10 nvidia-driver-570: 570.86.15-1 > 575.57.08-1",
                "2026-11-25 06:33:12 linux-image-6.1.0-29-amd64: - > 6.1.123-1",
                "2026-11-25 06:34:00 libcudnn9-cuda-12: 9.3.0 > -",
            }));
}

TEST_F(HistoryTest, Apt) {
  machine_.AddFile("/var/log/apt/history.log",
                   "\nStart-Date: 2026-11-25  06:33:05\nCommandline: /usr/bin/unattended-upgrade\n"
                   "Install: linux-image-6.1.0-29-amd64:amd64 (6.1.123-1, automatic), x:amd64 (1)\n"
                   "Upgrade: a:amd64 (1, 2), libcuda1:amd64 (570.86.15-1, 575.57.08-1)\n"
                   "Remove: nvidia-smi:amd64 (535.1-1)\nEnd-Date: 2026-11-25  06:34:05\n");
  EXPECT_EQ(Told(ReadHistory(machine_, facts_)),
            (std::vector<std::string>{
                "2026-11-25 06:33:05 libcuda1: 570.86.15-1 > 575.57.08-1",
                "2026-11-25 06:33:05 linux-image-6.1.0-29-amd64: - > 6.1.123-1",
                "2026-11-25 06:33:05 nvidia-smi: 535.1-1 > -",
            }));
}

TEST_F(HistoryTest, DnfAndPacman) {
  machine_.AddFile("/var/log/dnf.rpm.log",
                   "2026-11-25T06:33:10+0100 SUBDEBUG Upgrade: kernel-core-5.14.0-503.el9.x86_64\n"
                   "2026-11-25T06:33:20+0100 SUBDEBUG Upgraded: kernel-core-5.14.0-427.el9.x86_64\n"
                   "2026-11-25T06:33:30+0100 INFO --- logging initialized ---\n");
  machine_.AddFile("/var/log/pacman.log",
                   "[2026-11-26T06:33:10+0100] [ALPM] upgraded nvidia (570.86.15-1 -> 575.57.08-1)\n"
                   "[2026-11-26T06:33:11+0100] [ALPM] installed cuda (12.9.1-1)\n"
                   "[2026-11-26T06:33:11+0100] [PACMAN] Running 'pacman -Syu'\n");
  EXPECT_EQ(Told(ReadHistory(machine_, facts_)),
            (std::vector<std::string>{
                "2026-11-25 06:33:10 kernel-core: ? > 5.14.0-503.el9.x86_64",
                "2026-11-26 06:33:10 nvidia: 570.86.15-1 > 575.57.08-1",
                "2026-11-26 06:33:11 cuda: - > 12.9.1-1",
            }));
}

// What is uninstalled with what takes its place is no removal; of kernels several stay.
TEST_F(HistoryTest, Dnf5) {
  setenv("TZ", "Europe/Berlin", 1);
  tzset();
  const auto line = [](const std::string& time, const std::string& what) {
    return "2026-11-25T" + time + "+0000 [714413] INFO RPM callback " + what + "\n";
  };
  machine_.AddFile(
      "/var/log/dnf5.log",
      "2026-11-25T05:33:09+0000 [714413] DEBUG [librepo] lr_download: Downloading started\n" +
          line("05:33:10", "transaction start, total 5") +
          line("05:33:10", "open file \"/var/cache/libdnf5/akmod-nvidia-570.86.15-1.fc41.x86_64.rpm\"") +
          line("05:33:11", "install start \"akmod-nvidia-3:570.86.15-1.fc41.x86_64\" total 5") +
          line("05:33:12", "install stop \"akmod-nvidia-3:570.86.15-1.fc41.x86_64\" amount 5 total 5") +
          line("05:33:13", "install stop \"kernel-core-0:6.11.8-300.fc41.x86_64\" amount 5 total 5") +
          line("05:33:14", "install stop \"acpi-0:1.7-21.fc41.x86_64\" amount 5 total 5") +
          line("05:33:15", "uninstall stop \"akmod-nvidia-3:565.77-1.fc41.x86_64\" amount 5 total 5") +
          line("05:33:16", "uninstall stop \"kernel-core-0:6.11.4-301.fc41.x86_64\" amount 5 total 5") +
          line("06:00:00", "transaction start, total 1") +
          line("06:00:01", "uninstall stop \"akmod-nvidia-3:570.86.15-1.fc41.x86_64\" amount 5 total 5") +
          "2026-11-25T06:00:02+0000 [1] INFO RPM callback uninstall stop \"\n");
  EXPECT_EQ(Told(ReadHistory(machine_, facts_)),
            (std::vector<std::string>{
                "2026-11-25 06:33:12 akmod-nvidia: 3:565.77-1.fc41.x86_64 > 3:570.86.15-1.fc41.x86_64",
                "2026-11-25 06:33:13 kernel-core: ? > 6.11.8-300.fc41.x86_64",
                "2026-11-25 07:00:01 akmod-nvidia: 3:570.86.15-1.fc41.x86_64 > -",
            }));
  unsetenv("TZ");
  tzset();
}

TEST_F(HistoryTest, Zypper) {
  machine_.AddFile("/var/log/zypp/history",
                   "# 2026-11-25 06:33:00 kernel-default-6.4.0-150600.23.7.x86_64.rpm installed ok\n"
                   "2026-11-25 06:33:00|command|root@host|'zypper' 'up'|\n"
                   "2026-11-25 06:33:10|install|kernel-default|6.4.0-150600.23.7|x86_64||repo|ee0f|\n"
                   "2026-11-25 06:33:11|install|vim|9.1|x86_64|root@host|repo|ee0f|\n"
                   "2026-11-25 06:34:10|remove |nvidia-compute-G06|550.54.14-1|x86_64|root@host|\n"
                   "2026-11-25 06:35:00|radd   |nvidia|https://download.nvidia.com/suse\n");
  EXPECT_EQ(Told(ReadHistory(machine_, facts_)),
            (std::vector<std::string>{
                "2026-11-25 06:33:10 kernel-default: ? > 6.4.0-150600.23.7",
                "2026-11-25 06:34:10 nvidia-compute-G06: 550.54.14-1 > -",
            }));
}

// It names no year: the last line is of the year in which the file was written.
TEST_F(HistoryTest, Yum) {
  machine_.AddFile(
      "/var/log/yum.log",
      "Dec 31 23:33:10 Updated: kernel-3.10.0-1160.el7.x86_64\n"
      "Jan  2 06:33:10 Installed: 1:nvidia-driver-570.86.15-1.el7.x86_64\n"
      "Jan 02 06:34:10 Erased: nvidia-x11-drv\nJan 02 06:34:11 Installed: vim-8-1.x86_64\nnonsense\n");
  const std::string path = "/var/log/yum.log";
  const auto stat = machine_.Stat(path);
  ASSERT_TRUE(stat.ok());
  const auto written = static_cast<std::time_t>(stat->mtime);
  std::tm local = {};
  localtime_r(&written, &local);
  const int year = local.tm_year + 1900;
  EXPECT_EQ(Told(ReadHistory(machine_, facts_)),
            (std::vector<std::string>{
                std::to_string(year - 1) + "-12-31 23:33:10 kernel: ? > 3.10.0-1160.el7.x86_64",
                std::to_string(year) + "-01-02 06:33:10 nvidia-driver: ? > 570.86.15-1.el7.x86_64",
                std::to_string(year) + "-01-02 06:34:10 nvidia-x11-drv: ? > -",
            }));
}

// A kernel that was installed long ago comes into force with the next start.
TEST_F(HistoryTest, KernelInForce) {
  const auto record = [](char type, const std::string& user, const std::string& host, int seconds) {
    std::string bytes(384, '\0');
    bytes[0] = type;
    bytes.replace(44, user.size(), user);
    bytes.replace(76, host.size(), host);
    for (size_t i = 0; i < 4; i++) bytes[340 + i] = static_cast<char>(seconds >> (8 * i) & 0xff);
    return bytes;
  };
  facts_.host.machine = Fact<std::string>::Value("x86_64", {});
  const std::string first = record(2, "reboot", "6.1.0-27-amd64", 1763000000);
  const std::string login = record(7, "ada", "192.0.2.1", 1763000060);
  machine_.AddFile("/var/log/wtmp", first + login);
  EXPECT_EQ(Told(ReadHistory(machine_, facts_)), std::vector<std::string>());
  machine_.AddFile("/var/log/wtmp", first + login + record(2, "reboot", "6.1.0-29-amd64", 1764000000));
  const std::vector<std::string> told = Told(ReadHistory(machine_, facts_));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(told[0].find("kernel in force: 6.1.0-27-amd64 > 6.1.0-29-amd64"), std::string::npos) << told[0];
  machine_.AddFile("/var/log/wtmp", first + record(2, "reboot", "6.1.0-27-amd64", 1764000000) + "cut");
  EXPECT_EQ(Told(ReadHistory(machine_, facts_)), std::vector<std::string>());
}

TEST_F(HistoryTest, Conda) {
  facts_.python.prefix = Fact<std::string>::Value("/conda/env", {});
  machine_.AddFile("/conda/env/conda-meta/history",
                   "==> 2026-11-20 10:00:00 <==\n# cmd: conda create\n"
                   "+conda-forge/linux-64::numpy-1.26.4-py311h64a7726_0\n"
                   "==> 2026-11-25 06:33:10 <==\n# cmd: conda install numpy\n"
                   "-conda-forge/linux-64::numpy-1.26.4-py311h64a7726_0\n"
                   "+conda-forge/linux-64::numpy-2.1.0-py311h71ddf71_1\n");
  EXPECT_EQ(Told(ReadHistory(machine_, facts_)), (std::vector<std::string>{
                                                     "2026-11-20 10:00:00 numpy: - > 1.26.4",
                                                     "2026-11-25 06:33:10 numpy: 1.26.4 > 2.1.0",
                                                 }));
}

// A real folder, whose files have dates: what came an hour after the environment was made is a change.
TEST_F(HistoryTest, Pip) {
  char name[] = "/tmp/tfdoctor-history-XXXXXX";
  const fs::path site = fs::path(::mkdtemp(name)) / "site-packages";
  auto install = [&](const std::string& distribution, std::chrono::hours later) {
    fs::create_directories(site / (distribution + ".dist-info"));
    const fs::path record = site / (distribution + ".dist-info") / "RECORD";
    std::ofstream(record) << "x,,\n";
    fs::last_write_time(record, fs::file_time_type::clock::now() - std::chrono::hours(500) + later);
  };
  install("tensorflow-2.20.0", std::chrono::hours(0));
  install("protobuf-5.29.5", std::chrono::hours(0));
  install("numpy-2.3.5", std::chrono::hours(200));
  facts_.python.sys_path = Fact<std::vector<std::string>>::Value({site.string(), "/nowhere"}, {});
  const std::vector<std::string> told = Told(ReadHistory(machine_, facts_));
  fs::remove_all(site.parent_path());
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(told[0].find("numpy: ? > 2.3.5"), std::string::npos) << told[0];
}

TEST_F(HistoryTest, WhatCannotBeReadIsUnknown) {
  machine_.Fail("/var/log/dpkg.log",
                {ErrorKind::kDenied, "cannot read /var/log/dpkg.log: Permission denied"});
  machine_.Fail("/proc/stat", {ErrorKind::kDenied, "cannot read /proc/stat: Permission denied"});
  const History history = ReadHistory(machine_, facts_);
  EXPECT_EQ(history.changes.state(), FactState::kUnknown);
  EXPECT_EQ(history.booted.state(), FactState::kUnknown);
}

// --- what bears on a cause

Diagnosis CauseOf(const Rule& rule) {
  Diagnosis diagnosis;
  diagnosis.causes.emplace_back().rule = &rule;
  return diagnosis;
}

const Rule kOfLibrary = {.id = "x",
                         .link = Link::kDriverLibrary,
                         .effect = Effect::kBlocks,
                         .title = "x",
                         .prior = 0.1,
                         .page = "x"};
const Rule kOfPython = {
    .id = "x", .link = Link::kPython, .effect = Effect::kBlocks, .title = "x", .prior = 0.1, .page = "x"};
const Rule kHarmless = {.id = "x",
                        .link = Link::kDriverLibrary,
                        .effect = Effect::kHarmless,
                        .title = "x",
                        .prior = 0.1,
                        .page = "x"};

Facts Changed(const std::vector<std::array<std::string, 4>>& changes, const std::string& booted) {
  Facts facts;
  std::map<std::string, PackageChange> map;
  auto text = [](const std::string& value) {
    return value.empty() ? Fact<std::string>::Absent({}) : Fact<std::string>::Value(value, {});
  };
  for (const auto& [time, name, before, after] : changes)
    map[time + " " + name] = {text(name), text(before), text(after)};
  facts.history.changes = Fact<std::map<std::string, PackageChange>>::Value(map, {});
  facts.history.booted = Fact<std::string>::Value(booted, {});
  return facts;
}

TEST(Since, TheNewestThatBearsOnTheCause) {
  const Facts facts = Changed({{"2026-11-20 10:00:00", "libcuda1", "565", "570"},
                               {"2026-11-25 06:33:10", "libcuda1", "570", "575"},
                               {"2026-11-25 06:33:11", "nvidia-driver", "570", "575"},
                               {"2026-11-25 20:00:00", "numpy", "1", "2"}},
                              "2026-11-01 08:00");
  EXPECT_EQ(
      Since(CauseOf(kOfLibrary), facts, "2026-11-26 06:19"),
      "2026-11-25 06:33: nvidia-driver from 570 to 575, libcuda1 from 570 to 575; this system has not been "
      "restarted since");
  EXPECT_EQ(Since(CauseOf(kOfPython), facts, "2026-11-26 06:19"), "2026-11-25 20:00: numpy from 1 to 2");
  EXPECT_EQ(Since(CauseOf(kHarmless), facts, "2026-11-26 06:19"), "");
  EXPECT_EQ(Since(Diagnosis(), facts, "2026-11-26 06:19"), "");
}

TEST(Since, NotLongAgoAndNotInTheFuture) {
  const Facts facts = Changed({{"2026-11-25 06:33:10", "libcuda1", "570", "575"}}, "2026-11-25 08:00");
  EXPECT_EQ(Since(CauseOf(kOfLibrary), facts, "2026-12-26 06:19"), "");
  EXPECT_EQ(Since(CauseOf(kOfLibrary), facts, "2026-11-24 06:19"), "");
  EXPECT_EQ(
      Since(CauseOf(kOfLibrary), facts, "2026-11-25 09:00"),
      "2026-11-25 06:33: libcuda1 from 570 to 575; this system was started after that, 2026-11-25 08:00");
  EXPECT_EQ(Since(CauseOf(kOfLibrary), facts, "no time"), "");
}

TEST(Since, ManyAreCounted) {
  std::vector<std::array<std::string, 4>> many;
  for (int i = 0; i < 9; i++)
    many.push_back({"2026-11-25 06:33:10", "libnvidia-" + std::to_string(i), "", "575"});
  const std::string text = Since(CauseOf(kOfLibrary), Changed(many, ""), "2026-11-25 09:00");
  EXPECT_NE(text.find(" and 5 more"), std::string::npos) << text;
}

// --- two looks

Facts Of(const Json& json) {
  Result<Facts> facts = FactsFromJson(json);
  EXPECT_TRUE(facts.ok()) << (facts.ok() ? "" : facts.error().message);
  return facts.ok() ? *facts : Facts();
}

std::vector<std::string> Named(const std::vector<Difference>& differences) {
  std::vector<std::string> named;
  for (const Difference& d : differences) named.push_back(d.fact + ": " + d.a.Words() + " > " + d.b.Words());
  return named;
}

TEST(Differences, FactByFact) {
  const Facts before = Of({{"kernel_driver", {{"version", "570.86.15"}, {"flavour", "open"}}},
                           {"host", {{"kernel", "6.1.0-28-amd64"}}},
                           {"python", {{"distributions", {{"numpy", {{"version", "1.26.4"}}}}}}}});
  const Facts after = Of({{"kernel_driver", {{"version", "@absent"}, {"flavour", "open"}}},
                          {"host", {{"kernel", "@unknown: no /proc"}}},
                          {"device_access", {{"nodes", Json::object()}}},
                          {"python", {{"distributions", {{"keras", {{"version", "3.11.0"}}}}}}}});
  EXPECT_EQ(Named(Compare(before, after)), (std::vector<std::string>{
                                               "host.kernel: 6.1.0-28-amd64 > not known (no /proc)",
                                               "kernel_driver.version: 570.86.15 > none",
                                               "device_access.nodes: not known (nobody looked) > 0",
                                               "python.distributions.numpy.version: 1.26.4 > none",
                                               "python.distributions.keras.version: none > 3.11.0",
                                           }));
  EXPECT_TRUE(Compare(before, before).empty());
}

// --- the saved state

class SavedTest : public ::testing::Test {
 protected:
  SavedTest() : live_(LiveSystem()), machine_(*live_) {
    char name[] = "/tmp/tfdoctor-state-XXXXXX";
    folder_ = ::mkdtemp(name);
    machine_.SetEnv("XDG_STATE_HOME", folder_ + "/state");
    good_ = Of({{"python", {{"prefix", "/home/ada/venv"}}}, {"kernel_driver", {{"version", "570.86.15"}}}});
  }
  ~SavedTest() override { fs::remove_all(folder_); }

  std::unique_ptr<System> live_;
  OverlaySystem machine_;
  std::string folder_;
  Facts good_;
};

TEST_F(SavedTest, IsComparedWithWhatIsThere) {
  const Result<std::string> path = StatePath(machine_, good_);
  ASSERT_TRUE(path.ok());
  EXPECT_EQ(*path, folder_ + "/state/tfdoctor/good/home+ada+venv.json");
  EXPECT_FALSE(CompareState(*live_, *path, good_).has_value());
  ASSERT_TRUE(SaveState(*path, good_, "2026-11-20T10:00:00Z").ok());
  struct stat status = {};
  ASSERT_EQ(::stat(path->c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);

  Facts now = good_;
  now.kernel_driver.version = Fact<std::string>::Value("575.57.08", {});
  std::optional<SavedState> state = CompareState(*live_, *path, now);
  ASSERT_TRUE(state.has_value());
  EXPECT_EQ(state->when, "2026-11-20T10:00:00Z");
  EXPECT_EQ(Named(state->differences),
            std::vector<std::string>{"kernel_driver.version: 570.86.15 > 575.57.08"});

  // The newer one takes its place, and nothing else is left in the folder.
  ASSERT_TRUE(SaveState(*path, now, "2026-11-21T10:00:00Z").ok());
  EXPECT_TRUE(CompareState(*live_, *path, now)->differences.empty());
  const fs::path folder = fs::path(*path).parent_path();
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1);
}

TEST_F(SavedTest, WhatCannotBeComparedIsSaid) {
  const std::string path = *StatePath(machine_, good_);
  for (const char* text :
       {"", "{", "[]", R"({"form": 1, "saved": 5, "facts": {}})", R"({"form": 2, "saved": "x", "facts": {}})",
        R"({"form": 1, "saved": "x", "facts": {"no_such": 1}})"}) {
    machine_.AddFile(path, text);
    const std::optional<SavedState> state = CompareState(machine_, path, good_);
    ASSERT_TRUE(state.has_value()) << text;
    EXPECT_FALSE(state->trouble.empty()) << text;
  }
}

TEST_F(SavedTest, FailsWithoutAPlace) {
  machine_.SetEnv("XDG_STATE_HOME", "relative");
  machine_.UnsetEnv("HOME");
  EXPECT_FALSE(StatePath(machine_, good_).ok());
  EXPECT_FALSE(StatePath(machine_, Facts()).ok());
  EXPECT_FALSE(SaveState("/proc/no/such/folder/x.json", good_, "x").ok());
  // Of a name that no file system takes the end stays, and two such names differ.
  machine_.SetEnv("XDG_STATE_HOME", folder_);
  std::vector<std::string> names;
  for (const char* start : {"/a", "/b"}) {
    Facts facts;
    facts.python.prefix = Fact<std::string>::Value(start + std::string(500, '/') + "venv", {});
    names.push_back(fs::path(*StatePath(machine_, facts)).filename());
    EXPECT_LT(names.back().size(), 255U);
  }
  EXPECT_NE(names[0], names[1]);
}

}  // namespace
}  // namespace tfdoctor
