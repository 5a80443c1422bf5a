#include "base/text.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

// Xid codes that speak of the device itself. Source: NVIDIA, "Xid Errors", the column of causes; 13, 31, 43
// and 45 follow from programs, too.
bool IsHardwareXid(const std::string& code) {
  for (const char* hardware : {"48", "54", "56", "57", "58",  "61",  "62",  "63",  "64",  "69",  "74",
                               "79", "92", "94", "95", "110", "119", "120", "136", "140", "143", "149"}) {
    if (code == hardware) return true;
  }
  return false;
}

void NoNvidiaGpu(Signs& s) {
  const LogStory& story = s.story;
  const bool missing = MissesDriverLibrary(story) || NoDevice(story) || story.Saw("cudart-stub");
  // Where only harmless messages are asked about, that there is no GPU is no fault.
  s.StatesProof(story.no_gpu_stated && (story.trouble || !story.harmless), "gpu", "this machine has no GPU");
  s.States(story.Yes("docker_build_step") && missing, "docker_build_step",
           "an image is built without a GPU: what fails there need not fail later", kDecisive);
  if (story.gpu_seen || story.wsl || story.no_gpu_stated || AnswersOtherwise(story)) return;
  s.Speaks("no-device-node", kStrong).Speaks("module-not-running", kStrong);
  s.Speaks("cuda-303", kStrong).Speaks("cuda-no-device", kWeak);
  if (MissesDriverLibrary(story) && !story.Saw("cuda-303")) s.Speaks("library-not-loaded", kStrong);
  if (s.any()) s.Wants(story.facts.gpus);
}

void CloudRuntime(Signs& s) {
  const LogStory& story = s.story;
  const bool hosted = StatedAnywhere(story, "colab") || StatedAnywhere(story, "kaggle") ||
                      StatedAnywhere(story, "codespaces") || StatedAnywhere(story, "binder");
  if (!hosted) return;
  const bool none = NoDevice(story) || MissesDriverLibrary(story) || story.gpu_registered == false;
  if (!none || story.gpu_registered) return;
  s.Speaks("gpu-not-found", kDecisive).Speaks("cuda-no-device", kDecisive).Speaks("cuda-303", kDecisive);
  s.Speaks("no-gpu-in-process", kStrong)
      .Speaks("only-cpu-listed", kStrong)
      .Speaks("device-unavailable", kStrong);
  s.Speaks("smi-failed", kStrong).Speaks("smi-missing", kStrong).Speaks("cudart-stub", kStrong);
  s.States(s.any(), "os", "a hosted notebook", kStrong);
}

void HardwareFault(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("cuda-ecc").Proves("cuda-hardware").Proves("fallen-off-bus").Proves("pcie-error");
  for (const std::string& code : story.Fields("xid", "code")) {
    if (IsHardwareXid(code)) s.Proves("xid");
  }
  bool stated = false;
  for (const std::string& code : Split(story.Stated("xid"), ';'))
    stated = stated || IsHardwareXid(std::string(Trim(code)));
  s.StatesProof(stated, "xid", "Xid " + story.Stated("xid"));
  s.StatesProof(story.Yes("machine_reboots"), "machine_reboots",
                "the whole machine restarts under load: no program can do that, power or hardware can");
  s.Speaks("xid", kStrong).Speaks("cuda-launch-failed", story.windows ? kWeak : kStrong);
  s.Speaks("cuda-illegal-address", kWeak).Speaks("query-event-failed", kWeak);
  s.States(StatedAnywhere(story, "overclock"), "gpu", "the GPU is overclocked", kStrong);
}

void Dropped(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("legacy-gpu");
  if (story.capability.empty() || story.driver.empty() || story.windows || story.wsl) return;
  const std::string last = story.knowledge.LastBranchFor(story.capability);
  const bool dropped = !last.empty() && MajorVersion(story.driver) > MajorVersion(last);
  s.ThatProves(dropped, "branch " + last + " is the last for compute capability " + story.capability +
                            "; the driver is " + story.driver);
  if (!dropped) return;
  s.Speaks("smi-failed", kStrong).Speaks("smi-no-devices", kStrong);
}

void AdapterInitialisation(Signs& s) {
  // The module says why: it is the wrong flavour, or too new.
  if (s.story.SawAny({"open-unsupported", "open-required", "legacy-gpu"})) return;
  s.Proves("adapter-init").Proves("bar-too-small").Proves("gsp-firmware");
  s.Speaks("smi-no-devices", kStrong);
}

void VirtualGpu(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("vgpu-unlicensed");
  const bool virtual_gpu =
      story.Yes("vgpu") || story.gpu_name.find("GRID") != std::string::npos || StatedAnywhere(story, "vgpu");
  s.StatesProof(virtual_gpu && story.Saw("cuda-busy"), "vgpu", "it is a virtual GPU and refuses a context");
  s.Speaks("cuda-busy", kWeak);
}

void MigWithout(Signs& s) {
  s.Proves("mig-no-instances");
  s.States(s.story.Yes("mig") && NoDevice(s.story), "mig", "MIG is on and the program sees no device",
           kDecisive);
}

void MigSingle(Signs& s) {
  const LogStory& story = s.story;
  const bool slice = StatedAnywhere(story, "mig-") || story.gpu_name.find("MIG") != std::string::npos;
  s.States(story.Yes("mig") && slice && !NoDevice(story), "gpu", "the GPU is a slice of another (MIG)",
           kDecisive);
  s.That(slice && !story.Yes("mig"), "the GPU is a slice of another (MIG)", kWeak);
}

bool AppleSilicon(const LogStory& story) {
  return story.mac &&
         (StatedAnywhere(story, "apple") || StatedAnywhere(story, "arm64") || StatedAnywhere(story, "m1") ||
          StatedAnywhere(story, "m2") || StatedAnywhere(story, "m3") || StatedAnywhere(story, "metal"));
}

void Mac(Signs& s) {
  const LogStory& story = s.story;
  s.StatesProof(story.mac && !AppleSilicon(story), "os", "macOS: its TensorFlow has had no CUDA since 1.2");
}

constexpr LogRule kRules[] = {
    {"no-nvidia-gpu", NoNvidiaGpu},
    {"cloud-runtime-without-gpu", CloudRuntime},
    {"gpu-hardware-fault", HardwareFault},
    {"gpu-dropped-by-driver-branch", Dropped},
    {"adapter-initialisation-failed", AdapterInitialisation},
    {"vgpu-licence-or-profile", VirtualGpu},
    {"mig-without-instances", MigWithout},
    {"mig-single-instance-limit", MigSingle},
    {"macos-no-cuda", Mac},
};

}  // namespace

namespace rules {
extern const std::span<const LogRule> kLog_hardware;
const std::span<const LogRule> kLog_hardware = kRules;
}  // namespace rules

}  // namespace tfdoctor
