#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/libraries.h"
#include "rules/logs.h"

namespace tfdoctor::cuda_version_mismatch {

namespace {

// The CUDA that a distribution's libraries are made for, by its name: "nvidia-cudnn-cu13" -> 13; 0: it does
// not say.
int CudaOf(std::string_view distribution) {
  const size_t at = distribution.rfind("-cu");
  const std::string_view number = at == std::string_view::npos ? "" : distribution.substr(at + 3);
  return number.empty() || number.find_first_not_of("0123456789") != std::string_view::npos
             ? 0
             : MajorVersion(number);
}

// A cuDNN for a newer CUDA has the same name as the one that this build wants, and works where the driver is
// new enough for that CUDA: it brings its own CUDA runtime. So NVIDIA's support matrix says; it was not tried
// with such a driver, so the cause stays open.
Verdict CheckCudnn(const Facts& facts, const Knowledge& knowledge) {
  const Library* cudnn = FindCudnn(facts);
  const std::string* owner = cudnn == nullptr ? nullptr : cudnn->owner.Get();
  const std::string* built = facts.tensorflow.cuda_version.Get();
  if (owner == nullptr || built == nullptr) return Verdict::Silent();
  const std::string name = owner->substr(0, owner->find(' '));
  const int cuda = CudaOf(name);
  if (cuda <= MajorVersion(*built) || HasNvidiaGpu(facts) == Answer::kNo) return Verdict::Silent();
  const std::string* driver = DriverVersion(facts).Get();
  const std::string floor = knowledge.DriverFloor(std::to_string(cuda));
  if (driver == nullptr || floor.empty() || CompareVersions(*driver, floor) >= 0) return Verdict::Silent();
  const std::string wanted = fmt::format("nvidia-cudnn-cu{}", MajorVersion(*built));
  const auto* distributions = facts.python.distributions.Peek();
  const auto installed =
      distributions == nullptr ? decltype(distributions->end())() : distributions->find(wanted);
  std::string requirement = wanted;
  if (distributions != nullptr && installed != distributions->end() &&
      installed->second.version.Peek() != nullptr)
    requirement += "==" + *installed->second.version.Peek();
  return Verdict::Open()
      .Because(cudnn->owner, fmt::format("cuDNN is that of {}, made for CUDA {}", *owner, cuda))
      .Because(DriverVersion(facts),
               fmt::format("CUDA {} needs driver {} or newer; this is {}", cuda, floor, *driver))
      .WithReason("newer-cudnn")
      .WithTitle(fmt::format("cuDNN here is made for CUDA {}, for which the driver is too old", cuda))
      .WithExplanation(
          "The package of cuDNN for a newer CUDA puts its files in the same place as the one for this "
          "TensorFlow, and the last one installed wins. It needs a newer driver.")
      .WithFix(Advice("Put the files of the fitting cuDNN back", PipReinstall(facts, {requirement})));
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (!IsCudaBuild(facts)) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  bool other = false;
  for (const StartLibrary& entry : StartLibraries(facts, knowledge)) {
    if (entry.trouble == Trouble::kOtherVersion) {
      other = true;
      const bool file = entry.detail.starts_with('/');
      verdict.Because(entry.library->path,
                      fmt::format("{} is {}, but {} is not found", entry.detail,
                                  file ? "there" : "installed, which is for another CUDA", entry.soname));
    } else if (entry.trouble == Trouble::kUnfit || entry.trouble == Trouble::kFailsSomehow) {
      const std::string* failure = entry.library->failure.Get();
      verdict.Because(entry.library->path,
                      fmt::format("{} does not load: {}", entry.soname, failure == nullptr ? "" : *failure));
    }
  }
  if (verdict.evidence.empty()) return CheckCudnn(facts, knowledge);
  NameAtOdds(facts, verdict);
  if (other)
    return std::move(verdict).WithReason("other-cuda").WithFix(InstallCudaLibraries(facts, knowledge));
  Fix fix = InstallCudaLibraries(facts, knowledge);
  fix.title = "Install TensorFlow's own set of CUDA libraries again";
  return std::move(verdict)
      .WithReason("mixed")
      .WithTitle("A CUDA library is found and does not load")
      .WithExplanation(
          "The file has the right name, but it does not load: it is damaged, or it belongs to another CUDA "
          "release than the libraries beside it.")
      .WithFix(std::move(fix));
}

std::string WrongCudnn(const LogStory& story) {
  if (story.cudnn.empty()) return {};
  std::string wanted;
  for (const std::string& library : MissingLibraries(story)) {
    if (wanted.empty()) wanted = CudnnOfName(library);
  }
  const TensorFlowBuild* build = BuildOf(story);
  if (wanted.empty() && build != nullptr) wanted = build->cudnn_version;
  if (wanted.empty() || MajorVersion(wanted) == MajorVersion(story.cudnn)) return {};
  return fmt::format("cuDNN {} is there, this TensorFlow wants {}", story.cudnn, wanted);
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  // Up to 2.0 a DLL that is not there ends the import, and is not named.
  const bool linked = story.windows && story.Before("2.1") && story.Saw("dll-load");
  const bool fails =
      linked || LibrariesFail(story) || story.Saw("only-cpu-listed") || story.Saw("no-gpu-in-process");
  const std::string cuda = OtherCudaStated(story), cudnn = WrongCudnn(story);
  if (story.From("2.11") && story.windows) return;
  // The machine, its driver and its GPU do: what differs between releases is the CUDA that they open.
  if (story.only_stated && !story.Saw("says-no-libcuda")) s.Speaks("says-other-release-works", kStrong);
  // The CUDA of a hosted notebook is made for the TensorFlow that came with it.
  const bool hosted = story.Saw("says-hosted-notebook") && (story.only_stated || story.Saw("gpu-not-found"));
  const bool has_gpu =
      story.gpu_seen || story.SawAny({"says-gpu-runtime", "says-worked-before", "says-no-longer"});
  if (hosted && has_gpu) {
    s.Speaks("says-own-tensorflow", kStrong);
    s.States(!s.any() && story.pip && (!story.tensorflow.empty() || story.Saw("says-no-longer")),
             "install_method", "TensorFlow was installed over the one that the notebook came with", kStrong);
    // Its machines are renewed, and their CUDA with them.
    s.States(!s.any() && !story.tensorflow.empty() && story.Saw("says-worked-before"), "says-worked-before",
             "the notebook's own TensorFlow and CUDA are renewed now and then; this release may be of before",
             kWeak);
  }
  if (!fails && !story.gpu_registered && !story.trouble) {
    const std::string path = OtherCudaOnPath(story);
    s.That(!path.empty(), path, kDecisive);
  }
  // Of a container it is the host's that may be meant, but of TensorFlow's own image.
  const bool of_host = story.container && !story.Saw("says-tensorflow-image");
  if (story.only_stated && (!of_host || story.Saw("says-gpu-not-used"))) {
    // A GPU that this release has no code for is the nearer reason.
    std::string why;
    const bool newer = AgeOfCode(story, why) == CodeAge::kNewer;
    const Strength sure = of_host || newer ? kWeak : kStrong;
    s.States(!cuda.empty(), "cuda", cuda, sure);
    s.States(!cudnn.empty(), "cudnn", cudnn, sure);
  }
  if (fails) {
    s.States(!cuda.empty(), "cuda", cuda, kDecisive);
    s.States(!cudnn.empty(), "cudnn", cudnn, kStrong);
    const std::string path = OtherCudaOnPath(story);
    if (cuda.empty()) s.That(!path.empty(), path, kDecisive);
    // NVIDIA's images have these two folders, which wait for the driver, and a cudart of their own.
    const SeenMessage* line = story.Message("library-not-loaded");
    const std::string text = line == nullptr ? std::string() : *line->text.Peek();
    s.That(Has(text, "cudart") && Has(text, "LD_LIBRARY_PATH: /usr/local/nvidia/lib:/usr/local/nvidia/lib64"),
           "this LD_LIBRARY_PATH is that of NVIDIA's images, which have a CUDA of another version, then",
           kStrong);
    if (s.any())
      s.Speaks("library-not-loaded", kStrong).Speaks("cudart-stub", kStrong).Speaks("dll-load", kStrong);
  }
  s.States(story.Saw("says-cuda-11-packages") && !CudaOfBuild(story).empty() &&
               MajorVersion(CudaOfBuild(story)) > 11,
           "says-cuda-11-packages", "the libraries are those of CUDA 11", kDecisive);
  const std::string dependency = OtherCudaOfDependency(story);
  s.That(!dependency.empty(), dependency, kDecisive);
  // cuSOLVER counts for itself: CUDA 11.0 has libcusolver.so.10, later ones libcusolver.so.11 (the nvidia
  // wheels).
  std::vector<std::string> missing = MissingLibraries(story);
  const bool all_of_cudnn = std::all_of(missing.begin(), missing.end(), NamesCudnn);
  std::erase_if(missing, NamesCudnn);  // it is not of the toolkit, and may be missing, too
  const bool of_11_0 = missing.size() == 1 &&
                       (missing.front() == "libcusolver.so.10" || missing.front() == "cusolver64_10.dll");
  s.That(of_11_0 && (MajorVersion(story.cuda) >= 11 || MajorVersion(CudaOfBuild(story)) >= 11),
         "cuSOLVER has the number 10 up to CUDA 11.0, and the number 11 in later ones", kDecisive);
  const bool of_11_1 = missing.size() == 1 &&
                       (missing.front() == "libcusolver.so.11" || missing.front() == "cusolver64_11.dll");
  s.That(of_11_1 && story.cuda.starts_with("11.0"),
         "libcusolver.so.11 came with CUDA 11.1; CUDA " + story.cuda + " has libcusolver.so.10", kDecisive);
  const auto opened = [&](const char* library) {
    return story.FieldHas("successfully-opened", "library", library);
  };
  const bool of_11 = opened("libcublas.so.11") || opened("libcusparse.so.11") || opened("cublas64_11.dll") ||
                     opened("cusparse64_11.dll");
  s.That(of_11_1 && of_11 && !story.cuda.starts_with("11."),
         "the other libraries of CUDA 11 are there: libcusolver.so.11 came with CUDA 11.1, CUDA 11.0 has "
         "libcusolver.so.10",
         kDecisive);
  if (!s.any() && !all_of_cudnn) s.Speaks("dll-load", kWeak);
  if (!s.any() && LibrariesFail(story))
    s.Speaks("library-not-loaded", kWeak)
        .Speaks("cannot-dlopen-libraries", kWeak)
        .Speaks(XlaGpuAlone(story), kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "cuda-version-mismatch",
    .link = Link::kCudaLibraries,
    .effect = Effect::kBlocks,
    .title = "The CUDA libraries are of another version than this TensorFlow opens",
    .prior = 0.06,
    .explained_by = {{{"library-path-shadows"},
                      {"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

Each TensorFlow opens CUDA libraries of fixed names, for example `libcudart.so.12` of CUDA 12. Libraries of another CUDA have other names, and TensorFlow cannot use them; a library of the right name that belongs to another release may refuse to load.

## How it is recognised

The library that this build opens is not there, while the same library for another CUDA is installed (`libcudart.so.13`, `libcudnn.so.8`); or the file that the loader takes does not load beside the others; or cuDNN comes from the package for a newer CUDA (`nvidia-cudnn-cu13`, same file name) and the driver is too old for that CUDA.

## How it happens

The newest CUDA toolkit was installed (TensorFlow up to 2.22 wants CUDA 12, not 13), another package brought its own CUDA, or TensorFlow was upgraded alone.

## What people say

"I installed the newest CUDA", "CUDA 12 with TensorFlow 2.10", "it wants cudart64_110.dll and I have 11.8 or 12", "after upgrading TensorFlow it looks for another CUDA", "the image has another CUDA than TensorFlow was built with".

## How to fix it

Let pip bring the fitting set, in the same environment; several CUDA versions may stay side by side:

    python -m pip install 'tensorflow[and-cuda]==VERSION'
)md",
};

}  // namespace tfdoctor::cuda_version_mismatch
