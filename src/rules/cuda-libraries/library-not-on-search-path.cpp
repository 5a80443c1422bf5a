#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/libraries.h"
#include "rules/logs.h"

namespace tfdoctor::library_not_on_search_path {

namespace {

std::string Folder(const std::string& path) { return path.substr(0, path.rfind('/')); }

Fix AddToSearchPath(const Facts& facts, const std::vector<std::string>& folders) {
  Fix fix;
  fix.title = "Add the folder to the loader's search path";
  std::string value = Join(folders, ":");
  fix.commands = {
      fmt::format("export LD_LIBRARY_PATH={}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}", ShellQuote(value))};
  const auto* variables = facts.environment.variables.Peek();
  const auto* old = variables == nullptr || !variables->contains("LD_LIBRARY_PATH")
                        ? nullptr
                        : variables->at("LD_LIBRARY_PATH").Peek();
  fix.changes = {SetVariable{"LD_LIBRARY_PATH", old == nullptr || old->empty() ? value : value + ":" + *old}};
  return fix;
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (!IsCudaBuild(facts)) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  std::vector<std::string> folders;
  for (const StartLibrary& entry : StartLibraries(facts, knowledge)) {
    bool ours = entry.trouble == Trouble::kElsewhere || entry.trouble == Trouble::kUnclear;
    if (!ours) continue;
    verdict.Because(entry.library->path, entry.soname + " is not found by the loader",
                    entry.trouble == Trouble::kUnclear ? Strength::kWeak : Strength::kStrong);
    if (entry.detail.empty()) continue;
    verdict.Because(entry.library->elsewhere, entry.detail + " is there");
    if (std::find(folders.begin(), folders.end(), Folder(entry.detail)) == folders.end())
      folders.push_back(Folder(entry.detail));
  }
  if (verdict.evidence.empty()) return Verdict::Silent();
  if (folders.empty()) return verdict;
  return std::move(verdict)
      .WithFix(AddToSearchPath(facts, folders))
      .WithFix(InstallCudaLibraries(facts, knowledge));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  // The toolkit keeps CUPTI in a folder of its own, extras/CUPTI/lib64, which the usual paths leave out.
  if (story.FieldHas("library-not-loaded", "library", "cupti")) {
    s.That(true, "CUPTI lies in extras/CUPTI/lib64 of the toolkit; only the profiler needs it", kDecisive);
    if (!LibrariesFail(story)) s.Lesser(Effect::kDegrades);
  }
  // On Windows it is the folder with the DLLs itself, bin, that has to be there.
  const std::string path = story.Stated("path");
  const bool on_path = path.find("cuda") != path.npos || path.find("cudnn") != path.npos;
  s.States(story.windows && on_path && (story.Saw("dll-load") || story.only_stated), "PATH", path, kDecisive);
  s.Proves("cudnn-needs-zlib");
  if (story.Saw("says-libraries-not-found")) s.Speaks("says-library-is-there", kDecisive);
  if (!LibrariesFail(story) && !story.Saw("tensorrt-missing")) return;
  const std::string found = LibrarySeen(story);
  s.StatesProof(!found.empty() && LibrariesFail(story), "check", "the library is on this machine: " + found);
  s.States(!found.empty() && !LibrariesFail(story), "check", "the library is on this machine: " + found,
           kDecisive);
  if (!LibrariesFail(story)) return;
  if (!MissingLibraries(story).empty()) s.Speaks("library-not-loaded", kWeak).Speaks("import-library", kWeak);
  if (!MissingLibraries(story).empty()) s.Speaks("dll-load", kWeak);
  // cuDNN was found, so its folder is where its parts are, or what they need is not there.
  if (!story.MaySee("part-does-not-fit")) s.Speaks("part-not-found", kStrong);
  s.That(story.Saw("part-not-found") && !story.MaySee("part-does-not-fit") && story.windows,
         "on Windows cuDNN needs zlibwapi.dll from 8.3 on, and its whole folder bin on PATH", kWeak);
  s.Speaks(XlaGpuAlone(story), kWeak);
  s.Speaks("cannot-dlopen-libraries", kWeak);
  // Who tells of the CUDA that has the missing library has it somewhere.
  bool of_stated = false;
  for (const std::string& library : MissingLibraries(story)) {
    const std::string of = CudaOfName(library);
    of_stated = of_stated || (of.find('.') != of.npos && story.cuda.starts_with(of));
  }
  s.States(of_stated, "cuda", "CUDA " + story.cuda + ", which has the library, is said to be there", kStrong);
  s.Speaks("says-environment-modules", kStrong).Speaks("says-on-path", kStrong);
  s.Speaks("says-path-not-set", kDecisive);
  s.Speaks("says-several-cudas", kStrong);
  const bool conda_beside = story.Mentions("install_method", "conda") && story.pip;
  s.States(conda_beside, "install_method", "conda's libraries are seen only with LD_LIBRARY_PATH", kStrong);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "library-not-on-search-path",
    .link = Link::kCudaLibraries,
    .effect = Effect::kBlocks,
    .title = "A CUDA library is installed where the loader does not look",
    .prior = 0.06,
    .explained_by = {{{"cuda-libraries-missing"},
                      {"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

A library of the right name is on this machine, but in a folder that the dynamic loader does not search for this program. For TensorFlow that is the same as not having it.

## How it is recognised

The loader's search (LD_LIBRARY_PATH, the RUNPATH of the TensorFlow library that opens it, ld.so.cache, the default folders) finds nothing, while a file of this name lies in a usual folder such as `/usr/local/cuda/lib64`.

## How it happens

A toolkit was unpacked or installed from a `.run` file without telling the loader, or LD_LIBRARY_PATH was set in another shell only.

## What people say

"The DLL or .so is there and is not found", "it is in the folder, PATH contains it", "I added it to PATH, LD_LIBRARY_PATH or ld.so.conf and it helped", "os.add_dll_directory", "the bin folder was not in PATH", "module load of the cluster".

## How to fix it

Add the folder to LD_LIBRARY_PATH in the shell that starts Python (and in `~/.bashrc` to keep it), or let pip bring the libraries:

    python -m pip install 'tensorflow[and-cuda]==VERSION'
)md",
};

}  // namespace tfdoctor::library_not_on_search_path
