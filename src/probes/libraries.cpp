// The libraries of the driver and of CUDA, opened in the order and from the objects that TensorFlow opens
// them from. Source of the order: tsl/platform/default/dso_loader.cc (TryDlopenCUDALibraries).

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "base/text.h"
#include "elf/loader.h"
#include "elf/object.h"
#include "knowledge/xla.h"
#include "probes/found.h"
#include "probes/probes.h"
#include "python/distributions.h"

namespace tfdoctor {

namespace {

std::string FileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }
std::string Folder(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

// The parts of cuDNN that its front library opens later and whose version can be told: by the data symbol
// that holds it (four bytes: patch, minor, major, 0), or by the file's long name.
struct CudnnPart {
  int major;
  const char* name;
  const char* symbol;
};
constexpr CudnnPart kCudnnParts[] = {
    {9, "libcudnn_graph.so.9", "cudnn_graph_version"},  // first: its version is that of cuDNN
    {9, "libcudnn_ops.so.9", "cudnn_ops_infer_version"},
    {9, "libcudnn_adv.so.9", "cudnn_adv_infer_version"},
    {8, "libcudnn_ops_infer.so.8", nullptr},
    {8, "libcudnn_cnn_infer.so.8", nullptr},
    {8, "libcudnn_adv_infer.so.8", nullptr},
};

class LibraryProbe {
 public:
  LibraryProbe(const System& system, const Knowledge& knowledge, const Question& question, Facts& facts)
      : system_(system), knowledge_(knowledge), question_(question), facts_(facts) {}

  void Run() {
    Start();
    OpenDriver();
    OpenCuda();
    NoteSearchPath();
    FindTools();
  }

 private:
  // --- the process
  // ---------------------------------------------------------------------------------------------------

  void Start() {
    const std::string* executable = facts_.python.executable.Peek();
    // Without a Python, any program shows what the loader finds of the driver.
    std::string program = executable != nullptr ? *executable : "/bin/sh";
    Result<elf::Process> started = elf::Process::Start(system_, program);
    if (!started.ok()) {
      why_not_ = started.error().message;
      return;
    }
    process_ = std::move(*started);
    const std::string* folder = facts_.tensorflow.folder.Peek();
    const std::string* framework = facts_.tensorflow.opens_from.Peek();
    if (folder == nullptr || framework == nullptr) return;
    elf::Resolution loaded = process_->Open(*framework);
    if (loaded.loads) caller_ = loaded.path;
    if (!loaded.loads) why_not_ = fmt::format("{} does not load: {}", *framework, loaded.failure);
    std::string rest = *folder + "/libtensorflow_cc.so.2";
    if (!system_.Exists(rest)) return;
    // It is loaded by `import tensorflow`: without it nothing is opened at all.
    elf::Resolution loaded_rest = process_->Open(rest);
    if (loaded_rest.loads) return;
    caller_.clear();
    why_not_ = fmt::format("{} does not load: {}", rest, loaded_rest.failure);
  }

  // --- one library
  // ---------------------------------------------------------------------------------------------------

  // What the loader did not take is worth a look only where something is odd (costs directory look-ups).
  void Open(const std::string& soname, Library& library, const std::string& caller) {
    elf::Resolution found = process_->Open(soname, caller);
    constexpr const char* kSearched = "the folders that the loader searches";
    const Origin origin{kMachine, found.path.empty() ? kSearched : found.path};
    if (found.path.empty() && !found.unreadable.empty()) {
      Unknown(library, "cannot look into " + found.unreadable.front(), origin);
      return;
    }
    if (found.path.empty()) {
      Missing(library, origin);
      // They are many: named once.
      library.path =
          Fact<std::string>::Absent({kMachine, fmt::format("{}: {}", kSearched, Join(found.searched, ", "))});
      library.missing = Fact<std::string>::Value(soname, origin);
    } else {
      library.path = Fact<std::string>::Value(found.path, origin);
      library.found_by = Fact<std::string>::Value(found.detail, origin);
      library.failure =
          found.loads ? Fact<std::string>::Absent(origin) : Fact<std::string>::Value(found.failure, origin);
      library.missing = found.missing.empty() ? Fact<std::string>::Absent(origin)
                                              : Fact<std::string>::Value(found.missing, origin);
      if (!found.lacking.empty()) lacking_.emplace(found.lacking, found);
      FillFromFile(soname, found.path, library);
    }
    bool suspicious = !found.loads || found.found_by != elf::FoundBy::kRunpath;
    std::vector<std::string> later;
    std::vector<std::string> elsewhere;
    if (suspicious) {
      if (!found.path.empty()) later = Others(process_->AlsoOnPath(soname, caller), found.path);
      elsewhere = Elsewhere(soname, found.path, later);
    }
    bool cuda = soname.starts_with("libcu") && !soname.starts_with("libcuda.");
    library.other_versions = found.path.empty() && elsewhere.empty() && cuda
                                 ? OtherVersions(soname)
                                 : Fact<std::vector<std::string>>::Absent(origin);
    library.shadowed = Fact<std::vector<std::string>>::Value(later, origin);
    library.elsewhere = Fact<std::vector<std::string>>::Value(
        elsewhere, {kMachine, "folders where CUDA libraries are installed"});
  }

  void Unknown(Library& library, const std::string& why, const Origin& origin) {
    Library::Describe(library, [&](const char*, auto& field, const char*) {
      field = std::remove_cvref_t<decltype(field)>::Unknown(why, origin);
    });
  }
  void Missing(Library& library, const Origin& origin) {
    Library::Describe(library, [&](const char*, auto& field, const char*) {
      field = std::remove_cvref_t<decltype(field)>::Absent(origin);
    });
  }

  void FillFromFile(const std::string& soname, const std::string& path, Library& library) {
    Origin origin{kMachine, path};
    Result<std::string> real = system_.RealPath(path);
    const std::string& file = real.ok() ? *real : path;
    // Toolkits keep the stubs that programs are linked with in a folder of this name.
    bool stub = file.find("/stubs/") != std::string::npos || path.find("/stubs/") != std::string::npos;
    library.stub = Fact<bool>::Value(stub, origin);
    FillOwner(soname, path, library);
    FillVersion(soname, file, library);
    FillCode(soname, file, library);
  }

  // A file below site-packages/nvidia belongs to the distribution that carries this soname.
  void FillOwner(const std::string& soname, const std::string& path, Library& library) {
    Origin origin{kMachine, path};
    library.owner = Fact<std::string>::Absent(origin);
    size_t nvidia = path.find("/nvidia/");
    const auto* distributions = facts_.python.distributions.Peek();
    if (nvidia == std::string::npos || distributions == nullptr) return;
    Result<std::string> real = system_.RealPath(path);
    if (!real.ok()) return;
    std::vector<InstalledDistribution> candidates;
    // Those of another CUDA lie in the same place, and the one that was installed last has won.
    for (int major = CudaMajor() - 1; major <= CudaMajor() + 2; major++) {
      const std::string name = knowledge_.DistributionOf(soname, major);
      const auto found = distributions->find(name);
      if (found == distributions->end()) continue;
      const std::string* folder = found->second.folder.Peek();
      const std::string* version = found->second.version.Peek();
      if (folder == nullptr || version == nullptr) continue;
      Result<std::string> real_folder = system_.RealPath(*folder);
      if (!real_folder.ok() || !real->starts_with(*real_folder + "/")) continue;
      std::string info = name;
      std::replace(info.begin(), info.end(), '-', '_');
      candidates.push_back(
          {name, *version, *folder, fmt::format("{}/{}-{}.dist-info", *folder, info, *version)});
    }
    if (candidates.size() > 1) {
      const std::string doubt = fmt::format("{} and {} both have it", candidates[0].name, candidates[1].name);
      std::erase_if(candidates, [&](const auto& one) { return !Left(one, *real); });
      if (candidates.size() != 1) {
        library.owner = Fact<std::string>::Unknown(doubt, origin);
        return;
      }
    }
    if (!candidates.empty()) {
      const InstalledDistribution& owner = candidates.front();
      library.owner = Fact<std::string>::Value(owner.name + " " + owner.version, {kMachine, owner.folder});
    }
  }

  // Whether every file beside this one is as long as the distribution's RECORD says.
  bool Left(const InstalledDistribution& distribution, const std::string& file) const {
    const std::string folder = file.substr(0, file.rfind('/') + 1);
    auto record = ReadRecord(system_, distribution);
    if (!record.ok()) return false;
    bool any = false;
    for (const RecordEntry& entry : *record) {
      const std::string path = distribution.folder + "/" + entry.path;
      Result<std::string> real = system_.RealPath(path);
      if (!real.ok() || !real->starts_with(folder) || !entry.size) continue;
      auto there = system_.Stat(path);
      if (!there.ok() || there->size != *entry.size) return false;
      any = true;
    }
    return any;
  }

  void FillVersion(const std::string& soname, const std::string& file, Library& library) {
    Origin origin{kMachine, file};
    // libcudart.so.12.9.79: the longer the better.
    std::string name = FileName(file);
    size_t so = name.find(".so.");
    // WSL names its libcuda "libcuda.so.1.1", which is no version of a driver.
    bool driver = soname == "libcuda.so.1" || soname == "libnvidia-ml.so.1";
    bool plausible = so != std::string::npos && (!driver || MajorVersion(name.substr(so + 4)) >= 100);
    if (plausible && name.size() > soname.size() && CountDots(name.substr(so + 4)) >= 1) {
      library.version = Fact<std::string>::Value(name.substr(so + 4), origin);
      return;
    }
    if (const std::string* owner = library.owner.Peek()) {
      library.version = Fact<std::string>::Value(owner->substr(owner->find(' ') + 1), library.owner.origin());
      return;
    }
    library.version =
        Fact<std::string>::Unknown("neither the file's name nor a distribution tells its version", origin);
  }
  static size_t CountDots(std::string_view text) {
    return static_cast<size_t>(std::count(text.begin(), text.end(), '.'));
  }

  void FillCode(const std::string& soname, const std::string& file, Library& library) {
    Origin origin{kMachine, file};
    std::string why = fmt::format("this version of {} is not in our data of {}", soname, knowledge_.Date());
    library.sass = List::Unknown(why, origin);
    library.ptx = List::Unknown(why, origin);
    library.oldest_gpu = Fact<std::string>::Unknown(why, origin);
    if (const std::string* owner = library.owner.Peek()) {
      size_t blank = owner->find(' ');
      const NvidiaWheel* wheel =
          knowledge_.FindNvidiaWheel(owner->substr(0, blank), owner->substr(blank + 1));
      if (wheel != nullptr && wheel->scanned) return FillCodeFromWheel(soname, *wheel, origin, library);
    }
    FillOldestFromVersion(soname, origin, library);
  }

  // The machine code that counts is that of the file itself; cuDNN's front library has none, there its parts
  // count.
  void FillCodeFromWheel(const std::string& soname, const NvidiaWheel& wheel, const Origin& origin,
                         Library& library) {
    std::optional<std::set<std::string>> sass;
    std::set<std::string> ptx;
    bool cudnn = soname.starts_with("libcudnn.");
    for (const WheelLibrary& file : wheel.libraries) {
      bool counts = cudnn ? file.soname.starts_with("libcudnn_ops") || file.soname.starts_with("libcudnn_cnn")
                          : file.soname == soname;
      if (!counts || file.sass.empty()) continue;
      std::set<std::string> here(file.sass.begin(), file.sass.end());
      ptx.insert(file.ptx.begin(), file.ptx.end());
      if (!sass) {
        sass = here;
      } else {
        std::erase_if(*sass, [&](const std::string& cc) { return !here.contains(cc); });
      }
    }
    if (!sass || sass->empty()) return;
    auto older = [](const std::string& a, const std::string& b) { return CompareVersions(a, b) < 0; };
    std::vector<std::string> list(sass->begin(), sass->end());
    std::sort(list.begin(), list.end(), older);
    library.oldest_gpu = Fact<std::string>::Value(list.front(), origin);
    library.sass = Fact<std::vector<std::string>>::Value(list, origin);
    list.assign(ptx.begin(), ptx.end());
    std::sort(list.begin(), list.end(), older);
    library.ptx = Fact<std::vector<std::string>>::Value(list, origin);
  }

  void FillOldestFromVersion(const std::string& soname, const Origin& origin, Library& library) {
    const std::string* version = library.version.Peek();
    if (version == nullptr) return;
    bool cudnn = soname.starts_with("libcudnn.");
    // The other libraries count their versions for themselves.
    bool cuda = soname.starts_with("libcudart.") || soname.starts_with("libcublas");
    if (!cudnn && !cuda) return;
    ArchitectureLimits limits =
        cudnn ? knowledge_.CudnnLimits(*version, CudaMajor()) : knowledge_.CudaLimits(*version);
    if (!limits.lowest.empty()) library.oldest_gpu = Fact<std::string>::Value(limits.lowest, origin);
  }

  int CudaMajor() const {
    const std::string* cuda = facts_.tensorflow.cuda_version.Peek();
    return cuda == nullptr ? 12 : MajorVersion(*cuda);
  }

  std::vector<std::string> Others(std::vector<std::string> files, const std::string& taken) const {
    Result<std::string> real_taken = system_.RealPath(taken);
    std::erase_if(files, [&](const std::string& file) {
      Result<std::string> real = system_.RealPath(file);
      return file == taken || (real.ok() && real_taken.ok() && *real == *real_taken);
    });
    return files;
  }

  // Folders that hold CUDA libraries on many machines, whether or not the loader looks there.
  const std::vector<std::string>& LikelyFolders() {
    if (!likely_.empty()) return likely_;
    auto add = [&](const std::string& folder) {
      if (system_.Exists(folder)) likely_.push_back(folder);
    };
    if (const auto* sys_path = facts_.python.sys_path.Peek()) {
      for (const std::string& entry : *sys_path) {
        if (!entry.ends_with("-packages")) continue;
        Result<std::vector<DirEntry>> packages = system_.List(entry + "/nvidia", 200);
        if (!packages.ok()) continue;
        for (const DirEntry& package : *packages) add(entry + "/nvidia/" + package.name + "/lib");
        add(entry + "/torch/lib");
        add(entry + "/tensorrt_libs");
      }
    }
    if (const std::string* prefix = facts_.python.prefix.Peek()) add(*prefix + "/lib");
    Result<std::vector<DirEntry>> local = system_.List("/usr/local", 1000);
    if (local.ok()) {
      for (const DirEntry& entry : *local) {
        if (!entry.name.starts_with("cuda")) continue;
        add("/usr/local/" + entry.name + "/lib64");
        add("/usr/local/" + entry.name + "/extras/CUPTI/lib64");
      }
    }
    for (const char* variable : {"CUDA_HOME", "CUDA_PATH", "CONDA_PREFIX"}) {
      std::optional<std::string> root = system_.Env(variable);
      if (!root || root->empty()) continue;
      add(*root + "/lib64");
      add(*root + "/lib");
    }
    for (const char* folder :
         {"/opt/cuda/lib64", "/usr/lib/wsl/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
          "/usr/lib64", "/usr/lib/nvidia", "/usr/lib/x86_64-linux-gnu/nvidia/current",
          "/usr/lib/nvidia-cuda-toolkit/lib64"}) {
      add(folder);
    }
    return likely_;
  }

  // "libcudart.so.13" where "libcudart.so.12" is wanted; of each folder the shortest name.
  Fact<std::vector<std::string>> OtherVersions(const std::string& soname) {
    const std::string stem = soname.substr(0, soname.find(".so.") + 4);
    std::vector<std::string> files;
    std::set<std::string> real_files;
    for (const std::string& folder : LikelyFolders()) {
      auto listed = listed_.find(folder);
      if (listed == listed_.end()) {
        Result<std::vector<DirEntry>> entries = system_.List(folder);
        if (!entries.ok()) return List::Unknown(entries.error().message, {kMachine, folder});
        std::vector<std::string> names;
        for (DirEntry& entry : *entries) {
          if (entry.name.starts_with("libcu") && entry.name.find(".so.") != std::string::npos)
            names.push_back(std::move(entry.name));
        }
        listed = listed_.emplace(folder, std::move(names)).first;
      }
      const std::string* best = nullptr;
      for (const std::string& name : listed->second) {
        bool other = name.starts_with(stem) && name != soname && !name.starts_with(soname + ".");
        if (other && (best == nullptr || name.size() < best->size())) best = &name;
      }
      if (best == nullptr) continue;
      Result<std::string> real = system_.RealPath(folder + "/" + *best);
      if (real.ok() && real_files.insert(*real).second) files.push_back(folder + "/" + *best);
    }
    return List::Value(std::move(files), {kMachine, "folders where CUDA libraries are installed"});
  }

  std::vector<std::string> Elsewhere(const std::string& soname, const std::string& taken,
                                     const std::vector<std::string>& later) {
    std::vector<std::string> files;
    std::set<std::string> real_files;
    for (const std::string& folder : LikelyFolders()) {
      std::string file = folder + "/" + soname;
      Result<std::string> real = system_.RealPath(file);
      if (real.ok() && real_files.insert(*real).second) files.push_back(file);
    }
    files = Others(std::move(files), taken);
    for (const std::string& known : later) files = Others(std::move(files), known);
    return files;
  }

  // --- driver
  // ----------------------------------------------------------------------------------------------------------

  void OpenDriver() {
    if (!question_.assumed_gpus.empty()) {
      Assume("libcuda.so.1", facts_.driver_library.cuda);
      Assume("libnvidia-ml.so.1", facts_.driver_library.nvml);
    } else if (!process_) {
      Unknown(facts_.driver_library.cuda, why_not_, {kMachine, "libcuda.so.1"});
      Unknown(facts_.driver_library.nvml, why_not_, {kMachine, "libnvidia-ml.so.1"});
    } else {
      Open("libcuda.so.1", facts_.driver_library.cuda, caller_);
      Open("libnvidia-ml.so.1", facts_.driver_library.nvml, caller_);
    }
  }

  void Assume(const std::string& soname, Library& library) {
    Origin origin{Witness::kStated, "--assume"};
    Missing(library, origin);
    library.path = Fact<std::string>::Value(soname, origin);
    library.found_by = Fact<std::string>::Value("--assume", origin);
    library.stub = Fact<bool>::Value(false, origin);
    if (const std::string* version = facts_.kernel_driver.version.Peek())
      library.version = Fact<std::string>::Value(*version, origin);
  }

  // --- CUDA
  // ------------------------------------------------------------------------------------------------------------

  void OpenCuda() {
    using Map = Fact<std::map<std::string, Library>>;
    using Names = Fact<std::map<std::string, std::string>>;
    const TensorFlow& tensorflow = facts_.tensorflow;
    Origin origin = tensorflow.opens.origin();
    const auto* opens = tensorflow.opens.Peek();
    if (opens == nullptr) {
      bool unknown = tensorflow.opens.state() == FactState::kUnknown;
      facts_.cuda_libraries.opened =
          unknown ? Map::Unknown(tensorflow.opens.why(), origin) : Map::Absent(origin);
      facts_.cuda_libraries.cudnn_parts =
          unknown ? Names::Unknown(tensorflow.opens.why(), origin) : Names::Absent(origin);
      return;
    }
    if (!process_ || caller_.empty()) {
      facts_.cuda_libraries.opened = Map::Unknown(why_not_, origin);
      facts_.cuda_libraries.cudnn_parts = Names::Unknown(why_not_, origin);
      return;
    }
    std::map<std::string, Library> libraries;
    const auto* at_start = tensorflow.opens_at_start.Peek();
    for (const std::string& soname : *opens) {
      Library& library = libraries[soname];
      Open(soname, library, caller_);
      library.needed_to_start =
          at_start == nullptr
              ? Fact<bool>::Unknown(tensorflow.opens_at_start.why(), origin)
              : Fact<bool>::Value(std::find(at_start->begin(), at_start->end(), soname) != at_start->end(),
                                  origin);
    }
    AddLacking(libraries);
    OpenCudnnParts(libraries);
    facts_.cuda_libraries.opened = Map::Value(std::move(libraries), origin);
  }

  // What TensorFlow does not open itself and keeps one that it opens from loading: an old libnvJitLink.so.12
  // under a new cuSPARSE.
  void AddLacking(std::map<std::string, Library>& libraries) {
    for (const auto& [soname, found] : lacking_) {
      if (libraries.contains(soname)) continue;
      const Origin origin{kMachine, found.lacking_path};
      Library& library = libraries[soname];
      Missing(library, origin);
      library.path = Fact<std::string>::Value(found.lacking_path, origin);
      library.found_by = Fact<std::string>::Value(found.lacking_detail, origin);
      library.needed_to_start = Fact<bool>::Value(false, origin);
      FillFromFile(soname, found.lacking_path, library);
    }
  }

  void OpenCudnnParts(std::map<std::string, Library>& libraries) {
    using Names = Fact<std::map<std::string, std::string>>;
    auto cudnn = std::find_if(libraries.begin(), libraries.end(),
                              [](const auto& entry) { return entry.first.starts_with("libcudnn."); });
    if (cudnn == libraries.end() || cudnn->second.path.Peek() == nullptr) {
      facts_.cuda_libraries.cudnn_parts = Names::Absent({kMachine, "no cuDNN"});
      return;
    }
    Library& front = cudnn->second;
    const std::string front_path = *front.path.Peek();
    int major = MajorVersion(cudnn->first.substr(cudnn->first.rfind('.') + 1));
    std::map<std::string, std::string> parts;
    for (const CudnnPart& part : kCudnnParts) {
      if (part.major != major) continue;
      elf::Resolution found = process_->Open(part.name, front_path);
      if (found.path.empty()) continue;
      std::string version = part.symbol == nullptr ? "" : CudnnVersion(found.path, part.symbol);
      if (version.empty()) {
        // Without a symbol only a long file name tells.
        Result<std::string> real = system_.RealPath(found.path);
        std::string name = FileName(real.ok() ? *real : found.path);
        if (name.size() > std::string_view(part.name).size()) version = name.substr(name.find(".so.") + 4);
      }
      if (!version.empty()) parts[part.name] = version;
      if (part.symbol != nullptr && std::string_view(part.name).starts_with("libcudnn_graph") &&
          !version.empty()) {
        front.version = Fact<std::string>::Value(version, {kMachine, found.path});
        if (front.sass.state() == FactState::kUnknown)
          FillOldestFromVersion(cudnn->first, {kMachine, found.path}, front);
      }
    }
    facts_.cuda_libraries.cudnn_parts = Names::Value(std::move(parts), {kMachine, front_path});
  }

  std::string CudnnVersion(const std::string& path, const char* symbol) {
    Result<std::string> bytes = process_->SymbolBytes(path, symbol, 4);
    if (!bytes.ok() || bytes->size() < 4) return {};
    auto byte = [&](size_t i) { return static_cast<unsigned>(static_cast<unsigned char>((*bytes)[i])); };
    if (byte(2) == 0 || byte(2) > 99) return {};
    return fmt::format("{}.{}.{}", byte(2), byte(1), byte(0));
  }

  // --- who wrote the search path, and XLA's tools
  // -------------------------------------------------------------------------

  void NoteSearchPath() {
    std::vector<std::string> notes;
    Origin origin{kMachine, "environment variable LD_LIBRARY_PATH"};
    std::string modules = system_.Env("LOADEDMODULES").value_or("");
    std::string conda = system_.Env("CONDA_PREFIX").value_or("");
    for (const std::string& entry : Split(system_.Env("LD_LIBRARY_PATH").value_or(""), ':')) {
      if (entry.empty()) continue;
      std::string by;
      for (const std::string& module : Split(modules, ':')) {
        size_t slash = module.find('/');
        if (slash == std::string::npos) continue;
        bool named = Lower(entry).find(Lower(module.substr(0, slash))) != std::string::npos;
        if (named && entry.find(module.substr(slash + 1)) != std::string::npos)
          by = "environment module " + module;
      }
      if (by.empty() && !conda.empty() && entry.starts_with(conda + "/")) by = "conda environment " + conda;
      if (by.empty() && (entry.find("/spack/") != std::string::npos || system_.Env("SPACK_ENV")))
        by = entry.find("/spack/") != std::string::npos ? "Spack" : "";
      if (by.empty() && entry.starts_with("/usr/lib/wsl/")) by = "the Windows Subsystem for Linux";
      if (!by.empty()) notes.push_back(entry + ": put there by " + by);
    }
    facts_.cuda_libraries.search_path_notes = Fact<std::vector<std::string>>::Value(std::move(notes), origin);
  }

  // A folder where XLA looks for a CUDA toolkit.
  struct Root {
    std::string folder;
    bool sure = true;  // false: nobody traced whether this release looks there
  };

  // The folder that comes before every other.
  std::string DataFolder() const {
    constexpr std::string_view kFlag = "--xla_gpu_cuda_data_dir=";
    std::string folder = system_.WorkingDirectory() + "/cuda_sdk_lib";
    const std::string flags = system_.Env("XLA_FLAGS").value_or("");
    for (std::string_view flag : SplitWords(flags)) {
      if (flag.starts_with(kFlag)) folder = flag.substr(kFlag.size());
    }
    std::erase_if(folder, [](char c) { return c == '"' || c == '\''; });
    return folder.starts_with('/') ? folder : system_.WorkingDirectory() + "/" + folder;
  }

  // The rest, in XLA's order. 2.15.1, 2.16.1, 2.20.0 and 2.21.0 were watched doing it (strace, and
  // TF_CPP_VMODULE=cuda_root_path=3); of others it is known that they look into /usr/local/cuda and,
  // since 2.14, into the folder of nvidia-cuda-nvcc.
  std::vector<Root> CudaRoots() const {
    const std::string* folder = facts_.tensorflow.folder.Peek();
    const std::string* known = facts_.tensorflow.version.Peek();
    const std::string version = known == nullptr ? "" : *known;
    auto between = [&](const char* first, const char* beyond) {
      return !version.empty() && CompareVersions(version, first) >= 0 && CompareVersions(version, beyond) < 0;
    };
    const bool old = between("2.15", "2.17");
    const bool recent = between("2.20", "2.22");
    std::vector<Root> roots;
    const std::string* cuda = facts_.tensorflow.cuda_version.Peek();
    std::vector<std::string> parts = Split(cuda == nullptr ? "" : *cuda, '.');
    if (!recent && parts.size() >= 2) roots.push_back({"/usr/local/cuda-" + parts[0] + "." + parts[1], old});
    if (between("2.20", "2.21")) roots.push_back({system_.WorkingDirectory()});
    roots.push_back({"/usr/local/cuda"});
    if (!old) roots.push_back({"/opt/cuda", recent});
    if (folder == nullptr) return roots;
    const std::string site = Folder(*folder);
    if (version.empty() || CompareVersions(version, "2.14") >= 0) {
      roots.push_back({site + "/nvidia/cuda_nvcc", !version.empty()});
      roots.push_back({Folder(site) + "/nvidia/cuda_nvcc", old || recent});
    }
    if (old) return roots;
    roots.push_back({*folder + "/cuda", recent});
    const std::string prefix = Folder(Folder(Folder(site)));
    roots.push_back({prefix, recent});
    roots.push_back({Folder(prefix), recent});
    return roots;
  }

  void FindTools() {
    CudaTools& tools = facts_.cuda_libraries.tools;
    FindLibdevice(tools);
    FindPtxas(tools);
  }

  // The first folder decides, whether or not the file is in it; without any it is the working folder.
  void FindLibdevice(CudaTools& tools) const {
    constexpr const char* kFile = "/libdevice.10.bc";
    std::vector<Root> roots = CudaRoots();
    roots.insert(roots.begin(), {DataFolder()});
    std::string looked;
    std::string doubtful;
    for (const Root& root : roots) {
      std::string folder = root.folder + "/nvvm/libdevice";
      looked += (looked.empty() ? "" : ", ") + root.folder;
      Result<FileStat> stat = system_.Stat(folder);
      if (!stat.ok() && !stat.not_found()) {
        tools.libdevice = Fact<std::string>::Unknown(stat.error().message, {kMachine, folder});
        return;
      }
      if (!stat.ok() || stat->type != FileType::kDirectory) continue;
      if (!root.sure) {
        if (doubtful.empty() && system_.Exists(folder + kFile)) doubtful = folder;
        continue;
      }
      tools.libdevice = FindFile({folder}, kFile, {kMachine, folder});
      return;
    }
    tools.libdevice = !doubtful.empty() ? Doubtful(doubtful)
                                        : FindFile({system_.WorkingDirectory()}, kFile, {kMachine, looked});
  }

  // Up to 2.15 PATH comes first of all. Since 2.16 the data folder does.
  void FindPtxas(CudaTools& tools) const {
    std::vector<Root> roots = CudaRoots();
    std::vector<std::string> sure = {DataFolder() + "/bin"};
    for (const std::string& entry : Split(system_.Env("PATH").value_or(""), ':')) sure.push_back(entry);
    const std::string* version = facts_.tensorflow.version.Peek();
    if (version != nullptr && CompareVersions(*version, "2.16") < 0)
      std::rotate(sure.begin(), sure.begin() + 1, sure.end());
    std::vector<std::string> doubtful;
    for (const Root& root : roots) (root.sure ? sure : doubtful).push_back(root.folder + "/bin");
    std::string looked = DataFolder() + ", PATH";
    for (const Root& root : roots) looked += ", " + root.folder;
    TakePtxas(tools, sure, {kMachine, looked});
    if (tools.ptxas.state() != FactState::kAbsent) return;
    Fact<std::string> other = FindFile(doubtful, "/ptxas", {kMachine, looked});
    if (const std::string* path = other.Peek()) tools.ptxas = Doubtful(Folder(*path));
    if (other.state() == FactState::kUnknown) tools.ptxas = other;
    tools.ptxas_version = Fact<std::string>::Absent(tools.ptxas.origin());
  }

  // The first that XLA runs; if it runs none of them the first that there is.
  void TakePtxas(CudaTools& tools, const std::vector<std::string>& folders, const Origin& nowhere) const {
    const std::string* tensorflow = facts_.tensorflow.version.Peek();
    tools.ptxas = Fact<std::string>::Absent(nowhere);
    for (const std::string& folder : folders) {
      Fact<std::string> found = FindFile({folder}, "/ptxas", nowhere);
      if (found.state() == FactState::kAbsent) continue;
      Fact<std::string> version = PtxasVersion(found);
      const std::string* known = version.Peek();
      bool runs = known == nullptr || tensorflow == nullptr || XlaRunsPtxas(*tensorflow, *known);
      if (!runs && tools.ptxas.Peek() != nullptr) continue;
      tools.ptxas = std::move(found);
      tools.ptxas_version = std::move(version);
      if (runs) return;
    }
  }

  Fact<std::string> Doubtful(const std::string& folder) const {
    const std::string* version = facts_.tensorflow.version.Peek();
    return Fact<std::string>::Unknown(
        fmt::format("nobody tried whether {} looks into {}",
                    version == nullptr ? "this TensorFlow" : "TensorFlow " + *version, folder),
        {kMachine, folder});
  }

  Fact<std::string> FindFile(const std::vector<std::string>& folders, const std::string& below,
                             const Origin& nowhere) const {
    for (const std::string& folder : folders) {
      if (folder.empty()) continue;
      Result<FileStat> stat = system_.Stat(folder + below);
      if (stat.ok()) return Fact<std::string>::Value(folder + below, {kMachine, folder + below});
      if (!stat.not_found())
        return Fact<std::string>::Unknown(stat.error().message, {kMachine, folder + below});
    }
    return Fact<std::string>::Absent(nowhere);
  }

  // What `ptxas --version` prints stands in the program, "Cuda compilation tools, release 12.9, V12.9.86"
  // (read in those of 12.2 and 12.9). It has some 35 MB, so this comes last.
  std::string StatedVersion(const std::string& path) const {
    constexpr std::string_view kBefore = "Cuda compilation tools, release ";
    constexpr size_t kStep = 1 << 20;
    constexpr size_t kOverlap = 128;
    constexpr uint64_t kEnd = 128 << 20;
    for (uint64_t at = 0; at < kEnd; at += kStep) {
      Result<std::string> part = system_.Read(path, at, kStep + kOverlap);
      if (!part.ok() || part->empty()) return {};
      for (size_t found = part->find(kBefore); found != std::string::npos;
           found = part->find(kBefore, found + 1)) {
        const std::string_view rest = std::string_view(*part).substr(found + kBefore.size(), 40);
        const size_t full = rest.find(", V");  // of a format ("release %d.%d") there is none
        std::string version = full == std::string_view::npos ? "" : FindVersion(rest.substr(full + 3));
        if (!version.empty() && rest.front() >= '0' && rest.front() <= '9') return version;
      }
    }
    return {};
  }

  Fact<std::string> PtxasVersion(const Fact<std::string>& ptxas) const {
    const std::string* path = ptxas.Peek();
    if (path == nullptr) return Fact<std::string>::Unknown(ptxas.why(), ptxas.origin());
    Origin origin{kMachine, *path};
    const auto* distributions = facts_.python.distributions.Peek();
    if (path->find("/nvidia/cuda_nvcc/") != std::string::npos && distributions != nullptr) {
      auto nvcc = distributions->find(fmt::format("nvidia-cuda-nvcc-cu{}", CudaMajor()));
      if (nvcc != distributions->end() && nvcc->second.version.Peek() != nullptr) {
        return nvcc->second.version;
      }
    }
    // /usr/local/cuda-12.2/bin/ptxas, behind the link /usr/local/cuda or in a script that starts it.
    Result<std::string> real = system_.RealPath(*path);
    std::string version = FindVersion(real.ok() ? *real : *path);
    Result<std::string> script = system_.Read(*path, 0, 1024);
    if (version.empty() && script.ok() && script->starts_with("#!")) {
      for (std::string_view word : SplitWords(*script)) {
        if (word.ends_with("/ptxas")) version = FindVersion(word);
      }
    }
    if (version.empty()) version = StatedVersion(*path);
    return version.empty() ? Fact<std::string>::Unknown(
                                 "neither its path nor its text tells the version of ptxas", origin)
                           : Fact<std::string>::Value(version, origin);
  }

  const System& system_;
  const Knowledge& knowledge_;
  const Question& question_;
  Facts& facts_;
  std::map<std::string, elf::Resolution> lacking_;  // by soname: what failed, since it lacks something
  std::optional<elf::Process> process_;
  std::string caller_;  // the object whose code calls dlopen
  std::string why_not_ = "no TensorFlow library that opens them";
  std::vector<std::string> likely_;
  std::map<std::string, std::vector<std::string>> listed_;  // CUDA libraries in a likely folder
};

}  // namespace

void ProbeLibraries(const System& system, const Knowledge& knowledge, const Question& question,
                    Facts& facts) {
  LibraryProbe(system, knowledge, question, facts).Run();
}

}  // namespace tfdoctor
