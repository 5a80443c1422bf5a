#include "logs/decode.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace tfdoctor {

namespace {

constexpr size_t kHead = 4096;                // decides between text and UTF-16
constexpr size_t kLargestNotebook = 8 << 20;  // a notebook is read as a whole
constexpr size_t kPiece = 256 << 10;
// A bomb: this much out of a few kilobytes. A log of gigabytes that is packed well stays below.
constexpr uint64_t kLargestRatio = 2000;
constexpr uint64_t kFreeOutput = 64 << 20;
// Its memory limit bounds what an xz file may ask for.
constexpr uint64_t kXzMemory = 80 << 20;

void AppendUtf8(uint32_t code, std::string& out) {
  auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6), put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 0x3F)), put(0x80 | (code >> 6 & 0x3F)),
        put(0x80 | (code & 0x3F));
  }
}

// A text of a notebook: a string or a list of them.
void AppendText(const nlohmann::json& json, std::string& out) {
  if (json.is_string()) out += json.get_ref<const std::string&>();
  if (json.is_array()) {
    for (const auto& part : json) {
      if (part.is_string()) out += part.get_ref<const std::string&>();
    }
  }
  if (!out.empty() && out.back() != '\n') out += '\n';
}

// The outputs of all cells, in their order; false: no notebook.
bool NotebookOutputs(const std::string& bytes, std::string& out) {
  const auto json = nlohmann::json::parse(bytes, nullptr, false);
  if (!json.is_object() || !json.contains("cells") || !json["cells"].is_array()) return false;
  for (const auto& cell : json["cells"]) {
    if (!cell.is_object() || !cell.contains("outputs") || !cell["outputs"].is_array()) continue;
    for (const auto& output : cell["outputs"]) {
      if (!output.is_object()) continue;
      for (const char* key : {"text", "traceback"}) {
        if (!output.contains(key)) continue;
        // Each entry of a traceback is lines of its own.
        if (output[key].is_array() && std::string_view(key) == "traceback") {
          for (const auto& entry : output[key]) AppendText(entry, out);
        } else {
          AppendText(output[key], out);
        }
      }
      if (output.contains("data") && output["data"].is_object() && output["data"].contains("text/plain"))
        AppendText(output["data"]["text/plain"], out);
    }
  }
  return true;
}

}  // namespace

// One compressed stream. Formats are told by their first bytes.
class Decoder::Inflater {
 public:
  enum class Kind : uint8_t { kGzip, kZstd, kXz };
  static bool Recognises(std::string_view head, Kind& kind) {
    using std::string_view_literals::operator""sv;
    if (head.starts_with("\x1f\x8b"sv)) return kind = Kind::kGzip, true;
    if (head.starts_with("\x28\xb5\x2f\xfd"sv)) return kind = Kind::kZstd, true;
    if (head.starts_with("\xfd\x37\x7a\x58\x5a\x00"sv)) return kind = Kind::kXz, true;
    return false;
  }

  explicit Inflater(Kind kind) : kind_(kind), out_(kPiece) {
    switch (kind_) {
      case Kind::kGzip:
        ok_ = ::inflateInit2(&gzip_, 15 + 16) == Z_OK;
        break;
      case Kind::kZstd:
        zstd_ = ::ZSTD_createDStream();
        ok_ = zstd_ != nullptr && ZSTD_isError(::ZSTD_DCtx_setParameter(zstd_, ZSTD_d_windowLogMax, 24)) == 0;
        break;
      case Kind::kXz:
        ok_ = ::lzma_stream_decoder(&xz_, kXzMemory, LZMA_CONCATENATED) == LZMA_OK;
        break;
    }
  }
  ~Inflater() {
    if (kind_ == Kind::kGzip) ::inflateEnd(&gzip_);
    if (kind_ == Kind::kZstd) ::ZSTD_freeDStream(zstd_);
    if (kind_ == Kind::kXz) ::lzma_end(&xz_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // False: the sink has enough, or the data is damaged (then `damage` says so).
  bool Feed(std::string_view bytes, const std::function<bool(std::string_view)>& sink, std::string& damage) {
    in_ += bytes.size();
    if (!ok_) return damage = "cannot unpack it", false;
    bool more = true;
    while (more) {
      size_t made = 0;
      if (!Step(bytes, made, more)) {
        damage = std::string(Name()) + " data is damaged, or needs too much memory";
        return ok_ = false;
      }
      written_ += made;
      if (written_ > kFreeOutput && written_ / kLargestRatio > in_) {
        damage = std::string(Name()) + " data unpacks to far more than a log would";
        return ok_ = false;
      }
      if (made > 0 && !sink(std::string_view(out_.data(), made))) return false;
    }
    return true;
  }
  bool complete() const { return complete_; }
  const char* Name() const {
    return kind_ == Kind::kGzip ? "the gzip" : kind_ == Kind::kZstd ? "the zstd" : "the xz";
  }

 private:
  bool Step(std::string_view& bytes, size_t& made, bool& more) {
    const size_t before = bytes.size();
    switch (kind_) {
      case Kind::kGzip: {
        if (complete_ && !bytes.empty()) {  // a further member
          if (::inflateReset(&gzip_) != Z_OK) return false;
          complete_ = false;
        }
        gzip_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
        gzip_.avail_in = static_cast<uInt>(bytes.size());
        gzip_.next_out = reinterpret_cast<Bytef*>(out_.data());
        gzip_.avail_out = static_cast<uInt>(out_.size());
        const int status = bytes.empty() && complete_ ? Z_BUF_ERROR : ::inflate(&gzip_, Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) return false;
        complete_ = complete_ || status == Z_STREAM_END;
        made = out_.size() - gzip_.avail_out;
        bytes.remove_prefix(before - gzip_.avail_in);
        break;
      }
      case Kind::kZstd: {
        ZSTD_inBuffer in = {bytes.data(), bytes.size(), 0};
        ZSTD_outBuffer out = {out_.data(), out_.size(), 0};
        const size_t status = ::ZSTD_decompressStream(zstd_, &out, &in);
        if (ZSTD_isError(status) != 0) return false;
        complete_ = status == 0;
        made = out.pos;
        bytes.remove_prefix(in.pos);
        break;
      }
      case Kind::kXz: {
        xz_.next_in = reinterpret_cast<const uint8_t*>(bytes.data());
        xz_.avail_in = bytes.size();
        xz_.next_out = reinterpret_cast<uint8_t*>(out_.data());
        xz_.avail_out = out_.size();
        const lzma_ret status = ::lzma_code(&xz_, LZMA_RUN);
        if (status != LZMA_OK && status != LZMA_STREAM_END && status != LZMA_BUF_ERROR) return false;
        complete_ = true;  // its end shows only with LZMA_FINISH; a cut file has given what it had
        made = out_.size() - xz_.avail_out;
        bytes.remove_prefix(before - xz_.avail_in);
        break;
      }
    }
    more = made == out_.size() || (!bytes.empty() && (made > 0 || bytes.size() < before));
    return true;
  }

  Kind kind_;
  std::vector<char> out_;
  z_stream gzip_ = {};
  ZSTD_DStream* zstd_ = nullptr;
  lzma_stream xz_ = LZMA_STREAM_INIT;
  uint64_t in_ = 0, written_ = 0;
  bool ok_ = false;
  bool complete_ = false;
};

Decoder::Decoder(Sink sink) : sink_(std::move(sink)) {}
Decoder::~Decoder() = default;

bool Decoder::Feed(std::string_view bytes) {
  if (!looked_for_magic_) {
    magic_ += bytes.substr(0, kHead);
    if (magic_.size() < 6) {
      return true;
    }
    looked_for_magic_ = true;
    const std::string first = std::move(magic_);
    magic_.clear();
    const std::string_view rest = bytes.size() > kHead ? bytes.substr(kHead) : std::string_view();
    Inflater::Kind kind = Inflater::Kind::kGzip;
    if (Inflater::Recognises(first, kind)) inflater_ = std::make_unique<Inflater>(kind);
    return Feed(first) && (rest.empty() || Feed(rest));
  }
  if (inflater_ == nullptr) return TakePlain(bytes);
  return inflater_->Feed(
      bytes, [this](std::string_view text) { return TakePlain(text); }, trouble_);
}

void Decoder::Pause() {
  if (form_ == Form::kUndecided && !head_.empty()) Decide();
}

void Decoder::End() {
  if (!looked_for_magic_) {
    looked_for_magic_ = true;
    TakePlain(std::string(std::move(magic_)));
  }
  if (inflater_ != nullptr && trouble_.empty() && !inflater_->complete())
    trouble_ = std::string(inflater_->Name()) + " data ends too early";
  if (form_ == Form::kUndecided) Decide();
  if (form_ == Form::kNotebook) {
    std::string text;
    const bool notebook = NotebookOutputs(head_, text);
    TakeText(notebook ? text : head_);
    head_.clear();
  }
  if (!cut_.empty()) sink_(std::exchange(cut_, {}));
}

bool Decoder::TakePlain(std::string_view bytes) {
  switch (form_) {
    case Form::kText:
      return TakeText(bytes);
    case Form::kUtf16Little:
    case Form::kUtf16Big:
      return TakeUtf16(bytes);
    case Form::kNotebook:
      head_ += bytes;
      if (head_.size() <= kLargestNotebook) return true;
      // Too large for one: then it is text like any other.
      form_ = Form::kText;
      if (!TakeText(head_)) return false;
      head_.clear();
      return true;
    case Form::kUndecided:
      head_ += bytes;
      return head_.size() < kHead || Decide();
  }
  return true;
}

bool Decoder::Decide() {
  std::string head;
  head.swap(head_);
  size_t skip = 0;
  if (head.starts_with("\xff\xfe")) {
    form_ = Form::kUtf16Little, skip = 2;
  } else if (head.starts_with("\xfe\xff")) {
    form_ = Form::kUtf16Big, skip = 2;
  } else {
    if (head.starts_with("\xef\xbb\xbf")) skip = 3;
    // UTF-16 of mostly ASCII: every second byte is zero.
    size_t even = 0, odd = 0;
    for (size_t i = 0; i < head.size(); i++) (i % 2 == 0 ? even : odd) += head[i] == '\0' ? 1 : 0;
    const size_t half = head.size() / 2;
    form_ = Form::kText;
    if (half >= 4 && odd * 10 > half * 7 && even * 10 < half) form_ = Form::kUtf16Little;
    if (half >= 4 && even * 10 > half * 7 && odd * 10 < half) form_ = Form::kUtf16Big;
    const size_t first = head.find_first_not_of(" \t\r\n", skip);
    if (form_ == Form::kText && first != std::string::npos && head[first] == '{' &&
        (head.find("\"cells\"") != std::string::npos || head.find("\"nbformat\"") != std::string::npos))
      form_ = Form::kNotebook;
  }
  return head.size() <= skip || TakePlain(std::string_view(head).substr(skip));
}

// Quotes that a word processor or a forum has curled (U+2018, U+2019, U+201C, U+201D) become straight again.
bool Decoder::TakeText(std::string_view text) {
  constexpr char kFirst = '\xE2', kSecond = '\x80';
  if (text.empty()) return true;
  if (cut_.empty() && text.find(kFirst) == text.npos) return sink_(text);
  const std::string joined = std::exchange(cut_, {}) + std::string(text);
  std::string straight;
  straight.reserve(joined.size());
  for (size_t i = 0; i < joined.size(); i++) {
    const bool begins = joined[i] == kFirst && (i + 1 >= joined.size() || joined[i + 1] == kSecond);
    if (begins && i + 2 >= joined.size()) {
      cut_ = joined.substr(i);
      break;
    }
    const char last = begins ? joined[i + 2] : '\0';
    const bool one = last == '\x98' || last == '\x99';
    if (!one && last != '\x9C' && last != '\x9D') {
      straight += joined[i];
      continue;
    }
    straight += one ? '\'' : '"';
    i += 2;
  }
  return straight.empty() || sink_(straight);
}

bool Decoder::TakeUtf16(std::string_view bytes) {
  std::string joined;
  joined.swap(left_);
  joined += bytes;
  const bool little = form_ == Form::kUtf16Little;
  auto unit = [&](size_t at) {
    const auto a = static_cast<unsigned char>(joined[at]), b = static_cast<unsigned char>(joined[at + 1]);
    return static_cast<uint32_t>(little ? a | b << 8 : a << 8 | b);
  };
  std::string out;
  out.reserve(joined.size() / 2 + 8);
  size_t at = 0;
  while (at + 1 < joined.size()) {
    uint32_t code = unit(at);
    if (code >= 0xD800 && code < 0xDC00) {
      if (at + 3 >= joined.size()) break;
      const uint32_t low = unit(at + 2);
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        at += 2;
      } else {
        code = 0xFFFD;
      }
    } else if (code >= 0xDC00 && code < 0xE000) {
      code = 0xFFFD;
    }
    AppendUtf8(code, out);
    at += 2;
  }
  left_ = joined.substr(at);
  return TakeText(out);
}

}  // namespace tfdoctor
