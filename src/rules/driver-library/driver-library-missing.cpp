#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/containers.h"
#include "rules/logs.h"

namespace tfdoctor::driver_library_missing {

namespace {

// Where the library comes from. `again`: it is there and broken.
Fix Bring(const Facts& facts, bool again) {
  if (const std::string* engine = facts.host.container.Peek()) {
    if (*engine == "kubernetes")
      return Advice(
          "Let the pod ask for a GPU: the node's runtime of NVIDIA's puts the host's library in (install no "
          "driver in the image)",
          {"kubectl explain pod.spec.containers.resources.limits  # nvidia.com/gpu: 1"});
    return Advice(
        "Start the container with the GPU: its engine puts the host's library in (install no driver in the "
        "image)",
        StartWithGpu(*engine));
  }
  if (facts.host.wsl.Peek() != nullptr)
    return Advice(
        "It comes from Windows, into /usr/lib/wsl/lib: install no driver in WSL; where the file is missing, "
        "install NVIDIA's driver in Windows and update WSL there",
        {"ls -l /usr/lib/wsl/lib/libcuda.so.1", "sudo ldconfig", "wsl.exe --update"});
  if (again)
    return Advice("Install the driver's libraries again", {"sudo apt-get install --reinstall libcuda1"},
                  true);
  return Advice(
      "Install the driver's CUDA library, of the version of the loaded module (Debian: libcuda1; "
      "Ubuntu: libnvidia-compute-BRANCH)",
      {"sudo apt-get install libcuda1"}, true);
}

Verdict Check(const Facts& facts, const Knowledge&) {
  const Library& cuda = facts.driver_library.cuda;
  if (cuda.path.Unknown()) return Verdict::Silent();
  if (cuda.path.Present()) {
    if (cuda.failure.Absent()) return Verdict::Excluded().Because(cuda.path, "libcuda.so.1 is found");
    const std::string* failure = cuda.failure.Get();
    if (failure == nullptr)
      return Verdict::Silent().Because(cuda.path, "libcuda.so.1 is found", Strength::kAgainst);
    return Verdict::Holds()
        .Because(cuda.failure, *failure)
        .WithReason("does-not-load")
        .WithTitle("The driver's library libcuda.so.1 does not load")
        .WithFix(Bring(facts, true));
  }
  if (HasNvidiaGpu(facts) == Answer::kNo) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  verdict.Because(cuda.path, "the loader finds no libcuda.so.1");
  const auto* elsewhere = cuda.elsewhere.Peek();
  if (elsewhere != nullptr && !elsewhere->empty()) {
    const std::string& file = elsewhere->front();
    verdict.Because(cuda.elsewhere, file + " is there, where the loader does not look");
    return std::move(verdict)
        .WithReason("not-on-search-path")
        .WithFix(Advice("Tell the loader",
                        {fmt::format("export LD_LIBRARY_PATH={}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}",
                                     ShellQuote(file.substr(0, file.rfind('/'))))}));
  }
  return std::move(verdict).WithReason("absent").WithFix(Bring(facts, false));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  if (story.Saw("loader-takes-stub")) return;
  // The library was opened, or something in its place: its name is not what TensorFlow looks for then.
  if (!story.MaySee("cuinit-minus-one") && !story.FieldHas("successfully-opened", "library", "libcuda.so"))
    s.Proves("libcuda-not-in-process");
  if (BuildsImage(story)) return;
  if (!story.wsl && !story.container) s.Speaks("says-no-libcuda", kStrong);
  // There the driver's libraries are in /run/opengl-driver/lib, where no loader looks by itself.
  if (MissesDriverLibrary(story) && story.Saw("says-nixos")) {
    s.Speaks("says-nixos", kStrong);
    s.Repair(Advice("On NixOS: name the folder of the driver's libraries",
                    {"export LD_LIBRARY_PATH=/run/opengl-driver/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"}));
  }
  // A container gets it from the host, with the GPU.
  s.Speaks("cuda-303", kStrong)
      .Speaks("import-libcuda", story.container && !story.smi_works ? kWeak : kStrong);
  // A container gets the library and nvidia-smi together, unless it was left out.
  const bool contained = story.container || story.Saw("says-kubernetes");
  s.Speaks("smi-without-libcuda", contained ? kWeak : kStrong);
  if (MissesDriverLibrary(story)) s.Speaks("library-not-loaded", kStrong).Speaks("dll-load", kDecisive);
  if (s.any() && story.gpu_seen && !contained) s.That(true, "a GPU is there", kStrong);
  if (s.any()) s.Wants(story.facts.driver_library.cuda.path);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "driver-library-missing",
    .link = Link::kDriverLibrary,
    .effect = Effect::kBlocks,
    .title = "The driver's library libcuda.so.1 is not found",
    .prior = 0.05,
    .explained_by = {{{"no-nvidia-gpu"},
                      {"link:kernel-driver"},
                      {"gpu-dropped-by-driver-branch"},
                      {"docker-without-gpu-flag"},
                      {"container-driver-capabilities"},
                      {"kubernetes-gpu-not-requested"},
                      {"kubernetes-runtime-not-nvidia"},
                      {"singularity-without-nv"},
                      {"wsl-no-dxg-device"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

`libcuda.so.1` is the part of the NVIDIA driver that CUDA programs talk to. It comes with the driver, not with CUDA, pip or conda, and it is not found here.

## How it is recognised

The dynamic loader finds no file of this name for the Python that runs your program.

## How it happens

Only a part of the driver was installed (a server flavour, or the one for display), it was removed by an update, or the container was started without it.

## What people say

"libcuda.so.1: cannot open shared object file", "nvcuda.dll is missing", "the driver's library is not found, NixOS", "driver was never installed in this system", "login node without a driver".

## How to fix it

Install the missing package of the driver: Debian `libcuda1`, Ubuntu `libnvidia-compute-BRANCH`, Fedora `xorg-x11-drv-nvidia-cuda-libs`.
)md",
};

}  // namespace tfdoctor::driver_library_missing
