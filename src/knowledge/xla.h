// What XLA demands of the tools of a CUDA toolkit.
#pragma once

#include <string>

namespace tfdoctor {

// Whether XLA of this TensorFlow runs a ptxas of this version; since 2.17 one that it refuses is passed over
// for the next. Source: FindPtxAsExecutable, in xla/stream_executor/gpu/asm_compiler.cc, later in
// xla/stream_executor/cuda/subprocess_compilation.cc.
bool XlaRunsPtxas(const std::string& tensorflow, const std::string& ptxas);

}  // namespace tfdoctor
