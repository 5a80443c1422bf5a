#include "diagnose/questions.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "facts/json.h"

namespace tfdoctor {

namespace {

// How likely each cause is in a diagnosis: what holds shares the whole, else the open ones share it.
using Shares = std::map<std::string_view, double>;

Shares SharesOf(const Diagnosis& diagnosis) {
  Shares shares;
  double holding = 0;
  for (const Finding& finding : diagnosis.causes) {
    if (finding.holds && finding.effect() < Effect::kHarmless) holding++;
  }
  for (const Finding& finding : diagnosis.causes) {
    if (holding == 0 && !finding.holds) shares[finding.rule->id] = finding.likelihood;
    if (holding > 0 && finding.holds && finding.effect() < Effect::kHarmless)
      shares[finding.rule->id] = 1 / holding;
  }
  return shares;
}

// In bits; what is missing from one is another outcome of its own.
double Entropy(const Shares& shares) {
  double rest = 1, bits = 0;
  for (const auto& [id, share] : shares) {
    if (share > 0) bits -= share * std::log2(share);
    rest -= share;
  }
  return rest > 1e-9 ? bits - rest * std::log2(rest) : bits;
}

// How far apart the answers bring the causes (Jensen-Shannon divergence in bits), and which ones.
double Divergence(const std::vector<Shares>& answers, std::vector<std::string>& separates) {
  Shares mean;
  double own = 0;
  for (const Shares& shares : answers) {
    own += Entropy(shares) / static_cast<double>(answers.size());
    for (const auto& [id, share] : shares) mean[id] += share / static_cast<double>(answers.size());
  }
  constexpr double kTells = 0.1;
  for (const auto& [id, share] : mean) {
    double lowest = 1, highest = 0;
    for (const Shares& shares : answers) {
      const auto it = shares.find(id);
      const double here = it == shares.end() ? 0 : it->second;
      lowest = std::min(lowest, here);
      highest = std::max(highest, here);
    }
    if (highest - lowest >= kTells) separates.emplace_back(id);
  }
  return std::max(0.0, Entropy(mean) - own);
}

struct Candidate {
  Ask ask;
  double bits = 0;  // for its cost
};

Candidate Weigh(const Need& need, const Facts& facts, const Knowledge& knowledge,
                const std::function<Diagnosis(const Facts&)>& judge) {
  // What nobody can look up in a shell costs more.
  constexpr double kCostWithoutCommand = 1.5;
  Candidate candidate{{need.fact, "What is the " + need.words + "?", "", {}}, 0};
  const std::optional<QuestionRow> row = knowledge.FindQuestion(need.fact);
  if (!row) return candidate;
  candidate.ask.question = row->question;
  candidate.ask.command = row->command;
  std::vector<Shares> answers;
  for (const auto& [word, json] : row->answers) {
    Facts answered = facts;
    if (StateFact(answered, need.fact, nlohmann::ordered_json::parse(json, nullptr, false))) continue;
    candidate.ask.answers.push_back(word);
    answers.push_back(SharesOf(judge(answered)));
  }
  if (answers.size() > 1) candidate.bits = Divergence(answers, candidate.ask.separates);
  if (row->command.empty()) candidate.bits /= kCostWithoutCommand;
  return candidate;
}

// Of this machine everything was read, and a cause is still open: the documentation says one thing and
// reports another, and only a run tells.
std::vector<Ask> OnlyARunDecides(const Diagnosis& diagnosis, const Facts& facts, const Knowledge& knowledge) {
  constexpr const char* kWhatARunShows = "log.seen";
  const std::optional<QuestionRow> row = knowledge.FindQuestion(kWhatARunShows);
  if (!row || facts.log.seen.Peek() != nullptr || facts.tensorflow.folder.Peek() == nullptr) return {};
  Ask ask{row->fact, row->question, row->command, {}};
  for (const Finding& finding : diagnosis.causes) {
    if (finding.holds && finding.effect() == Effect::kBlocks) return {};
    if (!finding.holds) ask.separates.emplace_back(finding.rule->id);
  }
  return ask.separates.empty() ? std::vector<Ask>() : std::vector<Ask>{std::move(ask)};
}

}  // namespace

std::vector<Ask> NextQuestions(const Diagnosis& diagnosis, const Facts& facts, const Knowledge& knowledge,
                               const std::function<Diagnosis(const Facts&)>& judge) {
  std::vector<const Need*> wanted;
  std::map<std::string_view, std::vector<std::string>> missed_by;
  for (const Finding& finding : diagnosis.causes) {
    if (finding.holds) continue;
    for (const Need& need : finding.needs) {
      std::vector<std::string>& causes = missed_by[need.fact];
      if (causes.empty()) wanted.push_back(&need);
      causes.emplace_back(finding.rule->id);
    }
  }
  if (wanted.empty()) return OnlyARunDecides(diagnosis, facts, knowledge);
  // Those that most open causes miss are tried; each costs some milliseconds.
  constexpr size_t kTried = 8;
  std::stable_sort(wanted.begin(), wanted.end(), [&](const Need* a, const Need* b) {
    return missed_by[a->fact].size() > missed_by[b->fact].size();
  });
  if (wanted.size() > kTried) wanted.resize(kTried);
  std::vector<Candidate> candidates;
  for (const Need* need : wanted) {
    candidates.push_back(Weigh(*need, facts, knowledge, judge));
    if (Ask& ask = candidates.back().ask; ask.separates.empty()) ask.separates = missed_by[need->fact];
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.bits > b.bits + 1e-9; });
  constexpr size_t kAsked = 3;
  std::vector<Ask> asks;
  for (Candidate& candidate : candidates) {
    if (asks.size() < kAsked) asks.push_back(std::move(candidate.ask));
  }
  return asks;
}

std::string FirstParagraph(std::string_view page) {
  std::vector<std::string> words;
  for (std::string_view line : SplitLines(page)) {
    line = Trim(line);
    if (line.starts_with('#') || line.empty()) {
      if (!words.empty()) break;
      continue;
    }
    words.emplace_back(line);
  }
  return Join(words, " ");
}

}  // namespace tfdoctor
