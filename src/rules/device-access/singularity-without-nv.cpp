#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::singularity_without_nv {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  const std::string* engine = facts.host.container.Get();
  if (engine == nullptr || (*engine != "singularity" && *engine != "apptainer")) return Verdict::Silent();
  // These containers have the host's /dev; in WSL the device there is what shows a driver.
  const auto* nodes = facts.host.wsl.Present() ? facts.device_access.nodes.Get() : nullptr;
  const bool wsl = nodes != nullptr && nodes->contains("/dev/dxg");
  if (!wsl && !facts.kernel_driver.version.Present()) return Verdict::Silent();
  const Library& cuda = facts.driver_library.cuda;
  if (cuda.path.Present() && !cuda.stub.Is(true))
    return Verdict::Excluded().Because(cuda.path, "libcuda.so.1 is there");
  if (cuda.path.Unknown()) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  verdict.Because(facts.host.container, "this is a container of " + *engine);
  if (wsl) {
    verdict.Because(facts.device_access.nodes, "/dev/dxg is there, the GPU that Windows gives to WSL");
  } else {
    verdict.Because(facts.kernel_driver.version,
                    "the host's driver " + *facts.kernel_driver.version.Get() + " is loaded");
  }
  return std::move(verdict)
      .Because(cuda.path, "libcuda.so.1 is not in the container")
      .WithFix(Advice("Start it with --nv", {*engine + " exec --nv IMAGE.sif python program.py"}));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  // That it looks for the driver is what --nv does.
  if (story.Saw("nv-not-found")) return s.Drop();
  for (const std::string& arguments : story.Fields("singularity-run", "arguments")) {
    if (arguments.find("--nv") != arguments.npos) return;
    s.Speaks("singularity-run", kDecisive);
    s.That(MissesDriverLibrary(story), "the driver's library comes with --nv", kDecisive);
  }
  if (!InSingularity(story) || story.smi_works) return;
  s.Speaks("cuda-303", kStrong).Speaks("module-not-running", kWeak).Speaks("import-libcuda", kStrong);
  if (MissesDriverLibrary(story)) s.Speaks("library-not-loaded", kStrong);
  if (!s.any() && story.only_stated) s.Speaks("says-singularity", kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "singularity-without-nv",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "Singularity or Apptainer was started without --nv",
    .prior = 0.02,
    .explained_by = {{{"no-nvidia-gpu"}, {"link:kernel-driver"}, {"gpu-dropped-by-driver-branch"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

Singularity and Apptainer bring the host's driver libraries into the container only with `--nv`.

## How it is recognised

This is a Singularity or Apptainer container, the host's driver is loaded, and `libcuda.so.1` is not inside.

## How it happens

The option was forgotten in the command or in the job script.

## What people say

"I forgot --nv", "singularity exec or apptainer run without the GPU", "inside the .sif no GPU, on the node it works".

## How to fix it

apptainer exec --nv IMAGE.sif python program.py
)md",
};

}  // namespace tfdoctor::singularity_without_nv
