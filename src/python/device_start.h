// What starts TensorFlow's devices, by the name of what a program calls.
#pragma once

#include <string_view>

namespace tfdoctor {

// The more it does, the later: kDevices asks the driver as well.
enum class Wakes {
  kNothing,        // neither the driver is asked nor a device created
  kPerhapsDriver,  // no device of TensorFlow; the driver perhaps
  kDriver,         // cuInit() is called, which reads CUDA_VISIBLE_DEVICES; TensorFlow can still be configured
  kPerhapsDevices,  // not known
  kDevices,         // from then on TensorFlow's settings are refused
};

// `function` is "tensorflow.config.list_physical_devices", "torch.cuda.is_available", a class as well.
// `symbolic`: the program has made inputs of a network by now, for which a function only notes that it is to
// be computed.
Wakes WhatItWakes(std::string_view function, bool symbolic);

// Whether TensorFlow is known to have something of this name, "config", which `from tensorflow import *`
// binds.
bool IsOfTensorFlow(std::string_view name);

}  // namespace tfdoctor
