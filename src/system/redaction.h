// A recording without what tells who made it: names of people and machines, tokens, UUIDs, serial numbers,
// addresses. Each is replaced by something of the same length, the same wherever it occurs, so that offsets,
// sizes and what refers to what stay as they are.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "system/recording.h"

namespace tfdoctor {

enum class SecretKind : uint8_t { kUser, kHost, kToken, kUuid, kSerial, kAddress, kUrl, kMail };
// "user names", "host names", …
std::string_view Plural(SecretKind kind);

class Redactor {
 public:
  // `machine` tells who uses it and what it is called; what is asked here is not recorded.
  explicit Redactor(const System& machine);

  // Finds what to replace in the whole recording, then replaces it everywhere.
  void Redact(Recording& recording);
  // The same replacements in another text.
  std::string Replaced(std::string text) const;
  // How many different things of each kind were replaced.
  std::map<SecretKind, size_t> Counts() const;

 private:
  struct Entry {
    std::string secret;
    std::string instead;
    SecretKind kind = SecretKind::kToken;
    bool word = false;  // only where it stands as a word of its own
  };
  enum class Text : uint8_t {
    kPersonal,  // what people and their programs wrote: variables, configuration, command lines
    kProject,   // requirements and lock files, where four numbers with dots are a version
    kProgram,   // Python
    kPackage,   // what a package installed
    kBinary,
  };

  static Text TextOf(const std::string& path, std::string_view content);
  void Add(SecretKind kind, std::string_view secret, bool word = false);
  void Find(std::string_view text, Text kind);
  void FindHomes(std::string_view text);
  void FindAccounts(std::string_view passwd);
  void FindAssignments(std::string_view text, Text kind);
  void FindUrls(std::string_view text);
  void FindWords(std::string_view text, Text kind);
  void FindKeyBlocks(std::string_view text);
  void FindVariable(std::string_view name, std::string_view value);

  std::vector<Entry> entries_;  // the longest first, once all are found
  std::map<std::string, size_t, std::less<>> known_;
  std::map<SecretKind, size_t> counts_;
};

}  // namespace tfdoctor
