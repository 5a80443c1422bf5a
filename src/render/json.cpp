#include "render/json.h"

#include <nlohmann/json.hpp>

#include "facts/json.h"
#include "facts/walk.h"

namespace tfdoctor {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;

std::string_view SafetyName(Safety safety) {
  switch (safety) {
    case Safety::kSafe:
      return "safe";
    case Safety::kConsent:
      return "consent";
    case Safety::kAdvice:
      break;
  }
  return "advice";
}

Json EvidenceJson(const Evidence& evidence) {
  return {{"from", evidence.from}, {"witness", Name(evidence.witness)}, {"text", evidence.text}};
}

Json FixJson(const Fix& fix, bool simulated) {
  Json json = {{"title", fix.title},
               {"commands", fix.commands},
               {"needs_root", fix.needs_root},
               {"needs_reboot", fix.needs_reboot},
               {"safety", SafetyName(fix.safety)}};
  if (simulated && fix.after) json["simulated"] = ToJson(*fix.after);
  return json;
}

template <class Items, class Convert>
Json Array(const Items& items, Convert convert) {
  Json array = Json::array();
  for (const auto& item : items) array.push_back(convert(item));
  return array;
}

Json FindingJson(const Finding& finding, bool simulated) {
  Json json = {{"id", finding.rule->id},           {"state", finding.holds ? "holds" : "open"},
               {"link", Name(finding.rule->link)}, {"effect", Name(finding.effect())},
               {"title", finding.title},           {"explanation", finding.explanation}};
  if (!finding.reason.empty()) json["reason"] = finding.reason;
  json["likelihood"] = finding.likelihood;
  if (finding.guessed) json["guessed"] = true;
  json["evidence"] = Array(finding.evidence, EvidenceJson);
  json["fixes"] = Array(finding.fixes, [&](const Fix& fix) { return FixJson(fix, simulated); });
  if (finding.explained_by != nullptr) json["explained_by"] = finding.explained_by->id;
  return json;
}

Json UncheckedJson(const Unchecked& unchecked) {
  return {{"fact", unchecked.fact},
          {"what", unchecked.what},
          {"why", unchecked.why},
          {"link", Name(unchecked.link)},
          {"blocking", unchecked.blocking}};
}

Json AskJson(const Ask& ask) {
  return {
      {"key", ask.key}, {"question", ask.question}, {"command", ask.command}, {"separates", ask.separates}};
}

Json MessageJson(const LoggedMessage& message) {
  Json json = {{"line", message.line},
               {"text", message.text},
               {"meaning", message.meaning},
               {"harmless", message.harmless}};
  if (!message.cause.empty()) json["cause"] = message.cause;
  return json;
}

Json LinkJson(const ChainLink& link) {
  return {{"link", Name(link.link)}, {"state", Name(link.state)}, {"summary", link.summary}};
}

Json CauseJson(const Rule& rule) {
  return {{"id", rule.id},
          {"link", Name(rule.link)},
          {"effect", Name(rule.effect)},
          {"title", rule.title},
          {"page", rule.page}};
}

Json SavedJson(const SavedState& saved) {
  Json json = {{"when", saved.when},
               {"differences", Array(saved.differences, [](const Difference& difference) {
                  return Json{{"fact", difference.fact},
                              {"what", difference.what},
                              {"before", difference.a.Words()},
                              {"after", difference.b.Words()}};
                })}};
  if (!saved.trouble.empty()) json["trouble"] = saved.trouble;
  return json;
}

Json StepJson(const ProvedStep& step) {
  Json figures = Json::object();
  for (const auto& [name, figure] : step.figures)
    std::visit([&, &key = name](const auto& value) { figures[key] = value; }, figure);
  return {{"name", step.name},
          {"state", Name(step.state)},
          {"device", step.device.empty() ? Json(nullptr) : Json(step.device)},
          {"seconds", step.seconds},
          {"figures", std::move(figures)},
          {"message", step.message}};
}

Json ProofJson(const Proof& proof) {
  Json json = {{"device", proof.device}};
  const std::pair<const char*, const std::string*> texts[] = {{"tensorflow", &proof.tensorflow},
                                                              {"by", &proof.by},
                                                              {"note", &proof.note},
                                                              {"unstarted", &proof.unstarted},
                                                              {"disagreement", &proof.disagreement}};
  for (const auto& [key, text] : texts) {
    if (!text->empty()) json[key] = *text;
  }
  return json;
}

// ASCII only, so that no control character beyond ASCII and no bidirectional control reaches a terminal raw.
std::string Dump(const Json& json) { return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n"; }

}  // namespace

std::string RenderJson(const Diagnosis& diagnosis, const Facts* facts, const RunInfo& run, bool simulated,
                       const LogAnswer* log, const Proof* proof) {
  auto finding_json = [&](const Finding& finding) { return FindingJson(finding, simulated); };
  Json json = {{"schema", kSchema},
               {"verdict", Name(diagnosis.verdict)},
               {"confident", diagnosis.confident},
               {"causes", Array(diagnosis.causes, finding_json)},
               {"other_likelihood", diagnosis.other_likelihood},
               {"explained", Array(diagnosis.explained, finding_json)},
               {"unchecked", Array(diagnosis.unchecked, UncheckedJson)},
               {"ask", Array(diagnosis.ask, AskJson)},
               {"chain", Array(diagnosis.chain, LinkJson)}};
  if (!diagnosis.since.empty()) json["since"] = diagnosis.since;
  if (diagnosis.saved) json["saved"] = SavedJson(*diagnosis.saved);
  if (log != nullptr) {
    json["messages"] = Array(log->messages, MessageJson);
    json["log"] = {{"name", log->name},
                   {"lines", log->lines},
                   {"attempts", log->attempts},
                   {"gpu_registered", log->gpu_registered},
                   {"not_understood", log->not_understood}};
    if (!log->trouble.empty()) json["log"]["trouble"] = log->trouble;
  }
  if (proof != nullptr) {
    json["steps"] = Array(proof->steps, StepJson);
    json["proof"] = ProofJson(*proof);
  }
  if (facts != nullptr) json["facts"] = ToJson(*facts);
  json["run"] = {{"version", run.version},
                 {"started", run.started},
                 {"milliseconds", run.milliseconds},
                 {"pid", run.pid},
                 {"driver_milliseconds", run.driver_milliseconds}};
  return Dump(json);
}

std::string RenderFailureJson(const std::string& why, const RunInfo& run) {
  Diagnosis diagnosis;
  for (size_t i = 0; i < kLinkCount; i++) {
    diagnosis.chain[i] = {static_cast<Link>(i), LinkState::kUnknown, "not judged"};
  }
  diagnosis.unchecked.push_back({"tfdoctor", "everything", why, Link::kNone, true});
  return RenderJson(diagnosis, nullptr, run);
}

std::string RenderCausesJson(std::span<const Rule* const> rules) {
  return Dump(
      {{"schema", kSchema}, {"causes", Array(rules, [](const Rule* rule) { return CauseJson(*rule); })}});
}

std::string RenderPageJson(const Rule& rule) { return Dump(CauseJson(rule)); }

}  // namespace tfdoctor
