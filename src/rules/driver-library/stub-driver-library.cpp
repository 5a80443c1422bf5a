#include <fmt/format.h>

#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::stub_driver_library {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  const Library& cuda = facts.driver_library.cuda;
  if (!cuda.path.Present()) return Verdict::Silent();
  const DriverAnswers& answers = facts.driver_answers;
  bool says_so = answers.asked.Is(true) && answers.init.Peek() != nullptr && *answers.init.Peek() == "34";
  if (!says_so && cuda.stub.Is(false)) return Verdict::Excluded().Because(cuda.stub, "it is no stub");
  if (!says_so && !cuda.stub.Is(true)) return Verdict::Silent();
  const std::string* found_by = cuda.found_by.Peek();
  Verdict verdict = Verdict::Holds();
  verdict.Because(
      cuda.path, fmt::format("{} is taken{}", *cuda.path.Get(), found_by == nullptr ? "" : ": " + *found_by));
  if (says_so) verdict.Because(answers.init, "cuInit returns CUDA_ERROR_STUB_LIBRARY (34)");
  bool by_path = found_by != nullptr && found_by->starts_with("LD_LIBRARY_PATH");
  if (!by_path)
    return std::move(verdict).WithFix(Advice("Remove the stubs folder from the loader's configuration",
                                             {"grep -rn stubs /etc/ld.so.conf.d/", "sudo ldconfig"}, true));
  return std::move(verdict).WithFix(Unset("LD_LIBRARY_PATH", "Take the stubs folder out of LD_LIBRARY_PATH"));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("cuda-stub").Proves("loader-takes-stub");
  // There libcuda.so is for linking; TensorFlow's own images for builds have a libcuda.so.1 beside it.
  const Strength taken = story.Saw("says-tensorflow-image") || story.trouble ? kStrong : kWeak;
  s.Speaks("says-stub-folder", taken).Speaks("stubs-on-path", taken);
  // Images have a stub that answers where the engine gave no driver.
  s.Speaks("cuinit-minus-one", story.container ? kWeak : kDecisive);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "stub-driver-library",
    .link = Link::kDriverLibrary,
    .effect = Effect::kBlocks,
    .title = "A stub of libcuda is found instead of the driver's own",
    .prior = 0.02,
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

CUDA toolkits contain an empty libcuda, a stub, that only serves to link programs on machines without a GPU. A program that loads it finds no GPU.

## How it is recognised

The file that the loader takes for `libcuda.so.1` lies in a folder named `stubs`. CUDA error 34.

## How it happens

LD_LIBRARY_PATH or the loader's configuration contains `/usr/local/cuda/lib64/stubs`, as instructions for building programs say.

## What people say

"lib64/stubs in LD_LIBRARY_PATH", "CUDA driver is a stub library", "the stub of libcuda is loaded", "devel image linked against stubs".

## How to fix it

Remove the folder from LD_LIBRARY_PATH, or from `/etc/ld.so.conf.d/` and run `sudo ldconfig`.
)md",
};

}  // namespace tfdoctor::stub_driver_library
