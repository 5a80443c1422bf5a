// An ELF file opened for reading, one slice at a time: the libraries of CUDA and TensorFlow are up to a
// gigabyte, and their string tables alone many megabytes.
#pragma once

#include <elf.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "elf/object.h"
#include "system/system.h"

namespace tfdoctor::elf {

// The bytes of a file, read in slices when they are asked for.
class SlicedFile {
 public:
  SlicedFile(const System& system, std::string path, uint64_t size)
      : system_(&system), path_(std::move(path)), size_(size) {}
  bool Copy(uint64_t offset, size_t length, void* to);  // false: outside the file, or unreadable
  template <class T>
  std::optional<T> Get(uint64_t offset) {
    T value;
    return Copy(offset, sizeof value, &value) ? std::optional<T>(value) : std::nullopt;
  }
  std::optional<std::string> Text(uint64_t offset);  // up to its NUL
  uint64_t size() const { return size_; }
  const std::string& path() const { return path_; }
  const std::optional<Error>& failure() const { return failure_; }

 private:
  const std::string* Slice(uint64_t index);

  const System* system_;
  std::string path_;
  uint64_t size_;
  std::unordered_map<uint64_t, std::string> slices_;
  std::optional<Error> failure_;
};

class Image {
 public:
  // Fails with what ld.so would say. A 32-bit object gives only its machine.
  static Result<Image> Open(const System& system, const std::string& path);

  bool is_64() const { return is_64_; }
  uint16_t machine() const { return machine_; }
  // Why ld.so would refuse the file although class and machine are as in its header; empty: nothing wrong.
  const std::string& fault() const { return fault_; }
  Result<Object> Describe();

  Result<std::vector<Symbol>> Undefined(size_t limit);
  // The same, of those only whose version is wanted; kept for the next time, which must want the same.
  const Result<std::vector<Symbol>>& UndefinedOf(bool (*wanted)(std::string_view version), size_t limit);
  // Whether this object defines what a reference to `name` with `version` (empty: none) would be bound to.
  bool Defines(const std::string& name, const std::string& version);
  bool HasVersions() const { return Dynamic(DT_VERSYM).has_value(); }
  std::optional<std::string> Bytes(const std::string& symbol, size_t limit);

 private:
  struct Segment {
    uint32_t type;
    uint64_t offset, address, file_size;
  };
  // One row of .gnu.version_d or .gnu.version_r, by its index in .gnu.version.
  struct VersionRow {
    std::string name;
    std::string file;  // of a needed version
  };

  Image(const System& system, std::string path, uint64_t size) : file_(system, std::move(path), size) {}
  void ReadHeader();
  void ReadSegments(uint64_t table, size_t count);
  void ReadDynamic();
  void ReadVersions();
  std::string BuildId();
  std::optional<uint64_t> OffsetOf(uint64_t address) const;
  std::optional<uint64_t> Dynamic(int64_t tag) const;
  std::optional<uint64_t> DynamicOffset(int64_t tag) const;
  std::optional<std::string> String(uint64_t offset);
  std::optional<Elf64_Sym> SymbolAt(uint64_t index);
  uint16_t VersionIndex(uint64_t symbol);  // 1 (global) where the object has no versions
  std::optional<Elf64_Sym> Find(const std::string& name, const std::string* version);
  std::optional<Elf64_Sym> Matching(uint64_t index, const std::string& name, const std::string* version);
  uint64_t UnhashedCount();
  Result<std::vector<Symbol>> ReadUndefined(bool (*wanted)(std::string_view version), size_t limit);

  SlicedFile file_;
  bool is_64_ = true;
  uint16_t machine_ = 0;
  uint16_t type_ = 0;
  std::string fault_;
  std::vector<Segment> segments_;
  std::vector<std::pair<int64_t, uint64_t>> dynamic_;
  std::vector<VersionNeed> needs_;
  std::vector<std::string> definitions_;
  std::unordered_map<uint16_t, VersionRow> versions_;
  // Where the tables lie that every symbol needs.
  std::optional<uint64_t> strings_, symbols_, symbol_versions_;
  std::optional<Result<std::vector<Symbol>>> undefined_;
};

}  // namespace tfdoctor::elf
