#include "base/text.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

// A harmless message is the answer only where nothing else is wrong.
void Harmless(Signs& s, std::string_view id, Strength beside_trouble = Strength::kAgainst) {
  if (!s.story.trouble) {
    s.Proves(id);
  } else {
    s.Speaks(id, beside_trouble);
  }
}

void Registration(Signs& s) {
  Harmless(s, "factory-registered-twice");
  Harmless(s, "computation-placer-twice");
}
void TensorRt(Signs& s) { Harmless(s, "tensorrt-missing"); }
void Numa(Signs& s) { Harmless(s, "numa-node"); }
// Every start prints it: it is the answer only where it is all that there is.
void CpuFeatures(Signs& s) {
  if (s.story.SawAny({"factory-registered-twice", "computation-placer-twice", "tensorrt-missing", "numa-node",
                      "xla-devices-off", "ptx-parallel-off"}))
    return;
  Harmless(s, "cpu-features");
}
void XlaDevices(Signs& s) { Harmless(s, "xla-devices-off"); }
void PtxCompiler(Signs& s) { Harmless(s, "ptx-parallel-off"); }

void Worker(Signs& s) {
  const LogStory& story = s.story;
  const bool goes_on = story.Yes("run_completes") || story.Yes("gpu_used") || story.gpu_registered;
  const bool none =
      NoDevice(story) || MissesDriverLibrary(story) || story.SawAny({"device-count-failed", "cuinit-failed"});
  s.StatesProof(goes_on && none, "run_completes",
                "the main process has the GPU; a worker without one is meant");
  s.StatesProof(none && story.Mentions("cuda_visible_devices", "worker"), "CUDA_VISIBLE_DEVICES",
                "it hides the GPU from the worker processes only");
  s.Speaks("device-count-failed", story.Saw("cuda-not-initialized") ? kStrong : kWeak);
}

void FalseWarning(Signs& s) {
  const LogStory& story = s.story;
  const std::string version = story.Field("ptxas-old-comparison", "version"),
                    wanted = story.Field("ptxas-old-comparison", "wanted");
  if (!version.empty() && !wanted.empty() && CompareVersions(version, wanted) >= 0)
    s.Proves("ptxas-old-comparison");
}

constexpr LogRule kRules[] = {
    {"benign-duplicate-registration", Registration},
    {"benign-tensorrt-missing", TensorRt},
    {"benign-numa-node", Numa},
    {"benign-cpu-feature-notice", CpuFeatures},
    {"benign-xla-devices-message", XlaDevices},
    {"benign-worker-without-gpu", Worker},
    {"benign-driver-older-than-ptx-compiler", PtxCompiler},
    {"benign-false-warning", FalseWarning},
};

}  // namespace

namespace rules {
extern const std::span<const LogRule> kLog_none;
const std::span<const LogRule> kLog_none = kRules;
}  // namespace rules

}  // namespace tfdoctor
