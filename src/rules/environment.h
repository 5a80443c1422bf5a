// What several rules ask of the environment of the program.
#pragma once

#include "facts/facts.h"

namespace tfdoctor {

// This interpreter has no TensorFlow for certain: none is found, and all that could bring one was understood.
bool LacksTensorFlow(const Facts& facts);

}  // namespace tfdoctor
