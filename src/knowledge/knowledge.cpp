#include "knowledge/knowledge.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <tuple>
#include <type_traits>

#include "base/text.h"
#include "knowledge/gpu_names.h"
#include "knowledge/rows/rows.h"
#include "knowledge/tables.h"

namespace tfdoctor {
namespace {

std::string_view View(tables::Text text) { return {tables::kTexts + text.at, text.size}; }
std::string Copy(tables::Text text) { return std::string(View(text)); }
std::vector<std::string> List(tables::Text text) {
  return text.size == 0 ? std::vector<std::string>{} : Split(View(text), '\n');
}

// The first row whose key is not below `key`, if it has that key.
template <class Row, class Key, class KeyOf>
const Row* Find(std::span<const Row> rows, const Key& key, KeyOf key_of) {
  auto it = std::lower_bound(rows.begin(), rows.end(), key,
                             [&](const Row& row, const Key& k) { return key_of(row) < k; });
  return it != rows.end() && key_of(*it) == key ? &*it : nullptr;
}

using BuildKey = std::tuple<std::string_view, std::string_view, std::string_view>;
BuildKey KeyOf(const tables::Build& b) { return {View(b.distribution), View(b.version), View(b.machine)}; }
BuildKey KeyOf(const TensorFlowBuild& b) { return {b.distribution, b.version, b.machine}; }

TensorFlowBuild Unpack(const tables::Build& row) {
  TensorFlowBuild b;
  b.distribution = Copy(row.distribution);
  b.version = Copy(row.version);
  b.key = b.distribution + " " + b.version;
  b.machine = Copy(row.machine);
  b.cuda = row.cuda;
  b.cuda_known = row.cuda_known;
  b.rocm = row.rocm;
  b.cuda_version = Copy(row.cuda_version);
  b.cudnn_version = Copy(row.cudnn_version);
  b.sass = List(row.sass);
  b.ptx = List(row.ptx);
  b.sass_partial = List(row.sass_partial);
  b.ptx_isa = Copy(row.ptx_isa);
  b.ptx_isa_partial = Copy(row.ptx_isa_partial);
  b.opens = List(row.opens);
  b.opens_at_start = List(row.opens_at_start);
  if (row.needs_nvml >= 0) b.needs_nvml = row.needs_nvml == 1;
  b.glibc = Copy(row.glibc);
  b.pythons = List(row.pythons);
  b.requires_dist = List(row.requires_dist);
  b.cpu_flags = List(row.cpu_flags);
  for (const std::string& line : List(row.objects)) {
    size_t space = line.find(' ');
    b.objects.emplace_back(line.substr(space + 1), std::stoull(line));
  }
  b.wheel = Copy(row.wheel);
  b.scanned = row.scanned;
  b.date = Copy(row.date);
  return b;
}

NvidiaWheel Unpack(const tables::Wheel& row) {
  NvidiaWheel wheel;
  wheel.distribution = Copy(row.distribution);
  wheel.version = Copy(row.version);
  wheel.scanned = row.scanned;
  for (const tables::Library& l : tables::kLibraries.subspan(row.first_library, row.libraries)) {
    wheel.libraries.push_back({.path = Copy(l.path),
                               .soname = Copy(l.soname),
                               .size = l.size,
                               .needed = List(l.needed),
                               .runpath = Copy(l.runpath),
                               .rpath = Copy(l.rpath),
                               .sass = List(l.sass),
                               .ptx = List(l.ptx)});
  }
  return wheel;
}

GpuModel Unpack(const tables::Gpu& g) {
  return {Copy(g.pci_id), Copy(g.name), Copy(g.architecture), Copy(g.compute_capability), false};
}

GpuModel OfRange(std::string_view pci_id, std::string_view architecture,
                 std::string_view compute_capability) {
  return {std::string(pci_id), fmt::format("{} GPU", architecture), std::string(architecture),
          std::string(compute_capability), true};
}

// "12.5.1", then "12.5", then "12": what the first of them finds.
template <class Lookup>
auto OfLongestPrefix(std::string_view version, Lookup lookup) -> decltype(lookup(version)) {
  while (!version.empty()) {
    if (auto found = lookup(version)) return found;
    size_t dot = version.rfind('.');
    version = version.substr(0, dot == version.npos ? 0 : dot);
  }
  return {};
}

std::string Branch(std::string_view driver) { return std::string(driver.substr(0, driver.find('.'))); }

// The compiled tables, and before them the rows of a file.
class Tables final : public Knowledge {
 public:
  explicit Tables(Rows own) : own_(std::move(own)) {
    for (NvidiaWheel& wheel : own_.wheels) AddUsualLibraries(wheel);
  }

  const TensorFlowBuild* FindBuild(std::string_view distribution, std::string_view version,
                                   std::string_view machine) const override {
    BuildKey key{distribution, version, machine};
    for (const TensorFlowBuild& build : own_.builds) {
      if (KeyOf(build) == key) return &build;
    }
    const tables::Build* row = Find(tables::kBuilds, key, [](const tables::Build& b) { return KeyOf(b); });
    return row == nullptr ? nullptr : Unpacked(*row, builds_);
  }

  std::vector<const TensorFlowBuild*> Builds() const override {
    std::vector<const TensorFlowBuild*> builds;
    std::set<BuildKey> own;
    for (const TensorFlowBuild& build : own_.builds) {
      builds.push_back(&build);
      own.insert(KeyOf(build));
    }
    for (const tables::Build& row : tables::kBuilds) {
      if (!own.contains(KeyOf(row))) builds.push_back(Unpacked(row, builds_));
    }
    return builds;
  }

  std::vector<std::string_view> CudaVersions(std::string_view distribution,
                                             std::string_view machine) const override {
    std::vector<std::string_view> versions;
    std::set<std::string_view> own;
    for (const TensorFlowBuild& build : own_.builds) {
      if (build.distribution != distribution || build.machine != machine) continue;
      own.insert(build.version);
      if (build.cuda) versions.push_back(build.version);
    }
    for (const tables::Build& row : tables::kBuilds) {
      if (row.cuda && View(row.distribution) == distribution && View(row.machine) == machine &&
          !own.contains(View(row.version)))
        versions.push_back(View(row.version));
    }
    return versions;
  }

  std::vector<std::string> TensorFlowDistributions() const override {
    std::set<std::string> names(own_.flavours.begin(), own_.flavours.end());
    for (const TensorFlowBuild& build : own_.builds) names.insert(build.distribution);
    for (const tables::Build& row : tables::kBuilds) names.insert(Copy(row.distribution));
    for (tables::Text flavour : tables::kFlavours) names.insert(Copy(flavour));
    return {names.begin(), names.end()};
  }

  std::string DistributionOf(std::string_view soname, int cuda_major) const override {
    for (const SonameRow& row : own_.sonames) {
      if (row.soname == soname && row.cuda_major == cuda_major) return row.distribution;
    }
    const tables::Soname* row =
        Find(tables::kSonames, std::pair(soname, cuda_major),
             [](const tables::Soname& s) { return std::pair(View(s.soname), s.cuda_major); });
    return row == nullptr ? "" : Copy(row->distribution);
  }

  const NvidiaWheel* FindNvidiaWheel(std::string_view distribution, std::string_view version) const override {
    for (const NvidiaWheel& wheel : own_.wheels) {
      if (wheel.distribution == distribution && wheel.version == version) return &wheel;
    }
    const tables::Wheel* row =
        Find(tables::kWheels, std::pair(distribution, version),
             [](const tables::Wheel& w) { return std::pair(View(w.distribution), View(w.version)); });
    return row == nullptr ? nullptr : Unpacked(*row, wheels_);
  }

  std::vector<std::string> NvidiaWheelVersions(std::string_view distribution) const override {
    std::set<std::string> known;
    for (const NvidiaWheel& wheel : own_.wheels) {
      if (wheel.distribution == distribution) known.insert(wheel.version);
    }
    for (const tables::Wheel& row : tables::kWheels) {
      if (View(row.distribution) == distribution) known.insert(Copy(row.version));
    }
    std::vector<std::string> versions(known.begin(), known.end());
    std::sort(versions.begin(), versions.end(),
              [](const std::string& a, const std::string& b) { return CompareVersions(a, b) > 0; });
    return versions;
  }

  std::string DriverFloor(std::string_view cuda_version) const override {
    return OfLongestPrefix(
               cuda_version,
               [&](std::string_view cuda) { return Lookup(cuda, own_.driver_floors, tables::kDriverFloors); })
        .value_or("");
  }
  std::string DriverForPtxIsa(std::string_view isa) const override {
    return Lookup(isa, own_.drivers_of_ptx, tables::kDriversOfPtx).value_or("");
  }
  std::string CudaOfDriver(std::string_view driver_version) const override {
    return Lookup(Branch(driver_version), own_.cuda_of_branches, tables::kCudaOfBranches).value_or("");
  }
  std::string FirstBranchFor(std::string_view compute_capability) const override {
    return Architecture(compute_capability).first_branch;
  }
  std::string LastBranchFor(std::string_view compute_capability) const override {
    return Architecture(compute_capability).last_branch;
  }
  std::string NewestDriver() const override { return NewestUpToBranch(""); }
  std::string NewestDriverFor(std::string_view compute_capability) const override {
    ArchitectureRow row = Architecture(compute_capability);
    return row.compute_capability.empty() ? "" : NewestUpToBranch(row.last_branch);
  }

  ArchitectureLimits CudaLimits(std::string_view cuda_version) const override {
    return OfLongestPrefix(cuda_version,
                           [&](std::string_view cuda) -> std::optional<ArchitectureLimits> {
                             auto own = own_.cuda_limits.find(std::string(cuda));
                             if (own != own_.cuda_limits.end()) return own->second;
                             return Limits(tables::kCudaLimits, cuda, 0);
                           })
        .value_or(ArchitectureLimits{});
  }
  ArchitectureLimits CudnnLimits(std::string_view cudnn_version, int cuda_major) const override {
    return OfLongestPrefix(cudnn_version,
                           [&](std::string_view cudnn) -> std::optional<ArchitectureLimits> {
                             auto own = own_.cudnn_limits.find({std::string(cudnn), cuda_major});
                             if (own != own_.cudnn_limits.end()) return own->second;
                             return Limits(tables::kCudnnLimits, cudnn, cuda_major);
                           })
        .value_or(ArchitectureLimits{});
  }

  std::optional<GpuModel> FindGpu(std::string_view pci_device_id) const override {
    std::string id = Lower(pci_device_id);
    if (id.starts_with("0x")) id.erase(0, 2);
    for (const GpuModel& gpu : own_.gpus) {
      if (gpu.pci_id == id) return gpu;
    }
    if (const tables::Gpu* row =
            Find(tables::kGpus, std::string_view(id), [](const tables::Gpu& g) { return View(g.pci_id); })) {
      return Unpack(*row);
    }
    if (id.size() != 4) return std::nullopt;
    for (const GpuRangeRow& range : own_.gpu_ranges) {
      if (range.first <= id && id <= range.last)
        return OfRange(id, range.architecture, range.compute_capability);
    }
    for (const tables::GpuRange& range : tables::kGpuRanges) {
      if (View(range.first) <= id && id <= View(range.last)) {
        return OfRange(id, View(range.architecture), View(range.compute_capability));
      }
    }
    return std::nullopt;
  }

  Result<GpuModel> FindGpuByName(std::string_view text) const override {
    std::string capability = CapabilityIn(text);
    // "750" is a GeForce, not compute capability 75.0: what no architecture has is tried as a name.
    if (ArchitectureRow row = Architecture(capability); !row.compute_capability.empty()) {
      return GpuModel{"", fmt::format("a GPU of compute capability {}", capability), row.name, capability,
                      false};
    }
    std::vector<GpuModel> models = own_.gpus;
    std::set<std::string_view> own;
    for (const GpuModel& gpu : own_.gpus) own.insert(gpu.pci_id);
    for (const tables::Gpu& row : tables::kGpus) {
      if (!own.contains(View(row.pci_id))) models.push_back(Unpack(row));
    }
    Result<GpuModel> model = FindModel(text, models);
    if (!model.not_found() || capability.empty()) return model;
    return Error{ErrorKind::kNotFound,
                 fmt::format("no GPU of compute capability {} in our data; known are {}", capability,
                             Join(Capabilities(), ", "))};
  }

  const std::shared_ptr<const std::vector<MessageRow>>& Messages() const override {
    std::lock_guard lock(mutex_);
    if (messages_ == nullptr) messages_ = std::make_shared<const std::vector<MessageRow>>(UnpackMessages());
    return messages_;
  }

  std::vector<DefectRow> Defects(std::string_view package) const override {
    std::vector<DefectRow> defects;
    for (const DefectRow& row : own_.defects) {
      if (row.package == package) defects.push_back(row);
    }
    for (const tables::Defect& row : tables::kDefects) {
      if (View(row.package) == package)
        defects.push_back({Copy(row.package), Copy(row.version), Copy(row.defect)});
    }
    return defects;
  }

  std::optional<JetsonRow> JetsonWheel(std::string_view jetson_linux) const override {
    const auto fits = [&](std::string_view row) {
      return jetson_linux == row ||
             (jetson_linux.starts_with(row) && jetson_linux.substr(row.size()).starts_with('.'));
    };
    for (const JetsonRow& row : own_.jetsons) {
      if (fits(row.release)) return row;
    }
    for (const tables::Jetson& row : tables::kJetsons) {
      if (fits(View(row.release))) return JetsonRow{Copy(row.release), Copy(row.python), Copy(row.wheel)};
    }
    return std::nullopt;
  }

  std::string CudaOfRelease(std::string_view minor) const override {
    for (const CudaOfReleaseRow& row : own_.cudas_of_releases) {
      if (row.release == minor) return row.cuda;
    }
    for (const tables::CudaOfRelease& row : tables::kCudaOfReleases) {
      if (View(row.release) == minor) return Copy(row.cuda);
    }
    return {};
  }

  std::optional<bool> KnowsXlaFlag(std::string_view release, std::string_view flag) const override {
    const std::vector<std::string> parts = Split(release, '.');
    if (parts.size() < 2) return std::nullopt;
    const std::string minor = parts[0] + "." + parts[1];
    bool looked = false, known = false;
    const auto look = [&](std::string_view name, std::string_view first, std::string_view last) {
      // Each release has dropped flags or brought some: one that no row names was not looked at.
      looked = looked || first == minor || last == minor;
      known =
          known || (name == flag && CompareVersions(first, minor) <= 0 && CompareVersions(minor, last) <= 0);
    };
    for (const XlaFlagRow& row : own_.xla_flags) look(row.flag, row.first, row.last);
    for (const tables::XlaFlag& row : tables::kXlaFlags)
      look(View(row.flag), View(row.first), View(row.last));
    return known || looked ? std::optional(known) : std::nullopt;
  }

  std::vector<QuestionRow> Questions() const override {
    std::vector<QuestionRow> questions = own_.questions;
    for (const tables::Question& row : tables::kQuestions) {
      QuestionRow& question = questions.emplace_back(
          QuestionRow{Copy(row.fact), Copy(row.question), Copy(row.command), Copy(row.stated), {}});
      for (const std::string& answer : List(row.answers)) {
        const size_t colon = answer.find(": ");
        question.answers.emplace_back(answer.substr(0, colon), answer.substr(colon + 2));
      }
    }
    return questions;
  }

  std::vector<SayingRow> Sayings() const override {
    std::vector<SayingRow> sayings = own_.sayings;
    for (const tables::Saying& row : tables::kSayings)
      sayings.push_back({Copy(row.id), List(row.words), List(row.under), row.complains});
    return sayings;
  }

  std::vector<ErrorRow> Errors() const override {
    std::vector<ErrorRow> rows;
    for (const ErrorData& e : own_.errors)
      rows.push_back({e.library, e.number, e.name, e.text, e.fault, e.reset});
    for (const tables::Error& e : tables::kErrors)
      rows.push_back({View(e.library), e.number, View(e.name), View(e.text), View(e.fault), e.reset});
    return rows;
  }

  std::string Date() const override { return std::max(Copy(tables::kDate), own_.date); }

 private:
  std::vector<MessageRow> UnpackMessages() const {
    std::vector<MessageRow> rows;
    std::set<std::string_view> own;
    for (const MessageData& m : own_.messages) {
      rows.push_back({m.id,
                      {m.texts.begin(), m.texts.end()},
                      m.by,
                      m.kind,
                      m.cause,
                      m.meaning,
                      m.releases,
                      m.machine,
                      m.unchecked,
                      m.shows});
      own.insert(m.id);
    }
    for (const tables::Message& m : tables::kMessages) {
      if (own.contains(View(m.id))) continue;
      MessageRow& row = rows.emplace_back(MessageRow{View(m.id),
                                                     {},
                                                     View(m.by),
                                                     View(m.kind),
                                                     View(m.cause),
                                                     View(m.meaning),
                                                     View(m.releases),
                                                     m.machine,
                                                     m.unchecked,
                                                     m.shows});
      for (std::string_view left = View(m.texts); !left.empty();) {
        const size_t end = std::min(left.find('\n'), left.size());
        row.texts.push_back(left.substr(0, end));
        left.remove_prefix(std::min(end + 1, left.size()));
      }
    }
    return rows;
  }

  // Rows are unpacked when somebody asks for them, and then kept: pointers to them stay valid.
  template <class Row, class T>
  const T* Unpacked(const Row& row, std::map<const Row*, T>& unpacked) const {
    std::lock_guard lock(mutex_);
    auto [it, added] = unpacked.try_emplace(&row);
    if (added) {
      it->second = Unpack(row);
      if constexpr (std::is_same_v<T, NvidiaWheel>) AddUsualLibraries(it->second);
    }
    return &it->second;
  }

  // Gives a wheel that nobody opened the libraries that every version of it has.
  void AddUsualLibraries(NvidiaWheel& wheel) const {
    if (wheel.scanned) return;
    std::vector<SonameRow> rows = own_.sonames;
    for (const tables::Soname& s : tables::kSonames) {
      rows.push_back({Copy(s.soname), s.cuda_major, Copy(s.distribution), Copy(s.path), List(s.needed)});
    }
    auto stem = [](const std::string& soname) { return soname.substr(0, soname.find(".so")); };
    for (const SonameRow& row : rows) {
      if (row.distribution != wheel.distribution) continue;
      // One distribution holds libcudnn.so.8 in its versions 8 and libcudnn.so.9 in its versions 9.
      bool other_majors = std::any_of(rows.begin(), rows.end(), [&](const SonameRow& other) {
        return other.distribution == row.distribution && other.soname != row.soname &&
               stem(other.soname) == stem(row.soname);
      });
      std::string suffix = row.soname.substr(row.soname.find(".so") + 3);
      if (other_majors &&
          MajorVersion(suffix.empty() ? suffix : suffix.substr(1)) != MajorVersion(wheel.version))
        continue;
      bool there = std::any_of(wheel.libraries.begin(), wheel.libraries.end(),
                               [&](const WheelLibrary& library) { return library.soname == row.soname; });
      if (there) continue;
      WheelLibrary& library = wheel.libraries.emplace_back();
      library.path = row.path;
      library.soname = row.soname;
      library.needed = row.needed;
    }
  }

  static std::optional<std::string> Lookup(std::string_view key,
                                           const std::map<std::string, std::string>& own,
                                           std::span<const tables::Pair> rows) {
    auto it = own.find(std::string(key));
    if (it != own.end()) return it->second;
    const tables::Pair* row = Find(rows, key, [](const tables::Pair& p) { return View(p.key); });
    return row == nullptr ? std::nullopt : std::optional(Copy(row->value));
  }

  static std::optional<ArchitectureLimits> Limits(std::span<const tables::Limits> rows,
                                                  std::string_view version, int cuda_major) {
    const tables::Limits* row = Find(rows, std::pair(version, cuda_major), [](const tables::Limits& l) {
      return std::pair(View(l.version), l.cuda_major);
    });
    if (row == nullptr) return std::nullopt;
    return ArchitectureLimits{Copy(row->lowest), Copy(row->highest)};
  }

  // Without compute capability: not in the data.
  ArchitectureRow Architecture(std::string_view capability) const {
    for (const ArchitectureRow& row : own_.architectures) {
      if (row.compute_capability == capability) return row;
    }
    const tables::Architecture* row =
        Find(tables::kArchitectures, capability,
             [](const tables::Architecture& a) { return View(a.compute_capability); });
    if (row == nullptr) return {};
    return {Copy(row->compute_capability), Copy(row->name), Copy(row->first_branch), Copy(row->last_branch)};
  }

  std::vector<std::string> Capabilities() const {
    std::set<std::string> known;
    for (const ArchitectureRow& row : own_.architectures) known.insert(row.compute_capability);
    for (const tables::Architecture& row : tables::kArchitectures) known.insert(Copy(row.compute_capability));
    std::vector<std::string> sorted(known.begin(), known.end());
    std::sort(sorted.begin(), sorted.end(),
              [](const std::string& a, const std::string& b) { return CompareVersions(a, b) < 0; });
    return sorted;
  }

  // The newest driver of this branch or an older one; an empty branch bounds nothing.
  std::string NewestUpToBranch(std::string_view last_branch) const {
    std::string newest;
    auto consider = [&](std::string_view driver) {
      bool too_new = !last_branch.empty() && CompareVersions(Branch(driver), last_branch) > 0;
      if (!too_new && (newest.empty() || CompareVersions(driver, newest) > 0)) newest = driver;
    };
    for (const auto& [cuda, driver] : own_.toolkit_drivers) consider(driver);
    for (const tables::Pair& row : tables::kToolkitDrivers) consider(View(row.value));
    return newest;
  }

  Rows own_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const std::vector<MessageRow>> messages_;
  mutable std::map<const tables::Build*, TensorFlowBuild> builds_;
  mutable std::map<const tables::Wheel*, NvidiaWheel> wheels_;
};

}  // namespace

std::optional<QuestionRow> Knowledge::FindQuestion(std::string_view fact) const {
  for (QuestionRow& row : Questions()) {
    if (row.fact == fact) return std::move(row);
  }
  return std::nullopt;
}

const Knowledge& BuiltInKnowledge() {
  static const Tables tables{Rows{}};
  return tables;
}

Result<std::unique_ptr<Knowledge>> KnowledgeWithFile(std::string_view toml, std::string_view file_name) {
  Rows rows;
  if (std::optional<Error> error = AddRows(toml, file_name, rows)) return *error;
  return std::unique_ptr<Knowledge>(std::make_unique<Tables>(std::move(rows)));
}

}  // namespace tfdoctor
