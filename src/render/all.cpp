#include "render/all.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace tfdoctor {
namespace {

using Json = nlohmann::ordered_json;

struct Shown {
  std::string_view mark;
  std::string_view ascii;
  Tone tone;
  std::string_view words;
};

Shown Show(const JudgedEnvironment& environment) {
  if (!environment.failure.empty()) return {"?", "[??]", Tone::kDoubt, "could not be judged"};
  switch (environment.diagnosis.verdict) {
    case VerdictKind::kGpuUsable:
      return {"✔", "[ok]", Tone::kGood, "can use the GPU"};
    case VerdictKind::kGpuDegraded:
      return {"!", "[!!]", Tone::kDoubt,
              environment.diagnosis.headline() != nullptr && environment.diagnosis.headline()->holds
                  ? "can use the GPU, but not fully"
                  : "can use the GPU, perhaps not fully"};
    case VerdictKind::kGpuBlocked:
      return {"✘", "[XX]", Tone::kBad, "cannot use the GPU"};
    case VerdictKind::kUnknown:
      break;
  }
  return {"?", "[??]", Tone::kDoubt, "could not tell"};
}

// Why: the failure, else the root cause.
std::string Why(const JudgedEnvironment& environment) {
  if (!environment.failure.empty()) return environment.failure;
  const Finding* head = environment.diagnosis.headline();
  if (head != nullptr) return (head->holds ? "" : "perhaps: ") + head->title;
  if (environment.diagnosis.verdict != VerdictKind::kUnknown || environment.diagnosis.unchecked.empty())
    return "";
  const Unchecked& first = environment.diagnosis.unchecked.front();
  return "could not check " + first.what + ": " + first.why;
}

}  // namespace

void Describe(const Facts& facts, JudgedEnvironment& environment) {
  if (const std::string* version = facts.python.version.Peek()) environment.python = *version;
  const std::string* name = facts.tensorflow.distribution.Peek();
  const std::string* version = facts.tensorflow.version.Peek();
  const auto* installed = facts.tensorflow.installed.Peek();
  if (name != nullptr && version != nullptr) {
    environment.tensorflow = *name + " " + *version;
  } else if (installed != nullptr && !installed->empty()) {
    environment.tensorflow = installed->begin()->first + " " + installed->begin()->second;
  }
}

VerdictKind AllEnvironments::Best() const {
  VerdictKind best = environments.empty() ? VerdictKind::kUnknown : VerdictKind::kGpuBlocked;
  for (const JudgedEnvironment& one : environments) {
    best = std::max(best, one.failure.empty() ? one.diagnosis.verdict : VerdictKind::kUnknown);
  }
  return best;
}

std::string RenderAll(const AllEnvironments& all, const TextOptions& options) {
  Printer print(options);
  auto usable =
      std::count_if(all.environments.begin(), all.environments.end(), [](const JudgedEnvironment& one) {
        return one.failure.empty() && one.diagnosis.verdict >= VerdictKind::kGpuDegraded;
      });
  print.Wrapped(
      fmt::format("{} of {} Python environments can use the GPU.", usable, all.environments.size()));
  for (const JudgedEnvironment& one : all.environments) {
    const Shown shown = Show(one);
    print.Blank();
    const std::string mark = print.Toned(shown.tone, options.unicode ? shown.mark : shown.ascii);
    const std::string indent(options.unicode ? 4 : 7, ' ');
    print.Wrapped(print.Safe(one.interpreter.empty() ? "no Python" : one.interpreter), "  " + mark + " ",
                  indent);
    std::vector<std::string> what = one.kinds;
    if (!one.python.empty()) what.push_back("Python " + one.python);
    if (!one.tensorflow.empty()) {
      what.push_back(one.tensorflow);
    } else if (one.failure.empty()) {
      what.emplace_back("no TensorFlow");
    }
    print.Wrapped(print.Safe(Join(what, ", ")), indent, indent);
    std::string why = Why(one);
    print.Wrapped(print.Safe(std::string(shown.words) + (why.empty() ? "" : ": " + why)), indent, indent);
    bool better =
        one.failure.empty() && one.diagnosis.verdict >= VerdictKind::kGpuDegraded && !one.command.empty();
    if (better) print.Verbatim(one.command, indent + "  ");
  }
  if (!all.unread.empty()) {
    print.Blank();
    print.Wrapped("Not understood, so there may be more:");
    for (const std::string& why : all.unread) print.Wrapped(print.Safe(why), "  - ", "    ");
  }
  print.Blank();
  print.Wrapped("More about one of them: tfdoctor --python INTERPRETER");
  return print.Take();
}

std::string RenderAllJson(const AllEnvironments& all, const RunInfo& run) {
  Json environments = Json::array();
  for (const JudgedEnvironment& one : all.environments) {
    Json json = {{"interpreter", one.interpreter}, {"kinds", one.kinds}, {"command", one.command}};
    json["python"] = one.python.empty() ? Json() : Json(one.python);
    json["tensorflow"] = one.tensorflow.empty() ? Json() : Json(one.tensorflow);
    bool judged = one.failure.empty();
    json["verdict"] = Name(judged ? one.diagnosis.verdict : VerdictKind::kUnknown);
    json["confident"] = judged && one.diagnosis.confident;
    const Finding* head = judged ? one.diagnosis.headline() : nullptr;
    json["cause"] = head == nullptr ? Json() : Json(head->rule->id);
    json["why"] = Why(one);
    environments.push_back(std::move(json));
  }
  Json json = {{"schema", 1},
               {"verdict", Name(all.Best())},
               {"environments", std::move(environments)},
               {"unread", all.unread}};
  json["run"] = {{"version", run.version},
                 {"started", run.started},
                 {"milliseconds", run.milliseconds},
                 {"pid", run.pid}};
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace tfdoctor
