#include "tensorflow/c_api.h"

#include <dlfcn.h>

#include <cstring>

namespace tfdoctor {

namespace {

template <class Function>
bool Find(const std::vector<void*>& handles, const char* name, Function& function) {
  for (void* handle : handles) {
    void* found = ::dlsym(handle, name);
    if (found == nullptr) continue;
    std::memcpy(&function, &found, sizeof function);
    return true;
  }
  return false;
}

}  // namespace

LoadFailure LoadCApi(const std::vector<std::string>& libraries, CApi& api) {
  std::vector<void*> handles;
  for (const std::string& library : libraries) {
    void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (handle == nullptr) {
      const char* why = ::dlerror();
      return {why == nullptr ? library + " cannot be opened" : why};
    }
    handles.push_back(handle);
  }
#define TFDOCTOR_FIND(result, name, parameters) \
  if (!Find(handles, #name, api.name)) return {"its libraries have no function " #name, true};
  TFDOCTOR_C_API(TFDOCTOR_FIND)
#undef TFDOCTOR_FIND
  return {};
}

}  // namespace tfdoctor
