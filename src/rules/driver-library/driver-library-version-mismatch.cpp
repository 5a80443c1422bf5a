#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::driver_library_version_mismatch {

namespace {

// The module is the host's. The library is what the engine put in when the container was started, or the
// image brings one of its own.
Verdict InContainer(const Facts& facts, Verdict verdict) {
  const auto* mounted = facts.container_engine.mounted.Peek();
  if (mounted == nullptr || !mounted->empty()) {
    verdict = std::move(verdict).WithFix(
        Advice("The host's driver was updated: restart the host if it was not since, then the container "
               "(with a CDI specification: make that anew before)",
               {"docker restart CONTAINER"}));
  }
  if (mounted == nullptr || mounted->empty()) {
    verdict = std::move(verdict).WithFix(
        Advice("Take the driver's libraries out of the image: the engine puts in the host's",
               {"apt-get remove --purge 'libnvidia-*' libcuda1", "ldconfig"}));
  }
  return verdict;
}

Verdict Check(const Facts& facts, const Knowledge&) {
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  if (facts.host.wsl.Present()) return Verdict::Silent();
  const std::string* module = facts.kernel_driver.version.Get();
  const Library& cuda = facts.driver_library.cuda;
  if (module == nullptr || !cuda.path.Present() || cuda.stub.Is(true)) return Verdict::Silent();
  // NVIDIA's packages for forward compatibility are newer than the module on purpose.
  if (cuda.path.Get()->find("/compat/") != std::string::npos) return Verdict::Silent();
  const std::string* library = cuda.version.Get();
  if (library == nullptr) return Verdict::Silent();
  if (CompareVersions(*module, *library) == 0)
    return Verdict::Excluded().Because(cuda.version, "both are " + *module);
  Verdict verdict = Verdict::Holds();
  verdict.Because(facts.kernel_driver.version, "the loaded module is " + *module)
      .Because(cuda.version, "libcuda.so.1 is " + *library);
  if (const std::string* said = facts.kernel_log.api_mismatch.Peek())
    verdict.Because(facts.kernel_log.api_mismatch, *said);
  if (facts.host.container.Peek() != nullptr) return InContainer(facts, std::move(verdict));
  return std::move(verdict).WithFix(
      Advice("Restart, so that the module of the new version is loaded", {"sudo reboot"}, true, true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("nvml-mismatch").Proves("api-mismatch").Proves("hook-mismatch");
  // A library of another version is also one for forward compatibility, which was put there on purpose.
  if (story.Saw("cuda-compat")) {
    s.Speaks("versions-differ", kStrong);
  } else {
    s.Proves("versions-differ");
  }
  const std::string kernel = story.Stated("kernel_version"), dso = story.Stated("dso_version");
  s.StatesProof(!kernel.empty() && !dso.empty() && kernel != dso, "dso_version",
                "module " + kernel + ", library " + dso);
  // TensorFlow prints both, and that they differ in a line that may not have been copied.
  const std::string* module = story.facts.kernel_driver.version.Peek();
  const std::string* library = story.facts.driver_library.cuda.version.Peek();
  if (module != nullptr && library != nullptr && story.SawAny({"kernel-reported", "version-file"}) &&
      story.Saw("libcuda-reported"))
    s.ThatProves(CompareVersions(*module, *library) != 0, "module " + *module + ", library " + *library);
  // libnvidia-fatbinaryloader.so.375.51 beside a driver 375.66
  for (const char* id : {"import-library", "library-not-loaded"}) {
    for (const std::string& name : story.Fields(id, "library")) {
      const size_t at = name.find(".so.");
      if (!name.starts_with("libnvidia-") || at == name.npos || story.driver.empty()) continue;
      const std::string of = name.substr(at + 4);
      s.That(MajorVersion(of) >= 100 && of != story.driver,
             name + " is of another version than the driver, " + story.driver, kDecisive);
    }
  }
  s.Speaks("cuda-driver-mismatch", kDecisive).Speaks("cuda-compat", story.container ? kWeak : kStrong);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "driver-library-version-mismatch",
    .link = Link::kDriverLibrary,
    .effect = Effect::kBlocks,
    .title = "Kernel module and driver library are of different versions",
    .prior = 0.05,
    .explained_by = {{{"stub-driver-library"}, {"no-nvidia-gpu"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The driver consists of a kernel module and libraries, which must be of exactly the same version. Here they differ, so every CUDA program fails.

## How it is recognised

`/proc/driver/nvidia/version` names the loaded module, the file name of libcuda the library. `nvidia-smi` says "Driver/library version mismatch", CUDA error 803.

## How it happens

The driver was updated (often by an automatic update) and the machine was not restarted; or two installations are mixed, for example one of the distribution and one from a `.run` file.

## What people say

"Driver/library version mismatch", "after an automatic update of the driver, unattended-upgrades", "a reboot fixed it", "client and kernel module have different versions".

## How to fix it

Restart. If it stays, remove one of the two installations.
)md",
};

}  // namespace tfdoctor::driver_library_version_mismatch
