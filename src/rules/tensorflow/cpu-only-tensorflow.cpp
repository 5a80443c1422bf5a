#include "diagnose/rule.h"
#include "rules/common.h"

namespace tfdoctor {

namespace {

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  const TensorFlow& tensorflow = facts.tensorflow;
  if (!tensorflow.folder.Present()) return Verdict::Silent();
  if (tensorflow.cuda_build.Is(true))
    return Verdict::Excluded().Because(tensorflow.cuda_build, "this build has CUDA");
  if (tensorflow.cuda_build.Unknown() || tensorflow.rocm_build.Is(true)) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  verdict.Because(tensorflow.cuda_build, "is_cuda_build is False");
  const std::string* name = tensorflow.distribution.Peek();
  const std::string* version = tensorflow.version.Peek();
  if (name != nullptr && version != nullptr) verdict.Because(tensorflow.distribution, *name + " " + *version);
  std::string replacement = WorkingTensorFlow(facts, knowledge, version == nullptr ? "" : *version);
  if (replacement.empty()) return verdict;
  std::vector<std::string> instead_of;
  if (name != nullptr && *name != "tensorflow") instead_of.push_back(*name);
  return std::move(verdict).WithFix(InstallTensorFlow(facts, knowledge, replacement, instead_of));
}

}  // namespace

namespace rules {

extern const Rule cpu_only_tensorflow;
constinit const Rule cpu_only_tensorflow = {
    .id = "cpu-only-tensorflow",
    .link = Link::kTensorFlow,
    .effect = Effect::kBlocks,
    .title = "The installed TensorFlow has no GPU code",
    .prior = 0.1,
    .explained_by = {{{"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"},
                      {"no-gpu-build-for-platform"},
                      {"conda-cpu-build"},
                      {"broken-package-build"}}},
    .check = Check,
    .page = R"md(## What it means

This TensorFlow was built for the CPU only. No driver, library or setting can make it use a GPU: another package is needed.

## How it is recognised

TensorFlow's own build information (`tensorflow/python/platform/build_info.py`) says `is_cuda_build = False`. Such a build says nothing about GPUs, whatever is wrong.

## How it happens

- `tensorflow-cpu` (or `tf-nightly-cpu`, `intel-tensorflow`) was installed, perhaps as a requirement of another package.
- The plain `tensorflow` of 1.15.2 to 1.15.5 and 2.0.x is CPU-only, too.
- conda or a vendor built it without CUDA.

## How to fix it

Replace it:

    python -m pip uninstall -y tensorflow-cpu
    python -m pip install 'tensorflow[and-cuda]'
)md",
};

}  // namespace rules

}  // namespace tfdoctor
