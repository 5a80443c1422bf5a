// Before 2.13 the C API of TensorFlow's wheels lies in _pywrap_tensorflow_internal.so, which is a module of
// Python: it opens only where Python's own symbols are defined. None of them is used by what the C API does
// (a test with real wheels shows it), so a library that merely has them will do.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "system/system.h"

namespace tfdoctor {

// The bytes of a shared library that defines each symbol of Python that one of these files leaves undefined:
// 1 KiB of zeros each, so that a function that is called after all ends the process. Empty: they need none.
Result<std::string> PythonStandIn(const System& system, const std::vector<std::string>& files);

}  // namespace tfdoctor
