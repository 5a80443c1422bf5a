// Environments near a project as the usual tools keep them, and what a project says of TensorFlow.
#include "python/nearby.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "python/project.h"
#include "system/overlay.h"

namespace tfdoctor {
namespace {

// From Python's hashlib, around the ends of blocks.
TEST(Sha256, IsThatOfHashlib) {
  const std::map<size_t, std::string> known = {
      {0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {3, "9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0"},
      {55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"},
      {56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"},
      {63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34"},
      {64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"},
      {65, "635361c48bb9eab14198e76ea8ab7f1a41685d6ad62aa9146d301d4f17eb0ae0"},
      {1000, "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"}};
  for (const auto& [length, digest] : known) {
    const std::string text(length, 'a');
    EXPECT_EQ(Hex(Sha256(text)), digest) << length;
    for (const bool without : {false, true}) {
      Sha256Stream stream(without);
      for (size_t at = 0; at < length; at += 150) stream.Update(std::string_view(text).substr(at, 150));
      EXPECT_EQ(Hex(stream.Finish()), digest) << length << " in pieces, without instructions: " << without;
    }
  }
}

class Nearby : public testing::Test {
 protected:
  Nearby() : empty_(EmptySystem()), machine_(*empty_) {
    machine_.SetEnv("HOME", "/home/ada");
    machine_.SetEnv("PATH", "/usr/bin");
    machine_.AddDirectory("/home/ada/demo/src");
    machine_.SetWorkingDirectory("/home/ada/demo/src");
  }
  void Venv(const std::string& folder) {
    machine_.AddFile(folder + "/pyvenv.cfg", "home = /usr/bin\n");
    machine_.AddFile(folder + "/bin/python", "", 0755);
    machine_.AddFile(folder + "/bin/activate", "");
  }
  // "kind: command", in order.
  std::vector<std::string> Found(const std::string& prefix = "") {
    std::vector<std::string> found;
    for (const NearbyEnvironment& one : FindSurroundings(machine_, prefix).environments)
      found.push_back(one.kind + ": " + one.command + " = " + one.interpreter);
    return found;
  }
  bool Contains(const std::string& line, const std::string& prefix = "") {
    std::vector<std::string> found = Found(prefix);
    return std::find(found.begin(), found.end(), line) != found.end();
  }

  std::unique_ptr<System> empty_;
  OverlaySystem machine_;
};

TEST_F(Nearby, NothingIsThere) {
  EXPECT_TRUE(Found().empty());
  EXPECT_TRUE(FindSurroundings(machine_, "").unread.empty());
}

TEST_F(Nearby, FoldersHereAndAbove) {
  Venv("/home/ada/demo/.venv");
  Venv("/home/ada/demo/src/venv");
  EXPECT_EQ(Found(), (std::vector<std::string>{
                         "venv: . /home/ada/demo/src/venv/bin/activate = /home/ada/demo/src/venv/bin/python",
                         "venv: . /home/ada/demo/.venv/bin/activate = /home/ada/demo/.venv/bin/python"}));
}

TEST_F(Nearby, ProjectsOfPoetryPipenvAndHatch) {
  machine_.AddFile("/home/ada/demo/pyproject.toml",
                   "[build-system]\nname = 'x'\n[project]\nname = \"Demo\"\n");
  machine_.AddFile("/home/ada/demo/Pipfile", "");
  const std::string poetry = "/home/ada/.cache/pypoetry/virtualenvs/demo-MFN0qiRM-py3.11";
  const std::string other = "/home/ada/.cache/pypoetry/virtualenvs/demo-AAAAAAAA-py3.11";
  const std::string pipenv = "/home/ada/.local/share/virtualenvs/demo-bj_OPA3L";
  const std::string hatch = "/home/ada/.local/share/hatch/env/virtual/demo/MFN0qiRM/demo";
  for (const std::string& folder : {poetry, other, pipenv, hatch}) Venv(folder);
  EXPECT_TRUE(Contains("Poetry: poetry run python = " + poetry + "/bin/python"));
  EXPECT_FALSE(Contains("Poetry: poetry run python = " + other + "/bin/python"));
  EXPECT_TRUE(Contains("Poetry: . " + other + "/bin/activate = " + other + "/bin/python"));
  EXPECT_TRUE(Contains("Pipenv: pipenv run python = " + pipenv + "/bin/python"));
  EXPECT_TRUE(Contains("Hatch: hatch run python = " + hatch + "/bin/python"));
  EXPECT_EQ(PoetryEnvironmentName("My $demo", "/home/ada/demo"), "my__demo-MFN0qiRM");
}

TEST_F(Nearby, CondaAndPyenv) {
  for (const char* prefix : {"/home/ada/miniconda3", "/home/ada/miniconda3/envs/tf gpu", "/data/envs/far"}) {
    machine_.AddDirectory(std::string(prefix) + "/conda-meta");
    machine_.AddFile(std::string(prefix) + "/bin/python", "", 0755);
  }
  machine_.AddDirectory("/home/ada/miniconda3/envs/without-python/conda-meta");
  machine_.AddFile("/home/ada/.conda/environments.txt", "/data/envs/far\n/data/gone\nrelative\n");
  machine_.AddFile("/home/ada/.pyenv/versions/3.12.1/bin/python", "", 0755);
  // Without an installation of conda there is nothing to activate with.
  EXPECT_TRUE(Contains("conda: /data/envs/far/bin/python = /data/envs/far/bin/python"));
  machine_.SetEnv("MAMBA_EXE", "/home/ada/bin/micromamba");
  machine_.AddFile("/home/ada/bin/micromamba", "", 0755);
  EXPECT_TRUE(
      Contains("conda: /home/ada/bin/micromamba run -p /data/envs/far python = /data/envs/far/bin/python"));
  machine_.AddFile("/home/ada/miniconda3/bin/conda", "", 0755);
  machine_.AddFile("/home/ada/miniconda3/bin/activate", "");
  EXPECT_TRUE(
      Contains("conda: . /home/ada/miniconda3/bin/activate '/home/ada/miniconda3/envs/tf gpu' = "
               "/home/ada/miniconda3/envs/tf gpu/bin/python"));
  // A shell that was initialised for it.
  machine_.SetEnv("CONDA_EXE", "/home/ada/miniconda3/bin/conda");
  machine_.SetEnv("CONDA_SHLVL", "0");
  EXPECT_EQ(Found(),
            (std::vector<std::string>{
                "conda: conda activate /home/ada/miniconda3 = /home/ada/miniconda3/bin/python",
                "conda: conda activate '/home/ada/miniconda3/envs/tf gpu' = /home/ada/miniconda3/envs/tf "
                "gpu/bin/python",
                "conda: conda activate /data/envs/far = /data/envs/far/bin/python",
                "pyenv: export PYENV_VERSION=3.12.1 = /home/ada/.pyenv/versions/3.12.1/bin/python"}));
}

TEST_F(Nearby, TheActivatedOneComesFirstAndToolsHaveTheirs) {
  Venv("/home/ada/.venv");
  Venv("/data/tf");
  Venv("/home/ada/.local/share/pipx/venvs/jupyterlab");
  Venv("/home/ada/.local/share/uv/tools/marimo");
  machine_.SetEnv("VIRTUAL_ENV", "/data/tf");
  ASSERT_FALSE(Found().empty());
  EXPECT_EQ(Found().front(), "venv: . /data/tf/bin/activate = /data/tf/bin/python");
  EXPECT_TRUE(
      Contains("pipx: . /home/ada/.local/share/pipx/venvs/jupyterlab/bin/activate = "
               "/home/ada/.local/share/pipx/venvs/jupyterlab/bin/python"));
  EXPECT_TRUE(
      Contains("uv tool: . /home/ada/.local/share/uv/tools/marimo/bin/activate = "
               "/home/ada/.local/share/uv/tools/marimo/bin/python"));
}

TEST_F(Nearby, Kernelspecs) {
  machine_.AddFile(
      "/home/ada/.local/share/jupyter/kernels/gpu/kernel.json",
      R"({"argv": ["/data/venv/bin/python", "-m", "ipykernel_launcher"], "language": "python"})");
  machine_.AddFile("/home/ada/.local/share/jupyter/kernels/r/kernel.json",
                   R"({"argv": ["R"], "language": "R"})");
  machine_.AddFile("/home/ada/.local/share/jupyter/kernels/relative/kernel.json",
                   R"({"argv": ["bin/python"]})");
  machine_.AddFile("/home/ada/.local/share/jupyter/kernels/gone/kernel.json",
                   R"({"argv": ["no-such-python"]})");
  machine_.AddFile("/home/ada/.local/share/jupyter/kernels/broken/kernel.json", "{");
  machine_.AddFile("/home/ada/.local/share/jupyter/kernels/empty/kernel.json", R"({"argv": []})");
  machine_.AddFile("/env/share/jupyter/kernels/python3/kernel.json", R"({"argv": ["python", "-m", "x"]})");
  EXPECT_EQ(Found("/env"),
            (std::vector<std::string>{"Jupyter kernel gpu: /data/venv/bin/python = /data/venv/bin/python",
                                      "Jupyter kernel python3: /env/bin/python = /env/bin/python"}));
  EXPECT_EQ(FindSurroundings(machine_, "/env").unread.size(), 4U);
}

TEST_F(Nearby, EditorsInterpreters) {
  machine_.AddFile("/home/ada/demo/.vscode/settings.json",
                   "{ // as people write it\n"
                   " \"python.defaultInterpreterPath\": \"${workspaceFolder}/e/bin/python\"}");
  machine_.AddFile("/home/ada/demo/.idea/misc.xml",
                   "<project><component project-jdk-name=\"Python 3.11 (demo)\" /></project>");
  machine_.AddFile("/home/ada/.config/JetBrains/PyCharm2024.1/options/jdk.table.xml",
                   "<jdk><name value=\"other\" /><homePath value=\"/x\" /></jdk>\n"
                   "<jdk><name value=\"Python 3.11 (demo)\" />\n"
                   "<homePath value=\"$USER_HOME$/v/bin/python\" /></jdk>\n");
  EXPECT_EQ(Found(),
            (std::vector<std::string>{"VS Code: /home/ada/demo/e/bin/python = /home/ada/demo/e/bin/python",
                                      "PyCharm: /home/ada/v/bin/python = /home/ada/v/bin/python"}));
  machine_.AddFile("/home/ada/demo/.vscode/settings.json",
                   "{\"python.pythonPath\": \"${env:SECRET}/python\"}");
  EXPECT_EQ(FindSurroundings(machine_, "").unread.size(), 1U);
}

// --- what the project wants
// -----------------------------------------------------------------------------------------------

using Names = std::vector<std::string>;
const Names kNames = {"tensorflow", "tensorflow-cpu", "tensorflow-gpu"};

std::string Said(const ProjectRequirements& found) {
  std::string text;
  for (const ProjectRequirement& one : found.requirements) {
    text += one.where + " " + one.requirement + (one.locked ? " locked" : "") +
            (one.marker.empty() ? "" : " ; " + one.marker) +
            (one.only.empty() ? "" : " only with " + one.only) + "\n";
  }
  for (const std::string& why : found.unread) text += "unread " + why + "\n";
  return text;
}

TEST(Project, RequirementsFiles) {
  EXPECT_EQ(Said(ParseRequirementsFile("# tensorflow==1\nnumpy\nTensorFlow[and-cuda] >= 2.15, <3  # GPU\n"
                                       "tensorflow_cpu==2.15.0 \\\n    --hash=sha256:00\n-e .\n"
                                       "tensorflow-gpu==\nhttps://x/y#tensorflow.whl\n",
                                       kNames)),
            "line 3 tensorflow[and-cuda]>=2.15,<3\nline 5 tensorflow-cpu==2.15.0\n"
            "unread line 7: tensorflow-gpu== is not understood\n"
            "unread line 8: https://x/y#tensorflow.whl is not understood\n");
}

TEST(Project, Pyproject) {
  EXPECT_EQ(Said(ParsePyproject("[project]\ndependencies = ['numpy', \"tensorflow[and-cuda]~=2.15\"]\n"
                                "[project.optional-dependencies]\ngpu = ['tensorflow==2.16.*']\n"
                                "[dependency-groups]\ndev = ['tensorflow-cpu', {include-group = 'x'}]\n"
                                "[tool.poetry.dependencies]\npython = '^3.10'\n"
                                "tensorflow = {version = '^2.15', extras = ['and-cuda']}\n"
                                "[tool.poetry.group.cpu.dependencies]\ntensorflow-cpu = '~2.15.1'\n",
                                kNames)),
            "project.dependencies tensorflow[and-cuda]~=2.15\noptional-dependencies.gpu "
            "tensorflow==2.16.* only with the group gpu\n"
            "dependency-groups.dev tensorflow-cpu only with the group dev\n"
            "tool.poetry.dependencies tensorflow[and-cuda]>=2.15,<3\n"
            "tool.poetry.group.cpu.dependencies tensorflow-cpu>=2.15.1,<2.16 only with the group cpu\n");
  EXPECT_EQ(Said(ParsePyproject("[=]", kNames)), "unread not understood: it is no TOML\n");
  EXPECT_EQ(PoetrySpecifiers("^0.3.1"), ">=0.3.1,<0.4");
  EXPECT_EQ(PoetrySpecifiers("2.15.0"), "==2.15.0");
  EXPECT_EQ(PoetrySpecifiers(">=2.10,!=2.11, *"), ">=2.10,!=2.11");
}

TEST(Project, PipfileAndLocks) {
  EXPECT_EQ(Said(ParsePipfile(
                "[packages]\ntensorflow = '*'\n[dev-packages]\ntensorflow-cpu = {version = '==2.15.0'}\n"
                "tensorflow-gpu = 5\n",
                kNames)),
            "packages tensorflow\ndev-packages tensorflow-cpu==2.15.0 only with the group dev-packages\n"
            "unread dev-packages tensorflow-gpu is not understood\n");
  EXPECT_EQ(Said(ParseLockFile("version = 1\n[[package]]\nname = \"numpy\"\nversion = \"1.26\"\n[[package]]\n"
                               "name = \"tensorflow\"\nversion = \"2.15.0\"\n",
                               kNames)),
            "line 7 tensorflow==2.15.0 locked\n");
  // Names are told apart as PyPI does it, whatever the case.
  EXPECT_EQ(Said(ParseLockFile("[[package]]\nname = \"TensorFlow\"\nversion = \"2.15.0\"\n", kNames)),
            "line 3 tensorflow==2.15.0 locked\n");
  EXPECT_EQ(Said(ParsePipfileLock(
                R"({"default": {"tensorflow": {"version": "==2.15.0"}, "x": 1}, "develop": 3})", kNames)),
            "default tensorflow==2.15.0 locked\n");
}

TEST(Project, CondaEnvironments) {
  EXPECT_EQ(Said(ParseCondaEnvironment(
                "name: x\nchannels:\n  - conda-forge\ndependencies:\n  - python=3.11\n"
                "  - conda-forge::tensorflow=2.15.0=cuda120*\n  - tensorflow-gpu\n"
                "  - 'tensorflow>=2.10,<2.16'\n  - pip:\n    - tensorflow[and-cuda]==2.15.1\n",
                kNames)),
            "line 6 tensorflow==2.15.0.*\nline 7 tensorflow-gpu\nline 8 tensorflow>=2.10,<2.16\n"
            "line 10 tensorflow[and-cuda]==2.15.1\n");
}

TEST(Project, TheNearestFolderAndWhatItIncludes) {
  std::unique_ptr<System> empty = EmptySystem();
  OverlaySystem machine(*empty);
  machine.AddFile("/p/requirements.txt", "-r requirements/base.txt\n-r requirements.txt\n-r gone.txt\n");
  machine.AddFile("/p/requirements/base.txt", "tensorflow==2.15.0\n-r ../requirements.txt\n");
  machine.AddFile("/requirements.txt", "tensorflow-cpu\n");
  machine.AddDirectory("/p/src");
  EXPECT_EQ(Said(ReadProject(machine, "/p/src", kNames)),
            "/p/requirements/base.txt line 1 tensorflow==2.15.0\n"
            "unread cannot read /p/gone.txt: No such file or directory\n");
}

TEST(Project, ConditionsStayAsTheyAreWritten) {
  EXPECT_EQ(Said(ParseRequirementsFile("tensorflow==2.10.0; python_version < '3.11'  # old\n", kNames)),
            "line 1 tensorflow==2.10.0 ; python_version < '3.11'\n");
  EXPECT_EQ(
      Said(ParsePyproject("[tool.poetry.dependencies]\ntensorflow = [\n"
                          "{version = '2.10.0', python = '<3.11'},\n"
                          "{version = '^2.15', python = '^3.11', platform = 'linux', optional = true},\n"
                          "{version = '2.1', markers = \"os_name == 'nt\"}]\n",
                          kNames)),
      "tool.poetry.dependencies tensorflow==2.10.0 ; python_version < '3.11'\n"
      "tool.poetry.dependencies tensorflow>=2.15,<3 ; (python_version >= '3.11' and python_version < '4') "
      "and (sys_platform == 'linux') only with an extra of the project\n"
      "unread tool.poetry.dependencies tensorflow = \"2.1\" is not understood\n");
  EXPECT_EQ(
      Said(ParsePipfile("[packages]\ntensorflow = {version = '*', sys_platform = \"== 'linux'\"}\n", kNames)),
      "packages tensorflow ; sys_platform == 'linux'\n");
  EXPECT_EQ(Said(ParsePipfileLock(R"({"default": {"tensorflow": {"version": "==2.15.0",
                                      "markers": "python_version < '3.12'"}},
                                      "develop": {"tensorflow-cpu": {"version": "==2.15.0"}}})",
                                  kNames)),
            "default tensorflow==2.15.0 locked ; python_version < '3.12'\n"
            "develop tensorflow-cpu==2.15.0 locked only with the group develop\n");
}

// The forks of a lock of uv, who wants them, and the groups of the project.
TEST(Project, LocksOfUv) {
  const std::string fork =
      "version = 1\nrequires-python = \">=3.9\"\n\n[[package]]\nname = \"tensorflow\"\nversion = \"2.15.1\"\n"
      "source = { registry = \"https://pypi.org/simple\" }\nresolution-markers = [\n"
      "    \"python_full_version < '3.12'\",\n]\n\n[[package]]\nname = \"tensorflow\"\nversion = \"2.19.0\"\n"
      "source = { registry = \"https://pypi.org/simple\" }\nresolution-markers = [\n"
      "    \"python_full_version >= '3.12' and sys_platform == 'linux'\",\n"
      "    \"python_full_version >= '3.12' and sys_platform != 'linux'\",\n]\n\n";
  EXPECT_EQ(Said(ParseLockFile(fork, kNames)),
            "line 6 tensorflow==2.15.1 locked ; (python_full_version < '3.12')\n"
            "line 14 tensorflow==2.19.0 locked ; (python_full_version >= '3.12' and sys_platform == 'linux') "
            "or (python_full_version >= '3.12' and sys_platform != 'linux')\n");
  const std::string project =
      "[[package]]\nname = \"demo\"\nversion = \"0.1.0\"\nsource = { virtual = \".\" }\n";
  EXPECT_EQ(
      Said(ParseLockFile(
          fork + project +
              "dependencies = [\n    { name = \"tensorflow\", version = \"2.15.1\", source = { registry = "
              "\"x\" }, marker = \"platform_machine == 'x86_64'\" },\n]\n\n[package.dev-dependencies]\n"
              "dev = [\n    { name = \"tensorflow\", version = \"2.19.0\" },\n]\n",
          kNames)),
      "line 6 tensorflow==2.15.1 locked ; ((python_full_version < '3.12')) and (platform_machine == "
      "'x86_64')\n"
      "line 14 tensorflow==2.19.0 locked ; (python_full_version >= '3.12' and sys_platform == 'linux') "
      "or (python_full_version >= '3.12' and sys_platform != 'linux') only with the group dev\n");
  const std::string one = "[[package]]\nname = \"tensorflow\"\nversion = \"2.15.1\"\n";
  const std::string other =
      "[[package]]\nname = \"tf-keras\"\nversion = \"2.15.1\"\ndependencies = [\n    { name = \"tensorflow\" "
      "},\n]\n";
  EXPECT_EQ(Said(ParseLockFile(one + other + project, kNames)), "line 3 tensorflow==2.15.1 locked\n");
  EXPECT_EQ(Said(ParseLockFile(one + other + project + "[package.optional-dependencies]\nx = []\n", kNames)),
            "line 3 tensorflow==2.15.1 locked only with a package that wants it\n");
}

TEST(Project, LocksOfPoetryPdmAndPep751) {
  EXPECT_EQ(
      Said(ParseLockFile("[[package]]\nname = \"tensorflow\"\nversion = \"2.10.0\"\noptional = true\n"
                         "python-versions = \">=3.7\"\ngroups = [\"main\"]\n"
                         "markers = \"python_version < \\\"3.11\\\"\"\n"
                         "[package.dependencies]\nname = \"x\"\nversion = \"9\"\n"
                         "[[package]]\nname = \"tensorflow\"\nversion = \"2.15.0\"\noptional = false\n"
                         "python-versions = \">=3.9\"\ngroups = [\"dev\"]\n[metadata]\nversion = \"2\"\n",
                         kNames)),
      "line 3 tensorflow==2.10.0 locked ; (python_version < \"3.11\") and (python_version >= '3.7') only "
      "with an extra of the project\n"
      "line 13 tensorflow==2.15.0 locked ; python_version >= '3.9' only with the group dev\n");
  EXPECT_EQ(
      Said(ParseLockFile("lock-version = '1.0'\n[[packages]]\nname = \"tensorflow\"\nversion = \"2.15.0\"\n"
                         "marker = \"'gpu' in extras\"\n",
                         kNames)),
      "line 4 tensorflow==2.15.0 locked ; 'gpu' in extras\n");
  EXPECT_EQ(
      Said(ParseLockFile("[[package]]\nname = \"tensorflow\"\nversion = \"2\"\nmarker = \"?\"\n", kNames)),
      "unread line 3: tensorflow is not understood\n");
}

TEST(Project, WhatAppliesHere) {
  ProjectRequirements found;
  found.requirements = {
      {"a", "tensorflow==2.10", false, "python_version < '3.11'", ""},
      {"b", "tensorflow==2.15", false, "python_version >= '3.11'", ""},
      {"c", "tensorflow==2.15", false, "", "the group dev"},
      {"d", "tensorflow==2.16", false, "platform_release == '6.1'", ""},
      {"e", "tensorflow==2.17", false, "platform_release == '6.1' and os_name == 'nt'", ""}};
  EXPECT_EQ(Said(WhatApplies(found, {{"python_version", "3.11"}, {"os_name", "posix"}})),
            "b tensorflow==2.15\nd tensorflow==2.16 ; platform_release == '6.1'\n");
  EXPECT_EQ(Said(WhatApplies(found, {{"python_version", "3.9"}, {"os_name", "posix"}})),
            "a tensorflow==2.10\nc tensorflow==2.15 only with the group dev\n"
            "d tensorflow==2.16 ; platform_release == '6.1'\n");
}

TEST(Project, ConstraintsLimitAndWantNothing) {
  std::unique_ptr<System> empty = EmptySystem();
  OverlaySystem machine(*empty);
  machine.AddFile("/p/requirements.txt", "tensorflow\n-c limits.txt\n--requirement=more.txt\n");
  machine.AddFile("/p/limits.txt",
                  "tensorflow==2.15.0; python_version < '3.12'\ntensorflow<3\ntensorflow-cpu==2.15.0\n");
  machine.AddFile("/p/more.txt", "tensorflow-gpu==2.10.0\n");
  const auto here = [&](const char* python) {
    return Said(WhatApplies(ReadProject(machine, "/p", kNames), {{"python_version", python}}));
  };
  EXPECT_EQ(here("3.11"),
            "/p/more.txt line 1 tensorflow-gpu==2.10.0\n/p/requirements.txt line 1 tensorflow==2.15.0,<3\n");
  EXPECT_EQ(here("3.12"),
            "/p/requirements.txt line 1 tensorflow<3\n/p/more.txt line 1 tensorflow-gpu==2.10.0\n");
}

}  // namespace
}  // namespace tfdoctor
