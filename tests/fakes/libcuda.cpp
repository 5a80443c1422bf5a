// A stand-in for libcuda.so.1. What it has is what real TensorFlow (2.10, 2.15, 2.16, 2.20 and 2.21 were
// tried) needs to list a GPU and to create a device on it: "device" memory is host memory, kernels do
// nothing. Every other exported function of the real library is made from libcuda.txt. Written from the
// public documentation of the driver API.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "fakes/faults.h"

namespace {

enum Result : int {
  kInvalidValue = 1,
  kOutOfMemory = 2,
  kNotInitialized = 3,
  kNoDevice = 100,
  kInvalidDevice = 101,
  kInvalidContext = 201,
  kNotFound = 500,
  kNotSupported = 801,
};

using DevicePointer = uint64_t;

constexpr int kMostGpus = 16;

bool initialized = false;
int visible[kMostGpus];  // CUDA's index -> the GPU's
int visible_count = 0;

void ReadVisible() {
  visible_count = 0;
  const int count = fakes::GpuCount();
  const char* list = getenv("CUDA_VISIBLE_DEVICES");
  if (list == nullptr) {
    for (int gpu = 0; gpu < count; ++gpu) visible[visible_count++] = gpu;
    return;
  }
  while (visible_count < kMostGpus) {
    char* end = nullptr;
    const long gpu = strtol(list, &end, 10);
    if (end == list || gpu < 0 || gpu >= count) return;
    visible[visible_count++] = static_cast<int>(gpu);
    if (*end != ',') return;
    list = end + 1;
  }
}

struct Context {
  int device;
  unsigned references;
};

Context primary[kMostGpus];
thread_local Context* current = nullptr;
thread_local Context* stack[64];
thread_local int depth = 0;

// Something that a handle can point to.
void* NewHandle() { return calloc(1, 64); }

size_t used_memory = 0;

// A header in front of each allocation keeps its size; 512 is the alignment that the real driver gives.
constexpr size_t kHeader = 512;

int Allocate(size_t size, DevicePointer* pointer) {
  if (used_memory + size > fakes::FreeMemory()) return kOutOfMemory;
  void* memory = mmap(nullptr, size + kHeader, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return kOutOfMemory;
  *static_cast<size_t*>(memory) = size;
  used_memory += size;
  *pointer = reinterpret_cast<DevicePointer>(memory) + kHeader;
  return 0;
}

int Release(DevicePointer pointer) {
  if (pointer == 0) return 0;
  void* memory = reinterpret_cast<void*>(pointer - kHeader);
  const size_t size = *static_cast<size_t*>(memory);
  used_memory -= size;
  munmap(memory, size + kHeader);
  return 0;
}

template <class T>
int Fill(DevicePointer to, T value, size_t count) {
  for (size_t i = 0; i < count; ++i) reinterpret_cast<T*>(to)[i] = value;
  return 0;
}

int Copy(DevicePointer to, DevicePointer from, size_t size) {
  memmove(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), size);
  return 0;
}

DevicePointer Address(const void* pointer) { return reinterpret_cast<DevicePointer>(pointer); }

// CUdevice_attribute -> value, as an RTX 4060 has it. What is not listed is 0.
struct Attribute {
  int attribute;
  int value;
};
constexpr Attribute kAttributes[] = {
    {1, 1024},         // MAX_THREADS_PER_BLOCK
    {2, 1024},         // MAX_BLOCK_DIM_X
    {3, 1024},         // MAX_BLOCK_DIM_Y
    {4, 64},           // MAX_BLOCK_DIM_Z
    {5, 2147483647},   // MAX_GRID_DIM_X
    {6, 65535},        // MAX_GRID_DIM_Y
    {7, 65535},        // MAX_GRID_DIM_Z
    {8, 49152},        // MAX_SHARED_MEMORY_PER_BLOCK
    {9, 65536},        // TOTAL_CONSTANT_MEMORY
    {10, 32},          // WARP_SIZE
    {11, 2147483647},  // MAX_PITCH
    {12, 65536},       // MAX_REGISTERS_PER_BLOCK
    {13, 1500000},     // CLOCK_RATE
    {14, 512},         // TEXTURE_ALIGNMENT
    {15, 1},           // GPU_OVERLAP
    {19, 1},           // CAN_MAP_HOST_MEMORY
    {31, 1},           // CONCURRENT_KERNELS
    {36, 7000000},     // MEMORY_CLOCK_RATE
    {37, 256},         // GLOBAL_MEMORY_BUS_WIDTH
    {38, 4 << 20},     // L2_CACHE_SIZE
    {39, 1536},        // MAX_THREADS_PER_MULTIPROCESSOR
    {40, 2},           // ASYNC_ENGINE_COUNT
    {41, 1},           // UNIFIED_ADDRESSING
    {78, 1},           // STREAM_PRIORITIES_SUPPORTED
    {79, 1},           // GLOBAL_L1_CACHE_SUPPORTED
    {80, 1},           // LOCAL_L1_CACHE_SUPPORTED
    {81, 102400},      // MAX_SHARED_MEMORY_PER_MULTIPROCESSOR
    {82, 65536},       // MAX_REGISTERS_PER_MULTIPROCESSOR
    {83, 1},           // MANAGED_MEMORY
    {95, 1},           // COOPERATIVE_LAUNCH
    {97, 101376},      // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
    {106, 24},         // MAX_BLOCKS_PER_MULTIPROCESSOR
};

struct Error {
  int code;
  const char* name;
  const char* text;
};
constexpr Error kErrors[] = {
    {0, "CUDA_SUCCESS", "no error"},
    {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {34, "CUDA_ERROR_STUB_LIBRARY", "CUDA driver is a stub library"},
    {46, "CUDA_ERROR_DEVICE_UNAVAILABLE", "CUDA-capable device(s) is/are busy or unavailable"},
    {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {209, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"},
    {214, "CUDA_ERROR_ECC_UNCORRECTABLE", "uncorrectable ECC error encountered"},
    {218, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
     "the provided PTX was compiled with an unsupported toolchain."},
    {304, "CUDA_ERROR_OPERATING_SYSTEM", "OS call failed or operation not supported on this OS"},
    {400, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {500, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {800, "CUDA_ERROR_NOT_PERMITTED", "operation not permitted"},
    {801, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {802, "CUDA_ERROR_SYSTEM_NOT_READY", "system not yet initialized"},
    {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
     "system has unsupported display driver / cuda driver combination"},
    {804, "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE",
     "forward compatibility was attempted on non supported HW"},
    {999, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

const Error* FindError(int code) {
  for (const Error& error : kErrors) {
    if (error.code == code) return &error;
  }
  return nullptr;
}

// Several functions have a second form under the name with _v2, and a program that asks for the plain name by
// cuGetProcAddress gets that newer one.
void* FindFunction(const char* name) {
  static void* self = nullptr;
  if (self == nullptr) {
    Dl_info info;
    if (dladdr(reinterpret_cast<void*>(&FindFunction), &info) == 0) return nullptr;
    self = dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD);
  }
  if (self == nullptr) return nullptr;
  char newer[256];
  snprintf(newer, sizeof newer, "%s_v2", name);
  void* function = dlsym(self, newer);
  return function != nullptr ? function : dlsym(self, name);
}

}  // namespace

// --- start and devices
// ------------------------------------------------------------------------------------------------

FAKE_EXPORT int cuInit(unsigned) {
  FAKE_ENTER();
  ReadVisible();
  if (visible_count == 0) return kNoDevice;
  initialized = true;
  return 0;
}

FAKE_EXPORT int cuDriverGetVersion(int* version) {
  FAKE_ENTER();
  *version = static_cast<int>(fakes::Number("FAKE_GPU_CUDA", 12080));
  return 0;
}

FAKE_EXPORT int cuDeviceGetCount(int* count) {
  FAKE_ENTER();
  if (!initialized) return kNotInitialized;
  *count = fakes::Number("FAKE_GPU_COUNT", 1) < 0 ? -1 : visible_count;
  return 0;
}

FAKE_EXPORT int cuDeviceGet(int* device, int ordinal) {
  FAKE_ENTER();
  if (!initialized) return kNotInitialized;
  if (ordinal < 0 || ordinal >= visible_count) return kInvalidDevice;
  *device = ordinal;
  return 0;
}

FAKE_EXPORT int cuDeviceGetName(char* name, int size, int) {
  FAKE_ENTER();
  snprintf(name, static_cast<size_t>(size), "%s", fakes::Text("FAKE_GPU_NAME", "Fake GPU"));
  return 0;
}

FAKE_EXPORT int cuDeviceComputeCapability(int* major, int* minor, int) {
  FAKE_ENTER();
  fakes::ComputeCapability(major, minor);
  return 0;
}

FAKE_EXPORT int cuDeviceTotalMem_v2(size_t* bytes, int) {
  FAKE_ENTER();
  *bytes = fakes::TotalMemory();
  return 0;
}

FAKE_EXPORT int cuDeviceGetUuid_v2(char* uuid, int device) {
  FAKE_ENTER();
  memcpy(uuid, "FAKEGPU-0000000", 16);
  uuid[15] = static_cast<char>('0' + visible[device]);
  return 0;
}

FAKE_EXPORT int cuDeviceGetUuid(char* uuid, int device) { return cuDeviceGetUuid_v2(uuid, device); }

FAKE_EXPORT int cuDeviceGetPCIBusId(char* address, int size, int device) {
  FAKE_ENTER();
  snprintf(address, static_cast<size_t>(size), "0000:%02X:00.0", visible[device] + 1);
  return 0;
}

FAKE_EXPORT int cuDeviceGetAttribute(int* value, int attribute, int device) {
  FAKE_ENTER();
  int major = 0;
  int minor = 0;
  fakes::ComputeCapability(&major, &minor);
  *value = 0;
  switch (attribute) {
    case 16:  // MULTIPROCESSOR_COUNT
      *value = static_cast<int>(fakes::Number("FAKE_GPU_SMS", 20));
      return 0;
    case 33:  // PCI_BUS_ID
      *value = visible[device] + 1;
      return 0;
    case 75:  // COMPUTE_CAPABILITY_MAJOR
      *value = major;
      return 0;
    case 76:  // COMPUTE_CAPABILITY_MINOR
      *value = minor;
      return 0;
    default:
      break;
  }
  for (const Attribute& known : kAttributes) {
    if (known.attribute == attribute) *value = known.value;
  }
  return 0;
}

FAKE_EXPORT int cuDeviceCanAccessPeer(int* can, int, int) {
  FAKE_ENTER();
  *can = 0;
  return 0;
}

// --- contexts
// ---------------------------------------------------------------------------------------------------------

FAKE_EXPORT int cuDevicePrimaryCtxRetain(Context** context, int device) {
  FAKE_ENTER();
  if (!initialized) return kNotInitialized;
  if (device < 0 || device >= visible_count) return kInvalidDevice;
  if (device == fakes::Number("FAKE_GPU_NO_CONTEXT", -1)) return 999;
  primary[device].device = device;
  ++primary[device].references;
  *context = &primary[device];
  return 0;
}

FAKE_EXPORT int cuDevicePrimaryCtxGetState(int device, unsigned* flags, int* active) {
  FAKE_ENTER();
  *flags = 0;
  *active = primary[device].references > 0;
  return 0;
}

FAKE_EXPORT int cuCtxGetCurrent(Context** context) {
  FAKE_ENTER();
  *context = current;
  return 0;
}

FAKE_EXPORT int cuCtxSetCurrent(Context* context) {
  FAKE_ENTER();
  current = context;
  return 0;
}

FAKE_EXPORT int cuCtxPushCurrent_v2(Context* context) {
  FAKE_ENTER();
  if (depth < 64) stack[depth++] = current;
  current = context;
  return 0;
}

FAKE_EXPORT int cuCtxPopCurrent_v2(Context** context) {
  FAKE_ENTER();
  if (context != nullptr) *context = current;
  current = depth > 0 ? stack[--depth] : nullptr;
  return 0;
}

FAKE_EXPORT int cuCtxGetDevice(int* device) {
  FAKE_ENTER();
  if (current == nullptr) return kInvalidContext;
  *device = current->device;
  return 0;
}

FAKE_EXPORT int cuCtxGetStreamPriorityRange(int* least, int* greatest) {
  FAKE_ENTER();
  if (least != nullptr) *least = 0;
  if (greatest != nullptr) *greatest = -5;
  return 0;
}

// --- memory
// -----------------------------------------------------------------------------------------------------------

FAKE_EXPORT int cuMemGetInfo_v2(size_t* free_bytes, size_t* total_bytes) {
  FAKE_ENTER();
  *total_bytes = fakes::TotalMemory();
  *free_bytes = fakes::FreeMemory() > used_memory ? fakes::FreeMemory() - used_memory : 0;
  return 0;
}

FAKE_EXPORT int cuMemAlloc_v2(DevicePointer* pointer, size_t size) {
  FAKE_ENTER();
  return Allocate(size, pointer);
}

FAKE_EXPORT int cuMemAllocAsync(DevicePointer* pointer, size_t size, void*) {
  FAKE_ENTER();
  return Allocate(size, pointer);
}

FAKE_EXPORT int cuMemFree_v2(DevicePointer pointer) {
  FAKE_ENTER();
  return Release(pointer);
}

FAKE_EXPORT int cuMemFreeAsync(DevicePointer pointer, void*) {
  FAKE_ENTER();
  return Release(pointer);
}

FAKE_EXPORT int cuMemHostAlloc(void** pointer, size_t size, unsigned) {
  FAKE_ENTER();
  *pointer = malloc(size);
  return *pointer != nullptr ? 0 : kOutOfMemory;
}

FAKE_EXPORT int cuMemFreeHost(void* pointer) {
  FAKE_ENTER();
  free(pointer);
  return 0;
}

FAKE_EXPORT int cuMemcpyHtoD_v2(DevicePointer to, const void* from, size_t size) {
  FAKE_ENTER();
  return Copy(to, Address(from), size);
}

FAKE_EXPORT int cuMemcpyHtoDAsync_v2(DevicePointer to, const void* from, size_t size, void*) {
  FAKE_ENTER();
  return Copy(to, Address(from), size);
}

FAKE_EXPORT int cuMemcpyDtoH_v2(void* to, DevicePointer from, size_t size) {
  FAKE_ENTER();
  return Copy(Address(to), from, size);
}

FAKE_EXPORT int cuMemcpyDtoHAsync_v2(void* to, DevicePointer from, size_t size, void*) {
  FAKE_ENTER();
  return Copy(Address(to), from, size);
}

FAKE_EXPORT int cuMemcpyDtoDAsync_v2(DevicePointer to, DevicePointer from, size_t size, void*) {
  FAKE_ENTER();
  return Copy(to, from, size);
}

FAKE_EXPORT int cuMemsetD8Async(DevicePointer to, uint8_t value, size_t count, void*) {
  FAKE_ENTER();
  return Fill(to, value, count);
}

FAKE_EXPORT int cuMemsetD32Async(DevicePointer to, uint32_t value, size_t count, void*) {
  FAKE_ENTER();
  return Fill(to, value, count);
}

// --- streams and events
// -----------------------------------------------------------------------------------------------

FAKE_EXPORT int cuStreamCreate(void** stream, unsigned) {
  FAKE_ENTER();
  *stream = NewHandle();
  return 0;
}

FAKE_EXPORT int cuStreamCreateWithPriority(void** stream, unsigned, int) {
  FAKE_ENTER();
  *stream = NewHandle();
  return 0;
}

FAKE_EXPORT int cuStreamDestroy_v2(void* stream) {
  FAKE_ENTER();
  free(stream);
  return 0;
}

FAKE_EXPORT int cuStreamIsCapturing(void*, int* capturing) {
  FAKE_ENTER();
  *capturing = 0;
  return 0;
}

FAKE_EXPORT int cuLaunchHostFunc(void*, void (*function)(void*), void* data) {
  FAKE_ENTER();
  function(data);
  return 0;
}

FAKE_EXPORT int cuEventCreate(timespec** event, unsigned) {
  FAKE_ENTER();
  *event = static_cast<timespec*>(NewHandle());
  return 0;
}

FAKE_EXPORT int cuEventRecord(timespec* event, void*) {
  FAKE_ENTER();
  clock_gettime(CLOCK_MONOTONIC, event);
  return 0;
}

FAKE_EXPORT int cuEventElapsedTime(float* milliseconds, const timespec* from, const timespec* to) {
  FAKE_ENTER();
  *milliseconds = static_cast<float>(to->tv_sec - from->tv_sec) * 1e3F +
                  static_cast<float>(to->tv_nsec - from->tv_nsec) * 1e-6F;
  return 0;
}

FAKE_EXPORT int cuEventDestroy_v2(timespec* event) {
  FAKE_ENTER();
  free(event);
  return 0;
}

// --- modules and kernels, which do nothing
// ----------------------------------------------------------------------------

FAKE_EXPORT int cuModuleLoadData(void** module, const void*) {
  FAKE_ENTER();
  *module = NewHandle();
  return 0;
}

FAKE_EXPORT int cuModuleLoadDataEx(void** module, const void*, unsigned, void*, void*) {
  FAKE_ENTER();
  *module = NewHandle();
  return 0;
}

FAKE_EXPORT int cuModuleLoadFatBinary(void** module, const void*) {
  FAKE_ENTER();
  *module = NewHandle();
  return 0;
}

FAKE_EXPORT int cuModuleGetFunction(void** function, void* module, const char*) {
  FAKE_ENTER();
  *function = module;
  return 0;
}

FAKE_EXPORT int cuModuleGetLoadingMode(int* mode) {
  FAKE_ENTER();
  *mode = 2;  // CU_MODULE_LAZY_LOADING
  return 0;
}

FAKE_EXPORT int cuFuncGetAttribute(int* value, int attribute, void*) {
  FAKE_ENTER();
  *value = attribute == 0 ? 1024 : 0;  // MAX_THREADS_PER_BLOCK
  return 0;
}

FAKE_EXPORT int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void*, int, size_t) {
  FAKE_ENTER();
  *blocks = 2;
  return 0;
}

// --- errors and look-up
// -----------------------------------------------------------------------------------------------

FAKE_EXPORT int cuGetErrorName(int code, const char** name) {
  const Error* error = FindError(code);
  *name = error != nullptr ? error->name : nullptr;
  return error != nullptr ? 0 : kInvalidValue;
}

FAKE_EXPORT int cuGetErrorString(int code, const char** text) {
  const Error* error = FindError(code);
  *text = error != nullptr ? error->text : nullptr;
  return error != nullptr ? 0 : kInvalidValue;
}

FAKE_EXPORT int cuGetProcAddress_v2(const char* name, void** function, int, uint64_t, int* status) {
  FAKE_ENTER();
  *function = FindFunction(name);
  if (status != nullptr) *status = *function != nullptr ? 0 : 1;
  return *function != nullptr ? 0 : kNotFound;
}

FAKE_EXPORT int cuGetProcAddress(const char* name, void** function, int, uint64_t) {
  FAKE_ENTER();
  *function = FindFunction(name);
  return *function != nullptr ? 0 : kNotFound;
}

// The private tables that the real libcudart asks for. It takes their lack for a broken driver; a test that
// must go further than listing the GPU puts the stand-in for libcudart first.
FAKE_EXPORT int cuGetExportTable(const void** table, const void*) {
  FAKE_ENTER();
  *table = nullptr;
  return kNotSupported;
}
