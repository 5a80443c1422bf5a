#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"
#include "rules/project.h"
#include "rules/repair.h"

namespace tfdoctor::no_wheel_for_python {

namespace {

// "cp39" -> "3.9"
std::string Dotted(int minor) { return "3." + std::to_string(minor); }

std::string Range(const std::set<int>& minors) {
  if (minors.empty()) return "none";
  bool one = minors.size() == 1;
  return one ? Dotted(*minors.begin()) : Dotted(*minors.begin()) + " to " + Dotted(*minors.rbegin());
}

// What is known of the wheels of the wanted releases.
struct Wheels {
  bool here = false;      // for this Python, processor and C library
  bool released = false;  // any wheel for this processor at all
  std::set<int> pythons;  // with a wheel for this processor
  std::string glibc;      // the lowest C library of those for this Python
  int newest_python = 0;  // of any release in the data
  std::string newest;     // of those releases
};

Wheels LookUp(const Facts& facts, const Knowledge& knowledge, const WantedRelease& wanted,
              const std::string& tag, const std::string& machine) {
  Wheels wheels;
  const std::string* glibc = facts.host.glibc.Get();
  for (const TensorFlowBuild* build : knowledge.Builds()) {
    if (build->distribution != wanted.name || build->machine != machine) continue;
    for (const std::string& python : build->pythons)
      wheels.newest_python = std::max(wheels.newest_python, MinorOf(python));
    // pip takes a candidate for a release only when it is asked for.
    bool release = build->version.find_first_not_of("0123456789.") == std::string::npos;
    if (!release || !Fits(build->version, wanted.specifiers)) continue;
    wheels.released = true;
    if (CompareVersions(build->version, wheels.newest) > 0) wheels.newest = build->version;
    for (const std::string& python : build->pythons) wheels.pythons.insert(MinorOf(python));
    if (std::find(build->pythons.begin(), build->pythons.end(), tag) == build->pythons.end()) continue;
    if (glibc != nullptr && !build->glibc.empty() && CompareVersions(*glibc, build->glibc) < 0) {
      if (wheels.glibc.empty() || CompareVersions(build->glibc, wheels.glibc) < 0)
        wheels.glibc = build->glibc;
      continue;
    }
    wheels.here = true;
  }
  return wheels;
}

// Of several releases that the project allows, one that works as pip installs it.
Fix Repair(const Facts& facts, const Knowledge& knowledge, const WantedRelease& wanted,
           const Wheels& wheels) {
  const bool ours = wanted.name == "tensorflow";
  const TensorFlowBuild* build = ours ? WorkingBuild(facts, knowledge, wanted.specifiers) : nullptr;
  if (build != nullptr) return InFittingPython(facts, knowledge, *build);
  const std::string defect = ours ? ExtraDefect(knowledge, wheels.newest) : "none";
  // The next release of the same line, where the extra of the wanted one cannot be installed.
  if (defect == "unresolvable") {
    const std::string line = wheels.newest.substr(0, wheels.newest.rfind('.'));
    build = WorkingBuild(facts, knowledge, "==" + line + ".*");
    if (build != nullptr) return InFittingPython(facts, knowledge, *build);
  }
  const bool has_extra = defect.empty() || defect == "search-path";
  return InNewPython(facts, wheels.pythons, wheels.newest,
                     wanted.name + (has_extra ? "[and-cuda]" : "") + wanted.specifiers);
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (facts.tensorflow.folder.Present())
    return Verdict::Excluded().Because(facts.tensorflow.folder, "TensorFlow is installed for this Python");
  if (facts.tensorflow.folder.Unknown() || facts.python.interpreter.Absent()) return Verdict::Silent();
  const auto* installed = facts.tensorflow.installed.Get();
  if (installed == nullptr || !installed->empty()) return Verdict::Silent();
  const std::string tag = PythonTag(facts);
  const std::string* machine = facts.host.machine.Get();
  if (tag.empty() || machine == nullptr) return Verdict::Silent();
  const WantedReleases releases = Wanted(facts);
  const WantedRelease* failing = nullptr;
  const WantedRelease* other = nullptr;  // of which it is not so
  Wheels wheels;
  for (const WantedRelease& one : releases.all) {
    Wheels its = LookUp(facts, knowledge, one, tag, *machine);
    // Of what the data does not know nothing can be said.
    if (its.here || !its.released || its.pythons.empty()) {
      other = &one;
    } else if (failing == nullptr) {
      failing = &one;
      wheels = std::move(its);
    }
  }
  if (failing == nullptr) return Verdict::Silent();
  const WantedRelease& wanted = *failing;
  const std::string what = wanted.name + wanted.specifiers;
  // A Python newer than all that the data has may have got its wheels since.
  bool may_be_newer =
      MinorOf(tag) > wheels.newest_python && wanted.specifiers.find("==") == std::string::npos;
  const bool sure = !may_be_newer && other == nullptr && releases.unread == nullptr && LacksTensorFlow(facts);
  Verdict verdict = sure ? Verdict::Holds() : Verdict::Open();
  const std::string* python = facts.python.version.Get();
  if (wheels.glibc.empty()) {
    verdict.Because(facts.python.version,
                    fmt::format("this is Python {}; there are wheels of {} for Python {}",
                                python == nullptr ? tag : *python, what, Range(wheels.pythons)));
  } else {
    verdict.Because(facts.host.glibc,
                    fmt::format("the wheels of {} for this Python need glibc {}", what, wheels.glibc));
  }
  NameWhatMayAddToSysPath(facts, verdict);
  if (wanted.fact != nullptr) verdict.Because(*wanted.fact, "the project wants " + what, Strength::kWeak);
  if (other != nullptr && other->fact != nullptr)
    verdict.Because(*other->fact, "the project may want " + other->name + other->specifiers + " instead",
                    Strength::kAgainst);
  if (releases.unread != nullptr)
    verdict.Because(*releases.unread, "what else the project wants was not understood", Strength::kWeak);
  if (may_be_newer)
    verdict.Because(facts.python.version,
                    "our data is of " + knowledge.Date() + "; a newer release may have one", Strength::kWeak);
  return std::move(verdict)
      .WithReason(wheels.glibc.empty() ? "python" : "glibc")
      .WithTitle(wheels.glibc.empty()
                     ? fmt::format("There is no {} for Python {}", what, Dotted(MinorOf(tag)))
                     : fmt::format("There is no {} for a C library this old", what))
      .WithFix(Repair(facts, knowledge, wanted, wheels));
}

// The requirement that pip could not meet is TensorFlow itself: "tensorflow", "tensorflow==2.8.0".
bool WantsTensorFlow(const LogStory& story) {
  for (const std::string& requirement : story.Fields("pip-no-version", "requirement")) {
    const std::string name = Lower(requirement.substr(0, requirement.find_first_of("=<>~! ;[")));
    const std::vector<std::string> known = story.knowledge.TensorFlowDistributions();
    if (std::find(known.begin(), known.end(), name) != known.end()) return true;
  }
  return false;
}

bool Lists(const std::string& list, const std::string& version) {
  const std::vector<std::string> parts = Split(list, ',');
  return std::any_of(parts.begin(), parts.end(),
                     [&](const std::string& part) { return Trim(part) == version; });
}

// Exactly one release was asked for, which exists, and pip lists others and not this one: it has no file for
// this Python and system.
bool LacksOneThatExists(const LogStory& story) {
  if (story.mac || story.aarch64) return false;
  // "2.2.0, 2.3.0)"; without the bracket it was cut.
  const std::string list = story.Field("pip-no-version", "versions");
  const size_t end = list.find(')');
  if (end == list.npos) return false;
  for (const std::string& requirement : story.Fields("pip-no-version", "requirement")) {
    const size_t at = requirement.find("==");
    if (at == requirement.npos) continue;
    const std::string version(Trim(requirement.substr(at + 2)));
    const std::string name = Lower(Trim(requirement.substr(0, at)));
    if (story.knowledge.FindBuild(name, version, "x86_64") != nullptr && !Lists(list.substr(0, end), version))
      return true;
  }
  return false;
}

// "3.9, 3.10, 3.11" of the release that is named; empty: not in the data.
std::string PythonsOf(const LogStory& story) {
  if (story.tensorflow.empty() || story.windows || story.mac) return {};
  for (const std::string& version : {story.tensorflow, story.tensorflow + ".0"}) {
    const TensorFlowBuild* build =
        story.knowledge.FindBuild("tensorflow", version, story.aarch64 ? "aarch64" : "x86_64");
    if (build == nullptr) continue;
    std::vector<std::string> minors;
    // "cp27", "cp310"
    for (const std::string& tag : build->pythons) minors.push_back(tag.substr(2, 1) + "." + tag.substr(3));
    return Join(minors, ", ");
  }
  return {};
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("uv-no-wheel").Proves("wheel-not-supported");
  if (story.only_stated && !story.conda && !story.container) {
    const std::string known = PythonsOf(story);
    const std::string minor = story.python.substr(0, story.python.find('.', story.python.find('.') + 1));
    s.States(!known.empty() && !story.python.empty() && !Lists(known, minor), "python",
             "TensorFlow " + story.tensorflow + " has wheels for Python " + known + ", not for " + minor,
             kStrong);
  }
  if (story.Saw("conda-tensorflow-python")) s.Proves("conda-python");
  if (story.Saw("gpu-stub") || !WantsTensorFlow(story)) return;
  // tensorflow-gpu for macOS ended with 1.1, whatever the Python.
  if (WantsGpuPackageOnMac(story)) return void(s.Speaks("pip-no-version", kWeak));
  // With files for other releases pip lists their versions; it does not when none fits this Python.
  const bool none = story.FieldHas("pip-no-version", "versions", "none") ||
                    story.Fields("pip-no-version", "versions").empty();
  if (none || LacksOneThatExists(story)) {
    s.Proves("pip-no-version");
  } else {
    s.Speaks("pip-no-version", kDecisive);
  }
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "no-wheel-for-python",
    .link = Link::kPython,
    .effect = Effect::kBlocks,
    .title = "There is no TensorFlow for this version of Python",
    .prior = 0.08,
    .explained_by = {{{"wrong-python-environment"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

Each release of TensorFlow is built for a few versions of Python. For this one there is no such file, so pip finds nothing that it could install.

## How it is recognised

TensorFlow is not installed, and no wheel of the release that the project wants (requirements files, pyproject.toml, Pipfile, environment.yml or a lock file; without one, of any release) is for this Python, processor and C library. What the project wants elsewhere only (a marker such as `; python_version < "3.10"`) does not count; where files name different releases, or only a group or an extra asks for one, the cause stays possible. Message of pip: "Could not find a version that satisfies the requirement tensorflow (from versions: none)", "No matching distribution found for tensorflow".

## How it happens

A new Python comes out some months before TensorFlow supports it, and old releases never get wheels for newer Pythons. Free-threaded builds (3.13t) and 32-bit systems have none.

## What people say

"Could not find a version that satisfies the requirement tensorflow (from versions: none)", "Python is too new or too old", "32-bit Python", "Python 3.12 or 3.13 with an old TensorFlow", "not a supported wheel on this platform".

## How to fix it

Make an environment with a Python that has a wheel, for example:

    python3.12 -m venv ~/tensorflow-gpu
    . ~/tensorflow-gpu/bin/activate
    python -m pip install 'tensorflow[and-cuda]'
)md",
};

}  // namespace tfdoctor::no_wheel_for_python
