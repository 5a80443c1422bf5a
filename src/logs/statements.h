// What somebody states about a machine (`--context FILE`, `--tf-version`, …), with values as people write
// them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "knowledge/knowledge.h"

namespace tfdoctor {

struct Statements {
  // By key in lower case: "os" -> "Windows 10", "container" -> "true", "cuda_visible_devices" -> "-1".
  std::map<std::string, std::string> values;
  std::vector<std::string> other_parts;  // of the document, beside context and observed: nothing reads them

  // Facts by name, as JSON: the answers to questions whose values our data knows.
  std::map<std::string, std::string> facts;

  void Set(std::string_view key, std::string_view value);
  // The answer to a question; `key` is the name of a fact, `value` a word of the data's or free words.
  void Answer(std::string_view key, std::string_view value, const Knowledge& knowledge);
};

// A saying of the data that a statement holds.
struct Said {
  std::string id;    // of the SayingRow
  std::string key;   // of the statement
  std::string text;  // the statement in one line: "os: Ubuntu in VirtualBox", "after_suspend"
};

// What is looked through is the key with its value; by a yes ("true", "yes") the key alone, and by a no "not
// " and the key (and only for words that begin with "not "): "after_suspend": true says "after suspend",
// "nvidia_smi_ok": false says "not nvidia smi ok".
//
// Words are those of a SayingRow. Case does not matter; a blank stands for blanks, '-', '_' and ':'. They
// begin and end where a word does ("snap" does not end in "snap-in"), unless a '*' at the end lets the word
// go on. Said is nothing that "no", "not", "without", "never" or "both" ("the same in both Docker and conda")
// stands before ("no Docker Desktop"; in some other languages, too), an article or preposition between them
// or not, nor what "disabled", "removed" and the like stand before or behind. " .. " parts groups that stand
// in one sentence, in any order, '|' the words of a group, of which one is enough; of a group behind a '!'
// none may be there: "gpu util*|gpu load* .. low|idle .. !cpu". After a '=' the words are all that is said:
// "=terminal" is "terminal": true.
std::vector<Said> SayingsIn(const std::map<std::string, std::string>& values,
                            const std::vector<SayingRow>& sayings);
// Those that one sentence of somebody's text says by groups of words, which may stand in several of its
// clauses; not those that are for certain keys, since a sentence has none.
std::vector<Said> GroupsIn(std::string_view text, const std::vector<SayingRow>& sayings);

// {"context": {…}, "observed": {…}}; either may be missing. An error says what is wrong with it.
Result<Statements> ReadStatements(std::string_view json);

}  // namespace tfdoctor
