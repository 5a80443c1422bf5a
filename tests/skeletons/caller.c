// The code in a skeleton of libtensorflow_framework.so.2: ld.so searches on behalf of the object whose code
// calls dlopen, so the call must come from here. TensorFlow opens with these flags
// (tsl/platform/default/load_library.cc).
#include <dlfcn.h>

void* skeleton_open(const char* name) {
  // Not `return dlopen(…)`: as a tail call it would be a jump, and ld.so would take our caller for its own.
  void* volatile handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  return handle;
}
