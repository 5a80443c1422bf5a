#include "python/version.h"

#include <algorithm>

#include "base/text.h"

namespace tfdoctor {
namespace {

bool IsAlpha(char c) { return c >= 'a' && c <= 'z'; }
bool IsSeparator(char c) { return c == '.' || c == '-' || c == '_'; }

Error NotAVersion(std::string_view text) {
  return {ErrorKind::kMalformed, "not a version: " + Printable(text, 80)};
}

// Reads one lower-case version from left to right.
class VersionReader {
 public:
  explicit VersionReader(std::string_view text) : text_(text) {}
  bool AtEnd() const { return at_ >= text_.size(); }
  size_t at() const { return at_; }
  void Back(size_t at) { at_ = at; }
  bool Take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void TakeSeparator() {
    if (!AtEnd() && IsSeparator(text_[at_])) ++at_;
  }
  std::optional<uint64_t> TakeNumber() {
    size_t end = at_;
    while (end < text_.size() && IsDigit(text_[end])) ++end;
    // Eighteen digits fit into 64 bits; the longest real ones are dates.
    if (end == at_ || end - at_ > 18) return std::nullopt;
    uint64_t number = 0;
    for (; at_ < end; ++at_) number = number * 10 + static_cast<uint64_t>(text_[at_] - '0');
    return number;
  }
  std::string TakeAlphanumeric() {
    size_t begin = at_;
    while (!AtEnd() && (IsDigit(text_[at_]) || IsAlpha(text_[at_]))) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

// "rc1", "-beta.2", "_c": the number may be missing and is then 0.
template <class Words>
bool TakeSuffix(VersionReader& reader, const Words& words, size_t* which, uint64_t* number) {
  size_t start = reader.at();
  reader.TakeSeparator();
  for (size_t i = 0; i < std::size(words); ++i) {
    if (!reader.Take(words[i])) continue;
    size_t after_word = reader.at();
    reader.TakeSeparator();
    std::optional<uint64_t> found = reader.TakeNumber();
    if (!found) reader.Back(after_word);
    *which = i;
    *number = found.value_or(0);
    return true;
  }
  reader.Back(start);
  return false;
}

void ReadPre(VersionReader& reader, Version& version) {
  // Longer words first, since "a" begins "alpha".
  static constexpr std::string_view kWords[] = {"alpha", "a", "beta", "b", "preview", "pre", "rc", "c"};
  static constexpr Version::Pre kKinds[] = {
      Version::Pre::kAlpha,     Version::Pre::kAlpha,     Version::Pre::kBeta,      Version::Pre::kBeta,
      Version::Pre::kCandidate, Version::Pre::kCandidate, Version::Pre::kCandidate, Version::Pre::kCandidate};
  size_t which = 0;
  uint64_t number = 0;
  if (TakeSuffix(reader, kWords, &which, &number)) version.pre = {kKinds[which], number};
}

void ReadPost(VersionReader& reader, Version& version) {
  static constexpr std::string_view kWords[] = {"post", "rev", "r"};
  size_t start = reader.at();
  if (reader.Take("-")) {  // "1.0-1" is "1.0.post1"
    if (std::optional<uint64_t> number = reader.TakeNumber()) {
      version.post = number;
      return;
    }
    reader.Back(start);
  }
  size_t which = 0;
  uint64_t number = 0;
  if (TakeSuffix(reader, kWords, &which, &number)) version.post = number;
}

void ReadDev(VersionReader& reader, Version& version) {
  static constexpr std::string_view kWords[] = {"dev"};
  size_t which = 0;
  uint64_t number = 0;
  if (TakeSuffix(reader, kWords, &which, &number)) version.dev = number;
}

template <class T>
int CompareValues(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

int CompareReleases(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b) {
  for (size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    int order = CompareValues(i < a.size() ? a[i] : 0, i < b.size() ? b[i] : 0);
    if (order != 0) return order;
  }
  return 0;
}

// Where a version stands among those of one release: 1.0.dev1 < 1.0a1 < 1.0rc1 < 1.0 (and 1.0.post1).
std::pair<int, uint64_t> PreKey(const Version& v) {
  if (v.pre) return {static_cast<int>(v.pre->first), v.pre->second};
  return {!v.post && v.dev ? -1 : 3, 0};
}

std::pair<int, uint64_t> PostKey(const Version& v) { return {v.post ? 1 : 0, v.post.value_or(0)}; }
std::pair<int, uint64_t> DevKey(const Version& v) { return {v.dev ? 0 : 1, v.dev.value_or(0)}; }

bool IsNumber(const std::string& text) { return std::all_of(text.begin(), text.end(), IsDigit); }

// Without leading zeros the longer number is the larger one, however long they are.
int CompareLocalPart(const std::string& a, const std::string& b) {
  if (IsNumber(a) != IsNumber(b)) return IsNumber(a) ? 1 : -1;
  if (!IsNumber(a)) return CompareValues(a, b);
  std::string_view x = a, y = b;
  x.remove_prefix(std::min(x.find_first_not_of('0'), x.size()));
  y.remove_prefix(std::min(y.find_first_not_of('0'), y.size()));
  return x.size() != y.size() ? CompareValues(x.size(), y.size()) : CompareValues(x, y);
}

int CompareLocals(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    int order = CompareLocalPart(a[i], b[i]);
    if (order != 0) return order;
  }
  return CompareValues(a.size(), b.size());
}

// The parts that "==X.*" compares: epoch, numbers, then the suffixes as text.
struct PrefixParts {
  std::vector<uint64_t> numbers;
  std::vector<std::string> suffixes;
};

PrefixParts PartsOf(const Version& version) {
  PrefixParts parts;
  parts.numbers = {version.epoch};
  parts.numbers.insert(parts.numbers.end(), version.release.begin(), version.release.end());
  static constexpr const char* kPre[] = {"a", "b", "rc"};
  if (version.pre) {
    parts.suffixes.push_back(kPre[static_cast<size_t>(version.pre->first)] +
                             std::to_string(version.pre->second));
  }
  if (version.post) parts.suffixes.push_back("post" + std::to_string(*version.post));
  if (version.dev) parts.suffixes.push_back("dev" + std::to_string(*version.dev));
  return parts;
}

bool MatchesPrefix(const Version& version, const Version& prefix) {
  PrefixParts have = PartsOf(version), want = PartsOf(prefix);
  if (have.numbers.size() < want.numbers.size()) have.numbers.resize(want.numbers.size(), 0);
  if (want.suffixes.empty()) {
    return std::equal(want.numbers.begin(), want.numbers.end(), have.numbers.begin());
  }
  if (want.numbers.size() < have.numbers.size()) want.numbers.resize(have.numbers.size(), 0);
  return have.numbers == want.numbers && have.suffixes.size() >= want.suffixes.size() &&
         std::equal(want.suffixes.begin(), want.suffixes.end(), have.suffixes.begin());
}

}  // namespace

Result<Version> Version::Parse(std::string_view text) {
  std::string lower = Lower(Trim(text));
  VersionReader reader(lower);
  Version version;
  reader.Take("v");
  std::optional<uint64_t> number = reader.TakeNumber();
  if (!number) return NotAVersion(text);
  if (reader.Take("!")) {
    version.epoch = *number;
    number = reader.TakeNumber();
    if (!number) return NotAVersion(text);
  }
  version.release.push_back(*number);
  while (true) {
    size_t before = reader.at();
    if (!reader.Take(".")) break;
    number = reader.TakeNumber();
    if (!number) {
      reader.Back(before);
      break;
    }
    version.release.push_back(*number);
  }
  ReadPre(reader, version);
  ReadPost(reader, version);
  ReadDev(reader, version);
  if (reader.Take("+")) {
    do {
      std::string part = reader.TakeAlphanumeric();
      if (part.empty()) return NotAVersion(text);
      version.local.push_back(std::move(part));
    } while (reader.Take(".") || reader.Take("-") || reader.Take("_"));
  }
  if (!reader.AtEnd()) return NotAVersion(text);
  return version;
}

Version Version::Public() const {
  Version version = *this;
  version.local.clear();
  return version;
}

Version Version::Base() const {
  Version version;
  version.epoch = epoch;
  version.release = release;
  return version;
}

std::string Version::Text() const {
  std::string text = epoch == 0 ? "" : std::to_string(epoch) + "!";
  for (size_t i = 0; i < release.size(); ++i) text += (i == 0 ? "" : ".") + std::to_string(release[i]);
  static constexpr const char* kPre[] = {"a", "b", "rc"};
  if (pre) text += kPre[static_cast<size_t>(pre->first)] + std::to_string(pre->second);
  if (post) text += ".post" + std::to_string(*post);
  if (dev) text += ".dev" + std::to_string(*dev);
  if (!local.empty()) text += "+" + Join(local, ".");
  return text;
}

int Compare(const Version& a, const Version& b) {
  if (a.epoch != b.epoch) return CompareValues(a.epoch, b.epoch);
  if (int order = CompareReleases(a.release, b.release)) return order;
  if (int order = CompareValues(PreKey(a), PreKey(b))) return order;
  if (int order = CompareValues(PostKey(a), PostKey(b))) return order;
  if (int order = CompareValues(DevKey(a), DevKey(b))) return order;
  return CompareLocals(a.local, b.local);
}

Result<Specifier> Specifier::Parse(std::string_view text) {
  static constexpr std::string_view kOperators[] = {"===", "~=", "==", "!=", "<=", ">=", "<", ">"};
  std::string_view trimmed = Trim(text);
  Error error{ErrorKind::kMalformed, "not a version requirement: " + Printable(text, 80)};
  for (std::string_view op : kOperators) {
    if (!trimmed.starts_with(op)) continue;
    Specifier specifier;
    specifier.op = op;
    std::string_view version = Trim(trimmed.substr(op.size()));
    if ((op == "==" || op == "!=") && version.ends_with(".*")) {
      specifier.prefix = true;
      version.remove_suffix(2);
    }
    specifier.text = version;
    if (op == "===") {
      if (version.empty()) return error;
      specifier.version = Version::Parse(version).value_or({});
      return specifier;
    }
    Result<Version> parsed = Version::Parse(version);
    if (!parsed) return error;
    specifier.version = std::move(*parsed);
    if (op == "~=" && specifier.version.release.size() < 2) return error;
    bool exact = op == "==" || op == "!=";
    if (!specifier.version.local.empty() && (!exact || specifier.prefix)) return error;
    if (specifier.prefix && specifier.version.dev) return error;
    return specifier;
  }
  return error;
}

bool Specifier::Contains(const Version& candidate, std::string_view candidate_text) const {
  if (op == "===") return Lower(candidate_text) == Lower(text);
  Version publics = candidate.Public();
  if (op == "==" || op == "!=") {
    bool equal = prefix                  ? MatchesPrefix(publics, version)
                 : version.local.empty() ? publics == version
                                         : candidate == version;
    return equal == (op == "==");
  }
  if (op == "<=") return Compare(publics, version) <= 0;
  if (op == ">=") return Compare(publics, version) >= 0;
  if (op == "~=") {
    Version family = version.Base();
    family.release.pop_back();
    return Compare(publics, version) >= 0 && MatchesPrefix(publics, family);
  }
  bool same_release = candidate.Base() == version.Base();
  if (op == "<") {
    // "<2.0" leaves out 2.0rc1 too.
    return candidate < version && !(same_release && candidate.IsPrerelease() && !version.IsPrerelease());
  }
  // ">2.0" leaves out 2.0.post1 and 2.0+local.
  return version < candidate &&
         !(same_release && ((candidate.post && !version.post) || !candidate.local.empty()));
}

Result<SpecifierSet> SpecifierSet::Parse(std::string_view text) {
  SpecifierSet set;
  for (const std::string& part : Split(text, ',')) {
    if (Trim(part).empty()) continue;
    Result<Specifier> specifier = Specifier::Parse(part);
    if (!specifier) return specifier.error();
    set.specifiers_.push_back(std::move(*specifier));
  }
  return set;
}

bool SpecifierSet::Contains(const Version& version, bool prereleases) const {
  std::string text = version.Text();
  if (!prereleases && version.IsPrerelease()) {
    bool asked = std::any_of(specifiers_.begin(), specifiers_.end(), [](const Specifier& specifier) {
      return specifier.version.IsPrerelease() && specifier.op != "<" && specifier.op != ">" &&
             specifier.op != "!=";
    });
    if (!asked) return false;
  }
  return std::all_of(specifiers_.begin(), specifiers_.end(),
                     [&](const Specifier& specifier) { return specifier.Contains(version, text); });
}

bool SpecifierSet::Contains(std::string_view version, bool prereleases) const {
  if (Result<Version> parsed = Version::Parse(version)) return Contains(*parsed, prereleases);
  return std::all_of(specifiers_.begin(), specifiers_.end(), [&](const Specifier& specifier) {
    return specifier.op == "===" && specifier.Contains({}, version);
  });
}

std::string SpecifierSet::Text() const {
  std::vector<std::string> parts;
  for (const Specifier& specifier : specifiers_) {
    parts.push_back(specifier.op + specifier.text + (specifier.prefix ? ".*" : ""));
  }
  return Join(parts, ",");
}

}  // namespace tfdoctor
