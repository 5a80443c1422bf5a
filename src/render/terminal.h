// Text for a terminal: columns, wrapping, colour. Nothing here knows about diagnoses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tfdoctor {

struct TextOptions {
  size_t width = 80;               // columns, at least 40
  bool color = false;              // never the only carrier of meaning
  bool unicode = false;            // marks and typography beyond ASCII
  bool verbose = false;            // every fact with its origin
  double driver_milliseconds = 0;  // that the driver took to answer
  std::string judged = {};         // "the recording x"; empty: this machine
};

enum class Tone : uint8_t { kStrong, kGood, kBad, kDoubt, kFaint, kCode };

// In front of a line of a list: how it went.
struct Mark {
  std::string_view unicode;
  std::string_view ascii;  // all of one width
  Tone tone;
};

// Columns that a terminal gives to UTF-8 text; colour sequences take none, East Asian wide characters two.
size_t DisplayWidth(std::string_view text);

// Collects the lines of an answer.
class Printer {
 public:
  explicit Printer(const TextOptions& options) : options_(options) {}

  const TextOptions& options() const { return options_; }
  std::string Take() { return std::move(out_); }

  // Text of ours or from outside, made safe for one line; typography becomes ASCII where the terminal needs
  // that.
  std::string Safe(std::string_view text) const;
  // `text` must be safe already.
  std::string Toned(Tone tone, std::string_view text) const;
  // Safe text in which `code` and **strong** are shown as such.
  std::string Inline(std::string_view markdown) const;

  void Blank();  // at most one in a row, none at the start
  // Wraps safe text by words; words longer than a line (paths) stay whole so that they can be copied.
  void Wrapped(std::string_view text, std::string_view first_prefix = "", std::string_view rest_prefix = "");
  void Prose(std::string_view text, std::string_view first_prefix = "", std::string_view rest_prefix = "");
  // A command or code: shown as it is on one line, control characters escaped, never wrapped.
  void Verbatim(std::string_view text, std::string_view prefix);
  void Heading(std::string_view text);
  // Headings, paragraphs, lists and code blocks.
  void Markdown(std::string_view page, std::string_view indent = "");

 private:
  void WrapTo(size_t width, std::string_view text, std::string_view first_prefix,
              std::string_view rest_prefix);

  TextOptions options_;
  std::string out_;
};

}  // namespace tfdoctor
