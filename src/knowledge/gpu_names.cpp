#include "knowledge/gpu_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <set>
#include <utility>

#include "base/text.h"

namespace tfdoctor {
namespace {

using Words = std::vector<std::string>;

constexpr size_t kLongestName = 100;
constexpr std::string_view kMobile = "mobile";  // of pci.ids; people say "laptop"

bool Digit(char c) { return c >= '0' && c <= '9'; }
bool Letter(char c) { return c >= 'a' && c <= 'z'; }

// Letters and digits in turn, so that "RTX4090" equals "RTX 4090"; words that people and pci.ids use
// differently are left out or made one.
Words WordsOf(std::string_view text) {
  std::string lower = Lower(text);
  Words words;
  for (size_t i = 0; i < lower.size();) {
    bool (*same)(char) = Digit(lower[i]) ? Digit : Letter(lower[i]) ? Letter : nullptr;
    size_t end = i + 1;
    while (same != nullptr && end < lower.size() && same(lower[end])) end++;
    if (same != nullptr) words.push_back(lower.substr(i, end - i));
    i = end;
  }
  constexpr std::array<std::string_view, 7> kBrands = {"nvidia", "geforce",    "quadro",  "tesla",
                                                       "gpu",    "generation", "graphics"};
  std::erase_if(words, [&](const std::string& w) {
    return std::find(kBrands.begin(), kBrands.end(), w) != kBrands.end();
  });
  std::replace(words.begin(), words.end(), std::string("laptop"), std::string(kMobile));
  return words;
}

// Without what tells variants of one chip apart: size and kind of memory, form factor.
Words WithoutVariant(const Words& words) {
  constexpr std::array<std::string_view, 9> kVariant = {"pcie", "sxm", "hbm",     "nvl", "mobile",
                                                        "max",  "q",   "edition", "e"};
  Words rest;
  for (size_t i = 0; i < words.size(); i++) {
    bool size = Digit(words[i][0]) && i + 1 < words.size() && (words[i + 1] == "gb" || words[i + 1] == "g");
    if (size) {
      i++;
    } else if (std::find(kVariant.begin(), kVariant.end(), words[i]) != kVariant.end()) {
      if (i + 1 < words.size() && words[i + 1].size() == 1 && Digit(words[i + 1][0])) i++;  // SXM4, HBM3
    } else {
      rest.push_back(words[i]);
    }
  }
  return rest;
}

// People write "GTX 3090" and "RTX 1080".
Words WithOtherPrefix(Words words) {
  for (std::string& word : words) word = word == "gtx" ? "rtx" : word == "rtx" ? "gtx" : word;
  return words;
}

// "GA104 [GeForce RTX 3070]": the name that people know stands in brackets; else the chip is the name.
std::string_view MarketingName(std::string_view name) {
  size_t open = name.find('['), close = name.rfind(']');
  return open == name.npos || close == name.npos || close < open ? name
                                                                 : name.substr(open + 1, close - open - 1);
}
std::string_view Chip(std::string_view name) { return name.substr(0, name.find(' ')); }

bool Contains(const Words& all, const Words& part) {
  return std::search(all.begin(), all.end(), part.begin(), part.end()) != all.end();
}

// "GT 630 OEM" and "GT 630 Rev. 2" call themselves GT 630, whatever chip they have.
Words WithoutRevision(Words words) {
  if (!words.empty() && words.back() == "oem") words.pop_back();
  if (words.size() > 1 && words[words.size() - 2] == "rev") words.resize(words.size() - 2);
  return words;
}

// How many words the name has beyond those wanted; kNoFit: it does not fit. One id may stand for several
// names: "Tesla C2050 / C2070", "Quadro RTX 6000/8000" (where the second lacks the words before the number).
constexpr size_t kNoFit = std::numeric_limits<size_t>::max();
size_t WordsBeyond(const Words& wanted, std::string_view name) {
  size_t best = kNoFit;
  Words before_number;
  for (const std::string& one : Split(name, '/')) {
    Words words = WordsOf(one);
    if (words.empty()) continue;
    if (before_number.empty()) {
      before_number.assign(words.begin(), std::find_if(words.begin(), words.end(),
                                                       [](const std::string& w) { return Digit(w[0]); }));
    } else if (Digit(words[0][0])) {
      words.insert(words.begin(), before_number.begin(), before_number.end());
    }
    if (!Contains(words, wanted)) continue;
    const Words called = WithoutRevision(words);
    best = std::min(best, (Contains(called, wanted) ? called : words).size() - wanted.size());
  }
  return best;
}

// Those that fit best.
std::vector<const GpuModel*> Fitting(const Words& wanted, const std::vector<GpuModel>& models,
                                     std::string_view (*part)(std::string_view)) {
  std::vector<const GpuModel*> fitting;
  // Most names are told apart without being taken apart: a word that they do not hold.
  const auto own =
      std::find_if(wanted.begin(), wanted.end(), [](const std::string& word) { return word != kMobile; });
  if (wanted.empty()) return fitting;
  size_t best = kNoFit - 1;
  for (const GpuModel& model : models) {
    if (own != wanted.end() && Lower(model.name).find(*own) == std::string::npos) continue;
    size_t beyond = WordsBeyond(wanted, part(model.name));
    if (beyond > best) continue;
    if (beyond < best) fitting.clear();
    best = beyond;
    fitting.push_back(&model);
  }
  return fitting;
}

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); i++) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); j++) {
      size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, diagonal + cost}));
    }
  }
  return row.back();
}

Error Unknown(std::string_view text, const Words& wanted, const std::vector<GpuModel>& models) {
  std::string plain = Join(wanted, " ");
  std::set<std::pair<size_t, std::string_view>> near;
  for (const GpuModel& model : models) {
    std::string_view name = MarketingName(model.name);
    near.insert({EditDistance(plain, Join(WordsOf(name), " ")), name});
  }
  std::string message = fmt::format("no GPU \"{}\" in our data", Printable(text, kLongestName));
  size_t shown = 0;
  std::set<std::string_view> names;
  for (const auto& [distance, name] : near) {
    if (shown == 3 || distance > 1 + plain.size() / 2) break;
    if (!names.insert(name).second) continue;
    message += fmt::format("{}{}", shown++ == 0 ? "; the nearest names are: " : ", ", name);
  }
  return {ErrorKind::kNotFound, message + (shown == 0 ? "; a compute capability such as 8.9 also does" : "")};
}

Error Ambiguous(std::string_view text, const std::vector<const GpuModel*>& models) {
  std::vector<std::string> names;
  std::set<std::string_view> capabilities;
  for (const GpuModel* model : models) {
    if (!capabilities.insert(model->compute_capability).second) continue;
    names.push_back(fmt::format(
        "{} ({})", model->name,
        model->compute_capability.empty() ? "compute capability unknown" : model->compute_capability));
  }
  return {ErrorKind::kMalformed,
          fmt::format("\"{}\" may be several GPUs of different compute capability: {}; give the "
                      "compute capability instead",
                      Printable(text, kLongestName), Join(names, ", "))};
}

}  // namespace

std::string CapabilityIn(std::string_view text) {
  std::string lower = Lower(Trim(text));
  std::string_view rest = lower;
  for (std::string_view prefix : {"sm_", "sm", "compute_", "compute", "cc"}) {
    if (!rest.starts_with(prefix)) continue;
    rest.remove_prefix(prefix.size());
    rest = Trim(rest);
    break;
  }
  // sm_90a, sm_120f: variants of the same hardware.
  if (rest.size() > 1 && (rest.back() == 'a' || rest.back() == 'f')) rest.remove_suffix(1);
  size_t dot = rest.find('.');
  std::string digits(rest.substr(0, dot));
  if (dot != rest.npos) digits += rest.substr(dot + 1);
  bool placed = dot == rest.npos || dot + 2 == rest.size();
  if (!placed || digits.size() < 2 || digits.size() > 3 || !std::all_of(digits.begin(), digits.end(), Digit))
    return "";
  return digits.insert(digits.size() - 1, ".");
}

Result<GpuModel> FindModel(std::string_view text, const std::vector<GpuModel>& models) {
  if (text.size() > kLongestName) return Error{ErrorKind::kTooLarge, "the name of the GPU is too long"};
  Words wanted = WordsOf(text);
  std::vector<const GpuModel*> fitting = Fitting(wanted, models, MarketingName);
  if (fitting.empty()) fitting = Fitting(WithoutVariant(wanted), models, MarketingName);
  if (fitting.empty()) fitting = Fitting(WithOtherPrefix(wanted), models, MarketingName);
  if (fitting.empty()) fitting = Fitting(wanted, models, Chip);
  if (fitting.empty()) return Unknown(text, wanted, models);
  bool differ = std::any_of(fitting.begin(), fitting.end(), [&](const GpuModel* model) {
    return model->compute_capability != fitting[0]->compute_capability;
  });
  if (differ) return Ambiguous(text, fitting);
  return *fitting[0];
}

}  // namespace tfdoctor
