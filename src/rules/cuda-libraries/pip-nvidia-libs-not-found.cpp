#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/libraries.h"
#include "rules/logs.h"

namespace tfdoctor::pip_nvidia_libs_not_found {

namespace {

constexpr std::string_view kNvidia = "/nvidia/";

// "/site-packages/nvidia/cublas/lib" -> "cublas/lib"
std::string BelowNvidia(const std::string& path) { return path.substr(path.rfind(kNvidia) + kNvidia.size()); }
std::string Folder(const std::string& path) { return path.substr(0, path.rfind('/')); }

// A folder below site-packages/nvidia from which the loader takes another library: a link there is found as
// well.
std::string SearchedFolder(const Facts& facts) {
  const auto* opened = facts.cuda_libraries.opened.Peek();
  if (opened == nullptr) return {};
  for (const auto& [soname, library] : *opened) {
    const std::string* path = library.path.Peek();
    const std::string* found_by = library.found_by.Peek();
    if (path == nullptr || found_by == nullptr || path->find(kNvidia) == std::string::npos) continue;
    if (found_by->starts_with("RUNPATH") && library.failure.Peek() == nullptr)
      return SitePackages(facts) + "/nvidia/" + Folder(BelowNvidia(*path));
  }
  return {};
}

Fix LinkThem(const std::vector<std::string>& files, const std::string& folder) {
  Fix fix;
  fix.title = "Link the library into a folder where TensorFlow looks (lasts as long as the environment)";
  for (const std::string& file : files) {
    std::string target = "../../" + BelowNvidia(file);
    fix.commands.push_back(fmt::format("ln -s {} {}", ShellQuote(target), ShellQuote(folder + "/")));
    fix.changes.emplace_back(AddSymlink{folder + file.substr(file.rfind('/')), target});
  }
  return fix;
}

Fix SetSearchPath(const Facts& facts, const std::vector<std::string>& files) {
  std::vector<std::string> folders;
  for (const std::string& file : files) {
    if (std::find(folders.begin(), folders.end(), Folder(file)) == folders.end())
      folders.push_back(Folder(file));
  }
  Fix fix;
  fix.title = "Or name the folders in LD_LIBRARY_PATH (in every shell that starts Python)";
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
  std::vector<std::string> files;
  std::string names;
  for (const StartLibrary& entry : StartLibraries(facts, knowledge)) {
    if (entry.trouble != Trouble::kInPip && entry.trouble != Trouble::kUnclear) continue;
    bool sure = entry.trouble == Trouble::kInPip;
    verdict.Because(
        facts.tensorflow.opens_from,
        fmt::format("TensorFlow opens {}; none of the folders in the RUNPATH of its file holds it",
                    entry.soname),
        sure ? Strength::kStrong : Strength::kWeak);
    if (!sure) continue;
    verdict.Because(entry.library->elsewhere, entry.detail + " is installed");
    files.push_back(entry.detail);
    names += (names.empty() ? "" : ", ") + entry.soname;
  }
  if (verdict.evidence.empty()) return Verdict::Silent();
  if (files.empty()) return verdict;
  const std::string* version = facts.tensorflow.version.Peek();
  std::string other = WorkingTensorFlow(facts, knowledge, "");
  verdict = std::move(verdict).WithTitle(fmt::format("This TensorFlow does not look where pip installed {}",
                                                     files.size() > 3 ? "the CUDA libraries" : names));
  // A later patch of the same line repairs nothing else: 2.16.2 is 2.16.1 with its RUNPATH.
  const std::string patch = version == nullptr || ExtraDefect(knowledge, *version).empty()
                                ? std::string()
                                : WorkingPatch(facts, knowledge, *version);
  if (!patch.empty()) verdict = std::move(verdict).WithFix(InstallTensorFlow(facts, knowledge, patch, {}));
  if (std::string folder = SearchedFolder(facts); !folder.empty())
    verdict = std::move(verdict).WithFix(LinkThem(files, folder));
  verdict = std::move(verdict).WithFix(SetSearchPath(facts, files));
  if (!other.empty() && patch.empty()) {
    Fix change = InstallTensorFlow(facts, knowledge, other, {});
    change.title = "Or change to TensorFlow " + other + ", which finds them";
    verdict = std::move(verdict).WithFix(std::move(change));
  }
  return verdict;
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  const bool faulty =
      !story.tensorflow.empty() && ExtraDefect(story.knowledge, story.tensorflow) == "search-path";
  s.States(story.only_stated && story.and_cuda && faulty && !story.windows && !story.mac, "install_method",
           "TensorFlow " + story.tensorflow + " does not look where its extra and-cuda puts the libraries",
           kDecisive);
  // "2.16": of its releases one does not.
  const bool perhaps = std::count(story.tensorflow.begin(), story.tensorflow.end(), '.') == 1 &&
                       ExtraDefect(story.knowledge, story.tensorflow + ".1") == "search-path";
  s.States(story.only_stated && story.and_cuda && perhaps && !story.windows && !story.mac, "install_method",
           "TensorFlow " + story.tensorflow + ".1 does not look where its extra and-cuda puts the libraries",
           kStrong);
  // Up to 2.13 no wheel looks below site-packages/nvidia (data/tensorflow.toml: their objects' RUNPATH).
  const bool before_extra =
      story.From("2.0") && story.Before("2.14") && story.Mentions("pip_list", "nvidia-c");
  s.States(story.only_stated && before_extra && !story.windows && !story.conda, "pip_list",
           "NVIDIA's packages are installed, and TensorFlow before 2.14 does not look where they are",
           kStrong);
  if (LibrariesFail(story) && !story.tensorflow.empty() && story.Before("2.14") && !story.windows)
    s.Speaks("says-nvidia-packages", kDecisive);
  if (!LibrariesFail(story) || (!story.and_cuda && !story.Mentions("pip_list", "nvidia-"))) return;
  // The libraries are there; whether this release looks at them is known of many.
  const bool unseen = !story.tensorflow.empty() && !ExtraDefect(story.knowledge, story.tensorflow).empty();
  s.States(true, "install_method", "the libraries came with the extra and-cuda", unseen ? kStrong : kWeak);
  s.Speaks("cannot-dlopen-libraries", kStrong).Speaks("cudart-stub", kWeak).Speaks("cudart-aborts", kStrong);
  s.Speaks("library-not-loaded", kWeak).Speaks("cudnn-version-unknown", kStrong);
  s.Wants(story.facts.tensorflow.version);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "pip-nvidia-libs-not-found",
    .link = Link::kCudaLibraries,
    .effect = Effect::kBlocks,
    .title = "The CUDA libraries from pip are installed, but this TensorFlow does not look there",
    .prior = 0.08,
    .explained_by = {{{"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

pip installed the CUDA libraries below `site-packages/nvidia`, but the TensorFlow file that opens them has no search path (RUNPATH) that leads there. So TensorFlow cannot find a library that lies right beside it.

## How it is recognised

A library that TensorFlow needs to start is not found by the loader, while the file exists below this environment's `site-packages/nvidia`. TensorFlow 2.21.0 does this for `libcusolver.so.11`, 2.16.1 for most of them, and releases up to 2.13 for all.

## How it happens

- TensorFlow 2.21.0: `libtensorflow_framework.so.2` opens the libraries and lacks the RUNPATH entry `nvidia/cusolver/lib` (another file has it, but RUNPATH is not inherited).
- TensorFlow 2.16.1: most entries were lost; 2.16.2 has them back.
- Up to 2.13 TensorFlow never looks into `site-packages/nvidia`.

## What people say

"I installed tensorflow[and-cuda] and the GPU list is still empty", "nvidia-cudnn-cu12 is installed in site-packages and not found", "I had to add site-packages/nvidia/*/lib to LD_LIBRARY_PATH", "pip check is fine".

## How to fix it

Any of these; the first that is offered lasts longest:

- link the library into a folder that is searched, for 2.21.0 `ln -s ../../cusolver/lib/libcusolver.so.11 SITE/nvidia/cublas/lib/`, where SITE is the site-packages folder;
- set LD_LIBRARY_PATH to the folder before Python starts;
- install a release without the fault.
)md",
};

}  // namespace tfdoctor::pip_nvidia_libs_not_found
