#include "elf/image.h"

#include <algorithm>
#include <cstring>

#include "elf/hash.h"

namespace tfdoctor::elf {
namespace {

// Small: what is read of a library is scattered, and a recording holds all of it.
constexpr size_t kSliceSize = 1024;
constexpr size_t kMaxSlices = 2048;      // 2 MiB held of one file
constexpr size_t kMaxText = 256 * 1024;  // the RUNPATH of TensorFlow 2.22.0rc0 has 22 KB
constexpr size_t kMaxSegments = 1024;
constexpr size_t kMaxDynamic = 8192;
constexpr size_t kMaxNotes = 64 * 1024;
constexpr size_t kMaxVersionRows = 32 * 1024;  // an index in .gnu.version has 15 bits
constexpr size_t kMaxChain = 64 * 1024;        // symbols looked at in one hash chain
constexpr uint64_t kMaxSymbols = 16 * 1024 * 1024;

constexpr uint16_t kHiddenVersion = 0x8000;

Error Malformed(std::string message) { return {ErrorKind::kMalformed, std::move(message)}; }

// open_verify() of glibc's elf/dl-load.c, in its order and words.
std::string IdentFault(const unsigned char* ident) {
  if (std::memcmp(ident, ELFMAG, SELFMAG) != 0) return "invalid ELF header";
  if (ident[EI_CLASS] == ELFCLASS32) return "";
  if (ident[EI_CLASS] != ELFCLASS64) return "invalid ELF header";
  if (ident[EI_DATA] != ELFDATA2LSB) return "ELF file data encoding not little-endian";
  if (ident[EI_VERSION] != EV_CURRENT) return "ELF file version ident does not match current one";
  if (ident[EI_OSABI] != ELFOSABI_SYSV && ident[EI_OSABI] != ELFOSABI_GNU) return "ELF file OS ABI invalid";
  const bool abi_version_valid =
      ident[EI_ABIVERSION] == 0 || (ident[EI_OSABI] == ELFOSABI_GNU && ident[EI_ABIVERSION] < 4);
  if (!abi_version_valid) return "ELF file ABI version invalid";
  for (int i = EI_PAD; i < EI_NIDENT; ++i) {
    if (ident[i] != 0) return "nonzero padding in e_ident";
  }
  return "";
}

}  // namespace

const std::string* SlicedFile::Slice(uint64_t index) {
  if (const auto it = slices_.find(index); it != slices_.end()) return &it->second;
  if (slices_.size() >= kMaxSlices) slices_.clear();
  Result<std::string> bytes = system_->Read(path_, index * kSliceSize, kSliceSize);
  if (!bytes) {
    if (!failure_) failure_ = bytes.error();
    return nullptr;
  }
  return &slices_.emplace(index, std::move(*bytes)).first->second;
}

bool SlicedFile::Copy(uint64_t offset, size_t length, void* to) {
  if (length > size_ || offset > size_ - length) return false;
  char* out = static_cast<char*>(to);
  while (length > 0) {
    const std::string* slice = Slice(offset / kSliceSize);
    const size_t start = offset % kSliceSize;
    if (slice == nullptr || start >= slice->size()) return false;
    const size_t part = std::min(length, slice->size() - start);
    std::memcpy(out, slice->data() + start, part);
    out += part;
    offset += part;
    length -= part;
    // A slice that is shorter than it should be: the file shrank since its size was asked for.
    if (length > 0 && offset % kSliceSize != 0) return false;
  }
  return true;
}

std::optional<std::string> SlicedFile::Text(uint64_t offset) {
  std::string text;
  while (offset < size_ && text.size() < kMaxText) {
    const std::string* slice = Slice(offset / kSliceSize);
    const size_t start = offset % kSliceSize;
    if (slice == nullptr || start >= slice->size()) return std::nullopt;
    const size_t end = slice->find('\0', start);
    if (end != std::string::npos) {
      text.append(*slice, start, end - start);
      return text.size() < kMaxText ? std::optional(std::move(text)) : std::nullopt;
    }
    text.append(*slice, start);
    offset += slice->size() - start;
  }
  return std::nullopt;
}

Result<Image> Image::Open(const System& system, const std::string& path) {
  const Result<FileStat> stat = system.Stat(path);
  if (!stat) return stat.error();
  if (stat->type != FileType::kRegular) {
    return Error{ErrorKind::kWrongType, stat->type == FileType::kDirectory
                                            ? "cannot read file data: Is a directory"
                                            : "not a regular file"};
  }
  Image image(system, path, stat->size);
  image.ReadHeader();
  if (image.file_.failure()) return *image.file_.failure();
  return image;
}

void Image::ReadHeader() {
  const auto header = file_.Get<Elf64_Ehdr>(0);
  if (!header) {
    fault_ = "file too short";
    return;
  }
  fault_ = IdentFault(header->e_ident);
  if (!fault_.empty()) return;
  is_64_ = header->e_ident[EI_CLASS] == ELFCLASS64;
  machine_ = header->e_machine;  // at the same place in both classes
  type_ = header->e_type;
  if (!is_64_) return;
  if (header->e_version != EV_CURRENT) {
    fault_ = "ELF file version does not match current one";
  } else if (type_ != ET_DYN && type_ != ET_EXEC) {
    fault_ = "only ET_DYN and ET_EXEC can be loaded";
  } else if (header->e_phentsize != sizeof(Elf64_Phdr)) {
    fault_ = "ELF file's phentsize not the expected size";
  } else {
    ReadSegments(header->e_phoff, header->e_phnum);
  }
  if (fault_.empty()) ReadDynamic();
  if (fault_.empty()) ReadVersions();
}

void Image::ReadSegments(uint64_t table, size_t count) {
  if (count > kMaxSegments || table > file_.size()) {
    fault_ = "cannot read file data";
    return;
  }
  bool loads = false;
  for (size_t i = 0; i < count; ++i) {
    const auto header = file_.Get<Elf64_Phdr>(table + i * sizeof(Elf64_Phdr));
    if (!header) {
      fault_ = "cannot read file data";
      return;
    }
    segments_.push_back({header->p_type, header->p_offset, header->p_vaddr, header->p_filesz});
    if (header->p_type != PT_LOAD) continue;
    loads = true;
    if ((header->p_vaddr - header->p_offset) % 4096 != 0) {
      fault_ = "ELF load command address/offset not page-aligned";
    } else if (header->p_filesz > file_.size() || header->p_offset > file_.size() - header->p_filesz) {
      // mmap() takes it, and the process dies of SIGBUS at the first touch: not ld.so's words.
      fault_ = "file is cut short: a segment reaches beyond its end";
    }
  }
  if (fault_.empty() && !loads) fault_ = "object file has no loadable segments";
}

std::optional<uint64_t> Image::OffsetOf(uint64_t address) const {
  for (const Segment& segment : segments_) {
    if (segment.type == PT_LOAD && address >= segment.address &&
        address - segment.address < segment.file_size) {
      return segment.offset + (address - segment.address);
    }
  }
  return std::nullopt;
}

void Image::ReadDynamic() {
  const auto segment =
      std::find_if(segments_.begin(), segments_.end(), [](const Segment& s) { return s.type == PT_DYNAMIC; });
  if (segment == segments_.end()) {
    fault_ = "object file has no dynamic section";
    return;
  }
  // ld.so goes by the address, not by the offset in the file.
  const std::optional<uint64_t> offset = OffsetOf(segment->address);
  if (!offset) {
    fault_ = "object file has no dynamic section";
    return;
  }
  for (size_t i = 0; i < kMaxDynamic; ++i) {
    const auto entry = file_.Get<Elf64_Dyn>(*offset + i * sizeof(Elf64_Dyn));
    if (!entry || entry->d_tag == DT_NULL) break;
    dynamic_.emplace_back(entry->d_tag, entry->d_un.d_val);
  }
  strings_ = DynamicOffset(DT_STRTAB);
  symbols_ = DynamicOffset(DT_SYMTAB);
  symbol_versions_ = DynamicOffset(DT_VERSYM);
}

std::optional<uint64_t> Image::Dynamic(int64_t tag) const {
  std::optional<uint64_t> value;  // of repeated tags the last counts, as in elf_get_dynamic_info()
  for (const auto& [found, word] : dynamic_) {
    if (found == tag) value = word;
  }
  return value;
}

std::optional<uint64_t> Image::DynamicOffset(int64_t tag) const {
  const std::optional<uint64_t> address = Dynamic(tag);
  return address ? OffsetOf(*address) : std::nullopt;
}

std::optional<std::string> Image::String(uint64_t offset) {
  if (!strings_ || offset > file_.size()) return std::nullopt;
  return file_.Text(*strings_ + offset);
}

void Image::ReadVersions() {
  size_t rows = 0;
  std::optional<uint64_t> need = DynamicOffset(DT_VERNEED);
  while (need && rows < kMaxVersionRows) {
    const auto record = file_.Get<Elf64_Verneed>(*need);
    if (!record) break;
    VersionNeed file{String(record->vn_file).value_or(""), {}};
    uint64_t at = *need + record->vn_aux;
    while (++rows < kMaxVersionRows) {
      const auto version = file_.Get<Elf64_Vernaux>(at);
      if (!version) break;
      const std::string name = String(version->vna_name).value_or("");
      file.versions.push_back({name, (version->vna_flags & VER_FLG_WEAK) != 0});
      versions_[version->vna_other & 0x7fff] = {name, file.file};
      if (version->vna_next == 0) break;
      at += version->vna_next;
    }
    needs_.push_back(std::move(file));
    if (record->vn_next == 0) break;
    *need += record->vn_next;
  }
  std::optional<uint64_t> definition = DynamicOffset(DT_VERDEF);
  while (definition && ++rows < kMaxVersionRows) {
    const auto record = file_.Get<Elf64_Verdef>(*definition);
    if (!record) break;
    if (const auto name = file_.Get<Elf64_Verdaux>(*definition + record->vd_aux)) {
      const std::string text = String(name->vda_name).value_or("");
      definitions_.push_back(text);
      // The base version is the name of the file; no symbol is bound to it.
      if ((record->vd_flags & VER_FLG_BASE) == 0) versions_[record->vd_ndx & 0x7fff] = {text, ""};
    }
    if (record->vd_next == 0) break;
    *definition += record->vd_next;
  }
}

std::string Image::BuildId() {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (const Segment& segment : segments_) {
    if (segment.type != PT_NOTE) continue;
    const uint64_t end = segment.offset + std::min<uint64_t>(segment.file_size, kMaxNotes);
    uint64_t at = segment.offset;
    while (at + sizeof(Elf64_Nhdr) <= end) {
      const auto note = file_.Get<Elf64_Nhdr>(at);
      if (!note || note->n_namesz > kMaxNotes || note->n_descsz > kMaxNotes) break;
      const uint64_t name = at + sizeof(Elf64_Nhdr);
      const uint64_t content = name + (note->n_namesz + 3U) / 4 * 4;
      if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && file_.Text(name) == "GNU" &&
          note->n_descsz <= 64) {
        std::string bytes(note->n_descsz, '\0');
        if (!file_.Copy(content, bytes.size(), bytes.data())) return "";
        std::string hex;
        for (const char c : bytes) {
          hex += kDigits[static_cast<unsigned char>(c) >> 4];
          hex += kDigits[static_cast<unsigned char>(c) & 15];
        }
        return hex;
      }
      at = content + (note->n_descsz + 3U) / 4 * 4;
    }
  }
  return "";
}

Result<Object> Image::Describe() {
  if (!fault_.empty()) return Malformed(fault_);
  Object object;
  object.path = file_.path();
  object.file_size = file_.size();
  object.is_64 = is_64_;
  object.machine = machine_;
  if (!is_64_) return object;
  const uint64_t flags = Dynamic(DT_FLAGS_1).value_or(0);
  object.is_executable = type_ == ET_EXEC || (flags & DF_1_PIE) != 0;
  object.no_default_folders = (flags & DF_1_NODEFLIB) != 0;
  for (const Segment& segment : segments_) {
    if (segment.type == PT_INTERP) object.interpreter = file_.Text(segment.offset).value_or("");
  }
  for (const auto& [tag, value] : dynamic_) {
    if (tag == DT_NEEDED) {
      std::optional<std::string> name = String(value);
      if (!name) return Malformed("the name of a needed library lies outside the string table");
      object.needed.push_back(std::move(*name));
    }
  }
  if (const auto value = Dynamic(DT_SONAME)) object.soname = String(*value).value_or("");
  if (const auto value = Dynamic(DT_RPATH)) object.rpath = String(*value);
  if (const auto value = Dynamic(DT_RUNPATH)) object.runpath = String(*value);
  object.version_needs = needs_;
  object.version_definitions = definitions_;
  object.build_id = BuildId();
  if (file_.failure()) return *file_.failure();
  return object;
}

std::optional<Elf64_Sym> Image::SymbolAt(uint64_t index) {
  if (!symbols_ || index > kMaxSymbols) return std::nullopt;
  return file_.Get<Elf64_Sym>(*symbols_ + index * sizeof(Elf64_Sym));
}

uint16_t Image::VersionIndex(uint64_t symbol) {
  if (!symbol_versions_ || symbol > kMaxSymbols) return VER_NDX_GLOBAL;
  return file_.Get<uint16_t>(*symbol_versions_ + symbol * sizeof(uint16_t)).value_or(VER_NDX_GLOBAL);
}

// Symbols before the hashed ones: all the undefined ones of a library are among them.
uint64_t Image::UnhashedCount() {
  if (const std::optional<uint64_t> table = DynamicOffset(DT_GNU_HASH)) {
    const auto bloom_words = file_.Get<uint32_t>(*table + 8);
    const auto first_hashed = file_.Get<uint32_t>(*table + 4);
    const auto bloom = file_.Get<uint64_t>(*table + 16);
    const auto bucket = file_.Get<uint32_t>(*table + 24);
    // Without any export GNU ld writes an empty table that says nothing of where the undefined symbols end.
    const bool empty = bloom_words == 1U && bloom == 0U && bucket == 0U;
    if (first_hashed && !empty) return *first_hashed;
  } else if (const std::optional<uint64_t> sysv = DynamicOffset(DT_HASH)) {
    return file_.Get<uint32_t>(*sysv + 4).value_or(0);
  }
  // The string table follows the symbol table in what every known linker writes.
  const std::optional<uint64_t> symbols = DynamicOffset(DT_SYMTAB);
  const std::optional<uint64_t> strings = DynamicOffset(DT_STRTAB);
  return symbols && strings && *strings > *symbols ? (*strings - *symbols) / sizeof(Elf64_Sym) : 0;
}

Result<std::vector<Symbol>> Image::Undefined(size_t limit) {
  return ReadUndefined([](std::string_view) { return true; }, limit);
}

const Result<std::vector<Symbol>>& Image::UndefinedOf(bool (*wanted)(std::string_view version),
                                                      size_t limit) {
  if (!undefined_) undefined_ = ReadUndefined(wanted, limit);
  return *undefined_;
}

Result<std::vector<Symbol>> Image::ReadUndefined(bool (*wanted)(std::string_view version), size_t limit) {
  if (!fault_.empty()) return Malformed(fault_);
  const uint64_t count = UnhashedCount();
  if (count > limit) return Error{ErrorKind::kTooLarge, "more undefined symbols than are looked at"};
  std::vector<Symbol> symbols;
  for (uint64_t i = 1; i < count; ++i) {
    const std::optional<Elf64_Sym> entry = SymbolAt(i);
    if (!entry) break;
    if (entry->st_shndx != SHN_UNDEF || ELF64_ST_BIND(entry->st_info) == STB_LOCAL) continue;
    const auto row = versions_.find(VersionIndex(i) & 0x7fff);
    if (!wanted(row == versions_.end() ? std::string_view() : row->second.name)) continue;
    Symbol symbol;
    symbol.name = String(entry->st_name).value_or("");
    symbol.weak = ELF64_ST_BIND(entry->st_info) == STB_WEAK;
    if (row != versions_.end()) {
      symbol.version = row->second.name;
      symbol.file = row->second.file;
    }
    if (!symbol.name.empty()) symbols.push_back(std::move(symbol));
  }
  if (file_.failure()) return *file_.failure();
  return symbols;
}

// check_match() of glibc's elf/dl-lookup.c; `version` nullptr: any.
std::optional<Elf64_Sym> Image::Matching(uint64_t index, const std::string& name,
                                         const std::string* version) {
  const std::optional<Elf64_Sym> symbol = SymbolAt(index);
  if (!symbol || symbol->st_shndx == SHN_UNDEF || String(symbol->st_name) != name) return std::nullopt;
  const bool is_thread_local = ELF64_ST_TYPE(symbol->st_info) == STT_TLS;
  if (symbol->st_value == 0 && symbol->st_shndx != SHN_ABS && !is_thread_local) return std::nullopt;
  if (ELF64_ST_BIND(symbol->st_info) == STB_LOCAL) return std::nullopt;
  if (version == nullptr || !HasVersions()) return symbol;
  const uint16_t raw = VersionIndex(index);
  const uint16_t number = raw & 0x7fff;
  const bool hidden = (raw & kHiddenVersion) != 0;
  if (version->empty()) return number < 3 || !hidden ? symbol : std::nullopt;
  const auto row = versions_.find(number);
  if (row == versions_.end()) return hidden ? std::nullopt : symbol;  // the symbol has no version of its own
  return row->second.name == *version ? symbol : std::nullopt;
}

std::optional<Elf64_Sym> Image::Find(const std::string& name, const std::string* version) {
  if (const std::optional<uint64_t> table = DynamicOffset(DT_GNU_HASH)) {
    uint32_t header[4];  // buckets, first hashed symbol, words of the Bloom filter, its shift
    if (!file_.Copy(*table, sizeof header, header) || header[0] == 0 || header[2] == 0) return std::nullopt;
    const uint32_t hash = GnuHash(name);
    const uint64_t filter = *table + sizeof header;
    const auto word = file_.Get<uint64_t>(filter + (hash / 64) % header[2] * 8ULL);
    const uint64_t bits = 1ULL << (hash % 64) | 1ULL << ((hash >> (header[3] % 32)) % 64);
    if (!word || (*word & bits) != bits) return std::nullopt;
    const uint64_t buckets = filter + header[2] * 8ULL;
    const uint64_t chains = buckets + header[0] * 4ULL;
    const auto first = file_.Get<uint32_t>(buckets + hash % header[0] * 4ULL);
    if (!first || *first < header[1]) return std::nullopt;
    for (uint64_t i = *first; i < *first + kMaxChain; ++i) {
      const auto entry = file_.Get<uint32_t>(chains + (i - header[1]) * 4);
      if (!entry) return std::nullopt;
      if ((*entry | 1U) == (hash | 1U)) {
        if (auto symbol = Matching(i, name, version)) return symbol;
      }
      if ((*entry & 1U) != 0) return std::nullopt;
    }
    return std::nullopt;
  }
  const std::optional<uint64_t> table = DynamicOffset(DT_HASH);
  uint32_t header[2];  // buckets, chains
  if (!table || !file_.Copy(*table, sizeof header, header) || header[0] == 0) return std::nullopt;
  const uint64_t buckets = *table + sizeof header;
  const uint64_t chains = buckets + header[0] * 4ULL;
  auto index = file_.Get<uint32_t>(buckets + SysvHash(name) % header[0] * 4ULL);
  for (size_t steps = 0; index && *index != STN_UNDEF && steps < kMaxChain; ++steps) {
    if (auto symbol = Matching(*index, name, version)) return symbol;
    index = file_.Get<uint32_t>(chains + *index * 4ULL);
  }
  return std::nullopt;
}

bool Image::Defines(const std::string& name, const std::string& version) {
  return fault_.empty() && Find(name, &version).has_value();
}

std::optional<std::string> Image::Bytes(const std::string& symbol, size_t limit) {
  if (!fault_.empty()) return std::nullopt;
  const std::optional<Elf64_Sym> entry = Find(symbol, nullptr);
  if (!entry) return std::nullopt;
  const std::optional<uint64_t> offset = OffsetOf(entry->st_value);
  if (!offset) return std::nullopt;
  std::string bytes(std::min<uint64_t>(entry->st_size, limit), '\0');
  return file_.Copy(*offset, bytes.size(), bytes.data()) ? std::optional(std::move(bytes)) : std::nullopt;
}

}  // namespace tfdoctor::elf
