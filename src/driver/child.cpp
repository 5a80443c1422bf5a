#include "driver/child.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace tfdoctor {

namespace {

constexpr int kAnswer = 3;
constexpr int kMostDevices = 64;
constexpr unsigned kMostProcesses = 256;

// One line. What comes from the driver may be anything: it stays one line of printable text.
[[gnu::format(printf, 1, 2)]] void Say(const char* format, ...) {
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  int length = std::vsnprintf(line, sizeof line - 1, format, arguments);
  va_end(arguments);
  if (length < 0) return;
  auto end = std::min<size_t>(static_cast<size_t>(length), sizeof line - 2);
  for (size_t i = 0; i < end; i++) {
    auto c = static_cast<unsigned char>(line[i]);
    if (c < 0x20 || c >= 0x7F) line[i] = '?';
  }
  line[end] = '\n';
  for (size_t written = 0; written <= end;) {
    ssize_t count = ::write(kAnswer, line + written, end + 1 - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) ::_exit(1);  // nobody listens any more
    written += static_cast<size_t>(count);
  }
}

// Functions are called by the types of the public documentation; a library that lacks one says so.
class Library {
 public:
  bool Open(const char* path) {
    Say("call dlopen");
    handle_ = ::dlopen(path, RTLD_NOW);
    if (handle_ == nullptr) {
      const char* why = ::dlerror();
      Say("failed dlopen %s", why == nullptr ? "for no reason that it tells" : why);
      return false;
    }
    Say("done dlopen 0");
    return true;
  }

  bool Has(const char* name) const { return ::dlsym(handle_, name) != nullptr; }
  template <class... T>
  int Call(const char* name, T... arguments) {
    return CallAs(name, name, arguments...);
  }
  // `newer` if the library has it, else `older`: the first under which a function got its present form.
  template <class... T>
  int CallAs(const char* newer, const char* older, T... arguments) {
    void* function = ::dlsym(handle_, newer);
    if (function == nullptr) function = ::dlsym(handle_, older);
    if (function == nullptr) return kMissing;
    int (*call)(T...) = nullptr;
    std::memcpy(&call, &function, sizeof call);
    return call(arguments...);
  }
  // With a line before and a line behind.
  template <class... T>
  int Step(const char* newer, const char* older, T... arguments) {
    Say("call %s", older);
    int result = CallAs(newer, older, arguments...);
    if (result == kMissing) {
      Say("missing %s", older);
    } else {
      Say("done %s %d", older, result);
    }
    return result;
  }

  static constexpr int kMissing = INT32_MIN;

 private:
  void* handle_ = nullptr;
};

const char* ErrnoName(int number) {
  switch (number) {
    case EPERM:
      return "EPERM";
    case EACCES:
      return "EACCES";
    case EIO:
      return "EIO";
    case ENXIO:
      return "ENXIO";
    case ENODEV:
      return "ENODEV";
    case ENOENT:
      return "ENOENT";
    case EBUSY:
      return "EBUSY";
    case EINVAL:
      return "EINVAL";
    default:
      return "other";
  }
}

// What open() says tells apart what stat() does not: EPERM is a control group's rule or a security module,
// EACCES the permissions, EIO and ENODEV the kernel module's own refusal. Only here: opening makes the module
// initialise the GPU.
void TryDeviceNodes() {
  std::vector<std::string> names = {"nvidiactl", "nvidia-uvm", "dxg"};
  if (DIR* folder = ::opendir("/dev")) {
    while (const dirent* entry = ::readdir(folder)) {
      std::string_view name = entry->d_name;
      if (name.starts_with("nvidia") && name.size() > 6 && name.size() < 10 &&
          name.substr(6).find_first_not_of("0123456789") == std::string_view::npos) {
        names.emplace_back(name);
      }
    }
    ::closedir(folder);
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    std::string path = "/dev/" + name;
    Say("call open %s", path.c_str());
    int node = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (node < 0 && errno == ENOENT) continue;
    Say("refused %s %s", path.c_str(), node < 0 ? ErrnoName(errno) : "no");
    if (node >= 0) ::close(node);
  }
}

// --- libcuda
// ------------------------------------------------------------------------------------------------------

void AskDevice(Library& cuda, int ordinal) {
  int device = 0;
  if (const int result = cuda.Step("cuDeviceGet", "cuDeviceGet", &device, ordinal); result != 0) {
    // Without a handle there is no context either.
    if (result != Library::kMissing) Say("device %d context %d", ordinal, result);
    return;
  }
  char text[256] = "";
  if (cuda.Call("cuDeviceGetName", &text[0], int{sizeof text - 1}, device) == 0)
    Say("device %d name %s", ordinal, text);
  bool mig = std::strstr(text, "MIG ") != nullptr;
  uint8_t uuid[16] = {};
  if (cuda.CallAs("cuDeviceGetUuid_v2", "cuDeviceGetUuid", &uuid[0], device) == 0) {
    std::string hex;
    for (size_t i = 0; i < sizeof uuid; i++) {
      char byte[4];
      std::snprintf(byte, sizeof byte, "%02x", uuid[i]);
      hex += i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "";
      hex += byte;
    }
    Say("device %d uuid %s-%s", ordinal, mig ? "MIG" : "GPU", hex.c_str());
  }
  std::memset(text, 0, sizeof text);
  if (cuda.Call("cuDeviceGetPCIBusId", &text[0], int{sizeof text - 1}, device) == 0)
    Say("device %d pci_address %s", ordinal, text);
  constexpr int kComputeMode = 20;
  constexpr int kMajor = 75;
  constexpr int kMinor = 76;
  int major = 0;
  int minor = 0;
  if (cuda.Call("cuDeviceGetAttribute", &major, kMajor, device) == 0 &&
      cuda.Call("cuDeviceGetAttribute", &minor, kMinor, device) == 0) {
    Say("device %d compute_capability %d.%d", ordinal, major, minor);
  }
  int mode = 0;
  if (cuda.Call("cuDeviceGetAttribute", &mode, kComputeMode, device) == 0)
    Say("device %d compute_mode %d", ordinal, mode);
  size_t bytes = 0;
  if (cuda.CallAs("cuDeviceTotalMem_v2", "cuDeviceTotalMem", &bytes, device) == 0)
    Say("device %d total_memory %zu", ordinal, bytes);
}

// As TensorFlow does it: the device's primary context. What is free is asked inside it, as TensorFlow asks.
void AskContext(Library& cuda, int ordinal) {
  int device = 0;
  if (cuda.Call("cuDeviceGet", &device, ordinal) != 0) return;
  Say("call cuDevicePrimaryCtxRetain");
  void* context = nullptr;
  int result = cuda.Call("cuDevicePrimaryCtxRetain", &context, device);
  if (result == Library::kMissing) {
    Say("missing cuDevicePrimaryCtxRetain");
    return;
  }
  Say("device %d context %d", ordinal, result);
  if (result != 0) return;
  Say("call cuMemGetInfo");
  size_t free_bytes = 0;
  size_t total = 0;
  result = cuda.Call("cuCtxSetCurrent", context);
  if (result == 0) result = cuda.CallAs("cuMemGetInfo_v2", "cuMemGetInfo", &free_bytes, &total);
  if (result == 0) {
    Say("device %d free_memory %zu", ordinal, free_bytes);
  } else if (result != Library::kMissing) {
    Say("device-failed %d free_memory %d", ordinal, result);
  }
  Say("call cuDevicePrimaryCtxRelease");
  cuda.CallAs("cuDevicePrimaryCtxRelease_v2", "cuDevicePrimaryCtxRelease", device);
}

void AskCuda(const char* path) {
  Library cuda;
  if (!cuda.Open(path)) return;
  Say("call cuDriverGetVersion");
  int version = 0;
  if (cuda.Call("cuDriverGetVersion", &version) == 0) Say("version %d", version);
  int result = cuda.Step("cuInit", "cuInit", 0U);
  if (result == Library::kMissing) return;
  if (result != 0) return TryDeviceNodes();
  int count = 0;
  if (cuda.Step("cuDeviceGetCount", "cuDeviceGetCount", &count) != 0) return;
  Say("count %d", count);
  count = std::min(count, kMostDevices);
  for (int i = 0; i < count; i++) AskDevice(cuda, i);
  for (int i = 0; i < count; i++) AskContext(cuda, i);
}

// --- NVML
// ---------------------------------------------------------------------------------------------------------

// nvmlProcessInfo_t since its second form.
struct ProcessInfo {
  unsigned pid;
  unsigned long long used;
  unsigned gpu_instance;
  unsigned compute_instance;
};

// Whether the call gave something. What it failed with is said, since a GPU that has no such thing
// (NVML_ERROR_NOT_SUPPORTED) and one of which it is not known are not the same.
template <class... T>
bool Gave(Library& nvml, unsigned index, const char* field, const char* function, T... arguments) {
  const int result = nvml.Call(function, arguments...);
  if (result == 0) return true;
  constexpr int kFunctionNotFound = 13;  // NVML's own word for it
  Say("nvml-failed %u %s %d", index, field, result == Library::kMissing ? kFunctionNotFound : result);
  return false;
}

void AskProcesses(Library& nvml, unsigned index, void* device) {
  for (const char* kind : {"Compute", "Graphics"}) {
    unsigned count = kMostProcesses;
    std::vector<ProcessInfo> processes(count);
    std::string name = std::string("nvmlDeviceGet") + kind + "RunningProcesses";
    int result =
        nvml.CallAs((name + "_v3").c_str(), (name + "_v2").c_str(), device, &count, processes.data());
    if (result != 0) continue;  // those that have a device node open are found without it
    for (unsigned i = 0; i < std::min(count, kMostProcesses); i++) {
      // All ones: NVML cannot tell.
      if (processes[i].used == ~0ULL) {
        Say("process %u %u unknown", index, processes[i].pid);
      } else {
        Say("process %u %u %llu", index, processes[i].pid, processes[i].used);
      }
    }
  }
}

void AskMig(Library& nvml, unsigned index, void* device) {
  unsigned current = 0;
  unsigned pending = 0;
  if (!Gave(nvml, index, "mig_mode", "nvmlDeviceGetMigMode", device, &current, &pending)) return;
  Say("nvml %u mig_mode %s", index, current == 1 ? "enabled" : "disabled");
  unsigned most = 0;
  if (current != 1 || !Gave(nvml, index, "mig_instances", "nvmlDeviceGetMaxMigDeviceCount", device, &most))
    return;
  Say("nvml %u mig_looked yes", index);
  for (unsigned i = 0; i < std::min(most, 16U); i++) {
    void* instance = nullptr;
    char uuid[128] = "";
    if (nvml.Call("nvmlDeviceGetMigDeviceHandleByIndex", device, i, &instance) != 0) continue;
    if (nvml.Call("nvmlDeviceGetUUID", instance, &uuid[0], unsigned{sizeof uuid - 1}) == 0)
      Say("nvml %u mig_instance %s", index, uuid);
  }
}

// nvmlGridLicensableFeatures_t: whether licences are a matter at all, how many features, and the first one.
// The rest has grown with its versions.
struct Licences {
  int supported;
  unsigned count;
  unsigned code;
  unsigned state;
  char info[128];
  char product[128];
  unsigned enabled;
  struct {
    unsigned year;
    unsigned short month, day, hour, minute, second;
    unsigned char status;  // whether there is such a date
  } ends;
  char rest[8192];
};

// nvmlGpuFabricInfo_t
struct FabricInfo {
  unsigned char cluster[16];
  int status;
  unsigned clique;
  unsigned char state;
  char rest[64];
};

void AskVirtualisation(Library& nvml, unsigned index, void* device) {
  unsigned mode = 0;
  if (!Gave(nvml, index, "virtualisation", "nvmlDeviceGetVirtualizationMode", device, &mode)) return;
  static constexpr const char* kModes[] = {"none", "passthrough", "vgpu", "host-vgpu", "host-vsga"};
  if (mode < 5) Say("nvml %u virtualisation %s", index, kModes[mode]);
  constexpr unsigned kVgpu = 2;
  if (mode != kVgpu) return;
  Licences licences = {};
  if (!Gave(nvml, index, "licence", "nvmlDeviceGetGridLicensableFeatures_v4", device, &licences)) return;
  if (licences.supported != 1 || licences.count == 0) return;
  Say("nvml %u licence %s", index, licences.state == 1 ? "licensed" : "unlicensed");
  constexpr unsigned char kValidDate = 2;
  const auto& ends = licences.ends;
  if (ends.status == kValidDate && ends.year < 10000 && ends.month < 13 && ends.day < 32 && ends.hour < 24 &&
      ends.minute < 60) {
    Say("nvml %u licence_ends %04u-%02hu-%02hu %02hu:%02hu", index, ends.year, ends.month, ends.day,
        ends.hour, ends.minute);
  }
}

void AskNvmlDevice(Library& nvml, unsigned index) {
  void* device = nullptr;
  constexpr int kNoPermission = 4;  // it is counted, and not for this process
  if (const int result =
          nvml.Step("nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex", index, &device);
      result != 0) {
    if (result != Library::kMissing && result != kNoPermission) Say("nvml-lost %u %d", index, result);
    return;
  }
  char text[256] = "";
  constexpr unsigned kSize = sizeof text - 1;
  if (Gave(nvml, index, "name", "nvmlDeviceGetName", device, &text[0], kSize))
    Say("nvml %u name %s", index, text);
  std::memset(text, 0, sizeof text);
  if (Gave(nvml, index, "uuid", "nvmlDeviceGetUUID", device, &text[0], kSize))
    Say("nvml %u uuid %s", index, text);
  struct {
    char short_address[16];
    unsigned domain, bus, device, id, subsystem;
    char address[32];
    char rest[64];
  } pci = {};
  const char* of_bus =
      nvml.Has("nvmlDeviceGetPciInfo_v3") ? "nvmlDeviceGetPciInfo_v3" : "nvmlDeviceGetPciInfo_v2";
  if (Gave(nvml, index, "pci_address", of_bus, device, static_cast<void*>(&pci)))
    Say("nvml %u pci_address %04x:%02x:%02x.0", index, pci.domain, pci.bus, pci.device);
  int major = 0;
  int minor = 0;
  if (Gave(nvml, index, "compute_capability", "nvmlDeviceGetCudaComputeCapability", device, &major, &minor))
    Say("nvml %u compute_capability %d.%d", index, major, minor);
  struct {
    unsigned long long total, free, used;
  } memory = {};
  if (Gave(nvml, index, "memory", "nvmlDeviceGetMemoryInfo", device, static_cast<void*>(&memory))) {
    Say("nvml %u total_memory %llu", index, memory.total);
    Say("nvml %u free_memory %llu", index, memory.free);
  }
  unsigned mode = 0;
  if (Gave(nvml, index, "compute_mode", "nvmlDeviceGetComputeMode", device, &mode))
    Say("nvml %u compute_mode %u", index, mode);
  AskMig(nvml, index, device);
  unsigned long long errors = 0;
  constexpr int kUncorrected = 1;
  constexpr int kSinceStart = 0;
  if (Gave(nvml, index, "ecc_errors", "nvmlDeviceGetTotalEccErrors", device, kUncorrected, kSinceStart,
           &errors))
    Say("nvml %u ecc_errors %llu", index, errors);
  unsigned long long throttle = 0;
  if (Gave(nvml, index, "throttle", "nvmlDeviceGetCurrentClocksThrottleReasons", device, &throttle))
    Say("nvml %u throttle %llu", index, throttle);
  AskVirtualisation(nvml, index, device);
  FabricInfo fabric = {};
  if (Gave(nvml, index, "fabric", "nvmlDeviceGetGpuFabricInfo", device, &fabric) && fabric.state > 0 &&
      fabric.state < 4) {
    static constexpr const char* kStates[] = {"", "not-started", "in-progress", "completed"};
    Say("nvml %u fabric %s", index, kStates[fabric.state]);
  }
  AskProcesses(nvml, index, device);
}

void AskNvml(const char* path) {
  Library nvml;
  if (!nvml.Open(path)) return;
  if (nvml.Step("nvmlInit_v2", "nvmlInit") != 0) return;
  char version[128] = "";
  if (nvml.Call("nvmlSystemGetDriverVersion", &version[0], unsigned{sizeof version - 1}) == 0)
    Say("driver %s", version);
  unsigned count = 0;
  if (nvml.Step("nvmlDeviceGetCount_v2", "nvmlDeviceGetCount", &count) != 0) return;
  Say("nvml-count %u", count);
  for (unsigned i = 0; i < std::min<unsigned>(count, kMostDevices); i++) AskNvmlDevice(nvml, i);
}

}  // namespace

int DriverChildMain(int argc, char** argv) {
  if (argc != 4 || ::fcntl(kAnswer, F_SETFD, FD_CLOEXEC) != 0) {
    constexpr std::string_view kWhy = "tfdoctor: driver-child is started by tfdoctor itself only\n";
    [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, kWhy.data(), kWhy.size());
    return 2;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // No core file: 1 byte is too few for one, and it is also the value that makes the kernel start no program
  // that collects them (core(5)).
  const rlimit no_core = {1, 1};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::signal(SIGPIPE, SIG_DFL);
  if (std::string_view(argv[2]) == "nvml") {
    AskNvml(argv[3]);
  } else {
    // Without a cache of compiled code libcuda makes no ~/.nv: we leave nothing behind.
    ::setenv("CUDA_CACHE_DISABLE", "1", 1);
    AskCuda(argv[3]);
  }
  Say("end");
  ::_exit(0);
}

}  // namespace tfdoctor
