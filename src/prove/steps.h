// The steps as a program for the user's own Python (src/prove/steps.py), where TensorFlow's C API cannot be
// had.
#pragma once

#include <string_view>

namespace tfdoctor {

std::string_view PythonSteps();

}  // namespace tfdoctor
