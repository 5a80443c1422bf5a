#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/logs.h"

namespace tfdoctor::no_nvidia_gpu {

namespace {

std::string Adapter(const std::string& vendor, const Gpu& gpu) {
  const std::string* name = gpu.name.Peek();
  return name == nullptr ? vendor : vendor + " " + *name;
}

// What there is for GPUs of other makers. Source: the packages' own pages on PyPI.
std::string OfferedFor(const std::string& adapters) {
  std::string offered;
  if (adapters.find("AMD") != std::string::npos)
    offered += " AMD offers builds of its own for some of its GPUs (tensorflow-rocm).";
  if (adapters.find("Intel") != std::string::npos)
    offered +=
        " Intel offered a plugin for its GPUs up to TensorFlow 2.15 (intel-extension-for-tensorflow[xpu]).";
  if (adapters.find("Apple") != std::string::npos)
    offered += " Apple's GPUs are used through macOS only (tensorflow-metal), not from Linux.";
  return offered;
}

Verdict Check(const Facts& facts, const Knowledge&) {
  Answer answer = HasNvidiaGpu(facts);
  if (answer == Answer::kYes) return Verdict::Excluded().Because(facts.gpus, "there is an NVIDIA GPU");
  if (answer == Answer::kUnknown || !OtherAccelerator(facts).empty()) return Verdict::Silent();
  Verdict verdict = Verdict::Holds();
  verdict.Because(facts.gpus, "no NVIDIA display adapter is on the PCI bus");
  std::string others;
  for (const auto& [address, gpu] :
       facts.gpus.Peek() == nullptr ? std::map<std::string, Gpu>() : *facts.gpus.Peek()) {
    const std::string* vendor = gpu.vendor.Get();
    if (vendor == nullptr || (*vendor != "AMD" && *vendor != "Intel" && *vendor != "Apple")) continue;
    others += (others.empty() ? "" : ", ") + Adapter(*vendor, gpu);
  }
  if (!others.empty()) {
    verdict.Because(facts.gpus, "the display adapters are: " + others);
    return std::move(verdict)
        .WithReason("other-vendor")
        .WithTitle("This machine has no NVIDIA GPU, but: " + others)
        .WithExplanation(
            "TensorFlow's packages on PyPI use NVIDIA GPUs only. This machine has a display adapter of "
            "another maker, so TensorFlow computes on the CPU." +
            OfferedFor(others));
  }
  const std::string* hypervisor = facts.host.hypervisor.Peek();
  if (hypervisor == nullptr) return verdict;
  verdict.Because(facts.host.hypervisor, "this is a virtual machine (" + *hypervisor + ")", Strength::kWeak);
  return std::move(verdict)
      .WithReason("virtual-machine")
      .WithExplanation(
          "This is a virtual machine to which no GPU was given. The machine below may have one: it must be "
          "passed through, or another kind of machine must be rented.");
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  // Who says that there is none knows it: what fails is the program that names a GPU.
  const std::string stated = story.Stated("gpu");
  const bool known =
      stated == "none" || stated == "no" || story.SawAny({"says-no-gpu", "says-machine-without-gpu"});
  if (known && story.MaySee("device-unavailable")) return;
  // What ends the import ends it before anybody looks for a GPU.
  if (story.no_gpu_stated && ImportEnds(story)) s.Lesser(Effect::kDegrades);
  const bool building = BuildsImage(story);
  const bool missing = MissesDriverLibrary(story) || story.Saw(Shows::kNoDevice) || story.Saw("cudart-stub");
  // Where only harmless messages are asked about, that there is no GPU is no fault.
  s.StatesProof(story.no_gpu_stated && (story.trouble || !story.harmless), "gpu",
                "this machine has no NVIDIA GPU");
  s.States(building && missing, "says-docker-build",
           "an image is built without a GPU: what fails there need not fail later",
           story.Saw("import-libcuda") ? kStrong : kDecisive);
  // Servers and laptops have an adapter of another maker for the screen, and NVIDIA's as "3D controller": who
  // looked for VGA alone has not seen it.
  const std::string asked = Lower(story.Field("lspci-command", "what"));
  const bool all = asked.find("3d") != asked.npos;
  if (!story.gpu_seen && !story.MaySee("lspci-nvidia"))
    s.Speaks("lspci-other", !all ? kWeak : missing ? kDecisive : kStrong);
  if (!story.gpu_seen) {
    s.Speaks("module-no-device", kStrong)
        .Speaks("no-gpu-for-module", kStrong)
        .Speaks("nv-not-found", kStrong);
    s.That(s.any() && story.Saw("says-virtual-machine"),
           "this is a virtual machine, which has only the GPU that is given to it", kDecisive);
  }
  // Who installs CUDA has a GPU, or thinks so.
  if (!story.Stated("cuda").empty() && !story.SawAny({"module-no-device", "no-gpu-for-module"})) return;
  if (story.gpu_seen || story.wsl || story.no_gpu_stated || story.Saw(Shows::kDriverRefuses)) return;
  if (!HidingVariable(story).empty()) return;
  // Who starts a container with a GPU has one; that the container lacks it is another cause.
  const Strength absent = story.container || story.Saw("docker-gpus-flag") ? kWeak : kStrong;
  // The driver was installed, mostly for a GPU.
  const Strength module = DriverAnswered(story) ? kWeak : absent;
  s.Speaks("no-device-node", absent).Speaks("module-not-running", module);
  s.Speaks("cuda-303", absent).Speaks("cuda-no-device", kWeak);
  if (MissesDriverLibrary(story) && !story.Saw("cuda-303")) s.Speaks("library-not-loaded", kStrong);
  if (s.any()) s.Wants(story.facts.gpus);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "no-nvidia-gpu",
    .link = Link::kHardware,
    .effect = Effect::kBlocks,
    .title = "This machine has no NVIDIA GPU",
    .prior = 0.05,
    .explained_by = {{{"cloud-runtime-without-gpu"},
                      {"prime-profile-disables-nvidia"},
                      {"docker-desktop-without-gpu"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

There is no NVIDIA GPU that this system could see. TensorFlow then computes on the CPU, and its messages about missing CUDA are to be expected and harmless.

## How it is recognised

None of the display adapters on the PCI bus is NVIDIA's, no NVIDIA driver is loaded and there is no NVIDIA device node.

## How it happens

The machine has none, a virtual machine or notebook service was started without one, the card is switched off in the BIOS, badly seated or without power.

## What people say

"This computer has no NVIDIA card", "Intel or AMD graphics", "virtual machine, VirtualBox", "CPU-only node of the cluster", "is a GPU needed, how to get rid of the message", "laptop without a GPU".

## How to fix it

Choose a machine or runtime with a GPU. If a card is built in, check `lspci | grep -i nvidia`, the BIOS and the power cables.
)md",
};

}  // namespace tfdoctor::no_nvidia_gpu
