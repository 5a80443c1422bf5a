// Any bytes as what a child that calls the driver wrote, and as the kernel's log: what is made of them can be
// shown.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "base/text.h"
#include "probes/kernel_log.h"
#include "probes/probes.h"
#include "render/json.h"
#include "render/text.h"
#include "system/overlay.h"

using namespace tfdoctor;

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  ChildEnd end;
  end.how = static_cast<ChildEnd::How>(data[0] % 4);
  end.number = data[0] / 4;
  end.output.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
  static const std::unique_ptr<System> kNothing = EmptySystem();
  OverlaySystem machine(*kNothing);
  machine.SetChildAnswer("driver-child cuda /libcuda.so.1", end);
  machine.SetChildAnswer("driver-child nvml /libnvidia-ml.so.1", end);

  Facts facts;
  facts.driver_library.cuda.path = Fact<std::string>::Value("/libcuda.so.1", {});
  facts.driver_library.nvml.path = Fact<std::string>::Value("/libnvidia-ml.so.1", {});
  ProbeDriver(machine, BuiltInKnowledge(), {}, facts);
  ParseKernelLog(end.output, {}, facts.kernel_log);
  const Diagnosis diagnosis = {};
  const std::string text = RenderText(diagnosis, facts, {.unicode = true, .verbose = true});
  for (std::string_view line : SplitLines(text)) Require(Printable(line, line.size()) == line);
  Require(nlohmann::json::accept(RenderJson(diagnosis, &facts, {})));
  return 0;
}
