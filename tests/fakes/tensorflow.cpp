// A stand-in for TensorFlow's libraries: its C API as far as listing devices and adding two vectors goes, so
// that what happens around a TensorFlow (crashes, hangs, floods, wrong numbers) is tested in milliseconds and
// without wheels. Written from tensorflow/c/c_api.h and tensorflow/c/eager/c_api.h.
//
//   FAKE_TF_GPUS=0            GPUs that it lists
//   FAKE_TF_SUM_OFF=0         is added to each sum
//   FAKE_TF_LOAD=crash|abort  what happens when the library is opened
//   FAKE_GPU_FAULTS           as in faults.h, of the functions here: TFE_NewContext=hang, TFE_Execute=7 (the
//                             number is a TF_Code)
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes/faults.h"

namespace {

struct Status {
  int code;
  char message[256];
};

struct Tensor {
  size_t bytes;
  char data[];
};

struct Handle {
  Tensor* tensor;
  char device[64];
};

struct Op {
  char type[64];
  char device[64];
  Handle* inputs[2];
  int count;
};

constexpr const char* kPrefix = "/job:localhost/replica:0/task:0";

void Set(Status* status, int code, const char* message) {
  status->code = code;
  snprintf(status->message, sizeof status->message, "%s", message);
}

Tensor* NewTensor(size_t bytes) {
  auto* tensor = static_cast<Tensor*>(calloc(1, sizeof(Tensor) + bytes));
  tensor->bytes = bytes;
  return tensor;
}

// True: the function is told to fail, and has.
bool Failed(const char* function, Status* status) {
  const int code = fakes::Fault(function);
  if (code != 0) Set(status, code, "told to fail");
  return code != 0;
}

__attribute__((constructor)) void Load() {
  const char* what = fakes::Text("FAKE_TF_LOAD", "");
  if (strcmp(what, "crash") == 0) {
    signal(SIGSEGV, SIG_DFL);  // a sanitizer's own handler would tell another story
    raise(SIGSEGV);
  }
  if (strcmp(what, "abort") != 0) return;
  fprintf(stderr,
          "F0000 00:00:1795674754.233578   14509 fake.cc:1] Check failed: this library aborts on load\n");
  abort();
}

}  // namespace

FAKE_EXPORT const char* TF_Version() { return "2.99.0"; }

FAKE_EXPORT Status* TF_NewStatus() { return static_cast<Status*>(calloc(1, sizeof(Status))); }
FAKE_EXPORT void TF_DeleteStatus(Status* status) { free(status); }
FAKE_EXPORT int TF_GetCode(const Status* status) { return status->code; }
FAKE_EXPORT const char* TF_Message(const Status* status) { return status->message; }

FAKE_EXPORT Tensor* TF_AllocateTensor(int, const int64_t*, int, size_t bytes) { return NewTensor(bytes); }
FAKE_EXPORT void TF_DeleteTensor(Tensor* tensor) { free(tensor); }
FAKE_EXPORT void* TF_TensorData(Tensor* tensor) { return tensor->data; }
FAKE_EXPORT size_t TF_TensorByteSize(const Tensor* tensor) { return tensor->bytes; }

// --- devices: the CPU first
FAKE_EXPORT int TF_DeviceListCount(const void*) {
  return 1 + static_cast<int>(fakes::Number("FAKE_TF_GPUS", 0));
}
FAKE_EXPORT const char* TF_DeviceListName(const void*, int index, Status*) {
  static char name[64];
  snprintf(name, sizeof name, "%s/device:%s:%d", kPrefix, index == 0 ? "CPU" : "GPU",
           index == 0 ? 0 : index - 1);
  return name;
}
FAKE_EXPORT const char* TF_DeviceListType(const void*, int index, Status*) {
  return index == 0 ? "CPU" : "GPU";
}
FAKE_EXPORT int64_t TF_DeviceListMemoryBytes(const void*, int, Status*) { return 1 << 30; }
FAKE_EXPORT void TF_DeleteDeviceList(void*) {}

// --- operations
FAKE_EXPORT void* TFE_NewContextOptions() { return malloc(1); }
FAKE_EXPORT void TFE_ContextOptionsSetConfig(void*, const void*, size_t, Status*) {}
FAKE_EXPORT void TFE_DeleteContextOptions(void* options) { free(options); }
FAKE_EXPORT void* TFE_NewContext(const void*, Status* status) {
  return Failed("TFE_NewContext", status) ? nullptr : malloc(1);
}
FAKE_EXPORT void* TFE_ContextListDevices(void* context, Status* status) {
  return Failed("TFE_ContextListDevices", status) ? nullptr : context;
}

FAKE_EXPORT Op* TFE_NewOp(void*, const char* type, Status*) {
  auto* op = static_cast<Op*>(calloc(1, sizeof(Op)));
  snprintf(op->type, sizeof op->type, "%s", type);
  return op;
}
FAKE_EXPORT void TFE_DeleteOp(Op* op) { free(op); }
FAKE_EXPORT void TFE_OpSetDevice(Op* op, const char* device, Status*) {
  snprintf(op->device, sizeof op->device, "%s", device);
}
FAKE_EXPORT void TFE_OpAddInput(Op* op, Handle* input, Status*) {
  if (op->count < 2) op->inputs[op->count++] = input;
}

FAKE_EXPORT void TFE_OpSetAttrType(Op*, const char*, int) {}
FAKE_EXPORT void TFE_OpSetAttrInt(Op*, const char*, int64_t) {}
FAKE_EXPORT void TFE_OpSetAttrBool(Op*, const char*, unsigned char) {}

FAKE_EXPORT void TFE_Execute(Op* op, Handle** results, int* count, Status* status) {
  if (Failed("TFE_Execute", status)) return;
  if (strcmp(op->type, "AddV2") != 0) return Set(status, 12, "a stand-in for TensorFlow knows AddV2 only");
  auto* result = static_cast<Handle*>(calloc(1, sizeof(Handle)));
  snprintf(result->device, sizeof result->device, "%s%.30s", kPrefix, op->device);
  result->tensor = NewTensor(op->inputs[0]->tensor->bytes);
  const auto* a = reinterpret_cast<const float*>(op->inputs[0]->tensor->data);
  const auto* b = reinterpret_cast<const float*>(op->inputs[1]->tensor->data);
  auto* sum = reinterpret_cast<float*>(result->tensor->data);
  for (size_t i = 0; i < result->tensor->bytes / sizeof(float); ++i)
    sum[i] = a[i] + b[i] + static_cast<float>(fakes::Number("FAKE_TF_SUM_OFF", 0));
  *results = result;
  *count = 1;
}

FAKE_EXPORT Handle* TFE_NewTensorHandle(const Tensor* tensor, Status*) {
  auto* handle = static_cast<Handle*>(calloc(1, sizeof(Handle)));
  handle->tensor = NewTensor(tensor->bytes);
  memcpy(handle->tensor->data, tensor->data, tensor->bytes);
  return handle;
}
FAKE_EXPORT void TFE_DeleteTensorHandle(Handle* handle) {
  free(handle->tensor);
  free(handle);
}
FAKE_EXPORT const char* TFE_TensorHandleDeviceName(Handle* handle, Status*) { return handle->device; }
FAKE_EXPORT Tensor* TFE_TensorHandleResolve(Handle* handle, Status* status) {
  if (Failed("TFE_TensorHandleResolve", status)) return nullptr;
  Tensor* copy = NewTensor(handle->tensor->bytes);
  memcpy(copy->data, handle->tensor->data, copy->bytes);
  return copy;
}

#ifdef FAKE_NEEDS_PYTHON
// As a release before 2.13, whose library is a module of Python.
extern "C" {
extern long PyTuple_Type[];
void* PyErr_Occurred();
}
FAKE_EXPORT void* const needs_python[] = {static_cast<void*>(PyTuple_Type),
                                          reinterpret_cast<void*>(&PyErr_Occurred)};
#endif

// --- what is only looked up
#define FAKE_MISSING(name) \
  FAKE_EXPORT void name() { abort(); }
FAKE_MISSING(TF_NewBuffer)
FAKE_MISSING(TF_NewBufferFromString)
FAKE_MISSING(TF_DeleteBuffer)
FAKE_MISSING(TF_NewGraph)
FAKE_MISSING(TF_NewOperation)
FAKE_MISSING(TF_SetDevice)
FAKE_MISSING(TF_AddInput)
FAKE_MISSING(TF_SetAttrString)
FAKE_MISSING(TF_SetAttrInt)
FAKE_MISSING(TF_SetAttrIntList)
FAKE_MISSING(TF_SetAttrBool)
FAKE_MISSING(TF_SetAttrType)
FAKE_MISSING(TF_SetAttrShape)
FAKE_MISSING(TF_SetAttrTensor)
FAKE_MISSING(TF_FinishOperation)
FAKE_MISSING(TF_NewSessionOptions)
FAKE_MISSING(TF_SetConfig)
FAKE_MISSING(TF_DeleteSessionOptions)
FAKE_MISSING(TF_NewSession)
FAKE_MISSING(TF_SessionRun)
