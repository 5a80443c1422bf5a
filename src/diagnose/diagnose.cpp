#include "diagnose/diagnose.h"

#include <algorithm>
#include <cassert>
#include <optional>

#include "base/text.h"
#include "diagnose/questions.h"
#include "diagnose/resemblance.h"
#include "diagnose/signs.h"
#include "diagnose/summary.h"
#include "facts/walk.h"

namespace tfdoctor {

namespace {

// A rule's answer with what it could not know.
struct Judged {
  const Rule* rule;
  Verdict verdict;
  std::vector<Need> needs;
  bool dropped = false;  // what was given rules it out

  bool Holds() const { return verdict.state == Verdict::State::kHolds; }
  bool Open() const { return verdict.state == Verdict::State::kOpen; }
  Effect effect() const { return verdict.effect.value_or(rule->effect); }
  bool Worse() const { return effect() == Effect::kBlocks || effect() == Effect::kDegrades; }
};

bool HasPositiveSign(const Verdict& verdict) {
  return std::any_of(verdict.evidence.begin(), verdict.evidence.end(),
                     [](const Evidence& e) { return e.strength != Strength::kAgainst; });
}

Judged Judge(const Rule& rule, const Facts& facts, const Knowledge& knowledge, UnknownFacts& unknown) {
  ReadScope scope;
  Judged judged{&rule, rule.check == nullptr ? Verdict::Silent() : rule.check(facts, knowledge), {}, false};
  for (FactName& name : unknown.NamesOf(scope.unknown())) {
    judged.needs.push_back({std::move(name.path), std::move(name.words), std::move(name.why)});
  }
  // What rests on something unknown is at best open; what is open without any sign for it is not worth a
  // word.
  Verdict& verdict = judged.verdict;
  if (!scope.unknown().empty() && verdict.state == Verdict::State::kHolds)
    verdict.state = Verdict::State::kOpen;
  if (!scope.unknown().empty() && verdict.state == Verdict::State::kExcluded) {
    // Not excluded for certain; beside the signs of a log it still speaks against.
    verdict.state = Verdict::State::kSilent;
    for (Evidence& evidence : verdict.evidence) evidence.strength = Strength::kAgainst;
  }
  if (verdict.state == Verdict::State::kOpen && !HasPositiveSign(verdict))
    verdict.state = Verdict::State::kSilent;
  return judged;
}

// The same cause in a log. What the machine shows comes first; the log adds to it.
void JudgeLog(Judged& judged, const LogStory& story, bool alone, UnknownFacts& unknown) {
  // Of a machine that nobody looked at everything is unknown: that is no news, and no question unless the
  // cause is open.
  if (alone && !judged.Open()) judged.needs.clear();
  if (judged.rule->log == nullptr) return;
  ReadScope scope;
  Signs signs(story);
  judged.rule->log(signs);
  judged.dropped = signs.dropped();
  Verdict verdict = std::move(signs).Take();
  if (verdict.state == Verdict::State::kOpen && !HasPositiveSign(verdict)) return;
  if (verdict.state == Verdict::State::kSilent || judged.verdict.state == Verdict::State::kExcluded) return;
  for (FactName& name : unknown.NamesOf(scope.unknown())) {
    if (verdict.state == Verdict::State::kOpen)
      judged.needs.push_back({std::move(name.path), std::move(name.words), std::move(name.why)});
  }
  Verdict& whole = judged.verdict;
  if (verdict.state == Verdict::State::kHolds && !judged.Holds()) {
    // Proven by the log: what the machine does not show is no longer missing.
    judged.needs.clear();
    whole.state = Verdict::State::kHolds;
  }
  if (verdict.state == Verdict::State::kHolds) whole.effect = verdict.effect;
  if (whole.state == Verdict::State::kSilent) whole.state = Verdict::State::kOpen;
  whole.evidence.insert(whole.evidence.end(), verdict.evidence.begin(), verdict.evidence.end());
  if (whole.title.empty()) whole.title = verdict.title;
  if (whole.reason.empty()) whole.reason = verdict.reason;
  if (whole.fixes.empty()) whole.fixes = verdict.fixes;
}

double Factor(Strength strength) {
  // How many times likelier the sign makes the cause. A fixed scale, so that rules are comparable.
  switch (strength) {
    case Strength::kDecisive:
      return 50;
    case Strength::kStrong:
      return 8;
    case Strength::kWeak:
      return 2;
    case Strength::kAgainst:
      return 0.1;
  }
  return 1;
}

// Weight of "something else that no rule knows", on the scale of prior × factors.
constexpr double kSomethingElse = 0.02;

Finding MakeFinding(const Judged& judged) {
  Finding finding;
  const Verdict& verdict = judged.verdict;
  finding.rule = judged.rule;
  finding.holds = judged.Holds();
  finding.title = verdict.title.empty() ? std::string(judged.rule->title) : verdict.title;
  finding.explanation = verdict.explanation.empty() ? FirstParagraph(judged.rule->page) : verdict.explanation;
  finding.reason = verdict.reason;
  finding.less = verdict.effect;
  finding.likelihood = finding.holds ? 1 : 0;
  finding.evidence = verdict.evidence;
  finding.fixes = verdict.fixes;
  finding.needs = judged.needs;
  return finding;
}

// --- what no rule understands

bool SpeaksOfTrouble(std::string_view text) {
  const std::string lower = Lower(text);
  for (const char* word :
       {"error",     "fail",          "cannot",    "can't",       "could not",     "couldn't", "unable",
        "not found", "missing",       "exception", "traceback",   "crash",         "abort",    "killed",
        "invalid",   "not available", "denied",    "unsupported", "not supported", "no such",  "refuse",
        "does not",  "doesn't",       "won't",     "problem",     "never"}) {
    if (lower.find(word) != lower.npos) return true;
  }
  return false;
}

// The causes whose pages are most like what was given: a guess, and said to be one.
void AddResembling(const Facts& facts, const Knowledge& knowledge, std::span<const Rule* const> rules,
                   const std::vector<Judged>& all, Diagnosis& diagnosis) {
  // Of the likelihood. The pages hold the words of the reports that they were written after: of 19 later ones
  // that no rule understood, 2 were guessed rightly, however like a page they were.
  constexpr double kAtMost = 0.3;
  const std::string* log = facts.log.unread.Peek();
  const auto* stated = facts.log.stated.Peek();
  if (stated == nullptr || (log == nullptr && stated->empty())) return;
  std::string text = log == nullptr ? std::string() : *log;
  // Lines of a program that goes on and complains of nothing are no sign of something that blocks.
  const auto* seen = facts.log.seen.Peek();
  const bool goes_on = seen != nullptr && seen->contains("says-run-completes");
  bool trouble = !goes_on && (text.empty() || SpeaksOfTrouble(text));
  // What only describes a machine says nothing of what is wrong with it.
  static constexpr std::string_view kDescribes[] = {
      "os",      "gpu",       "tf_version", "python", "driver", "cuda",      "cudnn", "wsl", "install_method",
      "command", "container", "kubernetes", "kernel", "image",  "framework", "gpus"};
  std::string described;
  bool complains = !text.empty();
  for (const auto& [key, value] : *stated) {
    const bool describes =
        std::find(std::begin(kDescribes), std::end(kDescribes), key) != std::end(kDescribes);
    (describes ? described : text) += "\n" + key + " " + value;
    complains = complains || !describes;
    trouble = trouble || (!goes_on && SpeaksOfTrouble(value));
  }
  if (!complains) return;
  diagnosis.other_likelihood = 1;
  for (const Resemblance& like : Resembling(text, knowledge, rules, described)) {
    if (like.rule->effect == Effect::kBlocks && !trouble) continue;
    const bool ruled_out = std::any_of(all.begin(), all.end(), [&](const Judged& judged) {
      return judged.rule == like.rule && judged.dropped;
    });
    if (ruled_out) continue;
    Verdict verdict = Verdict::Open();
    verdict.evidence.push_back({"what was given", Witness::kStated,
                                "words that its page has, too: " + Join(like.words, ", "), Strength::kWeak});
    Judged judged{like.rule, std::move(verdict), {}, false};
    Finding finding = MakeFinding(judged);
    finding.guessed = true;
    finding.likelihood = std::min(like.share, kAtMost);
    diagnosis.other_likelihood -= finding.likelihood;
    diagnosis.causes.push_back(std::move(finding));
  }
}

// The place of a finding in the answer: the headline is the first.
// 0: holds, and blocks or degrades; 1: open and likely; 2: holds, but is the program's own or harmless; 3:
// open.
int Rank(const Finding& finding) {
  bool worse = finding.effect() == Effect::kBlocks || finding.effect() == Effect::kDegrades;
  if (finding.holds) return worse ? 0 : 2;
  return finding.likelihood >= 0.5 ? 1 : 3;
}

bool Before(const Finding& a, const Finding& b) {
  if (Rank(a) != Rank(b)) return Rank(a) < Rank(b);
  if (!a.holds && a.likelihood != b.likelihood) return a.likelihood > b.likelihood;
  if (a.effect() != b.effect()) return a.effect() < b.effect();
  return a.rule->link < b.rule->link;
}

// Of one line several messages may speak; people read it once.
void TellOnce(std::vector<Evidence>& evidence) {
  std::vector<Evidence> told;
  for (Evidence& one : evidence) {
    const bool known = std::any_of(told.begin(), told.end(), [&](const Evidence& other) {
      return other.from == one.from && other.text == one.text;
    });
    if (!known) told.push_back(std::move(one));
  }
  evidence = std::move(told);
}

bool OnlyHints(const Finding& finding) {
  return std::all_of(finding.evidence.begin(), finding.evidence.end(),
                     [](const Evidence& one) { return one.strength == Strength::kWeak; });
}

void WeighOpen(Diagnosis& diagnosis) {
  const auto hinted = [](const Finding& one) { return one.holds || OnlyHints(one); };
  // Where nothing is known but hints, what no rule knows is likelier.
  const bool only_hints = std::all_of(diagnosis.causes.begin(), diagnosis.causes.end(), hinted);
  const double something_else = only_hints ? 2 * kSomethingElse : kSomethingElse;
  double sum = something_else;
  bool any = false;
  for (Finding& finding : diagnosis.causes) {
    if (finding.holds) continue;
    any = true;
    finding.likelihood = finding.rule->prior;
    for (const Evidence& evidence : finding.evidence) finding.likelihood *= Factor(evidence.strength);
    sum += finding.likelihood;
  }
  if (!any) return;
  for (Finding& finding : diagnosis.causes) {
    if (!finding.holds) finding.likelihood /= sum;
  }
  diagnosis.other_likelihood = something_else / sum;
}

bool SomeMessageUnknown(const Facts& facts) {
  const auto* seen = facts.log.seen.Peek();
  return seen == nullptr || facts.log.stated.Peek() == nullptr ||
         std::any_of(seen->begin(), seen->end(),
                     [](const auto& entry) { return entry.second.text.state() == FactState::kUnknown; });
}

VerdictKind Decide(const std::vector<Judged>& all, const Diagnosis& diagnosis, const Facts& facts,
                   bool alone) {
  auto any = [&](auto&& test) { return std::any_of(diagnosis.causes.begin(), diagnosis.causes.end(), test); };
  if (any([](const Finding& f) { return f.holds && f.effect() == Effect::kBlocks; }))
    return VerdictKind::kGpuBlocked;
  bool blind = std::any_of(all.begin(), all.end(), [](const Judged& judged) {
    return judged.effect() == Effect::kBlocks &&
           (judged.Open() || (!judged.needs.empty() && judged.verdict.state != Verdict::State::kExcluded));
  });
  if (blind) return VerdictKind::kUnknown;
  // Nobody looked at the machine: only a GPU that TensorFlow took shows that it can.
  const bool* registered = facts.log.gpu_registered.Peek();
  if (alone && (registered == nullptr || !*registered)) return VerdictKind::kUnknown;
  if (alone && SomeMessageUnknown(facts)) return VerdictKind::kUnknown;
  if (any([](const Finding& f) { return f.holds && f.effect() != Effect::kHarmless; }))
    return VerdictKind::kGpuDegraded;
  // What could not be checked may degrade: "usable" without a word would say more than is known. Nothing is
  // blocked, so it is the milder doubt; without a finding it is never said with confidence.
  bool half_blind = std::any_of(all.begin(), all.end(), [](const Judged& judged) {
    return judged.effect() != Effect::kHarmless && judged.verdict.state != Verdict::State::kExcluded &&
           (judged.Open() || !judged.needs.empty());
  });
  return half_blind ? VerdictKind::kGpuDegraded : VerdictKind::kGpuUsable;
}

bool Confident(const std::vector<Judged>& all, const Diagnosis& diagnosis, const Facts& facts) {
  const Finding* head = diagnosis.headline();
  if (head == nullptr) return diagnosis.verdict == VerdictKind::kGpuUsable;
  if (diagnosis.verdict == VerdictKind::kUnknown && head->holds)
    return false;  // something worse may be behind it
  if (!head->holds) {
    if (head->likelihood < 0.8) return false;
    // That nothing else is known does not make of a hint a reason.
    if (OnlyHints(*head)) return false;
    for (const Finding& other : diagnosis.causes) {
      if (&other != head && !other.holds && other.likelihood > 0.1) return false;
    }
  }
  // A cause that would explain the headline must not be hidden behind something that we could not read.
  return std::none_of(all.begin(), all.end(), [&](const Judged& judged) {
    return !judged.needs.empty() && MayExplain(*judged.rule, *head->rule, facts);
  });
}

void FillUnchecked(const std::vector<Judged>& all, Diagnosis& diagnosis) {
  for (const Judged& judged : all) {
    bool blocking = judged.effect() == Effect::kBlocks;
    for (const Need& need : judged.needs) {
      auto same = std::find_if(diagnosis.unchecked.begin(), diagnosis.unchecked.end(),
                               [&](const Unchecked& u) { return u.fact == need.fact; });
      if (same == diagnosis.unchecked.end()) {
        diagnosis.unchecked.push_back({need.fact, need.words, need.why, judged.rule->link, blocking});
      } else {
        same->blocking = same->blocking || blocking;
      }
    }
  }
}

void FillChain(const std::vector<Judged>& all, const Facts& facts, Diagnosis& diagnosis) {
  for (size_t i = 0; i < kLinkCount; i++) {
    Link link = static_cast<Link>(i);
    ChainLink& entry = diagnosis.chain[i];
    entry.link = link;
    bool judged_here = false;
    entry.state = LinkState::kOk;
    const Judged* worst = nullptr;
    const Need* missing = nullptr;
    auto raise = [&](LinkState state, const Judged* why) {
      static constexpr int kOrder[] = {0, 3, 1, 2};  // of kOk, kBroken, kDegraded, kUnknown
      if (kOrder[static_cast<size_t>(state)] > kOrder[static_cast<size_t>(entry.state)])
        entry.state = state, worst = why;
    };
    for (const Judged& judged : all) {
      if (judged.rule->link != link) continue;
      if (judged.rule->check == nullptr && judged.verdict.state == Verdict::State::kSilent) continue;
      judged_here = true;
      if (judged.Holds() && judged.effect() == Effect::kBlocks) raise(LinkState::kBroken, &judged);
      if (judged.Holds() && judged.effect() < Effect::kHarmless) raise(LinkState::kDegraded, &judged);
      if (judged.effect() != Effect::kBlocks) continue;
      if (judged.Open()) raise(LinkState::kUnknown, &judged);
      if (!judged.needs.empty()) {
        raise(LinkState::kUnknown, nullptr);
        if (missing == nullptr) missing = &judged.needs.front();
      }
    }
    if (!judged_here) {
      entry.state = LinkState::kUnknown;
      entry.summary = "only a running program shows this";
    } else if (worst != nullptr) {
      entry.summary = worst->verdict.title.empty() ? std::string(worst->rule->title) : worst->verdict.title;
      if (worst->Open()) entry.summary = "perhaps: " + entry.summary;
    } else if (entry.state == LinkState::kUnknown) {
      entry.summary = "could not check " + missing->words + ": " + missing->why;
    } else {
      entry.summary = Summary(link, facts);
      // What only a running program or the driver shows.
      if (entry.summary.empty() && link >= Link::kMemory) {
        entry.state = LinkState::kUnknown;
        entry.summary = "only a running program shows this";
      }
      // No rule objects, yet there is nothing that could be in order: an earlier link is missing.
      if (entry.summary.empty()) {
        entry.state = LinkState::kUnknown;
        entry.summary = "cannot be judged before what is broken is repaired";
      }
    }
  }
}

}  // namespace

bool MayExplain(const Rule& by, const Rule& rule, const Facts& facts) {
  if (&by == &rule) return false;
  if (std::find(by.explains.begin(), by.explains.end(), rule.id) != by.explains.end()) return true;
  for (const ExplainedBy& entry : rule.explained_by) {
    if (entry.by.empty()) break;
    bool named = entry.by.starts_with("link:")
                     ? entry.by.substr(5) == Name(by.link) && by.effect == Effect::kBlocks
                     : entry.by == by.id;
    if (!named) continue;
    if (entry.when == nullptr) return true;
    ReadScope ignored;  // a condition that is not known is not met; it makes no need
    if (entry.when(facts)) return true;
  }
  return false;
}

namespace {

// Everything but the questions.
Diagnosis JudgeAll(const Facts& facts, const Knowledge& knowledge, std::span<const Rule* const> rules) {
  std::vector<Judged> all;
  all.reserve(rules.size());
  UnknownFacts unknown(facts);
  Diagnosis diagnosis;
  for (const Rule* rule : rules) all.push_back(Judge(*rule, facts, knowledge, unknown));
  const bool* alone_said = facts.log.alone.Peek();
  const bool alone = alone_said != nullptr && *alone_said;
  if (facts.log.seen.Peek() != nullptr) {
    const LogStory story(facts, knowledge);
    for (Judged& judged : all) JudgeLog(judged, story, alone, unknown);
    diagnosis.asked = story.asked();
  }
  for (const Judged& judged : all) {
    if (!judged.Holds() && !judged.Open()) continue;
    Finding finding = MakeFinding(judged);
    for (const Judged& by : all) {
      if (by.Holds() && MayExplain(*by.rule, *judged.rule, facts)) {
        finding.explained_by = by.rule;
        break;
      }
    }
    (finding.explained_by != nullptr ? diagnosis.explained : diagnosis.causes).push_back(std::move(finding));
  }
  // explained_by has no cycles (a test sorts it), so something that holds always stays unexplained.
  assert(diagnosis.explained.empty() || !diagnosis.causes.empty());
  WeighOpen(diagnosis);
  const bool* registered = facts.log.gpu_registered.Peek();
  if (alone && diagnosis.causes.empty() && (registered == nullptr || !*registered))
    AddResembling(facts, knowledge, rules, all, diagnosis);
  std::stable_sort(diagnosis.causes.begin(), diagnosis.causes.end(), Before);
  std::stable_sort(diagnosis.explained.begin(), diagnosis.explained.end(), Before);
  diagnosis.verdict = Decide(all, diagnosis, facts, alone);
  // A message that could not be read may have said something else.
  diagnosis.confident = Confident(all, diagnosis, facts) && !(alone && SomeMessageUnknown(facts));
  FillUnchecked(all, diagnosis);
  FillChain(all, facts, diagnosis);
  return diagnosis;
}

}  // namespace

Diagnosis Diagnose(const Facts& facts, const Knowledge& knowledge, std::span<const Rule* const> rules) {
  Diagnosis diagnosis = JudgeAll(facts, knowledge, rules);
  diagnosis.ask = NextQuestions(diagnosis, facts, knowledge,
                                [&](const Facts& answered) { return JudgeAll(answered, knowledge, rules); });
  for (Finding& finding : diagnosis.causes) TellOnce(finding.evidence);
  return diagnosis;
}

}  // namespace tfdoctor
