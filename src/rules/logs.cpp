#include "rules/logs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "rules/common.h"
#include "rules/program.h"

namespace tfdoctor {

namespace {

// TensorRT, and CUPTI, which only the profiler uses.
bool IsOptional(std::string_view name) {
  return name.find("nvinfer") != name.npos || name.find("cupti") != name.npos;
}
// On a Jetson the driver has parts of its own, which a container gets from the host as well.
bool IsDriver(std::string_view name) {
  return name.starts_with("libnvdla") || name.starts_with("libnvrm") || name.starts_with("libnvos") ||
         name.starts_with("libcuda.so") || name.starts_with("nvcuda") || name.starts_with("libnvidia-");
}
// Somebody else's build carries what he chose.
bool OthersBuild(const LogStory& story) {
  for (const char* word : {"nvidia-tensorflow", "nvidia container", "nvcr.io", "ngc", "source build",
                           "self-built", "selfbuilt", "custom wheel", "vendor image"}) {
    if (story.Mentions("tf_version", word) || story.Mentions("install_method", word)) return true;
  }
  return story.conda;
}
std::string Digits(std::string_view text) {
  std::string digits;
  for (char c : text) {
    if ((c < '0' || c > '9') && c != '.') break;
    digits += c;
  }
  while (digits.ends_with('.')) digits.pop_back();
  return digits;
}

// The CUDA that the build was made for, where the names of the libraries that it opened tell: that of cudart
// up to 10.2, of others up to 10.0; later ones are the same for all of a major version.
std::string OpenedCuda(const LogStory& story) {
  for (const std::string& library : story.Fields("successfully-opened", "library")) {
    std::string cuda = CudaOfName(library);
    if (cuda.find('.') != cuda.npos && MajorVersion(cuda) < 11) return cuda;
  }
  return {};
}

// "10.1" of "/apps/cuda/10.1/lib64", "/usr/local/cuda-10.1", "/sw/CUDA/10.1.243-GCC-8.3", "cudatoolkit/10.1".
std::vector<std::string> CudasOnPath(std::string_view path) {
  constexpr std::string_view kCuda = "cuda", kToolkit = "toolkit";
  const std::string lower = Lower(path);
  std::vector<std::string> found;
  for (size_t at = lower.find(kCuda); at != lower.npos; at = lower.find(kCuda, at + 1)) {
    std::string_view rest = std::string_view(lower).substr(at + kCuda.size());
    if (rest.starts_with(kToolkit)) rest.remove_prefix(kToolkit.size());
    if (!rest.empty() && (rest[0] == '-' || rest[0] == '_' || rest[0] == '/')) rest.remove_prefix(1);
    const std::string version = Digits(rest);
    // Nor is Cray's cudatoolkit/22.3 a version of CUDA.
    const bool plausible = version.find('.') != version.npos || version.size() <= 2;
    if (!version.empty() && plausible && MajorVersion(version) >= 5 && MajorVersion(version) < 20)
      found.push_back(version);
  }
  return found;
}

// What its documentation or its maker says that a program wants: "documentation names": "CUDA 11.2".
std::string CudaOfDocumentation(const LogStory& story) {
  for (const char* key :
       {"documentation", "requires", "required", "wants", "expects", "built for", "needs"}) {
    const std::string text = story.StatedLike(key);
    const size_t at = text.find("cuda ");
    if (at == text.npos) continue;
    std::string version = Digits(std::string_view(text).substr(at + 5));
    if (!version.empty()) return version;
  }
  return {};
}

std::string Edge(const std::vector<std::string>& capabilities, bool highest) {
  std::string edge;
  for (const std::string& one : capabilities) {
    if (edge.empty() || (CompareVersions(one, edge) > 0) == highest) edge = one;
  }
  return edge;
}

}  // namespace

std::vector<std::string> MissingLibraries(const LogStory& story) {
  std::vector<std::string> missing;
  constexpr std::string_view kPart = "part-not-found";  // names what it needs where that is what is missing
  for (const std::string_view id :
       std::initializer_list<std::string_view>{"library-not-loaded", "import-library", "dll-load", kPart}) {
    std::vector<std::string> names = story.Fields(id, "library");
    for (const std::string& rest : story.Fields(id, "rest")) names.push_back("lib" + rest);
    for (const std::string& dll : story.Fields(id, "dll")) names.push_back(dll + ".dll");
    if (const std::vector<std::string> of = story.Fields(id, "missing"); id == kPart && !of.empty())
      names = of;
    for (std::string& name : names) {
      while (name.ends_with(':') || name.ends_with('.')) name.pop_back();
      const size_t folder = name.find_last_of("/\\");
      std::string file = name.substr(folder == name.npos ? 0 : folder + 1);
      file = file.substr(0, file.find(':'));
      if (IsOptional(file) || IsDriver(file) || !IsOfNvidia(file)) continue;
      if (std::find(missing.begin(), missing.end(), file) == missing.end()) missing.push_back(file);
    }
  }
  return missing;
}

std::vector<std::string> MissingDependencies(const LogStory& story) {
  const std::vector<std::string> asked = story.Fields("library-not-loaded", "library");
  std::vector<std::string> missing;
  for (std::string name : story.Fields("library-not-loaded", "missing")) {
    while (name.ends_with(':') || name.ends_with('.')) name.pop_back();
    if (name.empty() || IsDriver(name) || !IsOfNvidia(name)) continue;
    if (std::find(asked.begin(), asked.end(), name) == asked.end()) missing.push_back(std::move(name));
  }
  return missing;
}

std::string OtherCudaOfDependency(const LogStory& story) {
  for (const std::string& name : MissingDependencies(story)) {
    const std::string wants = CudaOfName(name);
    if (wants.empty()) continue;
    for (const std::string& library : story.Fields("successfully-opened", "library")) {
      const std::string opened = CudaOfName(library);
      if (!opened.empty() && MajorVersion(opened) != MajorVersion(wants))
        return fmt::format("{} was found and needs {}, of another CUDA than {}",
                           story.Field("library-not-loaded", "library"), name, library);
    }
  }
  return {};
}

bool MissesDriverLibrary(const LogStory& story) {
  if (story.Saw(Shows::kDriverLibraryMissing)) return true;
  for (const char* id : {"library-not-loaded", "dll-load"}) {
    if (story.FieldHas(id, "library", "libcuda.so") || story.FieldHas(id, "library", "nvcuda") ||
        story.FieldHas(id, "dll", "nvcuda"))
      return true;
  }
  return false;
}

bool NamesCudnn(const std::string& library) { return library.find("cudnn") != library.npos; }

std::string CudaOfName(const std::string& library) {
  if (library.starts_with("cudart64_")) {
    std::string digits = Digits(library.substr(9));
    if (digits.size() == 3) return digits.substr(0, 2) + "." + digits.substr(2);
    if (digits.size() == 2)
      return digits == "12" || digits == "13" ? digits : digits.substr(0, 1) + "." + digits.substr(1);
    return digits;
  }
  // Up to CUDA 10.0 on Windows, too: "cusolver64_100.dll", then "cusolver64_10.dll".
  for (const auto& [end, cuda] : {std::pair("64_80.dll", "8.0"),
                                  {"64_90.dll", "9.0"},
                                  {"64_91.dll", "9.1"},
                                  {"64_92.dll", "9.2"},
                                  {"64_100.dll", "10.0"}}) {
    if (library.ends_with(end) && !NamesCudnn(library)) return cuda;
  }
  for (const std::string_view start : {"libcudart.so.", "libnvrtc.so.", "libnvJitLink.so."}) {
    if (library.starts_with(start)) return Digits(std::string_view(library).substr(start.size()));
  }
  // Up to CUDA 10.0 every library carried the toolkit's number; later cuBLAS alone carries the major one.
  const size_t at = library.find(".so.");
  if (at == library.npos || NamesCudnn(library)) return {};
  std::string number = Digits(library.substr(at + 4));
  if (library.starts_with("libcublas") || CompareVersions(number, "10.0") < 0 ||
      (number == "10.0" && library.starts_with("libcu")))
    return number;
  return {};
}

std::string CudnnOfName(const std::string& library) {
  if (library.starts_with("cudnn64_")) return Digits(library.substr(8));
  const size_t at = library.find(".so.");
  return NamesCudnn(library) && at != library.npos ? Digits(library.substr(at + 4)) : std::string();
}

const TensorFlowBuild* BuildOf(const LogStory& story) {
  if (story.tensorflow.empty() || story.aarch64 || story.mac || story.windows || OthersBuild(story))
    return nullptr;
  for (const std::string& version : {story.tensorflow, story.tensorflow + ".0"}) {
    for (const char* distribution : {"tensorflow", "tensorflow-gpu"}) {
      const TensorFlowBuild* build = story.knowledge.FindBuild(distribution, version, "x86_64");
      // Of this release somebody makes builds for another CUDA, too.
      if (build != nullptr && build->cuda && build->scanned &&
          SameCuda(OpenedCuda(story), build->cuda_version))
        return build;
    }
  }
  return nullptr;
}

std::string CudaOfBuild(const LogStory& story) {
  if (const TensorFlowBuild* build = BuildOf(story)) return build->cuda_version;
  if (std::string opened = OpenedCuda(story); !opened.empty()) return opened;
  if (story.tensorflow.empty() || OthersBuild(story)) return {};
  // The newest wheel that is not newer than this release, of the same minor release.
  std::string best, cuda;
  for (const char* distribution : {"tensorflow", "tensorflow-gpu"}) {
    for (std::string_view version : story.knowledge.CudaVersions(distribution, "x86_64")) {
      const TensorFlowBuild* build = story.knowledge.FindBuild(distribution, version, "x86_64");
      if (build == nullptr || build->cuda_version.empty()) continue;
      const std::vector<std::string> a = Split(version, '.'), b = Split(story.tensorflow, '.');
      if (a.size() < 2 || b.size() < 2 || a[0] != b[0] || Digits(a[1]) != Digits(b[1])) continue;
      if (best.empty() || CompareVersions(version, best) > 0) best = version, cuda = build->cuda_version;
    }
  }
  if (!cuda.empty()) return cuda;
  const size_t patch = story.tensorflow.find('.', story.tensorflow.find('.') + 1);
  return story.knowledge.CudaOfRelease(story.tensorflow.substr(0, patch));
}

bool SameCuda(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return true;
  if (MajorVersion(a) != MajorVersion(b)) return false;
  if (MajorVersion(a) >= 11) return true;
  const std::vector<std::string> x = Split(a, '.'), y = Split(b, '.');
  return x.size() < 2 || y.size() < 2 || x[1] == y[1];
}

bool OnlyXlaHasGpu(const LogStory& story) { return !XlaGpuAlone(story).empty(); }

namespace {
// "[CPU, XLA_CPU, XLA_GPU]" has it; none where no such list was printed.
bool Registered(const LogStory& story, std::string_view device) {
  const std::string list = story.Field("registered-devices", "devices");
  const std::vector<std::string> devices = Split(list, ',');
  return std::any_of(devices.begin(), devices.end(),
                     [&](const std::string& one) { return Trim(one) == device; });
}
}  // namespace

bool GpuNotRegistered(const LogStory& story) {
  return story.MaySee("registered-devices") && !Registered(story, "GPU");
}

std::string_view XlaGpuAlone(const LogStory& story) {
  if (story.Saw("device-listed") || story.gpu_registered) return {};
  // Up to 1.12 that device was there whatever the driver said.
  if (story.cuinit_failed || story.Saw(Shows::kDriverRefuses) || story.Saw(Shows::kNoDevice) ||
      story.Saw("no-device-node"))
    return {};
  if (story.Saw("xla-gpu-listed")) return "xla-gpu-listed";
  if (GpuNotRegistered(story) && Registered(story, "XLA_GPU")) return "registered-devices";
  // What there is beside the device that the program names.
  const std::string list = story.Field("device-unavailable", "list");
  const bool xla = list.find(":XLA_GPU:") != list.npos, gpu = list.find("device:GPU:") != list.npos;
  return xla && !gpu ? "device-unavailable" : "";
}

bool LibrariesFail(const LogStory& story) {
  return OnlyXlaHasGpu(story) || story.Saw(Shows::kLibrariesFail) || !MissingLibraries(story).empty();
}

std::string HidingVariable(const LogStory& story) {
  const auto* variables = story.facts.environment.variables.Peek();
  if (variables == nullptr) return {};
  const auto found = variables->find("CUDA_VISIBLE_DEVICES");
  if (found == variables->end() || found->second.Peek() == nullptr) return {};
  const std::string& value = *found->second.Peek();
  return value != "all" && VisibleDevicesOf(story.facts, value).None() ? "CUDA_VISIBLE_DEVICES=" + value
                                                                       : std::string();
}

double MiB(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (end == text.c_str()) return -1;
  const std::string_view unit(end);
  if (unit.starts_with("GiB") || unit.starts_with("G")) return number * 1024;
  if (unit.starts_with("MiB") || unit.starts_with("M")) return number;
  if (unit.starts_with("KiB") || unit.starts_with("K")) return number / 1024;
  return number / 1024 / 1024;
}

bool SaysMissing(std::string_view text) {
  for (const char* word : {"not found", "not available", "not present", "not there", "not in ", "missing",
                           "absent", "no such", "is not"}) {
    if (text.find(word) != text.npos) return true;
  }
  return false;
}

std::string NoDriverForCuda(const LogStory& story) {
  if (story.capability.empty()) return {};
  const std::string last = story.knowledge.LastBranchFor(story.capability);
  const std::string cuda = story.cuda.empty() ? CudaOfBuild(story) : story.cuda;
  const std::string floor = cuda.empty() ? std::string() : story.knowledge.DriverFloor(cuda);
  if (last.empty() || floor.empty() || MajorVersion(floor) <= MajorVersion(last)) return {};
  return fmt::format("branch {} is the last for compute capability {}; CUDA {} needs a driver from {} on",
                     last, story.capability, cuda, floor);
}

std::string LibrarySeen(const LogStory& story) {
  // Of one that was found something else is missing.
  if (!MissingDependencies(story).empty()) return {};
  // With a field it is a line about a library that is missing.
  if (!story.Field("says-library-is-there", "library").empty())
    return *story.Message("says-library-is-there")->text.Peek();
  for (const char* key :
       {"find ", "present", "locate", "ls ", "ls_", "exists", "found_in", "found in", "lies_in", "lies in"}) {
    std::string value = story.StatedLike(key);
    if (value.empty() || SaysMissing(value)) continue;
    // A list of what lies in a folder has to name one of them.
    const std::vector<std::string> missing = MissingLibraries(story);
    const auto listed = [&](const std::string& name) { return value.find(name) != value.npos; };
    if (!std::string_view(key).starts_with("ls") || std::any_of(missing.begin(), missing.end(), listed))
      return value;
  }
  return {};
}

std::string OtherCudaStated(const LogStory& story) {
  const std::string build = CudaOfBuild(story);
  std::string wanted;
  for (const std::string& library : MissingLibraries(story)) {
    const std::string of = CudaOfName(library);
    if (wanted.empty() && !of.empty()) wanted = of;
  }
  if (wanted.empty()) wanted = build;
  if (wanted.empty()) wanted = CudaOfDocumentation(story);
  // "10.2 or 11", "11.0 / nvcc 9.1": every one that is named must be another.
  std::string other;
  // An image of NVIDIA's prints its CUDA when it starts.
  const std::string shown = story.Field("cuda-image-banner", "version");
  const std::string stated = story.Stated("cuda").empty() ? shown : story.Stated("cuda");
  if (wanted.empty() || stated.empty() || stated.find("driver") != stated.npos) return {};
  for (size_t i = 0; i < stated.size();) {
    if (stated[i] < '0' || stated[i] > '9') {
      i++;
      continue;
    }
    size_t end = i;
    while (end < stated.size() && ((stated[end] >= '0' && stated[end] <= '9') || stated[end] == '.')) end++;
    const std::string one = stated.substr(i, end - i);
    if (SameCuda(one, wanted)) return {};
    other = one;
    i = end;
  }
  return other.empty() ? std::string()
                       : fmt::format("CUDA {} is there, this TensorFlow wants {}", stated, wanted);
}

std::string OtherCudaOnPath(const LogStory& story) {
  const SeenMessage* missing = story.Message("library-not-loaded");
  // "…; dlerror: …; LD_LIBRARY_PATH: /usr/local/cuda-12.0/lib64"; TensorRT's line shows the same path.
  const std::string text =
      missing == nullptr ? story.Field("tensorrt-missing", "why") : *missing->text.Peek();
  const size_t path = text.find("LD_LIBRARY_PATH: ");
  if (path == text.npos) return {};
  std::string wanted;
  bool from_11 = false;  // CUDA 11 and 12 have the libcusolver of this name, none before
  for (const std::string& library : MissingLibraries(story)) {
    if (wanted.empty()) wanted = CudaOfName(library);
    from_11 = from_11 || library == "libcusolver.so.11";
  }
  if (wanted.empty()) wanted = CudaOfBuild(story);
  if (wanted.empty() && !from_11) return {};
  std::string other;
  for (const std::string& version : CudasOnPath(std::string_view(text).substr(path))) {
    if (wanted.empty() ? MajorVersion(version) >= 11 : SameCuda(version, wanted)) return {};
    other = version;
  }
  return other.empty() ? std::string()
                       : fmt::format("LD_LIBRARY_PATH leads to CUDA {}, this TensorFlow wants {}", other,
                                     wanted.empty() ? "11 or later" : wanted);
}

bool InSingularity(const LogStory& story) {
  const SeenMessage* library = story.Message("library-not-loaded");
  const SeenMessage* optional = story.Message("tensorrt-missing");
  auto in = [](const SeenMessage* message) {
    return message != nullptr && message->text.Peek()->find("/.singularity.d/") != std::string::npos;
  };
  return story.Saw("says-singularity") || in(library) || in(optional);
}

bool BuildsImage(const LogStory& story) {
  return story.Saw("says-docker-build") && !story.SawAny({"docker-run", "says-image-built"});
}

bool NamesDockerDesktop(const LogStory& story) {
  return story.SawAny({"docker-desktop", "says-docker-desktop"});
}

CodeAge AgeOfCode(const LogStory& story, std::string& why) {
  std::string capability = story.capability;
  if (capability.empty()) capability = story.Field("ptx-jit", "cc");
  if (capability.empty()) return CodeAge::kUnknown;
  if (const TensorFlowBuild* build = BuildOf(story)) {
    why = fmt::format("TensorFlow {} has machine code for {}; the GPU is {}", build->version,
                      Join(build->sass, ", "), capability);
    if (MachineCodeRuns(build->sass, capability)) return CodeAge::kRuns;
    if (CompareVersions(capability, Edge(build->sass, false)) < 0) return CodeAge::kOlder;
    if (CompareVersions(capability, Edge(build->sass, true)) > 0) {
      // PTX is compiled for a newer GPU, unless its ISA or the libraries around it predate that GPU.
      const std::string highest = story.knowledge.CudaLimits(build->cuda_version).highest;
      const bool beyond = !highest.empty() && CompareVersions(capability, highest) > 0;
      return PtxRuns(build->ptx, capability) && !beyond ? CodeAge::kCompiled : CodeAge::kNewer;
    }
    return PtxRuns(build->ptx, capability) ? CodeAge::kCompiled : CodeAge::kOlder;
  }
  std::string cuda = OpenedCuda(story);
  if (cuda.empty()) cuda = story.cuda.empty() ? CudaOfBuild(story) : story.cuda;
  // "1.13 and 1.15", "1.x": the last of them was built with CUDA 10.0.
  if (cuda.empty() && story.tensorflow.empty() && story.Stated("tf_version").starts_with("1.") &&
      story.Stated("tf_version").find("2.") == std::string::npos)
    cuda = "10.0";
  if (!cuda.empty() && cuda.find('.') == cuda.npos) cuda += ".0";
  const ArchitectureLimits limits = cuda.empty() ? ArchitectureLimits{} : story.knowledge.CudaLimits(cuda);
  why = fmt::format("CUDA {} makes code for {} to {}; the GPU is {}", cuda, limits.lowest, limits.highest,
                    capability);
  if (!limits.highest.empty() && CompareVersions(capability, limits.highest) > 0) {
    // Within a generation the code for an earlier chip runs on a later one: 7.0 on 7.5, 8.0 on 8.6 and 8.9.
    if (MajorVersion(capability) == MajorVersion(limits.highest)) return CodeAge::kRuns;
    return CodeAge::kNewer;
  }
  if (!limits.lowest.empty() && CompareVersions(capability, limits.lowest) < 0) return CodeAge::kOlder;
  // Without any of that: what no release, and what only old ones support.
  why = "the GPU is of compute capability " + capability;
  if (CompareVersions(capability, "3.5") < 0) return CodeAge::kOlder;
  return CodeAge::kUnknown;
}

bool MayHavePtx(const LogStory& story) {
  const TensorFlowBuild* build = BuildOf(story);
  return build == nullptr || story.capability.empty() || PtxRuns(build->ptx, story.capability);
}

bool StartsSlowly(const LogStory& story) {
  return story.SawAny({"says-slow", "says-slow-start", "says-works-after-wait", "says-takes-minutes"});
}

bool IsBlackwell(const LogStory& story) {
  std::string capability = story.capability.empty() ? story.Field("ptx-jit", "cc") : story.capability;
  return !capability.empty() && CompareVersions(capability, "10.0") >= 0;
}

double FreeShare(const LogStory& story) {
  double free = MiB(story.Field("free-memory", "free")), total = MiB(story.Field("total-memory", "total"));
  if (free < 0 && !story.Stated("free_mib").empty()) free = MiB(story.Stated("free_mib") + "MiB");
  if (total < 0 && !story.Stated("total_gib").empty()) total = MiB(story.Stated("total_gib") + "GiB");
  return free < 0 || total <= 0 ? -1 : free / total;
}

bool LittleWasLeft(const LogStory& story) {
  constexpr double kLittle = 64;
  const double size = MiB(story.Field("allocator-out-of-memory", "size"));
  return size >= 0 && size < kLittle && !story.MaySee("allocator-limit");
}

bool PoolIsTiny(const LogStory& story) {
  if (story.Saw("allocator-empty")) return true;
  if (story.Saw("program-limits-memory")) return false;
  constexpr double kTiny = 1024, kNoGpuHasSo = 500;  // MiB
  constexpr double kShare = 0.15;
  const double total = MiB(story.Field("total-memory", "total"));
  const std::string created = story.Field("device-created", "cc");
  const std::string capability = created.empty() ? story.capability : created;
  const auto tiny = [&](double pool) {
    if (pool < 0) return false;
    if (pool < kNoGpuHasSo || pool < kShare * total) return true;
    return pool < kTiny && (total > 4 * kTiny || CompareVersions(capability, "6.0") >= 0);
  };
  const std::string memory = story.Field("device-created", "memory");
  return tiny(MiB(story.Field("allocator-limit", "limit"))) || (!memory.empty() && tiny(MiB(memory + "MiB")));
}

bool Complains(const LogStory& story) {
  const std::vector<SayingRow> sayings = story.knowledge.Sayings();
  // What could not be read may be one.
  return std::any_of(sayings.begin(), sayings.end(),
                     [&](const SayingRow& row) { return row.complains && story.MaySee(row.id); });
}

bool WorksElsewhere(const LogStory& story) {
  return story.SawAny({"says-works-elsewhere", "says-terminal-works"});
}

bool DriverAnswered(const LogStory& story) { return story.cuinit_failed && story.Saw("cuda-no-device"); }

bool SomethingFails(const LogStory& story) {
  return story.Saw(Shows::kMemoryFails) || story.Saw(Shows::kHandleFails) || GpuTrouble(story);
}

void AgainstMissing(Signs& s) {
  if (!s.any()) return;
  // The program that starts it lacks the search path of the shell.
  if (s.story.Saw("says-launcher")) s.Speaks("says-path-in-profile", kAgainst);
  s.Speaks("says-nvidia-packages", kAgainst);
}

void Harmless(Signs& s, std::string_view id, Strength beside_trouble) {
  // Where TensorFlow has no GPU, something is wrong that it does not say. Nor is a notice what somebody asks
  // about who complains of something else.
  if (s.story.trouble || s.story.MaySee("only-cpu-listed") || Complains(s.story)) {
    s.Speaks(id, beside_trouble);
  } else {
    s.Proves(id);
  }
}

bool ImportEnds(const LogStory& story) {
  return story.SawAny({"illegal-instruction", "numpy-abi", "protobuf", "glibc-version", "no-tensorflow"});
}
bool WantsGpuPackageOnMac(const LogStory& story) {
  constexpr std::string_view kPackage = "tensorflow-gpu";
  return story.mac && story.FieldHas("pip-no-version", "requirement", kPackage);
}
bool GpuTrouble(const LogStory& story) {
  for (const Shows kind : {Shows::kDriverLibraryMissing, Shows::kDriverRefuses, Shows::kNoDevice,
                           Shows::kDriverToolFails, Shows::kLibrariesFail, Shows::kNoCode}) {
    if (story.Saw(kind)) return true;
  }
  return !MissingLibraries(story).empty() || MissesDriverLibrary(story) || BuiltWithoutCuda(story) ||
         story.SawAny({"only-cpu-listed", "no-gpu-in-process", "device-unavailable", "gpu-not-found"});
}

bool IsOfNvidia(std::string_view library) {
  const size_t end = std::min({library.find(".so"), library.find(".dll"), library.find(".dylib")});
  if (end == library.npos) return false;
  for (const char* start : {"libcu", "libnv", "libnccl", "cudart", "cublas", "cudnn", "cufft", "curand",
                            "cusolver", "cusparse", "cupti", "nvcuda", "nvinfer", "nvrtc", "nccl"}) {
    if (library.starts_with(start)) return true;
  }
  return false;
}

bool BuiltWithoutCuda(const LogStory& story) {
  if (story.SawAny({"built-with-cuda-false", "says-built-without-cuda"})) return true;
  return story.StatedLike("is_built_with_cuda") == "false" ||
         story.StatedLike("get_build_info").find("'is_cuda_build': false") != std::string::npos;
}

bool BuiltWithCuda(const LogStory& story) {
  if (story.SawAny({"cuinit-failed", "device-count-failed", "found-device", "device-created", "adding-gpus"}))
    return true;
  const std::vector<std::string> opened = story.Fields("successfully-opened", "library");
  return std::any_of(opened.begin(), opened.end(), IsOfNvidia);
}

namespace {
// A release with sessions: only they map devices.
bool OfSessions(const LogStory& story) {
  const SeenMessage* listed = story.Message("only-cpu-listed");
  return story.Before("2.0") || (story.tensorflow.empty() && listed != nullptr &&
                                 listed->text.Peek()->find("Device mapping") != std::string::npos);
}

// TensorFlow printed something of the driver, a GPU or CUDA's libraries.
bool SpeaksOfCuda(const LogStory& story) {
  return BuiltWithCuda(story) || LibrariesFail(story) || story.Saw(Shows::kDriverLibraryMissing) ||
         story.Saw(Shows::kDriverRefuses) || story.Saw(Shows::kNoDevice);
}

}  // namespace

bool SessionWithoutCuda(const LogStory& story) {
  return OfSessions(story) && story.Saw("cpu-features") && story.Saw("only-cpu-listed") &&
         !SpeaksOfCuda(story);
}

bool SilentOfCuda(const LogStory& story) {
  const SeenMessage* notice = story.Message("cpu-features");
  return notice != nullptr && Has(*notice->text.Peek(), "The TensorFlow library wasn't compiled to use") &&
         !SpeaksOfCuda(story);
}

std::set<std::string> StatedTensorFlows(const LogStory& story, const std::string& key) {
  std::set<std::string> names;
  const std::vector<std::string> known = story.knowledge.TensorFlowDistributions();
  for (const std::string& entry : Split(story.Stated(key), ';')) {
    std::string name(Trim(entry));
    name = name.substr(0, name.find_first_of(" ="));
    std::replace(name.begin(), name.end(), '_', '-');
    if (std::find(known.begin(), known.end(), name) != known.end() || name == "tensorflow" ||
        name == "tensorflow-gpu")
      names.insert(name);
  }
  return names;
}

bool FindsItSlow(const LogStory& story) {
  return story.SawAny({"says-slow", "says-slower-on-gpu"}) && !story.Saw("says-gpu-not-used");
}

bool GpuWorks(const LogStory& story) { return !story.trouble && story.gpu_registered; }

}  // namespace tfdoctor
