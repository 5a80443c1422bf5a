#include "logs/read.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <optional>

#include "base/text.h"
#include "logs/decode.h"
#include "logs/quotes.h"
#include "logs/scan.h"
#include "logs/template.h"

namespace tfdoctor {

namespace {

constexpr size_t kLongestShown = 1000;
constexpr size_t kLongestLine = 16 << 10;  // more of one line is not looked at
constexpr size_t kBlock = 1 << 20;
constexpr size_t kNarrowestTerminal = 40;  // columns: a shorter line was not wrapped
constexpr size_t kLookedForCuts = 4 << 20;
constexpr size_t kMostValues = 32;
constexpr size_t kMostLines = 300;
constexpr size_t kMostAttempts = 256;
constexpr size_t kMostPackages = 400;
constexpr size_t kLongestQuote = 2000;  // bytes: a longer text holds messages as they were printed

// What opens a line of pip's or conda's lists; the scanner finds these words everywhere, the reader below
// decides.
constexpr std::string_view kPackageAnchors[] = {
    "tensorflow",  "nvidia-",  "numpy  ",   "numpy 1",   "numpy 2", "numpy==", "numpy=1", "numpy=2",
    "cudatoolkit", "protobuf", "ml-dtypes", "ml_dtypes", "cudnn  ", "cudnn 8", "cudnn 9"};

// Headings of the form that TensorFlow's issues are written in, which scripts print alike, and what they
// tell.
constexpr std::pair<std::string_view, std::string_view> kHeadings[] = {
    {"TensorFlow version", "tf_version"},   {"Tensorflow version", "tf_version"},
    {"Tensorflow Version", "tf_version"},   {"TensorFlow Version", "tf_version"},
    {"Python version", "python"},           {"CUDA/cuDNN version", "cuda/cudnn"},
    {"GPU model and memory", "gpu"},        {"OS platform and distribution", "os"},
    {"OS Platform and Distribution", "os"},
};

// What somebody asks a shell, and is told in the next line.
constexpr std::pair<std::string_view, std::string_view> kAskedInShell[] = {
    {"echo $NVIDIA_DRIVER_CAPABILITIES", "nvidia_driver_capabilities"},
    {"echo $CUDA_VISIBLE_DEVICES", "cuda_visible_devices"},
    {"prime-select query", "prime-select"},
};

// "- TensorFlow version (use command below): 2.4.0"; of "### TensorFlow version" the next line that is not
// empty. Empty: nothing is said.
std::string_view ValueOfHeading(std::string_view line, std::string_view heading, std::string_view after) {
  const size_t at = line.find(heading);
  if (at == line.npos) return {};
  const std::string_view before = Trim(line.substr(0, at));
  if (before.find_first_not_of("#*->\"'` ") != before.npos) return {};  // in the middle of a sentence
  std::string_view rest = line.substr(at + heading.size());
  const bool title = before.starts_with('#');
  if (title) {
    for (rest = {}; rest.empty() && !after.empty();) rest = Trim(TakeLine(after));
  } else {
    const size_t colon = rest.find_first_of(":=");
    const std::string_view between = Trim(rest.substr(0, std::min(colon, rest.size())));
    const bool remark =
        between.empty() || (between.starts_with('(') && between.ends_with(')')) || between == "**";
    if (colon == rest.npos || !remark) return {};
    rest = rest.substr(colon + 1);
  }
  const size_t first = rest.find_first_not_of(" *`\"':=");
  if (first == rest.npos) return {};
  rest = rest.substr(first);
  rest = rest.substr(0, rest.find_last_not_of(" *`\"',") + 1);
  for (const std::string_view nothing : {"_No response_", "N/A", "n/a", "NA", "None", "-", "?"}) {
    if (rest == nothing) return {};
  }
  return rest.starts_with('#') || rest.size() > 200 ? std::string_view() : rest;
}

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.';
}
struct PackageLine {
  std::string name, version, build;
};

// "tensorflow   2.15.0   cuda120py311_1  conda-forge", "tensorflow==2.15.0", "tensorflow 2.15.0"
std::optional<PackageLine> ReadPackage(std::string_view line) {
  line = Trim(line);
  size_t end = 0;
  while (end < line.size() && IsNameChar(line[end])) end++;
  if (end < 2 || end > 60) return std::nullopt;
  PackageLine package{Lower(line.substr(0, end)), "", ""};
  std::replace(package.name.begin(), package.name.end(), '_', '-');
  std::string_view rest = line.substr(end);
  if (rest.starts_with("==")) {
    rest.remove_prefix(2);
  } else if (!rest.starts_with(' ')) {
    return std::nullopt;
  }
  const std::vector<std::string_view> words = SplitWords(rest);
  if (words.empty() || words.size() > 4 || !IsDigit(words[0].front())) return std::nullopt;
  if (words[0].find('.') == words[0].npos || words[0].find(':') != words[0].npos) return std::nullopt;
  package.version = words[0];
  if (words.size() >= 2 && words[1].find('_') != words[1].npos) package.build = words[1];
  return package;
}

// What CleanLine() takes off: where a terminal cut the line, it belongs to it.
std::string BlanksAtEnd(std::string_view line) {
  line = line.substr(0, line.find('\n'));
  return std::string(line.size() - std::min(line.find_last_not_of(' ') + 1, line.size()), ' ');
}

// Who speaks: docker compose writes "name | ", kubectl logs --prefix "[pod/name/container] ", srun --label
// "3: ".
std::string_view ProcessOf(std::string_view line) {
  const std::string_view head = line.substr(0, 80);
  if (head.starts_with('[') && (head.starts_with("[pod/") || head.starts_with("[container/"))) {
    const size_t close = head.find(']');
    return close == head.npos ? std::string_view() : head.substr(1, close - 1);
  }
  size_t end = 0;
  while (end < head.size() && IsNameChar(head[end])) end++;
  if (end == 0) return {};
  const std::string_view name = head.substr(0, end);
  std::string_view rest = head.substr(end);
  if (rest.starts_with(": ") && end <= 4 && std::all_of(name.begin(), name.end(), IsDigit)) return name;
  const size_t blanks = rest.find_first_not_of(' ');
  if (blanks != rest.npos && rest.substr(blanks).starts_with("| ")) return name;
  return {};
}

// Shown once however often it is printed: digits of time stamps and pointers make no difference.
uint64_t KindOfText(std::string_view text) {
  uint64_t hash = 1469598103934665603ULL;
  for (char c : text) {
    if (IsDigit(c)) c = '0';
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  }
  return hash;
}

std::string Shown(std::string_view line) {
  if (line.size() <= kLongestShown) return std::string(line);
  size_t end = kLongestShown;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) end--;  // no half of a character
  return std::string(line.substr(0, end)) + "…";
}

}  // namespace

std::string CleanLine(std::string_view line) {
  // A progress bar: what stands after the last carriage return stays on the screen. The text before it may be
  // a message all the same, so it stays, too, behind a blank.
  std::string clean;
  clean.reserve(line.size());
  for (size_t i = 0; i < line.size(); i++) {
    const char c = line[i];
    if (c == '\x1b') {
      if (i + 1 >= line.size()) break;
      const char kind = line[++i];
      if (kind == '[') {  // CSI: up to its final byte
        while (i + 1 < line.size() && !(line[i + 1] >= '@' && line[i + 1] <= '~')) i++;
        i++;
      } else if (kind == ']') {  // OSC: up to BEL or ST
        while (i + 1 < line.size() && line[i + 1] != '\a' && line[i + 1] != '\x1b') i++;
        i++;
      }
      continue;
    }
    if (c == '\r') {
      if (!clean.empty() && clean.back() != ' ') clean += ' ';
      continue;
    }
    if (c == '\0') continue;
    clean += c;
  }
  while (!clean.empty() && (clean.back() == ' ' || clean.back() == '\t')) clean.pop_back();
  return clean;
}

bool Attempt::Fails() const {
  return std::any_of(messages.begin(), messages.end(),
                     [](const auto& entry) { return entry.second.row->kind == "trouble"; });
}

const Attempt* LogReading::Judged() const {
  const Attempt* last = nullptr;
  for (const Attempt& attempt : attempts) {
    if (attempt.Fails()) last = &attempt;
  }
  if (last == nullptr && !attempts.empty()) last = &attempts.back();
  return last;
}

static_assert(MessageRow::kShortestAnchor >= Scanner::kShortest);

// What is looked for.
struct LogReader::Tables {
  explicit Tables(const Knowledge& knowledge)
      : shared_rows(knowledge.Messages()), rows(*shared_rows), scanner(Build()) {
    for (const ErrorRow& error : knowledge.Errors()) {
      if (!error.library.starts_with("CUDA ")) continue;
      for (const MessageRow& row : rows) {
        const bool named = std::find(row.texts.begin(), row.texts.end(), error.name) != row.texts.end();
        if (named) of_error.try_emplace(std::to_string(error.number), &row);
      }
    }
  }

  // Made of the same messages once: one question is answered by several readers, of what it quotes, too.
  static std::shared_ptr<const Tables> Of(const Knowledge& knowledge) {
    thread_local std::shared_ptr<const Tables> last;
    if (last == nullptr || last->shared_rows != knowledge.Messages())
      last = std::make_shared<const Tables>(knowledge);
    return last;
  }

  const Quotes& quotes() const {
    if (!quotes_) quotes_.emplace(rows);
    return *quotes_;
  }

  struct Entry {
    uint32_t row;
    Template text;
  };

  Scanner Build() {
    std::map<std::string_view, std::vector<uint32_t>> by_anchor;
    for (uint32_t i = 0; i < rows.size(); i++) {
      for (std::string_view text : rows[i].texts) {
        entries.push_back({i, Template(text)});
        by_anchor[entries.back().text.anchor()].push_back(static_cast<uint32_t>(entries.size() - 1));
      }
    }
    for (std::string_view anchor : kPackageAnchors) by_anchor.try_emplace(anchor);
    for (const auto& [heading, key] : kHeadings) by_anchor.try_emplace(heading);
    for (const auto& [command, key] : kAskedInShell) by_anchor.try_emplace(command);
    for (auto& [anchor, of] : by_anchor) {
      anchors.push_back(anchor);
      of_packages.push_back(std::find(std::begin(kPackageAnchors), std::end(kPackageAnchors), anchor) !=
                            std::end(kPackageAnchors));
      entries_of.push_back(std::move(of));
    }
    return Scanner(anchors);
  }

  const std::shared_ptr<const std::vector<MessageRow>> shared_rows;
  const std::vector<MessageRow>& rows;
  std::vector<Entry> entries;
  std::vector<std::string_view> anchors;
  std::vector<std::vector<uint32_t>> entries_of;
  std::vector<bool> of_packages;
  std::map<std::string, const MessageRow*, std::less<>> of_error;  // by the number of an error of CUDA
  const Scanner scanner;

 private:
  mutable std::optional<Quotes> quotes_;
};

struct LogReader::State {
  explicit State(const Knowledge& knowledge) : tables(Tables::Of(knowledge)) {
    reading.rows = tables->shared_rows;
  }

  using Entry = Tables::Entry;

  // A call that prints True or False: "tf.test.is_gpu_available()".
  struct Asked {
    std::string call;
    uint64_t line;
  };

  void TakePending() {
    TakeBlock(pending);
    pending.clear();
  }
  // A terminal cuts long lines, a literal that is searched for, too. Texts that people paste are small: the
  // first megabytes are looked through for literals that go on in the next line. The block without the
  // newlines within them; `removed`: where those stood. Empty: there are none.
  std::string WithoutCuts(std::string_view block, std::vector<size_t>& removed) {
    std::string whole;
    size_t copied = 0, start = 0;
    for (size_t end = block.find('\n'); end != block.npos && end + 1 < block.size();
         end = block.find('\n', start)) {
      const std::string_view this_line = block.substr(start, end - start);
      start = end + 1;
      if (this_line.size() < kNarrowestTerminal || this_line.back() == '\r') continue;
      const std::string_view tail =
          this_line.substr(this_line.size() - std::min(this_line.size(), kLongestAnchor));
      std::string_view head = block.substr(end + 1, kLongestAnchor);
      head = head.substr(0, head.find('\n'));
      if (!scanner.Across(std::string(tail) + std::string(head), tail.size())) continue;
      whole += block.substr(copied, end - copied);
      removed.push_back(whole.size());
      copied = end + 1;
    }
    if (!removed.empty()) whole += block.substr(copied);
    return whole;
  }

  // Whole lines, and at the end the rest.
  void TakeBlock(std::string_view block) {
    std::vector<size_t> removed;
    std::string whole;
    if (looked_for_cuts < kLookedForCuts) {
      looked_for_cuts += block.size();
      whole = WithoutCuts(block, removed);
      if (!removed.empty()) block = whole;
    }
    const auto lines_of = [&](size_t begin, size_t end) {
      const auto first = std::lower_bound(removed.begin(), removed.end(), begin);
      return CountLines(block.substr(begin, end - begin)) +
             static_cast<uint64_t>(std::lower_bound(first, removed.end(), end) - first);
    };
    size_t from = 0, counted = 0;
    while (from < block.size()) {
      const size_t at = scanner.Find(block, from);
      if (at == block.npos) break;
      size_t start = block.rfind('\n', at);
      start = start == block.npos ? 0 : start + 1;
      size_t end = block.find('\n', at);
      if (end == block.npos) end = block.size();
      line += lines_of(counted, start);
      counted = start;
      const size_t previous = start < 2 ? 0 : block.rfind('\n', start - 2);
      const size_t before = start < 2 || previous == block.npos ? 0 : previous + 1;
      TakeLine(block.substr(start, end - start), block.substr(before, start - before),
               block.substr(std::min(end + 1, block.size())), at - start);
      from = end;
    }
    line += lines_of(counted, block.size());
  }

  // `before` and `after` are what stands around the line: a terminal may have wrapped it.
  void TakeLine(std::string_view raw, std::string_view before, std::string_view after, size_t hit) {
    if (raw.size() > kLongestLine) {  // a line without end: the neighbourhood of the hit
      const size_t start = hit > kLongestLine / 2 ? hit - kLongestLine / 2 : 0;
      raw = raw.substr(start, kLongestLine);
    }
    const std::string text = CleanLine(raw);
    // The line may hold more than the hit: all anchors in it.
    std::vector<uint32_t> found;
    bool package_word = false;
    inner.clear();
    scanner.All(text + BlanksAtEnd(raw), inner);  // a literal may end in blanks
    for (uint32_t anchor : inner) {
      if (tables->of_packages[anchor]) package_word = true;
      const std::vector<uint32_t>& of = tables->entries_of[anchor];
      found.insert(found.end(), of.begin(), of.end());
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    if (package_word) TakePackage(text, after);
    if (!inner.empty()) {
      TakeHeadings(text, after);
      TakeAskedInShell(text, after);
    }
    std::string wrapped;
    const Entry* best = nullptr;
    std::optional<uint32_t> row_done;
    std::vector<std::pair<const MessageRow*, Template::Fields>> messages;
    for (uint32_t index : found) {
      const Entry& entry = tables->entries[index];
      if (row_done == entry.row) continue;  // the texts of a message stand most exact first
      std::optional<Template::Fields> fields = entry.text.Match(text);
      if (!fields && (text.size() >= kNarrowestTerminal || before.size() >= kNarrowestTerminal)) {
        if (wrapped.empty()) {
          if (before.size() >= kNarrowestTerminal && before.size() <= kLongestShown)
            wrapped = CleanLine(before.substr(0, before.find('\n'))) + BlanksAtEnd(before);
          wrapped += text;
          if (text.size() >= kNarrowestTerminal)
            wrapped += BlanksAtEnd(raw) + CleanLine(after.substr(0, std::min(after.find('\n'), size_t{400})));
        }
        fields = entry.text.Match(wrapped);
      }
      if (!fields) continue;
      row_done = entry.row;
      messages.emplace_back(&rows[entry.row], std::move(*fields));
      if (best == nullptr || Better(entry, *best)) best = &entry;
    }
    if (best == nullptr) return;
    const MessageRow* shown_row = &rows[best->row];
    // "cudaGetDeviceCount returned 100" says what "cudaErrorNoDevice" says.
    for (size_t i = 0; i < messages.size(); i++) {
      for (const auto& [name, value] : messages[i].second) {
        const auto error = name == "cuda_error" ? tables->of_error.find(value) : tables->of_error.end();
        if (error == tables->of_error.end()) continue;
        if (shown_row == messages[i].first) shown_row = error->second;
        messages.emplace_back(error->second, Template::Fields{});
        break;
      }
    }
    // "Could not load dynamic library 'libnvinfer.so.7'" is known to be harmless, whatever the words mean
    // elsewhere.
    const bool harmless = shown_row->kind == "harmless" && !shown_row->cause.empty();
    for (const auto& [row, fields] : messages) {
      if (!harmless || row->kind != "trouble" || !row->cause.empty()) Record(*row, text, fields);
    }
    Show(*shown_row, text);
  }

  // Of several messages in one line the one to be shown: about a cause, or the longest.
  bool Better(const Entry& a, const Entry& b) const {
    auto weight = [&](const Entry& e) {
      const MessageRow& row = rows[e.row];
      return std::pair(row.kind == "info"       ? 0
                       : row.kind == "harmless" ? 2
                       : row.cause.empty()      ? 1
                                                : 2,
                       e.text.literal_size());
    };
    return weight(a) > weight(b);
  }

  void TakeHeadings(std::string_view text, std::string_view after) {
    for (const auto& [heading, key] : kHeadings) {
      const std::string_view value = ValueOfHeading(text, heading, after);
      if (value.empty()) continue;
      if (key != "cuda/cudnn") {
        reading.stated.try_emplace(std::string(key), value);
        continue;
      }
      // "11.8/8.6", "CUDA 11.0 / cuDNN 8"
      const size_t split = value.find_first_of("/,");
      reading.stated.try_emplace("cuda", Trim(value.substr(0, split)));
      if (split != value.npos) reading.stated.try_emplace("cudnn", Trim(value.substr(split + 1)));
    }
  }

  void TakeAskedInShell(std::string_view text, std::string_view after) {
    for (const auto& [command, key] : kAskedInShell) {
      const std::string_view answer = Trim(after.substr(0, after.find('\n')));
      const bool word = !answer.empty() && answer.size() <= 80 && answer.find_first_of(" $#>") == answer.npos;
      if (text.ends_with(command) && word) reading.stated.try_emplace(std::string(key), answer);
    }
  }

  void TakePackage(const std::string& text, std::string_view after) {
    std::optional<PackageLine> package = ReadPackage(text);
    // What `pip show` prints.
    constexpr std::string_view kName = "Name: ", kVersion = "Version: ";
    if (text.starts_with(kName) && after.starts_with(kVersion))
      package = ReadPackage(text.substr(kName.size()) + "==" +
                            CleanLine(after.substr(kVersion.size(), after.find('\n') - kVersion.size())));
    if (!package || reading.packages.size() >= kMostPackages) return;
    reading.packages[package->name] = package->version;
    reading.package_lines[package->name] = line + 1;
    if (package->build.empty()) return;
    reading.builds[package->name] = package->build;
    if (!package->name.starts_with("tensorflow")) return;
    // conda's build string says which back end the build has.
    auto begins = [&](std::initializer_list<std::string_view> words) {
      return std::any_of(words.begin(), words.end(),
                         [&](std::string_view word) { return package->build.starts_with(word); });
    };
    // Before the strings named it, a build with CUDA was called tensorflow-gpu.
    const bool unnamed = package->name == "tensorflow" && begins({"py2", "py3"});
    if (unnamed || begins({"mkl_", "eigen_", "cpu_"})) RecordById("conda-cpu-row", text);
    if (begins({"gpu_", "cuda"})) RecordById("conda-gpu-row", text);
  }

  // A few words that somebody gave: a line in which no message stands whole may quote a part of one.
  void TakeQuotes(bool parts) {
    const std::vector<std::string_view> lines = SplitLines(beginning);
    for (line = 0; line < lines.size(); line++) {
      if (recognised_lines.contains(line + 1)) continue;
      const std::string text = CleanLine(lines[line]);
      // What `tf.config.list_physical_devices('GPU')` prints; as part of a longer log it may be anything.
      if (text == "[]" || text == "[ ]") RecordById("only-cpu-listed", text);
      TakeAnswer(text);
      if (!parts) continue;
      const std::optional<uint32_t> row = tables->quotes().Find(text);
      if (!row) continue;
      Record(rows[*row], text, {});
      Show(rows[*row], text);
    }
  }

  // What tf.test.is_gpu_available() and the like print stands alone in one of the next lines, in their order:
  // read as the message "is_gpu_available() False".
  void TakeAnswer(std::string_view text) {
    constexpr uint64_t kNear = 6;  // lines
    constexpr std::string_view kQuestion = "is_";
    for (size_t at = text.find(kQuestion); at != text.npos; at = text.find(kQuestion, at + 1)) {
      const auto of_name = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
      };
      size_t begin = at, end = at;
      while (begin > 0 && of_name(text[begin - 1])) begin--;
      while (end < text.size() && of_name(text[end])) end++;
      const bool starts = begin == at || text[at - 1] == '.';
      if (starts && end < text.size() && text[end] == '(')
        asked.push_back({std::string(text.substr(begin, end - begin)) + "()", line});
    }
    while (text.starts_with('>') || text.starts_with(' ')) text.remove_prefix(1);
    if (text != "True" && text != "False") return;
    while (!asked.empty() && line > asked.front().line + kNear) asked.erase(asked.begin());
    if (asked.empty()) return;
    const std::string answer = asked.front().call + " " + std::string(text);
    asked.erase(asked.begin());
    for (const MessageRow& row : rows) {
      const bool says = std::any_of(row.texts.begin(), row.texts.end(),
                                    [&](std::string_view one) { return answer.ends_with(one); });
      if (says) Record(row, answer, {});
    }
  }

  // Of a sentence that quotes a message ('in a notebook I get "…" when I import it', 'It ends with: …'): what
  // is not quoted; empty: the line is no such sentence.
  std::string Remark(std::string_view text) const {
    constexpr size_t kFewest = 5;  // words
    const auto told = [&](const std::string& part) {
      return scanner.Find(part, 0) == part.npos && SplitWords(part).size() >= kFewest ? part : std::string();
    };
    std::string rest(text);
    for (const auto& [open, close] : {std::pair("\"", "\""), std::pair("`", "`"), std::pair("“", "”")}) {
      for (size_t at = rest.find(open); at != rest.npos; at = rest.find(open, at)) {
        const size_t end = rest.find(close, at + 1);
        if (end == rest.npos) break;
        rest.erase(at, end + std::string_view(close).size() - at);
      }
    }
    if (std::string part = told(rest); !part.empty()) return part;
    // No program speaks of itself like that.
    const std::string lower = " " + Lower(text) + " ";
    for (const std::string_view own : {" i ", " i'm ", " i've ", " my ", " we ", " it seems ", " however"}) {
      if (lower.find(own) != lower.npos) return std::string(text);
    }
    const size_t at = scanner.Find(rest, 0);
    return at == rest.npos ? std::string() : told(rest.substr(0, rest.substr(0, at).rfind(':') + 1));
  }

  void Record(const MessageRow& row, const std::string& text, const Template::Fields& fields) {
    std::map<std::string_view, LogMessage>& messages =
        row.machine ? reading.machine : AttemptOf(row, text).messages;
    recognised++;
    if (line < kLongestQuote) recognised_lines.insert(line + 1);
    LogMessage& message = messages[row.id];
    message.row = &row;
    message.line = line + 1;
    if (message.count++ == 0) message.first_line = line + 1;
    message.text = Shown(text);
    for (const auto& [name, value] : fields) {
      std::vector<std::string>& values = message.fields[std::string(name)];
      std::string one = Shown(Trim(value));
      if (values.size() < kMostValues && std::find(values.begin(), values.end(), one) == values.end())
        values.push_back(std::move(one));
    }
  }

  void RecordById(std::string_view id, const std::string& text) {
    for (const MessageRow& row : rows) {
      if (row.id != id) continue;
      Record(row, text, {});
      Show(row, text);
    }
  }

  Attempt& AttemptOf(const MessageRow& row, std::string_view text) {
    const std::string process(ProcessOf(text));
    size_t current = reading.attempts.size();
    for (size_t i = reading.attempts.size(); i-- > 0;) {
      if (reading.attempts[i].process == process) {
        current = i;
        break;
      }
    }
    const bool known = current < reading.attempts.size();
    const bool starts = row.id == "program-starts" ||
                        (known && ended.contains(process) &&
                         (row.id == "cpu-features" || row.id == "absl-log-start" || row.id == "onednn-on"));
    if (!known || (starts && !reading.attempts[current].messages.empty())) {
      if (reading.attempts.size() >= kMostAttempts) reading.attempts.erase(reading.attempts.begin());
      reading.attempts.push_back({process, line + 1, {}});
      current = reading.attempts.size() - 1;
      ended.erase(process);
    }
    if (row.id == "traceback" || row.id == "program-dies" || row.id == "only-cpu-listed" ||
        row.id == "device-listed")
      ended.insert(process);
    return reading.attempts[current];
  }

  void Show(const MessageRow& row, const std::string& text) {
    if (row.id == "traceback" || row.id == "program-starts" || row.id == "program-dies") return;
    if (reading.lines.size() >= kMostLines ||
        !shown.insert(KindOfText(text.substr(text.find(']') + 1))).second)
      return;
    reading.lines.push_back({line + 1, Shown(text), &row});
  }

  const std::shared_ptr<const Tables> tables;
  const std::vector<MessageRow>& rows = tables->rows;
  const Scanner& scanner = tables->scanner;
  std::vector<uint32_t> inner;  // anchors in a line
  std::set<std::string> ended;  // processes whose attempt has come to an end
  std::set<uint64_t> shown;
  std::string pending;  // the begun line
  uint64_t line = 0;    // complete lines so far
  uint64_t recognised = 0;
  std::set<uint64_t> recognised_lines;  // among the first
  std::string beginning;                // of the text, at most kLongestQuote bytes
  size_t looked_for_cuts = 0;           // bytes
  std::vector<Asked> asked;             // tests for a GPU that have not been answered yet
  LogReading reading;
};

LogReader::LogReader(const Knowledge& knowledge) : state_(std::make_unique<State>(knowledge)) {}
LogReader::~LogReader() = default;

void LogReader::Feed(std::string_view text) {
  State& state = *state_;
  state.reading.bytes += text.size();
  if (state.beginning.size() < kLongestQuote)
    state.beginning += text.substr(0, kLongestQuote - state.beginning.size());
  while (!text.empty()) {
    std::string_view piece = text.substr(0, kBlock);
    text.remove_prefix(piece.size());
    const size_t newline = piece.rfind('\n');
    if (newline == piece.npos) {
      state.pending += piece;
      // A line without end is looked at in pieces.
      if (state.pending.size() > kBlock) state.TakePending();
      continue;
    }
    std::string_view whole = piece.substr(0, newline + 1);
    if (!state.pending.empty()) {
      const size_t first = whole.find('\n');
      state.pending += whole.substr(0, first + 1);
      state.TakePending();
      whole.remove_prefix(first + 1);
    }
    state.TakeBlock(whole);
    state.pending = piece.substr(newline + 1);
  }
}

LogReading LogReader::SoFar() const {
  LogReading reading = state_->reading;
  reading.line_count = state_->line;
  return reading;
}

uint64_t LogReader::recognised() const { return state_->recognised; }

namespace {

// A terminal wrapped the line before, which ends within its words where another line of the text ends, too.
bool GoesOnFrom(const std::vector<std::string_view>& lines, size_t at) {
  const size_t width = lines[at - 1].size();
  const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (width < kNarrowestTerminal || lines[at].size() > width || !word(lines[at - 1].back()) ||
      !word(lines[at][0]))
    return false;
  return std::count_if(lines.begin(), lines.end(),
                       [&](std::string_view one) { return one.size() == width; }) > 1;
}

}  // namespace

LogReading LogReader::Finish(bool parts) {
  State& state = *state_;
  const bool unfinished = !state.pending.empty();
  state.TakePending();
  state.reading.line_count = state.line + (unfinished ? 1 : 0);
  if (state.reading.bytes <= kLongestQuote) {
    state.TakeQuotes(parts);
    const std::vector<std::string_view> lines = SplitLines(state.beginning);
    for (size_t i = 0; i < lines.size(); i++) {
      if (Trim(lines[i]).empty()) continue;
      if (state.recognised_lines.contains(i) && GoesOnFrom(lines, i)) continue;
      if (!state.recognised_lines.contains(i + 1)) {
        state.reading.unread += std::string(lines[i]) + "\n";
      } else if (const std::string remark = state.Remark(lines[i]); !remark.empty()) {
        state.reading.remarks += remark + "\n";
      }
    }
  }
  return std::move(state.reading);
}

std::vector<std::string_view> LogReader::Anchors() const { return state_->tables->anchors; }

LogReading ReadLog(std::string_view bytes, const Knowledge& knowledge, bool parts) {
  LogReader reader(knowledge);
  Decoder decoder([&](std::string_view text) {
    reader.Feed(text);
    return true;
  });
  decoder.Feed(bytes);
  decoder.End();
  LogReading reading = reader.Finish(parts);
  reading.trouble = decoder.trouble();
  return reading;
}

}  // namespace tfdoctor
