#include "render/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "facts/devices.h"
#include "facts/walk.h"

namespace tfdoctor {
namespace {

// `check` runs no program, so it has no opinion on what only a running one shows.
constexpr size_t kFirstRunLink = static_cast<size_t>(Link::kMemory);

Mark MarkOf(LinkState state) {
  switch (state) {
    case LinkState::kOk:
      return {"✔", "[ok]", Tone::kGood};
    case LinkState::kBroken:
      return {"✘", "[XX]", Tone::kBad};
    case LinkState::kDegraded:
      return {"!", "[!!]", Tone::kDoubt};
    case LinkState::kUnknown:
      break;
  }
  return {"?", "[??]", Tone::kDoubt};
}

// Never "0%" or "100%" for what is open.
std::string Percent(double likelihood) {
  const double clamped = std::isfinite(likelihood) ? std::clamp(likelihood, 0.01, 0.99) : 0.5;
  return fmt::format("{:.0f}%", clamped * 100);
}

// The title as a part of a sentence that goes on or ends by itself.
std::string WithoutStop(std::string_view title) {
  while (title.ends_with('.')) title.remove_suffix(1);
  return std::string(title);
}

// "NVIDIA H100 PCIe (compute capability 9.0) and driver 570.1"; empty when nothing is assumed.
std::string Assumption(const Facts& facts) {
  if (const bool* assumed = facts.assumed.Peek(); assumed == nullptr || !*assumed) return {};
  std::vector<std::string> names;
  if (const auto* gpus = facts.gpus.Peek()) {
    for (const auto& [address, gpu] : *gpus) {
      const std::string* name = gpu.name.Peek();
      const std::string* capability = gpu.compute_capability.Peek();
      const std::string words = name != nullptr && !name->empty() ? *name : "GPU";
      names.push_back(capability != nullptr ? WithCapability(words, *capability) : words);
    }
  }
  std::string assumption = names.empty() ? "a GPU" : Join(names, " and ");
  if (const std::string* driver = facts.kernel_driver.version.Peek()) {
    assumption += fmt::format(", driver {}", *driver);
  }
  return assumption;
}

class Answer {
 public:
  Answer(const Diagnosis& diagnosis, const Facts& facts, const TextOptions& options,
         const LogAnswer* log = nullptr)
      : diagnosis_(diagnosis), facts_(facts), assumption_(Assumption(facts)), log_(log), print_(options) {}

  std::string Render() {
    if (log_ != nullptr) return RenderLog();
    FirstLine();
    Chain();
    if (const Finding* headline = diagnosis_.headline()) Headline(*headline);
    Others();
    GoesAway();
    NotChecked();
    ToFindOut();
    if (print_.options().verbose) EveryFact();
    Footer();
    return print_.Take();
  }

 private:
  std::string RenderLog() {
    FirstLineOfLog();
    if (const Finding* headline = diagnosis_.headline()) {
      Headline(*headline);
      if (headline->fixes.empty() && !headline->guessed) FixOfPage(*headline->rule);
    }
    Others();
    GoesAway();
    ToFindOut();
    Messages();
    if (print_.options().verbose) EveryFact();
    print_.Blank();
    if (const Finding* headline = diagnosis_.headline())
      print_.Prose(fmt::format("More about it: tfdoctor explain {}", headline->rule->id));
    print_.Prose("What this machine shows: tfdoctor");
    return print_.Take();
  }

  void FirstLineOfLog() {
    const Finding* headline = diagnosis_.headline();
    std::string text;
    Tone tone = Tone::kDoubt;
    if (headline == nullptr) {
      text = log_->gpu_registered ? "TensorFlow has the GPU here, and nothing in what was given is wrong"
             : log_->messages.empty()
                 ? "Nothing was found in it that bears on the GPU and that tfdoctor understands"
                 : "What was given does not say why TensorFlow does not use the GPU, or whether it does";
      if (log_->gpu_registered) tone = Tone::kGood;
    } else if (headline->guessed) {
      text = fmt::format("No rule understands it. By its words it is most like ({}): {}",
                         Percent(headline->likelihood), headline->title);
    } else if (!headline->holds) {
      text = fmt::format("{} leaves the cause open. Likeliest ({}): {}", log_->name,
                         Percent(headline->likelihood), headline->title);
    } else if (headline->effect() == Effect::kHarmless) {
      text = "Nothing here keeps TensorFlow from the GPU: " + headline->title;
      tone = Tone::kGood;
    } else {
      text = headline->effect() == Effect::kBlocks ? "This keeps TensorFlow from the GPU: " + headline->title
             : headline->effect() == Effect::kProgram
                 ? "The program asks wrongly for the GPU: " + headline->title
                 : "TensorFlow uses the GPU, but not fully: " + headline->title;
      if (headline->effect() == Effect::kBlocks) tone = Tone::kBad;
    }
    print_.Wrapped(print_.Toned(tone, print_.Safe(WithoutStop(text) + ".")));
    if (!log_->trouble.empty())
      print_.Prose(print_.Safe(fmt::format("Not all of it could be read: {}.", log_->trouble)));
    if (!log_->not_understood.empty())
      print_.Prose(print_.Safe(
          fmt::format("Not understood, or of no use here: {}.", Join(log_->not_understood, ", "))));
    if (log_->attempts > 1)
      print_.Prose(fmt::format("It holds {} runs; the last that fails is judged.", log_->attempts));
  }

  void FixOfPage(const Rule& rule) {
    constexpr std::string_view kHeading = "\n## How to fix it\n\n";
    const size_t at = rule.page.find(kHeading);
    if (at == rule.page.npos) return;
    print_.Heading("How to repair it");
    print_.Markdown(rule.page.substr(at + kHeading.size()), "  ");
  }

  void Messages() {
    if (log_->messages.empty()) return;
    constexpr size_t kShown = 25;
    const size_t shown =
        print_.options().verbose ? log_->messages.size() : std::min(kShown, log_->messages.size());
    print_.Heading("What the lines mean");
    for (size_t i = 0; i < shown; i++) {
      const LoggedMessage& message = log_->messages[i];
      constexpr size_t kLongest = 300;
      std::string text = message.text;
      if (text.size() > kLongest) {
        text.resize(kLongest);
        text += "…";
      }
      print_.Wrapped(print_.Toned(Tone::kFaint, print_.Safe(text)), fmt::format("  {:>4}  ", message.line),
                     "        ");
      std::string meaning = message.meaning;
      if (message.harmless) meaning = "Harmless: " + meaning;
      print_.Prose(print_.Safe(meaning), "        ", "        ");
    }
    if (shown < log_->messages.size())
      print_.Prose(fmt::format("and {} more: tfdoctor explain -v", log_->messages.size() - shown), "  ",
                   "  ");
  }

  void FirstLine() {
    const Finding* headline = diagnosis_.headline();
    const bool assumed = !assumption_.empty();
    std::string text;
    switch (diagnosis_.verdict) {
      case VerdictKind::kGpuBlocked:
        text = assumed ? "Your TensorFlow would not be able to use the GPU"
                       : "Your TensorFlow cannot use the GPU";
        if (Names(headline)) text += ": " + headline->title;
        // It was seen to fail, and why is open.
        if (headline != nullptr && !Names(headline)) text += WhyUnknown();
        break;
      case VerdictKind::kUnknown:
        text = fmt::format("Could not tell whether your TensorFlow {} use the GPU{}",
                           assumed ? "could" : "can", WhyUnknown());
        break;
      case VerdictKind::kGpuDegraded:
        text = assumed ? "Your TensorFlow would be able to use the GPU" : "Your TensorFlow can use the GPU";
        if (headline == nullptr || !headline->holds || headline->effect() == Effect::kHarmless) {
          text += ", but not everything that may slow it down could be checked";
        } else {
          const bool program = headline->effect() == Effect::kProgram;
          text += (program ? ", but your program does not ask for it rightly: " : ", but not fully: ") +
                  headline->title;
        }
        break;
      case VerdictKind::kGpuUsable:
        text = assumed ? "Your TensorFlow would be able to use the GPU" : "Your TensorFlow can use the GPU";
        break;
    }
    text = WithoutStop(text) + ".";
    const Tone tone = diagnosis_.verdict == VerdictKind::kGpuBlocked  ? Tone::kBad
                      : diagnosis_.verdict == VerdictKind::kGpuUsable ? Tone::kGood
                                                                      : Tone::kDoubt;
    print_.Wrapped(print_.Toned(tone, print_.Safe(text)));
    if (!print_.options().judged.empty())
      print_.Prose(print_.Safe(fmt::format("Judged is {}.", print_.options().judged)));
    Differences();
    if (assumed)
      print_.Prose(print_.Safe(fmt::format("Assumed, not read from this machine: {}.", assumption_)));
    if (diagnosis_.verdict == VerdictKind::kGpuBlocked && !diagnosis_.confident) {
      print_.Prose(
          diagnosis_.unchecked.empty()
              ? "This is broken for certain, but another cause may lie behind it."
              : "This is broken for certain, but another cause may lie behind it: see \"Could not be "
                "checked\" below.");
    }
  }

  // Between what a running process has and what a new one would get.
  void Differences() {
    const auto* differences = facts_.process.differences.Peek();
    if (differences == nullptr || differences->empty()) return;
    print_.Prose("This process is not what would start now:");
    for (const std::string& difference : *differences) print_.Wrapped(print_.Safe(difference), "  ", "    ");
  }

  // The finding is why the GPU is blocked.
  static bool Names(const Finding* finding) {
    return finding != nullptr && finding->holds && finding->effect() == Effect::kBlocks;
  }

  std::string WhyUnknown() const {
    for (const Finding& finding : diagnosis_.causes) {
      if (!finding.holds && finding.effect() == Effect::kBlocks) {
        return fmt::format(". Likeliest cause ({}): {}", Percent(finding.likelihood), finding.title);
      }
    }
    for (const Unchecked& unchecked : diagnosis_.unchecked) {
      if (unchecked.blocking) {
        return fmt::format(": {}; so this is not known: {}", unchecked.why, unchecked.what);
      }
    }
    return {};
  }

  void Chain() {
    print_.Blank();
    size_t shown = diagnosis_.chain.size();
    while (shown > kFirstRunLink && diagnosis_.chain[shown - 1].state == LinkState::kUnknown) shown--;
    const Link root = diagnosis_.headline() != nullptr ? diagnosis_.headline()->rule->link : Link::kNone;
    for (size_t i = 0; i < shown; i++) {
      const ChainLink& link = diagnosis_.chain[i];
      const Mark mark = MarkOf(link.state);
      const bool here = link.link == root && link.state != LinkState::kOk;
      std::string summary = print_.Safe(link.summary);
      if (summary.empty()) summary = link.state == LinkState::kOk ? "nothing wrong found" : "not known";
      ChainLine(here, mark, print_.Toned(here ? Tone::kStrong : mark.tone, Name(link.link)), summary);
    }
    if (shown == diagnosis_.chain.size()) return;
    std::string names;
    for (size_t i = shown; i < diagnosis_.chain.size(); i++) {
      names += fmt::format("{}{}", names.empty() ? "" : ", ", Name(static_cast<Link>(i)));
    }
    const bool unicode = print_.options().unicode;
    const std::string text =
        fmt::format("{} {} (not judged: only a running program shows them)", unicode ? "·" : "[--]", names);
    print_.Wrapped(print_.Toned(Tone::kFaint, text), "    ", unicode ? "      " : "         ");
  }

  // The arrow says where the chain breaks first; the mark says the state of each link.
  void ChainLine(bool here, const Mark& mark, const std::string& name, const std::string& summary) {
    constexpr size_t kNameWidth = 18;
    constexpr size_t kNarrow = 60;  // too narrow for two columns: the summary gets its own line
    const bool unicode = print_.options().unicode;
    const std::string start = fmt::format("{}{} {}", here ? (unicode ? "  → " : "  > ") : "    ",
                                          print_.Toned(mark.tone, unicode ? mark.unicode : mark.ascii), name);
    if (print_.options().width < kNarrow) {
      print_.Wrapped("", start);
      print_.Wrapped(summary, "        ", "        ");
      return;
    }
    const std::string prefix =
        start + std::string(kNameWidth - std::min(kNameWidth, DisplayWidth(name)), ' ');
    print_.Wrapped(summary, prefix, std::string(DisplayWidth(prefix), ' '));
  }

  void Headline(const Finding& finding) {
    print_.Heading(finding.guessed  ? "What it is most like"
                   : !finding.holds ? fmt::format("The likeliest cause ({})", Percent(finding.likelihood))
                   : finding.effect() == Effect::kHarmless ||
                           (diagnosis_.verdict == VerdictKind::kGpuBlocked && !Names(&finding))
                       ? "Worth knowing"
                       : "The cause");
    // The first line has said the title of what blocks or degrades.
    const bool said = finding.holds && (diagnosis_.verdict == VerdictKind::kGpuBlocked
                                            ? Names(&finding)
                                            : diagnosis_.verdict == VerdictKind::kGpuDegraded);
    if (!said || finding.explanation.empty()) print_.Prose(print_.Safe(finding.title), "  ", "  ");
    print_.Markdown(finding.explanation, "  ");
    EvidenceOf(finding);
    WhatChanged();
    Repairs(finding, "How to repair it", finding.fixes.size());
  }

  // "the folders that the loader searches: /a/, /b/, …" lists dozens, and is the same for each library: its
  // name says what they are.
  static std::string_view WithoutList(std::string_view from) {
    constexpr size_t kLong = 160;
    const size_t list = from.find(": ");
    return from.size() > kLong && list != std::string_view::npos ? from.substr(0, list) : from;
  }

  void EvidenceOf(const Finding& finding) {
    if (finding.evidence.empty()) return;
    print_.Heading("What was seen");
    std::set<std::string_view> listed;
    for (const Evidence& evidence : finding.evidence) {
      std::string text = print_.Safe(evidence.text);
      if (!evidence.from.empty()) {
        // What is stated says so itself: "stated: gpu".
        std::string witness = fmt::format("{}: ", Name(evidence.witness));
        if (evidence.witness == Witness::kMachine || evidence.from.starts_with(witness)) witness.clear();
        const bool whole = print_.options().verbose && listed.insert(evidence.from).second;
        text +=
            " " + print_.Toned(Tone::kFaint,
                               fmt::format("({}{})", witness,
                                           print_.Safe(whole ? evidence.from : WithoutList(evidence.from))));
      }
      if (evidence.strength == Strength::kAgainst) text += " - speaks against it";
      print_.Wrapped(text, print_.options().unicode ? "  • " : "  - ", "    ");
    }
  }

  // A fact beside the cause, not its proof.
  void WhatChanged() {
    if (diagnosis_.since.empty() && !diagnosis_.saved) return;
    print_.Heading("What changed");
    if (!diagnosis_.since.empty()) Item("since " + diagnosis_.since);
    if (!diagnosis_.saved) return;
    const SavedState& saved = *diagnosis_.saved;
    if (!saved.trouble.empty()) return Item("the saved good state cannot be compared: " + saved.trouble);
    const std::string start = fmt::format("since the good state of {}", saved.when);
    if (saved.differences.empty()) return Item(start + ": nothing that was read and may bear on it");
    constexpr size_t kShown = 8;
    const size_t shown =
        print_.options().verbose ? saved.differences.size() : std::min(kShown, saved.differences.size());
    Item(start + ":");
    for (size_t i = 0; i < shown; i++) {
      const Difference& difference = saved.differences[i];
      print_.Prose(print_.Safe(fmt::format("{}: {}, now {}", difference.what, difference.a.Words(),
                                           difference.b.Words())),
                   "      ", "        ");
    }
    if (shown < saved.differences.size())
      print_.Prose(fmt::format("and {} more: tfdoctor -v", saved.differences.size() - shown), "      ",
                   "        ");
  }

  void Repairs(const Finding& finding, std::string_view heading, size_t limit) {
    if (finding.fixes.empty()) return;
    const bool choice = finding.fixes.size() > 1 && limit > 1;
    print_.Heading(choice ? fmt::format("{} (one of these is enough; the best comes first)", heading)
                          : std::string(heading));
    for (size_t i = 0; i < std::min(limit, finding.fixes.size()); i++) OneRepair(i + 1, finding.fixes[i]);
  }

  void OneRepair(size_t number, const Fix& fix) {
    std::vector<std::string> notes;
    if (fix.needs_root) notes.emplace_back("needs root");
    if (fix.needs_reboot) notes.emplace_back("needs a reboot");
    if (fix.safety == Safety::kConsent) notes.emplace_back("changes the system");
    if (fix.safety == Safety::kAdvice) notes.emplace_back("advice: tfdoctor cannot try it beforehand");
    std::string text = print_.Inline(fix.title);
    if (!notes.empty()) text += " " + print_.Toned(Tone::kDoubt, fmt::format("[{}]", Join(notes, "; ")));
    const std::string prefix = fmt::format("  {}. ", number);
    print_.Prose(text, prefix, std::string(prefix.size(), ' '));
    Commands(fix.commands);
  }

  void Commands(const std::vector<std::string>& commands) {
    if (commands.empty()) return;
    print_.Blank();
    for (const std::string& command : commands) print_.Verbatim(command, "    ");
    print_.Blank();
  }

  // Everything but the headline, by what the reader can do with it.
  void Others() {
    std::vector<const Finding*> broken;
    std::vector<const Finding*> slowed;
    std::vector<const Finding*> known;
    std::vector<const Finding*> open;
    for (const Finding& finding : diagnosis_.causes) {
      if (&finding == diagnosis_.headline()) continue;
      (!finding.holds                          ? open
       : finding.effect() == Effect::kBlocks   ? broken
       : finding.effect() == Effect::kDegrades ? slowed
                                               : known)
          .push_back(&finding);
    }
    Holding("Also broken", broken);
    Holding("Also not at its best", slowed);
    Holding("Worth knowing too", known);
    if (open.empty()) return;
    // Rivals of a headline that is open itself; beside one that holds, faults of their own.
    const bool rivals = diagnosis_.headline() == nullptr || !diagnosis_.headline()->holds;
    print_.Heading(rivals ? "It could also be" : "May be broken, too");
    for (const Finding* finding : open) {
      Item(rivals ? fmt::format("{} ({}; {})", WithoutStop(finding->title), finding->rule->id,
                                Percent(finding->likelihood))
                  : fmt::format("{} ({})", WithoutStop(finding->title), finding->rule->id));
    }
    if (rivals && diagnosis_.other_likelihood > 0)
      Item(fmt::format("something else ({})", Percent(diagnosis_.other_likelihood)));
  }

  void Holding(std::string_view heading, const std::vector<const Finding*>& findings) {
    if (findings.empty()) return;
    print_.Heading(heading);
    for (const Finding* finding : findings) {
      Item(fmt::format("{} ({})", WithoutStop(finding->title), finding->rule->id));
      if (print_.options().verbose) EvidenceOf(*finding);
      if (finding->fixes.empty()) continue;
      const Fix& fix = finding->fixes.front();
      print_.Prose(print_.Inline("Repair: " + fix.title + (fix.needs_root ? " [needs root]" : "")), "    ",
                   "    ");
      for (const std::string& command : fix.commands) print_.Verbatim(command, "    ");
    }
  }

  void GoesAway() {
    if (diagnosis_.explained.empty()) return;
    print_.Heading("Goes away with it");
    for (const Finding& finding : diagnosis_.explained) {
      const Rule* by = finding.explained_by;
      const Finding* headline = diagnosis_.headline();
      const bool obvious = by == nullptr || (headline != nullptr && by == headline->rule);
      Item(obvious ? WithoutStop(finding.title)
                   : fmt::format("{} (with {})", WithoutStop(finding.title), by->id));
    }
  }

  void NotChecked() {
    if (diagnosis_.unchecked.empty()) return;
    print_.Heading("Could not be checked");
    std::vector<std::pair<std::string, std::vector<std::string>>> by_reason;  // in order of appearance
    for (const Unchecked& unchecked : diagnosis_.unchecked) {
      auto group = std::find_if(by_reason.begin(), by_reason.end(),
                                [&](const auto& entry) { return entry.first == unchecked.why; });
      if (group == by_reason.end()) group = by_reason.insert(group, {unchecked.why, {}});
      group->second.push_back(unchecked.what);
    }
    constexpr size_t kShown = 4;
    for (const auto& [why, what] : by_reason) {
      const size_t shown = print_.options().verbose ? what.size() : std::min(what.size(), kShown);
      std::string text = Join({what.begin(), what.begin() + static_cast<std::ptrdiff_t>(shown)}, ", ");
      if (shown < what.size()) text += fmt::format(" and {} more", what.size() - shown);
      Item(fmt::format("{}: {}", text, why.empty() ? "no reason given" : why));
    }
  }

  void ToFindOut() {
    if (diagnosis_.ask.empty()) return;
    print_.Heading("To find out");
    for (const Ask& ask : diagnosis_.ask) {
      std::string text = ask.question;
      if (!ask.separates.empty()) text += fmt::format(" (tells apart: {})", Join(ask.separates, ", "));
      if (log_ != nullptr)
        text += fmt::format(" Answer: --answer {}={}", ask.key,
                            ask.answers.empty() ? "…" : Join(ask.answers, "|"));
      Item(text);
      if (!ask.command.empty()) Commands({ask.command});
    }
  }

  void EveryFact() {
    print_.Heading("Everything that was looked for");
    for (const FactLine& line : Lines(facts_)) {
      if (line.state == FactState::kUnknown && line.why == FactBase::kNobodyLooked) continue;
      const std::string value = line.state == FactState::kValue    ? print_.Safe(line.value)
                                : line.state == FactState::kAbsent ? print_.Toned(Tone::kFaint, "absent")
                                                                   : print_.Toned(Tone::kDoubt, "unknown");
      std::string text = fmt::format("{}: {}", print_.Toned(Tone::kStrong, print_.Safe(line.path)), value);
      if (line.state == FactState::kUnknown) text += fmt::format(" ({})", print_.Safe(line.why));
      if (!line.origin.from.empty()) {
        text += " " + print_.Toned(Tone::kFaint, fmt::format("[{}: {}]", Name(line.origin.witness),
                                                             print_.Safe(line.origin.from)));
      }
      print_.Wrapped(text, "  ", "      ");
    }
  }

  void Footer() {
    print_.Blank();
    DriverTime();
    if (const Finding* headline = diagnosis_.headline()) {
      print_.Prose(fmt::format("More about it: tfdoctor explain {}", headline->rule->id));
    }
    if (!print_.options().verbose) print_.Prose("Everything that was read, and where: tfdoctor -v");
  }

  // It is most of what there is to wait for, and not ours to make shorter.
  void DriverTime() {
    const bool* asked = facts_.driver_answers.asked.Peek();
    const double took = print_.options().driver_milliseconds;
    constexpr double kLong = 2000;
    if (asked == nullptr || !*asked || (took < kLong && !print_.options().verbose)) return;
    print_.Prose(fmt::format("The driver took {:.1f} seconds to answer (--no-driver-calls leaves it out).",
                             took / 1000));
  }

  void Item(const std::string& text) {
    print_.Prose(print_.Safe(text), print_.options().unicode ? "  • " : "  - ", "    ");
  }

  const Diagnosis& diagnosis_;
  const Facts& facts_;
  const std::string assumption_;
  const LogAnswer* log_;
  Printer print_;
};

}  // namespace

std::string RenderText(const Diagnosis& diagnosis, const Facts& facts, const TextOptions& options) {
  return Answer(diagnosis, facts, options).Render();
}

std::string RenderLogText(const Diagnosis& diagnosis, const Facts& facts, const LogAnswer& log,
                          const TextOptions& options) {
  return Answer(diagnosis, facts, options, &log).Render();
}

}  // namespace tfdoctor
