#include <algorithm>
#include <set>

#include "base/text.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

bool BuiltWithoutCuda(const LogStory& story) {
  if (story.Saw("built-with-cuda-false")) return true;
  return StatedUnder(story, "tf.test.is_built_with_cuda") == "false" ||
         StatedUnder(story, "tf.sysconfig.get_build_info").find("'is_cuda_build': false") !=
             std::string::npos;
}

// Names of TensorFlow distributions in a stated list: "tensorflow 2.3.0; tensorflow-gpu 2.3.0".
std::set<std::string> Distributions(const LogStory& story, const std::string& key) {
  std::set<std::string> names;
  const std::vector<std::string> known = story.knowledge.TensorFlowDistributions();
  for (const std::string& entry : Split(story.Stated(key), ';')) {
    std::string name(Trim(entry));
    name = name.substr(0, name.find_first_of(" ="));
    std::replace(name.begin(), name.end(), '_', '-');
    if (std::find(known.begin(), known.end(), name) != known.end() || name == "tensorflow" ||
        name == "tensorflow-gpu")
      names.insert(name);
  }
  return names;
}

bool CondaCpuBuild(const LogStory& story) {
  const std::string build = story.Stated("conda_build_string"), list = story.Stated("conda_list");
  auto cpu = [](const std::string& text) {
    return text.find("mkl_") != text.npos || text.find("eigen_") != text.npos ||
           text.find("cpu_") != text.npos;
  };
  return cpu(build) || cpu(list);
}

// The build before TensorFlow 1.15 and 2.1 whose name is plain `tensorflow` has no CUDA: tensorflow-gpu had.
bool PlainWasCpu(const LogStory& story) {
  const TensorFlowBuild* build = story.knowledge.FindBuild("tensorflow", story.tensorflow, "x86_64");
  if (build != nullptr && build->cuda_known) return !build->cuda;
  if (story.tensorflow.empty())
    return story.Mentions("tf_version", "1.x") || story.Mentions("requirement", "1.x");
  return story.Before("1.15") || (story.From("2.0") && story.Before("2.1"));
}

void Stub(Signs& s) { s.Proves("gpu-stub"); }

void CpuOnly(Signs& s) {
  const LogStory& story = s.story;
  const std::set<std::string> listed = Distributions(story, "pip_list");
  s.StatesProof(listed.contains("tensorflow-cpu") && listed.size() == 1, "pip_list",
                "tensorflow-cpu is installed");
  s.StatesProof(
      story.Mentions("tf_version", "cpu package") || story.Mentions("install_method", "tensorflow-cpu"),
      "tf_version", "a package for the CPU is installed");
  if (story.mac || story.windows || story.aarch64 || story.conda) return;
  const bool plain =
      listed == std::set<std::string>{"tensorflow"} || story.Mentions("requirement", "tensorflow (") ||
      story.Mentions("requirement", "tensorflow==") || story.Stated("requirement") == "tensorflow";
  s.StatesProof(plain && PlainWasCpu(story), "pip_list",
                "the package tensorflow of this release has no CUDA: that was tensorflow-gpu");
  const bool built_without = BuiltWithoutCuda(story);
  s.That(built_without, "TensorFlow says that it was built without CUDA", kDecisive);
}

void Conflicting(Signs& s) {
  const LogStory& story = s.story;
  std::set<std::string> listed = Distributions(story, "pip_list");
  for (const std::string& name : Distributions(story, "install_order")) listed.insert(name);
  // What was frozen or listed in the log.
  const auto* seen = story.facts.tensorflow.installed.Peek();
  if (seen != nullptr) {
    for (const auto& [name, version] : *seen) listed.insert(name);
  }
  if (listed.size() < 2) return;
  // From 2.1 on tensorflow and tensorflow-gpu are the same files.
  const bool same = listed == std::set<std::string>{"tensorflow", "tensorflow-gpu"} && story.From("2.1");
  std::vector<std::string> names(listed.begin(), listed.end());
  const std::string text = Join(names, " and ") + " share one folder: the last one installed wins";
  if (same) {
    s.States(true, "pip_list", text, kWeak);
  } else {
    s.StatesProof(true, "pip_list", text);
  }
}

void WindowsNative(Signs& s) {
  const LogStory& story = s.story;
  if (!story.windows || story.container) return;
  const bool newer =
      story.From("2.11") || (story.tensorflow.empty() && story.Mentions("tf_version", "nightly"));
  s.StatesProof(newer, "os",
                "natively on Windows TensorFlow has had no CUDA since 2.11; this is " + story.tensorflow);
  // 2.10 is for Python 3.7 to 3.10.
  const bool python =
      story.tensorflow.empty() && !story.python.empty() && CompareVersions(story.python, "3.11") >= 0;
  s.States(python, "python",
           "for this Python there is no TensorFlow before 2.12, and on Windows it has no CUDA", kDecisive);
  s.States(!newer && !python && story.tensorflow.empty() && story.Saw("only-cpu-listed"), "os",
           "natively on Windows", kStrong);
}

void NoGpuBuild(Signs& s) {
  const LogStory& story = s.story;
  if (!story.aarch64 || story.conda || StatedAnywhere(story, "jetson") || StatedAnywhere(story, "nvcr.io") ||
      StatedAnywhere(story, "jetpack"))
    return;
  const bool tensorflow =
      !story.tensorflow.empty() || !story.Stated("tf_version").empty() || BuiltWithoutCuda(story);
  const bool without = BuiltWithoutCuda(story);
  s.StatesProof(without, "machine", "aarch64, and TensorFlow says that it was built without CUDA");
  s.States(!without && tensorflow, "machine", "pip's TensorFlow for aarch64 has no CUDA", kDecisive);
}

void CondaCpu(Signs& s) {
  const LogStory& story = s.story;
  s.Speaks("conda-cpu-row", kDecisive).Speaks("conda-no-cuda", kDecisive);
  s.StatesProof(CondaCpuBuild(story), "conda_list", "the build is one for the CPU");
  s.States(story.conda && BuiltWithoutCuda(story) && !story.Saw("conda-gpu-row"), "install_method",
           "installed with conda, and built without CUDA", kDecisive);
  // Without a driver in sight the solver takes a build for the CPU.
  s.States(story.conda && StatedAnywhere(story, "docker build"), "os",
           "conda sees no driver while an image is built, and takes a build for the CPU", kStrong);
}

void MixedChannels(Signs& s) {
  const LogStory& story = s.story;
  const SeenMessage* symbol = story.Message("undefined-symbol");
  if (symbol == nullptr) return;
  const bool conda_path = symbol->text.Peek()->find("conda") != std::string::npos || story.conda;
  if (!conda_path) return;
  const std::string method = story.Stated("install_method");
  const bool both = method.find("defaults") != method.npos || method.find("channels") != method.npos;
  if (both) {
    s.Proves("undefined-symbol");
  } else {
    s.Speaks("undefined-symbol", kStrong);
  }
}

// TensorFlow's own images 2.18, 2.19 and latest hold cuDNN 8 while TensorFlow opens cuDNN 9.
bool DefectiveImage(const LogStory& story) {
  const bool official = StatedAnywhere(story, "tensorflow/tensorflow");
  const bool bad_tag = StatedAnywhere(story, "latest-gpu") || StatedAnywhere(story, "nightly-gpu") ||
                       (story.From("2.18") && story.Before("2.20")) || story.Mentions("tf_version", "2.18") ||
                       story.Mentions("tf_version", "2.19");
  return official && bad_tag;
}

void BrokenPackage(Signs& s) {
  const LogStory& story = s.story;
  s.ThatProves(story.Saw("conda-gpu-row") && BuiltWithoutCuda(story),
               "the build is labelled CUDA and says that it was built without");
  s.StatesProof(
      StatedUnder(story, "conda_build_string").find("cuda") != std::string::npos && BuiltWithoutCuda(story),
      "conda_build_string", "the build is labelled CUDA and was built without");
  const bool libraries =
      story.SawAny({"cannot-dlopen-libraries", "cudnn-version-unknown", "autotuner-no-config"});
  s.StatesProof(DefectiveImage(story) && libraries, "image",
                "this image of TensorFlow holds libraries of another version than its TensorFlow opens");
  bool other_works = false;
  if (const auto* stated = story.facts.log.stated.Peek()) {
    for (const auto& [key, value] : *stated)
      other_works = other_works || ((key.starts_with("image_") || key.starts_with("host_pip")) &&
                                    key.ends_with("works") && value == "true");
  }
  s.States(other_works, "image", "another release of the image works on this machine", kStrong);
  s.States(story.Mentions("install_method", "vendor image") && libraries, "install_method",
           "the libraries come with the vendor's image", kWeak);
}

void Metal(Signs& s) {
  const LogStory& story = s.story;
  if (!story.mac) return;
  const bool apple = StatedAnywhere(story, "apple") || StatedAnywhere(story, "arm64") ||
                     StatedAnywhere(story, " m1") || StatedAnywhere(story, " m2") ||
                     StatedAnywhere(story, " m3") || StatedAnywhere(story, " m4");
  const bool plugin = story.Mentions("pip_list", "tensorflow-metal") || story.Saw("metal");
  s.StatesProof(apple && !plugin && !story.Stated("pip_list").empty(), "pip_list",
                "tensorflow-metal is not installed");
  s.States(apple && !plugin && story.Stated("pip_list").empty(), "gpu", "Apple's GPU needs tensorflow-metal",
           kStrong);
}

void NotInstalled(Signs& s) { s.Speaks("no-tensorflow", kStrong); }

void ImportFails(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("numpy-abi").Proves("protobuf").Proves("illegal-instruction").Proves("glibc-version");
  const SeenMessage* symbol = story.Message("undefined-symbol");
  if (symbol != nullptr) s.Speaks("undefined-symbol", story.conda ? kWeak : kStrong);
  s.Speaks("symbol-not-found", kStrong).Speaks("native-runtime", kWeak);
  if (MissingLibraries(story).empty() && !MissesDriverLibrary(story)) s.Speaks("dll-load", kStrong);
  // Up to 1.1.0 the plug-in does not load with 2.18 and later.
  const bool metal = story.mac && story.Mentions("pip_list", "tensorflow-metal") && story.From("2.18");
  s.States(metal && story.Saw("traceback"), "pip_list",
           "this tensorflow-metal does not load with TensorFlow 2.18 and later", kDecisive);
}

constexpr LogRule kRules[] = {
    {"tensorflow-gpu-stub", Stub},
    {"cpu-only-tensorflow", CpuOnly},
    {"conflicting-tensorflow-packages", Conflicting},
    {"windows-native-no-gpu", WindowsNative},
    {"no-gpu-build-for-platform", NoGpuBuild},
    {"conda-cpu-build", CondaCpu},
    {"conda-mixed-channels", MixedChannels},
    {"broken-package-build", BrokenPackage},
    {"metal-plugin-missing", Metal},
    {"tensorflow-not-installed", NotInstalled},
    {"tensorflow-import-fails", ImportFails},
};

}  // namespace

namespace rules {
extern const std::span<const LogRule> kLog_tensorflow;
const std::span<const LogRule> kLog_tensorflow = kRules;
}  // namespace rules

}  // namespace tfdoctor
