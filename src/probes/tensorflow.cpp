// Which TensorFlow is imported, what it was built with, and what keeps it from being imported.

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/text.h"
#include "probes/found.h"
#include "probes/probes.h"
#include "python/distributions.h"
#include "python/requirement.h"
#include "system/root.h"

namespace tfdoctor {

namespace {

// Everything that is decided by one file's text: `is_cuda_build = True` and `("is_cuda_build", True)` are
// both there.
std::optional<bool> BuildInfoFlag(std::string_view text, std::string_view name) {
  size_t at = text.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = text.substr(at + name.size(), 40);
  size_t yes = rest.find("True");
  size_t no = rest.find("False");
  if (yes == no) return std::nullopt;
  return yes < no;
}

// The quoted text after a key: ("cuda_version", "12.5.1").
std::string BuildInfoText(std::string_view text, const std::string& name) {
  for (const char* quote : {"'", "\""}) {
    size_t at = text.find(quote + name + quote);
    if (at == std::string_view::npos) continue;
    size_t start = text.find_first_of("'\"", at + name.size() + 2);
    if (start == std::string_view::npos) continue;
    size_t end = text.find(text[start], start + 1);
    if (end != std::string_view::npos && end - start < 40)
      return std::string(text.substr(start + 1, end - start - 1));
  }
  return {};
}

// "sm_60" -> "6.0", "compute_90a" -> "9.0", "60" -> "6.0".
std::string Capability(std::string_view name) {
  size_t digit = name.find_first_of("0123456789");
  if (digit == std::string_view::npos) return {};
  size_t end = name.find_first_not_of("0123456789", digit);
  std::string digits(name.substr(digit, end - digit));
  if (digits.size() < 2 || digits.size() > 3) return {};
  return digits.substr(0, digits.size() - 1) + "." + digits.back();
}

// "#define TF_CUBLAS_VERSION "12"" -> "12"
std::string Definition(std::string_view text, const std::string& name) {
  for (std::string_view line : SplitLines(text)) {
    std::vector<std::string_view> words = SplitWords(line);
    if (words.size() < 3 || words[0] != "#define" || words[1] != name) continue;
    std::string value(words[2]);
    std::erase(value, '"');
    return value;
  }
  return {};
}

class TensorFlowProbe {
 public:
  TensorFlowProbe(const System& system, const Knowledge& knowledge, Facts& facts)
      : system_(system), knowledge_(knowledge), facts_(facts), tf_(facts.tensorflow) {}

  void Run() {
    const auto* modules = facts_.python.modules.Peek();
    const auto* sys_path = facts_.python.sys_path.Peek();
    if (modules == nullptr || sys_path == nullptr) {
      bool no_python = facts_.python.interpreter.state() == FactState::kAbsent;
      return no_python
                 ? SetAll(true, "", facts_.python.interpreter.origin())
                 : SetAll(false,
                          sys_path == nullptr ? facts_.python.sys_path.why() : facts_.python.modules.why(),
                          {kMachine, "sys.path"});
    }
    installed_ = ListDistributions(system_, *sys_path);
    FillInstalled();
    auto found = modules->find("tensorflow");
    if (found == modules->end() || found->second.path.state() == FactState::kUnknown) {
      return SetAll(false, found == modules->end() ? "nobody looked" : found->second.path.why(),
                    {kMachine, "sys.path"});
    }
    const Module& module = found->second;
    if (module.path.state() == FactState::kAbsent) return SetAll(true, "", module.path.origin());
    FindFolder(*module.path.Peek());
    if (folder_.empty()) return;
    FindWinner(module);
    FindBuild();
    FillBuild();
    FillExtra();
    FillImportFaults();
  }

 private:
  // --- what is there
  // ---------------------------------------------------------------------------------------------------

  // All but `installed`, which stays what it is: absent, or unknown for this reason.
  void SetAll(bool absent, const std::string& why, const Origin& origin) {
    auto installed = tf_.installed;
    TensorFlow::Describe(tf_, [&](const char*, auto& field, const char*) {
      using F = std::remove_cvref_t<decltype(field)>;
      field = absent ? F::Absent(origin) : F::Unknown(why, origin);
    });
    if (installed.state() == FactState::kValue) tf_.installed = installed;
  }

  void FillInstalled() {
    std::map<std::string, std::string> there;
    std::string from;
    std::vector<std::string> names = knowledge_.TensorFlowDistributions();
    for (const InstalledDistribution& distribution : installed_.distributions) {
      if (std::find(names.begin(), names.end(), distribution.name) == names.end()) continue;
      there[distribution.name] = distribution.version;
      from += (from.empty() ? "" : ", ") + distribution.info;
    }
    const auto* sys_path = facts_.python.sys_path.Peek();
    if (from.empty()) from = Join(*sys_path, ", ");
    tf_.installed = Fact<std::map<std::string, std::string>>::Value(std::move(there), {kMachine, from});
  }

  // The folder with the libraries. Releases before 2.2 keep them in tensorflow_core beside the package.
  void FindFolder(const std::string& package) {
    Origin origin{kMachine, package};
    Result<FileStat> stat = system_.Stat(package);
    bool is_folder = stat.ok() && stat->type == FileType::kDirectory;
    for (const std::string& folder : {package, package + "_core"}) {
      if (!is_folder || !system_.Exists(folder + "/python/platform")) continue;
      folder_ = folder;
      tf_.folder = Text::Value(folder, {kMachine, folder});
      return;
    }
    // Something else of this name is imported: there is no TensorFlow for the program.
    if (stat.ok())
      return SetAll(true, "", {kMachine, package + " is imported as tensorflow and is not TensorFlow"});
    SetAll(false, stat.error().message, origin);
  }

  // Whose files these are. With one distribution the name says it; with several the sizes in their RECORDs
  // do.
  void FindWinner(const Module& module) {
    Origin origin{kMachine, folder_};
    std::vector<const InstalledDistribution*> candidates;
    for (const auto& [name, version] : *tf_.installed.Peek()) {
      const InstalledDistribution* distribution = installed_.Find(name);
      if (distribution != nullptr && folder_.starts_with(distribution->folder + "/"))
        candidates.push_back(distribution);
    }
    std::vector<const InstalledDistribution*> fitting;
    std::vector<const InstalledDistribution*> owning;
    for (const InstalledDistribution* candidate : candidates) {
      std::optional<bool> fits = candidates.size() > 1 ? RecordFits(*candidate) : std::optional<bool>(true);
      if (!fits)
        continue;  // does not own the package's files at all: an empty shell like tensorflow-gpu 2.12
      owning.push_back(candidate);
      if (*fits) fitting.push_back(candidate);
    }
    tf_.files_disagree = Fact<bool>::Value(owning.size() > 1 && fitting.size() != owning.size(), origin);
    if (fitting.empty() && owning.size() == 1) fitting = owning;
    if (fitting.size() == 1) {
      winner_ = fitting.front();
      tf_.distribution = Text::Value(winner_->name, {kMachine, winner_->info});
      tf_.version = Text::Value(winner_->version, {kMachine, winner_->info});
      return;
    }
    std::string why = candidates.empty()
                          ? "no installed distribution owns " + folder_
                          : "the files are of several distributions, or of none as its RECORD has them";
    // Equal files in all of them: which one does not matter then.
    if (fitting.size() > 1 && fitting.size() == owning.size()) {
      winner_ = fitting.front();
      tf_.distribution = Text::Value(winner_->name, {kMachine, winner_->info});
      tf_.version = Text::Value(winner_->version, {kMachine, winner_->info});
      return;
    }
    bool nobody = candidates.empty() && module.owner.state() == FactState::kAbsent;
    tf_.distribution = nobody ? Text::Absent(origin) : Text::Unknown(why, origin);
    tf_.version = Text::Unknown(why, origin);
  }

  // Whether the large and the telling files have the size that this RECORD states; nullopt: it lists none of
  // them.
  std::optional<bool> RecordFits(const InstalledDistribution& distribution) const {
    std::string package = folder_.substr(distribution.folder.size() + 1);
    std::set<std::string> paths;
    for (const char* file : {"/libtensorflow_framework.so.2", "/libtensorflow_cc.so.2",
                             "/python/_pywrap_tensorflow_internal.so", "/python/platform/build_info.py"}) {
      paths.insert(package + file);
    }
    auto record = FindInRecord(system_, distribution, paths);
    if (!record.ok() || record->empty()) return std::nullopt;
    for (const auto& [path, entry] : *record) {
      Result<FileStat> stat = system_.Stat(distribution.folder + "/" + path);
      if (!stat.ok()) return false;
      if (entry.size && *entry.size != stat->size) return false;
    }
    return true;
  }

  // --- this build
  // --------------------------------------------------------------------------------------------------------

  // Our data is for the wheels on PyPI. A conda build or one of a vendor has the same name and version and is
  // another build: the size of its large libraries tells (Python tags of one release differ by less than
  // this).
  void FindBuild() {
    Origin origin{kMachine, winner_ != nullptr ? winner_->info : folder_};
    tf_.known_build = Text::Absent(origin);
    const std::string* machine = facts_.host.machine.Peek();
    if (winner_ == nullptr || machine == nullptr) return;
    const TensorFlowBuild* build = knowledge_.FindBuild(winner_->name, winner_->version, *machine);
    if (build == nullptr) return;
    Result<std::string> installer = ReadInfoFile(system_, *winner_, "INSTALLER");
    if (installer.ok() && *installer == "conda") return;
    constexpr double kTolerance = 0.02;
    for (const auto& [path, size] : build->objects) {
      Result<FileStat> stat = system_.Stat(winner_->folder + "/" + path);
      if (!stat.ok()) continue;
      auto known = static_cast<double>(size);
      auto here = static_cast<double>(stat->size);
      if (here >= known * (1 - kTolerance) && here <= known * (1 + kTolerance)) continue;
      // A build of its own has a RECORD of its own. One that says otherwise: what lies here was put there
      // later.
      if (RecordFits(*winner_) == false) {
        altered_ = fmt::format("the files are not as {}/RECORD states them", winner_->info);
        tf_.known_build = Text::Unknown(altered_, origin);
      }
      return;
    }
    build_ = build;
    tf_.known_build = Text::Value(build->key, origin);
  }

  void FillBuild() {
    FillFlags();
    FillPlugins();
    FillCode();
    FindOpener();
    FillOpens();
    Origin origin = Known();
    if (build_ != nullptr && build_->scanned && build_->needs_nvml) {
      tf_.needs_nvml = Fact<bool>::Value(*build_->needs_nvml, origin);
    } else {
      const std::string* version = tf_.version.Peek();
      // Measured: 2.10 and 2.15 do not touch NVML; the call came after 2.18.
      if (version != nullptr && CompareVersions(*version, "2.18") < 0) {
        tf_.needs_nvml = Fact<bool>::Value(false, origin);
      } else {
        tf_.needs_nvml = Fact<bool>::Unknown("nobody measured it for this release", origin);
      }
    }
  }

  Origin Known() const { return {kMachine, build_ != nullptr ? "data for " + build_->key : folder_}; }

  void FillFlags() {
    std::string file = folder_ + "/python/platform/build_info.py";
    Origin origin{kMachine, file};
    Result<std::string> text = system_.ReadAll(file, 1 << 16);
    std::string why = text.ok() ? file + " does not say it" : text.error().message;
    tf_.cuda_build = Fact<bool>::Unknown(why, origin);
    // Every release since 2.4 says it there: what does not is not the file of this build.
    bool its_own = text.ok() && (text->find("is_cuda_build") != std::string::npos ||
                                 (winner_ != nullptr && CompareVersions(winner_->version, "2.4") < 0));
    if (build_ != nullptr && build_->cuda_known && (its_own || text.not_found()))
      tf_.cuda_build = Fact<bool>::Value(build_->cuda, Known());
    tf_.rocm_build = Fact<bool>::Value(build_ != nullptr && build_->rocm, origin);
    // The build's own word outweighs our data.
    if (auto cuda = BuildInfoFlag(text.value_or(""), "is_cuda_build"))
      tf_.cuda_build = Fact<bool>::Value(*cuda, origin);
    if (auto rocm = BuildInfoFlag(text.value_or(""), "is_rocm_build"))
      tf_.rocm_build = Fact<bool>::Value(*rocm, origin);
    if (const bool* cuda = tf_.cuda_build.Peek(); cuda != nullptr && !*cuda) {
      tf_.cuda_version = tf_.cudnn_version = Text::Absent(tf_.cuda_build.origin());
      return;
    }
    ReadConfig();
    tf_.cuda_version =
        FirstOf({text.ok() ? BuildInfoText(*text, "cuda_version") : "",
                 Definition(config_, "TF_CUDA_VERSION"), build_ != nullptr ? build_->cuda_version : ""},
                file);
    tf_.cudnn_version = FirstOf(
        {build_ != nullptr ? build_->cudnn_version : "",
         text.ok() ? BuildInfoText(*text, "cudnn_version") : "", Definition(config_, "TF_CUDNN_VERSION")},
        file);
    if (text.ok()) build_info_ = *text;
  }

  // What the build was configured with. Releases up to 2.11 have it in the second place alone, from 2.12 on
  // in both.
  void ReadConfig() {
    const std::string include = folder_ + "/include/";
    config_file_ = include + "third_party/gpus/cuda/cuda_config.h";
    for (const std::string& file :
         {config_file_, include + "external/local_config_cuda/cuda/cuda/cuda_config.h"}) {
      Result<std::string> text = system_.ReadAll(file, 1 << 16);
      if (!text.ok()) continue;
      config_ = std::move(*text);
      config_file_ = file;
      return;
    }
  }

  // Plug-ins are the libraries in a folder beside the package: site-packages/tensorflow-plugins (TensorFlow's
  // api_template.__init__.py). Intel's for the CPU brings no other device.
  void FillPlugins() {
    const std::string folder = folder_.substr(0, folder_.rfind('/')) + "/tensorflow-plugins";
    Origin origin{kMachine, folder};
    auto files = system_.List(folder, 1000);
    if (files.not_found()) {
      tf_.plugins = Fact<std::vector<std::string>>::Absent(std::move(origin));
    } else if (!files.ok()) {
      tf_.plugins = Fact<std::vector<std::string>>::Unknown(files.error().message, std::move(origin));
    } else {
      std::vector<std::string> found;
      for (const DirEntry& file : *files) {
        if (file.name.ends_with(".so") && file.name.find("itex_cpu") == std::string::npos)
          found.push_back(Printable(file.name, 100));
      }
      tf_.plugins = Fact<std::vector<std::string>>::Value(std::move(found), std::move(origin));
    }
  }

  Text FirstOf(const std::vector<std::string>& candidates, const std::string& file) const {
    for (const std::string& candidate : candidates) {
      if (!FindVersionOrNumber(candidate).empty())
        return Text::Value(FindVersionOrNumber(candidate), {kMachine, file});
    }
    return Text::Unknown("neither " + file + " nor our data of " + knowledge_.Date() + " says it",
                         {kMachine, file});
  }
  static std::string FindVersionOrNumber(const std::string& text) {
    std::string version = FindVersion(text);
    if (!version.empty()) return version;
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos ? text : std::string();
  }

  void FillCode() {
    Origin origin = Known();
    if (tf_.cuda_build.Peek() != nullptr && !*tf_.cuda_build.Peek()) {
      tf_.sass = tf_.ptx = tf_.sass_partial = List::Absent(tf_.cuda_build.origin());
      tf_.ptx_isa = Text::Absent(tf_.cuda_build.origin());
      return;
    }
    if (!altered_.empty()) {
      tf_.sass = tf_.ptx = tf_.sass_partial = List::Unknown(altered_, origin);
      tf_.ptx_isa = Text::Unknown(altered_, origin);
      return;
    }
    if (build_ != nullptr && build_->scanned) {
      tf_.sass = List::Value(build_->sass, origin);
      tf_.ptx = List::Value(build_->ptx, origin);
      tf_.sass_partial = List::Value(build_->sass_partial, origin);
      tf_.ptx_isa = build_->ptx_isa.empty() ? Text::Absent(origin) : Text::Value(build_->ptx_isa, origin);
      return;
    }
    FillCodeFromBuildInfo();
  }

  // What was asked of the compiler: "sm_60" is machine code; "compute_90" is PTX and machine code for it.
  // Source: TensorFlow's configure.py on TF_CUDA_COMPUTE_CAPABILITIES.
  void FillCodeFromBuildInfo() {
    std::string file = folder_ + "/python/platform/build_info.py";
    Origin origin{kMachine, file};
    std::vector<std::string> sass;
    std::vector<std::string> ptx;
    size_t at = build_info_.find("cuda_compute_capabilities");
    size_t end = at == std::string::npos ? at : build_info_.find(']', at);
    if (end != std::string::npos) {
      for (const std::string& item : Split(build_info_.substr(at, end - at), ',')) {
        size_t sm = item.find("sm_");
        size_t compute = item.find(
            "compute_", item.find("capabilities") == std::string::npos ? 0 : item.find("capabilities") + 12);
        std::string capability = Capability(sm != std::string::npos        ? item.substr(sm)
                                            : compute != std::string::npos ? item.substr(compute)
                                                                           : "");
        if (capability.empty()) continue;
        sass.push_back(capability);
        if (sm == std::string::npos) ptx.push_back(capability);
      }
    }
    if (sass.empty()) {
      for (const std::string& item : Split(ConfiguredCapabilities(), ',')) {
        if (std::string capability = Capability(item); !capability.empty()) sass.push_back(capability);
      }
      // Which of them were asked for as PTX is not there: in every wheel the newest.
      if (!sass.empty()) ptx.push_back(sass.back());
      origin.from = config_file_;
    }
    std::string why = "neither TensorFlow's own files nor our data of " + knowledge_.Date() + " say it";
    tf_.sass = sass.empty() ? List::Unknown(why, origin) : List::Value(sass, origin);
    tf_.ptx = sass.empty() ? List::Unknown(why, origin) : List::Value(ptx, origin);
    // MLIR's kernels are either machine code or PTX, as was asked for each (so in every wheel from 2.8 on).
    tf_.sass_partial = sass.empty() ? List::Unknown(why, origin) : List::Value(ptx, origin);
    tf_.ptx_isa = Text::Unknown(why, origin);
  }
  std::string ConfiguredCapabilities() const {
    size_t at = config_.find("TF_CUDA_COMPUTE_CAPABILITIES");
    if (at == std::string::npos) return {};
    size_t end = config_.find('\n', at);
    return config_.substr(at + 28, end == std::string::npos ? end : end - at - 28);
  }

  // dlopen is called by code in the framework library since 2.?; its RUNPATH decides (seen with
  // LD_DEBUG=bindings).
  void FindOpener() {
    Origin origin{kMachine, folder_};
    for (const char* name :
         {"/libtensorflow_framework.so.2", "/libtensorflow_framework.so.1", "/libtensorflow_framework.so"}) {
      Result<FileStat> stat = system_.Stat(folder_ + name);
      if (stat.ok()) {
        tf_.opens_from = Text::Value(folder_ + name, {kMachine, folder_ + name});
        return;
      }
      if (!stat.not_found()) {
        tf_.opens_from = Text::Unknown(stat.error().message, {kMachine, folder_ + name});
        return;
      }
    }
    tf_.opens_from = Text::Absent(origin);
  }

  void FillOpens() {
    if (tf_.cuda_build.Peek() != nullptr && !*tf_.cuda_build.Peek()) {
      tf_.opens = tf_.opens_at_start = List::Absent(tf_.cuda_build.origin());
      return;
    }
    if (!altered_.empty()) {
      tf_.opens = tf_.opens_at_start = List::Unknown(altered_, {kMachine, winner_->info + "/RECORD"});
      return;
    }
    if (build_ != nullptr && build_->scanned) {
      tf_.opens = List::Value(InOrder(build_->opens), Known());
      tf_.opens_at_start = List::Value(InOrder(build_->opens_at_start), Known());
      return;
    }
    FillOpensFromConfig();
  }

  // A build that is not in our data: the versions in its own cuda_config.h are those of the file names that
  // it opens.
  void FillOpensFromConfig() {
    Origin origin{kMachine, config_file_};
    struct Known {
      const char* definition;
      const char* library;
    };
    static constexpr Known kLibraries[] = {
        {"TF_CUDART_VERSION", "libcudart.so."},     {"TF_CUBLAS_VERSION", "libcublas.so."},
        {"TF_CUBLAS_VERSION", "libcublasLt.so."},   {"TF_CUFFT_VERSION", "libcufft.so."},
        {"TF_CUSOLVER_VERSION", "libcusolver.so."}, {"TF_CUSPARSE_VERSION", "libcusparse.so."},
        {"TF_CUDNN_VERSION", "libcudnn.so."}};
    std::vector<std::string> opens;
    for (const Known& known : kLibraries) {
      std::string version = Definition(config_, known.definition);
      if (!version.empty())
        opens.push_back(known.library + (std::string_view(known.library) == "libcudnn.so."
                                             ? Split(version, '.')[0]
                                             : version));
    }
    if (opens.size() < std::size(kLibraries)) {
      std::string why = fmt::format("this build is not in our data of {} and {} does not say it",
                                    knowledge_.Date(), config_file_.empty() ? folder_ : config_file_);
      tf_.opens = tf_.opens_at_start = List::Unknown(why, origin);
      return;
    }
    // Up to 2.13 no GPU is registered without cuRAND, from 2.14 on it is not looked for at the start.
    const std::string* version = tf_.version.Peek();
    const std::string curand = Definition(config_, "TF_CURAND_VERSION");
    const bool asks_curand = version != nullptr && CompareVersions(*version, "2.14") < 0;
    if (asks_curand && !curand.empty()) opens.push_back("libcurand.so." + curand);
    tf_.opens = tf_.opens_at_start = List::Value(InOrder(std::move(opens)), origin);
  }

  // The order of TryDlopenCUDALibraries; it matters, since what is loaded stays.
  static std::vector<std::string> InOrder(std::vector<std::string> sonames) {
    static constexpr std::string_view kOrder[] = {"libcudart.", "libcublas.",   "libcublasLt.", "libcufft.",
                                                  "libcurand.", "libcusolver.", "libcusparse.", "libcudnn."};
    auto place = [](const std::string& soname) {
      return std::find_if(std::begin(kOrder), std::end(kOrder),
                          [&](std::string_view start) { return soname.starts_with(start); }) -
             std::begin(kOrder);
    };
    std::stable_sort(sonames.begin(), sonames.end(),
                     [&](const std::string& a, const std::string& b) { return place(a) < place(b); });
    return sonames;
  }

  // --- requirements
  // --------------------------------------------------------------------------------------------------------

  MarkerVariables Markers() const {
    const std::string* machine = facts_.host.machine.Peek();
    const std::string* python = facts_.python.version.Peek();
    return MarkersOnLinux(machine == nullptr ? "" : *machine, python == nullptr ? "" : *python);
  }

  const Metadata* ReadWinnerMetadata() {
    if (winner_ == nullptr) return nullptr;
    Result<Metadata> metadata = ReadMetadata(system_, *winner_);
    if (!metadata.ok()) {
      metadata_error_ = metadata.error().message;
      return nullptr;
    }
    metadata_ = std::move(*metadata);
    return &*metadata_;
  }

  void FillExtra() {
    const Metadata* metadata = ReadWinnerMetadata();
    bool has_extra =
        metadata != nullptr && std::find(metadata->provides_extra.begin(), metadata->provides_extra.end(),
                                         "and-cuda") != metadata->provides_extra.end();
    Origin origin{kMachine, winner_ != nullptr ? winner_->info + "/METADATA" : folder_};
    if (metadata == nullptr) {
      tf_.extra_missing = tf_.extra_at_odds = List::Unknown(metadata_error_, origin);
      return;
    }
    if (!has_extra) {
      tf_.extra_missing = tf_.extra_at_odds = List::Absent(origin);
      return;
    }
    std::vector<std::string> missing;
    std::vector<std::string> at_odds;
    for (const Requirement& requirement : RequirementsOf(*metadata, Markers(), "and-cuda").requirements) {
      const InstalledDistribution* there = installed_.Find(requirement.name);
      if (there == nullptr) {
        missing.push_back(requirement.name + requirement.specifiers.Text());
      } else if (!requirement.specifiers.Contains(there->version)) {
        at_odds.push_back(
            fmt::format("{} {}, wanted {}", there->name, there->version, requirement.specifiers.Text()));
      }
    }
    tf_.extra_missing = List::Value(missing, origin);
    tf_.extra_at_odds = List::Value(at_odds, origin);
  }

  void FillImportFaults() {
    using Map = Fact<std::map<std::string, ImportFault>>;
    std::map<std::string, ImportFault> faults;
    Origin origin{kMachine, winner_ != nullptr ? winner_->info : folder_};
    auto fault = [&](const std::string& reason, const std::string& wanted, const std::string& present,
                     const Origin& from) {
      // Of all the rest the first that ends the import is enough, but each package must come back.
      const std::string key = reason == "missing" ? "missing: " + wanted : reason;
      faults[key] = {Text::Value(reason, from), Text::Value(wanted, from), Text::Value(present, from)};
    };
    if (tf_.opens_from.state() == FactState::kAbsent)
      fault("files", "libtensorflow_framework.so.2", "no such file in " + folder_, origin);
    std::string unread;
    if (faults.empty()) unread = FindFileFault(fault);
    FindPlatformFaults(fault);
    const std::string* version = tf_.version.Peek();
    if (version == nullptr || !metadata_) {
      std::string why = version == nullptr ? tf_.version.why() : metadata_error_;
      if (unread.empty()) unread = "its requirements are not known: " + why;
      // What was found stands whatever else could not be read.
      tf_.import_faults = faults.empty() ? Map::Unknown(unread, origin) : Map::Value(faults, origin);
      return;
    }
    std::vector<Requirement> requirements = RequirementsOf(*metadata_, Markers()).requirements;
    for (const Requirement& requirement : requirements) FindRequirementFault(requirement, *version, fault);
    FindKerasFault(requirements, *version, fault);
    tf_.import_faults = faults.empty() && !unread.empty() ? Map::Unknown(unread, origin)
                                                          : Map::Value(std::move(faults), origin);
  }

  // The few files of which each alone ends the import, as Python and ld.so meet them (tried with 2.20.0).
  // Returns what could not be looked at.
  template <class Report>
  std::string FindFileFault(Report&& fault) {
    std::vector<std::string> files = {folder_ + "/__init__.py", folder_ + "/python/platform/build_info.py"};
    if (build_ != nullptr && winner_ != nullptr) {
      for (const auto& object : build_->objects) {
        bool core = object.first.find("/libtensorflow") != std::string::npos ||
                    object.first.ends_with("/_pywrap_tensorflow_internal.so");
        if (core) files.push_back(winner_->folder + "/" + object.first);
      }
    }
    std::string unread;
    for (const std::string& file : files) {
      Origin origin{kMachine, file};
      Result<std::string> start = system_.Read(file, 0, 1);
      std::string wanted = file.substr(file.rfind('/') + 1);
      Result<FileStat> stat = system_.Stat(file);
      if (file == files.front() && start.ok() && stat.ok() && stat->size == 0) {
        return fault("files", wanted, "an empty file", origin), "";
      }
      if (start.ok()) continue;
      switch (start.error().kind) {
        case ErrorKind::kNotFound:
          return fault("files", wanted, "no such file in " + file.substr(0, file.rfind('/')), origin), "";
        case ErrorKind::kDenied:
        case ErrorKind::kLoop:
        case ErrorKind::kWrongType:
          return fault("files", "a readable " + wanted, start.error().message, origin), "";
        default:
          unread = start.error().message;
      }
    }
    return unread;
  }

  // A file of another processor is to ld.so as if it were not there.
  template <class Report>
  void FindProcessorFault(Report&& fault) {
    const std::string* python = facts_.python.executable.Peek();
    const std::string* framework = tf_.opens_from.Peek();
    if (python == nullptr || framework == nullptr) return;
    const std::string of_python = MachineOfProgram(system_, *python);
    const std::string of_tensorflow = MachineOfProgram(system_, *framework);
    if (of_python.empty() || of_tensorflow.empty() || of_python == of_tensorflow) return;
    fault("architecture", "a Python for " + of_tensorflow, "this Python is for " + of_python,
          {kMachine, *framework});
  }

  template <class Report>
  void FindPlatformFaults(Report&& fault) {
    FindProcessorFault(fault);
    if (build_ == nullptr) return;
    const auto* flags = facts_.host.cpu_flags.Peek();
    for (const std::string& flag : build_->cpu_flags) {
      if (flags == nullptr || flags->empty() || std::find(flags->begin(), flags->end(), flag) != flags->end())
        continue;
      std::string name = flag;
      std::transform(name.begin(), name.end(), name.begin(),
                     [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
      fault("cpu-instructions", name, "a CPU without " + name, facts_.host.cpu_flags.origin());
    }
    const std::string* glibc = facts_.host.glibc.Peek();
    if (glibc != nullptr && !build_->glibc.empty() && CompareVersions(*glibc, build_->glibc) < 0) {
      fault("glibc", "glibc " + build_->glibc, "glibc " + *glibc, facts_.host.glibc.origin());
    }
  }

  // An unmet requirement is not yet a broken import: pip's bounds are wider or narrower than the truth. Each
  // of these was seen to fail (see tests/real), for the reason given.
  template <class Report>
  void FindRequirementFault(const Requirement& requirement, const std::string& version, Report&& fault) {
    const InstalledDistribution* there = installed_.Find(requirement.name);
    Origin origin{kMachine, there != nullptr ? there->info : winner_ != nullptr ? winner_->folder : folder_};
    std::string wanted = requirement.name + requirement.specifiers.Text();
    // Tried with 2.15.1 and 2.21.0, each requirement made unimportable in turn: with keras, h5py, grpcio,
    // tensorboard, google-pasta, libclang and setuptools gone `import tensorflow` still succeeds.
    static const std::set<std::string> kImported = {
        "numpy",      "protobuf",   "absl-py", "ml-dtypes", "wrapt",       "typing-extensions", "six",
        "astunparse", "opt-einsum", "gast",    "termcolor", "flatbuffers", "packaging",         "requests"};
    if (there == nullptr) {
      if (kImported.contains(requirement.name))
        fault(requirement.name == "numpy" || requirement.name == "protobuf" || requirement.name == "ml-dtypes"
                  ? Reason(requirement.name)
                  : "missing",
              wanted, requirement.name + " is not installed", origin);
      return;
    }
    std::string present = there->name + " " + there->version;
    if (FilesAreGone(*there)) {
      fault("missing", requirement.name + "==" + there->version, present + " is installed without its files",
            origin);
      return;
    }
    if (requirement.name == "numpy") {
      // Wheels before 2.18 are compiled against NumPy 1, whose C interface NumPy 2 does not offer.
      if (CompareVersions(version, "2.18") < 0 && CompareVersions(there->version, "2") >= 0)
        fault("numpy", "numpy<2", present, origin);
    } else if (requirement.name == "protobuf") {
      // Generated code before 2.12 is refused by protobuf 4 ("Descriptors cannot be created directly");
      // since 2.20 it refuses a protobuf older than the one it was generated with, which is the lower bound.
      bool too_new = CompareVersions(version, "2.12") < 0 && CompareVersions(there->version, "4") >= 0 &&
                     !requirement.specifiers.Contains(there->version);
      bool too_old = CompareVersions(version, "2.20") >= 0 && BelowFloor(requirement, there->version);
      if (too_new || too_old) fault("protobuf", wanted, present, origin);
    } else if (requirement.name == "ml-dtypes") {
      // A release uses types that its lower bound brought.
      if (BelowFloor(requirement, there->version)) fault("ml_dtypes", wanted, present, origin);
    }
  }
  // `import tensorflow` succeeds without a Keras that fits, and the first use of tf.keras fails. Tried: no
  // keras with 2.15.1 and 2.19.0; keras 2.15.0 with 2.19.0; 2.13.1, 2.14.0, 3.4.1 and 3.15.1
  // with 2.12.1; 3.0.5 with 2.15.1. Those that are wider than the bounds and work: 2.12.0, 2.14.0 and 3.15.1
  // with 2.15.1. Before 2.5 Keras is a part of TensorFlow.
  template <class Report>
  void FindKerasFault(const std::vector<Requirement>& requirements, const std::string& version,
                      Report&& fault) {
    auto wanted = std::find_if(requirements.begin(), requirements.end(), [](const Requirement& requirement) {
      return requirement.name == "keras" || requirement.name == "keras-nightly";
    });
    const auto* modules = facts_.python.modules.Peek();
    const auto* unread = facts_.python.unread.Peek();
    if (wanted == requirements.end() || modules == nullptr || unread == nullptr) return;
    auto module = modules->find("keras");
    if (module == modules->end()) return;
    const std::string text = wanted->name + wanted->specifiers.Text();
    if (module->second.path.state() == FactState::kAbsent) {
      if (unread->empty()) fault("keras", text, "keras is not installed", module->second.path.origin());
      return;
    }
    const std::string* owner = module->second.owner.Peek();
    const InstalledDistribution* there = owner == nullptr ? nullptr : installed_.Find(*owner);
    // Both have their files in the same folder, and which won is not known here.
    const bool both = installed_.Find("keras") != nullptr && installed_.Find("keras-nightly") != nullptr;
    if (there == nullptr || both || wanted->specifiers.Contains(there->version)) return;
    const auto below = [](const std::string& a, const char* b) { return CompareVersions(a, b) < 0; };
    const bool keras_2 = MajorVersion(there->version) == 2;
    const bool keras_3 = MajorVersion(there->version) >= 3;
    const bool newer = !BelowFloor(*wanted, there->version);
    const bool fails = (keras_2 && !below(version, "2.16")) || (newer && below(version, "2.15")) ||
                       (keras_3 && below(there->version, "3.1") && below(version, "2.16"));
    if (fails) fault("keras", text, there->name + " " + there->version, {kMachine, there->info});
  }
  // What is installed by its dist-info and is neither in its own folder nor in any other: somebody deleted
  // it, or an installation was interrupted.
  bool FilesAreGone(const InstalledDistribution& there) const {
    static const std::map<std::string, std::string> kModules = {
        {"numpy", "numpy"}, {"protobuf", "google.protobuf"}, {"ml-dtypes", "ml_dtypes"}};
    auto module = kModules.find(there.name);
    const auto* modules = facts_.python.modules.Peek();
    const auto* unread = facts_.python.unread.Peek();
    if (module == kModules.end() || modules == nullptr || unread == nullptr) return false;
    auto found = modules->find(module->second);
    if (found == modules->end()) return false;
    // A folder without __init__.py that is left of it is imported as an empty namespace.
    const std::string* kind = found->second.kind.Peek();
    const bool empty = kind != nullptr && *kind == "namespace";
    if (found->second.path.state() != FactState::kAbsent && !empty) return false;
    std::string folder = there.folder;
    for (const std::string& part : Split(module->second, '.')) folder += "/" + part;
    Result<FileStat> start = system_.Stat(folder + "/__init__.py");
    return start.not_found();
  }
  static std::string Reason(const std::string& name) { return name == "ml-dtypes" ? "ml_dtypes" : name; }

  static bool BelowFloor(const Requirement& requirement, const std::string& version) {
    Result<Version> parsed = Version::Parse(version);
    if (!parsed.ok()) return false;
    for (const Specifier& specifier : requirement.specifiers.specifiers()) {
      bool floor = specifier.op == ">=" || specifier.op == "~=" || specifier.op == ">";
      if (floor && *parsed < specifier.version) return true;
    }
    return false;
  }

  const System& system_;
  const Knowledge& knowledge_;
  Facts& facts_;
  TensorFlow& tf_;
  Installed installed_;
  std::string folder_;
  const InstalledDistribution* winner_ = nullptr;
  const TensorFlowBuild* build_ = nullptr;
  std::string altered_;  // why what lies here is not the build that was installed; empty: nothing says so
  std::string build_info_;
  std::string config_;
  std::string config_file_;
  std::optional<Metadata> metadata_;
  std::string metadata_error_ = "no installed distribution owns these files";
};

}  // namespace

void ProbeTensorFlow(const System& system, const Knowledge& knowledge, const Question&, Facts& facts) {
  TensorFlowProbe(system, knowledge, facts).Run();
}

}  // namespace tfdoctor
