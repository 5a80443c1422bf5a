#include <fmt/format.h>

#include <set>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/libraries.h"
#include "rules/logs.h"

namespace tfdoctor::library_path_shadows {

namespace {

// A cuDNN older than the one that TensorFlow was compiled with, taken through LD_LIBRARY_PATH while another
// waits.
bool TakesOldCudnn(const Facts& facts, const Library& library) {
  const std::string* found_by = library.found_by.Get();
  if (found_by == nullptr || !found_by->starts_with("LD_LIBRARY_PATH")) return false;
  const auto* shadowed = library.shadowed.Get();
  if (shadowed == nullptr || shadowed->empty()) return false;
  const std::string* wanted = facts.tensorflow.cudnn_version.Get();
  const std::string* there = library.version.Get();
  return wanted != nullptr && there != nullptr && !CudnnFits(*there, *wanted);
}

Fix LeaveOut(const Facts& facts) {
  Fix fix = Unset("LD_LIBRARY_PATH", "Start Python without LD_LIBRARY_PATH");
  if (const auto* notes = facts.cuda_libraries.search_path_notes.Peek(); notes != nullptr && !notes->empty())
    fix.title += " (" + notes->front() + ")";
  return fix;
}

// "libnvJitLink.so.12 12.2.140"
std::string WithVersion(const std::string& soname, const Library& library) {
  const std::string* version = library.version.Peek();
  return version == nullptr ? soname : soname + " " + *version;
}

// The library that was taken through LD_LIBRARY_PATH and lacks what another needs.
void NameLacking(const Facts& facts, const std::string& soname, Verdict& verdict) {
  const auto* opened = facts.cuda_libraries.opened.Peek();
  if (opened == nullptr || !opened->contains(soname)) return;
  const Library& library = opened->at(soname);
  verdict.Because(library.path, WithVersion(soname, library) + " is taken through LD_LIBRARY_PATH");
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (!IsCudaBuild(facts)) return Verdict::Silent();
  // Without the variable nothing can be taken through it.
  if (facts.environment.Variable("LD_LIBRARY_PATH").Absent()) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  std::set<std::string> lacking;
  for (const StartLibrary& entry : StartLibraries(facts, knowledge)) {
    if (entry.trouble == Trouble::kUnfitByPath || entry.trouble == Trouble::kFailsSomehow) {
      const std::string* failure = entry.library->failure.Get();
      const bool itself = entry.trouble == Trouble::kFailsSomehow || entry.detail.empty();
      verdict.Because(
          entry.library->path,
          fmt::format("{} {}: {}", entry.soname, itself ? "is taken and does not load" : "does not load",
                      failure == nullptr ? "" : *failure));
      if (!itself) lacking.insert(entry.detail);
    } else if (IsCudnn(entry.soname) && entry.library->path.Present() &&
               TakesOldCudnn(facts, *entry.library)) {
      verdict.Because(entry.library->path,
                      fmt::format("{} {} is taken, before {}", entry.soname, *entry.library->version.Peek(),
                                  entry.library->shadowed.Peek()->front()));
    }
  }
  for (const std::string& soname : lacking) NameLacking(facts, soname, verdict);
  if (verdict.evidence.empty()) return Verdict::Silent();
  NameAtOdds(facts, verdict);
  verdict.Because(facts.environment.Variable("LD_LIBRARY_PATH"),
                  "LD_LIBRARY_PATH is searched before TensorFlow's own folders");
  return std::move(verdict).WithFix(LeaveOut(facts));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  const std::string path = story.Stated("ld_library_path");
  const bool cuda_on_path = path.find("cuda") != path.npos || path.find("hpc_sdk") != path.npos;
  const bool trouble = story.SawAny({"cudnn-version-mismatch", "cudnn-handle", "undefined-symbol"});
  // Whether a folder of CUDA holds the library at all, the person says who gives the order.
  s.StatesProof(path.find("first") != path.npos && trouble, "LD_LIBRARY_PATH",
                "it puts another copy first: " + path);
  const SeenMessage* tried = story.Message("ld-debug-try");
  if (tried != nullptr && cuda_on_path) s.Proves("ld-debug-try");
  if (!OtherCudaStated(story).empty() && cuda_on_path)
    s.States(true, "LD_LIBRARY_PATH", "it names a CUDA of another version: " + path, kStrong);
  s.Speaks("says-path-first", kDecisive);
  const std::string dependency = OtherCudaOfDependency(story);
  s.That(!dependency.empty(), dependency, kStrong);
  const SeenMessage* searched = story.Message("ld-debug-path");
  if (searched != nullptr && searched->text.Peek()->find("cuda") != std::string::npos && tried != nullptr)
    s.Speaks("ld-debug-try", kDecisive);
  // Folders of one environment, given to the programs of another.
  s.States(path.find("venv") != path.npos && !s.any() && !story.gpu_registered, "LD_LIBRARY_PATH",
           "it leads into an environment: " + path, kStrong);
  s.States(cuda_on_path && trouble && !s.any(), "LD_LIBRARY_PATH", "it names a folder of CUDA: " + path,
           kStrong);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "library-path-shadows",
    .link = Link::kCudaLibraries,
    .effect = Effect::kBlocks,
    .title = "LD_LIBRARY_PATH makes the loader take an unsuitable library",
    .prior = 0.05,
    .explained_by = {{{"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The variable LD_LIBRARY_PATH is searched before the folders that TensorFlow itself names. Here it leads to a library of the right name that does not fit, so the fitting one is never looked at.

## How it is recognised

A library is taken through an entry of LD_LIBRARY_PATH and does not load, or lacks what another library needs of it (pip's cuSPARSE or cuSOLVER 12.9 with the `libnvJitLink.so.12` or `libcublas.so.12` of an older CUDA: "undefined symbol: __nvJitLinkAddData_12_9, version libnvJitLink.so.12"), or is an older cuDNN than this TensorFlow was compiled with.

## How it happens

Old instructions for CUDA put `export LD_LIBRARY_PATH=/usr/local/cuda/lib64` into `~/.bashrc`; environment modules, conda and Spack set it, too.

## What people say

"LD_LIBRARY_PATH points to another CUDA", "the libraries of the system or of a module are loaded instead of pip's", "after unset LD_LIBRARY_PATH it works", "it picks up the wrong cuDNN or cuBLAS".

## How to fix it

Start Python without the variable:

    unset LD_LIBRARY_PATH

If that helps, remove the line from `~/.bashrc`, or unload the module that sets it.
)md",
};

}  // namespace tfdoctor::library_path_shadows
