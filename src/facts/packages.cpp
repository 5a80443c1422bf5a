#include "facts/packages.h"

#include <algorithm>

namespace tfdoctor {

bool StartsWithOne(std::string_view name, std::initializer_list<std::string_view> starts) {
  // Logs of package managers name thousands: most differ in the first letter.
  return std::any_of(starts.begin(), starts.end(), [&](std::string_view start) {
    return !name.empty() && name.front() == start.front() && name.starts_with(start);
  });
}

bool IsOfDriver(std::string_view name) {
  return StartsWithOne(name, {"nvidia-driver",
                              "nvidia-kernel",
                              "nvidia-dkms",
                              "nvidia-open",
                              "nvidia-utils",
                              "nvidia-compute",
                              "nvidia-graphics",
                              "nvidia-firmware",
                              "nvidia-fabricmanager",
                              "nvidia-modprobe",
                              "nvidia-smi",
                              "nvidia-lts",
                              "libnvidia",
                              "libcuda",
                              "linux-image",
                              "linux-modules-nvidia",
                              "linux-headers",
                              "linux-lts",
                              "kernel",
                              "cuda-drivers",
                              "cuda-compat",
                              "kmod-nvidia",
                              "akmod-nvidia",
                              "firmware-nvidia",
                              "dkms",
                              "xserver-xorg-video-nvidia",
                              "xorg-x11-drv-nvidia"}) ||
         name == "nvidia" || name == "linux";
}

bool IsOfContainers(std::string_view name) {
  return StartsWithOne(name, {"docker", "containerd", "podman", "nvidia-container", "libnvidia-container",
                              "crun", "runc", "nvidia-docker"});
}

bool IsOfPython(std::string_view name) {
  return StartsWithOne(name, {"tensorflow", "tf-", "tf_", "numpy", "protobuf", "keras", "ml-dtypes",
                              "ml_dtypes", "jax", "torch", "python3."});
}

bool IsOfCuda(std::string_view name) {
  return (StartsWithOne(name, {"cuda", "libcu", "libnccl", "libnpp", "nvidia-cu", "nvidia_cu", "nvidia-nccl",
                               "nvidia_nccl", "nvidia-nv", "nvidia_nv", "cudnn", "cudatoolkit"})) &&
         !IsOfDriver(name);
}

bool BearsOnGpu(std::string_view name) {
  return IsOfDriver(name) || IsOfContainers(name) || IsOfPython(name) || IsOfCuda(name);
}

}  // namespace tfdoctor
