#include "rules/logs.h"

#include <algorithm>
#include <cstdlib>

#include "base/text.h"

namespace tfdoctor {

namespace {

bool IsOptional(std::string_view name) { return name.find("nvinfer") != name.npos; }
bool IsDriver(std::string_view name) {
  return name.starts_with("libcuda.so") || name.starts_with("nvcuda") || name.starts_with("libnvidia-ml");
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

}  // namespace

std::vector<std::string> MissingLibraries(const LogStory& story) {
  std::vector<std::string> missing;
  for (const char* id : {"library-not-loaded", "import-library", "dll-load"}) {
    for (const std::string& name : story.Fields(id, "library")) {
      const std::string file = name.substr(name.rfind('/') == name.npos ? 0 : name.rfind('/') + 1);
      if (IsOptional(file) || IsDriver(file) || file.find(".so") + 1 + file.find(".dll") + 1 == 0) continue;
      if (std::find(missing.begin(), missing.end(), file) == missing.end()) missing.push_back(file);
    }
  }
  return missing;
}

bool MissesDriverLibrary(const LogStory& story) {
  if (story.SawAny({"libcuda-not-in-process", "import-libcuda", "cuda-303"})) return true;
  return story.FieldHas("library-not-loaded", "library", "libcuda.so") ||
         story.FieldHas("library-not-loaded", "library", "nvcuda");
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
  if (library.starts_with("libcudart.so.")) return Digits(library.substr(13));
  // Up to CUDA 10.0 every library carried the toolkit's number; later cuBLAS alone carries the major one.
  const size_t at = library.find(".so.");
  if (at == library.npos || NamesCudnn(library)) return {};
  const std::string number = Digits(library.substr(at + 4));
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
      if (build != nullptr && build->cuda && build->scanned) return build;
    }
  }
  return nullptr;
}

std::string CudaOfBuild(const LogStory& story) {
  if (const TensorFlowBuild* build = BuildOf(story)) return build->cuda_version;
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
  return cuda;
}

bool SameCuda(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return true;
  if (MajorVersion(a) != MajorVersion(b)) return false;
  if (MajorVersion(a) >= 11) return true;
  const std::vector<std::string> x = Split(a, '.'), y = Split(b, '.');
  return x.size() < 2 || y.size() < 2 || x[1] == y[1];
}

bool LibrariesFail(const LogStory& story) {
  return story.SawAny({"cannot-dlopen-libraries", "cudart-stub", "cudart-aborts", "cudnn-version-unknown",
                       "cudnn-sublibrary-loading"}) ||
         !MissingLibraries(story).empty();
}

bool HandlesFail(const LogStory& story) {
  return story.SawAny({"cublas-handle", "cudnn-handle", "blas-missing", "blas-launch-failed",
                       "conv-algorithm", "dnn-not-found", "no-algorithm-worked", "cublas-not-initialized",
                       "cublas-alloc-failed", "cublas-execution-failed", "cudnn-not-initialized",
                       "cudnn-alloc-failed", "cudnn-internal-error", "cudnn-execution-failed"});
}

bool MemoryFails(const LogStory& story) {
  return story.SawAny({"allocator-out-of-memory", "oom-tensor", "resource-exhausted", "dst-not-initialized"});
}

bool NoDevice(const LogStory& story) {
  return story.SawAny({"cuda-no-device", "no-device-node", "module-not-running", "smi-no-devices"});
}

bool AnswersOtherwise(const LogStory& story) {
  return story.SawAny({"cuda-unknown", "cuda-busy", "cuda-not-ready", "cuda-driver-mismatch", "cuda-compat",
                       "cuda-stub", "cuda-ecc", "cuda-out-of-memory", "cuda-os-call", "cuda-not-permitted"});
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

bool StatedAnywhere(const LogStory& story, std::string_view part) {
  const auto* stated = story.facts.log.stated.Peek();
  if (stated == nullptr) return false;
  return std::any_of(stated->begin(), stated->end(),
                     [&](const auto& entry) { return Lower(entry.second).find(part) != std::string::npos; });
}

std::string StatedUnder(const LogStory& story, std::string_view key_start) {
  const auto* stated = story.facts.log.stated.Peek();
  if (stated == nullptr) return {};
  for (const auto& [key, value] : *stated) {
    if (key.starts_with(key_start)) return value;
  }
  return {};
}

}  // namespace tfdoctor
