#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::cuda_compat_library_misused {

namespace {

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  const Library& cuda = facts.driver_library.cuda;
  const DriverAnswers& answers = facts.driver_answers;
  const std::string* path = cuda.path.Get();
  if (path == nullptr) return Verdict::Silent();
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  bool compat = path->find("/compat/") != std::string::npos || path->find("cuda-compat") != std::string::npos;
  bool refused = answers.asked.Is(true) && answers.init.Is("804");
  if ((!compat && !refused) || answers.asked.Unknown()) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  if (compat) verdict.Because(cuda.path, *path + " is a package for forward compatibility");
  if (refused) {
    verdict.Because(answers.init, "cuInit returns " + CudaErrorText(knowledge, "804"));
  } else {
    if (answers.asked.Is(true) && !answers.init.Is("803")) return Verdict::Silent();
    bool consumer = false;
    for (const Gpu* gpu : NvidiaGpus(facts)) {
      const std::string* name = gpu->name.Get();
      if (name == nullptr || name->find("GeForce") == std::string::npos) continue;
      verdict.Because(gpu->name, *name + " may not use it: only GPUs for data centres and workstations may");
      consumer = true;
    }
    if (!consumer) return Verdict::Silent();
  }
  const std::string* found_by = cuda.found_by.Peek();
  if (found_by != nullptr && found_by->starts_with("LD_LIBRARY_PATH")) {
    verdict = std::move(verdict).WithFix(
        Unset("LD_LIBRARY_PATH",
              "Take the folder out of LD_LIBRARY_PATH, so that the driver's own library is found"));
  }
  return std::move(verdict).WithFix(
      Advice("Remove the package for forward compatibility, and update the driver of the host",
             {"sudo apt-get remove 'cuda-compat-*'", "sudo ldconfig"}, true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  if (story.container) s.Proves("cuda-compat");
  s.Speaks("cuda-compat", kDecisive).Speaks("cuda-driver-mismatch", kStrong);
  if (!s.any()) s.Speaks("says-compat-folder", kStrong);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "cuda-compat-library-misused",
    .link = Link::kDriverLibrary,
    .effect = Effect::kBlocks,
    .title = "A forward-compatibility libcuda is used where it is not allowed",
    .prior = 0.02,
    .explained_by = {{{"no-nvidia-gpu"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

NVIDIA's packages cuda-compat bring a newer libcuda than the driver has. They work on GPUs for data centres only; a GeForce refuses (804).

## How it is recognised

libcuda.so.1 is taken from a folder `compat`, and cuInit returns 804, or the GPU is a GeForce.

## How it happens

A CUDA image of a container brings the package, and the driver of the host is older than the image wants; or a toolkit's compat folder was put into the search path.

## What people say

"Error 804: forward compatibility was attempted on non supported HW", "cuda-compat package in the image", "GeForce card with a newer image than the driver", "removing /usr/local/cuda/compat helped".

## How to fix it

Update the driver of the host, and remove the package: `sudo apt-get remove "cuda-compat-*"`.
)md",
};

}  // namespace tfdoctor::cuda_compat_library_misused
