// Environments that are broken or made to harm: a clear word, never a hang.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "python/distributions.h"
#include "python/environment.h"
#include "python/interpreter.h"
#include "python/nearby.h"
#include "system/caching.h"
#include "system/overlay.h"

namespace tfdoctor {
namespace {

class Hostile : public testing::Test {
 protected:
  Hostile() : empty_(EmptySystem()), machine_(*empty_) {
    machine_.AddFile("/usr/bin/python3.11",
                     "\x7f"
                     "ELF",
                     0755);
    machine_.AddFile("/usr/lib/python3.11/os.py", "");
    machine_.AddFile("/usr/lib/python3.11/site.py", "");
    machine_.AddDirectory("/usr/lib/python3.11/lib-dynload");
    machine_.AddSymlink("/v/bin/python", "/usr/bin/python3.11");
    machine_.AddDirectory(kSite);
    machine_.AddFile("/v/pyvenv.cfg", "home = /usr/bin\n");
    machine_.SetEnv("HOME", "/home/ada");
    machine_.SetWorkingDirectory("/home/ada");
  }

  Result<PythonEnvironment> Predict() {
    Result<Interpreter> interpreter = FindInterpreter(machine_, "/v/bin/python");
    if (!interpreter) return interpreter.error();
    return PredictEnvironment(machine_, *interpreter, "");
  }
  std::string Unread() {
    Result<PythonEnvironment> environment = Predict();
    if (!environment) return environment.error().message;
    return environment->unread.empty() ? "" : environment->unread.front();
  }

  static constexpr const char* kSite = "/v/lib/python3.11/site-packages";
  std::unique_ptr<System> empty_;
  OverlaySystem machine_;
};

TEST_F(Hostile, TheEnvironmentItselfIsFine) { EXPECT_EQ(Unread(), ""); }

TEST_F(Hostile, AnEnvironmentThatNamesItself) {
  machine_.AddFile("/v/pyvenv.cfg", "home = /v/bin\n");
  machine_.Remove("/usr/lib/python3.11");
  EXPECT_NE(Unread().find("would not start"), std::string::npos) << Unread();
  machine_.AddFile("/usr/lib/python3.11/os.py", "");
  EXPECT_TRUE(Predict().ok());
}

TEST_F(Hostile, TwoEnvironmentsThatNameEachOther) {
  machine_.AddFile("/v/pyvenv.cfg", "home = /w/bin\n");
  machine_.AddFile("/w/pyvenv.cfg", "home = /v/bin\n");
  machine_.AddSymlink("/w/bin/python", "/v/bin/python");
  (void)Predict();
}

TEST_F(Hostile, PthFilesThatAddEachOther) {
  machine_.AddFile(std::string(kSite) + "/a.pth", "import site; site.addsitedir('/b')\n");
  machine_.AddFile("/b/b.pth", std::string("import site; site.addsitedir('") + kSite + "')\n/b\n.\n");
  Result<PythonEnvironment> environment = Predict();
  ASSERT_TRUE(environment.ok());
  EXPECT_EQ(std::count(environment->sys_path.begin(), environment->sys_path.end(), "/b"), 1);
}

TEST_F(Hostile, AChainOfPthFolders) {
  machine_.AddFile(std::string(kSite) + "/a.pth", "import site; site.addsitedir('/c0')\n");
  for (int i = 0; i < 100; ++i) {
    machine_.AddFile("/c" + std::to_string(i) + "/n.pth",
                     "import site; site.addsitedir('/c" + std::to_string(i + 1) + "')\n");
  }
  EXPECT_NE(Unread().find("nested too deeply"), std::string::npos) << Unread();
}

TEST_F(Hostile, APthOfAHundredMegabytes) {
  machine_.AddFile(std::string(kSite) + "/huge.pth", std::string(100 << 20, '#'));
  EXPECT_NE(Unread().find("huge.pth"), std::string::npos) << Unread();
}

TEST_F(Hostile, APthWithManyLines) {
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += "/x/y\n";
  machine_.AddFile(std::string(kSite) + "/many.pth", text);
  Result<PythonEnvironment> environment = Predict();
  ASSERT_TRUE(environment.ok());
  EXPECT_LT(environment->sys_path.size(), 10U);
  EXPECT_NE(Unread().find("too many lines"), std::string::npos);
}

TEST_F(Hostile, TenThousandDistributions) {
  for (int i = 0; i < 10'000; ++i) {
    machine_.AddFile(
        std::string(kSite) + "/d" + std::to_string(i) + "-1." + std::to_string(i) + ".dist-info/METADATA",
        "");
  }
  Result<PythonEnvironment> environment = Predict();
  ASSERT_TRUE(environment.ok());
  EXPECT_EQ(ListDistributions(machine_, environment->sys_path).distributions.size(), 10'000U);
}

TEST_F(Hostile, CodeInPthFilesIsNeverTakenForSomethingElse) {
  for (const char* line : {"import os; os.system('x')", "import site; site.addsitedir('/b'); import evil",
                           "import site; site.addsitedir('/b' + x)", "import _virtualenv; evil()",
                           "import\tsys; sys.path.insert(0, '/x')", "import _editable_impl_gone"}) {
    machine_.AddFile(std::string(kSite) + "/a.pth", std::string(line) + "\n");
    EXPECT_NE(Unread().find("runs code that was not understood"), std::string::npos)
        << line << ": " << Unread();
  }
}

TEST_F(Hostile, SurroundingsFullOfRubbish) {
  machine_.AddSymlink("/home/ada/.venv", "/home/ada/.venv");
  machine_.AddDirectory("/home/ada/venv/pyvenv.cfg");
  machine_.AddFile("/home/ada/miniconda3", "a file");
  machine_.AddFile("/home/ada/.conda/environments.txt", std::string(3 << 20, 'x'));
  machine_.AddFile("/home/ada/.local/share/jupyter/kernels/a/kernel.json", std::string(200'000, '['));
  machine_.AddFile("/home/ada/.local/share/jupyter/kernels/b/kernel.json", R"({"argv": [7], "language": 5})");
  machine_.AddFile("/home/ada/.local/share/jupyter/kernels/c", "no folder");
  machine_.AddFile("/home/ada/.vscode/settings.json", R"({"python.pythonPath": 1})");
  machine_.AddFile("/home/ada/pyproject.toml", "[project]\nname = \"");
  CachingSystem look(machine_);
  Surroundings found = FindSurroundings(look, "");
  EXPECT_GE(found.unread.size(), 2U);
  for (const NearbyEnvironment& one : found.environments)
    EXPECT_EQ(one.interpreter, "/home/ada/venv/bin/python");
}

}  // namespace
}  // namespace tfdoctor
