#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

// TensorFlow's libraries of CUDA fail for a reason that is not the driver.
bool Fails(const LogStory& story) { return LibrariesFail(story); }

// The libraries lie on the machine: somebody looked.
std::string FoundElsewhere(const LogStory& story) {
  for (const char* key : {"find ", "file present", "locate ", "ls "}) {
    const std::string value = StatedUnder(story, key);
    if (!value.empty() && Lower(value).find("not found") == std::string::npos) return value;
  }
  return {};
}

// The and-cuda extra is there, and this release does not look where pip put its libraries (2.16 to 2.18 where
// Python's folder differs, 2.21 for cuSOLVER).
bool PipLibrariesUnseen(const LogStory& story) {
  if (!story.and_cuda && !story.Mentions("pip_list", "nvidia-")) return false;
  return true;
}

bool OfficialImage(const LogStory& story) { return StatedAnywhere(story, "tensorflow/tensorflow"); }

std::string WrongCuda(const LogStory& story) {
  const std::string build = CudaOfBuild(story);
  std::string wanted;
  for (const std::string& library : MissingLibraries(story)) {
    const std::string of = CudaOfName(library);
    if (wanted.empty() && !of.empty()) wanted = of;
  }
  if (wanted.empty()) wanted = build;
  // "10.2 or 11", "11.0 / nvcc 9.1": every one that is named must be another.
  std::string other;
  const std::string stated = story.Stated("cuda");
  if (wanted.empty() || stated.empty() || stated.find("driver") != stated.npos) return {};
  for (size_t i = 0; i < stated.size();) {
    if (stated[i] < '0' || stated[i] > '9') {
      i++;
      continue;
    }
    size_t end = i;
    while (end < stated.size() && ((stated[end] >= '0' && stated[end] <= '9') || stated[end] == '.')) end++;
    const std::string one = stated.substr(i, end - i);
    if (SameCuda(one, wanted)) return {};
    other = one;
    i = end;
  }
  return other.empty() ? std::string()
                       : fmt::format("CUDA {} is there, this TensorFlow wants {}", stated, wanted);
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

bool LauncherLacks(const LogStory& story) {
  for (const char* word : {"absent in the ide", "not in the ide", "pycharm", "vs code", "vscode", "spyder",
                           "jupyter", "systemd", "cron", "supervisor", "eclipse", "rstudio"}) {
    if (StatedAnywhere(story, word)) return true;
  }
  return false;
}

void CudaMissing(Signs& s) {
  const LogStory& story = s.story;
  if (!Fails(story) || OfficialImage(story)) return;
  const std::vector<std::string> missing = MissingLibraries(story);
  const bool only_cudnn = !missing.empty() && std::all_of(missing.begin(), missing.end(), NamesCudnn);
  if (only_cudnn) return;
  s.Speaks("cudart-stub", kStrong).Speaks("cudart-aborts", kStrong).Speaks("cannot-dlopen-libraries", kWeak);
  if (!missing.empty()) s.Speaks("library-not-loaded", kStrong).Speaks("import-library", kStrong);
  const bool without_extra = story.pip && !story.and_cuda && story.From("2.14");
  s.States(without_extra, "install_method", "installed without the extra and-cuda", kStrong);
  if (!FoundElsewhere(story).empty()) s.That(true, "the library is on this machine", kAgainst);
  if (story.and_cuda) s.States(true, "install_method", "the extra and-cuda brings them", kAgainst);
  if (s.any()) s.Wants(story.facts.cuda_libraries.opened);
}

void CudnnMissing(Signs& s) {
  const LogStory& story = s.story;
  const std::vector<std::string> missing = MissingLibraries(story);
  const bool any_cudnn = std::any_of(missing.begin(), missing.end(), NamesCudnn);
  const bool runtime = std::any_of(missing.begin(), missing.end(),
                                   [](const std::string& name) { return name.find("cudart") != name.npos; });
  if (any_cudnn && !runtime) {
    s.Speaks("library-not-loaded", missing.size() <= 2 ? kDecisive : kStrong)
        .Speaks("import-library", kStrong);
  }
  if (missing.empty()) s.Speaks("cudnn-version-unknown", kStrong);
  if (s.any() && !FoundElsewhere(story).empty()) s.That(true, "it is on this machine", kAgainst);
}

void NotOnPath(Signs& s) {
  const LogStory& story = s.story;
  if (!Fails(story) && !story.Saw("tensorrt-missing")) return;
  const std::string found = FoundElsewhere(story);
  s.StatesProof(!found.empty() && Fails(story), "check", "the library is on this machine: " + found);
  s.States(!found.empty() && !Fails(story), "check", "the library is on this machine: " + found, kDecisive);
  if (!Fails(story)) return;
  if (!MissingLibraries(story).empty()) s.Speaks("library-not-loaded", kWeak).Speaks("import-library", kWeak);
  s.Speaks("cannot-dlopen-libraries", kWeak);
  const bool conda_beside = story.Mentions("install_method", "conda") && story.pip;
  s.States(conda_beside, "install_method", "conda's libraries are seen only with LD_LIBRARY_PATH", kStrong);
}

void PipLibraries(Signs& s) {
  const LogStory& story = s.story;
  if (!Fails(story) || !PipLibrariesUnseen(story)) return;
  const bool unseen = story.From("2.16");
  s.States(true, "install_method", "the libraries came with the extra and-cuda", unseen ? kStrong : kWeak);
  s.Speaks("cannot-dlopen-libraries", kStrong).Speaks("cudart-stub", kWeak).Speaks("cudart-aborts", kStrong);
  s.Speaks("library-not-loaded", kWeak).Speaks("cudnn-version-unknown", kStrong);
  s.Wants(story.facts.tensorflow.version);
}

void PathShadows(Signs& s) {
  const LogStory& story = s.story;
  const std::string path = story.Stated("ld_library_path");
  const bool cuda_on_path = path.find("cuda") != path.npos || path.find("hpc_sdk") != path.npos;
  // The order is what the person says; else two cuDNNs or CUDAs are named.
  const bool two = story.Mentions("cudnn", "(system)") || story.Mentions("cuda", " vs ") ||
                   story.Mentions("cudnn", " vs ");
  const bool trouble = story.SawAny({"cudnn-version-mismatch", "cudnn-handle", "undefined-symbol"});
  s.StatesProof(
      cuda_on_path && (path.find("first") != path.npos || two) && (trouble || story.Saw("ld-debug-try")),
      "LD_LIBRARY_PATH", "it puts another CUDA first: " + path);
  s.StatesProof(two && path.find("first") != path.npos && trouble, "LD_LIBRARY_PATH",
                "it puts the other copy first: " + path);
  const SeenMessage* tried = story.Message("ld-debug-try");
  if (tried != nullptr && cuda_on_path) s.Proves("ld-debug-try");
  if (!WrongCuda(story).empty() && cuda_on_path)
    s.States(true, "LD_LIBRARY_PATH", "it names a CUDA of another version: " + path, kStrong);
  s.States(cuda_on_path && trouble && !s.any(), "LD_LIBRARY_PATH", "it names a folder of CUDA: " + path,
           kStrong);
}

void CudaVersion(Signs& s) {
  const LogStory& story = s.story;
  const bool fails = Fails(story) || story.Saw("only-cpu-listed") || story.Saw("no-gpu-in-process");
  const std::string cuda = WrongCuda(story), cudnn = WrongCudnn(story);
  if (story.From("2.11") && story.windows) return;
  if (fails) {
    s.States(!cuda.empty(), "cuda", cuda, kDecisive);
    s.States(!cudnn.empty(), "cudnn", cudnn, kStrong);
    if (s.any()) s.Speaks("library-not-loaded", kStrong).Speaks("cudart-stub", kStrong);
  }
  s.States(
      StatedAnywhere(story, "-cu11") && !CudaOfBuild(story).empty() && MajorVersion(CudaOfBuild(story)) > 11,
      "pip_list", "the libraries are those of CUDA 11", kDecisive);
  if (!s.any() && Fails(story))
    s.Speaks("library-not-loaded", kWeak).Speaks("cannot-dlopen-libraries", kWeak);
}

void CudnnVersion(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("cudnn-version-mismatch").Proves("cudnn-sublibrary-mismatch");
  s.Speaks("autotuner-no-config", kDecisive).Speaks("cudnn-sublibrary-loading", kStrong);
  const TensorFlowBuild* build = BuildOf(story);
  const bool older = build != nullptr && !story.cudnn.empty() &&
                     build->cudnn_version.find('.') != std::string::npos &&
                     MajorVersion(story.cudnn) == MajorVersion(build->cudnn_version) &&
                     CompareVersions(story.cudnn, build->cudnn_version) < 0;
  const bool cudnn_fails =
      story.SawAny({"cudnn-handle", "conv-algorithm", "dnn-not-found", "no-algorithm-worked",
                    "cudnn-not-initialized", "cudnn-internal-error", "cudnn-execution-failed"});
  s.States(older && cudnn_fails, "cudnn",
           "older than the " + (build != nullptr ? build->cudnn_version : "") + " that it was compiled with",
           kDecisive);
  if (s.any()) return;
  s.Speaks("dnn-not-found", story.Yes("generic_rnn_works") ? kDecisive : kStrong);
  s.Speaks("cudnn-handle", kWeak).Speaks("conv-algorithm", kWeak).Speaks("cudnn-execution-failed", kWeak);
}

void OtherPackage(Signs& s) {
  const LogStory& story = s.story;
  const std::string order = story.Stated("import_order");
  const bool first = !order.empty() && order.find("tensorflow") != order.npos && order.find("tensorflow") > 0;
  const bool mismatch =
      story.SawAny({"cudnn-version-mismatch", "cudnn-handle", "dnn-not-found", "conv-algorithm"});
  if (first && mismatch) {
    s.StatesProof(true, "import_order", "another package is imported before TensorFlow: " + order);
    s.Speaks("cudnn-version-mismatch", kDecisive);
  }
  const bool torch = story.Mentions("pip_list", "torch") && story.Saw("cudnn-version-mismatch");
  s.States(torch, "pip_list", "PyTorch brings a cuDNN of its own", kWeak);
}

void Launcher(Signs& s) {
  const LogStory& story = s.story;
  if (!Fails(story)) return;
  const std::string path = story.Stated("ld_library_path");
  s.StatesProof(
      path.find("shell") != path.npos && (path.find("absent") != path.npos || path.find("not") != path.npos),
      "LD_LIBRARY_PATH", path);
  s.States(LauncherLacks(story) && !s.any(), "install_method", "another program starts Python", kStrong);
}

void Libdevice(Signs& s) {
  s.Proves("libdevice-not-found");
  // The warning alone becomes an error only when a program needs it.
  s.Speaks("libdevice-dir", kDecisive);
}

void PtxasMissing(Signs& s) { s.Proves("ptxas-missing"); }

void PtxasOld(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("ptxas-fallback");
  const std::string version = story.Field("ptxas-old-comparison", "version"),
                    wanted = story.Field("ptxas-old-comparison", "wanted");
  // 1.12 compared the numbers wrongly.
  const bool wrong = !version.empty() && !wanted.empty() && CompareVersions(version, wanted) >= 0;
  const SeenMessage* message = story.Message("ptxas-old-comparison");
  if (message != nullptr && message->fields.Peek() != nullptr && !wrong) s.Proves("ptxas-old-comparison");
}

constexpr LogRule kRules[] = {
    {"cuda-libraries-missing", CudaMissing},   {"cudnn-missing", CudnnMissing},
    {"library-not-on-search-path", NotOnPath}, {"pip-nvidia-libs-not-found", PipLibraries},
    {"library-path-shadows", PathShadows},     {"cuda-version-mismatch", CudaVersion},
    {"cudnn-version-mismatch", CudnnVersion},  {"cudnn-loaded-by-other-package", OtherPackage},
    {"env-var-not-in-launcher", Launcher},     {"libdevice-not-found", Libdevice},
    {"ptxas-missing", PtxasMissing},           {"ptxas-too-old", PtxasOld},
};

}  // namespace

namespace rules {
extern const std::span<const LogRule> kLog_cuda_libraries;
const std::span<const LogRule> kLog_cuda_libraries = kRules;
}  // namespace rules

}  // namespace tfdoctor
