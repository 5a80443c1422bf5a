#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::container_toolkit_outdated {

namespace {

// The toolkit maps the driver's libraries into a container by their names. Since 555 the Windows driver has
// one more, libnvdxgdmal.so.1, which toolkits before 1.14.4 (Docker Desktop before 4.31) do not know; CUDA
// then fails with 500. Source: NVIDIA/nvidia-container-toolkit, issue 520.
Fix Update() {
  return Advice(
      "Update NVIDIA's container toolkit (1.15 or later) where the engine runs, and start the engine again; "
      "with Docker Desktop update that (4.31 or later)",
      {"sudo apt-get install --only-upgrade nvidia-container-toolkit", "sudo systemctl restart docker"},
      true);
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  const DriverAnswers& answers = facts.driver_answers;
  if (!answers.asked.Is(true) || !facts.host.container.Present()) return Verdict::Silent();
  const std::string* init = answers.init.Get();
  if (init == nullptr || *init != "500") return Verdict::Silent();
  // Without Windows below it, another library of the driver may be missing.
  Verdict verdict = facts.host.wsl.Present() ? Verdict::Holds() : Verdict::Open();
  verdict.Because(answers.init, "cuInit returns " + CudaErrorText(knowledge, *init));
  verdict.Because(facts.host.container, "this is a container (" + *facts.host.container.Get() + ")");
  return std::move(verdict).WithFix(Update());
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("hook-old-cgroups");
  if (story.wsl) s.Speaks("hook-driver", kWeak).Speaks("nvml-not-loaded", kWeak);
  // A kernel that is not found is one of the program's, none of the driver's.
  if (!story.container || story.Saw("kernel-not-in-module")) return;
  s.Speaks("cuda-not-found", story.wsl ? kDecisive : kStrong);
  s.That(s.any() && story.Saw("docker-desktop"), "Docker Desktop brings a toolkit of its own", kStrong);
  if (s.any()) s.Repair(Update());
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "container-toolkit-outdated",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "The container lacks a library of the driver: its container toolkit is too old",
    .prior = 0.01,
    .explained_by = {{{"no-nvidia-gpu"}, {"link:kernel-driver"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

NVIDIA's container toolkit puts the driver's libraries into a container, by a list of names. A newer driver has a library more, which an older toolkit leaves out; CUDA then does not start inside, while nvidia-smi and everything outside the container works.

## How it is recognised

Under control groups of version 2, a toolkit before 1.8 ends with "cgroup subsystem devices not found". In a container cuInit returns CUDA_ERROR_NOT_FOUND (500), "named symbol not found". In WSL that is Windows driver 555 or later (`libnvdxgdmal.so.1`) with a toolkit before 1.14.4, or Docker Desktop before 4.31.

## How it happens

The driver was updated, on Windows often by itself; the toolkit, or the one inside Docker Desktop, was not.

## What people say

"an old nvidia-docker with a new driver", "libnvidia-container is years old", "after updating the toolkit it works".

## How to fix it

Update the toolkit (1.15 or later), or Docker Desktop (4.31 or later), and start the engine and the container again.
)md",
};

}  // namespace tfdoctor::container_toolkit_outdated
