// A message as people quote it: some of its words, without its values, or cut short. In a log that proves
// little, since the words of one message stand in another, too; a short text that holds nothing else is meant
// to be recognised.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/knowledge.h"

namespace tfdoctor {

class Quotes {
 public:
  explicit Quotes(std::span<const MessageRow> rows);

  // Which row the line quotes, by its index; nullopt: none, or words that several messages of different
  // causes have.
  std::optional<uint32_t> Find(std::string_view line) const;

 private:
  struct Text {
    uint32_t row;
    std::vector<std::string> literals;  // in lower case; between two of them stands a value
  };

  std::optional<uint32_t> Only(const std::vector<uint32_t>& found) const;

  std::span<const MessageRow> rows_;
  std::vector<Text> texts_;
};

}  // namespace tfdoctor
