// What the command of a container starts.
#include "system/start_command.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <random>

#include "system/overlay.h"
#include "system/shell.h"

namespace tfdoctor {
namespace {

using Words = std::vector<std::string>;

std::vector<Words> Commands(std::string_view text, bool* failed = nullptr) {
  ShellText shell(text, [](const std::string& name) { return name == "APP" ? "/app dir" : ""; });
  std::vector<Words> all;
  for (Words words; shell.Next(words);) all.push_back(words);
  if (failed != nullptr) *failed = shell.failed();
  return all;
}

// As dash reads them.
TEST(Shell, IsSplitIntoCommands) {
  const std::vector<std::pair<std::string, std::vector<Words>>> texts = {
      {"python train.py", {{"python", "train.py"}}},
      {"cd /app && exec python -u 'my train.py' > log 2>&1",
       {{"cd", "/app"}, {"exec", "python", "-u", "my train.py"}}},
      {"a; b | c & d || e\nf", {{"a"}, {"b"}, {"c"}, {"d"}, {"e"}, {"f"}}},
      {"echo 'it''s' \"a \\\"b\\\" \\n\" c\\ d ''", {{"echo", "its", "a \"b\" \\n", "c d", ""}}},
      {"python \\\n  train.py # a comment; not a command\nls", {{"python", "train.py"}, {"ls"}}},
      {"cd $APP; cd \"${APP}/x\"; run $OTHER--n $1 ${N:-3} $(nproc)",
       {{"cd", "/app", "dir"}, {"cd", "/app dir/x"}, {"run", "--n", "$1", "${N:-3}", "$(nproc)"}}},
      {"python x <in >>out 2>/dev/null -v", {{"python", "x", "-v"}}},
      {"a#b", {{"a#b"}}},
      {"  ", {}},
      {";;\n", {}},
  };
  for (const auto& [text, commands] : texts) {
    bool failed = true;
    EXPECT_EQ(Commands(text, &failed), commands) << text;
    EXPECT_FALSE(failed) << text;
  }
  for (const char* text :
       {"if true; then python x; fi", "for i in 1 2; do python x; done", "(python x)",
        "python x <<EOF\nEOF\n", "`which python` x", "P=$(which python); $P x", "python 'x", "python \"x",
        "{ python x; }", "f() { a; }", "echo ${x", "diff <(a) b"}) {
    bool failed = false;
    Commands(text, &failed);
    EXPECT_TRUE(failed) << text;
  }
}

// What the shell of this machine makes of the same words.
TEST(Shell, ReadsWordsAsShDoes) {
  const std::vector<std::string> pieces = {
      "a",  "'b c'", "\"d $APP\"", "\\e",  " ", "  ", "\t",   "\"\\\"\\x\"", "$APP", "${APP}", "$NONE",
      "''", "\"\"",  "x=1",        "'\"'", "2", "~",  "\\\n", "\"\\\n\"",    "%",    "-n"};
  std::mt19937 draw(5);
  std::string script = "p() { printf '%s|' \"$@\"; echo; }\n";
  std::string expected;
  for (int turn = 0; turn < 500; turn++) {
    std::string text = "p first ";
    for (size_t count = draw() % 7; count > 0; count--) text += pieces[draw() % pieces.size()];
    script += text + "\n";
    const std::vector<Words> commands = Commands(text);
    ASSERT_EQ(commands.size(), 1U) << text;
    for (size_t i = 1; i < commands[0].size(); i++) expected += commands[0][i] + "|";
    expected += "\n";
  }
  setenv("APP", "/app dir", 1);
  setenv("HOME", "~", 1);
  std::string file = testing::TempDir() + "shell-XXXXXX";
  const int number = mkstemp(file.data());
  ASSERT_EQ(write(number, script.data(), script.size()), static_cast<ssize_t>(script.size()));
  close(number);
  FILE* shell = popen(("sh " + file).c_str(), "r");
  ASSERT_NE(shell, nullptr);
  std::string printed;
  for (int c = fgetc(shell); c != EOF; c = fgetc(shell)) printed += static_cast<char>(c);
  EXPECT_EQ(pclose(shell), 0);
  unlink(file.c_str());
  EXPECT_EQ(printed, expected);
}

class StartCommand : public testing::Test {
 protected:
  StartCommand() : empty_(EmptySystem()), machine_(*empty_) {
    for (const char* program : {"/opt/venv/bin/python", "/usr/bin/python3", "/usr/bin/tini", "/usr/bin/nice"})
      machine_.AddFile(program,
                       "\x7f"
                       "ELF",
                       0755);
    machine_.AddFile("/opt/venv/bin/serve", "#!/opt/venv/bin/python -I\nimport x\n", 0755);
    machine_.AddFile("/usr/bin/tool", "#!/usr/bin/env python3\n", 0755);
    machine_.AddFile("/usr/bin/split", "#!/usr/bin/env -S python3 -s\n", 0755);
    machine_.AddFile("/entry.sh", "#!/bin/bash\nexec \"$@\"\n", 0755);
    machine_.AddFile("/app/train.py", "import tensorflow\n");
    machine_.AddFile("/work/train.py", "import tensorflow\n");
    machine_.SetEnv("PATH", "/usr/bin");
    machine_.SetWorkingDirectory("/app");
  }

  StartedPython Read(const Words& words) {
    return ReadStartCommand(machine_, words, [this](const std::string& path) {
      return machine_.Read(path, 0, 512).value_or("");
    });
  }

  std::unique_ptr<System> empty_;
  OverlaySystem machine_;
};

TEST_F(StartCommand, LeadsToItsPython) {
  struct {
    Words words;
    std::string python, script, flags;
  } const commands[] = {
      {{"python3", "train.py"}, "/usr/bin/python3", "/app/train.py", ""},
      {{"/opt/venv/bin/python", "-Im", "train"}, "/opt/venv/bin/python", "", "I"},
      {{"../opt/venv/bin/python", "/work/train.py"}, "/app/../opt/venv/bin/python", "/work/train.py", ""},
      {{"/bin/sh", "-c", "/opt/venv/bin/python train.py --n $N"},
       "/opt/venv/bin/python",
       "/app/train.py",
       ""},
      {{"bash", "-eo", "pipefail", "-c", "cd /work; exec python3 -s train.py | tee log"},
       "/usr/bin/python3",
       "/work/train.py",
       "s"},
      {{"bash", "-lc", "/opt/venv/bin/python train.py"}, "/opt/venv/bin/python", "/app/train.py", ""},
      {{"sh", "-c", ". /opt/venv/bin/activate && python train.py"},
       "/opt/venv/bin/python",
       "/app/train.py",
       ""},
      {{"sh", "-c", "export PATH=/opt/venv/bin:$PATH; python train.py"},
       "/opt/venv/bin/python",
       "/app/train.py",
       ""},
      {{"sh", "-c", "tool migrate && exec /opt/venv/bin/serve app:app"},
       "/opt/venv/bin/python",
       "/opt/venv/bin/serve",
       "I"},
      {{"/opt/venv/bin/serve", "app:app"}, "/opt/venv/bin/python", "/opt/venv/bin/serve", "I"},
      {{"tool"}, "/usr/bin/python3", "/usr/bin/tool", ""},
      {{"split"}, "/usr/bin/python3", "/usr/bin/split", "s"},
      {{"tini", "--", "nice", "-n", "5", "python3", "train.py"}, "/usr/bin/python3", "/app/train.py", ""},
      {{"/entry.sh", "/opt/venv/bin/serve"}, "/opt/venv/bin/python", "/opt/venv/bin/serve", "I"},
      {{"/bin/bash", "/entry.sh", "sh", "-c", "python3 train.py"}, "/usr/bin/python3", "/app/train.py", ""},
      {{"env", "-u", "X", "A=b", "/opt/venv/bin/python", "train.py"},
       "/opt/venv/bin/python",
       "/app/train.py",
       ""},
      {{"python"}, "", "", ""},  // it is not there
  };
  for (const auto& command : commands) {
    const StartedPython started = Read(command.words);
    SCOPED_TRACE(command.words.back());
    EXPECT_TRUE(started.understood);
    EXPECT_EQ(started.python, command.python);
    EXPECT_EQ(started.script, command.script);
    EXPECT_EQ(started.flags, command.flags);
  }
}

TEST_F(StartCommand, ChangesVariables) {
  machine_.SetEnv("CUDA_VISIBLE_DEVICES", "0");
  machine_.SetEnv("XLA_FLAGS", "x");
  auto started = Read({"env", "-u", "XLA_FLAGS", "CUDA_VISIBLE_DEVICES=-1", "python3"});
  EXPECT_EQ(started.environment["CUDA_VISIBLE_DEVICES"], "-1");
  EXPECT_FALSE(started.environment.contains("XLA_FLAGS"));
  EXPECT_EQ(started.environment["PATH"], "/usr/bin");
  EXPECT_EQ(started.working_directory, "/app");
  started = Read({"sh", "-c", "cd ../work && CUDA_VISIBLE_DEVICES= exec python3 train.py"});
  EXPECT_EQ(started.environment["CUDA_VISIBLE_DEVICES"], "");
  EXPECT_EQ(started.working_directory, "/app/../work");
  started = Read({"env", "-i", "/usr/bin/python3"});
  EXPECT_TRUE(started.environment.empty());
}

TEST_F(StartCommand, IsOpenWhereItIsNotUnderstood) {
  std::string growing = "A=aaaaaaaa; ";
  for (int i = 0; i < 40; i++) growing += "A=$A$A; ";
  for (const Words& words :
       std::vector<Words>{{"/entry.sh"},
                          {"bash", "/entry.sh"},
                          {"conda", "run", "-n", "tf", "python3", "train.py"},
                          {"tini", "--", "conda", "run", "python3"},
                          {"sh", "-c", "poetry run python3 train.py"},
                          {"bash", "-lc", "python3 train.py"},  // what PATH is there?
                          {"sh", "-c", "if [ -f x ]; then python3 train.py; fi"},
                          {"sh", "-c", "python3 a.py; for i in 1 2; do $P; done"},
                          {"sh", "-c"},
                          {"sh", "-c", growing + "python3 train.py"},
                          {"sh", "-c", "export A='sh -c \"$A\"; sh -c \"$A\"'; $A; sh -c \"$A\""},
                          {"server"}}) {
    const StartedPython started = Read(words);
    EXPECT_FALSE(started.understood) << words.back();
    EXPECT_EQ(started.python, "") << words.back();
    EXPECT_EQ(started.environment.at("PATH"), "/usr/bin");
  }
  // A shell to type into, or nothing: there PATH chooses.
  for (const Words& words : std::vector<Words>{{}, {"bash"}, {"/bin/sh", "-i"}, {"/entry.sh", "bash"}}) {
    const StartedPython started = Read(words);
    EXPECT_TRUE(started.understood);
    EXPECT_EQ(started.python, "");
  }
}

}  // namespace
}  // namespace tfdoctor
