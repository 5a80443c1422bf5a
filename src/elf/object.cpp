#include "elf/object.h"

#include "elf/image.h"

namespace tfdoctor::elf {

Result<Object> ReadObject(const System& system, const std::string& path) {
  Result<Image> image = Image::Open(system, path);
  if (!image) return image.error();
  return image->Describe();
}

Result<std::vector<Symbol>> UndefinedSymbols(const System& system, const std::string& path) {
  constexpr size_t kLimit = 65536;
  Result<Image> image = Image::Open(system, path);
  if (!image) return image.error();
  return image->Undefined(kLimit);
}

Result<std::string> SymbolBytes(const System& system, const std::string& path, const std::string& symbol,
                                size_t limit) {
  Result<Image> image = Image::Open(system, path);
  if (!image) return image.error();
  if (!image->fault().empty()) return Error{ErrorKind::kMalformed, image->fault()};
  std::optional<std::string> bytes = image->Bytes(symbol, limit);
  if (!bytes) return Error{ErrorKind::kNotFound, "no such symbol in " + path};
  return std::move(*bytes);
}

}  // namespace tfdoctor::elf
