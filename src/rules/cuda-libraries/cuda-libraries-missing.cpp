#include <fmt/format.h>

#include <algorithm>

#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/libraries.h"
#include "rules/logs.h"

namespace tfdoctor::cuda_libraries_missing {

namespace {

bool Ours(const StartLibrary& entry) {
  if (entry.trouble == Trouble::kDependency || entry.trouble == Trouble::kFailsSomehow) return true;
  return !IsCudnn(entry.soname) && (entry.trouble == Trouble::kNowhere || entry.trouble == Trouble::kUnclear);
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (!IsCudaBuild(facts)) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  size_t found = 0;
  for (const StartLibrary& entry : StartLibraries(facts, knowledge)) {
    found += entry.library->path.Present() ? 1 : 0;
    if (!Ours(entry)) continue;
    std::string text = entry.trouble == Trouble::kDependency
                           ? fmt::format("{} needs {}, which is not found", entry.soname, entry.detail)
                           : fmt::format("{} is not found", entry.soname);
    verdict.Because(entry.library->path, std::move(text),
                    entry.trouble == Trouble::kUnclear ? Strength::kWeak : Strength::kStrong);
  }
  if (verdict.evidence.empty()) return Verdict::Silent();
  std::string title = found == 0 ? "The CUDA libraries are not installed"
                                 : "Some CUDA libraries that TensorFlow opens are missing";
  return std::move(verdict)
      .WithReason(found == 0 ? "all" : "some")
      .WithTitle(title)
      .WithFix(InstallCudaLibraries(facts, knowledge));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  // Since 2.14 pip brings the libraries only with the extra; who has them otherwise says so.
  const bool plain = story.Mentions("install_method", "pip install tensorflow") && !story.and_cuda &&
                     story.From("2.14") && !story.windows && !story.mac && !story.aarch64 &&
                     !story.container && story.cuda.empty() && !story.Mentions("pip_list", "nvidia-c");
  s.States(story.only_stated && plain, "install_method", "installed without the extra and-cuda", kWeak);
  // Before 2.1 the libraries were linked, and Windows does not say which one it misses.
  const bool linked = story.windows && (story.tensorflow.empty() || story.Before("2.1"));
  if (linked && MissingLibraries(story).empty() && !MissesDriverLibrary(story)) s.Speaks("dll-load", kWeak);
  if (story.only_stated) s.Speaks("says-no-cuda", kStrong).Speaks("says-other-release-works", kWeak);
  if (story.only_stated && story.Saw("says-hosted-notebook")) {
    s.Speaks("says-own-tensorflow", kWeak);
    s.States(!s.any() && story.pip && !story.tensorflow.empty() && story.Saw("says-gpu-runtime"),
             "install_method", "TensorFlow was installed over the one that the notebook came with", kWeak);
  }
  const bool windows_before = story.windows && story.tensorflow.empty();
  if (story.only_stated && windows_before) s.Speaks("says-gpu-not-used", kWeak);
  if (!LibrariesFail(story) || story.Saw("says-tensorflow-image")) return;
  const std::vector<std::string> missing = MissingLibraries(story);
  const bool only_cudnn = !missing.empty() && std::all_of(missing.begin(), missing.end(), NamesCudnn);
  if (only_cudnn) return;
  s.Speaks(XlaGpuAlone(story), kStrong);
  s.Speaks("cudart-stub", kStrong).Speaks("cudart-aborts", kStrong).Speaks("cannot-dlopen-libraries", kWeak);
  const bool of_other_cuda = !OtherCudaOfDependency(story).empty();
  if (!missing.empty())
    s.Speaks("library-not-loaded", of_other_cuda ? kWeak : kStrong)
        .Speaks("import-library", kStrong)
        .Speaks("dll-load", kStrong);
  const bool without_extra = story.pip && !story.and_cuda && story.From("2.14");
  s.States(without_extra, "install_method", "installed without the extra and-cuda", kStrong);
  // NumPy and protobuf belong to every TensorFlow: a list that has one of them is mostly a whole one.
  const bool listed = story.Mentions("pip_list", "numpy ") || story.Mentions("pip_list", "protobuf ");
  const bool nvidia = story.Mentions("pip_list", "nvidia-c");
  s.States(listed && !nvidia && !story.conda && story.From("2.14"), "pip_list",
           "no package of NVIDIA's libraries is in the list", kStrong);
  s.States(nvidia, "pip_list", "packages of NVIDIA's libraries are installed", kAgainst);
  s.Speaks("says-several-cudas", kAgainst);
  s.States(WorksElsewhere(story) && story.Saw("says-launcher"), "says-works-elsewhere",
           "it works on this machine where another program starts it", kAgainst);
  s.Speaks("says-image-for-cpu", kAgainst).Speaks("says-on-path", kAgainst);
  if (!LibrarySeen(story).empty()) s.That(true, "the library is on this machine", kAgainst);
  if (story.and_cuda) s.States(true, "install_method", "the extra and-cuda brings them", kAgainst);
  if (s.any()) s.Wants(story.facts.cuda_libraries.opened);
  AgainstMissing(s);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "cuda-libraries-missing",
    .link = Link::kCudaLibraries,
    .effect = Effect::kBlocks,
    .title = "CUDA libraries that TensorFlow opens are not installed",
    .prior = 0.1,
    .explained_by = {{{"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow uses the GPU through NVIDIA's CUDA libraries. They are not part of the TensorFlow package: `pip install tensorflow` alone does not bring them. Without them TensorFlow skips the GPU and computes on the CPU.

## How it is recognised

For each library that TensorFlow needs to start a GPU, the loader finds no file, and none lies in the usual places of this machine. TensorFlow itself says "Cannot dlopen some GPU libraries. Skipping registering GPU devices..." and since 2.11 names none of them.

## How it happens

- TensorFlow was installed as `tensorflow` without the extra `[and-cuda]`.
- A single NVIDIA package was removed or never finished installing.
- A CUDA toolkit was uninstalled, or only its compiler was installed.

## What people say

"It does not find the CUDA libraries", "no CUDA in the container", "pip install tensorflow, and the GPU list is empty", "libcublas, libcudart, libcufft not found", "CUDA toolkit is not installed".

## How to fix it

Install TensorFlow's own set, in the same environment, with the version that is there:

    python -m pip install 'tensorflow[and-cuda]==VERSION'

The quotes matter: without them some shells expand the brackets. Releases before 2.14 have no such extra; a newer TensorFlow is then the simplest way.
)md",
};

}  // namespace tfdoctor::cuda_libraries_missing
