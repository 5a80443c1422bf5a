#include "knowledge/rows/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "base/text.h"
#include "base/toml.h"

namespace tfdoctor {
namespace {

constexpr size_t kLargestFile = 4 << 20;  // ours have 170 kB; a file of the user's has a few rows

bool Digit(char c) { return c >= '0' && c <= '9'; }
bool LowerCase(char c) { return c >= 'a' && c <= 'z'; }

// What a text must look like, and how to say so.
struct Form {
  bool (*fits)(std::string_view);
  const char* example;
};
// One line that is safe to show: our tables join texts with newlines.
bool IsLine(std::string_view t) {
  return !t.empty() && t.size() <= 4096 && std::none_of(t.begin(), t.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
  });
}
// Numbers with dots between them.
bool IsDotted(std::string_view t) {
  for (const std::string& part : Split(t, '.')) {
    if (part.empty() || part.size() > 9 || !std::all_of(part.begin(), part.end(), Digit)) return false;
  }
  return true;
}
bool IsVersion(std::string_view t) {
  return !t.empty() && t.size() <= 64 && Digit(t[0]) && std::all_of(t.begin(), t.end(), [](char c) {
    return Digit(c) || LowerCase(c) || c == '.' || c == '+' || c == '-';
  });
}
bool IsCapability(std::string_view t) {
  size_t dot = t.find('.');
  return IsDotted(t) && (dot == 1 || dot == 2) && t.size() == dot + 2;
}
bool IsSoname(std::string_view t) {
  return IsLine(t) && t.starts_with("lib") && t.find(".so") != t.npos && t.find('/') == t.npos;
}
bool IsDate(std::string_view t) {
  if (t.size() != 10) return false;
  for (size_t i = 0; i < 10; i++) {
    if (i == 4 || i == 7 ? t[i] != '-' : !Digit(t[i])) return false;
  }
  std::string_view month = t.substr(5, 2), day = t.substr(8, 2);
  return month >= "01" && month <= "12" && day >= "01" && day <= "31";
}
bool IsDistribution(std::string_view t) {
  return !t.empty() && t.size() <= 100 && LowerCase(t[0]) &&
         std::all_of(t.begin(), t.end(), [](char c) { return LowerCase(c) || Digit(c) || c == '-'; });
}
bool IsWord(std::string_view t) {
  return !t.empty() && t.size() <= 32 &&
         std::all_of(t.begin(), t.end(), [](char c) { return LowerCase(c) || Digit(c) || c == '_'; });
}
bool IsPythonTag(std::string_view t) {
  return t.size() > 2 && t.size() < 8 && t.starts_with("cp") && std::all_of(t.begin() + 2, t.end(), Digit);
}
bool IsPciId(std::string_view t) {
  return t.size() == 4 &&
         std::all_of(t.begin(), t.end(), [](char c) { return Digit(c) || (c >= 'a' && c <= 'f'); });
}
bool IsRelativePath(std::string_view t) {
  return IsLine(t) && t[0] != '/' && ("/" + std::string(t) + "/").find("/../") == std::string::npos &&
         t.find('\t') == t.npos;
}
bool IsBranch(std::string_view t) { return IsDotted(t) && t.find('.') == t.npos; }

constexpr Form kLine = {IsLine, "one line of text"};
constexpr Form kDotted = {IsDotted, "numbers with dots, such as \"12.5.1\""};
constexpr Form kVersion = {IsVersion, "a version, such as \"2.21.0\""};
constexpr Form kCapability = {IsCapability, "a compute capability, such as \"8.9\""};
constexpr Form kSoname = {IsSoname, "a library's name, such as \"libcudnn.so.9\""};
constexpr Form kDate = {IsDate, "a date, such as \"2026-11-23\""};
constexpr Form kDistribution = {IsDistribution,
                                "a distribution's name in lower case with '-', such as \"tf-nightly\""};
constexpr Form kWord = {IsWord, "a word in lower case, such as \"x86_64\" or \"avx\""};
constexpr Form kPythonTag = {IsPythonTag, "a Python tag, such as \"cp312\""};
constexpr Form kPciId = {IsPciId, "four hexadecimal digits in lower case, such as \"2684\""};
constexpr Form kPath = {IsRelativePath,
                        "a path below site-packages, such as \"nvidia/cudnn/lib/libcudnn.so.9\""};
constexpr Form kBranch = {IsBranch, "a driver branch, such as \"570\""};

bool IsKind(std::string_view t) { return t == "trouble" || t == "harmless" || t == "info"; }
constexpr Form kKind = {IsKind, "\"trouble\", \"harmless\" or \"info\""};
const std::string_view* FindShows(std::string_view t) {
  return std::find(std::begin(kShowsNames), std::end(kShowsNames), t);
}
bool IsShows(std::string_view t) { return FindShows(t) != std::end(kShowsNames); }
constexpr Form kShows = {IsShows, "a name of enum Shows, such as \"no-device\""};
bool IsDefect(std::string_view t) {
  return t == "unresolvable" || t == "resolvable" || t == "search-path" || t == "wrong-libraries";
}
constexpr Form kDefect = {IsDefect,
                          "\"unresolvable\", \"resolvable\", \"search-path\" or \"wrong-libraries\""};
bool IsAnswer(std::string_view t) {
  const size_t colon = t.find(": ");
  return IsLine(t) && colon != t.npos && colon > 0 && colon + 2 < t.size();
}
constexpr Form kAnswer = {IsAnswer, "a word and the fact as JSON, such as 'no: \"@absent\"'"};
bool IsSaying(std::string_view t) { return IsDistribution(t) && t.starts_with("says-"); }
constexpr Form kSaying = {IsSaying, "a name that begins with \"says-\", such as \"says-suspend\""};
bool IsInLowerCase(std::string_view t) {
  return IsLine(t) && std::none_of(t.begin(), t.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}
constexpr Form kInLowerCase = {IsInLowerCase, "words in lower case, such as \"docker desktop\""};
size_t LongestLiteral(std::string_view text) {
  size_t longest = 0, current = 0;
  bool hole = false;
  for (char c : text) {
    if (c == '{') hole = true, current = 0;
    if (!hole) longest = std::max(longest, ++current);
    if (c == '}') hole = false;
  }
  return longest;
}

constexpr bool kMust = true;
constexpr bool kMay = false;

struct File {
  std::string_view name;
  std::optional<Error> error;  // the first one counts

  void Fail(const toml::node& at, const std::string& message) {
    if (error) return;
    toml::source_position p = at.source().begin;
    error = Error{ErrorKind::kMalformed, fmt::format("{}:{}:{}: {}", name, p.line, p.column, message)};
  }
};

// One table of the file. It remembers which keys were asked for: the others are unknown.
class Row {
 public:
  Row(const toml::table& table, std::string_view kind, File& file)
      : table_(table), kind_(kind), file_(file) {}

  void Fail(const std::string& message) { file_.Fail(table_, message); }

  std::string Text(std::string_view key, const Form& form, bool must) {
    const toml::node* node = Find(key, must);
    return node == nullptr ? "" : TextOf(*node, key, form);
  }
  std::vector<std::string> Texts(std::string_view key, const Form& form, bool must = kMay) {
    std::vector<std::string> texts;
    if (const toml::array* list = List(key, must)) {
      for (const toml::node& node : *list) texts.push_back(TextOf(node, key, form));
    }
    return texts;
  }
  std::optional<bool> Bool(std::string_view key, bool must) {
    const toml::node* node = Find(key, must);
    if (node == nullptr) return std::nullopt;
    if (const auto* value = node->as_boolean()) return value->get();
    file_.Fail(*node, fmt::format("{} is true or false, without quotes", key));
    return std::nullopt;
  }
  int64_t Number(std::string_view key) {
    const toml::node* node = Find(key, kMust);
    return node == nullptr ? 0 : NumberOf(*node, key);
  }
  // [["path", size], …]
  std::vector<std::pair<std::string, uint64_t>> Sizes(std::string_view key) {
    std::vector<std::pair<std::string, uint64_t>> sizes;
    const toml::array* list = List(key, kMay);
    for (size_t i = 0; list != nullptr && i < list->size(); i++) {
      const toml::array* pair = (*list)[i].as_array();
      if (pair == nullptr || pair->size() != 2) {
        file_.Fail(
            (*list)[i],
            fmt::format("{} holds pairs, such as [\"tensorflow/libtensorflow_cc.so.2\", 1096372272]", key));
        break;
      }
      sizes.emplace_back(TextOf((*pair)[0], key, kPath), static_cast<uint64_t>(NumberOf((*pair)[1], key)));
    }
    return sizes;
  }
  // The tables in a list: [[wheel.library]] or rows = [ { … }, … ].
  std::vector<Row> Tables(std::string_view key, std::string_view kind) {
    std::vector<Row> rows;
    const toml::array* list = List(key, kMust);
    if (list == nullptr) return rows;
    if (list->empty()) file_.Fail(*list, fmt::format("{} is empty", key));
    for (const toml::node& node : *list) {
      if (const toml::table* table = node.as_table()) {
        rows.emplace_back(*table, kind, file_);
      } else {
        file_.Fail(node, fmt::format("{} holds tables, such as {{ version = \"2.21.0\" }}", key));
      }
    }
    return rows;
  }

  // After everything that may be there was asked for.
  void RejectUnknownKeys() {
    asked_.push_back("note");
    for (const auto& [key, node] : table_) {
      std::string name(key.str());
      if (std::find(asked_.begin(), asked_.end(), name) != asked_.end()) continue;
      file_.Fail(node, fmt::format("unknown key {} in {}; known here: {}", Printable(name, 60), kind_,
                                   Join(asked_, ", ")));
    }
  }

 private:
  const toml::node* Find(std::string_view key, bool must) {
    if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) asked_.emplace_back(key);
    const toml::node* node = table_.get(key);
    if (node == nullptr && must) Fail(fmt::format("{} has no {}", kind_, key));
    return node;
  }
  const toml::array* List(std::string_view key, bool must) {
    const toml::node* node = Find(key, must);
    if (node != nullptr && !node->is_array())
      file_.Fail(*node, fmt::format("{} is a list: {} = [ … ]", key, key));
    return node == nullptr ? nullptr : node->as_array();
  }
  std::string TextOf(const toml::node& node, std::string_view key, const Form& form) {
    const auto* value = node.as_string();
    if (value != nullptr && form.fits(value->get())) return value->get();
    file_.Fail(node, value == nullptr ? fmt::format("{} is a text in quotes: {}", key, form.example)
                                      : fmt::format("{} is {}, not \"{}\"", key, form.example,
                                                    Printable(value->get(), 60)));
    return "";
  }
  int64_t NumberOf(const toml::node& node, std::string_view key) {
    const auto* value = node.as_integer();
    if (value != nullptr && value->get() >= 0) return value->get();
    file_.Fail(node, fmt::format("{} takes a whole number, not negative and without quotes", key));
    return 0;
  }

  const toml::table& table_;
  std::string_view kind_;
  File& file_;
  std::vector<std::string> asked_;
};

void Once(Row& row, Rows& rows, const std::string& what) {
  if (!rows.keys.insert(what).second) row.Fail(what + " is there twice");
}

template <class T>
bool Within(const std::vector<T>& few, const std::vector<T>& all) {
  return std::all_of(few.begin(), few.end(),
                     [&](const T& one) { return std::find(all.begin(), all.end(), one) != all.end(); });
}

// Names the build and refuses a second one.
void Identify(TensorFlowBuild& build, Row& row, Rows& rows) {
  build.key = build.distribution + " " + build.version;
  Once(row, rows, build.key + " for " + build.machine);
}

void AddBuild(Row&, Row& row, Rows& rows) {
  TensorFlowBuild b;
  b.scanned = b.cuda_known = true;
  b.distribution = row.Text("distribution", kDistribution, kMust);
  b.version = row.Text("version", kVersion, kMust);
  b.machine = row.Text("machine", kWord, kMust);
  b.wheel = row.Text("wheel", kLine, kMay);
  b.date = row.Text("uploaded", kDate, kMay);
  b.pythons = row.Texts("pythons", kPythonTag, kMust);
  b.glibc = row.Text("glibc", kDotted, kMay);
  b.cuda = row.Bool("cuda", kMust).value_or(false);
  b.rocm = row.Bool("rocm", kMay).value_or(false);
  b.cuda_version = row.Text("cuda_version", kDotted, b.cuda);
  b.cudnn_version = row.Text("cudnn_version", kDotted, kMay);
  b.sass = row.Texts("sass", kCapability);
  b.ptx = row.Texts("ptx", kCapability);
  b.sass_partial = row.Texts("sass_partial", kCapability);
  b.ptx_isa = row.Text("ptx_isa", kDotted, !b.ptx.empty());
  b.ptx_isa_partial = row.Text("ptx_isa_partial", kDotted, !b.sass_partial.empty());
  b.opens = row.Texts("opens", kSoname, b.cuda);
  b.opens_at_start = row.Texts("opens_at_start", kSoname, b.cuda);
  b.needs_nvml = row.Bool("needs_nvml", kMay);
  b.cpu_flags = row.Texts("cpu_flags", kWord);
  b.requires_dist = row.Texts("requires_dist", kLine);
  b.objects = row.Sizes("objects");
  if (!Within(b.opens_at_start, b.opens)) row.Fail("opens_at_start names a library that is not in opens");
  if (!b.cuda && !b.opens.empty()) row.Fail("a build without CUDA opens no CUDA libraries: leave opens out");
  Identify(b, row, rows);
  rows.builds.push_back(std::move(b));
}

void AddRelease(Row& group, Row& row, Rows& rows) {
  TensorFlowBuild b;
  b.distribution = group.Text("distribution", kDistribution, kMust);
  b.machine = group.Text("machine", kWord, kMust);
  std::optional<bool> all_cuda = group.Bool("cuda", kMay), cuda = row.Bool("cuda", kMay);
  b.cuda_known = all_cuda || cuda;
  b.cuda = cuda.value_or(all_cuda.value_or(false));
  b.rocm = group.Bool("rocm", kMay).value_or(false);
  b.cpu_flags = group.Texts("cpu_flags", kWord);
  b.version = row.Text("version", kVersion, kMust);
  b.date = row.Text("uploaded", kDate, kMust);
  b.glibc = row.Text("glibc", kDotted, kMay);
  b.pythons = row.Texts("pythons", kPythonTag);
  Identify(b, row, rows);
  rows.builds.push_back(std::move(b));
}

void AddFlavour(Row&, Row& row, Rows& rows) {
  rows.flavours.push_back(row.Text("distribution", kDistribution, kMust));
  Once(row, rows, "flavour " + rows.flavours.back());
}

void AddWheel(Row&, Row& row, Rows& rows) {
  NvidiaWheel wheel;
  wheel.scanned = true;
  wheel.distribution = row.Text("distribution", kDistribution, kMust);
  wheel.version = row.Text("version", kDotted, kMust);
  for (Row& part : row.Tables("library", "[[wheel.library]]")) {
    WheelLibrary& library = wheel.libraries.emplace_back();
    library.path = part.Text("path", kPath, kMust);
    library.soname = part.Text("soname", kSoname, kMust);
    library.size = static_cast<uint64_t>(part.Number("size"));
    library.needed = part.Texts("needed", kSoname);
    library.runpath = part.Text("runpath", kLine, kMay);
    library.rpath = part.Text("rpath", kLine, kMay);
    library.sass = part.Texts("sass", kCapability);
    library.ptx = part.Texts("ptx", kCapability);
    part.RejectUnknownKeys();
    Once(part, rows, fmt::format("{} in {} {}", library.path, wheel.distribution, wheel.version));
  }
  Once(row, rows, fmt::format("{} {}", wheel.distribution, wheel.version));
  rows.wheels.push_back(std::move(wheel));
}

void AddVersions(Row&, Row& row, Rows& rows) {
  std::string distribution = row.Text("distribution", kDistribution, kMust);
  for (const std::string& version : row.Texts("versions", kDotted, kMust)) {
    Once(row, rows, fmt::format("{} {}", distribution, version));
    NvidiaWheel& wheel = rows.wheels.emplace_back();
    wheel.distribution = distribution;
    wheel.version = version;
  }
}

void AddSoname(Row& group, Row& row, Rows& rows) {
  SonameRow s;
  s.cuda_major = static_cast<int>(std::min<int64_t>(group.Number("cuda_major"), 1000));
  s.soname = row.Text("soname", kSoname, kMust);
  s.distribution = row.Text("distribution", kDistribution, kMust);
  s.path = row.Text("path", kPath, kMust);
  s.needed = row.Texts("needed", kSoname);
  Once(row, rows, fmt::format("{} for CUDA {}", s.soname, s.cuda_major));
  rows.sonames.push_back(std::move(s));
}

void AddPair(Row& row, Rows& rows, const char* what, std::map<std::string, std::string>& map, const char* key,
             const Form& key_form, const char* value) {
  std::string name = row.Text(key, key_form, kMust);
  map[name] = row.Text(value, kDotted, kMust);
  Once(row, rows, fmt::format("{} {}", what, name));
}
void AddFloor(Row&, Row& row, Rows& rows) {
  AddPair(row, rows, "the driver floor of CUDA", rows.driver_floors, "cuda", kDotted, "driver");
}
void AddToolkit(Row&, Row& row, Rows& rows) {
  AddPair(row, rows, "the toolkit", rows.toolkit_drivers, "cuda", kDotted, "driver");
}
void AddBranch(Row&, Row& row, Rows& rows) {
  AddPair(row, rows, "the driver branch", rows.cuda_of_branches, "branch", kBranch, "cuda");
}
void AddPtx(Row&, Row& row, Rows& rows) {
  AddPair(row, rows, "the PTX ISA", rows.drivers_of_ptx, "isa", kDotted, "driver");
}

void AddArchitecture(Row&, Row& row, Rows& rows) {
  ArchitectureRow a;
  a.compute_capability = row.Text("compute_capability", kCapability, kMust);
  a.name = row.Text("name", kLine, kMust);
  a.first_branch = row.Text("first_branch", kBranch, kMay);
  a.last_branch = row.Text("last_branch", kBranch, kMay);
  Once(row, rows, "compute capability " + a.compute_capability);
  rows.architectures.push_back(std::move(a));
}

ArchitectureLimits Limits(Row& row) {
  ArchitectureLimits limits;
  limits.lowest = row.Text("lowest", kCapability, kMay);
  limits.highest = row.Text("highest", kCapability, kMay);
  if (!limits.highest.empty() && CompareVersions(limits.lowest, limits.highest) > 0)
    row.Fail("lowest is above highest");
  return limits;
}
void AddCudaLimits(Row&, Row& row, Rows& rows) {
  std::string cuda = row.Text("cuda", kDotted, kMust);
  rows.cuda_limits[cuda] = Limits(row);
  Once(row, rows, "limits of CUDA " + cuda);
}
void AddCudnnLimits(Row&, Row& row, Rows& rows) {
  std::string cudnn = row.Text("cudnn", kDotted, kMust);
  int major = static_cast<int>(std::min<int64_t>(row.Number("cuda_major"), 1000));
  rows.cudnn_limits[{cudnn, major}] = Limits(row);
  Once(row, rows, fmt::format("limits of cuDNN {} for CUDA {}", cudnn, major));
}

void AddGpu(Row&, Row& row, Rows& rows) {
  GpuModel gpu;
  gpu.pci_id = row.Text("id", kPciId, kMust);
  gpu.name = row.Text("name", kLine, kMust);
  gpu.architecture = row.Text("architecture", kLine, kMust);
  gpu.compute_capability = row.Text("compute_capability", kCapability, kMay);
  Once(row, rows, "GPU " + gpu.pci_id);
  rows.gpus.push_back(std::move(gpu));
}

void AddGpuRange(Row&, Row& row, Rows& rows) {
  GpuRangeRow r;
  r.first = row.Text("first", kPciId, kMust);
  r.last = row.Text("last", kPciId, kMust);
  r.architecture = row.Text("architecture", kLine, kMust);
  r.compute_capability = row.Text("compute_capability", kCapability, kMay);
  if (r.first > r.last) row.Fail("first is above last");
  for (const GpuRangeRow& other : rows.gpu_ranges) {
    if (r.first <= other.last && other.first <= r.last)
      row.Fail(fmt::format("overlaps the range {} to {}", other.first, other.last));
  }
  rows.gpu_ranges.push_back(std::move(r));
}

void AddMessage(Row& group, Row& row, Rows& rows) {
  MessageData m;
  m.by = group.Text("by", kLine, kMust);
  m.id = row.Text("id", kDistribution, kMust);
  m.texts = row.Texts("texts", kLine, kMust);
  m.kind = row.Text("kind", kKind, kMay);
  if (m.kind.empty()) m.kind = "trouble";
  m.cause = row.Text("cause", kDistribution, kMay);
  m.meaning = row.Text("meaning", kLine, kMust);
  m.releases = row.Text("releases", kLine, kMay);
  m.machine = row.Bool("machine", kMay).value_or(false);
  m.unchecked = row.Bool("unchecked", kMay).value_or(false);
  for (const std::string& word : row.Texts("shows", kShows)) {
    if (IsShows(word)) m.shows |= uint32_t{1} << (FindShows(word) - std::begin(kShowsNames));
  }
  for (const std::string& text : m.texts) {
    if (LongestLiteral(text) < MessageRow::kShortestAnchor)
      row.Fail(fmt::format("\"{}\" has no literal of {} characters", Printable(text, 60),
                           MessageRow::kShortestAnchor));
  }
  Once(row, rows, "the message " + m.id);
  rows.messages.push_back(std::move(m));
}

void AddError(Row& group, Row& row, Rows& rows) {
  ErrorData e;
  e.library = group.Text("library", kLine, kMust);
  e.number = static_cast<int>(std::min<int64_t>(row.Number("number"), 1000000));
  e.name = row.Text("name", kLine, kMust);
  e.text = row.Text("text", kLine, kMust);
  e.fault = row.Text("fault", kLine, kMay);
  e.reset = row.Bool("reset", kMay).value_or(false);
  static constexpr std::string_view kFaults[] = {"", "hardware", "driver", "program", "none"};
  if (std::find(std::begin(kFaults), std::end(kFaults), e.fault) == std::end(kFaults))
    row.Fail("no such fault: " + Printable(e.fault, 60));
  Once(row, rows, fmt::format("{} {} of {}", e.name, e.number, e.library));
  rows.errors.push_back(std::move(e));
}

void AddDefect(Row&, Row& row, Rows& rows) {
  DefectRow d;
  d.package = row.Text("package", kLine, kMust);
  d.version = row.Text("version", kLine, kMust);
  d.defect = row.Text("defect", kDefect, kMust);
  Once(row, rows, fmt::format("the defect of {} {}", d.package, d.version));
  rows.defects.push_back(std::move(d));
}

void AddJetson(Row&, Row& row, Rows& rows) {
  JetsonRow j;
  j.release = row.Text("release", kDotted, kMust);
  j.python = row.Text("python", kDotted, kMust);
  j.wheel = row.Text("wheel", kLine, kMust);
  if (!j.wheel.starts_with("https://")) row.Fail("wheel is an address that begins with https://");
  Once(row, rows, "the wheel for Jetson Linux " + j.release);
  rows.jetsons.push_back(std::move(j));
}

void AddCudaOfRelease(Row&, Row& row, Rows& rows) {
  CudaOfReleaseRow c;
  c.release = row.Text("release", kDotted, kMust);
  c.cuda = row.Text("cuda", kDotted, kMust);
  Once(row, rows, "the CUDA of TensorFlow " + c.release);
  rows.cudas_of_releases.push_back(std::move(c));
}

void AddXlaFlag(Row&, Row& row, Rows& rows) {
  XlaFlagRow f;
  f.flag = row.Text("flag", kLine, kMust);
  f.first = row.Text("first", kDotted, kMust);
  f.last = row.Text("last", kDotted, kMust);
  Once(row, rows, "the flag " + f.flag);
  rows.xla_flags.push_back(std::move(f));
}

void AddQuestion(Row&, Row& row, Rows& rows) {
  QuestionRow q;
  q.fact = row.Text("fact", kLine, kMust);
  q.question = row.Text("question", kLine, kMust);
  q.command = row.Text("command", kLine, kMay);
  q.stated = row.Text("stated", kWord, kMay);
  for (const std::string& answer : row.Texts("answers", kAnswer)) {
    const size_t colon = answer.find(": ");
    q.answers.emplace_back(answer.substr(0, colon), answer.substr(colon + 2));
  }
  Once(row, rows, "the question for " + q.fact);
  rows.questions.push_back(std::move(q));
}

void AddSaying(Row&, Row& row, Rows& rows) {
  SayingRow s;
  s.id = row.Text("id", kSaying, kMust);
  s.words = row.Texts("words", kInLowerCase, kMust);
  s.under = row.Texts("under", kInLowerCase);
  s.complains = row.Bool("complains", kMay).value_or(false);
  Once(row, rows, "the saying " + s.id);
  rows.sayings.push_back(std::move(s));
}

// What a file may hold. A group gives source and date once for the tables in its `rows`.
struct Kind {
  const char* name;
  bool group;
  void (*add)(Row& group, Row& row, Rows& rows);
};
constexpr Kind kKinds[] = {
    {"architectures", true, AddArchitecture},
    {"branches", true, AddBranch},
    {"build", false, AddBuild},
    {"cuda_limits", true, AddCudaLimits},
    {"cudnn_limits", true, AddCudnnLimits},
    {"defects", true, AddDefect},
    {"errors", true, AddError},
    {"flavours", true, AddFlavour},
    {"floors", true, AddFloor},
    {"gpu_ranges", true, AddGpuRange},
    {"gpus", true, AddGpu},
    {"cuda_of_release", true, AddCudaOfRelease},
    {"jetson", true, AddJetson},
    {"messages", true, AddMessage},
    {"ptx", true, AddPtx},
    {"questions", true, AddQuestion},
    {"releases", true, AddRelease},
    {"sayings", true, AddSaying},
    {"sonames", true, AddSoname},
    {"toolkits", true, AddToolkit},
    {"versions", true, AddVersions},
    {"wheel", false, AddWheel},
    {"xla_flags", true, AddXlaFlag},
};

void AddTable(const toml::table& table, const Kind& kind, File& file, Rows& rows) {
  std::string name = fmt::format("[[{}]]", kind.name);
  Row outer(table, name, file);
  outer.Text("source", kLine, kMust);
  rows.date = std::max(rows.date, outer.Text("date", kDate, kMust));
  if (kind.group) {
    std::string inner = "a row of " + name;
    for (Row& row : outer.Tables("rows", inner)) {
      kind.add(outer, row, rows);
      row.RejectUnknownKeys();
      if (file.error) return;
    }
  } else {
    kind.add(outer, outer, rows);
  }
  outer.RejectUnknownKeys();
}

std::optional<Error> Parse(std::string_view toml, std::string_view file_name, toml::table& table) {
  try {
    toml::parse_result parsed = toml::parse(toml, file_name);
    if (parsed) {
      table = std::move(parsed).table();
      return std::nullopt;
    }
    toml::source_position p = parsed.error().source().begin;
    return Error{ErrorKind::kMalformed, fmt::format("{}:{}:{}: not TOML: {}", file_name, p.line, p.column,
                                                    Printable(parsed.error().description(), 300))};
  } catch (const TomlParserGaveUp&) {
    return Error{ErrorKind::kMalformed, fmt::format("{}: not TOML", file_name)};
  }
}

}  // namespace

std::optional<Error> AddRows(std::string_view toml, std::string_view file_name, Rows& rows) {
  if (toml.size() > kLargestFile) {
    return Error{ErrorKind::kTooLarge, fmt::format("{}: larger than {} MiB", file_name, kLargestFile >> 20)};
  }
  toml::table document;
  if (std::optional<Error> error = Parse(toml, file_name, document)) return error;
  File file{file_name, std::nullopt};
  for (const auto& [key, node] : document) {
    std::string_view name = key.str();
    const Kind* kind =
        std::find_if(std::begin(kKinds), std::end(kKinds), [&](const Kind& k) { return k.name == name; });
    if (kind == std::end(kKinds)) {
      std::vector<std::string> names;
      for (const Kind& k : kKinds) names.emplace_back(k.name);
      file.Fail(node, fmt::format("unknown table {}; known are: {}", Printable(name, 60), Join(names, ", ")));
      break;
    }
    const toml::array* tables = node.as_array();
    if (tables == nullptr || !tables->is_homogeneous(toml::node_type::table)) {
      file.Fail(node, fmt::format("{} is a list of tables: write [[{}]]", kind->name, kind->name));
      break;
    }
    for (const toml::node& table : *tables) AddTable(*table.as_table(), *kind, file, rows);
  }
  return file.error;
}

}  // namespace tfdoctor
