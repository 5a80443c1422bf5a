#include "base/text.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

void Missing(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("libcuda-not-in-process");
  if (story.Yes("docker_build_step")) return;
  s.Speaks("cuda-303", kStrong).Speaks("import-libcuda", kStrong);
  if (MissesDriverLibrary(story)) s.Speaks("library-not-loaded", kStrong);
  if (s.any() && story.gpu_seen) s.That(true, "a GPU is there", kStrong);
  if (s.any()) s.Wants(story.facts.driver_library.cuda.path);
}

void Mismatch(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("nvml-mismatch").Proves("versions-differ").Proves("api-mismatch").Proves("hook-mismatch");
  const std::string kernel = story.Stated("kernel_version"), dso = story.Stated("dso_version");
  s.StatesProof(!kernel.empty() && !dso.empty() && kernel != dso, "dso_version",
                "module " + kernel + ", library " + dso);
  s.Speaks("cuda-driver-mismatch", kDecisive).Speaks("cuda-compat", story.container ? kWeak : kStrong);
}

void Compat(Signs& s) {
  const LogStory& story = s.story;
  if (story.container) s.Proves("cuda-compat");
  s.Speaks("cuda-compat", kDecisive).Speaks("cuda-driver-mismatch", kStrong);
  s.States(StatedAnywhere(story, "/compat") && !s.any(), "LD_LIBRARY_PATH", "a folder compat is on the path",
           kStrong);
}

void WslShadows(Signs& s) {
  const LogStory& story = s.story;
  if (!story.wsl) return;
  s.Speaks("cuda-no-device", kStrong).Speaks("cuda-unknown", kStrong).Speaks("cuda-303", kStrong);
  s.Speaks("cuda-os-call", kStrong).Speaks("smi-missing", kWeak).Speaks("smi-failed", kStrong);
  s.States(StatedAnywhere(story, "nvidia-driver") || StatedAnywhere(story, "cuda-drivers") ||
               StatedAnywhere(story, "meta"),
           "install_method", "a Linux driver was installed inside WSL", kDecisive);
  s.That(s.any() && story.smi_works, "nvidia-smi works through the Windows driver", kStrong);
  if (s.any()) s.Wants(story.facts.driver_library.cuda.path);
}

void TooOld(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("hook-requirement").Proves("ptx-unsupported-version");
  if (story.wsl) {
    s.Speaks("cuda-insufficient-driver", kWeak);
  } else {
    s.Proves("cuda-insufficient-driver");
  }
  s.Speaks("cuda-unsupported-ptx", kDecisive);
  if (story.driver.empty() || story.windows || story.wsl || story.gpu_registered) return;
  const std::string cuda = story.cuda.empty() ? CudaOfBuild(story) : story.cuda;
  const std::string floor = cuda.empty() ? std::string() : story.knowledge.DriverFloor(cuda);
  const bool old = !floor.empty() && CompareVersions(story.driver, floor) < 0;
  s.ThatProves(old && story.trouble,
               "CUDA " + cuda + " needs a driver from " + floor + " on; this is " + story.driver);
}

void Stub(Signs& s) {
  s.Proves("cuda-stub");
  s.States(StatedAnywhere(s.story, "/stubs"), "LD_LIBRARY_PATH", "a folder of stubs is on the path", kStrong);
}

void Nvml(Signs& s) {
  const LogStory& story = s.story;
  if (story.Saw("hook-no-nvml")) return;  // the container engine says so, not TensorFlow
  s.Speaks("nvml-no-library", story.From("2.16") ? kStrong : kWeak);
  // 2.21 is silent without it; so are other causes.
  s.That(story.From("2.20") && story.Saw("only-cpu-listed") && !story.trouble && story.linux_known,
         "this release says nothing when libnvidia-ml.so.1 is missing", kWeak);
}

constexpr LogRule kRules[] = {
    {"driver-library-missing", Missing},
    {"driver-library-version-mismatch", Mismatch},
    {"cuda-compat-library-misused", Compat},
    {"wsl-linux-driver-shadows-libcuda", WslShadows},
    {"driver-too-old", TooOld},
    {"stub-driver-library", Stub},
    {"nvml-library-missing", Nvml},
};

}  // namespace

namespace rules {
extern const std::span<const LogRule> kLog_driver_library;
const std::span<const LogRule> kLog_driver_library = kRules;
}  // namespace rules

}  // namespace tfdoctor
