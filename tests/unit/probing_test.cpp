// Facts that are taken over when a machine is probed again with changes equal those that a full probing of
// the changed machine finds.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "facts/json.h"
#include "knowledge/knowledge.h"
#include "made_environment.h"
#include "plan/plan.h"
#include "probes/probes.h"
#include "system/caching.h"
#include "system/overlay.h"

namespace tfdoctor {
namespace {

using Random = std::mt19937;

class ProbingTest : public testing::Test {
 protected:
  ProbingTest() : live_(LiveSystem()), machine_(*live_) {
    const std::string python = live_->RealPath("/usr/bin/python3").value_or("/usr/bin/python3.11");
    const std::string version = python.substr(python.rfind('/') + 1);
    site_ = "/made/env/lib/" + version + "/site-packages";
    machine_.AddSymlink("/made/env/bin/python", python);
    machine_.AddFile("/made/env/pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\n");
    auto made = MakeSitePackages("2.21.0", site_, machine_);
    EXPECT_TRUE(made.ok()) << made.error().message;
    question_.python = "/made/env/bin/python";
  }

  std::unique_ptr<System> live_;
  OverlaySystem machine_;
  std::string site_;
  Question question_;
};

template <class T>
const T& Pick(Random& random, const std::vector<T>& from) {
  return from[std::uniform_int_distribution<size_t>(0, from.size() - 1)(random)];
}

std::string ParentOf(const std::string& path) { return path.substr(0, std::max<size_t>(path.rfind('/'), 1)); }

void Change(Random& random, const std::vector<std::string>& paths, OverlaySystem& machine) {
  std::string path = Pick(random, paths);
  if (random() % 4 == 0) path = ParentOf(path);
  if (random() % 4 == 0) path = ParentOf(path) + "/libcusolver.so.11";
  if (path.size() < 2) return;
  switch (random() % 5) {
    case 0:
      return machine.Remove(path);
    case 1:
      return machine.AddFile(path, "x=1\n");
    case 2:
      return machine.AddDirectory(path);
    case 3:
      return machine.AddSymlink(path, Pick(random, paths));
    default:
      return random() % 8 == 0 ? machine.SetEnv("LD_LIBRARY_PATH", ParentOf(path)) : machine.Remove(path);
  }
}

TEST_F(ProbingTest, TakesOverOnlyWhatAFullProbingFinds) {
  CachingSystem look(machine_);
  const Probing present(look, BuiltInKnowledge(), question_);
  EXPECT_EQ(ToJson(present.facts()), ToJson(ProbeAll(machine_, BuiltInKnowledge(), question_)));
  ASSERT_EQ(present.facts().tensorflow.version.Peek() != nullptr, true);
  std::vector<std::string> paths;
  for (const CachingSystem::Asked& asked : look.asked()) {
    if (asked.path.starts_with('/')) paths.emplace_back(asked.path);
  }
  for (unsigned seed = 0; seed < 150; seed++) {
    OverlaySystem changed(look);
    OverlaySystem same(machine_);
    Random random(seed);
    Random again(seed);
    const size_t changes = 1 + random() % 3;
    again.discard(1);
    for (size_t i = 0; i < changes; i++) Change(random, paths, changed), Change(again, paths, same);
    EXPECT_EQ(ToJson(present.After(changed)), ToJson(ProbeAll(same, BuiltInKnowledge(), question_)))
        << "seed " << seed;
  }
}

TEST_F(ProbingTest, ALinkThatLeadsIntoAChangeIsSeen) {
  machine_.AddSymlink("/made/other", site_);
  CachingSystem look(machine_);
  OverlaySystem changed(look);
  changed.AddSymlink(site_ + "/nvidia/cublas/lib/libcusolver.so.11", "../../cusolver/lib/libcusolver.so.11");
  EXPECT_TRUE(changed.Changes("/made/other/nvidia/cublas/lib/libcusolver.so.11", false));
  EXPECT_TRUE(changed.Changes("/made/other/nvidia/../nvidia/cublas/lib", true));
  EXPECT_FALSE(changed.Changes("/made/other/nvidia/cublas/lib", false));
  EXPECT_FALSE(changed.Changes("/made/other/nvidia/cublas/lib/libcublas.so.12", false));
  EXPECT_FALSE(changed.Changes("/made/other/nvidia", true));
  changed.Remove("/made/other");
  EXPECT_TRUE(changed.Changes("/made/other/nvidia/cublas/lib/libcublas.so.12", false));
  EXPECT_FALSE(changed.ChangesMoreThanFiles());
  changed.SetEnv("LD_LIBRARY_PATH", "/x");
  EXPECT_TRUE(changed.ChangesMoreThanFiles());
}

}  // namespace
}  // namespace tfdoctor
