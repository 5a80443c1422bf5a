#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"

namespace tfdoctor::driver_call_fails {

namespace {

Verdict Fails(const std::string& title) { return Verdict::Holds().WithTitle(title); }

// What is best done where no more special cause is found.
enum class Next : uint8_t {
  kUvm,
  kMps,
  kMpsIsFull,
  kReset,
  kReinstall,
  kSameVersion,
  kFabric,
  kMode,
  kMemory,
  kList,
  kLicence,
  kRead,
};

// What a bare number says to somebody who meets it: each that cuInit, cuDeviceGetCount and creating a context
// return of themselves, or bring from work that went before. Source: the CUDA Driver API reference, and
// reports.
struct Meaning {
  int first, last;
  Next next;
  std::string_view text;
};
constexpr Meaning kMeanings[] = {
    {1, 1, Next::kReinstall,
     "libcuda does not understand what every program asks of it: it is damaged, or another program's"},
    {2, 2, Next::kMemory, "there is not even memory for a context"},
    {3, 3, Next::kUvm, "most often nvidia-uvm is missing, may not be opened, or is broken after suspend"},
    {4, 4, Next::kReset, "the driver had been shut down, or was about to be"},
    {34, 34, Next::kReinstall, "libcuda is a stub, made for linking only"},
    {36, 36, Next::kSameVersion, "libcuda is newer than the kernel module that it meets"},
    {46, 46, Next::kMode, "the GPU is in an exclusive mode, or it is a virtual GPU without a licence"},
    {100, 100, Next::kList, "the driver finds no GPU that this process may use"},
    {101, 101, Next::kList, "the GPU that is asked for is not there"},
    {102, 102, Next::kLicence, "the virtual GPU has no licence"},
    {200, 202, Next::kReset, "what the driver keeps of the GPU is no longer valid"},
    {205, 208, Next::kReset, "the driver could not map the GPU's memory"},
    {209, 209, Next::kSameVersion, "this libcuda has no code for the GPU: it is older than the GPU"},
    {214, 214, Next::kReset, "the GPU's memory has an error that it cannot correct"},
    {216, 216, Next::kMode, "the GPU is in an exclusive mode"},
    {220, 220, Next::kReset, "the link between the GPUs (NVLink) has an error that it cannot correct"},
    {221, 221, Next::kReinstall, "a part of the driver is missing: its compiler (libnvidia-ptxjitcompiler)"},
    {224, 224, Next::kMps,
     "a share of the GPU is asked for that it does not give (CUDA_MPS_ACTIVE_THREAD_PERCENTAGE)"},
    {226, 226, Next::kReset, "the GPU's memory had an error, which was contained"},
    {301, 303, Next::kReinstall,
     "a library that libcuda opens is missing or of another version: the driver is installed in parts"},
    {304, 304, Next::kUvm,
     "most often nvidia-uvm is missing, may not be opened, or is broken after suspend; a very low limit "
     "of open files or processes (ulimit -n, -u) does the same"},
    {400, 401, Next::kReset, "what the driver keeps of the GPU is no longer valid"},
    {500, 500, Next::kReinstall,
     "libcuda misses a part of its own: files of different versions of the driver are mixed"},
    {600, 600, Next::kReset, "the GPU is still at work that does not end"},
    {700, 721, Next::kReset, "the GPU failed in the midst of work, and nobody has reset it since"},
    {800, 800, Next::kMps, "something forbids it: an MPS server, or the mode of confidential computing"},
    {801, 801, Next::kLicence, "this GPU, or its virtual profile, offers no CUDA as it is set up here"},
    {802, 802, Next::kFabric,
     "the fabric manager of an NVSwitch machine has not set up the GPUs, or a GPU for confidential computing "
     "is not yet released for work"},
    {803, 803, Next::kSameVersion, "libcuda and the kernel module do not fit each other"},
    {804, 804, Next::kSameVersion,
     "the library for forward compatibility (cuda-compat) does not work with this GPU"},
    {805, 807, Next::kMps, "the MPS server named by CUDA_MPS_PIPE_DIRECTORY does not answer"},
    {808, 809, Next::kMpsIsFull, "the MPS server has as many programs as it can have"},
    {810, 810, Next::kMps, "the MPS server ended this program, mostly for the error of another one"},
    {909, 909, Next::kReset, "the GPU did not answer in time"},
    {911, 911, Next::kReset, "a device beside the GPU failed in the midst of work"},
    {999, 999, Next::kUvm, "most often nvidia-uvm is missing, may not be opened, or is broken after suspend"},
};

const Meaning* FindMeaning(const std::string& number) {
  const int wanted = std::atoi(number.c_str());
  const auto* found = std::find_if(std::begin(kMeanings), std::end(kMeanings), [&](const Meaning& meaning) {
    return meaning.first <= wanted && wanted <= meaning.last;
  });
  return found == std::end(kMeanings) ? nullptr : found;
}

void Explain(const FactBase& fact, const std::string& number, Verdict& verdict) {
  if (const Meaning* meaning = FindMeaning(number))
    verdict.Because(fact, std::string(meaning->text), Strength::kWeak);
}

// Where no more special cause is found.
Fix NextStep(const Facts& facts, const std::string& number) {
  // There the driver is Windows'.
  if (facts.host.wsl.Peek() != nullptr)
    return Advice("Shut WSL down, from Windows, and open it again; then update NVIDIA's driver in Windows",
                  {"wsl.exe --shutdown"});
  const Meaning* meaning = FindMeaning(number);
  switch (meaning == nullptr ? Next::kRead : meaning->next) {
    case Next::kUvm:
      return Advice(
          "Load nvidia-uvm again (end what uses the GPU before; in a container: on the host); where "
          "that does not help, restart",
          {"sudo rmmod nvidia_uvm", "sudo modprobe nvidia_uvm"}, true);
    case Next::kMps:
      return Advice("Do without the MPS server, or start it",
                    {"unset CUDA_MPS_PIPE_DIRECTORY CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"});
    case Next::kMpsIsFull:
      return Advice("End other programs of the MPS server, or do without it",
                    {"unset CUDA_MPS_PIPE_DIRECTORY"});
    case Next::kReset:
      return Advice(
          "End what uses the GPU and reset it (in a container: on the host); where that is refused, "
          "restart the machine",
          {"sudo nvidia-smi --gpu-reset", "sudo dmesg | grep -i -e xid -e nvrm | tail"}, true);
    case Next::kReinstall:
      return Advice("See which libcuda it is, and install the driver again, whole and of one version",
                    {"ldconfig -p | grep -e libcuda -e libnvidia", "cat /proc/driver/nvidia/version"});
    case Next::kSameVersion:
      return Advice("Compare the versions of library and kernel module; after an upgrade restart the machine",
                    {"cat /proc/driver/nvidia/version", "ldconfig -p | grep libcuda"});
    case Next::kFabric:
      return Advice("Look at the fabric manager, and with confidential computing at the GPU's state",
                    {"systemctl status nvidia-fabricmanager", "nvidia-smi -q | grep -i -A 3 fabric",
                     "nvidia-smi conf-compute -grs"});
    case Next::kMode:
      return Advice("Look at the compute mode and at who uses the GPU; set the mode back",
                    {"nvidia-smi -q -d COMPUTE", "nvidia-smi", "sudo nvidia-smi --compute-mode=DEFAULT"},
                    true);
    case Next::kMemory:
      return Advice("See who holds the GPU's memory, and what limits this shell's",
                    {"nvidia-smi", "ulimit -a"});
    case Next::kList:
      return Advice(
          "See which GPUs the driver lists, and whether their nodes are there; then what the module "
          "says",
          {"nvidia-smi -L", "ls -l /dev/nvidia*", "sudo dmesg | grep -i -e nvrm -e nvidia | tail"}, true);
    case Next::kLicence:
      return Advice("Look at the licence and the profile of the virtual GPU",
                    {"nvidia-smi -q | grep -i -e 'product name' -e virtualization -e licen"});
    case Next::kRead:
      break;
  }
  return Advice("Read what the kernel module says (in a container: on the host)",
                {"sudo dmesg | grep -i -e nvrm -e nvidia | tail", "nvidia-smi"}, true);
}

// A device on which no context can be created. TensorFlow makes one on every device that it sees, and one
// that fails ends it, whichever it is (seen of 2.10, 2.15 and 2.20 with two devices).
Verdict CheckContexts(const Facts& facts, const Knowledge& knowledge) {
  const DriverAnswers& answers = facts.driver_answers;
  const auto* devices = answers.devices.Get();
  if (devices == nullptr) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  std::string result;                  // the last one
  std::vector<std::string> that_work;  // UUIDs
  const Fact<std::string>* made = nullptr;
  for (const auto& [ordinal, device] : *devices) {
    const std::string* context = device.context.Get();
    if (context == nullptr) continue;
    if (*context == "0") {
      made = &device.context;
      if (device.uuid.Peek() != nullptr) that_work.push_back(*device.uuid.Peek());
      continue;
    }
    verdict.Because(device.context, fmt::format("creating a context on device {} returns {}", ordinal,
                                                CudaErrorText(knowledge, *context)));
    Explain(device.context, *context, verdict);
    result = *context;
  }
  if (verdict.evidence.empty()) {
    if (made == nullptr) return Verdict::Silent();
    return Verdict::Excluded().Because(*made, "a context was created on each device");
  }
  if (made == nullptr)
    return std::move(verdict)
        .WithReason("context")
        .WithTitle("The driver lists the GPU, but creates no context on it")
        .WithFix(NextStep(facts, result));
  verdict =
      std::move(verdict)
          .WithReason("one-context")
          .WithTitle("The driver creates no context on one of the GPUs, and TensorFlow wants one on each");
  if (!that_work.empty())
    verdict = std::move(verdict).WithFix(
        Advice("Leave that GPU out", {"export CUDA_VISIBLE_DEVICES=" + Join(that_work, ",")}));
  return std::move(verdict).WithFix(NextStep(facts, result));
}

Verdict Check(const Facts& facts, const Knowledge& knowledge) {
  const DriverAnswers& answers = facts.driver_answers;
  if (!answers.asked.Is(true)) return Verdict::Silent();
  if (answers.open_failure.Present()) {
    return Fails("The driver's library cannot be opened")
        .Because(answers.open_failure, *answers.open_failure.Get())
        .WithReason("open");
  }
  if (const std::string* ended = answers.ended.Get()) {
    const std::string* step = answers.ended_in.Peek();
    std::string where = step == nullptr ? "when it is called" : "in " + *step;
    if (*ended == "hang") {
      return Verdict::Open()
          .WithReason("hang")
          .WithTitle("The NVIDIA driver does not answer")
          .Because(answers.ended, "it did not come back in time " + where, Strength::kDecisive)
          .WithFix(NextStep(facts, "909"));
    }
    if (constexpr std::string_view kReturned = "returned "; ended->starts_with(kReturned)) {
      const std::string number = ended->substr(kReturned.size());
      Verdict verdict =
          Fails("The NVIDIA driver does not list its devices: " + CudaErrorText(knowledge, number))
              .Because(answers.ended, fmt::format("{} returns {}", step == nullptr ? "a call" : *step,
                                                  CudaErrorText(knowledge, number)))
              .WithReason("count");
      Explain(answers.ended, number, verdict);
      return std::move(verdict).WithFix(NextStep(facts, number));
    }
    return Fails("The NVIDIA driver breaks down " + where)
        .Because(answers.ended, fmt::format("the process that called it ended {} ({})", where, *ended))
        .WithReason("crash");
  }
  const std::string* init = answers.init.Get();
  if (init == nullptr) return Verdict::Silent();
  // A program may set the variable itself, and another rule judges it.
  if (VariablesHideAllFromDriver(facts)) {
    return Verdict::Excluded().Because(answers.count_unhidden,
                                       "without the variable that hides devices the driver lists some");
  }
  if (*init != "0") {
    Verdict verdict =
        Fails("The NVIDIA driver refuses to start: " + CudaErrorText(knowledge, *init)).WithReason(*init);
    verdict.Because(answers.init, "cuInit returns " + CudaErrorText(knowledge, *init));
    Explain(answers.init, *init, verdict);
    return std::move(verdict).WithFix(NextStep(facts, *init));
  }
  const std::string* count = answers.count.Get();
  if (count == nullptr) return Verdict::Silent();
  if (*count == "0")
    return Fails("The NVIDIA driver lists no GPU")
        .Because(answers.count, "it counts 0 devices")
        .WithReason("0")
        .WithFix(NextStep(facts, "100"));
  return CheckContexts(facts, knowledge);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "driver-call-fails",
    .link = Link::kDriverLibrary,
    .effect = Effect::kBlocks,
    .title = "The NVIDIA driver refuses to work when it is called",
    .prior = 0.03,
    .explained_by = {{{"stub-driver-library"},
                      {"driver-library-version-mismatch"},
                      {"driver-library-missing"},
                      {"cuda-compat-library-misused"},
                      {"wsl-linux-driver-shadows-libcuda"},
                      {"cuda-visible-devices"},
                      {"fabric-manager-not-running"},
                      {"mig-without-instances"},
                      {"exclusive-compute-mode"},
                      {"gpu-hardware-fault"},
                      {"adapter-initialisation-failed"},
                      {"uvm-broken-after-suspend"},
                      {"device-node-permissions"},
                      {"container-lost-gpu"},
                      {"vgpu-licence-or-profile"},
                      {"gpu-memory-held-by-other-process"}}},
    .check = Check,
    .page = R"md(## What it means

TensorFlow reaches the GPU through the driver library libcuda. When that library is called here, it returns an error, crashes or does not come back. TensorFlow meets the same.

## How it is recognised

A child process opens the libcuda.so.1 that the dynamic loader takes, in this environment, and calls cuInit, lists the devices and creates a context on each. The number that comes back is named. `nvidia-smi` may still work: it uses neither libcuda nor nvidia-uvm.

## How it happens

Many causes end here. Where one of them is found, it is named in place of this page. 100 means that no GPU may be used, 999 mostly that nvidia-uvm is missing or broken, 802 that the fabric manager is not ready, 803 and 804 that libcuda and the kernel module do not fit, 805 to 810 that an MPS server is in the way, 214, 220 and 700 to 721 that the GPU wants a reset.

## What people say

"cuInit returns an error and nobody knows why", "the driver answers with a number".

## How to fix it

sudo nvidia-modprobe -u -c=0

sudo dmesg | grep -i -e nvrm -e nvidia | tail

If neither helps, restart the machine, and install the driver again when it still refuses.
)md",
};

}  // namespace tfdoctor::driver_call_fails
