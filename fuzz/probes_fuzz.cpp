// Any bytes in place of one file of a healthy machine, which the first byte chooses: what the probes make of
// it can be shown.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/text.h"
#include "probes/probes.h"
#include "render/json.h"
#include "render/text.h"
#include "system/overlay.h"

using namespace tfdoctor;

namespace {

constexpr const char* kFiles[] = {
    "/proc/cpuinfo",
    "/proc/modules",
    "/proc/driver/nvidia/version",
    "/proc/driver/nvidia/gpus/0000:01:00.0/information",
    "/proc/sys/kernel/osrelease",
    "/proc/self/cgroup",
    "/proc/1/environ",
    "/proc/bus/pci/devices",
    "/proc/device-tree/compatible",
    "/sys/bus/pci/devices/0000:01:00.0/class",
    "/sys/bus/pci/devices/0000:01:00.0/vendor",
    "/sys/bus/pci/devices/0000:01:00.0/device",
    "/sys/module/nvidia/version",
    "/sys/class/dmi/id/sys_vendor",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/group",
    "/var/lib/dpkg/status",
    "/run/systemd/container",
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/env/pyvenv.cfg",
    "/env/bin/python",
    "/env/lib/python3.11/site-packages/x.pth",
    "/env/lib/python3.11/site-packages/__editable___x_finder.py",
    "/env/lib/python3.11/site-packages/tensorflow/python/platform/build_info.py",
    "/env/lib/python3.11/site-packages/tensorflow/include/third_party/gpus/cuda/cuda_config.h",
    "/env/lib/python3.11/site-packages/tensorflow-2.99.0.dist-info/METADATA",
    "/env/lib/python3.11/site-packages/tensorflow-2.99.0.dist-info/RECORD",
    "/env/lib/python3.11/site-packages/tensorflow-2.99.0.dist-info/INSTALLER",
};
constexpr size_t kFirstOfPython = 19;

void Require(bool holds) {
  if (!holds) std::abort();
}

const OverlaySystem& Healthy() {
  static const std::unique_ptr<System> kNothing = EmptySystem();
  static const auto* const kHealthy = [] {
    auto* machine = new OverlaySystem(*kNothing);
    machine->SetMachine("x86_64", 3);
    machine->SetWorkingDirectory("/");
    machine->AddFile("/sys/bus/pci/devices/0000:01:00.0/class", "0x030000\n");
    machine->AddFile("/sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n");
    machine->AddFile("/sys/bus/pci/devices/0000:01:00.0/device", "0x2684\n");
    machine->AddFile("/proc/modules", "nvidia 1 0 - Live 0x0 (POE)\n");
    machine->AddFile("/proc/sys/kernel/osrelease", "6.1.0-28-amd64\n");
    machine->AddFile(
        "/proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.54.03  Tue Jun  6 22:20:39 UTC 2023\n");
    for (const char* node : {"/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm"})
      machine->AddDevice(node, 0xc300);
    machine->AddFile("/usr/bin/python3.11",
                     "\x7f"
                     "ELF",
                     0755);
    machine->AddFile("/usr/lib/python3.11/os.py", "");
    machine->AddDirectory("/usr/lib/python3.11/lib-dynload");
    machine->AddSymlink("/env/bin/python", "/usr/bin/python3.11");
    machine->AddFile("/env/pyvenv.cfg", "home = /usr/bin\nversion = 3.11.2\n");
    const std::string site = "/env/lib/python3.11/site-packages";
    machine->AddFile(site + "/x.pth", "import __editable___x_finder; __editable___x_finder.install()\n");
    machine->AddFile(site + "/tensorflow/__init__.py", "#\n");
    machine->AddFile(site + "/tensorflow/libtensorflow_framework.so.2",
                     "\x7f"
                     "ELF");
    machine->AddFile(site + "/tensorflow/python/platform/build_info.py",
                     "build_info = {'is_cuda_build': True}\n");
    machine->AddFile(site + "/tensorflow-2.99.0.dist-info/METADATA", "Name: tensorflow\nVersion: 2.99.0\n");
    machine->AddFile(site + "/tensorflow_cpu-2.99.0.dist-info/METADATA",
                     "Name: tensorflow-cpu\nVersion: 2.99.0\n");
    return machine;
  }();
  return *kHealthy;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t chosen = data[0] % std::size(kFiles);
  OverlaySystem machine(Healthy());
  machine.Remove(kFiles[chosen]);
  machine.AddFile(kFiles[chosen], std::string(reinterpret_cast<const char*>(data) + 1, size - 1), 0755);

  const Knowledge& knowledge = BuiltInKnowledge();
  Question question;
  question.python = "/env";
  Facts facts;
  ProbeEnvironment(machine, knowledge, question, facts);
  ProbeHost(machine, knowledge, question, facts);
  if (chosen < kFirstOfPython) {
    ProbeHardware(machine, knowledge, question, facts);
    ProbeKernelDriver(machine, knowledge, question, facts);
    ProbeDeviceAccess(machine, knowledge, question, facts);
  } else {
    ProbePython(machine, knowledge, question, facts);
    ProbeTensorFlow(machine, knowledge, question, facts);
  }
  const Diagnosis diagnosis = {};  // judging takes a hundred times as long, and its input is no bytes
  const std::string text = RenderText(diagnosis, facts, {.unicode = true, .verbose = true});
  for (std::string_view line : SplitLines(text)) Require(Printable(line, line.size()) == line);
  Require(nlohmann::json::accept(RenderJson(diagnosis, &facts, {})));
  return 0;
}
