#include "plan/plan.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "diagnose/diagnose.h"
#include "plan/apply.h"
#include "rules/all.h"
#include "system/overlay.h"

namespace tfdoctor {

namespace {

bool Still(const Diagnosis& after, const Rule* cause) {
  auto same = [&](const Finding& finding) { return finding.rule == cause; };
  return std::any_of(after.causes.begin(), after.causes.end(), same) ||
         std::any_of(after.explained.begin(), after.explained.end(), same);
}

// Whether the repaired machine has a blocking cause that the present one does not have: no repair then.
bool BreaksSomethingElse(const Diagnosis& before, const Diagnosis& after) {
  return std::any_of(after.causes.begin(), after.causes.end(), [&](const Finding& finding) {
    return finding.holds && finding.effect() == Effect::kBlocks && !Still(before, finding.rule);
  });
}

}  // namespace

Result<Facts> FactsAfter(const Fix& fix, const CachingSystem& system, const Probing& present) {
  OverlaySystem machine(system);
  for (const Change& change : fix.changes) {
    Result<bool> applied = Apply(change, machine);
    if (!applied.ok()) return applied.error();
  }
  return present.After(machine);
}

void TryFixes(const CachingSystem& system, const Knowledge& knowledge, const Probing& present,
              Diagnosis& diagnosis) {
  const Diagnosis before = diagnosis;
  // Whether a fix may be offered. One that cannot be modelled becomes advice.
  auto helps = [&](Fix& fix, const Rule* cause) {
    if (fix.changes.empty()) return fix.safety = Safety::kAdvice, true;
    Result<Facts> facts = FactsAfter(fix, system, present);
    if (!facts.ok()) return fix.safety = Safety::kAdvice, true;
    Diagnosis after = Diagnose(*facts, knowledge, AllRules());
    fix.after = std::make_shared<const Facts>(std::move(*facts));
    return !Still(after, cause) && !BreaksSomethingElse(before, after);
  };
  for (Finding& finding : diagnosis.causes) {
    // The root cause is shown with every way out; what else is broken with the first that works.
    bool headline = &finding == diagnosis.headline();
    std::vector<Fix> offered;
    for (Fix& fix : finding.fixes) {
      if (!headline && !offered.empty()) break;
      if (helps(fix, finding.rule)) offered.push_back(std::move(fix));
    }
    finding.fixes = std::move(offered);
  }
}

}  // namespace tfdoctor
