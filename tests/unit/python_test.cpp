// The logic of src/python/ on machines made for the purpose; what real interpreters do is
// python_oracle_test's part.
#include <gtest/gtest.h>

#include "facts/facts.h"
#include "probes/probes.h"
#include "python/distributions.h"
#include "python/environment.h"
#include "python/interpreter.h"
#include "python/modules.h"
#include "python/path.h"
#include "python/requirement.h"
#include "python/version.h"
#include "system/overlay.h"

namespace tfdoctor {
namespace {

Version V(const char* text) {
  Result<Version> version = Version::Parse(text);
  EXPECT_TRUE(version.ok()) << text;
  return version.ok() ? *version : Version{};
}

bool Fits(const char* specifiers, const char* version, bool prereleases = true) {
  Result<SpecifierSet> set = SpecifierSet::Parse(specifiers);
  EXPECT_TRUE(set.ok()) << specifiers;
  return set.ok() && set->Contains(V(version), prereleases);
}

TEST(VersionTest, OrdersAsPep440) {
  // The list of PEP 440, "Summary of permitted suffixes and relative ordering", and more.
  const char* ordered[] = {"1.0.dev456",    "1.0a1",         "1.0a2.dev456", "1.0a12.dev456",
                           "1.0a12",        "1.0b1.dev456",  "1.0b2",        "1.0b2.post345.dev456",
                           "1.0b2.post345", "1.0rc1.dev456", "1.0rc1",       "1.0",
                           "1.0+abc.5",     "1.0+abc.7",     "1.0+5",        "1.0.post456.dev34",
                           "1.0.post456",   "1.0.15",        "1.1.dev1",     "2.9",
                           "2.10",          "1!0.1"};
  for (size_t i = 0; i < std::size(ordered); ++i) {
    for (size_t k = 0; k < std::size(ordered); ++k) {
      int want = i < k ? -1 : i > k ? 1 : 0;
      EXPECT_EQ(Compare(V(ordered[i]), V(ordered[k])), want) << ordered[i] << " " << ordered[k];
    }
  }
  EXPECT_TRUE(V("1.0") == V("1.0.0"));
  EXPECT_TRUE(V("v1.0-RC_1") == V("1.0rc1"));
  EXPECT_TRUE(V("1.0-1") == V("1.0.post1"));
  EXPECT_EQ(V("2.22.0-rc0").Text(), "2.22.0rc0");
  EXPECT_EQ(V("2.15.0+NV_23-11").Text(), "2.15.0+nv.23.11");
}

TEST(VersionTest, RefusesWhatIsNoVersion) {
  for (const char* text :
       {"", "a", "1.", "1..0", "1.0+", "1.0 .0", "1.0x", "99999999999999999999.0", "1!", "1.0a1b2"}) {
    EXPECT_FALSE(Version::Parse(text).ok()) << text;
  }
}

TEST(VersionTest, Specifiers) {
  EXPECT_TRUE(Fits("<2.2.0,>=1.26.0", "1.26.4"));
  EXPECT_FALSE(Fits("<2.2.0,>=1.26.0", "2.2.0"));
  EXPECT_TRUE(Fits("!=4.21.0,!=4.21.1,<5.0.0dev,>=3.20.3", "4.25.3"));
  EXPECT_FALSE(Fits("!=4.21.0,!=4.21.1,<5.0.0dev,>=3.20.3", "4.21.1"));
  EXPECT_FALSE(Fits("<5.0.0dev", "5.29.0"));
  EXPECT_TRUE(Fits("==9.3.*", "9.3.0.75"));
  EXPECT_FALSE(Fits("==9.3.*", "9.30"));
  EXPECT_TRUE(Fits("==1.0.*", "1"));
  EXPECT_FALSE(Fits("!=1.0.*", "1.0.4"));
  EXPECT_TRUE(Fits("~=0.5.1", "0.5.3"));
  EXPECT_FALSE(Fits("~=0.5.1", "0.6.0"));
  EXPECT_TRUE(Fits("~=2.2", "2.9"));
  EXPECT_FALSE(Fits("~=2.2", "3.0"));
  EXPECT_TRUE(Fits("==2.15.0", "2.15.0+local"));
  EXPECT_FALSE(Fits("==2.15.0+other", "2.15.0+local"));
  EXPECT_FALSE(Fits("<2.0", "2.0rc1"));
  EXPECT_FALSE(Fits(">2.0", "2.0.post1"));
  EXPECT_TRUE(Fits(">2.0", "2.0.1"));
  EXPECT_TRUE(Fits("===2.0", "2.0"));
  EXPECT_TRUE(Fits(">=2.0", "2.22.0rc0"));
  EXPECT_FALSE(Fits(">=2.0", "2.22.0rc0", false));
  EXPECT_TRUE(Fits(">=2.22.0rc0", "2.22.0rc0", false));
  EXPECT_TRUE(Fits("", "1.0"));
  EXPECT_FALSE(SpecifierSet::Parse("=1.0").ok());
  EXPECT_FALSE(SpecifierSet::Parse("~=1").ok());
  EXPECT_FALSE(SpecifierSet::Parse(">=1.0.*").ok());
}

TEST(RequirementTest, ReadsTensorFlowsOwn) {
  Result<Requirement> requirement = Requirement::Parse(
      "nvidia-cudnn-cu12 (<10.0,>=9.3.0.75) ; (python_version >= \"3.9\") and extra == 'and-cuda'");
  ASSERT_TRUE(requirement.ok());
  EXPECT_EQ(requirement->name, "nvidia-cudnn-cu12");
  EXPECT_EQ(requirement->specifiers.Text(), "<10.0,>=9.3.0.75");
  EXPECT_EQ(requirement->Applies({{"python_version", "3.11"}}, "and-cuda"), true);
  EXPECT_EQ(requirement->Applies({{"python_version", "3.11"}}, ""), false);
  EXPECT_EQ(requirement->Applies({{"python_version", "3.8"}}, "and-cuda"), false);
  EXPECT_EQ(requirement->Applies({}, "and-cuda"), std::nullopt);
  EXPECT_EQ(requirement->Applies({}, ""), false);  // whatever the Python is

  Result<Requirement> url = Requirement::Parse("A_b.c[X,y] @ https://e.org/a;b#c ; os_name == 'posix'");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->name, "a-b-c");
  EXPECT_EQ(url->extras, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(url->url, "https://e.org/a;b#c");
  for (const char* bad :
       {"", ">=1", "a[", "a >=", "a; nothing == 1", "a; os_name", "a b", "a; os_name == 'x"}) {
    EXPECT_FALSE(Requirement::Parse(bad).ok()) << bad;
  }
  EXPECT_FALSE(Requirement::Parse("a; " + std::string(100'000, '(')).ok());
}

TEST(RequirementTest, Markers) {
  MarkerVariables here = {
      {"python_version", "3.11"}, {"platform_machine", "x86_64"}, {"sys_platform", "linux"}};
  auto value = [&](const char* marker) {
    Result<std::optional<bool>> result = EvaluateMarker(marker, here);
    EXPECT_TRUE(result.ok()) << marker;
    return result.ok() ? *result : std::nullopt;
  };
  EXPECT_EQ(value("python_version < '3.9'"), false);  // as versions, not as text
  EXPECT_EQ(value("'3.9' <= python_version"), true);
  EXPECT_EQ(value("platform_machine != 'arm64' or platform_system != 'Darwin'"), true);
  EXPECT_EQ(value("sys_platform in 'linux linux2'"), true);
  EXPECT_EQ(value("sys_platform not in 'win32'"), true);
  EXPECT_EQ(value("platform_system == 'Linux'"), std::nullopt);
  EXPECT_EQ(value("platform_system == 'Linux' and python_version < '3'"), false);
}

TEST(PathTest, AsPosixpath) {
  EXPECT_EQ(DirName("/usr/bin/"), "/usr/bin");
  EXPECT_EQ(DirName("/usr"), "/");
  EXPECT_EQ(NormPath("//a/../b/./c//"), "//b/c");
  EXPECT_EQ(NormPath("///a"), "/a");
  EXPECT_EQ(NormPath("../a/.."), "..");
  EXPECT_EQ(NormPath("/../a"), "/a");
  EXPECT_EQ(AbsPath("", "/w"), "/w");
}

TEST(PthTest, Lines) {
  PthFile old = ParsePth("\xEF\xBB\xBF/a\r\n# c\n\n  \nimport x\n/b  \rimportant", false);
  ASSERT_EQ(old.lines.size(), 4u);
  EXPECT_EQ(old.lines[0].text, "\xEF\xBB\xBF/a");
  EXPECT_TRUE(old.lines[1].is_import);
  EXPECT_EQ(old.lines[2].text, "/b");
  EXPECT_FALSE(old.lines[3].is_import);
  PthFile modern = ParsePth("\xEF\xBB\xBF/a\f/b", true);
  ASSERT_EQ(modern.lines.size(), 2u);
  EXPECT_EQ(modern.lines[0].text, "/a");
  EXPECT_FALSE(ParsePth("/a\xff", true).utf8);
  EXPECT_FALSE(ParsePth("\xed\xa0\x80", false).utf8);
}

TEST(PthTest, KnownCode) {
  EXPECT_EQ(RecognisePthCode("import _virtualenv").code, PthCode::kNothing);
  EXPECT_EQ(RecognisePthCode("import _numba_cuda_redirector").code, PthCode::kNothing);
  EXPECT_EQ(RecognisePthCode(
                "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == "
                "'local'; enabled and __import__('_distutils_hack').add_shim(); ")
                .code,
            PthCode::kNothing);
  KnownPthCode editable = RecognisePthCode("import __editable___a_finder; __editable___a_finder.install()");
  EXPECT_EQ(editable.code, PthCode::kEditable);
  EXPECT_EQ(editable.argument, "__editable___a_finder");
  EXPECT_EQ(RecognisePthCode("import site; site.addsitedir('/x')").argument, "/x");
  EXPECT_EQ(RecognisePthCode("import site; site.addsitedir('/x'); evil()").code, PthCode::kUnknown);
  EXPECT_EQ(RecognisePthCode("import _virtualenv; import os; os.chdir('/')").code, PthCode::kUnknown);
  EXPECT_EQ(RecognisePthCode("import sys; sys.path.insert(0, '/x')").code, PthCode::kUnknown);

  std::optional<EditableFinder> setuptools = ParseEditableFinder(
      "MAPPING: dict[str, str] = {'a': '/s/a', \"b\": '/s/it\\'s'}\n"
      "NAMESPACES: dict[str, list[str]] = {'n': ['/s/n']}\n"
      "PATH_PLACEHOLDER = '__editable__.a-1.finder' + \".__path_hook__\"\n");
  ASSERT_TRUE(setuptools);
  EXPECT_EQ(setuptools->modules["b"], "/s/it's");
  EXPECT_EQ(setuptools->path_placeholder, "__editable__.a-1.finder.__path_hook__");
  std::optional<EditableFinder> editables = ParseEditableFinder(
      "from editables.redirector import RedirectingFinder as F\nF.install()\nF.map_module('a', "
      "'/s/a/__init__.py')\n");
  ASSERT_TRUE(editables);
  EXPECT_EQ(editables->modules["a"], "/s/a");
  EXPECT_FALSE(ParseEditableFinder("MAPPING = {'a': f()}\n"));
  EXPECT_FALSE(ParseEditableFinder("print(1)"));
}

// A line that adds a certificate authority to certifi's list, as those who look into traffic have it.
constexpr const char* kAddsCertificate =
    R"(import os;exec("try:\n import certifi\n _p=certifi.where(); _c='/etc/ssl/certs/ca.pem'\n if os.path.isfile(_c) and os.path.getsize(_c)<65536 and os.path.isfile(_p):\n  with open(_c,'rb') as _f: _t=_f.read()\n  if _t[-96:] not in open(_p,'rb').read():\n   with open(_p,'ab') as _f: _f.write(b'\\n'+_t)\nexcept Exception: pass\n"))";

TEST(PthTest, CodeThatLeavesImportsAlone) {
  for (const char* code : {kAddsCertificate, "import os; print(os.environ.get('A', 'b'))",
                           "import os; 'A' in os.environ and print(1)",
                           "import re, time; _x = re.sub('a', 'b', 'c'); print(_x, time.time())"})
    EXPECT_EQ(RecognisePthCode(code).code, PthCode::kNothing) << code;
  for (const char* code : {"import os; addsitedir('/x')",
                           "import os; os.sys.path.insert(0, '/x')",
                           "import os; os.environ['A'] = '1'",
                           "import os; os.path.os.sys.path.append('/x')",
                           "import os; _o = os; _o.sys.path.append('/x')",
                           "import os; _e = os.environ; _e['A'] = '1'",
                           "import os; known_paths.add('/x')",
                           "import re; re.enum.sys.path",
                           "import os; exec(os.environ.get('A'))",
                           "import os; exec('import sys; sys.path.append(1)')",
                           "import os; __import__('x')",
                           "import os; print(f'{sys.path.append(1)}')",
                           "import os; (_x := sys).path",
                           "import os; sys.path.append(1); sys = 1",
                           "import os as o; o.sys",
                           "import os.path; print(1)",
                           "import os; from sys import path",
                           "import os; os.environ.update(a='1')",
                           "import os; os.putenv('A', '1')",
                           "import warnings; warnings.sys.path.append('/x')",
                           "import os; ().__class__",
                           "import tool; tool.start()",
                           "import os; exec(\"exec('import tool')\")",
                           "import os; @sys",
                           "import os; del sys"})
    EXPECT_EQ(RecognisePthCode(code).code, PthCode::kUnknown) << code;
}

TEST(DistributionTest, Record) {
  std::optional<RecordEntry> entry = ParseRecordLine("\"a,\"\"b\"\".py\",sha256=x,12");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->path, "a,\"b\".py");
  EXPECT_EQ(entry->size, 12u);
  EXPECT_EQ(ParseRecordLine("a/RECORD,,")->size, std::nullopt);
  EXPECT_FALSE(ParseRecordLine("\"a"));
  EXPECT_FALSE(ParseRecordLine(""));
}

// --- machines
// ----------------------------------------------------------------------------------------------------------

class PythonMachine : public testing::Test {
 protected:
  PythonMachine() : below_(EmptySystem()), machine_(*below_) {
    machine_.SetMachine("x86_64", 3);
    machine_.SetWorkingDirectory("/home/a/project");
    machine_.AddDirectory("/home/a/project");
    machine_.SetEnv("HOME", "/home/a");
    machine_.SetEnv("PATH", "/usr/bin");
    machine_.AddFile("/usr/bin/python3.11",
                     "\x7f"
                     "ELF",
                     0755);
    machine_.AddSymlink("/usr/bin/python3", "python3.11");
    machine_.AddFile("/usr/lib/python3.11/os.py", "");
    machine_.AddFile("/usr/lib/python3.11/site.py", "x = \"dist-packages\"");
    machine_.AddDirectory("/usr/lib/python3.11/lib-dynload");
    machine_.AddDirectory("/usr/lib/python3/dist-packages");
    machine_.AddFile(
        "/var/lib/dpkg/status",
        "Package: a\nVersion: 1\n\nPackage: python3.11-minimal\nStatus: x\nVersion: 3.11.2-6+deb12u6\n\n");
  }

  void AddVenv(const std::string& folder) {
    machine_.AddSymlink(folder + "/bin/python", "/usr/bin/python3");
    machine_.AddFile(folder + "/pyvenv.cfg",
                     "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11.2\n");
    machine_.AddDirectory(folder + "/lib/python3.11/site-packages");
  }

  void AddTensorFlow(const std::string& site) {
    machine_.AddFile(site + "/tensorflow/__init__.py", "");
    machine_.AddFile(site + "/tensorflow-2.15.1.dist-info/RECORD", "tensorflow/__init__.py,sha256=x,0\n");
    machine_.AddFile(
        site + "/tensorflow-2.15.1.dist-info/METADATA",
        "Name: tensorflow\nVersion: 2.15.1\nProvides-Extra: and_cuda\nRequires-Dist: numpy <2\n"
        "Requires-Dist: nvidia-cudnn-cu12 ==8.9.4.25 ; extra == 'and-cuda'\n\nRequires-Dist: no\n");
    machine_.AddFile(site + "/tensorflow-2.15.1.dist-info/INSTALLER", "pip\n");
  }

  Python Probe(const std::string& python = "", const std::string& script = "") {
    Question question;
    question.python = python;
    question.script = script;
    Facts facts;
    ProbePython(machine_, BuiltInKnowledge(), question, facts);
    return facts.python;
  }

  std::unique_ptr<System> below_;
  OverlaySystem machine_;
};

TEST_F(PythonMachine, System) {
  Python python = Probe();
  EXPECT_EQ(python.interpreter.Peek() ? *python.interpreter.Peek() : "", "/usr/bin/python3");
  ASSERT_NE(python.version.Peek(), nullptr) << python.version.why();
  EXPECT_EQ(*python.version.Peek(), "3.11.2");
  EXPECT_EQ(*python.environment.Peek(), "system");
  EXPECT_EQ(*python.sys_path.Peek(),
            (std::vector<std::string>{"", "/usr/lib/python311.zip", "/usr/lib/python3.11",
                                      "/usr/lib/python3.11/lib-dynload", "/usr/lib/python3/dist-packages"}));
  EXPECT_EQ(python.modules.Peek()->at("tensorflow").path.state(), FactState::kAbsent);
  EXPECT_TRUE(python.unread.Peek()->empty());
}

TEST_F(PythonMachine, VenvWithTensorFlow) {
  AddVenv("/home/a/project/.venv");
  std::string site = "/home/a/project/.venv/lib/python3.11/site-packages";
  AddTensorFlow(site);
  machine_.AddDirectory(site + "/~umpy");
  machine_.SetEnv("VIRTUAL_ENV", "/home/a/other");
  Python python = Probe(".venv");
  ASSERT_NE(python.prefix.Peek(), nullptr) << python.prefix.why();
  EXPECT_EQ(*python.prefix.Peek(), "/home/a/project/.venv");
  EXPECT_EQ(*python.environment.Peek(), "venv");
  EXPECT_EQ(*python.other_environment.Peek(), "/home/a/other");
  EXPECT_EQ(*python.modules.Peek()->at("tensorflow").owner.Peek(), "tensorflow");
  const Distribution& tensorflow = python.distributions.Peek()->at("tensorflow");
  EXPECT_EQ(*tensorflow.version.Peek(), "2.15.1");
  EXPECT_EQ(*tensorflow.folder.Peek(), site);
  EXPECT_EQ(*tensorflow.installer.Peek(), "pip");

  Installed installed = ListDistributions(machine_, *python.sys_path.Peek());
  EXPECT_EQ(installed.leftovers, std::vector<std::string>{site + "/~umpy"});
  Result<Metadata> metadata = ReadMetadata(machine_, *installed.Find("tensorflow"));
  ASSERT_TRUE(metadata.ok());
  EXPECT_EQ(metadata->provides_extra, std::vector<std::string>{"and-cuda"});
  RequirementsHere base = RequirementsOf(*metadata, {}), extra = RequirementsOf(*metadata, {}, "and-cuda");
  ASSERT_EQ(base.requirements.size(), 1u);
  EXPECT_EQ(base.requirements[0].name, "numpy");
  ASSERT_EQ(extra.requirements.size(), 1u);
  EXPECT_EQ(extra.requirements[0].name, "nvidia-cudnn-cu12");
}

TEST_F(PythonMachine, StrayFileShadowsTensorFlow) {
  AddTensorFlow("/usr/lib/python3/dist-packages");
  machine_.AddFile("/home/a/project/tensorflow.py", "");
  Python python = Probe();
  EXPECT_EQ(*python.modules.Peek()->at("tensorflow").path.Peek(), "/home/a/project/tensorflow.py");
  EXPECT_EQ(python.modules.Peek()->at("tensorflow").owner.state(), FactState::kAbsent);
  Python script = Probe("", "/home/a/scripts/train.py");
  EXPECT_EQ(script.sys_path.Peek()->front(), "/home/a/scripts");
  EXPECT_EQ(*script.modules.Peek()->at("tensorflow").kind.Peek(), "package");
}

TEST_F(PythonMachine, TensorFlowElsewhere) {
  AddVenv("/home/a/.venv");
  AddTensorFlow("/home/a/.venv/lib/python3.11/site-packages");
  Python python = Probe();
  ASSERT_NE(python.elsewhere.Peek(), nullptr);
  EXPECT_EQ(*python.elsewhere.Peek(), std::vector<std::string>{"/home/a/.venv/bin/python"});
}

TEST_F(PythonMachine, PyenvShim) {
  machine_.AddFile("/home/a/.pyenv/shims/python",
                   "#!/usr/bin/env bash\nexport PYENV_ROOT=\"/home/a/.pyenv\"\nexec \"/p/pyenv\" exec "
                   "\"$program\" \"$@\"\n",
                   0755);
  for (const char* version : {"3.10.2", "3.10.13", "3.10.14rc1"}) {
    std::string prefix = std::string("/home/a/.pyenv/versions/") + version;
    machine_.AddFile(prefix + "/bin/python3.10",
                     "\x7f"
                     "ELF",
                     0755);
    machine_.AddSymlink(prefix + "/bin/python", "python3.10");
    machine_.AddFile(prefix + "/lib/python3.10/os.py", "");
  }
  machine_.AddFile("/home/a/.python-version", "# mine\n3.10\n");
  machine_.SetEnv("PATH", "/home/a/.pyenv/shims:/usr/bin");
  Result<Interpreter> interpreter = FindInterpreter(machine_, "");
  ASSERT_TRUE(interpreter.ok()) << interpreter.error().message;
  EXPECT_EQ(interpreter->path, "/home/a/.pyenv/versions/3.10.13/bin/python");
  EXPECT_EQ(interpreter->typed, "/home/a/.pyenv/shims/python");
  EXPECT_EQ(*Probe().version.Peek(), "3.10.13");
  EXPECT_EQ(*Probe().environment.Peek(), "pyenv");

  machine_.SetEnv("PYENV_VERSION", "2.7.1:3.10.2");
  EXPECT_EQ(FindInterpreter(machine_, "")->path, "/home/a/.pyenv/versions/3.10.2/bin/python");
  machine_.SetEnv("PYENV_VERSION", "system");
  EXPECT_TRUE(FindInterpreter(machine_, "").not_found());  // /usr/bin has no `python`
}

TEST_F(PythonMachine, InterpretersThatCannotBe) {
  EXPECT_TRUE(FindInterpreter(machine_, "/nowhere/python").not_found());
  machine_.AddSymlink("/home/a/broken/bin/python", "/gone/python3");
  Result<Interpreter> broken = FindInterpreter(machine_, "/home/a/broken");
  ASSERT_TRUE(broken.not_found());
  EXPECT_NE(broken.error().message.find("broken link"), std::string::npos);
  machine_.AddFile("/home/a/python",
                   "\x7f"
                   "ELF",
                   0644);
  EXPECT_EQ(FindInterpreter(machine_, "/home/a/python").error().kind, ErrorKind::kDenied);
  machine_.AddFile("/home/a/shims/python", "#!/bin/sh\nexec asdf exec \"python\" \"$@\"\n", 0755);
  EXPECT_EQ(FindInterpreter(machine_, "/home/a/shims/python").error().kind, ErrorKind::kMalformed);
  machine_.AddFile("/home/a/wrapper/python", "#!/bin/sh\nexec /usr/bin/python3 \"$@\"\n", 0755);
  EXPECT_EQ(FindInterpreter(machine_, "/home/a/wrapper/python")->path, "/usr/bin/python3");
  machine_.AddFile("/home/a/round/python", "#!/bin/sh\nexec /home/a/round/python \"$@\"\n", 0755);
  EXPECT_EQ(FindInterpreter(machine_, "/home/a/round/python").error().kind, ErrorKind::kLoop);
  machine_.SetEnv("PATH", "/empty");
  Python none = Probe();
  EXPECT_EQ(none.interpreter.state(), FactState::kAbsent);
  EXPECT_EQ(none.sys_path.state(), FactState::kUnknown);
  EXPECT_EQ(none.sys_path.why(), "there is no python and no python3 on PATH");
}

TEST_F(PythonMachine, TheActivatedEnvironmentIsLookedInThoughAnotherPythonRuns) {
  AddTensorFlow("/usr/lib/python3/dist-packages");
  AddVenv("/data/tf");
  AddTensorFlow("/data/tf/lib/python3.11/site-packages");
  AddVenv("/home/a/project/.venv");
  AddTensorFlow("/home/a/project/.venv/lib/python3.11/site-packages");
  EXPECT_EQ(Probe().nearby.state(), FactState::kUnknown);
  machine_.SetEnv("VIRTUAL_ENV", "/data/tf");
  Python python = Probe();
  ASSERT_NE(python.nearby.Peek(), nullptr);
  ASSERT_EQ(python.nearby.Peek()->size(), 1u);
  EXPECT_EQ(python.nearby.Peek()->begin()->first, "/data/tf/bin/python");
  machine_.Remove("/usr/lib/python3/dist-packages/tensorflow");
  machine_.Remove("/usr/lib/python3/dist-packages/tensorflow-2.15.1.dist-info");
  EXPECT_EQ(Probe().elsewhere.Peek()->front(), "/data/tf/bin/python");
}

TEST_F(PythonMachine, WouldNotStart) {
  machine_.SetEnv("PYTHONHOME", "/opt/other");
  Python python = Probe();
  EXPECT_EQ(python.base_prefix.state(), FactState::kAbsent);
  EXPECT_EQ(python.sys_path.state(), FactState::kUnknown);
  EXPECT_NE(python.sys_path.why().find("PYTHONHOME=/opt/other"), std::string::npos) << python.sys_path.why();
}

TEST_F(PythonMachine, WhatWasNotUnderstoodIsSaid) {
  AddVenv("/v");
  std::string site = "/v/lib/python3.11/site-packages";
  machine_.AddFile(site + "/a.pth", "import evil; evil.run()\n/usr\n");
  machine_.AddFile(site + "/b.pth", "\xff\n");
  machine_.AddFile(site + "/sitecustomize.py", "import sys\nsys.path.append('/x')\n");
  machine_.AddFile(site + "/c.pth", std::string(5 << 20, 'x'));
  Python python = Probe("/v");
  ASSERT_EQ(python.unread.state(), FactState::kUnknown);
  EXPECT_NE(python.unread.why().find("a.pth runs code that was not understood"), std::string::npos);
  EXPECT_NE(python.unread.why().find("(and 3 more of the kind)"), std::string::npos) << python.unread.why();
  EXPECT_EQ(python.sys_path.Peek()->back(), "/usr");
}

// An archive as zipfile makes it, as far as it is looked at: the central directory and its end.
std::string Zip(const std::vector<std::string>& files) {
  auto number = [](size_t value, size_t length) {
    std::string bytes;
    for (size_t i = 0; i < length; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
    return bytes;
  };
  std::string directory;
  for (const std::string& file : files) {
    directory += "PK\x01\x02" + std::string(24, '\0') + number(file.size(), 2) + std::string(16, '\0') + file;
  }
  return "#!/bin/sh\n" + directory + "PK\x05\x06" + std::string(4, '\0') + number(files.size(), 2) +
         number(files.size(), 2) + number(directory.size(), 4) + std::string(4, '\0') + std::string(2, '\0');
}

TEST_F(PythonMachine, AnArchiveIsDoubtOnlyWhereItComesFirstAndHasTheModule) {
  AddVenv("/v");
  AddTensorFlow("/v/lib/python3.11/site-packages");
  machine_.AddFile("/spark/pyspark.zip", Zip({"pyspark/__init__.py", "pyspark/tensorflow.py"}));
  machine_.AddFile("/x/some.zip", Zip({"a.py", "tensorflow/__init__.py"}));
  machine_.AddFile("/x/deep.zip", Zip({"lib/tensorflow.pyc"}));
  machine_.AddFile("/x/broken.zip", "PK\x05\x06" + std::string(8, '\xff') + std::string(14, '\xff'));
  auto doubt = [&](const std::string& path) {
    machine_.SetEnv("PYTHONPATH", path);
    Python python = Probe("/v");
    EXPECT_EQ(*python.modules.Peek()->at("tensorflow").kind.Peek(), "package") << path;
    return python.unread.Peek() != nullptr ? "" : python.unread.why();
  };
  EXPECT_EQ(doubt("/spark/pyspark.zip:/etc/passwd:/x/deep.zip:/x/gone.zip"), "");
  EXPECT_NE(doubt("/x/some.zip").find("/x/some.zip on sys.path is an archive that has a tensorflow"),
            std::string::npos);
  EXPECT_NE(doubt("/x/deep.zip/lib").find("archive that has a tensorflow"), std::string::npos);
  EXPECT_NE(doubt("/x/broken.zip").find("could not be read"), std::string::npos);
  machine_.SetEnv("PYTHONPATH", "");
  machine_.AddFile("/v/lib/python3.11/site-packages/z.pth", "/x/some.zip\n");
  EXPECT_NE(Probe("/v").unread.Peek(), nullptr) << "it comes later";
  machine_.Remove("/v/lib/python3.11/site-packages/tensorflow");
  EXPECT_EQ(Probe("/v").modules.Peek()->at("tensorflow").path.state(), FactState::kUnknown);
}

TEST_F(PythonMachine, AFolderInDoubtHidesNothingThatIsFoundLater) {
  AddVenv("/v");
  AddTensorFlow("/v/lib/python3.11/site-packages");
  machine_.SetEnv("PYTHONPATH", "/mnt/share");
  machine_.Fail("/mnt/share/tensorflow", {ErrorKind::kIo, "cannot read /mnt/share: Input/output error"});
  machine_.AddDirectory("/mnt/share");
  Python python = Probe("/v");
  EXPECT_EQ(*python.modules.Peek()->at("tensorflow").kind.Peek(), "package");
  ASSERT_EQ(python.unread.state(), FactState::kUnknown);
  EXPECT_EQ(python.unread.why(), "cannot read /mnt/share: Input/output error");
}

TEST_F(PythonMachine, WhatToolsPutThereIsNoDoubt) {
  AddVenv("/v");
  std::string site = "/v/lib/python3.11/site-packages";
  AddTensorFlow(site);
  machine_.AddFile(site + "/pytest-cov.pth",
                   "import os, sys;exec('if \\'COV_CORE_SOURCE\\' in os.environ:\\n try:\\n  from "
                   "pytest_cov.embed import init\\n  init()\\n except Exception as exc:\\n  pass\\n')\n");
  machine_.AddFile(site + "/_a_editable.py",
                   "class ScikitBuildRedirectingFinder:\n  pass\ninstall({'a': '/a'})\n");
  machine_.AddFile(site + "/_a_editable.pth", "import _a_editable\n");
  machine_.AddFile("/d/ddtrace/bootstrap/sitecustomize.py", "import ddtrace\n");
  machine_.SetEnv("PYTHONPATH", "/d/ddtrace/bootstrap");
  Python python = Probe("/v");
  EXPECT_NE(python.unread.Peek(), nullptr) << python.unread.why();
  machine_.AddFile(site + "/sitecustomize.py", "import sys\n");
  EXPECT_EQ(Probe("/v").unread.state(), FactState::kUnknown) << "what it hands over to";
  machine_.Remove(site + "/sitecustomize.py");
  machine_.AddFile(site + "/_a_editable.py",
                   "class ScikitBuildRedirectingFinder:\n  pass\ninstall({'numpy': '/a'})\n");
  EXPECT_EQ(Probe("/v").unread.state(), FactState::kUnknown) << "it answers for numpy";
}

TEST_F(PythonMachine, AGoogleOfSomebodysHidesProtobuf) {
  AddVenv("/v");
  std::string site = "/v/lib/python3.11/site-packages";
  machine_.AddFile(site + "/google/protobuf/__init__.py", "");
  auto kinds = [&] {
    Python python = Probe("/v");
    const Module& google = python.modules.Peek()->at("google");
    const Module& protobuf = python.modules.Peek()->at("google.protobuf");
    return *google.kind.Peek() + (protobuf.path.Peek() != nullptr ? " with protobuf" : "");
  };
  EXPECT_EQ(kinds(), "namespace with protobuf");
  machine_.AddDirectory("/home/a/project/google/cloud");
  EXPECT_EQ(kinds(), "namespace with protobuf");
  machine_.AddFile("/home/a/project/google/__init__.py",
                   "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n");
  EXPECT_EQ(kinds(), "package with protobuf");
  machine_.AddFile("/home/a/project/google/__init__.py", "");
  EXPECT_EQ(kinds(), "package");
  // What protobuf before 4 brought along makes the namespace before the program starts.
  machine_.AddFile(site + "/protobuf-3.19.6-nspkg.pth",
                   "import sys, types, os;has_mfs = sys.version_info > (3, 5);p = "
                   "os.path.join(sys._getframe(1).f_locals['sitedir'], *('google',));mp = (m or []) and "
                   "m.__dict__.setdefault('__path__',[]);(p not in mp) and mp.append(p)\n");
  EXPECT_EQ(kinds(), "namespace with protobuf");
}

TEST_F(PythonMachine, CondaAndUv) {
  machine_.AddFile("/c/bin/python3.9",
                   "\x7f"
                   "ELF",
                   0755);
  machine_.AddSymlink("/c/bin/python", "python3.9");
  machine_.AddFile("/c/lib/python3.9/os.py", "");
  machine_.AddFile("/c/conda-meta/python-3.9.18-h955ad1f_0.json", "{}");
  Python conda = Probe("/c");
  EXPECT_EQ(*conda.environment.Peek(), "conda");
  EXPECT_EQ(*conda.version.Peek(), "3.9.18");
  machine_.AddSymlink("/u/bin/python", "/usr/bin/python3");
  machine_.AddFile("/u/pyvenv.cfg", "home = /usr/bin\nuv = 0.9.1\nversion_info = 3.11.2\n");
  EXPECT_EQ(*Probe("/u").environment.Peek(), "uv");
}

TEST_F(PythonMachine, TroubleWhileLookingIsUnknown) {
  machine_.Fail("/usr/lib/python3/dist-packages/tensorflow",
                {ErrorKind::kIo, "cannot read it: Input/output error"});
  Python python = Probe();
  EXPECT_EQ(python.modules.Peek()->at("tensorflow").path.state(), FactState::kUnknown);
  EXPECT_EQ(python.modules.Peek()->at("numpy").path.state(), FactState::kAbsent);
}

// A folder that may be entered and not listed.
class Unlisted : public ForwardingSystem {
 public:
  Unlisted(const System& below, std::string folder) : ForwardingSystem(below), folder_(std::move(folder)) {}
  Result<std::vector<DirEntry>> List(const std::string& path, size_t limit) const override {
    if (path == folder_) return Error{ErrorKind::kDenied, "cannot read " + path + ": Permission denied"};
    return ForwardingSystem::List(path, limit);
  }
  Result<bool> MayAccess(const std::string& path, Access access) const override {
    if (path == folder_ && access == Access::kRead) return false;
    return ForwardingSystem::MayAccess(path, access);
  }

 private:
  std::string folder_;
};

TEST_F(PythonMachine, WhatPythonMayNotListIsNotImported) {
  AddVenv("/v");
  std::string site = "/v/lib/python3.11/site-packages";
  AddTensorFlow(site);
  Question question;
  question.python = "/v";
  Facts facts;
  ProbePython(Unlisted(machine_, site), BuiltInKnowledge(), question, facts);
  EXPECT_EQ(facts.python.modules.Peek()->at("tensorflow").path.state(), FactState::kAbsent);
  EXPECT_EQ(facts.python.unread.Peek()->front(), "cannot read " + site + ": Permission denied");
}

TEST_F(PythonMachine, MetadataThatSaysNothingIsNoMetadata) {
  std::string info = "/v/tensorflow-2.15.1.dist-info";
  InstalledDistribution distribution = {"tensorflow", "2.15.1", "/v", info};
  for (const std::string& text :
       {std::string(), std::string("\n\nName: x\nVersion: 1\n"), std::string(5 << 20, '\0'),
        "Name: x\nVersion: 1\n" + std::string(5 << 20, 'x')}) {
    machine_.AddFile(info + "/METADATA", text);
    EXPECT_FALSE(ReadMetadata(machine_, distribution).ok()) << text.substr(0, 20);
  }
  machine_.AddFile(info + "/METADATA", "Name: x\nVersion: 1\n\n" + std::string(5 << 20, 'x'));
  EXPECT_TRUE(ReadMetadata(machine_, distribution).ok());
}

TEST_F(PythonMachine, AHomeDeeperThanAnyPathIsQuicklyNone) {
  AddVenv("/v");
  std::string home = "home = ";
  for (int i = 0; i < 100'000; i++) home += "/x";
  machine_.AddFile("/v/pyvenv.cfg", home);
  EXPECT_NE(Probe("/v").interpreter.Peek(), nullptr);
}

}  // namespace
}  // namespace tfdoctor
