#include <algorithm>

#include "base/text.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

// The requirement that pip could not meet is TensorFlow itself: "tensorflow", "tensorflow==2.8.0".
bool WantsTensorFlow(const LogStory& story) {
  for (const std::string& requirement : story.Fields("pip-no-version", "requirement")) {
    const std::string name = Lower(requirement.substr(0, requirement.find_first_of("=<>~! ;[")));
    if (name == "tensorflow" || name == "tensorflow-gpu" || name == "tf-nightly") return true;
  }
  return false;
}

void WrongEnvironment(Signs& s) {
  const LogStory& story = s.story;
  s.StatesProof(story.Mentions("check", "user site") || story.Mentions("tensorflow_file", "/.local/lib/"),
                "check", "the TensorFlow that is imported is another one, of the user's own site-packages");
  s.States(story.Mentions("tf_version", "imported"), "tf_version",
           "another version is imported than was installed", kDecisive);
  const std::string method = story.Stated("install_method");
  auto has = [&](std::string_view part) { return method.find(part) != method.npos; };
  s.States(has("--user") || (has("sudo pip") && has("conda")), "install_method",
           "packages were installed for several interpreters", kStrong);
  // On Windows python3 starts the Store's Python, whatever environment is active.
  s.States(story.windows && story.Mentions("command", "python3"), "command",
           "on Windows python3 is another interpreter than python", kDecisive);
  s.Speaks("no-tensorflow", story.SawAny({"conda-gpu-row", "user-site"}) ? kDecisive : kWeak);
}

void NoWheel(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("uv-no-wheel");
  if (story.Saw("gpu-stub") || !WantsTensorFlow(story)) return;
  // With files for other releases pip lists their versions; it does not when none fits this Python.
  const bool none = story.FieldHas("pip-no-version", "versions", "none") ||
                    story.Fields("pip-no-version", "versions").empty();
  if (none) {
    s.Proves("pip-no-version");
  } else {
    s.Speaks("pip-no-version", kDecisive);
  }
}

void Quoting(Signs& s) {
  const LogStory& story = s.story;
  const SeenMessage* message = story.Message("shell-brackets");
  if (message == nullptr) return;
  if (message->text.Peek()->find('[') != std::string::npos) {
    s.Proves("shell-brackets");
  } else {
    s.Speaks("shell-brackets", kWeak);
  }
}

void Extra(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("pip-extra");
  if (story.and_cuda) s.Speaks("version-solving", kStrong);
}

void Shadowed(Signs& s) { s.Speaks("tensorflow-attribute", kStrong); }

constexpr LogRule kRules[] = {
    {"wrong-python-environment", WrongEnvironment},
    {"no-wheel-for-python", NoWheel},
    {"shell-quoting-of-extra", Quoting},
    {"pip-extra-unresolvable", Extra},
    {"module-shadowed", Shadowed},
};

}  // namespace

namespace rules {
extern const std::span<const LogRule> kLog_python;
const std::span<const LogRule> kLog_python = kRules;
}  // namespace rules

}  // namespace tfdoctor
