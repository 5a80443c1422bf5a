#include "rules/libraries.h"

#include <algorithm>

#include "base/text.h"
#include "rules/common.h"

namespace tfdoctor {

namespace {

// "nvidia-cudnn-cu11" where "nvidia-cudnn-cu12" is wanted; CUDA 13's have no suffix.
std::string OtherDistribution(const Facts& facts, const Knowledge& knowledge, const std::string& soname) {
  const std::string* cuda = facts.tensorflow.cuda_version.Get();
  const auto* distributions = facts.python.distributions.Get();
  if (cuda == nullptr || distributions == nullptr) return {};
  std::string wanted = knowledge.DistributionOf(soname, MajorVersion(*cuda));
  if (wanted.empty() || distributions->contains(wanted)) return {};
  size_t suffix = wanted.rfind("-cu");
  std::string stem = wanted.substr(0, suffix);
  for (const char* other : {"-cu11", "-cu12", "-cu13", ""}) {
    if (stem + other != wanted && distributions->contains(stem + other)) return stem + other;
  }
  return {};
}

// Reads only what the sorting depends on: an unknown fact that is read makes the rules that ask uncertain.
StartLibrary SortMissing(const Facts& facts, const Knowledge& knowledge, bool has_runtime,
                         StartLibrary entry) {
  if (entry.library->elsewhere.Unknown()) {
    entry.trouble = Trouble::kUnclear;
    return entry;
  }
  const auto* elsewhere = entry.library->elsewhere.Get();
  std::string site = SitePackages(facts);
  for (const std::string& file : elsewhere == nullptr ? std::vector<std::string>() : *elsewhere) {
    bool in_pip = !site.empty() && file.starts_with(site + "/nvidia/");
    if (entry.trouble == Trouble::kInPip || (entry.trouble == Trouble::kElsewhere && !in_pip)) continue;
    entry.trouble = in_pip ? Trouble::kInPip : Trouble::kElsewhere;
    entry.detail = file;
  }
  if (entry.trouble != Trouble::kNone) return entry;
  if (facts.tensorflow.cuda_version.Unknown() || facts.python.distributions.Unknown()) {
    entry.trouble = Trouble::kUnclear;
    return entry;
  }
  entry.detail = OtherDistribution(facts, knowledge, entry.soname);
  entry.trouble = Trouble::kOtherVersion;
  if (!entry.detail.empty()) return entry;
  entry.trouble = Trouble::kNowhere;
  // With a fitting CUDA there, a single missing library is not replaced by the one of another CUDA beside it.
  if (has_runtime && !IsCudnn(entry.soname)) return entry;
  if (entry.library->other_versions.Unknown()) {
    entry.trouble = Trouble::kUnclear;
    return entry;
  }
  const auto* others = entry.library->other_versions.Get();
  if (others == nullptr || others->empty()) return entry;
  entry.detail = others->front();
  entry.trouble = Trouble::kOtherVersion;
  return entry;
}

// The runtime that every CUDA brings: libcudart.so.12.
bool HasRuntime(const std::map<std::string, Library>& opened) {
  return std::any_of(opened.begin(), opened.end(), [](const auto& entry) {
    return entry.first.starts_with("libcudart.") && entry.second.path.Peek() != nullptr;
  });
}

bool ByPath(const Library& library) {
  const std::string* found_by = library.found_by.Get();
  return found_by != nullptr && found_by->starts_with("LD_LIBRARY_PATH");
}

// The library that lacks a symbol or a version which another needs, as ld.so says it: NVIDIA's versions have
// the library's name. "…: undefined symbol: cublasSetEnvironmentMode, version libcublas.so.12"
std::string LackingOf(const std::string& failure, const std::map<std::string, Library>& opened) {
  const size_t at = failure.rfind("version ");
  if (at == std::string::npos) return {};
  for (const auto& [soname, library] : opened) {
    const size_t found = failure.find(soname, at);
    if (found == at + 8 || (found == at + 9 && failure[at + 8] == '`')) return soname;
  }
  return {};
}

StartLibrary SortFailing(const std::map<std::string, Library>& opened, StartLibrary entry) {
  const Library& library = *entry.library;
  if (library.missing.Unknown() || library.found_by.Unknown()) {
    entry.trouble = Trouble::kFailsSomehow;
    return entry;
  }
  const std::string* failure = library.failure.Get();
  const std::string lacking = failure == nullptr ? "" : LackingOf(*failure, opened);
  if (!lacking.empty() && opened.at(lacking).found_by.Unknown()) {
    entry.trouble = Trouble::kFailsSomehow;
    return entry;
  }
  if (ByPath(library)) {
    entry.trouble = Trouble::kUnfitByPath;
  } else if (!lacking.empty() && ByPath(opened.at(lacking))) {
    entry.trouble = Trouble::kUnfitByPath;
    entry.detail = lacking;
  } else if (const std::string* missing = library.missing.Get()) {
    entry.trouble = Trouble::kDependency;
    entry.detail = *missing;
  } else {
    entry.trouble = Trouble::kUnfit;
  }
  return entry;
}

}  // namespace

std::vector<StartLibrary> StartLibraries(const Facts& facts, const Knowledge& knowledge) {
  std::vector<StartLibrary> sorted;
  const auto* opened = facts.cuda_libraries.opened.Get();
  if (opened == nullptr) return sorted;
  for (const auto& [soname, library] : *opened) {
    if (!library.needed_to_start.Is(true)) continue;
    StartLibrary entry{soname, &library, Trouble::kNone, {}};
    if (library.path.Absent()) {
      entry = SortMissing(facts, knowledge, HasRuntime(*opened), std::move(entry));
    } else if (library.path.Present() && library.failure.Present()) {
      entry = SortFailing(*opened, std::move(entry));
    }
    sorted.push_back(std::move(entry));
  }
  return sorted;
}

bool IsCudnn(const std::string& soname) { return soname.starts_with("libcudnn."); }

bool CudnnFits(const std::string& there, const std::string& compiled_with) {
  if (MajorVersion(there) != MajorVersion(compiled_with)) return false;
  const std::vector<std::string> a = Split(there, '.');
  const std::vector<std::string> b = Split(compiled_with, '.');
  if (a.size() < 2 || b.size() < 2) return true;
  return CompareVersions(a[0] + "." + a[1], b[0] + "." + b[1]) >= 0;
}

void NameAtOdds(const Facts& facts, Verdict& verdict) {
  const auto* at_odds = facts.tensorflow.extra_at_odds.Peek();
  if (at_odds == nullptr || at_odds->empty()) return;
  verdict.Because(facts.tensorflow.extra_at_odds,
                  "not as the and-cuda extra of this release has it: " + Join(*at_odds, "; "),
                  Strength::kWeak);
}

const Library* FindCudnn(const Facts& facts) {
  const auto* opened = facts.cuda_libraries.opened.Get();
  if (opened == nullptr) return nullptr;
  for (const auto& [soname, library] : *opened) {
    if (IsCudnn(soname)) return &library;
  }
  return nullptr;
}

}  // namespace tfdoctor
