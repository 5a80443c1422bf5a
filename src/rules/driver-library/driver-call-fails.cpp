#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"

namespace tfdoctor {

namespace {

Verdict Fails(const std::string& title) { return Verdict::Holds().WithTitle(title); }

// What a bare number says to somebody who meets it.
std::string Meaning(const std::string& number) {
  if (number == "304")
    return "most often nvidia-uvm is missing, may not be opened, or is broken after suspend; a very low limit "
           "of open files or processes (ulimit -n, -u) does the same";
  if (number == "100") return "the driver finds no GPU that this process may use";
  if (number == "999" || number == "3")
    return "most often nvidia-uvm is missing, may not be opened, or is broken after suspend";
  if (number == "46") return "the GPU is in an exclusive mode, or it is a virtual GPU without a licence";
  if (number == "802") return "the fabric manager of an NVSwitch machine has not set up the GPUs";
  if (number == "803") return "libcuda and the kernel module do not fit each other";
  if (number == "101") return "the GPU that is asked for is not there";
  if (number == "2") return "there is not even memory for a context";
  if (number == "805" || number == "806" || number == "807" || number == "810")
    return "the MPS server named by CUDA_MPS_PIPE_DIRECTORY does not answer";
  return {};
}

void Explain(const FactBase& fact, const std::string& number, Verdict& verdict) {
  std::string meaning = Meaning(number);
  if (!meaning.empty()) verdict.Because(fact, meaning, Strength::kWeak);
}

// Where no more special cause is found.
Fix NextStep(const std::string& number) {
  if (number == "999" || number == "3" || number == "304")
    return Advice("Load nvidia-uvm again (end what uses the GPU before); where that does not help, restart",
                  {"sudo rmmod nvidia_uvm", "sudo modprobe nvidia_uvm"}, true);
  if (number == "805" || number == "806" || number == "807" || number == "810")
    return Advice("Do without the MPS server, or start it", {"unset CUDA_MPS_PIPE_DIRECTORY"});
  return Advice("Read what the kernel module says (in a container: on the host)",
                {"sudo dmesg | grep -i -e nvrm -e nvidia | tail", "nvidia-smi"}, true);
}

// A device on which no context can be created. TensorFlow makes one on every device that it sees, and one
// that fails ends it, whichever it is (seen of 2.10, 2.15 and 2.20 with two devices).
Verdict CheckContexts(const DriverAnswers& answers, const Knowledge& knowledge) {
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
        .WithFix(NextStep(result));
  verdict =
      std::move(verdict)
          .WithReason("one-context")
          .WithTitle("The driver creates no context on one of the GPUs, and TensorFlow wants one on each");
  if (!that_work.empty())
    verdict = std::move(verdict).WithFix(
        Advice("Leave that GPU out", {"export CUDA_VISIBLE_DEVICES=" + Join(that_work, ",")}));
  return std::move(verdict).WithFix(NextStep(result));
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
          .Because(answers.ended, "it did not come back in time " + where, Strength::kDecisive);
    }
    if (constexpr std::string_view kReturned = "returned "; ended->starts_with(kReturned)) {
      const std::string number = ended->substr(kReturned.size());
      return Fails("The NVIDIA driver does not list its devices: " + CudaErrorText(knowledge, number))
          .Because(answers.ended, fmt::format("{} returns {}", step == nullptr ? "a call" : *step,
                                              CudaErrorText(knowledge, number)))
          .WithReason("count")
          .WithFix(NextStep(number));
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
    return std::move(verdict).WithFix(NextStep(*init));
  }
  const std::string* count = answers.count.Get();
  if (count == nullptr) return Verdict::Silent();
  if (*count == "0")
    return Fails("The NVIDIA driver lists no GPU")
        .Because(answers.count, "it counts 0 devices")
        .WithReason("0")
        .WithFix(NextStep("0"));
  return CheckContexts(answers, knowledge);
}

}  // namespace

namespace rules {

extern const Rule driver_call_fails;
constinit const Rule driver_call_fails = {
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

Many causes end here. Where one of them is found, it is named in place of this page. 100 means that no GPU may be used, 999 mostly that nvidia-uvm is missing or broken, 802 that the fabric manager is not ready, 803 and 804 that libcuda and the kernel module do not fit.

## What people say

"cuInit returns an error and nobody knows why", "the driver answers with a number".

## How to fix it

sudo nvidia-modprobe -u -c=0

sudo dmesg | grep -i -e nvrm -e nvidia | tail

If neither helps, restart the machine, and install the driver again when it still refuses.
)md",
};

}  // namespace rules

}  // namespace tfdoctor
