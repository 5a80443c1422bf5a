#include "tensorflow/runtime.h"

namespace tfdoctor {

namespace {

// Fields of a protobuf message, as its encoding is documented.
constexpr int kNumber = 0;
constexpr int kBytes = 2;

std::string Varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  return bytes + static_cast<char>(value);
}

std::string Key(int field, int type) {
  return Varint(static_cast<uint64_t>(field) << 3 | static_cast<uint64_t>(type));
}
std::string Number(int field, uint64_t value) { return Key(field, kNumber) + Varint(value); }
std::string Message(int field, const std::string& bytes) {
  return Key(field, kBytes) + Varint(bytes.size()) + bytes;
}

}  // namespace

std::string ShortDevice(std::string_view name) {
  constexpr std::string_view kDevice = "device:";
  const size_t at = name.rfind(kDevice);
  return std::string(at == std::string_view::npos ? name : name.substr(at + kDevice.size()));
}

std::string FullDevice(const std::string& name) { return "/device:" + name; }

std::string Config::Bytes() const {
  std::string bytes;
  if (no_gpu) bytes += Message(1, Message(1, "GPU") + Number(2, 0));
  if (growth) bytes += Message(6, Number(4, 1));
  std::string graph;
  if (xla) graph += Message(3, Number(5, 2));
  if (unfused) graph += Message(10, Number(19, 1));
  if (!graph.empty()) bytes += Message(10, graph);
  return bytes;
}

void Runtime::Check(const char* asked, const TF_Status* status) const {
  const int code = api.TF_GetCode(status);
  if (code == kOk) return;
  throw TensorFlowError(code, std::string(asked) + ": " + api.TF_Message(status));
}

std::vector<float> Runtime::Values(const TF_Tensor* tensor) const {
  std::vector<float> values(api.TF_TensorByteSize(tensor) / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), api.TF_TensorData(tensor), values.size() * sizeof(float));
  return values;
}

}  // namespace tfdoctor
