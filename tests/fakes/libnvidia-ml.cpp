// A stand-in for libnvidia-ml.so.1 (NVML): initialisation, versions, and what programs ask about each GPU.
// Every other exported function of the real library is made from libnvidia-ml.txt. Written from the public
// documentation of NVML.
#include <stdio.h>
#include <string.h>

#include "fakes/faults.h"

namespace {

enum Return : int {
  kUninitialized = 1,
  kInvalidArgument = 2,
  kNotFound = 6,
  kInsufficientSize = 7,
};

struct Device {
  int index;
};
Device devices[16];
int initialized = 0;

// nvmlMemory_t
struct Memory {
  unsigned long long total, free, used;
};

// nvmlPciInfo_t
struct PciInfo {
  char short_address[16];
  unsigned domain, bus, device, id, subsystem_id;
  char address[32];
};

int Initialize() {
  for (int i = 0; i < 16; ++i) devices[i].index = i;
  ++initialized;
  return 0;
}

int GiveText(char* buffer, unsigned size, const char* text) {
  if (buffer == nullptr) return kInvalidArgument;
  if (strlen(text) + 1 > size) return kInsufficientSize;
  strcpy(buffer, text);
  return 0;
}

int GiveNumber(unsigned* to, unsigned value) {
  *to = value;
  return 0;
}

int DeviceAt(unsigned index, Device** device) {
  if (initialized == 0) return kUninitialized;
  if (index >= static_cast<unsigned>(fakes::GpuCount())) return kInvalidArgument;
  *device = &devices[index];
  return 0;
}

struct Error {
  int code;
  const char* text;
};
constexpr Error kErrors[] = {
    {0, "Success"},
    {1, "Uninitialized"},
    {2, "Invalid Argument"},
    {3, "Not Supported"},
    {4, "Insufficient Permissions"},
    {6, "Not Found"},
    {9, "Driver Not Loaded"},
    {12, "NVML Shared Library Not Found"},
    {13, "Function Not Found"},
    {15, "GPU is lost"},
    {17, "The operating system has blocked the request"},
    {18, "Driver/library version mismatch"},
};

}  // namespace

// --- start and versions
// -----------------------------------------------------------------------------------------------

FAKE_EXPORT int nvmlInit_v2() {
  FAKE_ENTER();
  return Initialize();
}

FAKE_EXPORT int nvmlInitWithFlags(unsigned) {
  FAKE_ENTER();
  return Initialize();
}

FAKE_EXPORT int nvmlShutdown() {
  FAKE_ENTER();
  if (initialized == 0) return kUninitialized;
  --initialized;
  return 0;
}

FAKE_EXPORT const char* nvmlErrorString(int code) {
  for (const Error& error : kErrors) {
    if (error.code == code) return error.text;
  }
  return "Unknown Error";
}

FAKE_EXPORT int nvmlSystemGetDriverVersion(char* buffer, unsigned size) {
  FAKE_ENTER();
  if (initialized == 0) return kUninitialized;
  return GiveText(buffer, size, fakes::Text("FAKE_GPU_DRIVER", "570.124.06"));
}

FAKE_EXPORT int nvmlSystemGetCudaDriverVersion_v2(int* version) {
  FAKE_ENTER();
  *version = static_cast<int>(fakes::Number("FAKE_GPU_CUDA", 12080));
  return 0;
}

// --- devices
// ----------------------------------------------------------------------------------------------------------

FAKE_EXPORT int nvmlDeviceGetCount_v2(unsigned* count) {
  FAKE_ENTER();
  if (initialized == 0) return kUninitialized;
  return GiveNumber(count, static_cast<unsigned>(fakes::GpuCount()));
}

FAKE_EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device** device) {
  FAKE_ENTER();
  return DeviceAt(index, device);
}

FAKE_EXPORT int nvmlDeviceGetHandleByPciBusId_v2(const char* address, Device** device) {
  FAKE_ENTER();
  unsigned domain = 0;
  unsigned bus = 0;
  if (sscanf(address, "%x:%x", &domain, &bus) != 2 || bus == 0) return kNotFound;
  return DeviceAt(bus - 1, device) == 0 ? 0 : kNotFound;
}

FAKE_EXPORT int nvmlDeviceGetIndex(const Device* device, unsigned* index) {
  FAKE_ENTER();
  if (device == nullptr) return kInvalidArgument;
  return GiveNumber(index, static_cast<unsigned>(device->index));
}

FAKE_EXPORT int nvmlDeviceGetMinorNumber(const Device* device, unsigned* minor) {
  FAKE_ENTER();
  if (device == nullptr) return kInvalidArgument;
  return GiveNumber(minor, static_cast<unsigned>(device->index));
}

FAKE_EXPORT int nvmlDeviceGetName(const Device*, char* buffer, unsigned size) {
  FAKE_ENTER();
  return GiveText(buffer, size, fakes::Text("FAKE_GPU_NAME", "Fake GPU"));
}

FAKE_EXPORT int nvmlDeviceGetUUID(const Device* device, char* buffer, unsigned size) {
  FAKE_ENTER();
  if (device == nullptr) return kInvalidArgument;
  char uuid[64];  // the bytes that cuDeviceGetUuid gives
  snprintf(uuid, sizeof uuid, "GPU-46414b45-4750-552d-3030-3030303030%02x", '0' + device->index);
  return GiveText(buffer, size, uuid);
}

FAKE_EXPORT int nvmlDeviceGetPciInfo_v3(const Device* device, PciInfo* info) {
  FAKE_ENTER();
  if (device == nullptr) return kInvalidArgument;
  *info = PciInfo{};
  info->bus = static_cast<unsigned>(device->index) + 1;
  info->id = 0x288210de;  // GeForce RTX 4060
  snprintf(info->short_address, sizeof info->short_address, "0000:%02X:00.0", info->bus);
  snprintf(info->address, sizeof info->address, "00000000:%02X:00.0", info->bus);
  return 0;
}

FAKE_EXPORT int nvmlDeviceGetCudaComputeCapability(const Device*, int* major, int* minor) {
  FAKE_ENTER();
  fakes::ComputeCapability(major, minor);
  return 0;
}

FAKE_EXPORT int nvmlDeviceGetMemoryInfo(const Device*, Memory* memory) {
  FAKE_ENTER();
  memory->total = fakes::TotalMemory();
  memory->free = fakes::FreeMemory();
  memory->used = memory->total - memory->free;
  return 0;
}

FAKE_EXPORT int nvmlDeviceGetComputeMode(const Device*, unsigned* mode) {
  FAKE_ENTER();
  return GiveNumber(mode, 0);  // NVML_COMPUTEMODE_DEFAULT
}

// TensorFlow 2.21 asks these about every GPU that it describes.
FAKE_EXPORT int nvmlDeviceGetCurrPcieLinkGeneration(const Device*, unsigned* generation) {
  FAKE_ENTER();
  return GiveNumber(generation, 4);
}

FAKE_EXPORT int nvmlDeviceGetCurrPcieLinkWidth(const Device*, unsigned* width) {
  FAKE_ENTER();
  return GiveNumber(width, 8);
}
