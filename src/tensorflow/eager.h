// Operations run one by one, as eager Python does, each on the device that it is told, with soft placement
// off: an operation that cannot run there fails instead of going elsewhere.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tensorflow/runtime.h"

namespace tfdoctor {

struct LogicalDevice {
  std::string name;          // "GPU:0"
  int64_t memory_limit = 0;  // bytes that TensorFlow would take of it
};

class Eager {
 public:
  using Value = Owned<TFE_TensorHandle>;
  using Attributes = std::function<void(const CApi&, TFE_Op*)>;

  Eager(const Runtime& runtime, const Config& config);

  std::vector<LogicalDevice> Devices() const;
  Value Put(const TF_Tensor* tensor) const;
  // The first result of one operation.
  Value Run(const char* type, const std::string& device, const std::vector<TFE_TensorHandle*>& inputs,
            const Attributes& attributes = {}) const;
  // The short name of the device that it was computed on.
  std::string DeviceOf(TFE_TensorHandle* value) const;
  // Waits until it is computed, and brings it here.
  std::vector<float> Get(TFE_TensorHandle* value) const;

  Value Normal(const std::string& device, int32_t rows, int32_t columns, int64_t seed) const;
  Value MatMul(const std::string& device, TFE_TensorHandle* a, TFE_TensorHandle* b) const {
    return Run("MatMul", device, {a, b});
  }
  Value Cast(const std::string& device, TFE_TensorHandle* value, DataType to) const;

 private:
  const Runtime& runtime_;
  // Never given back: the process ends, and a context that hangs when it is deleted would hide the result.
  TFE_Context* context_ = nullptr;
};

}  // namespace tfdoctor
