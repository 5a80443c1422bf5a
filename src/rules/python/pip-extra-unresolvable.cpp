#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/environment.h"
#include "rules/logs.h"
#include "rules/project.h"

namespace tfdoctor {

namespace {

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (facts.tensorflow.folder.Present())
    return Verdict::Excluded().Because(facts.tensorflow.folder, "TensorFlow is installed");
  if (facts.tensorflow.folder.Unknown() || facts.project.wanted.Absent()) return Verdict::Silent();
  const WantedRelease wanted = Wanted(facts);
  if (wanted.fact == nullptr || !wanted.and_cuda || wanted.name != "tensorflow") return Verdict::Silent();
  const std::string* machine = facts.host.machine.Get();
  const std::string tag = PythonTag(facts);
  if (machine == nullptr || tag.empty()) return Verdict::Silent();
  std::vector<std::string> candidates;
  for (const TensorFlowBuild* build : knowledge.Builds()) {
    bool here = std::find(build->pythons.begin(), build->pythons.end(), tag) != build->pythons.end();
    bool release = build->version.find_first_not_of("0123456789.") == std::string::npos;
    if (build->distribution == "tensorflow" && build->machine == *machine && here && release &&
        Fits(build->version, wanted.specifiers))
      candidates.push_back(build->version);
  }
  const bool none = std::all_of(candidates.begin(), candidates.end(), [&](const std::string& version) {
    return ExtraDefect(knowledge, version) == "unresolvable";
  });
  if (candidates.empty() || !none) return Verdict::Silent();
  std::string other = WorkingTensorFlow(facts, knowledge, "");
  Verdict verdict = LacksTensorFlow(facts) ? Verdict::Holds() : Verdict::Open();
  verdict.Because(*wanted.fact, fmt::format("the project wants tensorflow[and-cuda]{}", wanted.specifiers))
      .Because(facts.python.version,
               fmt::format("for this Python that is TensorFlow {}, whose extra pins TensorRT packages "
                           "that PyPI does not have",
                           Join(candidates, ", ")));
  NameWhatMayAddToSysPath(facts, verdict);
  if (other.empty()) return verdict;
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

namespace rules {

extern const Rule pip_extra_unresolvable;
constinit const Rule pip_extra_unresolvable = {
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

TensorFlow is not installed, and all releases that the project allows are among those whose extra is broken: 2.14.0, 2.14.1 and 2.15.0. Message of pip: "No matching distribution found for tensorrt-libs==8.6.1; extra == \"and-cuda\"".

## How it happens

These releases pin TensorRT 8.5 or 8.6, whose parts were never on PyPI. TensorRT is not needed for the GPU.

## What people say

"tensorflow[and-cuda] cannot be resolved", "no matching distribution for nvidia-… or tensorrt", "poetry, uv or pip-tools fail with the extra", "pip falls back to an older release".

## How to fix it

Ask for a release without that pin, 2.15.0.post1 or 2.15.1 for example:

    python -m pip install 'tensorflow[and-cuda]==2.15.1'

In zsh and PowerShell the brackets must be quoted: without quotes zsh says "no matches found: tensorflow[and-cuda]".
)md",
};

}  // namespace rules

}  // namespace tfdoctor
