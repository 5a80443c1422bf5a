#include "rules/repair.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "rules/common.h"

namespace tfdoctor {

namespace {

std::vector<std::string> Capabilities(const Facts& facts) {
  std::vector<std::string> found;
  const auto* gpus = facts.gpus.Peek();
  if (gpus == nullptr) return found;
  for (const auto& [address, gpu] : *gpus) {
    const std::string* vendor = gpu.vendor.Peek();
    const std::string* capability = gpu.compute_capability.Peek();
    if (vendor != nullptr && *vendor == "NVIDIA" && capability != nullptr) found.push_back(*capability);
  }
  return found;
}

// Empty: the driver is new enough, or one of the two is not known.
std::string DriverNeeded(const TensorFlowBuild& build, const Facts& facts, const Knowledge& knowledge) {
  const std::string* driver = DriverVersion(facts).Peek();
  const std::string floor = knowledge.DriverFloor(build.cuda_version);
  return driver == nullptr || CompareVersions(*driver, floor) >= 0 ? std::string() : floor;
}

}  // namespace

bool MayHaveCuda(std::string_view distribution) {
  for (const std::string& word : Split(distribution, '-')) {
    for (const char* other : {"cpu", "intel", "macos", "aarch64", "tpu", "rocm", "directml"}) {
      if (word == other) return false;
    }
  }
  return true;
}

bool ExtraIsUnresolvable(const Knowledge& knowledge, const std::string& version, const std::string& tag) {
  if (ExtraDefect(knowledge, version) != "unresolvable") return false;
  const std::vector<DefectRow> rows = knowledge.Defects("tensorflow[and-cuda] on " + tag);
  return std::none_of(rows.begin(), rows.end(), [&](const DefectRow& row) {
    return row.version == version && row.defect == "resolvable";
  });
}

std::vector<std::string> InTheWay(const Facts& facts, const std::string& version) {
  std::vector<std::string> names;
  const auto* installed = facts.tensorflow.installed.Peek();
  if (installed != nullptr) {
    for (const auto& [name, its] : *installed) {
      if (name != "tensorflow" || its == version) names.push_back(name);
    }
    return names;
  }
  const std::string* name = facts.tensorflow.distribution.Peek();
  const std::string* its = facts.tensorflow.version.Peek();
  if (name != nullptr && (*name != "tensorflow" || (its != nullptr && *its == version)))
    names.push_back(*name);
  return names;
}

bool FitsGpuAndDriver(const TensorFlowBuild& build, const Facts& facts, const Knowledge& knowledge) {
  const std::vector<std::string> capabilities = Capabilities(facts);
  const std::string floor = knowledge.DriverFloor(build.cuda_version);
  const std::string* driver = DriverVersion(facts).Peek();
  const bool runs = driver != nullptr && !floor.empty() && CompareVersions(*driver, floor) >= 0;
  return capabilities.empty() ||
         std::any_of(capabilities.begin(), capabilities.end(), [&](const std::string& capability) {
           const bool code = build.sass.empty() || MachineCodeRuns(build.sass, capability) ||
                             PtxRuns(build.ptx, capability);
           const std::string last = knowledge.LastBranchFor(capability);
           return code &&
                  (runs || floor.empty() || last.empty() || MajorVersion(last) >= MajorVersion(floor));
         });
}

Fix DriverFirst(Fix fix, const Facts& facts, const Knowledge& knowledge, const TensorFlowBuild& build) {
  const std::string floor = DriverNeeded(build, facts, knowledge);
  if (floor.empty()) return fix;
  // The driver cannot be tried on a copy of the machine, and what comes after it is of no use without it.
  fix.changes.clear();
  fix.safety = Safety::kAdvice;
  if (facts.host.wsl.Peek() != nullptr) {
    fix.title += fmt::format("; before that, update the driver of Windows: it needs {} or newer", floor);
    return fix;
  }
  if (facts.host.container.Peek() != nullptr) {
    fix.title += fmt::format("; before that, install driver {} or newer on the host", floor);
    return fix;
  }
  fix.title = fmt::format("Install driver {} or newer and restart, then: {}", floor, fix.title);
  fix.commands.insert(fix.commands.begin(),
                      {"sudo apt-get update", "sudo apt-get install nvidia-driver", "sudo reboot"});
  fix.needs_root = fix.needs_reboot = true;
  return fix;
}

Fix InFittingPython(const Facts& facts, const Knowledge& knowledge, const TensorFlowBuild& build) {
  TensorFlowBuild fitting = build;
  std::erase_if(fitting.pythons,
                [&](const std::string& tag) { return ExtraIsUnresolvable(knowledge, build.version, tag); });
  return DriverFirst(InNewPython(facts, fitting), facts, knowledge, build);
}

Fix InstallFitting(const Facts& facts, const Knowledge& knowledge,
                   const std::vector<std::string>& instead_of) {
  const std::string* machine = facts.host.machine.Peek();
  const std::string here = WorkingTensorFlow(facts, knowledge, "");
  if (!here.empty()) return InstallTensorFlow(facts, knowledge, here, instead_of);
  const TensorFlowBuild* build = WorkingBuild(facts, knowledge, "");
  if (build != nullptr) return InFittingPython(facts, knowledge, *build);
  const std::vector<std::string> capabilities = Capabilities(facts);
  const std::string where = machine == nullptr ? "" : " on " + *machine;
  return Advice(capabilities.empty()
                    ? "Our data of " + knowledge.Date() + " has no TensorFlow with CUDA that fits" + where
                    : "No TensorFlow that pip can install with its CUDA libraries fits a GPU of compute "
                      "capability " +
                          capabilities.front() + where + ": use a newer GPU, or build TensorFlow from source",
                {});
}

}  // namespace tfdoctor
