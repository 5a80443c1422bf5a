#include <algorithm>

#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/libraries.h"

namespace tfdoctor::vendor_image_tensorflow_replaced {

namespace {

// NVIDIA's builds are "2.15.0+nv24.3".
bool IsNvidias(const std::string& version) { return version.find("+nv") != std::string::npos; }

bool GpuIsLost(const Facts& facts, const Knowledge& knowledge) {
  if (facts.tensorflow.cuda_build.Is(false)) return true;
  if (!IsCudaBuild(facts)) return false;
  const std::vector<StartLibrary> libraries = StartLibraries(facts, knowledge);
  return std::any_of(libraries.begin(), libraries.end(), [](const StartLibrary& entry) {
    return entry.trouble != Trouble::kNone && entry.trouble != Trouble::kUnclear;
  });
}

// Where the image's own TensorFlow still lies behind the other one, it only has to come first again.
Fix Back(const Facts& facts, const std::string& release) {
  const std::string* prefix = facts.python.prefix.Peek();
  const std::string* base = facts.python.base_prefix.Peek();
  const std::string* folder = facts.tensorflow.folder.Peek();
  const std::string* name = facts.tensorflow.distribution.Peek();
  if (prefix != nullptr && base != nullptr && *prefix != *base)
    return Advice("Leave the virtual environment: the Python of the image has NVIDIA's TensorFlow",
                  {"deactivate"});
  if (folder != nullptr && folder->find("/.local/lib/python") != std::string::npos)
    return Advice("Remove the other TensorFlow: NVIDIA's lies behind it",
                  {PipUninstall(facts, {name == nullptr ? "tensorflow" : *name})});
  return Advice("Start a new container: NVIDIA's TensorFlow was overwritten in this one",
                {"docker run --rm -it --gpus all nvcr.io/nvidia/tensorflow:" + release + "-py3"});
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  const TensorFlow& tensorflow = facts.tensorflow;
  if (!tensorflow.folder.Present() || !GpuIsLost(facts, knowledge)) return Verdict::Silent();
  const Fact<std::string>& image = facts.environment.Variable("NVIDIA_TENSORFLOW_VERSION");
  const std::string* release = image.Get();
  const std::string* version = tensorflow.version.Get();
  if (release == nullptr || version == nullptr || IsNvidias(*version)) return Verdict::Silent();
  return Verdict::Holds()
      .Because(image, "this is NVIDIA's image of TensorFlow, release " + *release)
      .Because(tensorflow.version, "the TensorFlow that is imported is " + *version +
                                       ", not NVIDIA's (which has +nv in its version)")
      .WithFix(Back(facts, *release));
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "vendor-image-tensorflow-replaced",
    .link = Link::kTensorFlow,
    .effect = Effect::kBlocks,
    .title = "Another TensorFlow stands before the one of NVIDIA's image, and finds no GPU",
    .prior = 0.02,
    .explained_by = {{{"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"}}},
    .explains = {"cpu-only-tensorflow", "no-gpu-build-for-platform", "cuda-libraries-missing",
                 "cudnn-missing", "cuda-version-mismatch", "library-not-on-search-path",
                 "pip-nvidia-libs-not-found"},
    .check = Check,
    .page = R"md(## What it means

NVIDIA's images (`nvcr.io/nvidia/tensorflow`) hold a TensorFlow that NVIDIA built for the CUDA of that very image. Another TensorFlow was installed over it or before it, and that one does not find the libraries that it opens, or has no GPU code.

## How it is recognised

`NVIDIA_TENSORFLOW_VERSION`, which the image sets, is there; the version of the TensorFlow that is imported has no `+nv`; and it loses the GPU. Where the other TensorFlow has the GPU all the same, nothing is said.

## How it happens

- `pip install -r requirements.txt` with a line `tensorflow`, or a package that requires another release.
- `pip install --user`, or a virtual environment made in the container.

## What people say

"In NVIDIA's NGC image I ran pip install and the GPU is gone", "pip replaced the TensorFlow of the image".

## How to fix it

Start a new container: what pip replaced is not kept. In a virtual environment, leave it; after `pip install --user`, uninstall the other one.

Then install what the program needs without TensorFlow: leave its line out of the requirements, install packages that require it with `pip install --no-deps`, and make virtual environments with `--system-site-packages`.
)md",
};

}  // namespace tfdoctor::vendor_image_tensorflow_replaced
