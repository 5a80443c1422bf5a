// The compiled form of data/*.toml. Texts are offsets into one blob instead of pointers: a
// position-independent program would have to relocate tens of thousands of pointers, and dirty their pages,
// at each start. Lists of texts are one text with newlines between. tools/make_tables.cpp writes the tables,
// sorted as the comments say.
#pragma once

#include <cstdint>
#include <span>

namespace tfdoctor::tables {

struct Text {
  uint32_t at;
  uint32_t size;
};

struct Build {  // by distribution, version, machine
  Text distribution, version, machine, wheel, date, pythons, glibc, cuda_version, cudnn_version, sass, ptx,
      sass_partial, ptx_isa, ptx_isa_partial, opens, opens_at_start, cpu_flags, requires_dist;
  Text objects;  // lines "size path"
  bool cuda, cuda_known, rocm, scanned;
  int8_t needs_nvml;  // -1: unknown
};

struct Library {
  Text path, soname, needed, runpath, rpath, sass, ptx;
  uint64_t size;
};

struct Wheel {  // by distribution, version
  Text distribution, version;
  uint32_t first_library, libraries;  // in kLibraries
  bool scanned;
};

struct Soname {  // by soname, CUDA's major version
  Text soname;
  int cuda_major;
  Text distribution, path, needed;
};

struct Pair {  // by key
  Text key, value;
};

struct Architecture {  // by compute capability, as text
  Text compute_capability, name, first_branch, last_branch;
};

struct Limits {  // by version, CUDA's major version (0 for the limits of CUDA itself)
  Text version;
  int cuda_major;
  Text lowest, highest;
};

struct Gpu {  // by PCI id
  Text pci_id, name, architecture, compute_capability;
};

struct GpuRange {  // by first id
  Text first, last, architecture, compute_capability;
};

struct Message {  // in the order of the files
  Text id, texts, by, kind, cause, meaning, releases;
  bool machine, unchecked;
  uint32_t shows;
};

struct Error {  // in the order of the files
  Text library;
  int number;
  Text name, text, fault;
  bool reset;
};

struct Defect {  // in the order of the files
  Text package, version, defect;
};

struct CudaOfRelease {  // in the order of the files
  Text release, cuda;
};

struct Jetson {  // in the order of the files
  Text release, python, wheel;
};

struct XlaFlag {  // by flag
  Text flag, first, last;
};

struct Question {  // in the order of the files; answers are lines "word: JSON"
  Text fact, question, command, stated, answers;
};

struct Saying {  // in the order of the files
  Text id, words, under;
  bool complains;
};

extern const char* const kTexts;
extern const std::span<const Build> kBuilds;
extern const std::span<const Text> kFlavours;
extern const std::span<const Library> kLibraries;
extern const std::span<const Wheel> kWheels;
extern const std::span<const Soname> kSonames;
extern const std::span<const Pair> kDriverFloors, kToolkitDrivers, kCudaOfBranches, kDriversOfPtx;
extern const std::span<const Architecture> kArchitectures;
extern const std::span<const Limits> kCudaLimits, kCudnnLimits;
extern const std::span<const Gpu> kGpus;
extern const std::span<const GpuRange> kGpuRanges;
extern const std::span<const Message> kMessages;
extern const std::span<const Error> kErrors;
extern const std::span<const Defect> kDefects;
extern const std::span<const CudaOfRelease> kCudaOfReleases;
extern const std::span<const Jetson> kJetsons;
extern const std::span<const XlaFlag> kXlaFlags;
extern const std::span<const Question> kQuestions;
extern const std::span<const Saying> kSayings;
extern const Text kDate;

}  // namespace tfdoctor::tables
