// A recording without what tells who made it: names of people and machines, tokens, UUIDs, serial numbers,
// addresses. Each is replaced by something of the same length, the same wherever it occurs, so that offsets,
// sizes and what refers to what stay as they are.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "system/recording.h"

namespace tfdoctor {

struct PythonToken;

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
  enum class Where : uint8_t {
    kAnywhere,
    kWord,    // where it stands as a word of its own
    kInHome,  // behind "/home/" and the like: as a word it may mean anything
  };
  struct Entry {
    std::string secret;
    std::string instead;
    SecretKind kind = SecretKind::kToken;
    Where where = Where::kAnywhere;
    size_t number = 0;  // of its kind, from 1
  };
  enum class Text : uint8_t {
    kPersonal,  // what people and their programs wrote: variables, configuration, command lines
    kProject,   // requirements and lock files, where four numbers with dots are a version
    kProgram,   // Python
    kNotebook,
    kCell,     // of a notebook: Python with lines for the shell in it
    kPackage,  // what a package installed
    kPath,     // names of files and folders
    kBinary,
  };
  // Which values count where a name says that its value is secret.
  enum class Values : uint8_t {
    kAny,
    kLikely,   // in quotes, or none that could be a word
    kOptions,  // of an option: "--token VALUE"
  };

  Text TextOf(const std::string& path, std::string_view content) const;
  void Add(SecretKind kind, std::string_view secret, Where where = Where::kAnywhere);
  // What its name says to be one.
  void AddNamed(SecretKind kind, std::string_view name, std::string_view value);
  // As they stand in a notebook and other JSON: "a\"b".
  void AddEscaped();
  void ProtectFolders(const Recording& recording);
  void FindAll(Recording& recording);

  void Find(std::string_view text, Text kind);
  // `ours`: it is this machine that speaks of its users, not a package of who built it.
  void FindHomes(std::string_view text, bool ours = true);
  void FindAccounts(std::string_view passwd);
  void FindKeyBlocks(std::string_view text);
  void FindSshKeys(std::string_view text);
  void FindNetrc(std::string_view text);
  void FindAuthors(std::string_view text);
  void FindDisks(std::string_view text);
  void FindUrls(std::string_view text);
  void FindAssignments(std::string_view text, Values values);
  void FindWords(std::string_view text, Text kind);
  void FindInWord(std::string_view word, char before, Text kind);
  void FindInName(std::string_view word, bool whole);
  bool FindAddress(std::string_view word);
  void FindHost(std::string_view host);
  void FindIds(std::string_view word);
  void FindVariable(std::string_view name, std::string_view value);
  void FindInPath(std::string_view path);
  void FindInCommand(std::string_view command);
  void FindInNotebook(std::string_view notebook);
  void FindInPython(std::string_view bytes, bool cell);
  void FindInMagic(std::string_view line);
  void FindLiterals(std::span<const PythonToken> tokens);

  std::string script_;          // the program that is judged
  std::vector<Entry> entries_;  // the longest first, once all are found
  std::map<std::string, size_t, std::less<>> known_;
  std::map<SecretKind, size_t> counts_;
};

}  // namespace tfdoctor
