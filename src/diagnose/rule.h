// What a rule is: a constant and one pure function from facts to a verdict. One file each under
// src/rules/<link>/.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "diagnose/change.h"
#include "facts/facts.h"
#include "knowledge/knowledge.h"

namespace tfdoctor {

// The twelve links of the chain, in the order of people and of repair; kNone for messages that concern no
// link.
enum class Link : uint8_t {
  kHardware,
  kKernelDriver,
  kDeviceAccess,
  kDriverLibrary,
  kPython,
  kTensorFlow,
  kCudaLibraries,
  kGpuArchitecture,
  kVisibility,
  kMemory,
  kExecution,
  kUtilisation,
  kNone,
};
constexpr size_t kLinkCount = 12;  // without kNone
std::string_view Name(Link link);  // "cuda-libraries"
// The question a link answers: "Does each library that this build opens resolve …?"
std::string_view QuestionOf(Link link);

enum class Effect : uint8_t { kBlocks, kDegrades, kProgram, kHarmless };  // the worst first
std::string_view Name(Effect effect);

// How much a sign speaks for a cause that stays open.
enum class Strength : uint8_t { kDecisive, kStrong, kWeak, kAgainst };

struct Evidence {
  std::string from;  // path, variable, "line 12"
  Witness witness = Witness::kMachine;
  std::string text;  // "RUNPATH has no entry nvidia/cusolver/lib"
  Strength strength = Strength::kStrong;
};

enum class Safety : uint8_t {
  kSafe,     // changes this environment only and can be undone
  kConsent,  // changes the system, or cannot easily be undone
  kAdvice,   // cannot be modelled, or is for the person to do
};

struct Fix {
  std::string title;                  // "Install the CUDA libraries that this TensorFlow wants"
  std::vector<std::string> commands;  // as to be pasted, in order
  bool needs_root = false;
  bool needs_reboot = false;
  Safety safety = Safety::kSafe;
  std::vector<Change> changes;  // what it changes in the machine; none: kAdvice, offered untried
  // Of a fix that was tried: the facts of the machine after it.
  std::shared_ptr<const Facts> after = nullptr;
};

class Verdict {
 public:
  enum class State : uint8_t { kSilent, kHolds, kExcluded, kOpen };

  // What every rule does with one is compiled once, in verdict.cpp.
  Verdict(const Verdict&);
  Verdict(Verdict&&) noexcept;
  Verdict& operator=(const Verdict&);
  Verdict& operator=(Verdict&&) noexcept;
  ~Verdict();

  static Verdict Silent() { return Verdict(State::kSilent); }
  static Verdict Holds() { return Verdict(State::kHolds); }
  static Verdict Excluded() { return Verdict(State::kExcluded); }
  static Verdict Open() { return Verdict(State::kOpen); }  // needs at least one sign that is not kAgainst

  // A sign: the fact's own origin is cited.
  Verdict& Because(const FactBase& fact, std::string text, Strength strength = Strength::kStrong) &;
  // The rest return by value, so that `verdict = std::move(verdict).WithFix(…)` is no move onto itself.
  Verdict Because(const FactBase& fact, std::string text, Strength strength = Strength::kStrong) &&;
  Verdict WithReason(std::string text) &&;
  // One plain sentence for this case, where the rule's title is too general.
  Verdict WithTitle(std::string text) &&;
  Verdict WithExplanation(std::string text) &&;
  Verdict WithFix(Fix fix) &&;
  // Here the cause does less harm than its rule says.
  Verdict WithEffect(Effect less) &&;

  State state;
  std::vector<Evidence> evidence;
  std::string reason;                           // for causes that have kinds: "numpy"
  std::string title;                            // empty: the rule's
  std::string explanation;                      // empty: the first paragraph of the page
  std::vector<Fix> fixes;                       // best first
  std::optional<Effect> effect = std::nullopt;  // nullopt: the rule's

 private:
  explicit Verdict(State s);
};

struct ExplainedBy {
  std::string_view by;                   // a cause id, or "link:python" for every cause of that link
  bool (*when)(const Facts&) = nullptr;  // only then; nullptr: always
};

class Signs;  // diagnose/signs.h

struct Rule {
  std::string_view id;  // of knowledge: kebab-case, the same as the file's name
  Link link;
  Effect effect;
  std::string_view title;                         // one plain sentence
  double prior;                                   // how frequent among reports, 0 to 1
  std::array<ExplainedBy, 16> explained_by = {};  // this one goes away by itself when one of those Holds
  // The same from the other side, by ids: for a cause that knows what others it brings about.
  std::array<std::string_view, 8> explains = {};
  // What the machine shows; nullptr: no machine shows this cause, only what a program prints.
  Verdict (*check)(const Facts&, const Knowledge&) = nullptr;
  // What a log and statements show (diagnose/signs.h); nullptr: nothing of their own, only facts that they
  // fill.
  void (*log)(Signs& signs) = nullptr;
  std::string_view page;  // Markdown: What it means · How it is recognised · How it happens · What people say
                          // · How to fix it
};

}  // namespace tfdoctor
