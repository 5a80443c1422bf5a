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
  std::vector<std::string> not_understood;  // keys that nothing here reads; they are kept in `values`

  // Facts by name, as JSON: the answers to questions whose values our data knows.
  std::map<std::string, std::string> facts;

  void Set(std::string_view key, std::string_view value);
  // The answer to a question; `key` is the name of a fact, `value` a word of the data's or free words.
  void Answer(std::string_view key, std::string_view value, const Knowledge& knowledge);
};

// {"context": {…}, "observed": {…}}; either may be missing. An error says what is wrong with it.
Result<Statements> ReadStatements(std::string_view json);

}  // namespace tfdoctor
