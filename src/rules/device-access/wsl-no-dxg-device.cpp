#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::wsl_no_dxg_device {

namespace {

Fix ToWsl2() {
  return Advice("In Windows: change to WSL 2 (DISTRIBUTION is a name that the first command lists)",
                {"wsl --list --verbose", "wsl --set-version DISTRIBUTION 2"});
}

Verdict Check(const Facts& facts, const Knowledge&) {
  if (auto excluded = ExcludedByDriver(facts)) return *std::move(excluded);
  const std::string* wsl = facts.host.wsl.Get();
  // A container has the device only where it was started with a GPU.
  if (wsl == nullptr || facts.host.container.Present()) return Verdict::Silent();
  const auto* nodes = facts.device_access.nodes.Get();
  if (nodes == nullptr) return Verdict::Silent();
  if (nodes->contains("/dev/dxg"))
    return Verdict::Excluded().Because(facts.device_access.nodes, "/dev/dxg is there");
  Verdict verdict = Verdict::Holds();
  verdict.Because(facts.host.wsl, "this is WSL " + *wsl)
      .Because(facts.device_access.nodes, "/dev/dxg is not there");
  if (*wsl == "1") return std::move(verdict).WithReason("wsl1").WithFix(ToWsl2());
  return std::move(verdict).WithReason("wsl2").WithFix(
      Advice("In Windows: install NVIDIA's driver for Windows, then update WSL",
             {"wsl --update", "wsl --shutdown"}));
}

// The first Windows that gives WSL a GPU is 10.0.19044 (21H2). Source: Microsoft, "GPU accelerated ML
// training in WSL".
constexpr int kFirstBuild = 19044;
// "microsoft windows [version 10.0.17763.292]" -> 17763; 0: not stated.
int WindowsBuild(const LogStory& story) {
  constexpr std::string_view kVersion = "10.0.";
  const std::string os = story.Stated("os");
  const size_t at = os.find(kVersion);
  const int build = at == os.npos ? 0 : MajorVersion(os.substr(at + kVersion.size()));
  return build < 10240 ? 0 : build;  // the first of Windows 10
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("dxg-missing").Proves("dml-adapter").Proves("says-no-dxg");
  // WSL 1 has no kernel of its own, and so no modules and no GPU.
  s.Proves("wsl1-kernel");
  if (story.SawAny({"wsl1-kernel", "says-wsl1"})) s.Repair(ToWsl2());
  if (!story.wsl) return;
  s.Speaks("says-wsl1", kDecisive);
  const int build = WindowsBuild(story);
  s.StatesProof(build > 0 && build < kFirstBuild, "os", "this Windows gives WSL no GPU");
  s.Speaks("cuda-insufficient-driver", kDecisive).Speaks("dxcore-failed", kDecisive);
  s.Speaks("smi-failed", kWeak)
      .Speaks("nvml-not-loaded", kStrong)
      .Speaks("smi-no-permission", kStrong)
      .Speaks("hook-driver", kStrong);
  s.Speaks("no-device-node", kWeak).Speaks("smi-missing", kWeak).Speaks("gpu-not-found", kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "wsl-no-dxg-device",
    .link = Link::kDeviceAccess,
    .effect = Effect::kBlocks,
    .title = "WSL has no GPU device /dev/dxg",
    .prior = 0.02,
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

In the Windows Subsystem for Linux programs reach the GPU through `/dev/dxg`, which Windows provides. It is not there.

## How it is recognised

The kernel is WSL's and `/dev/dxg` does not exist.

## How it happens

WSL 1 is in use, Windows or WSL is too old, or Windows has no NVIDIA driver.

## What people say

"WSL 1", "Bash on Ubuntu on Windows", "Windows is too old for GPUs in WSL", "/dev/dxg is missing", "wsl --update helped", "Windows 10 before 21H2".

## How to fix it

In Windows: install NVIDIA's driver there (never a Linux driver inside WSL), then `wsl --update` and `wsl --shutdown`.
)md",
};

}  // namespace tfdoctor::wsl_no_dxg_device
