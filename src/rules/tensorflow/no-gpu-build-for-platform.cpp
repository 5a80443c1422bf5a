#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::no_gpu_build_for_platform {

namespace {

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  const TensorFlow& tensorflow = facts.tensorflow;
  if (!tensorflow.folder.Present()) return Verdict::Silent();
  const std::string* machine = facts.host.machine.Get();
  if (machine == nullptr) return Verdict::Silent();
  if (*machine == "x86_64") return Verdict::Excluded().Because(facts.host.machine, "x86_64");
  if (tensorflow.cuda_build.Is(true))
    return Verdict::Excluded().Because(tensorflow.cuda_build, "this build has CUDA");
  if (tensorflow.cuda_build.Unknown()) return Verdict::Silent();
  Verdict verdict = Verdict::Holds()
                        .Because(facts.host.machine, "this processor is " + *machine)
                        .Because(tensorflow.cuda_build, "is_cuda_build is False");
  if (const std::string* release = facts.host.jetson_linux.Peek()) {
    verdict.Because(facts.host.jetson_linux, "this is a Jetson, with Jetson Linux " + *release);
    verdict.reason = "jetson";
  }
  return std::move(verdict).WithFix(InstallOnArm(facts, knowledge));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  const bool jetson = story.Saw("says-jetson");
  if (!(story.aarch64 || jetson) || story.conda || story.Saw("says-vendor-build")) return;
  const bool none = story.StatedLike("list_physical_devices") == "[]" || story.Saw("only-cpu-listed") ||
                    BuiltWithoutCuda(story);
  s.States(story.pip && none, "install_method", "pip's TensorFlow for aarch64 has no CUDA", kStrong);
  s.States(jetson && story.Saw("says-installs-tensorflow"), "command",
           "pip's TensorFlow for aarch64 has no CUDA", kDecisive);
  s.States(
      jetson && !s.any() && !story.tensorflow.empty() && story.Saw("says-gpu-not-used") && story.only_stated,
      "says-gpu-not-used", "only NVIDIA's TensorFlow uses the GPU of a Jetson; nothing says that it is that",
      kStrong);
  // NVIDIA's own wheels for it are installed with pip, too.
  if (jetson) return;
  s.States(story.only_stated && story.pip && !s.any(), "install_method",
           "wheels for aarch64 mostly have no CUDA", kStrong);
  const bool tensorflow =
      !story.tensorflow.empty() || !story.Stated("tf_version").empty() || BuiltWithoutCuda(story);
  const bool without = BuiltWithoutCuda(story);
  s.StatesProof(without, "machine", "aarch64, and TensorFlow says that it was built without CUDA");
  s.States(!without && tensorflow, "machine", "pip's TensorFlow for aarch64 has no CUDA", kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "no-gpu-build-for-platform",
    .link = Link::kTensorFlow,
    .effect = Effect::kBlocks,
    .title = "There is no TensorFlow with GPU code for this processor on PyPI",
    .prior = 0.02,
    .explained_by = {{{"wrong-python-environment"}, {"module-shadowed"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The TensorFlow packages on PyPI have GPU code for x86_64 only. On ARM (Jetson, Grace, DGX Spark) pip installs a build for the CPU.

## How it is recognised

The processor is not x86_64 (a Jetson: reason `jetson`) and TensorFlow's build information says `is_cuda_build = False`.

## How it happens

`pip install tensorflow` takes the aarch64 wheel, which is built without CUDA.

## What people say

"aarch64, ARM, Jetson, Raspberry, Graviton, Grace", "pip install tensorflow on a Jetson has no GPU", "ppc64le", "is this wheel a CPU or a GPU version?".

## How to fix it

On Grace and DGX Spark use NVIDIA's container with TensorFlow for ARM.

On a Jetson install the wheel that NVIDIA built for the board's Linux, whose release stands in `/etc/nv_tegra_release` (`# R36 (release), REVISION: 4.3` is 36.4.3). Each is for the Python of that Linux alone: 3.10 with JetPack 6, 3.8 with JetPack 5, 3.6 with JetPack 4.6. `tfdoctor` prints its address. For JetPack 7 there is none.
)md",
};

}  // namespace tfdoctor::no_gpu_build_for_platform
