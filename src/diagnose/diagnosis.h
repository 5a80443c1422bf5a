// The answer: findings, one root cause, what is open, what could not be checked. Plain data; renderers print
// it.
#pragma once

#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "diagnose/compare.h"
#include "diagnose/rule.h"

namespace tfdoctor {

enum class VerdictKind : uint8_t { kGpuBlocked, kUnknown, kGpuDegraded, kGpuUsable };
std::string_view Name(VerdictKind verdict);  // "gpu-blocked"
int ExitStatus(VerdictKind verdict, bool strict);

struct Need {
  std::string fact;   // "tensorflow.cuda_build"
  std::string words;  // "whether this build has CUDA"
  std::string why;    // "cannot read …: Permission denied"
};

struct Finding {
  const Rule* rule = nullptr;
  bool holds = false;    // else it is open
  bool guessed = false;  // no rule found it: what was given has words in common with its page
  std::string title;
  std::string explanation;
  std::string reason;
  double likelihood = 0;  // 1 when it holds
  std::vector<Evidence> evidence;
  std::vector<Fix> fixes;
  std::vector<Need> needs;
  const Rule* explained_by = nullptr;         // of those under `explained`
  std::optional<Effect> less = std::nullopt;  // where it does less harm than its rule says

  Effect effect() const { return less.value_or(rule->effect); }
};

struct Unchecked {
  std::string fact;
  std::string what;
  std::string why;
  Link link = Link::kNone;  // of the first rule that wanted it
  bool blocking = false;    // a blocking rule wanted it: the GPU may be blocked without our knowing
};

struct Ask {
  std::string key;  // the fact
  std::string question;
  std::string command;                    // that answers it; may be empty
  std::vector<std::string> separates;     // causes that the answer tells apart
  std::vector<std::string> answers = {};  // words that --answer takes: "yes"; empty: a value in free words
};

enum class LinkState : uint8_t { kOk, kBroken, kDegraded, kUnknown };
std::string_view Name(LinkState state);

struct ChainLink {
  Link link = Link::kNone;
  LinkState state = LinkState::kUnknown;
  std::string summary;
};

// A line of a log that was recognised.
struct LoggedMessage {
  uint64_t line = 0;
  std::string text;
  std::string meaning;
  bool harmless = false;
  std::string cause;  // id of the cause that it is about; empty: of none alone
};

// What an answer about a log says beside the diagnosis.
struct LogAnswer {
  std::string name;  // "train.log", "standard input", "what is stated"
  std::vector<LoggedMessage> messages;
  std::vector<std::string> not_understood;  // statements that nothing reads
  std::string trouble;                      // why not all of it was read
  uint64_t lines = 0;
  size_t attempts = 0;
  bool gpu_registered = false;
};

// The last state that was good and was saved (`check --save`), against what is there now.
struct SavedState {
  std::string when;                     // "2026-11-20T10:00:00Z"
  std::string trouble;                  // why it could not be compared; empty: it was
  std::vector<Difference> differences;  // that may bear on a cause
};

struct Diagnosis {
  VerdictKind verdict = VerdictKind::kUnknown;
  bool confident = false;
  double other_likelihood = 0;  // of something else than the open causes
  std::vector<Finding> causes;
  std::vector<Finding> explained;
  std::vector<Unchecked> unchecked;
  std::vector<Ask> ask;
  std::array<ChainLink, kLinkCount> chain = {};
  std::set<std::string> asked;      // keys of what is stated that a rule asked for
  std::string since;                // what changed that bears on the root cause (diagnose/since.h)
  std::optional<SavedState> saved;  // where a cause was found and a good state was saved before

  // The root cause: the first of `causes`; nullptr when there is none.
  const Finding* headline() const { return causes.empty() ? nullptr : &causes.front(); }
};

}  // namespace tfdoctor
