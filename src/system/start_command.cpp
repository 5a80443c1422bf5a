#include "system/start_command.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "system/overlay.h"
#include "system/python_command.h"
#include "system/shell.h"

namespace tfdoctor {

namespace {

using Words = std::vector<std::string>;

constexpr int kDeepest = 8;         // commands that start commands
constexpr int kMostCommands = 200;  // in all
constexpr size_t kMostWords = 64;   // behind a program that may start one of them

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// "python3.11", "/opt/venv/bin/python"
bool IsPython(const std::string& word) {
  const std::string name = BaseName(word);
  constexpr std::string_view kStart = "python";
  return name.starts_with(kStart) &&
         name.find_first_not_of("0123456789.t", kStart.size()) == std::string::npos;
}

// By whatever path.
bool IsNamed(const std::string& word, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), BaseName(word)) != names.end();
}
bool IsShell(const std::string& word) { return IsNamed(word, {"sh", "bash", "dash", "ash", "zsh"}); }
// They run what follows in an environment that they choose.
bool ChoosesEnvironment(const std::string& word) {
  return IsNamed(
      word, {"conda", "mamba", "micromamba", "poetry", "pipenv", "uv", "uvx", "pdm", "hatch", "rye", "pixi"});
}

Words From(const Words& words, size_t at) {
  return {words.begin() + static_cast<ptrdiff_t>(std::min(at, words.size())), words.end()};
}

class CommandReader {
 public:
  CommandReader(const System& system, const std::function<std::string(const std::string&)>& head)
      : machine_(system), head_(head) {}

  StartedPython Read(const Words& words) {
    const bool found = Run(words, kDeepest);
    // Nothing, or a shell to type into, where PATH chooses.
    if (!found) started_ = {};
    started_.understood = found || words.empty() || interactive_;
    started_.environment = machine_.Environment();
    started_.working_directory = machine_.WorkingDirectory();
    return std::move(started_);
  }

 private:
  // Whether it starts a Python.
  bool Run(Words words, int deeper) {
    size_t at = 0;
    while (at < words.size() && IsAssignment(words[at])) Set(words[at++]);
    if (at < words.size() && words[at] == "exec") at++;
    if (at >= words.size() || deeper == 0 || commands_++ >= kMostCommands) return false;
    const std::string program = words[at];
    const Words rest = From(words, at + 1);
    if (program == "cd" && rest.size() == 1) return EnterFolder(rest[0]);
    if (program == "export") return Export(rest);
    if ((program == "." || program == "source") && !rest.empty()) return Activate(rest[0]);
    if (IsPython(program)) return TakePython(program, rest);
    if (BaseName(program) == "env") return RunEnv(rest, deeper - 1);
    if (IsShell(program)) return RunShell(rest, deeper - 1);
    if (ChoosesEnvironment(program)) return false;
    const Words interpreted = Interpreted(program);
    if (!interpreted.empty() && IsPython(interpreted.front()))
      return TakePython(interpreted.front(), Joined(From(interpreted, 1), rest));
    return RunBehind(rest, deeper - 1);
  }

  // What stands behind a program that starts it: "tini -- python train.py", a script that ends with
  // `exec "$@"`.
  bool RunBehind(const Words& words, int deeper) {
    for (size_t i = 0; i < std::min(words.size(), kMostWords); i++) {
      const std::string& word = words[i];
      if (word.starts_with('-')) continue;
      const bool starts = IsPython(word) || IsShell(word) || ChoosesEnvironment(word) || word == "env";
      if (starts || !Interpreted(word).empty()) return Run(From(words, i), deeper);
    }
    return false;
  }

  bool RunEnv(Words words, int deeper) {
    size_t at = 0;
    for (; at < words.size() && words[at].starts_with('-'); at++) {
      const std::string& option = words[at];
      if (option == "-i" || option == "-" || option == "--ignore-environment") {
        const auto all = machine_.Environment();
        for (const auto& [name, value] : all) machine_.UnsetEnv(name);
      } else if (option == "-u" && at + 1 < words.size()) {
        machine_.UnsetEnv(words[++at]);
      } else if (option.starts_with("-S")) {
        const std::string text = option.size() > 2       ? option.substr(2)
                                 : at + 1 < words.size() ? words[++at]
                                                         : "";
        Words split;
        for (const std::string_view word : SplitWords(text)) split.emplace_back(word);
        return RunEnv(Joined(split, From(words, at + 1)), deeper);
      } else if (option != "--") {
        return false;
      }
    }
    return Run(From(words, at), deeper);
  }

  bool RunShell(const Words& words, int deeper) {
    bool command = false;
    size_t at = 0;
    for (; at < words.size() && (words[at].starts_with('-') || words[at].starts_with('+')); at++) {
      const std::string& option = words[at];
      // What a login shell reads first may set another PATH.
      if (option == "--login") login_ = true;
      if (option.starts_with("--")) continue;
      login_ |= option.find('l') != std::string::npos;
      command |= option.find('c') != std::string::npos;
      if (option.ends_with('o')) at++;  // "-eo pipefail"
    }
    if (at >= words.size()) {
      interactive_ = !command;
      return false;
    }
    return command ? RunText(words[at], deeper) : RunBehind(From(words, at + 1), deeper);
  }

  // The last Python that it starts: what comes before prepares it.
  bool RunText(const std::string& text, int deeper) {
    ShellText commands(text, [&](const std::string& name) { return machine_.Env(name).value_or(""); });
    bool found = false;
    for (Words words; commands.Next(words);) found |= Run(words, deeper);
    return found && !commands.failed();
  }

  bool TakePython(const std::string& word, const Words& rest) {
    if (login_ && word.find('/') == std::string::npos) return false;
    started_ = {};
    for (const std::string& place : PlacesOfProgram(machine_, word)) {
      if (!machine_.Exists(place)) continue;
      started_.python = place;
      break;
    }
    PythonArguments arguments = ReadPythonArguments(machine_, rest);
    started_.script = std::move(arguments.script);
    started_.flags = std::move(arguments.flags);
    return true;
  }

  // What runs a script, by its first line, with the script behind: "/opt/venv/bin/python -I
  // /opt/venv/bin/serve". Empty: it is none, or is not there.
  Words Interpreted(const std::string& program) {
    for (const std::string& place : PlacesOfProgram(machine_, program)) {
      const Result<FileStat> stat = machine_.Stat(place);
      if (!stat.ok() || stat->type != FileType::kRegular) continue;
      const std::string bytes = head_(place);
      if (!bytes.starts_with("#!")) return {};
      Words words;
      for (const std::string_view word : SplitWords(SplitLines(bytes).front().substr(2)))
        words.emplace_back(word);
      if (!words.empty() && BaseName(words.front()) == "env") words.erase(words.begin());
      if (!words.empty() && words.front() == "-S") words.erase(words.begin());
      words.push_back(place);
      return words;
    }
    return {};
  }

  void Set(const std::string& assignment) {
    const size_t equals = assignment.find('=');
    machine_.SetEnv(assignment.substr(0, equals), assignment.substr(equals + 1));
  }
  bool Export(const Words& words) {
    for (const std::string& word : words) {
      if (IsAssignment(word)) Set(word);
    }
    return false;
  }
  bool EnterFolder(const std::string& folder) {
    machine_.SetWorkingDirectory(folder.starts_with('/') ? folder
                                                         : machine_.WorkingDirectory() + "/" + folder);
    return false;
  }
  // What the script of venv does; nothing else that a shell reads in is understood.
  bool Activate(const std::string& script) {
    constexpr std::string_view kEnd = "/bin/activate";
    if (!script.ends_with(kEnd)) return false;
    std::string prefix = script.substr(0, script.size() - kEnd.size());
    if (!prefix.starts_with('/')) prefix = machine_.WorkingDirectory() + "/" + prefix;
    machine_.SetEnv("VIRTUAL_ENV", prefix);
    machine_.SetEnv("PATH", prefix + "/bin:" + machine_.Env("PATH").value_or("/usr/local/bin:/usr/bin:/bin"));
    machine_.UnsetEnv("PYTHONHOME");
    return false;
  }

  static Words Joined(Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  OverlaySystem machine_;
  const std::function<std::string(const std::string&)>& head_;
  StartedPython started_;
  int commands_ = 0;
  bool login_ = false;
  bool interactive_ = false;
};

}  // namespace

StartedPython ReadStartCommand(const System& system, const Words& words,
                               const std::function<std::string(const std::string&)>& head) {
  return CommandReader(system, head).Read(words);
}

}  // namespace tfdoctor
