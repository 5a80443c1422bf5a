// Versions of Python distributions and what is asked of them: PEP 440, as pip's `packaging` reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tfdoctor {

struct Version {
  enum class Pre : uint8_t { kAlpha, kBeta, kCandidate };

  uint64_t epoch = 0;
  std::vector<uint64_t> release;
  std::optional<std::pair<Pre, uint64_t>> pre;
  std::optional<uint64_t> post;
  std::optional<uint64_t> dev;
  std::vector<std::string> local;  // lower case; "cu12.1" is {"cu12", "1"}

  static Result<Version> Parse(std::string_view text);
  bool IsPrerelease() const { return pre.has_value() || dev.has_value(); }
  Version Public() const;    // without the local part
  Version Base() const;      // epoch and release alone
  std::string Text() const;  // in PEP 440's normal form
};

// <0, 0, >0
int Compare(const Version& a, const Version& b);
inline bool operator==(const Version& a, const Version& b) { return Compare(a, b) == 0; }
inline bool operator<(const Version& a, const Version& b) { return Compare(a, b) < 0; }

struct Specifier {
  std::string op;       // "==", "!=", "<=", ">=", "<", ">", "~=", "==="
  std::string text;     // the version as written, without ".*"
  Version version;      // empty for "===" with what is no version
  bool prefix = false;  // "==2.15.*"

  static Result<Specifier> Parse(std::string_view text);
  bool Contains(const Version& version, std::string_view version_text) const;
};

// Everything between commas holds; the empty set holds for each version.
class SpecifierSet {
 public:
  static Result<SpecifierSet> Parse(std::string_view text);

  // A pre-release that is installed counts like any other version, as for `pip check`; for what pip would
  // choose to install pass false: then one counts only if a specifier names a pre-release itself.
  bool Contains(const Version& version, bool prereleases = true) const;
  // The version as text; one that PEP 440 cannot read is contained only by "===" and by the empty set.
  bool Contains(std::string_view version, bool prereleases = true) const;
  bool empty() const { return specifiers_.empty(); }
  const std::vector<Specifier>& specifiers() const { return specifiers_; }
  std::string Text() const;  // "<3.0,>=1.26" in the order given

 private:
  std::vector<Specifier> specifiers_;
};

}  // namespace tfdoctor
