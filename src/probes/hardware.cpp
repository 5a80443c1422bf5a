#include <charconv>
#include <cstdio>

#include "base/text.h"
#include "probes/found.h"
#include "probes/probes.h"

namespace tfdoctor {

namespace {

using Gpus = std::map<std::string, Gpu>;

constexpr std::string_view kNvidia = "10de";
constexpr std::string_view kAmd = "1002";

std::string VendorName(const std::string& pci_vendor) {
  if (pci_vendor == kNvidia) return "NVIDIA";
  if (pci_vendor == kAmd) return "AMD";
  if (pci_vendor == "8086") return "Intel";
  return pci_vendor;
}

// pci.ids writes "AD102 [GeForce RTX 4090]": people know what is in the brackets.
std::string ProductName(const std::string& name) {
  size_t open = name.find('[');
  size_t close = name.rfind(']');
  if (open == std::string::npos || close == std::string::npos || close < open + 2) return name;
  return name.substr(open + 1, close - open - 1);
}

void Describe(Gpu& gpu, const GpuModel& model, const Origin& origin, const std::string& why_not) {
  auto fact = [&](const std::string& value) {
    return value.empty() ? Text::Unknown(why_not, origin) : Text::Value(value, origin);
  };
  gpu.name = fact(ProductName(model.name));
  gpu.architecture = fact(model.architecture);
  gpu.compute_capability = fact(model.compute_capability);
}

// What the loaded driver itself says: "Model: \t\t NVIDIA A100-SXM4-40GB".
void AskDriver(const System& system, const Knowledge& knowledge, const std::string& address, Gpu& gpu) {
  Origin origin = From("/proc/driver/nvidia/gpus/" + address + "/information");
  auto text = system.ReadAll(origin.from, 64 * 1024);
  if (!text.ok()) return;
  for (std::string_view line : SplitLines(*text)) {
    constexpr std::string_view kModel = "Model:";
    if (!line.starts_with(kModel)) continue;
    std::string name(Trim(line.substr(kModel.size())));
    if (name.empty()) return;
    auto model = knowledge.FindGpuByName(name);
    Describe(gpu, model.value_or({}), origin, "GPU '" + name + "' is not in the data of " + knowledge.Date());
    gpu.name = Text::Value(std::move(name), origin);
    return;
  }
}

// Fills what follows from the ids.
void Identify(const System& system, const Knowledge& knowledge, const std::string& address,
              const std::string& vendor, const std::string& device, const Origin& origin, Gpu& gpu) {
  gpu.vendor = Text::Value(VendorName(vendor), origin);
  gpu.pci_id = Text::Value(device, origin);
  std::string why = "device " + vendor + ":" + device + " is not in the data of " + knowledge.Date();
  if (vendor != kNvidia) {
    Describe(gpu, {}, origin, why);
    gpu.compute_capability = Text::Absent(origin);  // NVIDIA's term
    return;
  }
  auto model = knowledge.FindGpu(device);
  Describe(gpu, model.value_or(GpuModel{}), origin, why);
  if (!model || model->name.empty()) {
    Gpu told;
    AskDriver(system, knowledge, address, told);
    if (told.name.Peek() != nullptr) gpu.name = told.name;
    if (!model && told.architecture.Peek() != nullptr) gpu.architecture = told.architecture;
    if (!model && told.compute_capability.Peek() != nullptr) gpu.compute_capability = told.compute_capability;
  }
}

// "0x10de\n" -> "10de"; empty: not such a number.
std::string HexId(std::string_view text) {
  text = Trim(text);
  if (!text.starts_with("0x")) return {};
  text.remove_prefix(2);
  if (text.empty() || text.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) return {};
  return Lower(text);
}

Result<std::string> ReadId(const System& system, const std::string& path) {
  auto text = system.ReadAll(path, 4096);
  if (!text.ok()) return text;
  std::string id = HexId(*text);
  if (id.empty()) return Error{ErrorKind::kMalformed, "no PCI id in " + Printable(path)};
  return id;
}

Text BoundDriver(const System& system, const std::string& device) {
  Origin origin = From(device + "/driver");
  auto link = system.ReadLink(origin.from);
  if (link.not_found()) return Text::Absent(std::move(origin));
  if (!link.ok()) return Text::Unknown(link.error().message, std::move(origin));
  return Text::Value(link->substr(link->rfind('/') + 1), std::move(origin));
}

// A virtual bus tells 0 or 255 lanes.
Text Lanes(const System& system, std::string path) {
  auto text = system.ReadAll(path, 64);
  Origin origin = From(std::move(path));
  if (text.not_found()) return Text::Absent(std::move(origin));
  if (!text.ok()) return Text::Unknown(text.error().message, std::move(origin));
  unsigned lanes = 0;
  const std::string_view number = Trim(*text);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), lanes);
  const bool plausible =
      error == std::errc() && end == number.data() + number.size() && lanes > 0 && lanes <= 32;
  return plausible ? Text::Value(std::string(number), std::move(origin)) : Text::Absent(std::move(origin));
}

// The display adapters in sysfs. Anything that could not be read might have been one, so it is an error
// unless an NVIDIA GPU was found anyway.
Result<Gpus> InSysfs(const System& system, const Knowledge& knowledge, const std::string& folder) {
  auto devices = system.List(folder);
  if (!devices.ok()) return devices.error();
  if (devices->empty()) return Error{ErrorKind::kIo, folder + " is empty"};
  Gpus gpus;
  bool has_nvidia = false;
  std::string unreadable;
  for (const DirEntry& entry : *devices) {
    std::string path = folder + "/" + entry.name;
    auto device_class = ReadId(system, path + "/class");
    if (!device_class.ok()) unreadable = device_class.error().message;
    // Base class 03, display controller: VGA (0300), 3D (0302, GPUs without a screen), other (0380); and
    // 1200, processing accelerator, as AMD's Instinct are since MI200.
    if (!device_class.ok() || device_class->size() != 6) continue;
    const bool accelerator = device_class->starts_with("1200");
    if (!device_class->starts_with("03") && !accelerator) continue;
    auto vendor = ReadId(system, path + "/vendor");
    auto device = ReadId(system, path + "/device");
    if (accelerator && vendor.ok() && *vendor != kAmd) continue;
    if (!vendor.ok() || !device.ok()) {
      unreadable = (vendor.ok() ? device : vendor).error().message;
      continue;
    }
    Gpu& gpu = gpus[entry.name];
    Identify(system, knowledge, entry.name, *vendor, *device, From(path), gpu);
    gpu.kernel_driver = BoundDriver(system, path);
    if (*vendor != kNvidia) continue;
    has_nvidia = true;
    gpu.lanes = Lanes(system, path + "/current_link_width");
    gpu.most_lanes = Lanes(system, path + "/max_link_width");
  }
  if (!has_nvidia && !unreadable.empty()) return Error{ErrorKind::kIo, unreadable};
  return gpus;
}

// The GPUs that the loaded NVIDIA driver names; for where sysfs is not to be seen.
Gpus OfDriver(const System& system, const Knowledge& knowledge) {
  Gpus gpus;
  const std::string folder = "/proc/driver/nvidia/gpus";
  auto entries = system.List(folder);
  if (!entries.ok()) return gpus;
  for (const DirEntry& entry : *entries) {
    Gpu& gpu = gpus[entry.name];
    Origin origin = From(folder + "/" + entry.name);
    gpu.vendor = Text::Value("NVIDIA", origin);
    gpu.kernel_driver = Text::Value("nvidia", origin);
    gpu.lanes = gpu.most_lanes = Text::Absent(origin);
    Describe(gpu, {}, origin, "no model in " + origin.from + "/information");
    gpu.pci_id = Text::Unknown("/sys is not to be seen", origin);
    AskDriver(system, knowledge, entry.name, gpu);
  }
  return gpus;
}

// "0100" -> "0000:01:00.0": bus and devfn in hex, as /proc/bus/pci/devices has them.
std::string AddressOf(std::string_view bus_and_function) {
  unsigned number = 0;
  auto [end, error] =
      std::from_chars(bus_and_function.data(), bus_and_function.data() + bus_and_function.size(), number, 16);
  if (error != std::errc() || end != bus_and_function.data() + bus_and_function.size() || number > 0xFFFF)
    return {};
  char address[32];
  std::snprintf(address, sizeof address, "0000:%02x:%02x.%u", number >> 8, number >> 3 & 0x1FU, number & 7U);
  return address;
}

// The old table of PCI devices has no class, so it proves a GPU where our data knows the id, and proves that
// there is none where no maker of GPUs occurs.
Result<Gpus> InProc(const System& system, const Knowledge& knowledge) {
  const std::string path = "/proc/bus/pci/devices";
  auto table = system.ReadAll(path, 4 << 20);
  if (!table.ok()) return table.error();
  if (Trim(*table).empty()) return Error{ErrorKind::kIo, path + " is empty"};
  Gpus gpus;
  bool unsure = false;
  for (std::string_view line : SplitLines(*table)) {
    auto words = SplitWords(line);
    if (words.size() < 2 || words[1].size() != 8) continue;
    std::string vendor = Lower(words[1].substr(0, 4));
    std::string device = Lower(words[1].substr(4));
    std::string address = AddressOf(words[0]);
    if (vendor == kNvidia && !address.empty() && knowledge.FindGpu(device)) {
      Gpu& gpu = gpus[address];
      Identify(system, knowledge, address, vendor, device, From(path), gpu);
      gpu.kernel_driver = Text::Unknown("/sys is not to be seen", From(path));
      gpu.lanes = gpu.most_lanes = Text::Absent(From(path));
    } else if (vendor == kNvidia || vendor == kAmd || vendor == "8086") {
      unsure = true;
    }
  }
  if (gpus.empty() && unsure) return Error{ErrorKind::kIo, path + " does not tell which devices are GPUs"};
  return gpus;
}

// A kernel with other buses and without this one has no PCI devices; a /sys with no bus at all is only not
// filled.
bool HasNoPciBus(const System& system) {
  auto buses = system.List("/sys/bus");
  return buses.ok() && !buses->empty() && system.LStat("/sys/bus/pci").not_found();
}

constexpr const char* kDeviceTree = "/proc/device-tree/compatible";

// Where the GPU is a part of the processor: "apple,j293", "apple,t8103"; "nvidia,p3737-0000",
// "nvidia,tegra234".
std::string Board(const System& system) {
  auto compatible = system.ReadAll(kDeviceTree, 4096);
  return compatible.ok() ? std::move(*compatible) : std::string();
}

Gpu OfApple() {
  const Origin origin = From(kDeviceTree);
  Gpu gpu;
  Describe(gpu, {}, origin, "not told by the device tree");
  gpu.vendor = Text::Value("Apple", origin);
  gpu.name = Text::Value("silicon", origin);
  gpu.pci_id = Text::Absent(origin);
  gpu.compute_capability = Text::Absent(origin);  // NVIDIA's term
  gpu.kernel_driver = Text::Absent(origin);
  return gpu;
}

Fact<Gpus> Look(const System& system, const Knowledge& knowledge, const Host& host) {
  const std::string folder = "/sys/bus/pci/devices";
  if (host.wsl.Peek() != nullptr) {
    return Fact<Gpus>::Unknown("in WSL the GPUs belong to Windows and are not on the PCI bus", From(folder));
  }
  const std::string board = Board(system);
  if (board.find("nvidia,tegra") != std::string::npos) {
    return Fact<Gpus>::Unknown("the GPU of a Tegra is not on the PCI bus", From(kDeviceTree));
  }
  auto in_sysfs = InSysfs(system, knowledge, folder);
  if (board.find("apple,") != std::string::npos &&
      (in_sysfs.ok() || in_sysfs.error().kind != ErrorKind::kIo)) {
    Gpus gpus = in_sysfs.ok() ? std::move(*in_sysfs) : Gpus();
    gpus["apple"] = OfApple();
    return Fact<Gpus>::Value(std::move(gpus), From(kDeviceTree));
  }
  if (in_sysfs.ok()) return Fact<Gpus>::Value(std::move(*in_sysfs), From(folder));
  if (Gpus gpus = OfDriver(system, knowledge); !gpus.empty()) {
    return Fact<Gpus>::Value(std::move(gpus), From("/proc/driver/nvidia/gpus"));
  }
  if (auto in_proc = InProc(system, knowledge); in_proc.ok()) {
    return Fact<Gpus>::Value(std::move(*in_proc), From("/proc/bus/pci/devices"));
  }
  if (in_sysfs.not_found() && HasNoPciBus(system)) return Fact<Gpus>::Value({}, From("/sys/bus"));
  return Fact<Gpus>::Unknown(in_sysfs.error().message, From(folder));
}

Gpus Assumed(const std::vector<GpuModel>& models) {
  const Origin origin = {Witness::kStated, "--assume"};
  Gpus gpus;
  for (size_t i = 0; i < models.size(); i++) {
    const GpuModel& model = models[i];
    Gpu& gpu = gpus[i == 0 ? "assumed" : "assumed " + std::to_string(i + 1)];
    Describe(gpu, model, origin, "not stated");
    if (model.name.empty())
      gpu.name = Text::Value("a GPU of compute capability " + model.compute_capability, origin);
    gpu.vendor = Text::Value("NVIDIA", origin);
    gpu.pci_id =
        model.pci_id.empty() ? Text::Unknown("not stated", origin) : Text::Value(model.pci_id, origin);
    gpu.kernel_driver = Text::Value("nvidia", origin);
    gpu.lanes = gpu.most_lanes = Text::Absent(origin);
  }
  return gpus;
}

}  // namespace

void ProbeHardware(const System& system, const Knowledge& knowledge, const Question& question, Facts& facts) {
  bool assumed = !question.assumed_gpus.empty();
  facts.assumed = Fact<bool>::Value(assumed, {Witness::kStated, assumed ? "--assume" : "no --assume"});
  facts.gpus = assumed ? Fact<Gpus>::Value(Assumed(question.assumed_gpus), {Witness::kStated, "--assume"})
                       : Look(system, knowledge, facts.host);
}

}  // namespace tfdoctor
