// What the stand-ins for NVIDIA's libraries report, and where they fail, is told by environment variables, so
// that one build of them serves every test:
//
//   FAKE_GPU_COUNT=1            GPUs, at PCI addresses 0000:01:00.0, 0000:02:00.0, …; -1: a count that is
//   none FAKE_GPU_NAME, FAKE_GPU_CC=8.9, FAKE_GPU_SMS=20 FAKE_GPU_MEMORY_MB=8192, FAKE_GPU_FREE_MB (200 less)
//   FAKE_GPU_DRIVER=570.124.06  version of the driver, as NVML says it
//   FAKE_GPU_CUDA=12080         newest CUDA of the driver, as cuDriverGetVersion says it
//   FAKE_GPU_NO_CONTEXT=1       the device on which no context can be made (999)
//   FAKE_GPU_FAULTS=function=code|hang|crash|abort|flood|eat|exit[,…]
//                               what a function of any of the libraries does instead of its work, for example
//                               cuInit=999,nvmlInit_v2=18,cuDeviceGetCount=hang; flood prints, and eat takes
//                               memory, without end
//   FAKE_GPU_TRACE=FILE         one line for each call
//
// CUDA_VISIBLE_DEVICES is honoured as far as indices go: the rest of the list is dropped at the first entry
// that is no index of a GPU, which is what the CUDA Programming Guide says of the real driver.
#pragma once

#define FAKE_EXPORT extern "C" __attribute__((visibility("default")))

namespace fakes {

long Number(const char* variable, long otherwise);
const char* Text(const char* variable, const char* otherwise);

int GpuCount();
void ComputeCapability(int* major, int* minor);
unsigned long long TotalMemory();
unsigned long long FreeMemory();  // before this process takes any

// Every function calls this first: traces the call, hangs or crashes if it is told to, and returns the code
// that it is told to fail with; 0 otherwise.
int Fault(const char* function);

}  // namespace fakes

// First line of a function that can fail.
#define FAKE_ENTER()                                            \
  do {                                                          \
    if (const int fault = fakes::Fault(__func__)) return fault; \
  } while (0)
