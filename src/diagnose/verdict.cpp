#include "diagnose/rule.h"

namespace tfdoctor {

Verdict::Verdict(State s) : state(s) {}
Verdict::Verdict(const Verdict&) = default;
Verdict::Verdict(Verdict&&) noexcept = default;
Verdict& Verdict::operator=(const Verdict&) = default;
Verdict& Verdict::operator=(Verdict&&) noexcept = default;
Verdict::~Verdict() = default;

Verdict& Verdict::Because(const FactBase& fact, std::string text, Strength strength) & {
  evidence.push_back({fact.origin().from, fact.origin().witness, std::move(text), strength});
  return *this;
}

Verdict Verdict::Because(const FactBase& fact, std::string text, Strength strength) && {
  return std::move(Because(fact, std::move(text), strength));
}

Verdict Verdict::WithReason(std::string text) && { return reason = std::move(text), std::move(*this); }

Verdict Verdict::WithTitle(std::string text) && { return title = std::move(text), std::move(*this); }

Verdict Verdict::WithExplanation(std::string text) && {
  return explanation = std::move(text), std::move(*this);
}

Verdict Verdict::WithFix(Fix fix) && {
  for (const std::string& command : fix.commands)
    fix.needs_root = fix.needs_root || command.starts_with("sudo ");
  return fixes.push_back(std::move(fix)), std::move(*this);
}

Verdict Verdict::WithEffect(Effect less) && { return effect = less, std::move(*this); }

}  // namespace tfdoctor
