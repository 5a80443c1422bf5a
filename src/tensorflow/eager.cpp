#include "tensorflow/eager.h"

namespace tfdoctor {

Eager::Eager(const Runtime& runtime, const Config& config) : runtime_(runtime) {
  const CApi& api = runtime.api;
  const Owned<TFE_ContextOptions> options{api.TFE_NewContextOptions(), {api.TFE_DeleteContextOptions}};
  const std::string bytes = config.Bytes();
  runtime.Call("the configuration of the devices", api.TFE_ContextOptionsSetConfig, options.get(),
               static_cast<const void*>(bytes.data()), bytes.size());
  context_ = runtime.Call("creating the devices", api.TFE_NewContext,
                          static_cast<const TFE_ContextOptions*>(options.get()));
}

std::vector<LogicalDevice> Eager::Devices() const {
  const CApi& api = runtime_.api;
  const Owned<TF_DeviceList> list{runtime_.Call("listing the devices", api.TFE_ContextListDevices, context_),
                                  {api.TF_DeleteDeviceList}};
  std::vector<LogicalDevice> devices;
  const TF_DeviceList* of = list.get();
  for (int i = 0; i < api.TF_DeviceListCount(of); i++) {
    devices.push_back({ShortDevice(runtime_.Call("a device", api.TF_DeviceListName, of, i)),
                       runtime_.Call("a device", api.TF_DeviceListMemoryBytes, of, i)});
  }
  return devices;
}

Eager::Value Eager::Put(const TF_Tensor* tensor) const {
  return {runtime_.Call("a tensor", runtime_.api.TFE_NewTensorHandle, tensor),
          {runtime_.api.TFE_DeleteTensorHandle}};
}

Eager::Value Eager::Run(const char* type, const std::string& device,
                        const std::vector<TFE_TensorHandle*>& inputs, const Attributes& attributes) const {
  const CApi& api = runtime_.api;
  const std::string asked = std::string(type) + " on " + device;
  const Owned<TFE_Op> op{runtime_.Call(asked.c_str(), api.TFE_NewOp, context_, type), {api.TFE_DeleteOp}};
  runtime_.Call(asked.c_str(), api.TFE_OpSetDevice, op.get(), FullDevice(device).c_str());
  for (TFE_TensorHandle* input : inputs) runtime_.Call(asked.c_str(), api.TFE_OpAddInput, op.get(), input);
  if (attributes) attributes(api, op.get());
  TFE_TensorHandle* result = nullptr;
  int count = 1;
  runtime_.Call(asked.c_str(), api.TFE_Execute, op.get(), &result, &count);
  return {result, {api.TFE_DeleteTensorHandle}};
}

std::string Eager::DeviceOf(TFE_TensorHandle* value) const {
  return ShortDevice(runtime_.Call("the device of a result", runtime_.api.TFE_TensorHandleDeviceName, value));
}

std::vector<float> Eager::Get(TFE_TensorHandle* value) const {
  const Owned<TF_Tensor> tensor{
      runtime_.Call("reading a result", runtime_.api.TFE_TensorHandleResolve, value),
      {runtime_.api.TF_DeleteTensor}};
  return runtime_.Values(tensor.get());
}

Eager::Value Eager::Normal(const std::string& device, int32_t rows, int32_t columns, int64_t seed) const {
  const Value shape = Put(runtime_.Tensor(kInt32, {2}, std::vector<int32_t>{rows, columns}).get());
  return Run("RandomStandardNormal", device, {shape.get()}, [seed](const CApi& api, TFE_Op* op) {
    api.TFE_OpSetAttrType(op, "dtype", kFloat);
    api.TFE_OpSetAttrInt(op, "seed", seed);
    api.TFE_OpSetAttrInt(op, "seed2", 1);
  });
}

Eager::Value Eager::Cast(const std::string& device, TFE_TensorHandle* value, DataType to) const {
  return Run("Cast", device, {value},
             [to](const CApi& api, TFE_Op* op) { api.TFE_OpSetAttrType(op, "DstT", to); });
}

}  // namespace tfdoctor
