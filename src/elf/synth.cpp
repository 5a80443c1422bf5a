#include "elf/synth.h"

#include <elf.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>

#include "elf/hash.h"

namespace tfdoctor::elf {
namespace {

class StringTable {
 public:
  uint32_t Add(const std::string& text) {
    if (text.empty()) return 0;
    const auto [it, added] = offsets_.try_emplace(text, static_cast<uint32_t>(bytes_.size()));
    if (added) bytes_ += text + '\0';
    return it->second;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_ = std::string(1, '\0');
  std::map<std::string, uint32_t> offsets_;
};

template <class T>
void Append(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void Align(std::string& out, size_t to) { out.resize((out.size() + to - 1) / to * to, '\0'); }

std::string FromHex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::strtoul(hex.substr(i, 2).c_str(), nullptr, 16));
  }
  return bytes;
}

class Writer {
 public:
  explicit Writer(const Blueprint& blueprint) : print_(blueprint) {
    SortExports();
    CollectVersions();
  }
  std::string Write();

 private:
  static constexpr uint64_t kPage = 0x10000;  // the largest of x86_64 and aarch64
  static constexpr size_t kHeaders = 6;

  void SortExports();
  void CollectVersions();
  std::string Symbols(uint64_t data_address);
  std::string Hash() const;
  std::string VersionIndices() const;
  std::string Definitions();
  std::string Needs();
  std::string Relocations(uint64_t slots_address) const;
  uint32_t BucketCount() const { return static_cast<uint32_t>(std::max<size_t>(1, exports_.size() / 2)); }
  bool HasVersions() const { return !needs_.empty() || !definitions_.empty(); }

  const Blueprint& print_;
  StringTable strings_;
  std::vector<Export> exports_;
  std::vector<VersionNeed> needs_;
  std::vector<std::string> definitions_;                                // without the base
  std::map<std::pair<std::string, std::string>, uint16_t> need_index_;  // (file, version) -> index
  std::map<std::string, uint16_t> definition_index_;
};

void Writer::SortExports() {
  exports_ = print_.exports;
  // DT_GNU_HASH wants the symbols of a bucket side by side.
  std::stable_sort(exports_.begin(), exports_.end(), [this](const Export& a, const Export& b) {
    return GnuHash(a.name) % BucketCount() < GnuHash(b.name) % BucketCount();
  });
}

void Writer::CollectVersions() {
  definitions_ = print_.version_definitions;
  for (const Export& symbol : exports_) {
    if (!symbol.version.empty()) definitions_.push_back(symbol.version);
  }
  uint16_t index = 2;  // 0 local, 1 global and the base definition
  std::vector<std::string> unique;
  for (const std::string& name : definitions_) {
    if (definition_index_.try_emplace(name, index).second) {
      unique.push_back(name);
      ++index;
    }
  }
  definitions_ = std::move(unique);

  const auto add_need = [&](const std::string& file, const std::string& version, bool weak) {
    if (!need_index_.try_emplace({file, version}, index).second) return;
    ++index;
    auto it =
        std::find_if(needs_.begin(), needs_.end(), [&](const VersionNeed& n) { return n.file == file; });
    if (it == needs_.end()) it = needs_.insert(needs_.end(), VersionNeed{file, {}});
    it->versions.push_back({version, weak});
  };
  for (const VersionNeed& need : print_.version_needs) {
    for (const VersionNeed::Version& version : need.versions) add_need(need.file, version.name, version.weak);
  }
  for (const Symbol& symbol : print_.imports) {
    if (!symbol.version.empty()) add_need(symbol.file, symbol.version, false);
  }
}

std::string Writer::Symbols(uint64_t data_address) {
  std::string out(sizeof(Elf64_Sym), '\0');
  for (const Symbol& import : print_.imports) {
    Elf64_Sym symbol{};
    symbol.st_name = strings_.Add(import.name);
    symbol.st_info =
        static_cast<unsigned char>(ELF64_ST_INFO(import.weak ? STB_WEAK : STB_GLOBAL, STT_NOTYPE));
    Append(out, symbol);
  }
  for (const Export& exported : exports_) {
    Elf64_Sym symbol{};
    symbol.st_name = strings_.Add(exported.name);
    symbol.st_info = static_cast<unsigned char>(
        ELF64_ST_INFO(STB_GLOBAL, exported.bytes.empty() ? STT_NOTYPE : STT_OBJECT));
    symbol.st_shndx = 1;  // any section but SHN_UNDEF: there is no section table
    symbol.st_value = data_address;
    symbol.st_size = exported.bytes.size();
    data_address += (exported.bytes.size() + 15) / 16 * 16;
    Append(out, symbol);
  }
  return out;
}

std::string Writer::Hash() const {
  const auto first = static_cast<uint32_t>(1 + print_.imports.size());
  const uint32_t buckets = BucketCount();
  std::string out;
  if (!print_.gnu_hash) {
    const auto count = static_cast<uint32_t>(first + exports_.size());
    std::vector<uint32_t> heads(buckets, 0);
    std::vector<uint32_t> chains(count, 0);
    for (uint32_t i = first; i < count; ++i) {
      uint32_t& head = heads[SysvHash(exports_[i - first].name) % buckets];
      chains[i] = std::exchange(head, i);
    }
    Append(out, buckets);
    Append(out, count);
    for (const uint32_t head : heads) Append(out, head);
    for (const uint32_t chain : chains) Append(out, chain);
    return out;
  }
  constexpr uint32_t kShift = 6;
  uint64_t bloom = 0;
  std::vector<uint32_t> heads(buckets, 0);
  std::vector<uint32_t> hashes;
  for (uint32_t i = 0; i < exports_.size(); ++i) {
    const uint32_t hash = GnuHash(exports_[i].name);
    bloom |= 1ULL << (hash % 64) | 1ULL << ((hash >> kShift) % 64);
    uint32_t& head = heads[hash % buckets];
    if (head == 0) head = first + i;
    const bool last = i + 1 == exports_.size() || GnuHash(exports_[i + 1].name) % buckets != hash % buckets;
    hashes.push_back(last ? hash | 1U : hash & ~1U);
  }
  Append(out, buckets);
  Append(out, first);
  Append(out, uint32_t{1});  // words of the Bloom filter
  Append(out, kShift);
  Append(out, bloom);
  for (const uint32_t head : heads) Append(out, head);
  for (const uint32_t hash : hashes) Append(out, hash);
  return out;
}

std::string Writer::VersionIndices() const {
  std::string out;
  Append(out, uint16_t{VER_NDX_LOCAL});
  for (const Symbol& import : print_.imports) {
    const auto it = need_index_.find({import.file, import.version});
    Append(out, it == need_index_.end() ? uint16_t{VER_NDX_GLOBAL} : it->second);
  }
  for (const Export& exported : exports_) {
    const auto it = definition_index_.find(exported.version);
    Append(out, it == definition_index_.end() ? uint16_t{VER_NDX_GLOBAL} : it->second);
  }
  return out;
}

std::string Writer::Definitions() {
  std::string out;
  const auto add = [&](const std::string& name, uint16_t index, uint16_t flags, bool last) {
    Elf64_Verdef definition{};
    definition.vd_version = VER_DEF_CURRENT;
    definition.vd_flags = flags;
    definition.vd_ndx = index;
    definition.vd_cnt = 1;
    definition.vd_hash = SysvHash(name);
    definition.vd_aux = sizeof definition;
    definition.vd_next = last ? 0 : sizeof definition + sizeof(Elf64_Verdaux);
    Append(out, definition);
    Append(out, Elf64_Verdaux{strings_.Add(name), 0});
  };
  if (definitions_.empty()) return out;
  add(print_.soname, VER_NDX_GLOBAL, VER_FLG_BASE, false);
  for (const std::string& name : definitions_) {
    add(name, definition_index_.at(name), 0, &name == &definitions_.back());
  }
  return out;
}

std::string Writer::Needs() {
  std::string out;
  for (const VersionNeed& file : needs_) {
    Elf64_Verneed need{};
    need.vn_version = VER_NEED_CURRENT;
    need.vn_cnt = static_cast<uint16_t>(file.versions.size());
    need.vn_file = strings_.Add(file.file);
    need.vn_aux = sizeof need;
    need.vn_next = &file == &needs_.back()
                       ? 0
                       : static_cast<uint32_t>(sizeof need + file.versions.size() * sizeof(Elf64_Vernaux));
    Append(out, need);
    for (const VersionNeed::Version& version : file.versions) {
      Elf64_Vernaux aux{};
      aux.vna_hash = SysvHash(version.name);
      aux.vna_flags = version.weak ? VER_FLG_WEAK : 0;
      aux.vna_other = need_index_.at({file.file, version.name});
      aux.vna_name = strings_.Add(version.name);
      aux.vna_next = &version == &file.versions.back() ? 0 : sizeof aux;
      Append(out, aux);
    }
  }
  return out;
}

// One pointer for each import: ld.so binds only what a relocation asks for.
std::string Writer::Relocations(uint64_t slots_address) const {
  const uint32_t type = print_.machine == kMachineAarch64 ? R_AARCH64_ABS64 : R_X86_64_64;
  std::string out;
  for (size_t i = 0; i < print_.imports.size(); ++i) {
    Append(out, Elf64_Rela{slots_address + i * 8, ELF64_R_INFO(i + 1, type), 0});
  }
  return out;
}

std::string Writer::Write() {
  // Names first, so that every offset into the string table exists before the table is placed.
  for (const std::string& name : print_.needed) strings_.Add(name);
  strings_.Add(print_.soname);
  strings_.Add(print_.rpath.value_or(""));
  strings_.Add(print_.runpath.value_or(""));
  const std::string definitions = Definitions();
  const std::string needs = Needs();
  Symbols(0);  // adds the names

  std::string out(sizeof(Elf64_Ehdr) + kHeaders * sizeof(Elf64_Phdr), '\0');
  const auto place = [&](const std::string& bytes) {
    Align(out, 8);
    const uint64_t at = out.size();
    out += bytes;
    return at;
  };
  const uint64_t interpreter = place(print_.interpreter.empty() ? "" : print_.interpreter + '\0');
  std::string note;
  if (const std::string id = FromHex(print_.build_id); !id.empty()) {
    Append(note, Elf64_Nhdr{4, static_cast<uint32_t>(id.size()), NT_GNU_BUILD_ID});
    note += std::string("GNU\0", 4) + id;
  }
  const uint64_t note_at = place(note);
  const uint64_t hash = place(Hash());
  const uint64_t symbols =
      place(std::string(sizeof(Elf64_Sym) * (1 + print_.imports.size() + exports_.size()), '\0'));
  const uint64_t strings = place(strings_.bytes());
  const uint64_t indices = place(VersionIndices());
  const uint64_t definitions_at = place(definitions);
  const uint64_t needs_at = place(needs);
  const uint64_t relocations = place(std::string(sizeof(Elf64_Rela) * print_.imports.size(), '\0'));
  const uint64_t read_only_end = out.size();

  // The writable part lies in the next page of memory, and right behind in the file.
  Align(out, 16);
  const uint64_t writable = out.size();
  const uint64_t shift = kPage;  // address = offset + shift
  const uint64_t slots = place(std::string(8 * print_.imports.size() + 8, '\0'));
  Align(out, 16);
  const uint64_t data = out.size();
  for (const Export& exported : exports_) {
    out += exported.bytes;
    Align(out, 16);
  }
  Append(out, uint64_t{0});  // what exports without bytes point at
  const uint64_t dynamic_at = place("");
  const auto dynamic = [&](int64_t tag, uint64_t value) {
    Elf64_Dyn entry{};
    entry.d_tag = tag;
    entry.d_un.d_val = value;
    Append(out, entry);
  };
  for (const std::string& name : print_.needed) dynamic(DT_NEEDED, strings_.Add(name));
  if (!print_.soname.empty()) dynamic(DT_SONAME, strings_.Add(print_.soname));
  if (print_.rpath) dynamic(DT_RPATH, strings_.Add(*print_.rpath));
  if (print_.runpath) dynamic(DT_RUNPATH, strings_.Add(*print_.runpath));
  dynamic(print_.gnu_hash ? DT_GNU_HASH : DT_HASH, hash);
  dynamic(DT_SYMTAB, symbols);
  dynamic(DT_SYMENT, sizeof(Elf64_Sym));
  dynamic(DT_STRTAB, strings);
  dynamic(DT_STRSZ, strings_.bytes().size());
  if (HasVersions()) dynamic(DT_VERSYM, indices);
  if (!definitions_.empty()) {
    dynamic(DT_VERDEF, definitions_at);
    dynamic(DT_VERDEFNUM, definitions_.size() + 1);
  }
  if (!needs_.empty()) {
    dynamic(DT_VERNEED, needs_at);
    dynamic(DT_VERNEEDNUM, needs_.size());
  }
  if (!print_.imports.empty()) {
    dynamic(DT_RELA, relocations);
    dynamic(DT_RELASZ, sizeof(Elf64_Rela) * print_.imports.size());
    dynamic(DT_RELAENT, sizeof(Elf64_Rela));
  }
  const uint64_t flags = (print_.no_default_folders ? DF_1_NODEFLIB : 0U) |
                         (print_.interpreter.empty() ? 0U : static_cast<unsigned>(DF_1_PIE));
  if (flags != 0) dynamic(DT_FLAGS_1, flags);
  dynamic(DT_NULL, 0);

  const std::string symbol_bytes = Symbols(data + shift);
  out.replace(symbols, symbol_bytes.size(), symbol_bytes);
  const std::string relocation_bytes = Relocations(slots + shift);
  out.replace(relocations, relocation_bytes.size(), relocation_bytes);

  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_DYN;
  header.e_machine = print_.machine;
  header.e_version = EV_CURRENT;
  header.e_phoff = sizeof header;
  header.e_ehsize = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = kHeaders;
  std::string head;
  Append(head, header);
  const auto segment = [&](uint32_t type, uint32_t access, uint64_t start, uint64_t end, uint64_t by,
                           uint64_t align) {
    const uint64_t size = end - start;
    Append(head, Elf64_Phdr{size == 0 && type != PT_GNU_STACK ? PT_NULL : type, access, start, start + by,
                            start + by, size, size, align});
  };
  segment(PT_LOAD, PF_R, 0, read_only_end, 0, kPage);
  segment(PT_LOAD, PF_R | PF_W, writable, out.size(), shift, kPage);
  segment(PT_DYNAMIC, PF_R | PF_W, dynamic_at, out.size(), shift, 8);
  segment(PT_INTERP, PF_R, interpreter,
          interpreter + (print_.interpreter.empty() ? 0 : print_.interpreter.size() + 1), 0, 1);
  segment(PT_NOTE, PF_R, note_at, note_at + note.size(), 0, 4);
  segment(PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 16);
  out.replace(0, head.size(), head);
  return out;
}

}  // namespace

std::string WriteObject(const Blueprint& blueprint) { return Writer(blueprint).Write(); }

}  // namespace tfdoctor::elf
