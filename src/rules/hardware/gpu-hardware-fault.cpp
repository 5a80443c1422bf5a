#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::gpu_hardware_fault {

namespace {

// What goes with a fault and alone proves none: memory errors, whose pages the driver retires, and Xids,
// which may be of last week.
void NameErrors(const DriverAnswers& answers, const KernelLog& log, const Knowledge& knowledge,
                Verdict& verdict) {
  if (const auto* devices = answers.nvml_devices.Peek()) {
    for (const auto& [index, device] : *devices) {
      const std::string* errors = device.ecc_errors.Peek();
      if (errors != nullptr && *errors != "0")
        verdict.Because(device.ecc_errors,
                        "GPU " + index + " counts " + *errors + " uncorrectable memory errors");
    }
  }
  if (const auto* lines = log.ecc_errors.Peek()) verdict.Because(log.ecc_errors, lines->back());
  if (const auto* xids = log.xids.Peek()) {
    for (const std::string& xid : *xids) {
      const std::vector<std::string> words = Split(xid, ' ');
      const ErrorRow row = FindXid(knowledge, words.back());
      if (row.fault == "hardware" || row.fault == "driver")
        verdict.Because(log.xids, fmt::format("the kernel log: Xid {} of the GPU at {}: {}", words.back(),
                                              words.front(), row.text));
    }
  }
}

// The GPUs that work, for a program that is to do without the others: of those that libcuda lists where it
// lists some, else of NVML's.
std::vector<std::string> ThoseThatWork(const Facts& facts) {
  const DriverAnswers& answers = facts.driver_answers;
  std::vector<std::string> uuids;
  const auto* devices = answers.devices.Peek();
  if (devices != nullptr && !devices->empty()) {
    for (const auto& [ordinal, device] : *devices) {
      const std::string* context = device.context.Peek();
      if (context != nullptr && *context == "0" && device.uuid.Peek() != nullptr)
        uuids.push_back(*device.uuid.Peek());
    }
    return uuids;
  }
  const auto* listed = answers.nvml_devices.Peek();
  const auto* lost = answers.nvml_lost.Peek();
  if (listed == nullptr || lost == nullptr) return uuids;
  const auto* gpus = facts.gpus.Peek();
  for (const auto& [index, device] : *listed) {
    if (device.uuid.Peek() == nullptr || lost->contains(index)) continue;
    const std::string* address = device.pci_address.Peek();
    const bool silent = gpus != nullptr && address != nullptr &&
                        std::any_of(gpus->begin(), gpus->end(), [&](const auto& gpu) {
                          return gpu.first == *address && gpu.second.responds.Peek() != nullptr &&
                                 !*gpu.second.responds.Peek();
                        });
    if (!silent) uuids.push_back(*device.uuid.Peek());
  }
  return uuids;
}

Fix SwitchOffAndOn() {
  return Advice(
      "Switch the machine off and on, then watch power and temperature while it works",
      {"sudo dmesg | grep -i -e xid -e 'fallen off' | tail", "nvidia-smi -q -d ECC,TEMPERATURE,POWER"}, true,
      true);
}

void NameLost(const DriverAnswers& answers, const Knowledge& knowledge, Verdict& verdict) {
  if (const auto* lost = answers.nvml_lost.Get()) {
    for (const auto& [index, result] : *lost)
      verdict.Because(answers.nvml_lost,
                      fmt::format("NVML does not reach GPU {}: {}", index, NvmlErrorText(knowledge, result)));
  }
}

// The driver lists devices: one of them, or one that it no longer lists, may be at fault all the same.
Verdict CheckBesideOthers(const Facts& facts, const Knowledge& knowledge) {
  const DriverAnswers& answers = facts.driver_answers;
  const auto* devices = answers.devices.Get();
  if (devices == nullptr) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  bool one_works = false;
  for (const auto& [ordinal, device] : *devices) {
    const std::string* context = device.context.Get();
    one_works = one_works || (context != nullptr && *context == "0");
    if (context != nullptr && *context == "214")
      verdict.Because(device.context, fmt::format("creating a context on device {} returns {}", ordinal,
                                                  CudaErrorText(knowledge, *context)));
  }
  // TensorFlow makes a context on each device that is listed, and ends where one fails.
  const bool blocks = !verdict.evidence.empty();
  // Where libcuda lists as many as NVML counts, it works with what NVML does not reach.
  const auto* listed = answers.nvml_devices.Get();
  const auto* lost = answers.nvml_lost.Get();
  if (listed != nullptr && lost != nullptr) {
    const auto others = std::count_if(lost->begin(), lost->end(),
                                      [&](const auto& entry) { return !listed->contains(entry.first); });
    if (listed->size() + static_cast<size_t>(others) > devices->size()) NameLost(answers, knowledge, verdict);
  }
  // A GPU of this machine that the module drives and that nobody lists. In a container, and under a control
  // group, those of others are in sight, too; they answer.
  const auto* gpus = facts.gpus.Get();
  static const std::map<std::string, Gpu> kNone;
  for (const auto& [address, gpu] : gpus == nullptr ? kNone : *gpus) {
    const bool works = std::any_of(devices->begin(), devices->end(), [&at = address](const auto& device) {
      const std::string* known = device.second.pci_address.Peek();
      return known != nullptr && *known == at;
    });
    // Known from libcuda alone, a GPU has no place on the bus.
    if (works || address.find(':') == address.npos) continue;
    if (!gpu.vendor.Is("NVIDIA") || !gpu.kernel_driver.Is("nvidia") || !answers.nvml_init.Is("0") ||
        NvmlLists(facts, address) || !facts.host.container.Absent() || !gpu.responds.Is(false))
      continue;
    const std::string* power = gpu.power.Get();
    if (power != nullptr && *power != "D3cold")
      verdict.Because(gpu.responds, fmt::format("{} at {} does not answer on the PCI bus any more",
                                                Describe(gpu), address));
  }
  // What is not known of the others keeps nobody from those that work.
  if (verdict.evidence.empty()) return Verdict::Silent().WithEffect(Effect::kDegrades);
  NameErrors(answers, facts.kernel_log, knowledge, verdict);
  const std::vector<std::string> work = ThoseThatWork(facts);
  if (blocks && one_works && !work.empty())
    verdict = std::move(verdict)
                  .WithReason("one-of-several")
                  .WithTitle("One of the GPUs fails, and TensorFlow ends with it")
                  .WithFix(Advice("Leave that GPU out until it is mended",
                                  {"export CUDA_VISIBLE_DEVICES=" + Join(work, ",")}));
  if (!blocks)
    verdict = std::move(verdict)
                  .WithReason("one-of-several")
                  .WithEffect(Effect::kDegrades)
                  .WithTitle("One of the GPUs is lost; TensorFlow works with the others");
  return std::move(verdict).WithFix(SwitchOffAndOn());
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  const DriverAnswers& answers = facts.driver_answers;
  // In WSL the bus and the kernel's messages are Windows'.
  if (!answers.asked.Is(true) || facts.host.wsl.Peek() != nullptr) return Verdict::Silent();
  if (DriverFindsGpu(facts)) return CheckBesideOthers(facts, knowledge);
  if (VariablesHideAllFromDriver(facts)) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  // Whether it answers on the bus is read for NVIDIA's only.
  for (const Gpu* gpu : NvidiaGpus(facts)) {
    if (!gpu->responds.Is(false)) continue;
    const std::string* power = gpu->power.Get();
    if (power != nullptr && *power != "D3cold")
      verdict.Because(gpu->responds, Describe(*gpu) + " does not answer on the PCI bus any more");
  }
  if (const auto* lost = facts.kernel_log.off_the_bus.Get()) {
    for (const std::string& address : *lost) {
      if (!NvmlLists(facts, address))
        verdict.Because(facts.kernel_log.off_the_bus,
                        "the kernel log: the GPU at " + address + " fell off the bus");
    }
  }
  if (answers.nvml_init.Is("0")) NameLost(answers, knowledge, verdict);
  for (std::string& line : FatalXids(facts, knowledge, "hardware"))
    verdict.Because(facts.kernel_log.xids, std::move(line));
  const bool one_is_lost =
      !verdict.evidence.empty();  // each of these signs is of a GPU that NVML does not reach
  if (answers.init.Is("214"))
    verdict.Because(answers.init, "cuInit returns " + CudaErrorText(knowledge, "214"));
  if (verdict.evidence.empty()) return Verdict::Silent();
  NameErrors(answers, facts.kernel_log, knowledge, verdict);
  // cuInit starts all GPUs that it may see. Whether it starts without the lost one, only a try tells.
  if (const std::vector<std::string> work = ThoseThatWork(facts); one_is_lost && !work.empty())
    verdict = std::move(verdict)
                  .WithReason("one-of-several")
                  .WithTitle("One of the GPUs is lost, and the driver starts none of them")
                  .WithFix(Advice("Try it without the lost GPU; where cuInit fails then, too, only a restart "
                                  "helps",
                                  {"export CUDA_VISIBLE_DEVICES=" + Join(work, ",")}));
  return std::move(verdict).WithFix(SwitchOffAndOn());
}

// A proof is an error after which the GPU works no more; the others are signs.
bool IsOfHardware(const Knowledge& knowledge, std::string_view code, bool proof) {
  const ErrorRow row = FindXid(knowledge, std::string(Trim(code)));
  if (proof) return row.fault == "hardware" && row.reset;
  return row.fault != "program" && row.fault != "none";
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("cuda-ecc").Proves("cuda-hardware").Proves("fallen-off-bus").Proves("pcie-error");
  bool sign = false, stated = false;
  for (const std::string& code : story.Fields("xid", "code")) {
    if (IsOfHardware(story.knowledge, code, true)) s.Proves("xid");
    sign = sign || IsOfHardware(story.knowledge, code, false);
  }
  if (sign) s.Speaks("xid", kStrong);
  for (const std::string& code : Split(story.Stated("xid"), ';'))
    stated = stated || IsOfHardware(story.knowledge, code, true);
  s.StatesProof(stated, "xid", "Xid " + story.Stated("xid"));
  // No program can switch a machine off; power and hardware can.
  s.Speaks("says-machine-dies", story.Saw("says-secure-boot") ? kWeak : kDecisive)
      .Speaks("device-handle", story.Saw("says-virtual-machine") ? kWeak : kStrong);
  s.Speaks("cuda-launch-failed", story.windows ? kWeak : kStrong);
  s.Speaks("cuda-illegal-instruction", kDecisive);
  s.Speaks("hook-gpu-fails", kStrong);
  s.Speaks("cuda-illegal-address", kWeak).Speaks("query-event-failed", kWeak);
  s.Speaks("says-overclock", kStrong);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "gpu-hardware-fault",
    .link = Link::kHardware,
    .effect = Effect::kBlocks,
    .title = "The GPU fails: its hardware, power or cooling",
    .prior = 0.02,
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

The GPU, its power supply, its cooling or its slot is at fault: it stops answering, or it reports memory errors that it cannot correct. No software repairs that.

## How it is recognised

The GPU does not answer on the PCI bus, the kernel log says "fallen off the bus" (Xid 79) or has another Xid after which a GPU works no more (48, 64, 95, 140), NVML cannot reach it ("GPU is lost"), or the driver returns 214 (uncorrectable ECC error). Of several GPUs one may be lost while TensorFlow works with the others.

Xid 13, 31, 43 and 45 follow from programs: alone they speak of no fault of the GPU.

## How it happens

Too weak a power supply, heat, an overclocked card, a loose riser or cable, or aged memory.

## What people say

"The PC turns off or restarts under load", "power supply too weak", "GPU has fallen off the bus", "Xid 79, 48, 63, 74, 95", "ECC errors", "memory test of the card fails", "another card in this slot works", "riser, overclocking, heat, random crashes".

## How to fix it

sudo dmesg | grep -i -e xid -e 'fallen off' | tail

nvidia-smi -q -d ECC,TEMPERATURE,POWER

Switch the machine off and on; set the clocks back; try another slot or cable.

Where other GPUs work, leave this one out until it is mended: `export CUDA_VISIBLE_DEVICES=GPU-…` with the names that `nvidia-smi -L` prints for the others.
)md",
};

}  // namespace tfdoctor::gpu_hardware_fault
