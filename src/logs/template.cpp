#include "logs/template.h"

#include <algorithm>

namespace tfdoctor {

Template::Template(std::string_view text) {
  Piece piece;
  while (true) {
    const size_t open = text.find('{');
    const size_t close = open == text.npos ? text.npos : text.find('}', open);
    piece.literal = text.substr(0, close == text.npos ? text.npos : open);
    if (piece.literal.size() > anchor_.size()) anchor_ = piece.literal;
    literal_size_ += piece.literal.size();
    pieces_.push_back(piece);
    if (close == text.npos) break;
    const std::string_view hole = text.substr(open + 1, close - open - 1);
    const size_t colon = hole.find(':');
    piece = {};
    piece.name = hole.substr(0, colon);
    const std::string_view type = colon == hole.npos ? std::string_view() : hole.substr(colon + 1);
    piece.type = type == "number"    ? Type::kNumber
                 : type == "version" ? Type::kVersion
                 : type == "word"    ? Type::kWord
                                     : Type::kAny;
    text.remove_prefix(close + 1);
  }
}

std::vector<std::string_view> Template::literals() const {
  std::vector<std::string_view> all;
  for (const Piece& piece : pieces_) all.push_back(piece.literal);
  return all;
}

bool Template::Allowed(Type type, char c) {
  const bool digit = c >= '0' && c <= '9';
  switch (type) {
    case Type::kAny:
      return true;
    case Type::kNumber:
      return digit;
    case Type::kVersion:
      return digit || c == '.';
    case Type::kWord:
      return static_cast<unsigned char>(c) > ' ' && c != '\'' && c != '"' && c != '`' && c != ',' &&
             c != ';' && c != '\x7f';
  }
  return false;
}

bool Template::Fits(Type type, std::string_view text) {
  if (type == Type::kAny) return true;
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) { return Allowed(type, c); });
}

std::optional<Template::Fields> Template::MatchAt(std::string_view line, size_t at) const {
  Fields fields;
  at += pieces_.front().literal.size();
  for (size_t i = 1; i < pieces_.size(); i++) {
    const Piece& piece = pieces_[i];
    size_t end = at;
    if (piece.literal.empty()) {  // the last hole takes what is left
      while (end < line.size() && Allowed(piece.type, line[end])) end++;
    } else {
      end = line.find(piece.literal, piece.type == Type::kAny ? at : at + 1);
      if (end == line.npos) return std::nullopt;
    }
    std::string_view value = line.substr(at, end - at);
    if (!Fits(piece.type, value)) return std::nullopt;
    // A version at the end of a sentence.
    if (piece.literal.empty() && piece.type == Type::kVersion) {
      while (value.ends_with('.')) value.remove_suffix(1);
      if (value.empty()) return std::nullopt;
    }
    fields.emplace_back(piece.name, value);
    at = end + piece.literal.size();
  }
  return fields;
}

std::optional<Template::Fields> Template::Match(std::string_view line) const {
  const std::string_view first = pieces_.front().literal;
  if (first.empty() && pieces_.size() > 1) {
    const Piece& hole = pieces_[1];
    // A number begins where its digits do; anything else with the line.
    if (hole.literal.empty() || (hole.type != Type::kNumber && hole.type != Type::kVersion))
      return MatchAt(line, 0);
    for (size_t at = line.find(hole.literal); at != line.npos; at = line.find(hole.literal, at + 1)) {
      size_t start = at;
      while (start > 0 && Allowed(hole.type, line[start - 1])) start--;
      if (auto fields = MatchAt(line, start)) return fields;
    }
    return std::nullopt;
  }
  for (size_t at = line.find(first); at != line.npos; at = line.find(first, at + 1)) {
    if (auto fields = MatchAt(line, at)) return fields;
  }
  return std::nullopt;
}

}  // namespace tfdoctor
