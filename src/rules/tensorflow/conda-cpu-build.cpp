#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/conda.h"
#include "rules/logs.h"

namespace tfdoctor::conda_cpu_build {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  if (!facts.tensorflow.folder.Present() || facts.python.conda.Absent()) return Verdict::Silent();
  if (facts.tensorflow.cuda_build.Is(true))
    return Verdict::Excluded().Because(facts.tensorflow.cuda_build, "this build has CUDA");
  if (facts.tensorflow.cuda_build.Unknown() || facts.tensorflow.rocm_build.Is(true)) return Verdict::Silent();
  const CondaBuild build = FindCondaTensorFlow(facts);
  if (build.package == nullptr || SaysCuda(build.text)) return Verdict::Silent();
  return Verdict::Holds()
      .Because(facts.tensorflow.cuda_build, "is_cuda_build is False")
      .Because(build.package->build, fmt::format("conda's {} has the build {}", build.name, build.text))
      .WithFix(InstallCondaCuda(build));
}

bool CondaCpuBuild(const LogStory& story) {
  const std::string build = story.Stated("conda_build_string"), list = story.Stated("conda_list");
  auto cpu = [](const std::string& text) {
    return text.find("mkl_") != text.npos || text.find("eigen_") != text.npos ||
           text.find("cpu_") != text.npos || text.find("cpu build") != text.npos;
  };
  return cpu(build) || cpu(list);
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Speaks("conda-cpu-row", kDecisive).Speaks("conda-no-cuda", kDecisive);
  s.StatesProof(CondaCpuBuild(story), "conda_list", "the build is one for the CPU");
  s.States(story.conda && BuiltWithoutCuda(story) && !story.Saw("conda-gpu-row"), "install_method",
           "installed with conda, and built without CUDA", kDecisive);
  if (story.conda) s.That(SessionWithoutCuda(story), kSessionWithoutCuda, kDecisive);
  // Without a driver in sight the solver takes a build for the CPU.
  if (story.conda) s.Speaks("says-mkl-build", kStrong).Speaks("says-not-the-gpu-package", kStrong);
  s.States(story.conda && story.Saw("says-docker-build"), "says-docker-build",
           "conda sees no driver while an image is built, and takes a build for the CPU", kStrong);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "conda-cpu-build",
    .link = Link::kTensorFlow,
    .effect = Effect::kBlocks,
    .title = "conda chose a build of TensorFlow without GPU code",
    .prior = 0.04,
    .explained_by = {{{"wrong-python-environment"}, {"module-shadowed"}, {"no-gpu-build-for-platform"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

conda has several builds of each TensorFlow: `cuda…` or `gpu_…` with GPU code, `cpu_…`, `mkl_…` and `eigen_…` without. Here one without was chosen, so TensorFlow cannot use a GPU.

## How it is recognised

The build string in `conda-meta` (`conda list tensorflow`) names no CUDA, and TensorFlow's build information says `is_cuda_build = False`.

## How it happens

conda takes a GPU build only if it sees a driver (`__cuda` in `conda info`): not on a login node, not while an image is built. Another package may also ask for a CPU build.

## What people say

"conda installed the mkl, eigen or cpu build", "conda update replaced the gpu build", "tensorflow-base mkl_py", "build string", "conda-forge picks the CPU variant".

## How to fix it

Ask for a build with CUDA by name; where no driver is seen, say which CUDA there will be:

    CONDA_OVERRIDE_CUDA=12.9 conda install -c conda-forge 'tensorflow=*=cuda*'
)md",
};

}  // namespace tfdoctor::conda_cpu_build
