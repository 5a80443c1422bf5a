// One line for a link that holds: what is there, "NVIDIA GeForce RTX 4090, compute capability 8.9". Empty
// when nothing is there that could hold, as for the libraries of a TensorFlow that is not installed: then the
// link cannot be judged.
#pragma once

#include <string>

#include "diagnose/rule.h"

namespace tfdoctor {

std::string Summary(Link link, const Facts& facts);

}  // namespace tfdoctor
