#include "render/pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/text.h"

namespace tfdoctor {
namespace {

// Edits (insert, delete, replace) that turn one word into the other.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); i++) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); j++) {
      const size_t replace = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replace, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

std::string_view EffectWords(Effect effect) {
  switch (effect) {
    case Effect::kBlocks:
      return "the GPU cannot be used";
    case Effect::kDegrades:
      return "the GPU is used, but not fully";
    case Effect::kProgram:
      return "the GPU is fine, the program asks wrongly";
    case Effect::kHarmless:
      return "harmless";
  }
  return {};
}

std::string LinkHeading(Link link) {
  if (link == Link::kNone) return "no link: messages that concern none";
  return fmt::format("{}: {}", Name(link), QuestionOf(link));
}

}  // namespace

const Rule* FindRule(std::span<const Rule* const> rules, std::string_view id) {
  const auto found =
      std::find_if(rules.begin(), rules.end(), [&](const Rule* rule) { return rule->id == id; });
  return found == rules.end() ? nullptr : *found;
}

std::vector<std::string> Nearest(std::string_view name, const std::vector<std::string>& names, size_t limit) {
  constexpr size_t kLongest =
      64;  // no name of ours is longer: the rest of a hostile argument is not compared
  const std::string wanted = Lower(name.substr(0, kLongest));
  std::vector<std::pair<size_t, std::string>> ranked;
  for (const std::string& candidate : names) {
    const bool part = wanted.size() >= 3 && candidate.find(wanted) != std::string::npos;
    const size_t distance = part ? 0 : Distance(wanted, candidate);
    if (distance <= std::max<size_t>(2, std::max(wanted.size(), candidate.size()) / 3)) {
      ranked.emplace_back(distance, candidate);
    }
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> nearest;
  for (size_t i = 0; i < std::min(limit, ranked.size()); i++) nearest.push_back(ranked[i].second);
  return nearest;
}

std::string RenderPage(const Rule& rule, const TextOptions& options) {
  Printer print(options);
  print.Prose(print.Toned(Tone::kStrong, print.Safe(rule.title)));
  print.Prose(print.Toned(Tone::kFaint, print.Safe(fmt::format("{} · link: {} · effect: {}", rule.id,
                                                               Name(rule.link), EffectWords(rule.effect)))));
  print.Blank();
  print.Markdown(rule.page);
  return print.Take();
}

std::string RenderCauses(std::span<const Rule* const> rules, const TextOptions& options) {
  constexpr size_t kTwoColumns = 80;
  Printer print(options);
  for (size_t link = 0; link <= kLinkCount; link++) {
    bool first = true;
    for (const Rule* rule : rules) {
      if (static_cast<size_t>(rule->link) != link) continue;
      if (std::exchange(first, false)) print.Heading(LinkHeading(rule->link));
      const std::string text = print.Safe(fmt::format("{} ({})", rule->title, Name(rule->effect)));
      const std::string id(rule->id);
      if (options.width < kTwoColumns) {
        print.Wrapped("", "  " + id);
        print.Wrapped(text, "      ", "      ");
      } else {
        print.Wrapped(text, fmt::format("  {:<37} ", id), std::string(40, ' '));
      }
    }
  }
  print.Blank();
  print.Prose("Read about one: tfdoctor explain NAME");
  return print.Take();
}

}  // namespace tfdoctor
