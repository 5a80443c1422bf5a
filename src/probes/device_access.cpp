#include "base/text.h"
#include "facts/devices.h"
#include "probes/found.h"
#include "probes/probes.h"

namespace tfdoctor {

namespace {

using Nodes = std::map<std::string, DeviceNode>;

constexpr size_t kLargestAccounts = 4 << 20;

bool IsOfGpus(const std::string& path) {
  return IsGpuNode(path) || path == "/dev/nvidiactl" || path == "/dev/nvidia-uvm" ||
         path == "/dev/nvidia-uvm-tools" || path == "/dev/nvidia-caps" || path == "/dev/dxg";
}

// The name of a user or group id in a table like /etc/passwd: "NAME:x:ID:…"; the number where there is none.
std::string AccountName(const Result<std::string>& table, uint32_t id) {
  std::string number = std::to_string(id);
  if (!table.ok()) return number;
  for (std::string_view line : SplitLines(*table)) {
    auto fields = Split(line, ':');
    if (fields.size() > 2 && fields[2] == number) return fields[0];
  }
  return number;
}

char TypeLetter(FileType type) {
  switch (type) {
    case FileType::kDirectory:
      return 'd';
    case FileType::kSymlink:
      return 'l';
    case FileType::kCharacterDevice:
      return 'c';
    case FileType::kBlockDevice:
      return 'b';
    case FileType::kFifo:
      return 'p';
    case FileType::kSocket:
      return 's';
    default:
      return '-';
  }
}

// "crw-rw----", as ls -l shows it (without the rare set-id bits, which mean nothing on a device).
std::string ModeText(const FileStat& stat) {
  std::string text(1, TypeLetter(stat.type));
  constexpr std::string_view kLetters = "rwxrwxrwx";
  for (size_t i = 0; i < kLetters.size(); i++) text += (stat.mode >> (8 - i) & 1U) != 0 ? kLetters[i] : '-';
  return text;
}

Fact<bool> Usable(const System& system, const std::string& path, const FileStat& stat, const Origin& origin) {
  // /dev/nvidia-caps is a folder of nodes that are only read.
  bool is_folder = path == "/dev/nvidia-caps";
  FileType wanted = is_folder ? FileType::kDirectory : FileType::kCharacterDevice;
  if (stat.type != wanted) return Fact<bool>::Value(false, origin);
  auto may = system.MayAccess(path, is_folder ? Access::kRead : Access::kReadWrite);
  return may.ok() ? Fact<bool>::Value(*may, origin) : Fact<bool>::Unknown(may.error().message, origin);
}

Fact<Nodes> Look(const System& system) {
  const Origin origin = {Witness::kMachine, "/dev"};
  auto entries = system.List(origin.from);
  if (!entries.ok()) return Fact<Nodes>::Unknown(entries.error().message, origin);
  auto users = system.ReadAll("/etc/passwd", kLargestAccounts);
  auto groups = system.ReadAll("/etc/group", kLargestAccounts);
  Nodes nodes;
  for (const DirEntry& entry : *entries) {
    std::string path = "/dev/" + entry.name;
    if (!IsOfGpus(path)) continue;
    const Origin here = {Witness::kMachine, path};
    auto stat = system.Stat(path);
    DeviceNode& node = nodes[path];
    if (!stat.ok()) {
      // A link to nowhere cannot be opened; of anything else we do not know.
      node.usable =
          stat.not_found() ? Fact<bool>::Value(false, here) : Fact<bool>::Unknown(stat.error().message, here);
      node.mode = Text::Unknown(stat.error().message, here);
      continue;
    }
    node.usable = Usable(system, path, *stat, here);
    node.mode = Text::Value(
        ModeText(*stat) + " " + AccountName(users, stat->uid) + ":" + AccountName(groups, stat->gid), here);
  }
  return Fact<Nodes>::Value(std::move(nodes), origin);
}

Fact<Nodes> Assumed(size_t gpus) {
  const Origin origin = {Witness::kStated, "--assume"};
  Nodes nodes;
  auto add = [&](const std::string& path) {
    nodes[path] = {Fact<bool>::Value(true, origin), Text::Value("crw-rw-rw- root:root", origin)};
  };
  for (size_t i = 0; i < gpus; i++) add("/dev/nvidia" + std::to_string(i));
  add("/dev/nvidiactl");
  add("/dev/nvidia-uvm");
  return Fact<Nodes>::Value(std::move(nodes), origin);
}

}  // namespace

void ProbeDeviceAccess(const System& system, const Knowledge&, const Question& question, Facts& facts) {
  facts.device_access.nodes =
      question.assumed_gpus.empty() ? Look(system) : Assumed(question.assumed_gpus.size());
}

}  // namespace tfdoctor
