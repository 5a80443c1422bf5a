// Any bytes as the logs of packages, as what tells of container engines, and as a saved state: what is made
// of them can be shown.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "base/text.h"
#include "diagnose/since.h"
#include "probes/container_engine.h"
#include "probes/control_group.h"
#include "probes/history.h"
#include "render/json.h"
#include "render/text.h"
#include "saved/state.h"
#include "system/overlay.h"

using namespace tfdoctor;

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

const Rule kRule = {.id = "x",
                    .link = Link::kCudaLibraries,
                    .effect = Effect::kBlocks,
                    .title = "x",
                    .prior = 0.1,
                    .page = "x"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  static const std::unique_ptr<System> kNothing = EmptySystem();
  OverlaySystem machine(*kNothing);
  const bool apt = size % 2 == 1;  // is read only where dpkg's is not
  for (const char* path :
       {apt ? "/var/log/apt/history.log" : "/var/log/dpkg.log", "/var/log/dnf.rpm.log", "/var/log/pacman.log",
        "/env/conda-meta/history", "/proc/stat", "/proc/self/mountinfo", "/etc/cdi/nvidia.yaml",
        "/etc/nvidia-container-runtime/config.toml", "/home/.docker/config.json",
        "/etc/containerd/config.toml", "/state/saved.json"})
    machine.AddFile(path, bytes);
  machine.AddDirectory("/var/lib/kubelet");
  machine.SetEnv("HOME", "/home");

  Facts facts;
  facts.python.prefix = Fact<std::string>::Value("/env", {});
  facts.history = ReadHistory(machine, facts);
  ReadInstalledEngines(machine, facts.container_engine);
  ReadEngineFromInside(machine, facts.container_engine);
  EngineOfRoot(bytes);
  EngineOfControlGroup(bytes);

  Diagnosis diagnosis;
  diagnosis.causes.emplace_back().rule = &kRule;
  diagnosis.since = Since(diagnosis, facts, "2026-11-26 06:19");
  diagnosis.saved = CompareState(machine, "/state/saved.json", facts);
  const std::string text = RenderText(diagnosis, facts, {.unicode = true, .verbose = true});
  for (std::string_view line : SplitLines(text)) Require(Printable(line, line.size()) == line);
  Require(nlohmann::json::accept(RenderJson(diagnosis, &facts, {})));
  return 0;
}
