#include "render/compare.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "facts/walk.h"

namespace tfdoctor {

namespace {

using Json = nlohmann::ordered_json;

std::string VerdictWords(const Diagnosis& diagnosis) {
  std::string words;
  switch (diagnosis.verdict) {
    case VerdictKind::kGpuBlocked:
      words = "TensorFlow cannot use the GPU";
      break;
    case VerdictKind::kUnknown:
      words = "could not tell whether TensorFlow can use the GPU";
      break;
    case VerdictKind::kGpuDegraded:
      words = "TensorFlow can use the GPU, but not fully";
      break;
    case VerdictKind::kGpuUsable:
      words = "TensorFlow can use the GPU";
  }
  if (const Finding* headline = diagnosis.headline())
    words += fmt::format("{}{}", headline->holds ? ": " : "; perhaps: ", headline->title);
  return words;
}

nlohmann::ordered_json SideJson(const Side& side) {
  nlohmann::ordered_json json = {{"state", Name(side.state)}};
  if (side.state == FactState::kValue) json["value"] = side.text;
  if (side.state == FactState::kUnknown) json["why"] = side.text;
  return json;
}

nlohmann::ordered_json SideJson(const ComparedSide& side) {
  nlohmann::ordered_json causes = nlohmann::ordered_json::array();
  for (const Finding& finding : side.diagnosis.causes)
    causes.push_back({{"id", finding.rule->id}, {"state", finding.holds ? "holds" : "open"}});
  return {{"name", side.name}, {"verdict", Name(side.diagnosis.verdict)}, {"causes", causes}};
}

}  // namespace

std::string RenderComparison(const Comparison& comparison, const TextOptions& options) {
  Printer print(options);
  for (const auto& [letter, side] : {std::pair("A", &comparison.a), {"B", &comparison.b}}) {
    print.Wrapped(print.Safe(side->name + ": " + VerdictWords(side->diagnosis) + "."),
                  print.Toned(Tone::kStrong, letter) + "  ", "   ");
  }
  std::vector<const Difference*> gaps;
  Link link = Link::kNone;
  for (const Difference& one : comparison.differences) {
    if (!one.known()) {
      gaps.push_back(&one);
      continue;
    }
    if (one.link != link) print.Heading(Name(link = one.link));
    print.Wrapped(print.Safe(one.what), "  ", "  ");
    print.Wrapped(print.Safe(one.a.Words()), "    A  ", "       ");
    print.Wrapped(print.Safe(one.b.Words()), "    B  ", "       ");
  }
  print.Blank();
  if (comparison.differences.size() == gaps.size())
    print.Prose("Nothing that is known of both and bears on the GPU differs.");
  if (gaps.empty()) return print.Take();
  print.Heading("Known of one only");
  constexpr size_t kShown = 12;
  for (size_t i = 0; i < gaps.size() && (i < kShown || options.verbose); i++) {
    const bool of_a = gaps[i]->a.state != FactState::kUnknown;
    print.Wrapped(print.Safe(fmt::format("{}: {} (the other: {})", gaps[i]->what,
                                         (of_a ? gaps[i]->a : gaps[i]->b).Words(),
                                         (of_a ? gaps[i]->b : gaps[i]->a).text)),
                  of_a ? "  A  " : "  B  ", "     ");
  }
  if (gaps.size() > kShown && !options.verbose)
    print.Prose(fmt::format("and {} more: tfdoctor diff -v", gaps.size() - kShown), "  ", "  ");
  return print.Take();
}

std::string RenderComparisonJson(const Comparison& comparison) {
  Json differences = Json::array();
  for (const Difference& one : comparison.differences) {
    differences.push_back({{"link", Name(one.link)},
                           {"fact", one.fact},
                           {"what", one.what},
                           {"a", SideJson(one.a)},
                           {"b", SideJson(one.b)}});
  }
  const Json json = {{"schema", 1},
                     {"a", SideJson(comparison.a)},
                     {"b", SideJson(comparison.b)},
                     {"differences", std::move(differences)}};
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace tfdoctor
