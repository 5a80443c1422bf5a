#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/conda.h"

namespace tfdoctor {

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

}  // namespace

namespace rules {

extern const Rule conda_cpu_build;
constinit const Rule conda_cpu_build = {
    .id = "conda-cpu-build",
    .link = Link::kTensorFlow,
    .effect = Effect::kBlocks,
    .title = "conda chose a build of TensorFlow without GPU code",
    .prior = 0.04,
    .explained_by = {{{"wrong-python-environment"}, {"module-shadowed"}, {"no-gpu-build-for-platform"}}},
    .check = Check,
    .page = R"md(## What it means

conda has several builds of each TensorFlow: `cuda…` or `gpu_…` with GPU code, `cpu_…`, `mkl_…` and `eigen_…` without. Here one without was chosen, so TensorFlow cannot use a GPU.

## How it is recognised

The build string in `conda-meta` (`conda list tensorflow`) names no CUDA, and TensorFlow's build information says `is_cuda_build = False`.

## How it happens

conda takes a GPU build only if it sees a driver (`__cuda` in `conda info`): not on a login node, not while an image is built. Another package may also ask for a CPU build.

## How to fix it

Ask for a build with CUDA by name; where no driver is seen, say which CUDA there will be:

    CONDA_OVERRIDE_CUDA=12.9 conda install -c conda-forge 'tensorflow=*=cuda*'
)md",
};

}  // namespace rules

}  // namespace tfdoctor
