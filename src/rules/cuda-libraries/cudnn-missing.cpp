#include <algorithm>

#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/libraries.h"
#include "rules/logs.h"

namespace tfdoctor::cudnn_missing {

namespace {

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (!IsCudaBuild(facts)) return Verdict::Silent();
  const StartLibrary* cudnn = nullptr;
  bool others = false;
  std::vector<StartLibrary> libraries = StartLibraries(facts, knowledge);
  for (const StartLibrary& entry : libraries) {
    if (IsCudnn(entry.soname)) {
      cudnn = &entry;
    } else {
      others = others || entry.library->path.Present();
    }
  }
  if (cudnn == nullptr) return Verdict::Silent();
  if (cudnn->library->path.Present())
    return Verdict::Excluded().Because(cudnn->library->path, cudnn->soname + " is found");
  bool ours = cudnn->trouble == Trouble::kNowhere || cudnn->trouble == Trouble::kUnclear;
  if (!ours || !others) return Verdict::Silent();
  return Verdict::Holds()
      .Because(cudnn->library->path, cudnn->soname + " is not found; the CUDA libraries are",
               cudnn->trouble == Trouble::kUnclear ? Strength::kWeak : Strength::kStrong)
      .WithFix(InstallCudaLibraries(facts, knowledge));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  const std::vector<std::string> missing = MissingLibraries(story);
  const bool any_cudnn = std::any_of(missing.begin(), missing.end(), NamesCudnn);
  const bool runtime = std::any_of(missing.begin(), missing.end(),
                                   [](const std::string& name) { return name.find("cudart") != name.npos; });
  if (any_cudnn && !runtime) {
    s.Speaks("library-not-loaded", missing.size() <= 2 ? kDecisive : kStrong)
        .Speaks("import-library", kStrong)
        .Speaks("dll-load", kDecisive);
    if (!s.any() && story.Saw("part-not-found")) {
      s.Speaks("part-not-found", kStrong);
      s.Title("A part of cuDNN is not installed");
    }
  }
  if (missing.empty()) s.Speaks("cudnn-version-unknown", kStrong).Speaks("cudnn-not-loaded", kStrong);
  s.Speaks("cudnn-not-found-by-check", runtime ? kWeak : kDecisive);
  if (!s.any()) s.Speaks("says-no-cudnn", kStrong);
  const std::string looked = story.StatedLike("cudnn");
  s.States(SaysMissing(looked) || looked == "none" || looked == "no", "cudnn", "cuDNN is not there", kStrong);
  s.That(s.any() && story.container && story.Saw("says-another-image-works"), "another image has it",
         kAgainst);
  if (s.any() && !LibrarySeen(story).empty()) s.That(true, "it is on this machine", kAgainst);
  AgainstMissing(s);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "cudnn-missing",
    .link = Link::kCudaLibraries,
    .effect = Effect::kBlocks,
    .title = "cuDNN is not installed",
    .prior = 0.06,
    .explained_by = {{{"cuda-libraries-missing"},
                      {"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The CUDA libraries are there, but cuDNN is not. cuDNN is NVIDIA's library for neural networks; TensorFlow does not register a GPU without it.

## How it is recognised

The other CUDA libraries resolve, `libcudnn.so.N` does not, and there is no copy elsewhere. TensorFlow says "Cannot dlopen some GPU libraries".

## How it happens

A CUDA toolkit does not contain cuDNN: it is a package of its own. With pip, `nvidia-cudnn-cu12` may have been removed to please another package.

## What people say

"cuDNN is not installed", "CUDA is there, without cuDNN", "libcudnn.so.8 or cudnn64_8.dll not found", "the base image has no cuDNN".

## How to fix it

Install TensorFlow's own set again, in the same environment:

    python -m pip install 'tensorflow[and-cuda]==VERSION'
)md",
};

}  // namespace tfdoctor::cudnn_missing
