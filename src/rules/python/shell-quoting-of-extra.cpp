#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::shell_quoting_of_extra {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  const SeenMessage* message = story.Message("shell-brackets");
  if (message == nullptr) return;
  if (message->text.Peek()->find('[') != std::string::npos) {
    s.Proves("shell-brackets");
  } else {
    s.Speaks("shell-brackets", kWeak);
  }
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "shell-quoting-of-extra",
    .link = Link::kPython,
    .effect = Effect::kBlocks,
    .title = "The shell took the square brackets of tensorflow[and-cuda] for itself",
    .prior = 0.03,
    .log = JudgeLog,
    .page = R"md(## What it means

In zsh and some other shells square brackets are a pattern for names of files. pip was not even started.

## How it is recognised

`zsh: no matches found: tensorflow[and-cuda]`.

## How it happens

zsh is the standard shell of macOS and of several Linux distributions. bash passes the brackets on.

## What people say

"zsh: no matches found", "square brackets in the install command", "with quotes it works", "on a Mac the command fails".

## How to fix it

python3 -m pip install 'tensorflow[and-cuda]'
)md",
};

}  // namespace tfdoctor::shell_quoting_of_extra
