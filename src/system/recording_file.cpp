// The form of a recording's file. The first line is "tfdoctor-recording SCHEMA". Every other line is a word
// for what it is, then words separated by single blanks; in them blanks, control characters and "%" are
// written %XX, and the empty word is "%". Where bytes belong to a line, their number is its last word and
// they follow it, with a line's end behind them. The last line is "end".
#include <fmt/format.h>
#include <zstd.h>

#include <cerrno>
#include <charconv>
#include <memory>

#include "base/text.h"
#include "system/error.h"
#include "system/recording.h"

namespace tfdoctor {

namespace {

constexpr std::string_view kMagic = "tfdoctor-recording ";
constexpr size_t kLargestText = 256U << 20;
constexpr size_t kMostLines = 4'000'000;
constexpr int kCompression = 19;
constexpr uint64_t kFarthest = uint64_t{1} << 62;

constexpr std::pair<ErrorKind, std::string_view> kKinds[] = {
    {ErrorKind::kNotFound, "not-found"},
    {ErrorKind::kDenied, "denied"},
    {ErrorKind::kLoop, "loop"},
    {ErrorKind::kTooLarge, "too-large"},
    {ErrorKind::kWrongType, "wrong-type"},
    {ErrorKind::kTimeout, "timeout"},
    {ErrorKind::kMalformed, "malformed"},
    {ErrorKind::kIo, "io"},
};
constexpr std::string_view kTypes = "fdlcbpso";  // in the order of FileType
// Of ChildEnd::How, in its order.
constexpr std::string_view kEnds[] = {"exit", "signal", "time", "output", "memory", "interrupted", "refused"};
static_assert(std::size(kEnds) == static_cast<size_t>(ChildEnd::How::kRefused) + 1);

std::string Escaped(std::string_view word) {
  if (word.empty()) return "%";
  std::string out;
  for (const char c : word) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == '%' || byte == 0x7f) {
      out += fmt::format("%{:02X}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

class Writer {
 public:
  template <class... Words>
  void Line(const Words&... words) {
    bool first = true;
    ((text_ += first ? "" : " ", first = false, Word(words)), ...);
    text_ += '\n';
  }
  template <class... Words>
  void LineWithBytes(std::string_view bytes, const Words&... words) {
    Line(words..., bytes.size());
    text_ += bytes;
    text_ += '\n';
  }
  // An answer about `path`, or the error that it was.
  template <class T, class Put>
  void Answer(std::string_view kind, const std::string& path, const std::optional<Result<T>>& answer,
              Put&& put) {
    if (!answer) return;
    if (answer->ok()) {
      put(**answer);
    } else {
      Failure(kind, path, answer->error());
    }
  }
  void Failure(std::string_view kind, const std::string& path, const Error& error) {
    // By far the most.
    if (error.kind == ErrorKind::kNotFound && error.message == FileError(path, ENOENT).message) {
      Line("absent", kind, path);
      return;
    }
    std::string_view name = "io";
    for (const auto& [known, word] : kKinds) {
      if (known == error.kind) name = word;
    }
    Line("error", kind, path, name, error.message);
  }
  std::string Take() { return std::move(text_); }

 private:
  void Word(std::string_view word) { text_ += Escaped(word); }
  void Word(const std::string& word) { text_ += Escaped(word); }
  void Word(const char* word) { text_ += Escaped(word); }
  template <class Number>
  requires std::is_integral_v<Number>
  void Word(Number number) { text_ += std::to_string(number); }

  std::string text_;
};

void WritePath(Writer& out, const std::string& path, const RecordedPath& known) {
  auto stat = [&](const char* kind, const std::optional<Result<FileStat>>& answer) {
    out.Answer(kind, path, answer, [&](const FileStat& s) {
      out.Line(kind, path, kTypes.substr(static_cast<size_t>(s.type), 1), s.size, s.mode, s.uid, s.gid,
               s.mtime, s.device, s.inode, s.rdev);
    });
  };
  stat("lstat", known.link_stat);
  stat("stat", known.stat);
  auto text = [&](const char* kind, const std::optional<Result<std::string>>& answer) {
    out.Answer(kind, path, answer, [&](const std::string& value) { out.Line(kind, path, value); });
  };
  text("link", known.link);
  text("real", known.real_path);
  for (const auto& [access, may] : known.access) {
    const std::string kind = "access-" + std::to_string(static_cast<int>(access));
    if (may.ok()) {
      out.Line(kind, path, static_cast<int>(*may));
    } else {
      out.Failure(kind, path, may.error());
    }
  }
  if (known.entries && !known.entries->ok() && known.entries->error().kind == ErrorKind::kTooLarge) {
    out.Line("more-than", path, known.entries_limit);
  } else {
    out.Answer("list", path, known.entries, [&](const std::vector<DirEntry>& entries) {
      std::string bytes;
      for (const DirEntry& entry : entries) {
        bytes += kTypes[static_cast<size_t>(entry.type)];
        bytes += Escaped(entry.name) + "\n";
      }
      out.LineWithBytes(bytes, "list", path);
    });
  }
  for (const auto& [offset, bytes] : known.pieces) out.LineWithBytes(bytes, "read", path, offset);
  if (known.end) out.Line("ends", path, *known.end);
  if (known.read_error) out.Failure("read", path, *known.read_error);
}

std::string Text(const Recording& recording) {
  Writer out;
  out.Line(kMagic.substr(0, kMagic.size() - 1), Recording::kSchema);
  out.Line("made", recording.made_by, recording.made_at, recording.redacted ? "redacted" : "as-it-is",
           recording.local_time, recording.zone);
  for (const auto& [option, value] : recording.question) out.Line("question", option, value);
  out.Line("machine", recording.machine, recording.isa_level, recording.user, recording.working_directory,
           recording.not_running);
  for (const auto& [name, value] : recording.variables) {
    if (value) {
      out.LineWithBytes(*value, "variable", name);
    } else {
      out.Line("no-variable", name);
    }
  }
  for (const auto& [path, known] : recording.paths) WritePath(out, path, known);
  out.Answer("kernel-log", "the kernel log", recording.kernel_log,
             [&](const std::string& text) { out.LineWithBytes(text, "kernel-log"); });
  out.Answer("mapped", "", recording.mapped_files, [&](const std::vector<std::string>& files) {
    std::string bytes;
    for (const std::string& file : files) bytes += Escaped(file) + "\n";
    out.LineWithBytes(bytes, "mapped");
  });
  for (const auto& [key, end] : recording.children) {
    out.LineWithBytes(end.output, "child", key, kEnds[static_cast<size_t>(end.how)], end.number, end.why);
  }
  out.Line("end");
  return out.Take();
}

// --- reading

// What is wrong with a file; caught in UnpackRecording().
struct Fault {
  std::string what;
};

std::string Plain(std::string_view word) {
  if (word == "%") return {};
  std::string out;
  out.reserve(word.size());
  for (size_t i = 0; i < word.size(); i++) {
    unsigned byte = 0;
    if (word[i] != '%') {
      out += word[i];
    } else if (i + 2 < word.size() &&
               std::from_chars(word.data() + i + 1, word.data() + i + 3, byte, 16).ptr ==
                   word.data() + i + 3) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      throw Fault{"a word is cut short"};
    }
  }
  return out;
}

template <class Number>
Number NumberOf(std::string_view word) {
  Number number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size()) throw Fault{"a number is none"};
  return number;
}

FileType TypeOf(char letter) {
  const size_t type = kTypes.find(letter);
  if (type == std::string_view::npos) throw Fault{"a file has no known type"};
  return static_cast<FileType>(type);
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Recording Read() {
    while (NextLine()) {
      if (++lines_ > kMostLines) throw Fault{"it has too many lines"};
      const std::string_view kind = words_.front();
      if (kind == "end") {
        if (at_ != text_.size()) throw Fault{"something follows its end"};
        return std::move(recording_);
      }
      Take(kind);
    }
    throw Fault{"it is cut short"};
  }

 private:
  bool NextLine() {
    if (at_ >= text_.size()) return false;
    const size_t end = text_.find('\n', at_);
    if (end == std::string_view::npos) throw Fault{"it is cut short"};
    const std::string_view line = text_.substr(at_, end - at_);
    at_ = end + 1;
    words_.clear();
    for (size_t from = 0; from <= line.size();) {
      const size_t blank = std::min(line.find(' ', from), line.size());
      words_.push_back(line.substr(from, blank - from));
      from = blank + 1;
      if (words_.size() > 16) throw Fault{"a line has too many words"};
    }
    return true;
  }

  std::string_view Word(size_t index) const {
    if (index >= words_.size()) throw Fault{"a line is cut short"};
    return words_[index];
  }
  std::string Plain(size_t index) const { return tfdoctor::Plain(Word(index)); }
  template <class Number>
  Number Value(size_t index) const {
    return NumberOf<Number>(Word(index));
  }
  std::string_view Bytes() {
    const auto size = NumberOf<uint64_t>(words_.back());
    if (size >= text_.size() - at_) throw Fault{"it is cut short"};
    const std::string_view bytes = text_.substr(at_, static_cast<size_t>(size));
    at_ += static_cast<size_t>(size);
    if (text_[at_++] != '\n') throw Fault{"bytes do not end where they should"};
    return bytes;
  }

  // They are written in the order of their paths.
  RecordedPath& Path(std::string path) {
    if (last_ != recording_.paths.end() && last_->first == path) return last_->second;
    last_ = recording_.paths.try_emplace(recording_.paths.end(), std::move(path));
    return last_->second;
  }

  void Take(std::string_view kind) {
    if (kind == "made") {
      recording_.made_by = Plain(1);
      recording_.made_at = Plain(2);
      recording_.redacted = Word(3) == "redacted";
      recording_.local_time = Plain(4);
      recording_.zone = Plain(5);
    } else if (kind == "question") {
      recording_.question.emplace_back(Plain(1), Plain(2));
    } else if (kind == "machine") {
      recording_.machine = Plain(1);
      recording_.isa_level = Value<int>(2);
      recording_.user = Value<uint32_t>(3);
      recording_.working_directory = Plain(4);
      recording_.not_running = Plain(5);
    } else if (kind == "variable") {
      std::string name = Plain(1);
      recording_.variables[std::move(name)] = std::string(Bytes());
    } else if (kind == "no-variable") {
      recording_.variables[Plain(1)] = std::nullopt;
    } else if (kind == "kernel-log") {
      recording_.kernel_log = std::string(Bytes());
    } else if (kind == "mapped") {
      std::vector<std::string> files;
      for (const std::string_view line : SplitLines(Bytes())) files.push_back(tfdoctor::Plain(line));
      recording_.mapped_files = std::move(files);
    } else if (kind == "child") {
      TakeChild();
    } else {
      TakeAnswer(kind);
    }
  }

  void TakeChild() {
    std::string key = Plain(1);
    ChildEnd end;
    size_t how = 0;
    while (how < std::size(kEnds) && kEnds[how] != Word(2)) how++;
    if (how == std::size(kEnds)) throw Fault{"a child has no known end"};
    end.how = static_cast<ChildEnd::How>(how);
    end.number = Value<int>(3);
    end.why = Plain(4);
    end.output = Bytes();
    recording_.children.insert_or_assign(std::move(key), std::move(end));
  }

  void TakeAnswer(std::string_view kind) {
    if (kind == "absent" || kind == "error") return TakeFailure(kind == "absent");
    RecordedPath& known = Path(Plain(1));
    if (kind == "lstat" || kind == "stat") {
      (kind == "stat" ? known.stat : known.link_stat) = Stat();
    } else if (kind == "link") {
      known.link = Plain(2);
    } else if (kind == "real") {
      known.real_path = Plain(2);
    } else if (kind == "list") {
      std::vector<DirEntry> entries;
      for (const std::string_view line : SplitLines(Bytes())) {
        if (line.size() < 2) throw Fault{"an entry has no name"};
        entries.push_back({tfdoctor::Plain(line.substr(1)), TypeOf(line.front())});
      }
      known.entries = std::move(entries);
    } else if (kind == "more-than") {
      known.entries_limit = Value<size_t>(2);
      known.entries = FileError(std::string(Plain(1)), ErrorKind::kTooLarge, "too many entries");
    } else if (kind == "read") {
      const auto offset = Value<uint64_t>(2);
      if (offset > kFarthest) throw Fault{"a piece lies beyond every file"};
      const std::string_view bytes = Bytes();
      known.AddPiece(offset, bytes.size(), bytes);
    } else if (kind == "ends") {
      known.end = Value<uint64_t>(2);
    } else if (const auto access = AccessOf(kind)) {
      known.access.insert_or_assign(*access, Value<int>(2) != 0);
    } else {
      throw Fault{"it has a line of unknown kind"};
    }
  }

  FileStat Stat() const {
    FileStat stat;
    if (Word(2).size() != 1) throw Fault{"a file has no known type"};
    stat.type = TypeOf(Word(2).front());
    stat.size = Value<uint64_t>(3);
    stat.mode = Value<uint32_t>(4);
    stat.uid = Value<uint32_t>(5);
    stat.gid = Value<uint32_t>(6);
    stat.mtime = Value<int64_t>(7);
    stat.device = Value<uint64_t>(8);
    stat.inode = Value<uint64_t>(9);
    stat.rdev = Value<uint64_t>(10);
    return stat;
  }

  static std::optional<Access> AccessOf(std::string_view kind) {
    for (const Access access : {Access::kRead, Access::kWrite, Access::kExecute, Access::kReadWrite}) {
      if (kind == "access-" + std::to_string(static_cast<int>(access))) return access;
    }
    return std::nullopt;
  }

  void TakeFailure(bool absent) {
    const std::string_view kind = Word(1);
    std::string path = Plain(2);
    Error error;
    if (absent) {
      error = FileError(path, ENOENT);
    } else {
      bool known = false;
      for (const auto& [value, name] : kKinds) {
        if (name == Word(3)) error.kind = value, known = true;
      }
      if (!known) throw Fault{"an error is of unknown kind"};
      error.message = Printable(Plain(4));
    }
    if (kind == "kernel-log") return void(recording_.kernel_log = error);
    if (kind == "mapped") return void(recording_.mapped_files = error);
    RecordedPath& answers = Path(std::move(path));
    if (kind == "lstat") return void(answers.link_stat = error);
    if (kind == "stat") return void(answers.stat = error);
    if (kind == "link") return void(answers.link = error);
    if (kind == "real") return void(answers.real_path = error);
    if (kind == "list") return void(answers.entries = error);
    if (kind == "read") return void(answers.read_error = error);
    if (const auto access = AccessOf(kind)) return void(answers.access.insert_or_assign(*access, error));
    throw Fault{"an error is about nothing known"};
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t lines_ = 0;
  std::vector<std::string_view> words_;
  Recording recording_;
  std::map<std::string, RecordedPath, std::less<>>::iterator last_ = recording_.paths.end();
};

Error NoRecording(std::string_view why) { return {ErrorKind::kMalformed, std::string(why)}; }

// As much as there is, but no more than `limit`, whatever the frame says of its size.
Result<std::string> Decompress(std::string_view packed, size_t limit) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
  ZSTD_inBuffer in = {packed.data(), packed.size(), 0};
  std::string text;
  const unsigned long long said = ZSTD_getFrameContentSize(packed.data(), packed.size());
  const bool known = said != ZSTD_CONTENTSIZE_ERROR && said != ZSTD_CONTENTSIZE_UNKNOWN && said <= limit &&
                     said / 1000 <= packed.size();
  size_t step = known ? static_cast<size_t>(said) + 1 : 1 << 20;
  while (true) {
    const size_t had = text.size();
    text.resize(had + step);
    ZSTD_outBuffer out = {text.data() + had, step, 0};
    const size_t left = ZSTD_decompressStream(context.get(), &out, &in);
    text.resize(had + out.pos);
    if (ZSTD_isError(left) != 0) return NoRecording("it is damaged");
    if (left == 0) break;
    if (text.size() > limit) return Error{ErrorKind::kTooLarge, "it is larger than a recording can be"};
    if (in.pos == in.size && out.pos < step) return NoRecording("it is cut short");
    step = 1 << 20;
  }
  if (in.pos != in.size) return NoRecording("something follows its end");
  return text;
}

}  // namespace

std::string PackRecording(const Recording& recording) {
  const std::string text = Text(recording);
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kCompression);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  const size_t size = ZSTD_compress2(context.get(), packed.data(), packed.size(), text.data(), text.size());
  packed.resize(ZSTD_isError(size) != 0 ? 0 : size);
  return packed;
}

Result<Recording> UnpackRecording(std::string_view packed) {
  if (packed.size() < 4 || packed.substr(0, 4) != std::string_view("\x28\xb5\x2f\xfd", 4))
    return NoRecording("it is no recording of tfdoctor");
  Result<std::string> text = Decompress(packed, kLargestText);
  if (!text.ok()) return text.error();
  return ParseRecording(*text);
}

Result<Recording> ParseRecording(std::string_view text) {
  std::string_view rest = text;
  if (!rest.starts_with(kMagic)) return NoRecording("it is no recording of tfdoctor");
  rest.remove_prefix(kMagic.size());
  const std::string_view schema = rest.substr(0, std::min(rest.find('\n'), rest.size()));
  if (schema != std::to_string(Recording::kSchema)) {
    return NoRecording(fmt::format("it is of schema {}, this tfdoctor reads schema {}", Printable(schema, 20),
                                   Recording::kSchema));
  }
  if (schema.size() == rest.size()) return NoRecording("it is cut short");
  rest.remove_prefix(schema.size() + 1);
  try {
    return Reader(rest).Read();
  } catch (const Fault& fault) {
    return NoRecording(fault.what);
  }
}

}  // namespace tfdoctor
