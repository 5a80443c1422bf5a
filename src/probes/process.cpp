// What a running process has mapped, which is what it really got. Where files and environment lead a new
// process elsewhere, the difference is noted.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "elf/object.h"
#include "probes/found.h"
#include "probes/probes.h"

namespace tfdoctor {

namespace {

constexpr std::string_view kDeleted = " (deleted)";

struct Mapped {
  std::string path;
  bool deleted = false;
};

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool Concerns(const std::string& name) {
  for (const std::string_view start : {"libcu", "libnv", "libnccl", "libtensorflow", "_pywrap_tensorflow"}) {
    if (name.starts_with(start)) return true;
  }
  return false;
}

class ProcessProbe {
 public:
  ProcessProbe(const System& system, const std::string& pid, Facts& facts)
      : system_(system), origin_{Witness::kProcess, "mapped by process " + pid}, facts_(facts) {}

  void Run() {
    RunningProcess& process = facts_.process;
    const Result<std::vector<std::string>> files = system_.MappedFiles();
    if (!files.ok()) {
      process.mapped = List::Unknown(files.error().message, origin_);
      process.differences = process.mapped;
      return;
    }
    std::vector<std::string> shown;
    for (const std::string& file : *files) {
      if (!Concerns(BaseName(file))) continue;
      shown.push_back(file);
      Mapped one{file, file.ends_with(kDeleted)};
      if (one.deleted) one.path.resize(one.path.size() - kDeleted.size());
      mapped_.push_back(std::move(one));
    }
    process.mapped = List::Value(std::move(shown), origin_);
    if (const auto* known = process.differences.Peek()) differences_ = *known;  // of its sys.path
    Compare("libcuda.so.1", facts_.driver_library.cuda);
    Compare("libnvidia-ml.so.1", facts_.driver_library.nvml);
    if (auto* opened = facts_.cuda_libraries.opened.Mutable()) {
      for (auto& [soname, library] : *opened) Compare(soname, library);
    }
    CompareTensorFlow();
    if (!system_.KnowsVariable("LD_LIBRARY_PATH")) DoubtWhatIsNotMapped();
    process.differences = List::Value(std::move(differences_), origin_);
  }

 private:
  const Mapped* Find(const std::string& soname) const {
    for (const Mapped& one : mapped_) {
      const std::string name = BaseName(one.path);
      if (!name.starts_with(soname.substr(0, soname.find(".so") + 3))) continue;
      // /proc names the file behind all links; its own soname tells what it was asked for by.
      const Result<elf::Object> object = elf::ReadObject(system_, one.path);
      const bool same = !one.deleted && object.ok() ? object->soname == soname : name.starts_with(soname);
      if (same) return &one;
    }
    return nullptr;
  }

  void Compare(const std::string& soname, Library& library) {
    const Mapped* one = Find(soname);
    if (one == nullptr) return;
    const std::string* predicted = library.path.Peek();
    const std::string real = predicted == nullptr ? "" : system_.RealPath(*predicted).value_or(*predicted);
    const bool same = real == one->path && !one->deleted;
    if (!same) {
      differences_.push_back(
          one->deleted
              ? fmt::format("{}: it has mapped {}, which was removed or replaced since", soname, one->path)
              : fmt::format("{}: it has mapped {}; a new process would {}", soname, one->path,
                            predicted == nullptr ? "find none" : "take " + *predicted));
    }
    library.path.Add(Fact<std::string>::Value(same ? *predicted : one->path, origin_));
    library.found_by.Add(Fact<std::string>::Value("mapped by the process", origin_));
    library.failure.Add(Fact<std::string>::Absent(origin_));
    library.missing.Add(Fact<std::string>::Absent(origin_));
    if (same) return;
    const std::string name = BaseName(one->path);
    const size_t version = name.find(".so.");
    const std::string text = version == std::string::npos ? "" : name.substr(version + 4);
    library.version.Add(text.find('.') == std::string::npos
                            ? Fact<std::string>::Unknown("the name of the mapped file does not tell", origin_)
                            : Fact<std::string>::Value(text, origin_));
    // What was read of the other file says nothing of this one.
    const std::string why = "read of another file than the one that is mapped";
    library.sass = Fact<std::vector<std::string>>::Unknown(why, origin_);
    library.ptx = Fact<std::vector<std::string>>::Unknown(why, origin_);
    library.oldest_gpu = Fact<std::string>::Unknown(why, origin_);
    library.owner = Fact<std::string>::Absent(origin_);
    library.stub = Fact<bool>::Value(one->path.find("/stubs/") != std::string::npos, origin_);
  }

  // Which files the process would take, and XLA's tools, depends on variables that it has overwritten.
  void DoubtWhatIsNotMapped() {
    const std::string why = "the process has overwritten LD_LIBRARY_PATH and PATH";
    auto doubt = [&](const char*, auto& field, const char*) {
      field = std::remove_cvref_t<decltype(field)>::Unknown(why, origin_);
    };
    auto doubt_library = [&](Library& library) {
      if (library.path.origin().witness != Witness::kMachine) return;  // mapped, or assumed
      Fact<bool> needed = library.needed_to_start;                     // whatever file it is
      Library::Describe(library, doubt);
      library.needed_to_start = std::move(needed);
    };
    doubt_library(facts_.driver_library.cuda);
    doubt_library(facts_.driver_library.nvml);
    if (auto* opened = facts_.cuda_libraries.opened.Mutable()) {
      for (auto& [soname, library] : *opened) doubt_library(library);
    }
    CudaTools::Describe(facts_.cuda_libraries.tools, doubt);
    doubt("", facts_.cuda_libraries.cudnn_parts, "");
    doubt("", facts_.cuda_libraries.search_path_notes, "");
  }

  void CompareTensorFlow() {
    const auto mapped = std::find_if(mapped_.begin(), mapped_.end(), [](const Mapped& one) {
      return BaseName(one.path).starts_with("libtensorflow_framework.so");
    });
    if (mapped == mapped_.end()) return;
    if (facts_.tensorflow.folder.state() == FactState::kAbsent) {
      facts_.tensorflow.folder = Fact<std::string>::Unknown(
          fmt::format("the process has mapped {}, which a new one would not find on sys.path", mapped->path),
          origin_);
    }
    const std::string* folder = facts_.tensorflow.folder.Peek();
    if (folder == nullptr) return;
    const std::string real = system_.RealPath(*folder).value_or(*folder);
    if (mapped->path.starts_with(real + "/") && !mapped->deleted) return;
    differences_.push_back(
        fmt::format("TensorFlow: it has mapped {}{}; a new process would import {}", mapped->path,
                    mapped->deleted ? ", which was removed or replaced since" : "", *folder));
  }

  const System& system_;
  const Origin origin_;
  Facts& facts_;
  std::vector<Mapped> mapped_;
  std::vector<std::string> differences_;
};

}  // namespace

void ProbeProcess(const System& system, const Knowledge&, const Question& question, Facts& facts) {
  RunningProcess& process = facts.process;
  if (question.process.empty()) {
    const Origin origin{Witness::kMachine, "no running process was named with --pid"};
    RunningProcess::Describe(process, [&](const char*, auto& field, const char*) {
      field = std::remove_cvref_t<decltype(field)>::Absent(origin);
    });
    return;
  }
  const Origin origin{Witness::kProcess, "/proc/" + question.process};
  process.pid = Fact<std::string>::Value(question.process, origin);
  process.command = Fact<std::string>::Value(question.process_command, origin);
  ProcessProbe(system, question.process, facts).Run();
}

}  // namespace tfdoctor
