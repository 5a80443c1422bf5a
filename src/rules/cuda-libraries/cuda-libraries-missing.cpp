#include <fmt/format.h>

#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/libraries.h"

namespace tfdoctor {

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

}  // namespace

namespace rules {

extern const Rule cuda_libraries_missing;
constinit const Rule cuda_libraries_missing = {
    .id = "cuda-libraries-missing",
    .link = Link::kCudaLibraries,
    .effect = Effect::kBlocks,
    .title = "CUDA libraries that TensorFlow opens are not installed",
    .prior = 0.1,
    .explained_by = {{{"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"}}},
    .check = Check,
    .page = R"md(## What it means

TensorFlow uses the GPU through NVIDIA's CUDA libraries. They are not part of the TensorFlow package: `pip install tensorflow` alone does not bring them. Without them TensorFlow skips the GPU and computes on the CPU.

## How it is recognised

For each library that TensorFlow needs to start a GPU, the loader finds no file, and none lies in the usual places of this machine. TensorFlow itself says "Cannot dlopen some GPU libraries. Skipping registering GPU devices..." and since 2.11 names none of them.

## How it happens

- TensorFlow was installed as `tensorflow` without the extra `[and-cuda]`.
- A single NVIDIA package was removed or never finished installing.
- A CUDA toolkit was uninstalled, or only its compiler was installed.

## How to fix it

Install TensorFlow's own set, in the same environment, with the version that is there:

    python -m pip install 'tensorflow[and-cuda]==VERSION'

The quotes matter: without them some shells expand the brackets. Releases before 2.14 have no such extra; a newer TensorFlow is then the simplest way.
)md",
};

}  // namespace rules

}  // namespace tfdoctor
