#include "redaction/blank.h"

#include <algorithm>
#include <array>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace tfdoctor {

namespace {

// Calls `change` with where each line begins and ends.
void ForEachLine(const std::string& text, const std::function<void(size_t, size_t)>& change) {
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    change(start, end);
    start = end + 1;
  }
}

void Fill(std::string& text, size_t from, size_t to, char with) {
  std::fill(text.begin() + static_cast<std::ptrdiff_t>(from), text.begin() + static_cast<std::ptrdiff_t>(to),
            with);
}

// Keeps the fields whose names are `kept`, and blanks what the others say. With `body`, what follows the
// first empty line is a text without fields; without, empty lines part one package from the next.
void BlankFields(std::string& text, std::span<const std::string_view> kept, bool body) {
  bool in_body = false;
  bool keep = false;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    if (body && (line.empty() || line == "\r")) in_body = true;
    const bool continued = line.starts_with(' ') || line.starts_with('\t');
    if (!continued)
      keep = !in_body &&
             std::any_of(kept.begin(), kept.end(), [&](std::string_view k) { return line.starts_with(k); });
    if (!keep) {
      const size_t colon = in_body || continued ? std::string_view::npos : line.find(':');
      const size_t from = colon == std::string_view::npos ? 0 : colon + 1;
      Fill(text, at + from, end, 'x');
    }
    at = end + 1;
  }
}

// Of METADATA only what is judged: no author, no description.
constexpr std::array<std::string_view, 8> kMetadataFields = {
    "Metadata-Version:", "Name:",           "Version:",  "Requires-Dist:",
    "Requires-Python:",  "Provides-Extra:", "Platform:", "Requires:"};

// Of dpkg's list likewise: no maintainer, no home page.
constexpr std::array<std::string_view, 3> kDpkgFields = {"Package:", "Status:", "Version:"};

// Of apt's log neither the command line nor who asked for it.
constexpr std::array<std::string_view, 5> kAptFields = {
    "Start-Date:", "Install:", "Upgrade:", "Remove:", "Purge:"};

// RECORD's hashes are the larger part of a recording, and nothing looks at them.
void BlankHashes(std::string& text) {
  constexpr std::string_view kHash = "sha256=";
  for (size_t at = text.find(kHash); at != std::string::npos; at = text.find(kHash, at)) {
    at += kHash.size();
    while (at < text.size() && text[at] != ',' && text[at] != '\n' && text[at] != '\r') text[at++] = 'x';
  }
}

// dpkg notes every step ("status half-installed …"), eight lines a package; what became of the package stands
// in the line of its action.
void BlankPackageSteps(std::string& text) {
  constexpr size_t kAction = 20;  // behind "2026-11-25 06:33:10 "
  constexpr size_t kDay = 10;     // by which it is found where the log is no longer old
  ForEachLine(text, [&](size_t start, size_t end) {
    const std::string_view line = std::string_view(text).substr(start, end - start);
    const std::string_view action = line.substr(std::min(kAction, line.size()));
    if (!action.starts_with("install ") && !action.starts_with("upgrade ") &&
        !action.starts_with("remove ") && !action.starts_with("purge "))
      Fill(text, std::min(start + kDay, end), end, ' ');
  });
}

// Of what is mounted: the root, and the driver's libraries that a container was given. Servers, shares and
// who mounted them are others' business.
void BlankMounts(std::string& text) {
  ForEachLine(text, [&](size_t start, size_t end) {
    const std::vector<std::string_view> words = SplitWords(std::string_view(text).substr(start, end - start));
    const bool root = words.size() > 5 && words[4] == "/";
    const bool driver = words.size() > 5 && (words[4].find("/libcuda.so.") != std::string_view::npos ||
                                             words[4].find("/libnvidia-ml.so.") != std::string_view::npos);
    if (!root && !driver) return Fill(text, start, end, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.end() - dash < 3) return;
    auto blank = [&](std::string_view word) {
      const auto from = static_cast<size_t>(word.data() - text.data());
      Fill(text, from, from + word.size(), 'x');
    };
    // Layers of an image tell the engine; of another file system the options tell the server.
    const bool layers = dash[1].find("overlay") != std::string_view::npos;
    if (!dash[2].starts_with("/dev/") && !layers) blank(dash[2]);
    if (!layers) std::for_each(dash + 3, words.end(), blank);
  });
}

// What the first process was told: of its variables one says what engine started it.
void BlankVariables(std::string& text) {
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\0', start), text.size());
    if (!std::string_view(text).substr(start).starts_with("container=")) Fill(text, start, end, 'x');
    start = end + 1;
  }
}

// Of a notebook only the code is judged: what its cells printed, its pictures and its prose are not kept.
class NotebookBlanker {
 public:
  explicit NotebookBlanker(std::string& text) : text_(text) {}

  // What is JSON stays JSON, what is none stays none.
  void Run() {
    if (!nlohmann::json::accept(text_)) return Fill(text_, 0, text_.size(), 'x');
    for (size_t i = 0; i < text_.size(); i++) {
      const char c = text_[i];
      if (c == '{' || c == '[') Open(c == '{');
      if (c == '}' || c == ']') Close();
      if (c == ',') open_.back().in_key = open_.back().object;
      if (c == ':') open_.back().in_key = false;
      if (c == '"') i = String(i + 1);
    }
  }

 private:
  struct Span {
    size_t from;
    size_t to;
  };
  struct Container {
    bool object = false;
    bool in_key = false;
    std::string key;         // of the value that is next; of a list, its own
    std::string type;        // of a cell: "code"
    std::vector<Span> code;  // the texts under "source"
  };

  void Open(bool object) {
    Container one;
    one.object = one.in_key = object;
    if (!object && !open_.empty()) one.key = open_.back().key;
    open_.push_back(std::move(one));
  }

  void Close() {
    const Container one = std::move(open_.back());
    open_.pop_back();
    // Cells stand in a list of the notebook, in older ones of a sheet in a list of the notebook.
    const bool cell = (open_.size() == 2 || open_.size() == 4) && open_.back().key == "cells";
    if (one.object && (!cell || one.type != "code")) {
      for (const Span& span : one.code) Fill(text_, span.from, span.to, 'x');
    } else if (!one.object && !open_.empty()) {
      std::vector<Span>& code = open_.back().code;
      code.insert(code.end(), one.code.begin(), one.code.end());
    }
  }

  // From behind its first quote; returns where the last one is.
  size_t String(size_t from) {
    size_t to = from;
    while (text_[to] != '"') to += text_[to] == '\\' ? 2 : 1;
    if (open_.empty()) {
      Fill(text_, from, to, 'x');
      return to;
    }
    Container& in = open_.back();
    const std::string text = text_.substr(from, to - from);
    if (in.in_key) {
      in.key = text;
    } else if (in.object && in.key == "cell_type") {
      in.type = text;
    } else if (in.key == "source" || in.key == "input") {
      in.code.push_back({from, to});
    } else {
      Fill(text_, from, to, 'x');
    }
    return to;
  }

  std::string& text_;
  std::vector<Container> open_;
};

}  // namespace

void BlankUnjudged(const std::string& path, std::string& bytes) {
  if (path.ends_with("/METADATA") || path.ends_with("/PKG-INFO")) BlankFields(bytes, kMetadataFields, true);
  if (path == "/var/lib/dpkg/status") BlankFields(bytes, kDpkgFields, false);
  if (path == "/var/log/apt/history.log") BlankFields(bytes, kAptFields, false);
  if (path.ends_with("/RECORD")) BlankHashes(bytes);
  if (path.starts_with("/var/log/dpkg.log")) BlankPackageSteps(bytes);
  if (path.ends_with("/mountinfo")) BlankMounts(bytes);
  if (path == "/proc/1/environ") BlankVariables(bytes);
  if (path.ends_with(".ipynb")) NotebookBlanker(bytes).Run();
}

}  // namespace tfdoctor
