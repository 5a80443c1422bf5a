#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"
#include "rules/project.h"
#include "rules/repair.h"

namespace tfdoctor::pip_extra_unresolvable {

namespace {

// Not a candidate: pip takes 2.15.0.post1 unasked, 2.15.0rc1 not.
bool IsRelease(const TensorFlowBuild& build) {
  const std::string plain = build.version.substr(0, build.version.find(".post"));
  return plain.find_first_not_of("0123456789.") == std::string::npos;
}

// The releases that pip may choose from, where the extra of none of them can be installed; empty: there is
// one.
std::vector<std::string> Unresolvable(const Knowledge& knowledge, const WantedRelease& wanted,
                                      const std::string& tag, const std::string& machine) {
  std::vector<std::string> candidates;
  if (wanted.fact == nullptr || !wanted.and_cuda || wanted.name != "tensorflow") return candidates;
  for (const TensorFlowBuild* build : knowledge.Builds()) {
    bool here = std::find(build->pythons.begin(), build->pythons.end(), tag) != build->pythons.end();
    if (build->distribution != "tensorflow" || build->machine != machine || !here || !IsRelease(*build) ||
        !Fits(build->version, wanted.specifiers))
      continue;
    if (!ExtraIsUnresolvable(knowledge, build->version, tag)) return {};
    candidates.push_back(build->version);
  }
  return candidates;
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (facts.tensorflow.folder.Present())
    return Verdict::Excluded().Because(facts.tensorflow.folder, "TensorFlow is installed");
  if (facts.tensorflow.folder.Unknown() || facts.project.wanted.Absent()) return Verdict::Silent();
  const WantedReleases releases = Wanted(facts);
  const std::string* machine = facts.host.machine.Get();
  const std::string tag = PythonTag(facts);
  if (machine == nullptr || tag.empty()) return Verdict::Silent();
  const WantedRelease* wanted = nullptr;
  bool sure = releases.unread == nullptr;
  std::vector<std::string> candidates;
  for (const WantedRelease& one : releases.all) {
    std::vector<std::string> its = Unresolvable(knowledge, one, tag, *machine);
    if (its.empty()) {
      sure = false;
    } else if (wanted == nullptr) {
      wanted = &one;
      candidates = std::move(its);
    }
  }
  if (wanted == nullptr) return Verdict::Silent();
  std::string other = WorkingTensorFlow(facts, knowledge, "");
  Verdict verdict = sure && LacksTensorFlow(facts) ? Verdict::Holds() : Verdict::Open();
  verdict.Because(*wanted->fact, fmt::format("the project wants tensorflow[and-cuda]{}", wanted->specifiers))
      .Because(facts.python.version,
               fmt::format("for this Python that is TensorFlow {}, whose extra pins TensorRT packages "
                           "that PyPI does not have",
                           Join(candidates, ", ")));
  NameWhatMayAddToSysPath(facts, verdict);
  if (other.empty()) return std::move(verdict).WithFix(InstallFitting(facts, knowledge, {}));
  return std::move(verdict).WithFix(
      Advice(fmt::format("Ask for a release whose extra can be installed: TensorFlow {}", other),
             PipInstall(facts, {WithCuda(other)})));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("pip-extra");
  if (story.and_cuda) s.Speaks("version-solving", kStrong);
  s.Speaks("pip-goes-back", kDecisive);
  // The extra exists since 2.14: pip goes back to a release without it where it cannot be had.
  for (const std::string& version : story.Fields("wheel-taken", "version")) {
    if (story.and_cuda && CompareVersions(version, "2.14") < 0) s.Speaks("wheel-taken", kDecisive);
  }
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "pip-extra-unresolvable",
    .link = Link::kPython,
    .effect = Effect::kBlocks,
    .title = "The and-cuda extra of the wanted TensorFlow cannot be installed",
    .prior = 0.02,
    .explained_by = {{{"wrong-python-environment"}, {"no-wheel-for-python"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

`tensorflow[and-cuda]` brings the CUDA libraries along. In some releases this extra asks for a package in a version that the index does not have, so pip gives up.

## How it is recognised

TensorFlow is not installed, and all releases that the project allows are among those whose extra is broken: 2.15.0, and for Python 3.11 also 2.14.0 and 2.14.1 (for 3.9 and 3.10 PyPI has the TensorRT 8.5 that they pin). Message of pip: "No matching distribution found for tensorrt-libs==8.6.1; extra == \"and-cuda\"".

## How it happens

These releases pin TensorRT 8.5.3.1, which is on PyPI for Python 3.10 and older only, or 8.6.1, whose parts were never there. TensorRT is not needed for the GPU.

## What people say

"tensorflow[and-cuda] cannot be resolved", "no matching distribution for nvidia-… or tensorrt", "poetry, uv or pip-tools fail with the extra", "pip falls back to an older release".

## How to fix it

Ask for a release without that pin, 2.15.0.post1 or 2.15.1 for example:

    python -m pip install 'tensorflow[and-cuda]==2.15.1'

In zsh and PowerShell the brackets must be quoted: without quotes zsh says "no matches found: tensorflow[and-cuda]".
)md",
};

}  // namespace tfdoctor::pip_extra_unresolvable
