// One text of a message: a literal with named, typed holes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tfdoctor {

class Template {
 public:
  // "failed to allocate {size:word} ({bytes:number} bytes)"
  explicit Template(std::string_view text);

  // Its rarest part: the longest literal.
  std::string_view anchor() const { return anchor_; }

  using Fields = std::vector<std::pair<std::string_view, std::string_view>>;
  // What stood in the holes, if the line holds the message.
  std::optional<Fields> Match(std::string_view line) const;
  size_t literal_size() const { return literal_size_; }
  // What stands around the holes, in order; the first is empty where a hole opens the text.
  std::vector<std::string_view> literals() const;

 private:
  enum class Type : uint8_t { kAny, kNumber, kVersion, kWord };
  struct Piece {  // a hole (without a name in front of the first literal), then a literal
    std::string_view name;
    Type type = Type::kAny;
    std::string_view literal;
  };
  static bool Fits(Type type, std::string_view text);
  static bool Allowed(Type type, char c);
  std::optional<Fields> MatchAt(std::string_view line, size_t at) const;

  std::vector<Piece> pieces_;
  std::string_view anchor_;
  size_t literal_size_ = 0;
};

}  // namespace tfdoctor
