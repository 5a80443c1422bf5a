// What a package of a distribution, of conda or of pip is part of, by how its name begins.
#pragma once

#include <initializer_list>
#include <string_view>

namespace tfdoctor {

// Changes that lie further back are not told.
constexpr int kDaysOfChanges = 30;

bool StartsWithOne(std::string_view name, std::initializer_list<std::string_view> starts);

// Stands among packages for the kernel that a start of the machine put in force.
constexpr std::string_view kKernelInForce = "kernel in force";

bool IsOfDriver(std::string_view name);      // NVIDIA's driver and the kernel: "libnvidia-compute-570"
bool IsOfContainers(std::string_view name);  // "containerd.io"
bool IsOfPython(std::string_view name);      // Python, TensorFlow and what it needs: "python3.11", "numpy"
bool IsOfCuda(std::string_view name);        // "nvidia-cudnn-cu12", "libnccl2"
bool BearsOnGpu(std::string_view name);      // one of these

}  // namespace tfdoctor
