// The answer for programs: docs/schema/answer-1.schema.json. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "diagnose/diagnosis.h"
#include "diagnose/proof.h"
#include "facts/facts.h"

namespace tfdoctor {

// All that differs between two runs on an unchanged machine.
struct RunInfo {
  std::string version;
  std::string started;  // "2026-11-23T11:20:00Z"
  double milliseconds = 0;
  int64_t pid = 0;
  double driver_milliseconds = 0;  // of these, what the driver took to answer
};

// `facts` may be nullptr: then the answer has no key of that name. Text from outside that is not UTF-8 is
// replaced.
// `simulated`: under each fix that was tried, the facts after it.
// `log`: the answer is about a log; it adds its messages. `proof`: experiments were run; it adds their steps.
std::string RenderJson(const Diagnosis& diagnosis, const Facts* facts, const RunInfo& run,
                       bool simulated = false, const LogAnswer* log = nullptr, const Proof* proof = nullptr);
// The answer when tfdoctor itself failed: verdict unknown, nothing judged.
std::string RenderFailureJson(const std::string& why, const RunInfo& run);

// `causes --format json` and `explain NAME --format json`: id, link, effect, title, page.
std::string RenderCausesJson(std::span<const Rule* const> rules);
std::string RenderPageJson(const Rule& rule);

}  // namespace tfdoctor
