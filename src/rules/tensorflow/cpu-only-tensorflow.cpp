#include <set>

#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"
#include "rules/repair.h"

namespace tfdoctor::cpu_only_tensorflow {

namespace {

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  const TensorFlow& tensorflow = facts.tensorflow;
  if (!tensorflow.folder.Present()) return Verdict::Silent();
  if (tensorflow.cuda_build.Is(true))
    return Verdict::Excluded().Because(tensorflow.cuda_build, "this build has CUDA");
  if (tensorflow.cuda_build.Unknown() || tensorflow.rocm_build.Is(true)) return Verdict::Silent();
  if (!OtherAccelerator(facts).empty()) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  verdict.Because(tensorflow.cuda_build, "is_cuda_build is False");
  const std::string* name = tensorflow.distribution.Peek();
  const std::string* version = tensorflow.version.Peek();
  if (name != nullptr && version != nullptr) verdict.Because(tensorflow.distribution, *name + " " + *version);
  std::string replacement = WorkingTensorFlow(facts, knowledge, version == nullptr ? "" : *version);
  if (replacement.empty())
    return std::move(verdict).WithFix(InstallFitting(facts, knowledge, InTheWay(facts, "")));
  return std::move(verdict).WithFix(
      InstallTensorFlow(facts, knowledge, replacement, InTheWay(facts, replacement)));
}

// The build before TensorFlow 1.15 and 2.1 whose name is plain `tensorflow` has no CUDA: tensorflow-gpu had.
bool PlainWasCpu(const LogStory& story) {
  const TensorFlowBuild* build = story.knowledge.FindBuild("tensorflow", story.tensorflow, "x86_64");
  if (build != nullptr && build->cuda_known) return !build->cuda;
  if (story.tensorflow.empty())
    return story.Mentions("tf_version", "1.x") ||
           story.StatedLike("requirement").find("1.x") != std::string::npos;
  return story.Before("1.15") || (story.From("2.0") && story.Before("2.1"));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  const std::set<std::string> listed = StatedTensorFlows(story, "pip_list");
  s.StatesProof(listed.contains("tensorflow-cpu") && listed.size() == 1, "pip_list",
                "tensorflow-cpu is installed");
  s.StatesProof(
      story.Mentions("tf_version", "cpu package") || story.Mentions("install_method", "tensorflow-cpu"),
      "tf_version", "a package for the CPU is installed");
  s.States(story.StatedLike("pip_show").find("tensorflow-cpu: ") != std::string::npos, "pip_show",
           "tensorflow-cpu is installed", kDecisive);
  if (!BuiltWithCuda(story)) s.Speaks("says-not-the-gpu-package", kStrong);
  s.Proves("bazel-config-unknown");
  // What it was replaced by has no CUDA up to 2.0.
  if (!story.From("2.1")) s.Speaks("says-gpu-package-removed", story.tensorflow.empty() ? kWeak : kDecisive);
  // The libraries for other languages come in a package for the CPU and one for the GPU as well.
  s.States(story.Saw("says-native-package-for-cpu") && !story.Saw("says-native-package-for-gpu") &&
               story.only_stated && story.Saw("says-gpu-not-used"),
           "says-native-package-for-cpu", "this package is the library for the CPU", kStrong);
  // Each build with CUDA has cuDNN's recurrent layers, whatever devices it finds.
  const bool no_cudnn = story.FieldHas("no-opkernel", "op", "Cudnn") && story.Saw("no-kernels-registered");
  s.ThatProves(no_cudnn && !story.mac && !story.Mentions("install_method", "directml"),
               "this TensorFlow has no code for cuDNN's operations");
  if (story.mac || story.aarch64 || story.conda) return;
  // Later releases for Windows have a rule of their own.
  if (story.windows && !story.Before("2.1")) return;
  // What pip refused is not installed.
  const bool refused = story.Saw("pip-no-version");
  const bool plain =
      !refused && (listed == std::set<std::string>{"tensorflow"} || story.Saw("says-requires-tensorflow") ||
                   (story.Saw("says-installs-tensorflow") && !story.Saw("says-tensorflow-gpu")));
  s.StatesProof(plain && PlainWasCpu(story), "pip_list",
                "the package tensorflow of this release has no CUDA: that was tensorflow-gpu");
  // Only the sessions of 1.x say so.
  s.States(plain && story.tensorflow.empty() && story.Saw("only-cpu-listed"), "says-installs-tensorflow",
           "the package tensorflow was installed, which up to 2.0 had no CUDA", kStrong);
  s.That(SessionWithoutCuda(story), kSessionWithoutCuda, kDecisive);
  s.That(!s.any() && story.Saw("says-gpu-not-used") && SilentOfCuda(story),
         "TensorFlow 1.x made its devices, and said nothing of a GPU or of CUDA", kWeak);
  // Where there is no GPU such a build is what one expects: what fails is the program that names one.
  const bool built_without =
      BuiltWithoutCuda(story) && !(story.no_gpu_stated && story.MaySee("device-unavailable"));
  s.That(built_without, "TensorFlow says that it was built without CUDA", kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
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
    .log = JudgeLog,
    .page = R"md(## What it means

This TensorFlow was built for the CPU only. No driver, library or setting can make it use a GPU: another package is needed.

## How it is recognised

TensorFlow's own build information (`tensorflow/python/platform/build_info.py`) says `is_cuda_build = False`. Such a build says nothing about GPUs, whatever is wrong.

## How it happens

- `tensorflow-cpu` (or `tf-nightly-cpu`, `intel-tensorflow`) was installed, perhaps as a requirement of another package.
- The plain `tensorflow` of 1.15.2 to 1.15.5 and 2.0.x is CPU-only, too.
- conda or a vendor built it without CUDA.

## What people say

"I installed tensorflow, not tensorflow-gpu", "requirements.txt names the CPU package", "is_built_with_cuda is False", "tensorflow-cpu, intel-tensorflow", "installing tensorflow-gpu fixed it".

## How to fix it

Replace it:

    python -m pip uninstall -y tensorflow-cpu
    python -m pip install 'tensorflow[and-cuda]'
)md",
};

}  // namespace tfdoctor::cpu_only_tensorflow
