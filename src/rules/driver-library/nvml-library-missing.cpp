#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::nvml_library_missing {

namespace {

// The process that called it did not come back from opening or starting it. TensorFlow, which does the same
// in its own process, meets the same.
Verdict BreaksDown(const Facts& facts) {
  const DriverAnswers& answers = facts.driver_answers;
  if (!answers.init.Is("0") || !facts.tensorflow.needs_nvml.Is(true)) return Verdict::Silent();
  const std::string* step = answers.nvml_ended_in.Peek();
  const std::string where = step == nullptr ? "when it is called" : "in " + *step;
  const std::string& how = *answers.nvml_ended.Peek();
  // Without a known end of the time that it would take.
  Verdict verdict = how == "hang" ? Verdict::Open() : Verdict::Holds();
  verdict.Because(answers.nvml_ended,
                  how == "hang"
                      ? "libnvidia-ml.so.1 did not come back in time " + where
                      : "the process that called libnvidia-ml.so.1 ended " + where + " (" + how + ")",
                  Strength::kDecisive);
  verdict.Because(facts.tensorflow.needs_nvml, "this TensorFlow calls it before it lists a GPU");
  return std::move(verdict)
      .WithReason(how == "hang" ? "hangs" : "crashes")
      .WithTitle(how == "hang" ? "libnvidia-ml.so.1 does not answer, which this TensorFlow waits for"
                               : "libnvidia-ml.so.1 breaks down when it is called, as this TensorFlow does")
      .WithFix(Advice("See whether nvidia-smi, which calls it too, does the same, and what the module says",
                      {"timeout 20 nvidia-smi", "sudo dmesg | grep -i -e nvrm -e xid | tail"}, true))
      .WithFix(
          Advice("Restart the machine; where that does not help, install the library again, of exactly the "
                 "version of the loaded module",
                 {"sudo apt-get install --reinstall libnvidia-ml1"}, true));
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (!IsCudaBuild(facts)) return Verdict::Silent();
  const Library& nvml = facts.driver_library.nvml;
  const DriverAnswers& answers = facts.driver_answers;
  if (nvml.path.Present() && answers.asked.Is(true) && answers.nvml_init.Peek() == nullptr &&
      answers.nvml_ended.Present())
    return BreaksDown(facts);
  if (nvml.path.Present() && answers.asked.Is(true) && answers.init.Is("0") &&
      (answers.nvml_open_failure.Present() || !answers.nvml_init.Is("0"))) {
    const std::string* result = answers.nvml_init.Peek();
    if (!facts.tensorflow.needs_nvml.Is(true)) return Verdict::Silent();
    Verdict verdict = Verdict::Holds();
    if (result != nullptr)
      verdict.Because(answers.nvml_init, "nvmlInit returns " + NvmlErrorText(knowledge, *result));
    if (answers.nvml_open_failure.Peek() != nullptr)
      verdict.Because(answers.nvml_open_failure, *answers.nvml_open_failure.Peek());
    verdict.Because(facts.tensorflow.needs_nvml, "this TensorFlow gives up the GPU without it");
    return std::move(verdict)
        .WithReason("fails")
        .WithTitle("libnvidia-ml.so.1 does not work, without which this TensorFlow gives up the GPU")
        .WithFix(Advice("Install it again, of exactly the version of the loaded module",
                        {"sudo apt-get install --reinstall libnvidia-ml1"}, true));
  }
  if (nvml.path.Present() && nvml.failure.Absent())
    return Verdict::Excluded().Because(nvml.path, "libnvidia-ml.so.1 is found");
  if (nvml.path.Unknown() || (nvml.path.Present() && nvml.failure.Unknown())) return Verdict::Silent();
  if (facts.tensorflow.needs_nvml.Is(false))
    return Verdict::Excluded().Because(facts.tensorflow.needs_nvml, "this release does not use it");
  if (HasNvidiaGpu(facts) == Answer::kNo || !facts.tensorflow.needs_nvml.Is(true)) return Verdict::Silent();
  const std::string* failure = nvml.failure.Get();
  return Verdict::Holds()
      .Because(nvml.path, failure == nullptr ? "the loader finds no libnvidia-ml.so.1" : *failure)
      .Because(facts.tensorflow.needs_nvml, "this TensorFlow gives up the GPU without it")
      .WithFix(Advice("Install it, of the version of the loaded module (Debian: libnvidia-ml1; Ubuntu: part "
                      "of libnvidia-compute-BRANCH; Docker: capability utility)",
                      {"sudo apt-get install libnvidia-ml1"}, true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  if (story.Saw("hook-no-nvml")) return;  // the container engine says so, not TensorFlow
  const TensorFlowBuild* build = BuildOf(story);
  const bool needs = build != nullptr && build->needs_nvml == true;
  s.Speaks("nvml-no-library", needs ? kStrong : kWeak);
  // Such a release is silent without it; so are other causes.
  s.That(needs && story.Saw("only-cpu-listed") && !story.trouble && story.linux_known,
         "this release says nothing when libnvidia-ml.so.1 is missing", kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "nvml-library-missing",
    .link = Link::kDriverLibrary,
    .effect = Effect::kBlocks,
    .title = "libnvidia-ml.so.1 is missing, without which this TensorFlow gives up the GPU",
    .prior = 0.02,
    .explained_by = {{{"driver-library-missing"},
                      {"driver-too-old"},
                      {"no-nvidia-gpu"},
                      {"link:kernel-driver"},
                      {"docker-without-gpu-flag"},
                      {"container-driver-capabilities"},
                      {"kubernetes-gpu-not-requested"},
                      {"kubernetes-runtime-not-nvidia"},
                      {"singularity-without-nv"},
                      {"wsl-no-dxg-device"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

`libnvidia-ml.so.1` (NVML) is the part of the driver that reports its state. TensorFlow 2.21 asks it about the GPU and, without an answer, lists no GPU, without any message.

## How it is recognised

The loader finds no such file, it does not load, or a process that calls it (nvmlInit) gets an error, breaks down or does not come back; and this release of TensorFlow needs it.

## How it happens

The driver was installed in parts, or a container got the capability `compute` without `utility` (NVIDIA_DRIVER_CAPABILITIES).

## What people say

"libnvidia-ml.so.1 is missing", "NVML Shared Library Not Found", "nvidia-smi is not there, and TensorFlow 2.21 silently has no GPU".

## How to fix it

Install the package (Debian `libnvidia-ml1`); in Docker set `NVIDIA_DRIVER_CAPABILITIES=compute,utility`.
)md",
};

}  // namespace tfdoctor::nvml_library_missing
