#include "rules/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "rules/common.h"

namespace tfdoctor {

namespace {

// NVIDIA's, and those of which it is not known whose they are.
size_t CountGpus(const Facts& facts) {
  size_t count = 0;
  if (const auto* gpus = facts.gpus.Get()) {
    for (const auto& [address, gpu] : *gpus)
      count += gpu.vendor.Unknown() || gpu.vendor.Is("NVIDIA") ? 1U : 0U;
  }
  return count;
}

}  // namespace

VisibleDevices VisibleDevicesOf(const Facts& facts, const std::string& value) {
  std::optional<size_t> count;
  // A log or a statement names a GPU, not how many there are; --assume names all.
  const bool counted =
      facts.gpus.Present() && (facts.gpus.origin().witness >= Witness::kMachine || facts.assumed.Is(true));
  if (const size_t known = CountGpus(facts); counted && known > 0) count = known;
  return ReadVisibleDevices(value, count);
}

bool OrderIsRefused(const Facts& facts) {
  const std::string* order = facts.environment.Variable("CUDA_DEVICE_ORDER").Get();
  return order != nullptr && !IsDeviceOrder(*order);
}

namespace {

// The value of a variable when the driver reads it; `*doubt` is set where the program may decide otherwise.
const std::string* ValueAtStart(const Facts& facts, const char* name, const FactBase** doubt) {
  const std::vector<ValueInForce> values = ValuesInForce(facts, name, ReadAt::kStart);
  for (const ValueInForce& one : values) {
    if (one.unsure != nullptr) *doubt = one.unsure;
    if (one.unsure == nullptr && one.value->Unknown()) *doubt = one.value;
  }
  return *doubt == nullptr ? values.front().value->Get() : nullptr;
}

// The GPUs that the driver lists, where each is known by its address.
std::optional<std::vector<const Gpu*>> Listed(const Facts& facts) {
  const auto* devices = DriverFindsGpu(facts) ? facts.driver_answers.devices.Get() : nullptr;
  const auto* gpus = facts.gpus.Get();
  if (devices == nullptr || gpus == nullptr) return std::nullopt;
  std::vector<const Gpu*> listed;
  for (const auto& [ordinal, device] : *devices) {
    const std::string* address = device.pci_address.Get();
    const auto found = address == nullptr ? gpus->end() : gpus->find(*address);
    if (found == gpus->end()) return std::nullopt;
    listed.push_back(&found->second);
  }
  return listed;
}

bool AreAlike(const std::vector<const Gpu*>& gpus) {
  return std::all_of(gpus.begin(), gpus.end(), [&](const Gpu* gpu) {
    const std::string* first = gpus.front()->compute_capability.Get();
    const std::string* other = gpu->compute_capability.Get();
    return first != nullptr && other != nullptr && *first == *other;
  });
}

}  // namespace

GpusInUse FindGpusInUse(const Facts& facts) {
  GpusInUse use = {NvidiaGpus(facts)};
  if (use.gpus.size() < 2 || AreAlike(use.gpus)) return use;
  const FactBase* doubt = nullptr;
  const std::string* visible = ValueAtStart(facts, "CUDA_VISIBLE_DEVICES", &doubt);
  if (facts.program.file.Absent()) {
    // The driver was asked with the variables of the shell.
    if (auto listed = Listed(facts)) return {*std::move(listed)};
  }
  if (visible == nullptr) {
    use.doubt = doubt;
    return use;
  }
  const VisibleDevices devices = ReadVisibleDevices(*visible, use.gpus.size());
  // What hides all of them is a cause of its own.
  if (devices.None() || devices.entries.size() == use.gpus.size()) return use;
  const Fact<std::string>& variable = facts.environment.Variable("CUDA_VISIBLE_DEVICES");
  const std::string* order = ValueAtStart(facts, "CUDA_DEVICE_ORDER", &doubt);
  if (devices.FirstByName() || order == nullptr || *order != "PCI_BUS_ID") {
    use.doubt = doubt == nullptr ? &variable : doubt;
    return use;
  }
  std::vector<const Gpu*> chosen;  // the map of GPUs is in the order of their PCI addresses
  for (const std::string& entry : devices.entries) chosen.push_back(use.gpus[std::stoul(entry)]);
  return {std::move(chosen)};
}

Verdict OfSomeGpus(const GpusInUse& use, Verdict of_some, const Gpu& other, const std::string& text) {
  if (use.doubt == nullptr) return Verdict::Excluded().Because(other.compute_capability, text);
  if (use.doubt->Unknown()) return Verdict::Silent();  // noted: what is not known is named
  of_some.state = Verdict::State::kOpen;
  of_some.Because(other.compute_capability, text, Strength::kAgainst);
  of_some.Because(*use.doubt, "CUDA_VISIBLE_DEVICES leaves some of the GPUs; which, is not known here",
                  Strength::kWeak);
  return of_some;
}

std::vector<const ProgramLine*> ProgramLines(const Facts& facts, std::string_view what) {
  std::vector<const ProgramLine*> found;
  const auto* lines = facts.program.lines.Get();
  if (lines == nullptr) return found;
  for (const auto& [key, line] : *lines) {
    const std::string* does = line.what.Get();
    if (does != nullptr && *does == what) found.push_back(&line);
  }
  return found;
}

VariableOfProgram FindVariable(const Facts& facts, std::string_view name, ReadAt read_at) {
  VariableOfProgram found;
  if (facts.program.lines.Unknown()) found.unsure = &facts.program.lines;
  const auto* lines = facts.program.lines.Get();
  if (lines == nullptr) return found;
  const Fact<std::string>& outside = facts.environment.Variable(std::string(name));
  for (const auto& [key, line] : *lines) {
    const std::string* what = line.what.Get();
    if (what == nullptr) {
      found.unsure = &line.what;
      continue;
    }
    if (!what->ends_with("-variable")) continue;
    // os.environ[name], load_dotenv(): it may be this variable, if it is not too late or already there.
    if (const std::string* which = line.name.Peek(); which == nullptr) {
      const std::string* when = line.phase.Peek();
      const bool past = read_at != ReadAt::kUse && when != nullptr && *when == "after-start";
      const bool there = *what == "default-variable" && (outside.Present() || found.sure != nullptr);
      if (!past && !there && line.name.Unknown()) found.unsure = &line.name;
      continue;
    }
    if (!line.name.Is(std::string(name))) continue;
    if (*what == "default-variable" && (outside.Present() || found.sure != nullptr)) continue;
    if (*what == "default-variable" && outside.Unknown()) found.unsure = &outside;
    // Of a line in a function it is not known when it runs; that it may not run at all says the same.
    const std::string* phase = line.phase.Peek();
    bool late = phase != nullptr && read_at != ReadAt::kUse &&
                (*phase == "after-start" || (read_at == ReadAt::kImport && *phase == "after-import"));
    if (late) {
      found.too_late = &line;
    } else if (line.reached.Peek() != nullptr && phase != nullptr) {
      found.sure = &line;
      found.perhaps = nullptr;
      if (found.unsure != &outside) found.unsure = nullptr;
    } else {
      found.perhaps = &line;
      if (line.reached.Unknown()) {
        found.unsure = &line.reached;
      } else if (line.phase.Unknown()) {
        found.unsure = &line.phase;
      }
    }
  }
  return found;
}

std::vector<ValueInForce> ValuesInForce(const Facts& facts, std::string_view name, ReadAt read_at) {
  const VariableOfProgram found = FindVariable(facts, name, read_at);
  std::vector<ValueInForce> values;
  if (found.sure != nullptr) {
    values.push_back({&found.sure->value, found.sure, found.unsure});
  } else {
    values.push_back({&facts.environment.Variable(std::string(name)), nullptr, found.unsure});
  }
  if (found.perhaps != nullptr) {
    const ProgramLine& line = *found.perhaps;
    values.push_back({&line.value, &line, found.unsure != nullptr ? found.unsure : &line.what});
  }
  return values;
}

Fix TakeOut(const ValueInForce& found, const std::string& name, const std::string& title) {
  if (found.line == nullptr) return Unset(name, title);
  return Advice(fmt::format("{}change the line, or remove it ({})", title.empty() ? "" : title + ": ",
                            Place(*found.line)),
                {});
}

void AddDoubts(const Facts& facts, const ProgramLine& line, Verdict& verdict) {
  if (line.reached.Unknown()) {
    verdict.Because(line.reached, line.reached.why(), Strength::kAgainst);
    return;
  }
  const auto* lines = facts.program.lines.Get();
  if (lines == nullptr) return;
  for (const auto& [key, other] : *lines) {
    const FactBase* unknown = other.what.Unknown()    ? static_cast<const FactBase*>(&other.what)
                              : other.name.Unknown()  ? &other.name
                              : other.phase.Unknown() ? &other.phase
                                                      : nullptr;
    if (unknown == nullptr) continue;
    verdict.Because(*unknown, fmt::format("{}: {}", Place(other), unknown->why()), Strength::kAgainst);
    return;
  }
}

int DeviceIndex(std::string_view device, std::string_view type) {
  std::string lower = Lower(device);
  std::string wanted = Lower(type);
  size_t at = lower.rfind(wanted);
  if (at == std::string::npos || (at > 0 && lower[at - 1] != '/' && lower[at - 1] != ':')) return -1;
  std::string rest = lower.substr(at + wanted.size());
  if (rest.empty() || rest == ":*") return 0;
  if (rest[0] != ':' || rest.size() < 2 || rest.size() > 5) return -1;
  if (rest.find_first_not_of("0123456789", 1) != std::string::npos) return -1;
  return std::stoi(rest.substr(1));
}

std::string Place(const ProgramLine& line) {
  const std::string& from = line.what.origin().from;
  size_t folder = from.rfind('/');
  return folder == std::string::npos ? from : from.substr(folder + 1);
}

int VisibleGpus(const Facts& facts) {
  if (!facts.gpus.Present()) return -1;
  int count = static_cast<int>(CountGpus(facts));
  // Of the values that it may have the one that shows the most.
  int most = 0;
  for (const ValueInForce& one : ValuesInForce(facts, "CUDA_VISIBLE_DEVICES", ReadAt::kStart)) {
    const std::string* shown = one.value->Get();
    int here = count;
    if (shown != nullptr && one.unsure == nullptr) {
      const VisibleDevices devices = VisibleDevicesOf(facts, *shown);
      if (!devices.None()) here = std::min(count, static_cast<int>(devices.entries.size()));
    }
    most = std::max(most, here);
  }
  return most;
}

}  // namespace tfdoctor
