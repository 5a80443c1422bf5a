#include <algorithm>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::windows_native_no_gpu {

namespace {

// The day of a nightly build, in whatever form: "tf-nightly 2020-03-16", "2.5.0.dev20210119"; empty: none is
// named.
std::string DayOf(std::string_view version) {
  std::string digits;
  for (size_t i = version.find("20"); i < version.size(); i++) {
    const char c = version[i];
    if (c >= '0' && c <= '9') {
      digits += c;
    } else if (c != '-' && c != '.' && c != '/') {
      digits.clear();
    }
    if (digits.size() == 8 && digits.starts_with("20")) return digits;
  }
  return {};
}

// A library of CUDA was opened, or looked for: the build has CUDA, whatever its version is said to be.
bool OpensCudaDll(const LogStory& story) {
  const std::vector<std::string> opened = story.Fields("successfully-opened", "library");
  const std::vector<std::string> missing = story.Fields("library-not-loaded", "library");
  if (missing.empty() && story.MaySee("library-not-loaded")) return true;  // which one is not known
  const auto of_cuda = [](const std::string& library) {
    return library.find(".dll") != library.npos && IsOfNvidia(library);
  };
  return std::any_of(opened.begin(), opened.end(), of_cuda) ||
         std::any_of(missing.begin(), missing.end(), of_cuda);
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  // The day of the release of 2.11, and one on which there was no branch of it yet.
  constexpr std::string_view kFirstWithout = "20221118", kLastWith = "20220801";
  const std::string day = story.Mentions("tf_version", "nightly") ? DayOf(story.Stated("tf_version")) : "";
  const bool nightly_with = !day.empty() && day < kLastWith;
  if (story.linux_known || story.mac || story.wsl || story.Before("2.11") || nightly_with ||
      OpensCudaDll(story))
    return s.Drop();
  if (StatedTensorFlows(story, "pip_list").contains("tensorflow-intel"))
    s.StatesProof(true, "pip_list", "tensorflow-intel is TensorFlow for Windows, which has no CUDA");
  s.StatesProof(story.StatedLike("pip_show").find("tensorflow-intel") != std::string::npos && story.windows,
                "pip_show", "tensorflow-intel is TensorFlow for Windows, which has no CUDA");
  if (!story.windows || story.container) return;
  // What does not even start has a fault before that.
  if (story.MaySee("dll-load") || story.Saw("gpu-stub")) s.Lesser(Effect::kDegrades);
  const bool newer = story.From("2.11") || day >= kFirstWithout;
  s.StatesProof(newer, "os",
                "natively on Windows TensorFlow has had no CUDA since 2.11; this is " +
                    (story.tensorflow.empty() ? story.Stated("tf_version") : story.tensorflow));
  // 2.10 is for Python 3.7 to 3.10.
  const bool python =
      story.tensorflow.empty() && !story.python.empty() && CompareVersions(story.python, "3.11") >= 0;
  s.States(python, "python",
           "for this Python there is no TensorFlow before 2.12, and on Windows it has no CUDA", kDecisive);
  // The libraries for other languages have their own releases.
  if (story.SawAny({"says-native-package-for-cpu", "says-native-package-for-gpu"})) return;
  const bool unsettled = !newer && !python && story.tensorflow.empty();
  s.States(unsettled && story.Saw("only-cpu-listed"), "os", "natively on Windows", kStrong);
  s.States(unsettled && story.only_stated && story.Saw("says-gpu-not-used"), "os", "natively on Windows",
           kStrong);
  if (unsettled && s.any()) s.Wants(story.facts.tensorflow.version);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "windows-native-no-gpu",
    .link = Link::kTensorFlow,
    .effect = Effect::kBlocks,
    .title = "On Windows itself TensorFlow has had no CUDA since 2.11",
    .prior = 0.06,
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow 2.10 was the last release for Windows with CUDA. Every later wheel for Windows computes on the CPU only; no version of CUDA or cuDNN changes that.

## How it is recognised

Windows (not WSL) and TensorFlow above 2.10: `tf.config.list_physical_devices('GPU')` is empty and no line names CUDA. PyTorch may use the same GPU: it has builds for Windows.

## How it happens

`pip install tensorflow` on Windows takes the newest release.

## What people say

"Windows 10 or 11, TensorFlow 2.11 or newer, no GPU", "pip install tensorflow on Windows finds only the CPU", "WSL2 or 2.10 helped", "directml plugin", "libtensorflow for Windows GPU is not there".

## How to fix it

Install TensorFlow in WSL 2, where the driver of Windows serves Linux programs. In PowerShell:

wsl --install

Then inside WSL:

python3 -m pip install 'tensorflow[and-cuda]'

Or stay on Windows with `tensorflow<2.11` (Python 3.7 to 3.10), CUDA 11.2 and cuDNN 8.1.
)md",
};

}  // namespace tfdoctor::windows_native_no_gpu
