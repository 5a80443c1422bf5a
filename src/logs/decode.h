// Bytes of a log, in whatever form they come, as UTF-8 text: compressed (gzip, zstd, xz), UTF-16 with or
// without a byte order mark, a notebook with its outputs. Bounded in memory whatever comes in.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tfdoctor {

class Decoder {
 public:
  // Takes text piece by piece; false: enough.
  using Sink = std::function<bool(std::string_view)>;

  explicit Decoder(Sink sink);
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // False: the sink has enough, or an error.
  bool Feed(std::string_view bytes);
  // Nothing more comes just now: what was held back until the form is known is judged by what is there.
  void Pause();
  void End();
  // What went wrong, for people: "the gzip data is damaged"; what came before it counts. Empty: nothing.
  const std::string& trouble() const { return trouble_; }

 private:
  class Inflater;
  enum class Form : uint8_t { kUndecided, kText, kUtf16Little, kUtf16Big, kNotebook };

  bool TakePlain(std::string_view bytes);
  bool Decide();
  bool TakeText(std::string_view text);
  bool TakeUtf16(std::string_view bytes);

  Sink sink_;
  std::string head_;  // until the form is known; a notebook as a whole
  std::string left_;  // an odd byte of UTF-16, half of a surrogate pair
  std::string cut_;   // the beginning of a character that may be a curled quote
  Form form_ = Form::kUndecided;
  std::unique_ptr<Inflater> inflater_;
  bool looked_for_magic_ = false;
  std::string magic_;
  std::string trouble_;
};

}  // namespace tfdoctor
