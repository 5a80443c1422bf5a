#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/conda.h"
#include "rules/logs.h"

namespace tfdoctor::broken_package_build {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  if (!facts.tensorflow.folder.Present() || facts.python.conda.Absent()) return Verdict::Silent();
  if (facts.tensorflow.cuda_build.Is(true))
    return Verdict::Excluded().Because(facts.tensorflow.cuda_build, "this build has CUDA");
  if (facts.tensorflow.cuda_build.Unknown() || facts.tensorflow.rocm_build.Is(true)) return Verdict::Silent();
  const CondaBuild build = FindCondaTensorFlow(facts);
  if (build.package == nullptr || !SaysCuda(build.text)) return Verdict::Silent();
  return Verdict::Holds()
      .Because(build.package->build,
               fmt::format("conda's {} is called {}, a build with CUDA", build.name, build.text))
      .Because(facts.tensorflow.cuda_build, "but TensorFlow says is_cuda_build = False")
      .WithFix(InstallCondaCuda(build));
}

// Of TensorFlow's own images, those whose libraries are not of the version that their TensorFlow opens.
bool DefectiveImage(const LogStory& story) {
  constexpr std::string_view kImage = "tensorflow/tensorflow";
  const SeenMessage* image = story.Message("says-tensorflow-image");
  if (image == nullptr) return false;
  const std::vector<DefectRow> defects = story.knowledge.Defects(kImage);
  return std::any_of(defects.begin(), defects.end(), [&](const DefectRow& row) {
    return image->text.Peek()->find(row.version + "-gpu") != std::string::npos ||
           story.Mentions("tf_version", row.version) || story.tensorflow.starts_with(row.version + ".");
  });
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.ThatProves(story.Saw("conda-gpu-row") && BuiltWithoutCuda(story),
               "the build is labelled CUDA and says that it was built without");
  s.StatesProof(story.Mentions("conda_build_string", "cuda") && BuiltWithoutCuda(story), "conda_build_string",
                "the build is labelled CUDA and was built without");
  const bool libraries =
      story.SawAny({"cannot-dlopen-libraries", "cudnn-version-unknown", "autotuner-no-config"});
  s.StatesProof(DefectiveImage(story) && libraries, "image",
                "this image of TensorFlow holds libraries of another version than its TensorFlow opens");
  // TensorFlow's own images bring what their TensorFlow opens.
  if (story.Saw("says-tensorflow-image") && !MissingLibraries(story).empty())
    s.Speaks("import-library", kDecisive).Speaks("library-not-loaded", kDecisive);
  // What the image lacks, it was to bring.
  const bool lacks = !MissingLibraries(story).empty();
  s.Speaks("says-other-image-works", lacks ? kDecisive : kStrong);
  if (lacks && story.container) s.Speaks("says-another-image-works", kDecisive);
  if (story.Saw("says-container")) s.Speaks("says-no-cuda", kStrong);
  // conda's packages name what they need; where a library of theirs has another version, one named it
  // wrongly.
  for (const std::string& library : story.Fields("import-library", "library")) {
    if (story.conda && !IsOfNvidia(library)) s.Speaks("import-library", kDecisive);
  }
  s.States(story.Mentions("install_method", "vendor image") && libraries, "install_method",
           "the libraries come with the vendor's image", kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "broken-package-build",
    .link = Link::kTensorFlow,
    .effect = Effect::kBlocks,
    .title = "This package of TensorFlow is itself defective: called a CUDA build, but made without CUDA",
    .prior = 0.01,
    .explained_by = {{{"wrong-python-environment"}, {"module-shadowed"}, {"no-gpu-build-for-platform"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The package was published as one with CUDA and has none inside. Nothing on this machine is wrong; another build of the package is needed.

## How it is recognised

conda's build string names CUDA (`cuda120py311h…`), but TensorFlow's own build information says `is_cuda_build = False`. So it was with build 1 of TensorFlow 2.15.0 on conda-forge.

## How it happens

A mistake in the recipe of the package: the CUDA variant was compiled with the settings of the CPU variant.

## What people say

"The official image or package is broken in this release", "the image has another cuDNN or CUDA than its TensorFlow needs", "latest-gpu fails, the tag before works", "the conda build is labelled cuda and has none", "fixed by a new build of the package".

## How to fix it

Install another build or release of it:

    conda install -c conda-forge 'tensorflow=*=cuda*'
)md",
};

}  // namespace tfdoctor::broken_package_build
