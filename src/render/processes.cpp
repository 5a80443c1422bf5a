#include "render/processes.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace tfdoctor {

namespace {

using Json = nlohmann::ordered_json;

}  // namespace

std::string RenderProcesses(const std::vector<RunningTensorFlow>& processes, const TextOptions& options) {
  Printer print(options);
  if (processes.empty()) {
    print.Prose("No process of this user has TensorFlow mapped.");
    return print.Take();
  }
  print.Prose("Processes of this user that have TensorFlow mapped; to judge one: tfdoctor --pid NUMBER");
  print.Blank();
  for (const RunningTensorFlow& process : processes) {
    print.Wrapped(print.Toned(Tone::kStrong, print.Safe(process.command)),
                  fmt::format("{:>8}  ", process.pid), "          ");
    print.Wrapped(print.Toned(Tone::kFaint, print.Safe(process.library)), "          ", "          ");
  }
  return print.Take();
}

std::string RenderProcessesJson(const std::vector<RunningTensorFlow>& processes) {
  Json list = Json::array();
  for (const RunningTensorFlow& process : processes)
    list.push_back({{"pid", process.pid}, {"command", process.command}, {"library", process.library}});
  const Json json = {{"schema", 1}, {"processes", list}};
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace tfdoctor
