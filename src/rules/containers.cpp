#include "rules/containers.h"

#include "base/text.h"

namespace tfdoctor {

bool IsGivenDevicesAtStart(const std::string& engine) {
  return engine != "kubernetes" && engine != "singularity" && engine != "apptainer";
}

std::vector<std::string> StartWithGpu(const std::string& engine) {
  if (engine == "podman") return {"podman run --device nvidia.com/gpu=all IMAGE"};
  if (engine == "containerd") return {"nerdctl run --gpus all IMAGE"};
  if (engine == "lxc") {
    return {"lxc config device add CONTAINER gpu gpu", "lxc config set CONTAINER nvidia.runtime true",
            "lxc config set CONTAINER nvidia.driver.capabilities compute,utility", "lxc restart CONTAINER"};
  }
  if (engine == "systemd-nspawn") {
    return {
        "systemd-nspawn -D FOLDER --bind=/dev/nvidia0 --bind=/dev/nvidiactl --bind=/dev/nvidia-uvm "
        "--property=DeviceAllow='/dev/nvidia0 rw' --property=DeviceAllow='/dev/nvidiactl rw' "
        "--property=DeviceAllow='/dev/nvidia-uvm rw' "
        "--bind-ro=LIBCUDA_OF_THE_HOST"};
  }
  if (engine == "flatpak") return {"flatpak run --device=all APPLICATION"};
  if (engine == "snap") return {"sudo snap connect SNAP:opengl"};
  if (engine == "singularity" || engine == "apptainer")
    return {engine + " exec --nv IMAGE.sif python program.py"};
  return {"docker run --gpus all IMAGE"};
}

std::vector<std::string> StartAgain(const std::string& engine) {
  if (engine == "kubernetes") return {"kubectl delete pod POD  # its controller starts another"};
  if (engine == "podman") return {"podman restart CONTAINER"};
  if (engine == "containerd") return {"nerdctl restart CONTAINER"};
  if (engine == "lxc") return {"lxc restart CONTAINER"};
  if (engine == "docker") return {"docker restart CONTAINER"};
  return StartWithGpu(engine);
}

bool StartsOneWithoutGpu(const LogStory& story) {
  bool without = false;
  for (const std::string& arguments : story.Fields("docker-run", "arguments")) {
    const auto has = [&](std::string_view part) { return arguments.find(part) != std::string::npos; };
    const bool asks_smi = has("nvidia-smi");
    const bool goes_on = arguments.ends_with('\\');  // in the next line
    if (has("--gpus") || has("--runtime") || has("--device") || goes_on) {
      if (!asks_smi) return false;
    } else {
      without = without || !asks_smi;
    }
  }
  return without;
}

bool DevicePluginGranted(const Facts& facts) {
  const std::string* value = facts.environment.Variable("NVIDIA_VISIBLE_DEVICES").Get();
  return value != nullptr && (value->starts_with("GPU-") || value->starts_with("MIG-"));
}

bool MayBeMeantForContainers(const Facts& facts) {
  if (facts.tensorflow.folder.state() != FactState::kAbsent ||
      facts.host.container.state() != FactState::kAbsent || facts.kernel_driver.version.Peek() == nullptr)
    return false;
  const auto* programs = facts.container_engine.programs.Peek();
  return programs != nullptr && !programs->empty();
}

Verdict PerhapsInContainers(const Facts& facts) {
  return Verdict::Open().Because(facts.container_engine.programs,
                                 "no TensorFlow is in this environment, and " +
                                     Join(*facts.container_engine.programs.Peek(), ", ") +
                                     " is installed: the program may be meant for a container",
                                 Strength::kWeak);
}

}  // namespace tfdoctor
