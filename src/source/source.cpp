#include "source/source.h"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <initializer_list>

#include "base/text.h"
#include "image/image.h"
#include "system/process.h"
#include "system/root.h"
#include "system/start_command.h"

namespace tfdoctor {

namespace {

constexpr size_t kLargestRecording = 64U << 20;

Result<Source> Replayed(const std::string& path, const System& live) {
  Result<Recording> recording = ReadRecordingFile(live, path);
  if (!recording.ok())
    return Error{recording.error().kind, "--from " + path + ": " + recording.error().message};
  Source source;
  source.name =
      fmt::format("the recording {}, made by {} on {}", path, recording->made_by, recording->made_at);
  source.question = recording->question;
  source.local_time = recording->local_time;
  source.zone = recording->zone;
  source.system = std::make_unique<ReplaySystem>(std::move(*recording));
  return source;
}

// One KEY=VALUE.
bool TakeVariable(std::string_view line, std::map<std::string, std::string>& variables) {
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos || equals == 0) return false;
  variables[std::string(line.substr(0, equals))] = line.substr(equals + 1);
  return true;
}

// What is stated; --env outweighs the files. The form of the files is that of docker's --env-file: what
// stands behind "=" is the value as it is, "#" begins a comment.
Result<bool> TakeEnvironment(const SourceOptions& options, const System& live,
                             std::map<std::string, std::string>& variables) {
  for (const std::string& path : options.environment_files) {
    Result<std::string> text = live.ReadAll(path, 1 << 20);
    if (!text.ok()) return Error{text.error().kind, "--env-file: " + text.error().message};
    for (std::string_view line : SplitLines(*text)) {
      while (line.starts_with(' ') || line.starts_with('\t')) line.remove_prefix(1);
      if (line.empty() || line.front() == '#') continue;
      if (!TakeVariable(line, variables))
        return Error{ErrorKind::kMalformed,
                     fmt::format("--env-file {}: '{}' is not KEY=VALUE", path, Printable(line, 80))};
    }
  }
  for (const std::string& stated : options.environment) {
    if (!TakeVariable(stated, variables))
      return Error{ErrorKind::kMalformed, fmt::format("--env: '{}' is not KEY=VALUE", Printable(stated, 80))};
  }
  return true;
}

Result<Source> InRoot(const SourceOptions& options, const System& live) {
  RootSettings settings;
  if (Result<bool> taken = TakeEnvironment(options, live, settings.environment); !taken.ok())
    return taken.error();
  if (Result<FileStat> stat = live.Stat(options.root); stat && stat->type == FileType::kRegular)
    return Error{
        ErrorKind::kMalformed,
        fmt::format("--root {}: this is a file; an image is judged with --image, a recording with --from",
                    Printable(options.root))};
  Result<std::unique_ptr<System>> root = RootSystem(options.root, std::move(settings));
  if (!root.ok()) return Error{root.error().kind, "--root: " + root.error().message};
  Source source;
  source.system = std::move(*root);
  source.name = "the root " + options.root;
  return source;
}

Result<Source> OfProcess(const std::string& pid) {
  constexpr size_t kLongest = 9;
  if (pid.size() > kLongest || pid.find_first_not_of("0123456789") != std::string::npos || pid == "0")
    return Error{ErrorKind::kMalformed, fmt::format("--pid: '{}' is not the number of a process", pid)};
  Result<PythonProcess> process = OpenProcess(std::stoi(pid));
  if (!process.ok()) return Error{process.error().kind, "--pid: " + process.error().message};
  Source source;
  source.name = fmt::format("the running process {} ({})", pid, process->command);
  source.question = {{"pid", pid}, {"command", process->command}};
  if (!process->interpreter.empty()) source.question.emplace_back("python", process->interpreter);
  if (!process->script.empty()) source.question.emplace_back("script", process->script);
  if (!process->flags.empty()) source.question.emplace_back("python-flags", "-" + process->flags);
  source.system = std::move(process->system);
  return source;
}

// The Python that ENTRYPOINT and CMD start.
void TakeCommand(image::ImageSystem& image, Source& source) {
  constexpr size_t kHead = 512;
  const StartedPython started = ReadStartCommand(image, image.command(), [&](const std::string& path) {
    return image.ReadNow(path, kHead).value_or("");
  });
  image.Enter(started.environment, started.working_directory);
  if (!started.python.empty()) source.question.emplace_back("python", started.python);
  if (!started.script.empty()) source.question.emplace_back("script", started.script);
  if (!started.flags.empty()) source.question.emplace_back("python-flags", "-" + started.flags);
  if (started.understood) return;
  // Its arguments may hold secrets.
  const std::string& program = image.command().front();
  source.question.emplace_back(
      "python-doubt",
      fmt::format("the command of the image ({}) may start another Python than the one on its PATH",
                  Printable(program.substr(program.rfind('/') + 1), 80)));
}

// "app.tar:app:2" where there is no such file, but an app.tar: as tools for images name one of several.
std::pair<std::string, std::string> FileAndName(const std::string& image, const System& live) {
  if (!live.Stat(image).not_found()) return {image, ""};
  for (size_t colon = image.find(':'); colon != std::string::npos; colon = image.find(':', colon + 1)) {
    if (std::string file = image.substr(0, colon); live.Stat(file).ok())
      return {std::move(file), image.substr(colon + 1)};
  }
  return {image, ""};
}

Result<Source> InImage(const SourceOptions& options, const System& live,
                       const std::function<void(const std::string&)>& progress) {
  std::map<std::string, std::string> variables;
  if (Result<bool> taken = TakeEnvironment(options, live, variables); !taken.ok()) return taken.error();
  image::Progress report;
  if (progress) {
    report = [progress](size_t layer, size_t layers, double done) {
      progress(layers == 0 ? fmt::format("reading the archive, {:.0f}%", done * 100)
                           : fmt::format("reading layer {} of {}, {:.0f}%", layer + 1, layers, done * 100));
    };
  }
  const auto [file, name] = FileAndName(options.image, live);
  auto opened =
      image::ImageSystem::Open(file, {live.Machine(), name, options.platform}, variables, std::move(report));
  if (!opened.ok())
    return Error{opened.error().kind, "--image " + options.image + ": " + opened.error().message};
  Source source;
  source.name = "the image " + file;
  if (!opened.value()->which().empty()) source.name += fmt::format(" ({})", opened.value()->which());
  image::ImageSystem* image = opened->get();
  source.system = std::move(*opened);
  source.fetch = [image] { return image->Fetch(); };
  TakeCommand(*image, source);
  return source;
}

// The entry below a folder is there, wherever a link of that name leads.
bool HasEntry(const System& system, const std::string& folder, const char* name) {
  return system.LStat(folder + "/" + name).ok();
}

bool HasAny(const System& system, const std::string& folder, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](const char* name) { return HasEntry(system, folder, name); });
}

Error WriteError(const std::string& path, const char* what) {
  return {ErrorKind::kIo, fmt::format("cannot write {}: {}", path, what)};
}

}  // namespace

Result<SourceOptions> SourceNamed(const std::string& named, const System& live) {
  constexpr std::string_view kZstd("\x28\xb5\x2f\xfd", 4), kGzip("\x1f\x8b", 2), kElf(ELFMAG, SELFMAG);
  constexpr size_t kTarMagic = 257, kTarHeader = 512;  // of POSIX's tar
  SourceOptions options;
  const Result<FileStat> stat = live.Stat(named);
  if (stat.not_found() && !named.empty() && named.find_first_not_of("0123456789") == std::string::npos) {
    options.pid = named;
    return options;
  }
  if (stat.not_found() && !FileAndName(named, live).second.empty()) {
    options.image = named;
    return options;
  }
  if (stat.not_found()) return Error{ErrorKind::kNotFound, "no such file or folder"};
  if (!stat.ok()) return stat.error();
  if (stat->type == FileType::kRegular) {
    const Result<std::string> read = live.Read(named, 0, kTarHeader);
    if (!read.ok()) return read.error();
    const std::string_view head = *read;
    if (head.starts_with(kZstd)) {
      options.from = named;
    } else if (head.starts_with(kGzip) ||
               (head.size() == kTarHeader && head.substr(kTarMagic).starts_with("ustar"))) {
      options.image = named;
    } else if (!head.starts_with(kElf) && !head.starts_with("#!")) {
      return Error{ErrorKind::kMalformed, "it is no recording, no image and no program"};
    }
    return options;
  }
  if (stat->type != FileType::kDirectory)
    return Error{ErrorKind::kWrongType, "it is neither a file nor a folder"};
  if (HasAny(live, named, {"index.json", "manifest.json"})) {
    options.image = named;
  } else if (!HasAny(live, named, {"pyvenv.cfg", "conda-meta"}) && HasEntry(live, named, "etc") &&
             HasAny(live, named, {"usr", "lib"})) {
    // A root has a bin/python, too; an environment that has an etc is conda's.
    options.root = named;
  } else if (!HasAny(live, named, {"bin/python", "bin/python3", "python", "python3"})) {
    return Error{ErrorKind::kMalformed, "it has no bin/python, and no etc and usr as a root has"};
  }
  return options;
}

Result<Source> OpenSource(const SourceOptions& options, const System& live,
                          const std::function<void(const std::string&)>& progress) {
  if (!options.image.empty()) return InImage(options, live, progress);
  if (!options.from.empty()) return Replayed(options.from, live);
  if (!options.root.empty()) return InRoot(options, live);
  if (!options.pid.empty()) return OfProcess(options.pid);
  Source source;
  source.system = LiveSystem(Looks::kOne);
  return source;
}

Result<Recording> ReadRecordingFile(const System& live, const std::string& path) {
  Result<std::string> packed = live.ReadAll(path, kLargestRecording);
  if (!packed.ok()) return packed.error();
  return UnpackRecording(*packed);
}

Result<bool> WriteWhole(const std::string& path, std::string_view bytes) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    return WriteError(path, "it is not a file");
  std::string beside = path + ".XXXXXX";
  const int file = ::mkostemp(beside.data(), O_CLOEXEC);
  if (file < 0) return WriteError(path, std::strerror(errno));
  int error = 0;
  for (std::string_view left = bytes; !left.empty() && error == 0;) {
    const ssize_t written = ::write(file, left.data(), left.size());
    if (written >= 0) {
      left.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (error == 0 && ::fsync(file) != 0) error = errno;
  if (::close(file) != 0 && error == 0) error = errno;
  if (error == 0 && ::rename(beside.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return true;
  ::unlink(beside.c_str());
  return WriteError(path, std::strerror(error));
}

}  // namespace tfdoctor
