#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/containers.h"
#include "rules/logs.h"

namespace tfdoctor::docker_without_gpu_flag {

namespace {

bool NeedsToolkit(const std::string& engine) {
  return engine != "systemd-nspawn" && engine != "flatpak" && engine != "snap";
}

Verdict Check(const Facts& facts, const Knowledge&) {
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  const std::string* engine = facts.host.container.Get();
  if (engine == nullptr || !IsGivenDevicesAtStart(*engine)) return Verdict::Silent();
  // WSL's kernel has no module of NVIDIA's, so that nothing here shows whether there is a GPU.
  const bool wsl = facts.host.wsl.Present();
  if (!wsl && !facts.kernel_driver.version.Present()) return Verdict::Silent();
  const auto* nodes = facts.device_access.nodes.Get();
  if (nodes == nullptr) return Verdict::Silent();
  if (wsl ? nodes->contains("/dev/dxg") : HasNvidiaNode(*nodes))
    return Verdict::Excluded().Because(facts.device_access.nodes, "NVIDIA's device nodes are there");
  const Library& cuda = facts.driver_library.cuda;
  if (cuda.path.Unknown() || (cuda.path.Present() && !cuda.stub.Is(true))) return Verdict::Silent();
  Verdict verdict = wsl ? Verdict::Open() : Verdict::Holds();
  verdict.Because(facts.host.container, "this is a container (" + *engine + ")", Strength::kStrong);
  if (wsl) {
    verdict.Because(facts.host.wsl, "its kernel is that of WSL", Strength::kWeak)
        .Because(facts.device_access.nodes, "no /dev/dxg is in this container", Strength::kStrong);
  } else {
    verdict
        .Because(facts.kernel_driver.version,
                 "the host's driver " + *facts.kernel_driver.version.Get() + " is loaded")
        .Because(facts.device_access.nodes, "no /dev/nvidia* is in this container");
  }
  const std::string* visible = facts.environment.Variable("NVIDIA_VISIBLE_DEVICES").Peek();
  if (visible != nullptr && (*visible == "void" || *visible == "none" || visible->empty()))
    verdict.Because(facts.environment.Variable("NVIDIA_VISIBLE_DEVICES"),
                    "NVIDIA_VISIBLE_DEVICES is \"" + *visible + "\", which asks for no GPU");
  return std::move(verdict).WithFix(
      Advice("Start it again with a GPU" +
                 std::string(NeedsToolkit(*engine) ? " (the host needs the NVIDIA container toolkit)" : ""),
             StartWithGpu(*engine)));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Speaks("nvidia-image-banner", kDecisive);
  if (!story.container || InSingularity(story) || story.Saw("says-kubernetes")) return;
  // The driver's library is given together with the GPU.
  if (story.FieldHas("successfully-opened", "library", "libcuda.so") && !story.Saw(Shows::kNoDevice)) return;
  s.Speaks("says-no-smi", kStrong);
  // Where the image was built and then started, it is the container that runs.
  const bool building = BuildsImage(story);
  // Nor has a step of a build, unless NVIDIA's runtime is the engine's default.
  if (building) s.Speaks("import-libcuda", kStrong);
  if (story.wsl || building || !story.Stated("docker_gpus").empty()) return;
  const bool one = StartsOneWithoutGpu(story);
  if (!one && (story.smi_works || story.Saw("docker-gpus-flag"))) return;
  // NVIDIA's runtime may be the engine's default, where something else is wrong.
  s.States(one && story.only_stated, "command", "it is started without a GPU",
           story.Saw("stubs-on-path") ? kStrong : kDecisive);
  s.That(one && story.Saw(Shows::kDriverToolFails), "it is started without a GPU (docker run)", kDecisive);
  s.That(one && MissesDriverLibrary(story) && !story.Saw(Shows::kDriverToolFails) &&
             !story.Saw(Shows::kNoDevice),
         "it is started without a GPU (docker run)", kDecisive);
  s.That(one && story.Saw(Shows::kNoDevice), "it is started without a GPU (docker run)", kDecisive);
  s.Speaks("cuda-303", kStrong).Speaks("cuda-no-device", kStrong).Speaks("module-not-running", kStrong);
  s.Speaks("no-device-node", kStrong).Speaks("smi-missing", kStrong).Speaks("import-libcuda", kStrong);
  s.Speaks("says-no-libcuda", kStrong);
  if (s.any()) s.Wants(story.facts.device_access.nodes);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "docker-without-gpu-flag",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "The container was started without a GPU",
    .prior = 0.05,
    .explained_by = {{{"no-nvidia-gpu"}, {"link:kernel-driver"}, {"gpu-dropped-by-driver-branch"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The host has a GPU and its driver, but this container was started without them.

## How it is recognised

This is a container of Docker, Podman or containerd; the host's NVIDIA module is loaded, yet neither device nodes nor the driver's library are inside.

## How it happens

`docker run` without `--gpus all`, a compose file without a GPU reservation, or an IDE that starts the container its own way.

## What people say

"I forgot --gpus all", "docker compose without deploy.resources.reservations.devices", "with plain docker run no GPU", "nvidia-smi is not available inside the container", "started from the GUI", "the image says that the NVIDIA driver was not detected".

## How to fix it

docker run --gpus all IMAGE

The host needs the package `nvidia-container-toolkit`. In a compose file reserve the device (`deploy: resources: reservations: devices:` with `capabilities: [gpu]`).
)md",
};

}  // namespace tfdoctor::docker_without_gpu_flag
