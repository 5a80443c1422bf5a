#include <algorithm>
#include <iterator>

#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::env_var_not_in_launcher {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  const std::string there = story.Stated("ld_library_path");
  if (SaysMissing(there)) s.Speaks("says-launcher", kDecisive);
  if (!LibrariesFail(story) && !story.Saw("says-libraries-not-found")) {
    // No library is named: the environment may be another one, or the variables of the same.
    if (story.only_stated && WorksElsewhere(story) && story.SawAny({"says-gpu-not-used", "only-cpu-listed"}))
      s.Speaks("says-launcher", kDecisive);
    return;
  }
  // What no shell starts reads no profile; what runs in a terminal has its variables.
  if (story.Saw("says-launcher"))
    s.Speaks("says-path-in-profile", story.Saw("says-service") ? kDecisive : kStrong);
  // Also macOS' DYLD_LIBRARY_PATH.
  const std::string path = story.StatedLike("ld_library_path");
  s.States(path.find("set in the shell") != path.npos && story.Saw("says-program-lacks-gpu"),
           "LD_LIBRARY_PATH", path, kDecisive);
  s.StatesProof(
      path.find("shell") != path.npos && (path.find("absent") != path.npos || path.find("not") != path.npos),
      "LD_LIBRARY_PATH", path);
  s.StatesProof(story.Saw("says-terminal-works") && story.SawAny({"says-launcher-fails", "says-launcher"}),
                "says-terminal-works", "it works in a terminal, and not where another program starts it");
  if (!s.any()) s.Speaks("says-launcher", story.Saw("says-works-elsewhere") ? kDecisive : kStrong);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "env-var-not-in-launcher",
    .link = Link::kCudaLibraries,
    .effect = Effect::kBlocks,
    .title = "The program that starts Python does not pass on the variables that the shell has",
    .prior = 0.02,
    .log = JudgeLog,
    .page = R"md(## What it means

In the shell TensorFlow finds the libraries of CUDA through LD_LIBRARY_PATH. The editor, notebook server or service that starts Python was started without that variable.

## How it is recognised

The same program works in a terminal and fails from the editor or as a service, with `cannot open shared object file` or `Could not load dynamic library`.

## How it happens

Variables of `~/.bashrc` reach only programs that a shell starts: not those of the desktop's menu, systemd or cron.

## What people say

"It works in the terminal, not in PyCharm, Spyder, VS Code, Eclipse, RStudio or the IDE", "started from the desktop icon or the menu", "as a systemd service or cron job it does not", "LD_LIBRARY_PATH is empty in the notebook", "with sudo the variable is gone", "JupyterHub does not pass the environment on".

## How to fix it

Set the variable where the program is started: in the editor's run configuration, in `kernel.json` of the notebook's kernel under `env`, in the unit with `Environment=`. Better: install TensorFlow so that it needs none:

python3 -m pip install 'tensorflow[and-cuda]'
)md",
};

}  // namespace tfdoctor::env_var_not_in_launcher
