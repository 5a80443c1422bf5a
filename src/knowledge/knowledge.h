// What changes when somebody ships something: TensorFlow builds, CUDA and driver versions, GPUs, NVIDIA's
// wheels. The rows live in data/*.toml, each with source and date; compiled tables are made of them at build
// time, and
// `--data FILE` adds newer rows at run time. No judgement here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tfdoctor {

// One TensorFlow wheel for Linux, as read from the wheel.
struct TensorFlowBuild {
  std::string key;           // "tensorflow 2.21.0"
  std::string distribution;  // "tensorflow"
  std::string version;       // "2.21.0"
  std::string machine;       // "x86_64", "aarch64"
  bool cuda = false;         // only if cuda_known
  bool cuda_known = false;   // also of a wheel that nobody opened, when its distribution has no CUDA at all
  bool rocm = false;
  std::string cuda_version;               // "12.5.1"; empty without CUDA
  std::string cudnn_version;              // compiled with, as exactly as known: "9.3.0" or "9"
  std::vector<std::string> sass;          // "6.0", … "9.0"
  std::vector<std::string> ptx;           // "9.0"
  std::vector<std::string> sass_partial;  // where MLIR's kernels are PTX only
  std::string ptx_isa;                    // the newest in the wheel: a GPU without any SASS needs it compiled
  std::string ptx_isa_partial;            // of the kernels that are PTX only on GPUs of sass_partial
  std::vector<std::string> opens;         // sonames opened at run time, without libcuda and NVML
  std::vector<std::string> opens_at_start;  // of these, those without which no GPU is registered
  std::optional<bool> needs_nvml;    // gives up the GPU without libnvidia-ml.so.1; empty: nobody measured it
  std::string glibc;                 // floor, "2.27"
  std::vector<std::string> pythons;  // tags with a wheel: "cp310"
  std::vector<std::string> requires_dist;  // METADATA's Requires-Dist lines
  std::vector<std::string> cpu_flags;      // instruction sets without which the import dies: "avx"
  // (path in the package's parent folder, size in bytes) of the large objects: identifies the build.
  std::vector<std::pair<std::string, uint64_t>> objects;
  std::string wheel;     // that they were read from: with another Python tag the sizes may differ
  bool scanned = false;  // false: only the index is known (version, Pythons, date), nothing of its content
  std::string date;      // of upload
};

// A file of one of NVIDIA's wheels (or of our stand-in for it in a repair that is tried).
struct WheelLibrary {
  std::string path;  // below site-packages: "nvidia/cudnn/lib/libcudnn.so.9"
  std::string soname;
  uint64_t size = 0;
  std::vector<std::string> needed;
  std::string runpath;
  std::string rpath;
  std::vector<std::string> sass;
  std::vector<std::string> ptx;
};

struct NvidiaWheel {
  std::string distribution;  // "nvidia-cudnn-cu12"
  std::string version;       // "9.28.0.42"
  std::vector<WheelLibrary> libraries;
  // false: nobody opened this wheel; the libraries are those that every version of the distribution has, with
  // path, soname and needed alone.
  bool scanned = false;
};

struct GpuModel {
  std::string pci_id;              // "2684"
  std::string name;                // "AD102 [GeForce RTX 4090]"
  std::string architecture;        // "Ada Lovelace"
  std::string compute_capability;  // "8.9"; empty: nobody has published it
  bool by_range = false;           // only the range of ids is known, not this very device
};

// The compute capabilities that something has code for; empty: no bound known.
struct ArchitectureLimits {
  std::string lowest;
  std::string highest;
};

// What a message is a sign of, where rules ask for any message of that kind: `shows = ["no-device"]` in its
// row.
enum class Shows : uint8_t {
  kDriverLibraryMissing,  // libcuda.so.1 was not found
  kDriverRefuses,         // the driver was reached and answers with an error other than "no device"
  kNoDevice,              // the driver, its module or its device node is not there
  kDriverToolFails,       // nvidia-smi or a container's hook does not reach the driver
  kContainer,             // the process runs in a container, or was to
  kContainerStartFails,   // the engine could not give the GPU to a container
  kLibrariesFail,         // a library of CUDA did not load
  kHandleFails,           // cuBLAS or cuDNN did not start or run
  kMemoryFails,           // memory ran out
  kNoCode,                // there is no code for this GPU that runs
  kVersionsDiffer,        // two parts are of versions that do not fit
  kEnd,
};
// The word of each in the data.
inline constexpr std::string_view kShowsNames[] = {
    "driver-library-missing", "driver-refuses", "no-device",    "driver-tool-fails", "container",
    "container-start-fails",  "libraries-fail", "handle-fails", "memory-fails",      "no-code",
    "versions-differ"};
static_assert(std::size(kShowsNames) == static_cast<size_t>(Shows::kEnd) && std::size(kShowsNames) <= 32);

// A message that a program prints. The views stay valid as long as the Knowledge.
struct MessageRow {
  // A message is looked for by its longest literal; a shorter one would be found everywhere.
  static constexpr size_t kShortestAnchor = 7;

  std::string_view id;                  // "cuinit-failed"
  std::vector<std::string_view> texts;  // literals with holes: "failed call to cuInit: {error}"
  std::string_view by;                  // "TensorFlow"
  std::string_view kind;                // "trouble", "harmless", "info"
  std::string_view cause;               // the cause it is about; empty: none alone
  std::string_view meaning;             // one sentence
  std::string_view releases;            // of TensorFlow: "1.13-2.12"; empty: all, or another program's
  bool machine = false;                 // about the machine or an installation, whatever process said it
  bool unchecked = false;               // no wheel at hand prints it
  uint32_t shows = 0;                   // a bit for each of Shows

  bool Is(Shows one) const { return (shows >> static_cast<unsigned>(one) & 1) != 0; }
};

// An error of one of CUDA's libraries, by name and number.
struct ErrorRow {
  std::string_view library;  // "CUDA driver", "NVML", "Xid"
  int number = 0;
  std::string_view name;  // "CUDA_ERROR_NO_DEVICE"
  std::string_view text;
  // Of an Xid, where it lies most often: "hardware", "driver" (with the GPU's firmware), "program", "none"
  // (it only tells something); empty: any of them, or no Xid.
  std::string_view fault;
  bool reset = false;  // the GPU does no more work until it is reset, or the machine restarted
};

// A flag of XLA_FLAGS or TF_XLA_FLAGS, and the minor releases of TensorFlow whose library first and last
// holds its name: "2.10", "2.21".
struct XlaFlagRow {
  std::string flag;  // "xla_gpu_autotune_level"
  std::string first, last;
};

// A release or an image that does not work as it was published, on any machine.
struct DefectRow {
  std::string package;  // "tensorflow[and-cuda]", "tensorflow/tensorflow" (the image)
  std::string version;  // "2.21.0"; of an image its tag without "-gpu", "2.18" for all of that line, "latest"
  std::string defect;   // "unresolvable", "search-path", "wrong-libraries"
};

// NVIDIA's own wheel of TensorFlow for a Jetson.
struct JetsonRow {
  std::string release;  // of Jetson Linux: "36.4", "35" for all of that line
  std::string python;   // "3.10"
  std::string wheel;    // its address
};

// The CUDA that a minor release of TensorFlow opens, of which no build is in the data.
struct CudaOfReleaseRow {
  std::string release;  // "1.12"
  std::string cuda;     // "9.0"
};

// How people are asked for a fact, and what it is with each of the usual answers.
struct QuestionRow {
  std::string fact;  // "driver_library.cuda.path"
  std::string question;
  std::string command;  // that answers it; empty: none does
  std::string stated;   // the statement that an answer in free words is: "gpu"; empty: the fact's own name
  // the word of the answer, and the fact in the short form of facts/json.h: ("no", "\"@absent\"")
  std::vector<std::pair<std::string, std::string>> answers;
};

// What people say of a machine in words of their own. Rules read it as they read messages, by its id.
struct SayingRow {
  std::string id;                  // "says-suspend"
  std::vector<std::string> words;  // any of them says it: "suspend*"; how they match tells logs/statements.h
  std::vector<std::string> under;  // only of statements whose key holds one of these; empty: of any
  bool complains = false;          // who says it tells what is wrong
};

class Knowledge {
 public:
  virtual ~Knowledge() = default;

  // TensorFlow. nullptr: not in the data.
  virtual const TensorFlowBuild* FindBuild(std::string_view distribution, std::string_view version,
                                           std::string_view machine) const = 0;
  virtual std::vector<const TensorFlowBuild*> Builds() const = 0;
  // The versions of a distribution that have a build with CUDA for this machine; cheaper than Builds().
  virtual std::vector<std::string_view> CudaVersions(std::string_view distribution,
                                                     std::string_view machine) const = 0;
  // Names of distributions that install a package `tensorflow`, on Linux or elsewhere.
  virtual std::vector<std::string> TensorFlowDistributions() const = 0;

  virtual std::vector<DefectRow> Defects(std::string_view package) const = 0;
  // For Jetson Linux "36.4.3"; nullopt: the data has none.
  virtual std::optional<JetsonRow> JetsonWheel(std::string_view jetson_linux) const = 0;
  // For a minor release of which the data has no build ("1.12"); empty: nothing is known.
  virtual std::string CudaOfRelease(std::string_view minor) const = 0;
  // Whether this release of TensorFlow ("2.21.0") knows the flag; nullopt: the data does not have the
  // release.
  virtual std::optional<bool> KnowsXlaFlag(std::string_view release, std::string_view flag) const = 0;

  // The distribution in site-packages that holds a soname for builds with this CUDA major: "libcudnn.so.9",
  // 12 -> "nvidia-cudnn-cu12"; empty: none known.
  virtual std::string DistributionOf(std::string_view soname, int cuda_major) const = 0;
  virtual const NvidiaWheel* FindNvidiaWheel(std::string_view distribution,
                                             std::string_view version) const = 0;
  // The versions of a distribution that the data knows, newest first.
  virtual std::vector<std::string> NvidiaWheelVersions(std::string_view distribution) const = 0;

  // Drivers (Linux). The lowest driver that runs programs built with this CUDA (minor-version compatibility),
  // that can compile this PTX ISA, and the CUDA version that a driver supports; empty: not in the data.
  virtual std::string DriverFloor(std::string_view cuda_version) const = 0;
  virtual std::string DriverForPtxIsa(std::string_view isa) const = 0;
  virtual std::string CudaOfDriver(std::string_view driver_version) const = 0;
  // First and last driver branch for an architecture: "570", ""; empty: no bound known.
  virtual std::string FirstBranchFor(std::string_view compute_capability) const = 0;
  virtual std::string LastBranchFor(std::string_view compute_capability) const = 0;
  virtual std::string NewestDriver() const = 0;
  // The newest driver known that drives GPUs of this compute capability.
  virtual std::string NewestDriverFor(std::string_view compute_capability) const = 0;
  // What the libraries of a CUDA toolkit ("12.8.1"), or a cuDNN ("9.3.0") for a CUDA major, can have code
  // for.
  virtual ArchitectureLimits CudaLimits(std::string_view cuda_version) const = 0;
  virtual ArchitectureLimits CudnnLimits(std::string_view cudnn_version, int cuda_major) const = 0;

  // GPUs.
  virtual std::optional<GpuModel> FindGpu(std::string_view pci_device_id) const = 0;
  // "8.9", "sm_89", "89", "RTX 4090", "h100", "GeForce GTX 1080 Ti". An error names the nearest names, or
  // says that several of different compute capability match.
  virtual Result<GpuModel> FindGpuByName(std::string_view text) const = 0;

  // Messages of programs.
  // The same ones at each call, so that what is made of them can be kept; their texts lie in the data.
  virtual const std::shared_ptr<const std::vector<MessageRow>>& Messages() const = 0;
  virtual std::vector<ErrorRow> Errors() const = 0;

  virtual std::vector<SayingRow> Sayings() const = 0;
  // Questions to people. nullopt: the data has no words for this fact.
  virtual std::vector<QuestionRow> Questions() const = 0;
  std::optional<QuestionRow> FindQuestion(std::string_view fact) const;

  // The date of the newest row, "2026-11-23": said wherever something is not in the data.
  virtual std::string Date() const = 0;
};

// The compiled tables.
const Knowledge& BuiltInKnowledge();
// The compiled tables with the rows of a TOML file added (same form as data/*.toml); its rows win.
Result<std::unique_ptr<Knowledge>> KnowledgeWithFile(std::string_view toml, std::string_view file_name);

}  // namespace tfdoctor
