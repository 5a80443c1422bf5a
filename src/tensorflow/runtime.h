// What the experiments need of the C API, with owners for its objects and errors as exceptions.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tensorflow/c_api.h"

namespace tfdoctor {

// What a function of TensorFlow said by its status.
struct TensorFlowError : std::runtime_error {
  TensorFlowError(int of_code, const std::string& what_it_said)
      : runtime_error(what_it_said), code(of_code) {}
  int code;  // TF_Code
};

// "/job:localhost/replica:0/task:0/device:GPU:0" -> "GPU:0"
std::string ShortDevice(std::string_view name);
// "GPU:0" -> "/device:GPU:0"
std::string FullDevice(const std::string& name);

// The bytes of a ConfigProto (tensorflow/core/protobuf/config.proto).
struct Config {
  bool growth = false;   // gpu_options.allow_growth
  bool no_gpu = false;   // device_count["GPU"] = 0
  bool unfused = false;  // graph_options.rewrite_options.disable_meta_optimizer: operations keep their names
  bool xla = false;      // graph_options.optimizer_options.global_jit_level = ON_2
  std::string Bytes() const;
};

template <class T>
struct Owner {
  void (*give_back)(T*);
  void operator()(T* object) const {
    if (object != nullptr) give_back(object);
  }
};
template <class T>
using Owned = std::unique_ptr<T, Owner<T>>;

class Runtime {
 public:
  explicit Runtime(const CApi& functions) : api(functions) {}

  // Calls a function whose last parameter is a status; throws what it says.
  template <class... Parameters, class... Arguments>
  void Call(const char* asked, void (*function)(Parameters...), Arguments... arguments) const {
    const Owned<TF_Status> status{api.TF_NewStatus(), {api.TF_DeleteStatus}};
    function(arguments..., status.get());
    Check(asked, status.get());
  }
  template <class Result, class... Parameters, class... Arguments>
  Result Call(const char* asked, Result (*function)(Parameters...), Arguments... arguments) const {
    const Owned<TF_Status> status{api.TF_NewStatus(), {api.TF_DeleteStatus}};
    Result result = function(arguments..., status.get());
    Check(asked, status.get());
    return result;
  }

  template <class T>
  Owned<TF_Tensor> Tensor(int type, const std::vector<int64_t>& shape, const std::vector<T>& values) const {
    const size_t bytes = values.size() * sizeof(T);
    Owned<TF_Tensor> tensor{api.TF_AllocateTensor(type, shape.data(), static_cast<int>(shape.size()), bytes),
                            {api.TF_DeleteTensor}};
    if (tensor == nullptr) throw std::bad_alloc();
    if (bytes > 0) std::memcpy(api.TF_TensorData(tensor.get()), values.data(), bytes);
    return tensor;
  }
  Owned<TF_Tensor> Floats(const std::vector<int64_t>& shape, const std::vector<float>& values) const {
    return Tensor(kFloat, shape, values);
  }
  std::vector<float> Values(const TF_Tensor* tensor) const;

  const CApi& api;

 private:
  void Check(const char* asked, const TF_Status* status) const;
};

}  // namespace tfdoctor
