// A stand-in for libcudart.so.12 and libcudart.so.11.0 over the stand-in for libcuda.so.1. The real libcudart
// refuses a driver that does not answer its private tables (cuGetExportTable), so a test that goes further
// than listing the GPU puts this one first on the search path. Every other exported function is made from
// libcudart-12.txt or libcudart-11.txt. Written from the public documentation of the CUDA runtime.
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes/faults.h"

namespace {

constexpr int kInsufficientDriver = 35;

thread_local int device = 0;
thread_local int last_error = 0;

// Calls a function of libcuda.so.1, which the real one opens in the same way.
template <class... Arguments>
int Driver(const char* name, Arguments... arguments) {
  static void* library = nullptr;
  if (library == nullptr) library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
  void* function = library != nullptr ? dlsym(library, name) : nullptr;
  if (function == nullptr) return kInsufficientDriver;
  return reinterpret_cast<int (*)(Arguments...)>(function)(arguments...);
}

// Error codes of the driver and of the runtime are the same since CUDA 10.1.
int Remember(int error) {
  if (error != 0) last_error = error;
  return error;
}

// Starts the driver once and checks that it is new enough for this runtime, as the real one does.
int Start() {
  static int result = -1;
  if (result >= 0) return result;
  result = Driver("cuInit", 0U);
  int version = 0;
  if (result == 0) result = Driver("cuDriverGetVersion", &version);
  if (result == 0 && version / 1000 < FAKE_CUDART_VERSION / 1000) result = kInsufficientDriver;
  return result;
}

int UseDevice() {
  if (const int error = Start()) return error;
  void* context = nullptr;
  if (const int error = Driver("cuDevicePrimaryCtxRetain", &context, device)) return error;
  return Driver("cuCtxSetCurrent", context);
}

int DriverAttribute(int attribute, int of_device) {
  int value = 0;
  Driver("cuDeviceGetAttribute", &value, attribute, of_device);
  return value;
}

// cudaDeviceProp up to the fields that TensorFlow reads; the layout is the same in CUDA 11 and 12.
struct Properties {
  char name[256];
  char uuid[16];
  char luid[8];
  unsigned luid_mask;
  size_t total_memory;
  size_t shared_memory_per_block;
  int registers_per_block;
  int warp_size;
  size_t pitch;
  int threads_per_block;
  int block_size[3];
  int grid_size[3];
  int clock_rate;
  size_t constant_memory;
  int major;
  int minor;
  size_t texture_alignment;
  size_t texture_pitch_alignment;
  int device_overlap;
  int multiprocessors;
};
static_assert(offsetof(Properties, total_memory) == 288 && offsetof(Properties, multiprocessors) == 388);

void Describe(Properties* properties, int of_device) {
  *properties = Properties{};
  snprintf(properties->name, sizeof properties->name, "%s", fakes::Text("FAKE_GPU_NAME", "Fake GPU"));
  properties->total_memory = fakes::TotalMemory();
  properties->shared_memory_per_block = static_cast<size_t>(DriverAttribute(8, of_device));
  properties->registers_per_block = DriverAttribute(12, of_device);
  properties->warp_size = DriverAttribute(10, of_device);
  properties->threads_per_block = DriverAttribute(1, of_device);
  for (int i = 0; i < 3; ++i) {
    properties->block_size[i] = DriverAttribute(2 + i, of_device);
    properties->grid_size[i] = DriverAttribute(5 + i, of_device);
  }
  properties->multiprocessors = DriverAttribute(16, of_device);
  fakes::ComputeCapability(&properties->major, &properties->minor);
}

}  // namespace

FAKE_EXPORT int cudaRuntimeGetVersion(int* version) {
  FAKE_ENTER();
  *version = FAKE_CUDART_VERSION;
  return 0;
}

FAKE_EXPORT int cudaDriverGetVersion(int* version) {
  FAKE_ENTER();
  return Remember(Driver("cuDriverGetVersion", version));
}

FAKE_EXPORT int cudaGetDeviceCount(int* count) {
  FAKE_ENTER();
  if (const int error = Start()) return Remember(error);
  return Remember(Driver("cuDeviceGetCount", count));
}

FAKE_EXPORT int cudaGetDevice(int* current) {
  FAKE_ENTER();
  if (const int error = Start()) return Remember(error);
  *current = device;
  return 0;
}

FAKE_EXPORT int cudaSetDevice(int to) {
  FAKE_ENTER();
  device = to;
  return Remember(UseDevice());
}

FAKE_EXPORT int cudaDeviceGetAttribute(int* value, int attribute, int of_device) {
  FAKE_ENTER();
  return Remember(Driver("cuDeviceGetAttribute", value, attribute, of_device));
}

FAKE_EXPORT int cudaGetDeviceProperties(Properties* properties, int of_device) {
  FAKE_ENTER();
  Describe(properties, of_device);
  return 0;
}

FAKE_EXPORT int cudaGetDeviceProperties_v2(Properties* properties, int of_device) {
  FAKE_ENTER();
  Describe(properties, of_device);
  return 0;
}

FAKE_EXPORT int cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  FAKE_ENTER();
  return Remember(Driver("cuCtxGetStreamPriorityRange", least, greatest));
}

FAKE_EXPORT int cudaDeviceSynchronize() {
  FAKE_ENTER();
  return Remember(Driver("cuCtxSynchronize"));
}

// --- errors
// -----------------------------------------------------------------------------------------------------------

FAKE_EXPORT int cudaGetLastError() {
  const int error = last_error;
  last_error = 0;
  return error;
}

FAKE_EXPORT int cudaPeekAtLastError() { return last_error; }

FAKE_EXPORT const char* cudaGetErrorString(int code) {
  if (code == kInsufficientDriver) return "CUDA driver version is insufficient for CUDA runtime version";
  const char* text = nullptr;
  Driver("cuGetErrorString", code, &text);
  return text != nullptr ? text : "unrecognized error code";
}

FAKE_EXPORT const char* cudaGetErrorName(int code) {
  if (code == kInsufficientDriver) return "cudaErrorInsufficientDriver";
  const char* name = nullptr;
  Driver("cuGetErrorName", code, &name);
  return name != nullptr ? name : "cudaErrorUnknown";
}

// --- memory and streams
// -----------------------------------------------------------------------------------------------

FAKE_EXPORT int cudaMemGetInfo(size_t* free_bytes, size_t* total_bytes) {
  FAKE_ENTER();
  return Remember(Driver("cuMemGetInfo_v2", free_bytes, total_bytes));
}

FAKE_EXPORT int cudaMalloc(void** pointer, size_t size) {
  FAKE_ENTER();
  return Remember(Driver("cuMemAlloc_v2", pointer, size));
}

FAKE_EXPORT int cudaFree(void* pointer) {
  FAKE_ENTER();
  // cudaFree(nullptr) is the customary way to start the runtime.
  return Remember(pointer == nullptr ? UseDevice() : Driver("cuMemFree_v2", pointer));
}

FAKE_EXPORT int cudaMemcpyAsync(void* to, const void* from, size_t size, int, void*) {
  FAKE_ENTER();
  memmove(to, from, size);
  return 0;
}

FAKE_EXPORT int cudaMemsetAsync(void* to, int value, size_t size, void*) {
  FAKE_ENTER();
  memset(to, value, size);
  return 0;
}

FAKE_EXPORT int cudaStreamCreateWithFlags(void** stream, unsigned flags) {
  FAKE_ENTER();
  return Remember(Driver("cuStreamCreate", stream, flags));
}

FAKE_EXPORT int cudaStreamSynchronize(void* stream) {
  FAKE_ENTER();
  return Remember(Driver("cuStreamSynchronize", stream));
}

FAKE_EXPORT int cudaStreamIsCapturing(void*, int* capturing) {
  FAKE_ENTER();
  *capturing = 0;
  return 0;
}

// --- kernels, which do nothing
// ----------------------------------------------------------------------------------------

struct Dimensions {
  unsigned x, y, z;
};

FAKE_EXPORT int cudaLaunchKernel(const void* function, Dimensions grid, Dimensions block, void** arguments,
                                 size_t shared_memory, void* stream) {
  FAKE_ENTER();
  return Remember(Driver("cuLaunchKernel", function, grid.x, grid.y, grid.z, block.x, block.y, block.z,
                         static_cast<unsigned>(shared_memory), stream, arguments, nullptr));
}

FAKE_EXPORT int cudaFuncGetAttributes(void* attributes, const void*) {
  FAKE_ENTER();
  memset(attributes, 0, 128);
  static_cast<int*>(attributes)[6] = 1024;  // maxThreadsPerBlock
  return 0;
}

FAKE_EXPORT int cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void*, int, size_t) {
  FAKE_ENTER();
  *blocks = 2;
  return 0;
}

// What the code that nvcc generates calls when a program with kernels is loaded and when it launches one.
FAKE_EXPORT void** __cudaRegisterFatBinary(void*) {
  static void* handle = nullptr;
  return &handle;
}

FAKE_EXPORT char __cudaInitModule(void**) { return 1; }

FAKE_EXPORT int __cudaPopCallConfiguration(Dimensions* grid, Dimensions* block, size_t* shared_memory,
                                           void** stream) {
  *grid = {1, 1, 1};
  *block = {32, 1, 1};
  *shared_memory = 0;
  *stream = nullptr;
  return 0;
}
