#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"
#include "rules/program.h"
#include "rules/repair.h"

namespace tfdoctor::driver_too_old {

namespace {

// Where no driver as new drives the GPU (470 is the last one for Kepler), an older TensorFlow is needed.
Fix NewerDriver(const Facts& facts, const Knowledge& knowledge, const std::string& floor) {
  bool one_can = false;
  bool known = false;
  for (const Gpu* gpu : NvidiaGpus(facts)) {
    const std::string* capability = gpu->compute_capability.Peek();
    if (capability == nullptr) continue;
    known = true;
    const std::string last = knowledge.LastBranchFor(*capability);
    one_can = one_can || last.empty() || MajorVersion(last) >= MajorVersion(floor);
  }
  if (known && !one_can) return InstallFitting(facts, knowledge, {});
  return Advice("Install driver " + floor + " or newer from your distribution, then restart",
                {"sudo apt-get update", "sudo apt-get install nvidia-driver"}, true, true);
}

Fix DriverForCuda(const std::string& cuda) {
  return Advice("Install a driver for CUDA " + cuda + " or newer from your distribution, then restart",
                {"sudo apt-get update", "sudo apt-get install nvidia-driver"}, true, true);
}

// The best machine code for a GPU of this capability; empty: none.
std::string BestCode(const std::vector<std::string>& sass, const std::string& capability) {
  std::string best;
  for (const std::string& code : sass) {
    bool runs = MachineCodeRuns({code}, capability);
    if (runs && (best.empty() || CompareVersions(code, best) > 0)) best = code;
  }
  return best;
}

// Whether a driver compiles whatever PTX a build with this CUDA can have: it came with that CUDA or a later
// one.
bool CompilesAllOf(const Knowledge& knowledge, const std::string& driver, const std::string& cuda) {
  std::string supported = knowledge.CudaOfDriver(driver);
  const std::string newest = knowledge.NewestDriver();
  if (supported.empty() && CompareVersions(driver, newest) > 0) supported = knowledge.CudaOfDriver(newest);
  const std::vector<std::string> parts = Split(cuda, '.');
  if (supported.empty() || parts.size() < 2)
    return !supported.empty() && MajorVersion(supported) > MajorVersion(cuda);
  return CompareVersions(supported, parts[0] + "." + parts[1]) >= 0;
}

// What the driver must compile for a GPU.
struct Ptx {
  bool any = false;
  std::string isa;  // empty: nobody has looked into this build; it is at most the one of its CUDA
};

Ptx PtxFor(const Facts& facts, const Knowledge& knowledge, const std::string& capability) {
  const TensorFlow& tensorflow = facts.tensorflow;
  const auto* sass = tensorflow.sass.Get();
  if (sass == nullptr) return {};
  const std::string best = BestCode(*sass, capability);
  if (best.empty()) {
    // Without code for such a GPU nothing is compiled; that is another cause.
    const auto* ptx = tensorflow.ptx.Get();
    if (ptx == nullptr || !PtxRuns(*ptx, capability)) return {};
  } else {
    const auto* partial = tensorflow.sass_partial.Get();
    if (partial == nullptr || std::find(partial->begin(), partial->end(), best) == partial->end()) return {};
  }
  // A build of one's own may have the name and version of a wheel on PyPI.
  if (tensorflow.known_build.Unknown()) return {};
  if (!tensorflow.known_build.Present()) return {true, {}};
  if (best.empty()) {
    const std::string* isa = tensorflow.ptx_isa.Get();
    return isa == nullptr ? Ptx{} : Ptx{true, *isa};
  }
  const std::string* name = tensorflow.distribution.Get();
  const std::string* version = tensorflow.version.Get();
  const std::string* machine = facts.host.machine.Get();
  if (name == nullptr || version == nullptr || machine == nullptr) return {};
  const TensorFlowBuild* build = knowledge.FindBuild(*name, *version, *machine);
  return build == nullptr ? Ptx{} : Ptx{!build->ptx_isa_partial.empty(), build->ptx_isa_partial};
}

Verdict CheckPtx(const Facts& facts, const Knowledge& knowledge, const Fact<std::string>& driver,
                 const std::string& version, const std::string& cuda) {
  if (CompilesAllOf(knowledge, version, cuda)) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  std::string highest;
  const Gpu* fits = nullptr;
  const GpusInUse use = FindGpusInUse(facts);
  for (const Gpu* gpu : use.gpus) {
    const std::string* capability = gpu->compute_capability.Get();
    if (capability == nullptr) continue;
    const Ptx ptx = PtxFor(facts, knowledge, *capability);
    const std::string floor = ptx.isa.empty() ? "" : knowledge.DriverForPtxIsa(ptx.isa);
    if (ptx.any && ptx.isa.empty()) {
      verdict.state = Verdict::State::kOpen;
      verdict.Because(
          facts.tensorflow.cuda_version,
          fmt::format("for {} some kernels are PTX of CUDA {}, and this driver is older than that",
                      Describe(*gpu), cuda));
      continue;
    }
    if (floor.empty() || CompareVersions(version, floor) >= 0) {
      fits = gpu;
      continue;
    }
    highest = floor;
    verdict.Because(facts.tensorflow.sass_partial,
                    fmt::format("for {} some kernels are PTX {} only, which needs driver {}", Describe(*gpu),
                                ptx.isa, floor));
  }
  if (verdict.evidence.empty() || (fits != nullptr && use.doubt == nullptr)) return Verdict::Silent();
  verdict.Because(driver, "driver " + version + " is loaded");
  verdict = std::move(verdict)
                .WithReason("ptx-isa")
                .WithTitle("The NVIDIA driver cannot compile this TensorFlow's code for this GPU")
                .WithExplanation(
                    "A part of this TensorFlow has no finished code for this GPU. The driver must compile "
                    "it, and this driver is too old to read it.")
                .WithFix(highest.empty() ? DriverForCuda(cuda) : NewerDriver(facts, knowledge, highest));
  if (fits == nullptr) return verdict;
  return OfSomeGpus(use, std::move(verdict), *fits, "this driver is new enough for " + Describe(*fits));
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  if (!IsCudaBuild(facts)) return Verdict::Silent();
  if (HasNvidiaGpu(facts) == Answer::kNo) return Verdict::Silent();
  const auto& driver = DriverVersion(facts);
  const std::string* version = driver.Get();
  if (version == nullptr) return Verdict::Silent();
  const std::string* cuda = facts.tensorflow.cuda_version.Get();
  if (cuda == nullptr) return Verdict::Silent();
  std::string floor = knowledge.DriverFloor(*cuda);
  if (floor.empty()) {
    return Verdict::Open().Because(
        facts.tensorflow.cuda_version,
        fmt::format("our data of {} does not know which driver CUDA {} needs", knowledge.Date(), *cuda),
        Strength::kWeak);
  }
  if (CompareVersions(*version, floor) >= 0) return CheckPtx(facts, knowledge, driver, *version, *cuda);
  return Verdict::Holds()
      .Because(driver, "driver " + *version + " is loaded")
      .Because(facts.tensorflow.cuda_version,
               fmt::format("TensorFlow was built with CUDA {}, which needs driver {} or newer", *cuda, floor))
      .WithReason("cuda")
      .WithFix(NewerDriver(facts, knowledge, floor));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Speaks("says-driver-insufficient", kDecisive);
  s.Proves("hook-requirement").Proves("ptx-unsupported-version");
  if (story.wsl || !NoDriverForCuda(story).empty()) {
    s.Speaks("cuda-insufficient-driver", kWeak);
  } else {
    s.Proves("cuda-insufficient-driver");
  }
  s.Speaks("cuda-unsupported-ptx", kDecisive);
  if (story.driver.empty() || story.windows || story.wsl || story.gpu_registered) return;
  // What computes, rightly or not, has a driver that is new enough.
  if (story.Saw("says-wrong-numbers") && story.Saw("says-right-on-cpu")) return;
  const std::string cuda = story.cuda.empty() ? CudaOfBuild(story) : story.cuda;
  const std::string floor = cuda.empty() ? std::string() : story.knowledge.DriverFloor(cuda);
  // "nvidia-410" is a branch: which release of it, it does not say.
  const bool branch = story.driver.find('.') == std::string::npos;
  const bool old = !floor.empty() && (branch ? MajorVersion(story.driver) < MajorVersion(floor)
                                             : CompareVersions(story.driver, floor) < 0);
  // Windows has no fork, so that only the driver is left that this says no to.
  if (story.windows && story.Saw("cuda-not-initialized")) s.Speaks("cudaget-failed", kStrong);
  s.That(old && story.only_stated,
         "CUDA " + cuda + " needs a driver from " + floor + " on; this is " + story.driver, kDecisive);
  // A module that the kernel refuses is no question of age.
  const bool refused = story.SawAny({"module-invalid-argument", "install-broken", "key-rejected"});
  s.ThatProves(old && story.trouble && !refused,
               "CUDA " + cuda + " needs a driver from " + floor + " on; this is " + story.driver);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "driver-too-old",
    .link = Link::kDriverLibrary,
    .effect = Effect::kBlocks,
    .title = "The NVIDIA driver is too old for this TensorFlow",
    .prior = 0.06,
    .explained_by = {{{"no-nvidia-gpu"},
                      {"link:kernel-driver"},
                      {"wrong-python-environment"},
                      {"module-shadowed"},
                      {"conflicting-tensorflow-packages"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

Each CUDA version needs a driver of at least some version. The driver here is older than what this TensorFlow was built with needs. A newer driver runs all older programs, so it may be as new as the GPU allows.

## How it is recognised

The version of the loaded driver is compared with the lowest one that runs programs of this CUDA (any CUDA 12: 525.60.13), which is less than the driver that comes with the toolkit. On the newest GPU that a release knows (H100 for TensorFlow 2.17 and later) a part of the kernels must be compiled by the driver, which needs a newer one (545.23.06, or 555.42.02 from 2.19 on). Message: "CUDA driver version is insufficient for CUDA runtime version".

## How it happens

TensorFlow was upgraded and the driver was not.

## What people say

"CUDA driver version is insufficient for CUDA runtime version", "updating the driver fixed it", "the image needs a newer driver", "brand: unsatisfied condition: cuda>=", "the provided PTX was compiled with an unsupported toolchain".

## How to fix it

Install a newer driver from your distribution and restart. Where that is not possible, or no driver as new drives the GPU any more (470 is the last branch for Kepler, 390 for Fermi), use a TensorFlow built with an older CUDA.
)md",
};

}  // namespace tfdoctor::driver_too_old
