// TensorFlow's public C API, as far as the experiments need it. No header of TensorFlow is needed to build:
// the functions are declared here as tensorflow/c/c_api.h, tf_status.h, tf_tensor.h, tf_buffer.h and
// tensorflow/c/eager/c_api.h declare them, the same in releases 2.10 to 2.21, and found by name in the
// libraries of whatever TensorFlow is installed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tfdoctor {

// Opaque.
struct TF_Status;
struct TF_Tensor;
struct TF_DeviceList;
struct TF_Graph;
struct TF_Operation;
struct TF_OperationDescription;
struct TF_Session;
struct TF_SessionOptions;
struct TFE_ContextOptions;
struct TFE_Context;
struct TFE_Op;
struct TFE_TensorHandle;

struct TF_Buffer {
  const void* data;
  size_t length;
  void (*data_deallocator)(void* data, size_t length);
};

struct TF_Output {
  TF_Operation* oper;
  int index;
};

// TF_DataType
enum DataType : int { kFloat = 1, kInt32 = 3, kBfloat16 = 14, kHalf = 19 };
// TF_Code, the ones that are told apart.
enum Code : int { kOk = 0, kInvalidArgument = 3, kResourceExhausted = 8 };

// X(what it returns, name, parameters)
#define TFDOCTOR_C_API(X)                                                                                \
  X(const char*, TF_Version, ())                                                                         \
  X(TF_Buffer*, TF_NewBuffer, ())                                                                        \
  X(TF_Buffer*, TF_NewBufferFromString, (const void* bytes, size_t length))                              \
  X(void, TF_DeleteBuffer, (TF_Buffer*))                                                                 \
  X(TF_Status*, TF_NewStatus, ())                                                                        \
  X(void, TF_DeleteStatus, (TF_Status*))                                                                 \
  X(int, TF_GetCode, (const TF_Status*))                                                                 \
  X(const char*, TF_Message, (const TF_Status*))                                                         \
  X(TF_Tensor*, TF_AllocateTensor, (int type, const int64_t* shape, int dimensions, size_t bytes))       \
  X(void, TF_DeleteTensor, (TF_Tensor*))                                                                 \
  X(void*, TF_TensorData, (const TF_Tensor*))                                                            \
  X(size_t, TF_TensorByteSize, (const TF_Tensor*))                                                       \
  X(int, TF_DeviceListCount, (const TF_DeviceList*))                                                     \
  X(const char*, TF_DeviceListName, (const TF_DeviceList*, int index, TF_Status*))                       \
  X(const char*, TF_DeviceListType, (const TF_DeviceList*, int index, TF_Status*))                       \
  X(int64_t, TF_DeviceListMemoryBytes, (const TF_DeviceList*, int index, TF_Status*))                    \
  X(void, TF_DeleteDeviceList, (TF_DeviceList*))                                                         \
  X(TFE_ContextOptions*, TFE_NewContextOptions, ())                                                      \
  X(void, TFE_ContextOptionsSetConfig, (TFE_ContextOptions*, const void* proto, size_t, TF_Status*))     \
  X(void, TFE_DeleteContextOptions, (TFE_ContextOptions*))                                               \
  X(TFE_Context*, TFE_NewContext, (const TFE_ContextOptions*, TF_Status*))                               \
  X(TF_DeviceList*, TFE_ContextListDevices, (TFE_Context*, TF_Status*))                                  \
  X(TFE_Op*, TFE_NewOp, (TFE_Context*, const char* type, TF_Status*))                                    \
  X(void, TFE_DeleteOp, (TFE_Op*))                                                                       \
  X(void, TFE_OpSetDevice, (TFE_Op*, const char* device, TF_Status*))                                    \
  X(void, TFE_OpAddInput, (TFE_Op*, TFE_TensorHandle*, TF_Status*))                                      \
  X(void, TFE_OpSetAttrType, (TFE_Op*, const char* name, int type))                                      \
  X(void, TFE_OpSetAttrInt, (TFE_Op*, const char* name, int64_t))                                        \
  X(void, TFE_OpSetAttrBool, (TFE_Op*, const char* name, unsigned char))                                 \
  X(void, TFE_Execute, (TFE_Op*, TFE_TensorHandle * *results, int* count, TF_Status*))                   \
  X(TFE_TensorHandle*, TFE_NewTensorHandle, (const TF_Tensor*, TF_Status*))                              \
  X(void, TFE_DeleteTensorHandle, (TFE_TensorHandle*))                                                   \
  X(const char*, TFE_TensorHandleDeviceName, (TFE_TensorHandle*, TF_Status*))                            \
  X(TF_Tensor*, TFE_TensorHandleResolve, (TFE_TensorHandle*, TF_Status*))                                \
  X(TF_Graph*, TF_NewGraph, ())                                                                          \
  X(TF_OperationDescription*, TF_NewOperation, (TF_Graph*, const char* type, const char* name))          \
  X(void, TF_SetDevice, (TF_OperationDescription*, const char* device))                                  \
  X(void, TF_AddInput, (TF_OperationDescription*, TF_Output))                                            \
  X(void, TF_SetAttrString, (TF_OperationDescription*, const char* name, const void* text, size_t))      \
  X(void, TF_SetAttrInt, (TF_OperationDescription*, const char* name, int64_t))                          \
  X(void, TF_SetAttrIntList, (TF_OperationDescription*, const char* name, const int64_t*, int count))    \
  X(void, TF_SetAttrBool, (TF_OperationDescription*, const char* name, unsigned char))                   \
  X(void, TF_SetAttrType, (TF_OperationDescription*, const char* name, int type))                        \
  X(void, TF_SetAttrShape, (TF_OperationDescription*, const char* name, const int64_t*, int dimensions)) \
  X(void, TF_SetAttrTensor, (TF_OperationDescription*, const char* name, TF_Tensor*, TF_Status*))        \
  X(TF_Operation*, TF_FinishOperation, (TF_OperationDescription*, TF_Status*))                           \
  X(TF_SessionOptions*, TF_NewSessionOptions, ())                                                        \
  X(void, TF_SetConfig, (TF_SessionOptions*, const void* proto, size_t, TF_Status*))                     \
  X(void, TF_DeleteSessionOptions, (TF_SessionOptions*))                                                 \
  X(TF_Session*, TF_NewSession, (TF_Graph*, const TF_SessionOptions*, TF_Status*))                       \
  X(void, TF_SessionRun,                                                                                 \
    (TF_Session*, const TF_Buffer* options, const TF_Output* inputs, TF_Tensor* const* input_values,     \
     int input_count, const TF_Output* outputs, TF_Tensor** output_values, int output_count,             \
     const TF_Operation* const* targets, int target_count, TF_Buffer* metadata, TF_Status*))

struct CApi {
#define TFDOCTOR_DECLARE(result, name, parameters) result(*name) parameters = nullptr;
  TFDOCTOR_C_API(TFDOCTOR_DECLARE)
#undef TFDOCTOR_DECLARE
};

struct LoadFailure {
  std::string why;      // empty: all are there
  bool opened = false;  // the libraries were opened, and lack a function
};
// Opens the libraries in this order, for all that comes after them as Python's import does (RTLD_NOW,
// RTLD_GLOBAL), and finds every function in them.
LoadFailure LoadCApi(const std::vector<std::string>& libraries, CApi& api);

}  // namespace tfdoctor
