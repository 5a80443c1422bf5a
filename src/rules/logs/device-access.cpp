#include "base/text.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

bool GpuMissingInside(const LogStory& story) {
  return MissesDriverLibrary(story) || NoDevice(story) || story.Saw("smi-missing") ||
         story.Saw("cudart-stub");
}
bool Singularity(const LogStory& story) {
  const SeenMessage* library = story.Message("library-not-loaded");
  const SeenMessage* optional = story.Message("tensorrt-missing");
  auto in = [](const SeenMessage* message) {
    return message != nullptr && message->text.Peek()->find("/.singularity.d/") != std::string::npos;
  };
  return StatedAnywhere(story, "singularity") || StatedAnywhere(story, "apptainer") || in(library) ||
         in(optional);
}
bool Kubernetes(const LogStory& story) {
  return story.Yes("kubernetes") || StatedAnywhere(story, "kubernetes") || StatedAnywhere(story, "k8s");
}
bool Desktop(const LogStory& story) {
  return story.Saw("docker-desktop") || StatedAnywhere(story, "docker desktop");
}

void UvmMissing(Signs& s) {
  const LogStory& story = s.story;
  if (story.Yes("after_suspend")) return;
  s.Speaks("cuda-unknown", kStrong);
  if (!s.any()) {
    s.States(StatedAnywhere(story, "nvidia-uvm"), "check", "nvidia-uvm is named", kStrong);
    // Nothing but CUDA fails, and only until nvidia-modprobe has run.
    s.States(StatedAnywhere(story, "nvidia-modprobe"), "check", "nvidia-modprobe is named", kDecisive);
    return;
  }
  s.Speaks("versions-match", kStrong);
  s.That(story.smi_works, "nvidia-smi works, which needs no nvidia-uvm", kStrong);
  s.States(story.Yes("works_as_root") || story.Yes("works_with_sudo"), "works_as_root",
           "root's call makes the node", kStrong);
  s.Speaks("module-not-running", kAgainst);
  s.Wants(story.facts.device_access.nodes);
}

void NodePermissions(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("smi-insufficient").Proves("smi-no-permission");
  const bool root = story.Yes("works_as_root") || story.Yes("works_with_sudo");
  s.States(root && (NoDevice(story) || story.Saw("cuda-unknown")), "works_as_root", "it works for root",
           kStrong);
  s.Speaks("cuda-unknown", kWeak);
}

void Exclusive(Signs& s) {
  const LogStory& story = s.story;
  const bool mode =
      story.Mentions("compute_mode", "exclusive") || story.Mentions("compute_mode", "prohibited");
  s.StatesProof(mode, "compute_mode", "the compute mode is " + story.Stated("compute_mode"));
  const bool shown = story.Saw("compute-mode") && !story.FieldHas("compute-mode", "mode", "Default");
  if (shown && story.Saw("cuda-busy")) s.Proves("compute-mode");
  if (!story.Yes("vgpu")) s.Speaks("cuda-busy", kStrong);
  if (s.any()) s.Wants(story.facts.driver_answers.devices);
}

void WithoutFlag(Signs& s) {
  const LogStory& story = s.story;
  s.Speaks("nvidia-image-banner", kDecisive);
  if (!story.container || Singularity(story) || Kubernetes(story)) return;
  if (story.smi_works || story.wsl || story.Yes("docker_build_step")) return;
  if (!story.Stated("docker_gpus").empty()) return;
  s.Speaks("cuda-303", kStrong).Speaks("cuda-no-device", kStrong).Speaks("module-not-running", kStrong);
  s.Speaks("no-device-node", kStrong).Speaks("smi-missing", kStrong);
  if (s.any()) s.Wants(story.facts.device_access.nodes);
}

void Toolkit(Signs& s) {
  const LogStory& story = s.story;
  if (Desktop(story) || story.Saw("snap-docker") || StatedAnywhere(story, "snap")) {
    s.Speaks("no-device-driver", kStrong);
  } else {
    s.Proves("no-device-driver");
  }
  s.Proves("unknown-runtime");
}

void Snap(Signs& s) {
  const LogStory& story = s.story;
  const bool fails = story.SawAny({"no-device-driver", "hook-no-nvml", "hook-driver", "unknown-runtime"});
  if (story.Saw("snap-docker") && fails) s.Proves("snap-docker");
  s.StatesProof(fails && (story.Mentions("install_method", "snap") || StatedAnywhere(story, "snap docker")),
                "install_method", "Docker is a snap");
  s.Speaks("snap-docker", kStrong);
  s.Speaks("hook-no-nvml", kWeak);
}

void DockerDesktop(Signs& s) {
  const LogStory& story = s.story;
  const bool fails =
      story.SawAny({"no-device-driver", "hook-no-nvml", "hook-driver"}) || GpuMissingInside(story);
  if (story.Saw("docker-desktop") && fails && !story.wsl && !story.windows) s.Proves("docker-desktop");
  s.States(StatedAnywhere(story, "docker desktop") && !story.wsl && !story.windows, "install_method",
           "Docker Desktop on Linux runs containers in a virtual machine without the GPU",
           fails ? kDecisive : kStrong);
  s.States(story.Yes("works_with_sudo") && fails, "works_with_sudo",
           "with sudo another Docker answers, and it works", kDecisive);
  if (!story.Saw("snap-docker")) s.Speaks("hook-no-nvml", kWeak);
}

void LostGpu(Signs& s) {
  const LogStory& story = s.story;
  if (story.Saw("no-cgroups") || story.Yes("no_cgroups")) return;
  const bool before = story.Yes("worked_at_start") || story.Yes("worked_before");
  if (before && story.container) s.Proves("nvml-unknown-error");
  s.Speaks("nvml-unknown-error", kDecisive);
  s.That(s.any() && story.smi_works, "nvidia-smi worked before in the same log", kStrong);
  s.States(story.container && before && !s.any(), "worked_at_start", "the container had the GPU at first",
           kStrong);
  if (s.any()) s.Wants(story.facts.container_engine.worked_before);
}

void NoCgroups(Signs& s) {
  const LogStory& story = s.story;
  if (story.Saw("nvml-unknown-error") || NoDevice(story)) s.Proves("no-cgroups");
  s.StatesProof(story.Yes("no_cgroups"), "no_cgroups",
                "no-cgroups = true leaves the container without permission");
  s.Proves("hook-cgroups").Speaks("no-cgroups", kStrong);
  s.Speaks("nvml-unknown-error", kWeak);
}

void Capabilities(Signs& s) {
  const LogStory& story = s.story;
  const std::string stated = story.Stated("nvidia_driver_capabilities");
  const bool lacks =
      !stated.empty() && stated.find("compute") == stated.npos && stated.find("all") == stated.npos;
  s.StatesProof(lacks, "NVIDIA_DRIVER_CAPABILITIES", "it is " + stated + " and lacks compute");
  const std::string shown = story.Field("mps-driver", "capabilities");
  if (!shown.empty() && shown.find("compute") == shown.npos && shown.find("all") == shown.npos)
    s.Proves("mps-driver");
  s.That(story.container && MissesDriverLibrary(story) && story.smi_works,
         "nvidia-smi works in the container and libcuda.so.1 is not there", kStrong);
}

void NodesMissing(Signs& s) {
  const LogStory& story = s.story;
  if (!story.container) return;
  s.Speaks("no-device-node", kWeak).Speaks("cuda-no-device", kWeak);
  if (!s.any()) return;
  if (MissesDriverLibrary(story)) s.That(true, "the driver's library is missing, too", kAgainst);
}

void Cdi(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("cdi-unresolvable").Proves("cdi-stale");
  const bool cdi = story.Mentions("install_method", "cdi") || StatedAnywhere(story, "/etc/cdi");
  s.States(cdi, "install_method", "the container gets the GPU through a CDI specification", kStrong);
  s.States(cdi && (story.Yes("driver_updated") || story.Yes("unattended_upgrades")), "driver_updated",
           "the driver was updated: the specification names files of the old one", kDecisive);
}

void KubernetesRuntime(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("plugin-no-nvml");
  if (Kubernetes(story) && MissesDriverLibrary(story)) {
    s.That(true, "a pod without the driver's library: the node's runtime did not put it in", kDecisive);
  }
}

void GpuNotRequested(Signs& s) {
  const LogStory& story = s.story;
  if (!Kubernetes(story) || story.Saw("plugin-no-nvml")) return;
  s.Speaks("cuda-303", kWeak).Speaks("cuda-no-device", kStrong).Speaks("no-device-node", kStrong);
  s.Speaks("import-libcuda", kWeak);
}

void WithoutNv(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("nv-not-found");
  if (!Singularity(story) || story.smi_works) return;
  s.Speaks("cuda-303", kStrong).Speaks("module-not-running", kWeak).Speaks("import-libcuda", kStrong);
  if (MissesDriverLibrary(story)) s.Speaks("library-not-loaded", kStrong);
}

void NoDxg(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("dxg-missing").Proves("dml-adapter");
  s.StatesProof(story.No("dev_dxg"), "dev_dxg", "/dev/dxg is not there");
  if (!story.wsl) return;
  s.States(story.Mentions("os", "wsl 1") || story.Mentions("os", "wsl1"), "os", "WSL 1 has no GPU",
           kDecisive);
  s.Speaks("cuda-insufficient-driver", kDecisive);
  s.Speaks("no-device-node", kWeak).Speaks("smi-missing", kWeak).Speaks("gpu-not-found", kWeak);
}

constexpr LogRule kRules[] = {
    {"uvm-missing", UvmMissing},
    {"device-node-permissions", NodePermissions},
    {"exclusive-compute-mode", Exclusive},
    {"docker-without-gpu-flag", WithoutFlag},
    {"container-toolkit-missing", Toolkit},
    {"docker-snap-unsupported", Snap},
    {"docker-desktop-without-gpu", DockerDesktop},
    {"container-lost-gpu", LostGpu},
    {"container-no-cgroups-setting", NoCgroups},
    {"container-driver-capabilities", Capabilities},
    {"container-device-nodes-missing", NodesMissing},
    {"cdi-spec-missing-or-stale", Cdi},
    {"kubernetes-runtime-not-nvidia", KubernetesRuntime},
    {"kubernetes-gpu-not-requested", GpuNotRequested},
    {"singularity-without-nv", WithoutNv},
    {"wsl-no-dxg-device", NoDxg},
};

}  // namespace

namespace rules {
extern const std::span<const LogRule> kLog_device_access;
const std::span<const LogRule> kLog_device_access = kRules;
}  // namespace rules

}  // namespace tfdoctor
