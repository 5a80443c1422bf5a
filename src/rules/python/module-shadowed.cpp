#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::module_shadowed {

namespace {

struct Watched {
  const char* module;
  const char* distribution;  // empty: any TensorFlow distribution
};
constexpr Watched kWatched[] = {{"tensorflow", ""},     {"keras", "keras"},
                                {"numpy", "numpy"},     {"google.protobuf", "protobuf"},
                                {"google", "protobuf"}, {"ml_dtypes", "ml-dtypes"}};

// Whether a distribution that brings this module is installed, and in which folders.
bool IsInstalled(const Facts& facts, const Watched& watched, std::vector<std::string>& folders) {
  const auto* distributions = facts.python.distributions.Get();
  if (distributions == nullptr) return false;
  std::vector<std::string> names = {watched.distribution};
  if (names.front().empty()) {
    names.clear();
    const auto* installed = facts.tensorflow.installed.Get();
    if (installed == nullptr) return false;
    for (const auto& [name, version] : *installed) names.push_back(name);
  }
  for (const std::string& name : names) {
    auto found = distributions->find(name);
    if (found == distributions->end()) continue;
    if (const std::string* folder = found->second.folder.Get()) folders.push_back(*folder);
  }
  return !folders.empty();
}

bool IsBelow(const std::string& path, const std::vector<std::string>& folders) {
  return std::any_of(folders.begin(), folders.end(),
                     [&](const std::string& folder) { return path.starts_with(folder + "/"); });
}

Verdict Check(const Facts& facts, const Knowledge&) {
  // What was not understood may put a file of that name before all that was found.
  (void)facts.python.unread.Get();
  const auto* modules = facts.python.modules.Get();
  if (modules == nullptr) return Verdict::Silent();
  for (const Watched& watched : kWatched) {
    auto found = modules->find(watched.module);
    if (found == modules->end()) continue;
    const Module& module = found->second;
    const std::string* path = module.path.Get();
    if (path == nullptr || !module.owner.Absent()) continue;
    // Portions of a namespace hide nothing (PEP 420), and a google of somebody's may have protobuf in it.
    if (module.kind.Is("namespace")) continue;
    if (watched.module == std::string_view("google")) {
      auto protobuf = modules->find("google.protobuf");
      if (protobuf == modules->end() || !protobuf->second.path.Absent()) continue;
    }
    std::vector<std::string> folders;
    if (!IsInstalled(facts, watched, folders) || IsBelow(*path, folders)) continue;
    return Verdict::Holds()
        .Because(module.path,
                 fmt::format("import {} takes {}, which belongs to no package", watched.module, *path))
        .Because(facts.python.distributions, fmt::format("the real one is installed in {}", folders.front()))
        .WithReason(watched.module)
        .WithTitle(fmt::format(
            "{} hides the installed {}", *path,
            watched.distribution == std::string_view("protobuf") ? "google.protobuf" : watched.module))
        .WithFix({.title = "Give it another name",
                  .commands = {fmt::format("mv {} {}", ShellQuote(*path), ShellQuote(*path + ".renamed"))},
                  .changes = {RemoveFile{*path}}});
  }
  return Verdict::Silent();
}

void JudgeLog(Signs& s) {
  s.Speaks("tensorflow-attribute", kStrong)
      .Speaks("source-directory", kStrong)
      .Speaks("not-a-package", kStrong);
  const SeenMessage* file = s.story.Message("file-called-tensorflow");
  // Other packages have modules of this name, too.
  if (file != nullptr && file->text.Peek()->find("-packages/") == std::string::npos)
    s.Speaks("file-called-tensorflow", kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "module-shadowed",
    .link = Link::kPython,
    .effect = Effect::kBlocks,
    .title = "A file or folder of yours hides a module that TensorFlow needs",
    .prior = 0.03,
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

Python takes the first file or folder of a name that it finds. Here that is one of yours, so the installed module of the same name is never imported.

## How it is recognised

The module that `import` takes belongs to no installed package, while the package of that name is installed elsewhere on `sys.path`. A `google.py`, or a folder `google` with an `__init__.py`, hides `google.protobuf`; a folder without one hides nothing. Where code that was not understood may put a folder before the others (a `.pth` file, `sitecustomize`, an archive), the answer stays open.

## How it happens

A script named `tensorflow.py`, `keras.py` or `numpy.py` lies beside the program, a source tree is the working folder, or PYTHONPATH leads to old files.

## What people say

"My file is called tensorflow.py", "a folder named tensorflow lies in the working directory", "module 'tensorflow' has no attribute", "inspect.py, random.py, code.py of my own", "after renaming the script it works", "partially initialized module, circular import".

## How to fix it

Rename the file or folder (and remove `__pycache__`), start Python in another folder, or unset PYTHONPATH.
)md",
};

}  // namespace tfdoctor::module_shadowed
