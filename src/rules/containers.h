// What several rules about containers need.
#pragma once

#include <string>
#include <vector>

#include "diagnose/rule.h"
#include "diagnose/signs.h"

namespace tfdoctor {

// An engine whose containers get the GPU when they are started with it: all but Kubernetes and
// Singularity/Apptainer, which have rules of their own.
bool IsGivenDevicesAtStart(const std::string& engine);
// The command that starts a container of this engine with the GPU: "docker run --gpus all IMAGE".
std::vector<std::string> StartWithGpu(const std::string& engine);

// The command that starts a running one again, so that it is given its devices anew.
std::vector<std::string> StartAgain(const std::string& engine);

// The log starts a container without a GPU, whatever others it starts with one only to ask nvidia-smi.
bool StartsOneWithoutGpu(const LogStory& story);

// Inside a pod of Kubernetes: the device plugin granted a GPU, which it names by UUID. An image says "all" or
// "void", a person "0".
bool DevicePluginGranted(const Facts& facts);

// Outside any container: no TensorFlow is in this environment, the driver is loaded and a container engine is
// installed, so that the program may be meant to run in a container. Why that would fail can only be
// supposed.
bool MayBeMeantForContainers(const Facts& facts);
// The sign that such a rule starts with.
Verdict PerhapsInContainers(const Facts& facts);

}  // namespace tfdoctor
