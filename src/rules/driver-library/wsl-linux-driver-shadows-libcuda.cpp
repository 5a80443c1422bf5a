#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::wsl_linux_driver_shadows_libcuda {

namespace {

constexpr const char* kOfWindows = "/usr/lib/wsl/";

Verdict Check(const Facts& facts, const Knowledge&) {
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  if (!facts.host.wsl.Present()) return Verdict::Silent();
  const Library& cuda = facts.driver_library.cuda;
  const std::string* path = cuda.path.Get();
  if (path == nullptr) return Verdict::Silent();
  if (path->starts_with(kOfWindows))
    return Verdict::Excluded().Because(cuda.path, "it is the Windows driver's");
  if (cuda.stub.Is(true)) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  verdict.Because(cuda.path, *path + " is taken, which is not below /usr/lib/wsl");
  bool windows = false;
  for (const auto* others : {&cuda.shadowed, &cuda.elsewhere}) {
    const auto* files = others->Peek();
    if (files == nullptr) continue;
    for (const std::string& file : *files) {
      if (!file.starts_with(kOfWindows) || windows) continue;
      verdict.Because(*others, file + " is the one that works here");
      windows = true;
    }
  }
  return std::move(verdict).WithFix(Advice(
      "Remove the Linux driver: under WSL the Windows driver is the only one",
      {"sudo apt-get remove --purge 'nvidia-driver-*' 'libnvidia-*' 'libcuda1'", "sudo ldconfig"}, true));
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  if (!story.wsl) return;
  s.Speaks("cuda-no-device", kStrong).Speaks("cuda-unknown", kStrong).Speaks("cuda-303", kStrong);
  s.Speaks("cuda-os-call", kStrong).Speaks("smi-missing", kWeak).Speaks("smi-failed", kStrong);
  s.Speaks("says-linux-driver", kDecisive).Speaks("says-driver-in-wsl", kDecisive);
  s.Speaks("says-installed-driver-in-wsl", kDecisive);
  s.That(s.any() && story.smi_works, "nvidia-smi works through the Windows driver", kStrong);
  if (s.any()) s.Wants(story.facts.driver_library.cuda.path);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "wsl-linux-driver-shadows-libcuda",
    .link = Link::kDriverLibrary,
    .effect = Effect::kBlocks,
    .title = "A Linux driver in WSL hides the libcuda of the Windows driver",
    .prior = 0.02,
    .explained_by = {{{"wsl-no-dxg-device"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

Under WSL the driver is that of Windows, which puts its libcuda into /usr/lib/wsl/lib. Here a driver for Linux was installed as well, and its libcuda comes first and finds no device.

## How it is recognised

This is WSL, and the libcuda.so.1 that the loader takes is not below /usr/lib/wsl.

## How it happens

`apt install nvidia-driver-…`, `cuda` or `cuda-drivers` inside WSL. Only `cuda-toolkit` may be installed there.

## What people say

"I installed the Linux driver inside WSL", "apt install cuda or nvidia-driver in Ubuntu under Windows", "the Windows driver is enough", "libcuda of /usr/lib/x86_64-linux-gnu instead of /usr/lib/wsl/lib".

## How to fix it

sudo apt-get remove --purge 'nvidia-driver-*' 'libnvidia-*' 'libcuda1'

sudo ldconfig
)md",
};

}  // namespace tfdoctor::wsl_linux_driver_shadows_libcuda
