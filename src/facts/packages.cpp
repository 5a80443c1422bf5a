#include "facts/packages.h"

#include <algorithm>
#include <span>

namespace tfdoctor {

namespace {

// Not made anew for each of thousands of packages.
constexpr std::string_view kOfDriver[] = {"nvidia-driver",
                                          "nvidia-kernel",
                                          "nvidia-dkms",
                                          "nvidia-open",
                                          "nvidia-utils",
                                          "nvidia-compute",
                                          "nvidia-graphics",
                                          "nvidia-firmware",
                                          "nvidia-fabricmanager",
                                          "nvidia-modprobe",
                                          "nvidia-x11-drv",
                                          "nvidia-kmod",
                                          "nvidia-video-G",
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
                                          "xorg-x11-drv-nvidia"};
constexpr std::string_view kOfContainers[] = {
    "docker", "containerd", "podman",       "nvidia-container", "libnvidia-container",
    "crun",   "runc",       "nvidia-docker"};
constexpr std::string_view kOfPython[] = {"tensorflow", "tf-",       "tf_", "numpy", "protobuf", "keras",
                                          "ml-dtypes",  "ml_dtypes", "jax", "torch", "python3."};
constexpr std::string_view kOfCuda[] = {"cuda",      "libcu",     "libnccl",     "libnpp",
                                        "nvidia-cu", "nvidia_cu", "nvidia-nccl", "nvidia_nccl",
                                        "nvidia-nv", "nvidia_nv", "cudnn",       "cudatoolkit"};

bool AnyStarts(std::string_view name, std::span<const std::string_view> starts) {
  // Logs of package managers name thousands: most differ in the first letter.
  return !name.empty() && std::any_of(starts.begin(), starts.end(), [&](std::string_view start) {
    return name.front() == start.front() && name.starts_with(start);
  });
}

}  // namespace

bool StartsWithOne(std::string_view name, std::initializer_list<std::string_view> starts) {
  return AnyStarts(name, {starts.begin(), starts.size()});
}

bool IsOfDriver(std::string_view name) {
  return AnyStarts(name, kOfDriver) || name == "nvidia" || name == "linux";
}

bool IsOfContainers(std::string_view name) { return AnyStarts(name, kOfContainers); }

bool IsOfPython(std::string_view name) { return AnyStarts(name, kOfPython); }

bool IsOfCuda(std::string_view name) { return AnyStarts(name, kOfCuda) && !IsOfDriver(name); }

bool BearsOnGpu(std::string_view name) {
  return IsOfDriver(name) || IsOfContainers(name) || IsOfPython(name) || IsOfCuda(name);
}

}  // namespace tfdoctor
