#include "probes/probes.h"

#include <gnu/libc-version.h>
#include <gtest/gtest.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

#include "elf/synth.h"
#include "probes/kernel_log.h"
#include "system/overlay.h"

namespace tfdoctor {
namespace {

// A few rows, so that these tests do not change with the data.
class SmallKnowledge : public Knowledge {
 public:
  const TensorFlowBuild* FindBuild(std::string_view, std::string_view, std::string_view) const override {
    return nullptr;
  }
  std::vector<const TensorFlowBuild*> Builds() const override { return {}; }
  std::vector<std::string_view> CudaVersions(std::string_view, std::string_view) const override { return {}; }
  std::string DistributionOf(std::string_view, int) const override { return {}; }
  const NvidiaWheel* FindNvidiaWheel(std::string_view, std::string_view) const override { return nullptr; }
  std::vector<std::string> NvidiaWheelVersions(std::string_view) const override { return {}; }
  std::string DriverFloor(std::string_view) const override { return {}; }
  std::string DriverForPtxIsa(std::string_view) const override { return {}; }
  std::string CudaOfDriver(std::string_view) const override { return {}; }
  std::string FirstBranchFor(std::string_view) const override { return {}; }
  std::string LastBranchFor(std::string_view) const override { return {}; }
  std::string NewestDriver() const override { return "595.71.05"; }
  std::string NewestDriverFor(std::string_view compute_capability) const override {
    return compute_capability == "3.7"   ? "470.256.02"
           : compute_capability == "6.1" ? "580.95.05"
                                         : NewestDriver();
  }
  std::vector<std::string> TensorFlowDistributions() const override { return {}; }
  ArchitectureLimits CudaLimits(std::string_view) const override { return {}; }
  ArchitectureLimits CudnnLimits(std::string_view, int) const override { return {}; }
  std::optional<GpuModel> FindGpu(std::string_view id) const override {
    if (id == "1c8d") return GpuModel{"1c8d", "GP107M [GeForce GTX 1050 Mobile]", "Pascal", "6.1", false};
    if (id == "20b0") return GpuModel{"20b0", "GA100 [A100 SXM4 40GB]", "Ampere", "8.0", false};
    if (id == "2b85") return GpuModel{"2b85", "GB202 [GeForce RTX 5090]", "Blackwell", "12.0", false};
    if (id == "2bff") return GpuModel{"2bff", "", "Blackwell", "12.0", true};
    return std::nullopt;
  }
  Result<GpuModel> FindGpuByName(std::string_view text) const override {
    if (text == "NVIDIA A100-SXM4-40GB") return *FindGpu("20b0");
    return Error{ErrorKind::kNotFound, "no such GPU"};
  }
  const std::shared_ptr<const std::vector<MessageRow>>& Messages() const override { return messages_; }
  std::vector<ErrorRow> Errors() const override { return {}; }
  std::vector<DefectRow> Defects(std::string_view) const override { return {}; }
  std::string CudaOfRelease(std::string_view) const override { return {}; }
  std::optional<JetsonRow> JetsonWheel(std::string_view) const override { return std::nullopt; }
  std::optional<bool> KnowsXlaFlag(std::string_view, std::string_view) const override { return std::nullopt; }
  std::vector<QuestionRow> Questions() const override { return {}; }
  std::vector<SayingRow> Sayings() const override { return {}; }
  std::string Date() const override { return "2026-11-23"; }

 private:
  std::shared_ptr<const std::vector<MessageRow>> messages_ = std::make_shared<std::vector<MessageRow>>();
};

// A machine of our making; Look() probes it.
class ProbesTest : public testing::Test {
 protected:
  void Pci(const std::string& address, const std::string& device_class, const std::string& vendor,
           const std::string& device, const std::string& driver = "") {
    std::string folder = "/sys/devices/pci0000:00/" + address;
    machine_.AddFile(folder + "/class", "0x" + device_class + "\n");
    machine_.AddFile(folder + "/vendor", "0x" + vendor + "\n");
    machine_.AddFile(folder + "/device", "0x" + device + "\n");
    if (!driver.empty()) machine_.AddSymlink(folder + "/driver", "../../../bus/pci/drivers/" + driver);
    machine_.AddSymlink("/sys/bus/pci/devices/" + address, "../../../devices/pci0000:00/" + address);
  }

  void Kernel(const std::string& release, const std::string& modules) {
    machine_.AddFile("/proc/sys/kernel/osrelease", release + "\n");
    machine_.AddFile("/proc/self/cgroup", "0::/user.slice/user-1000.slice/session-2.scope\n");
    machine_.AddFile("/proc/modules", modules);
  }

  Facts Look() const {
    Facts facts;
    ProbeEnvironment(machine_, knowledge_, question_, facts);
    ProbeHost(machine_, knowledge_, question_, facts);
    ProbeHardware(machine_, knowledge_, question_, facts);
    ProbeKernelDriver(machine_, knowledge_, question_, facts);
    ProbeDeviceAccess(machine_, knowledge_, question_, facts);
    return facts;
  }

  std::unique_ptr<System> empty_ = EmptySystem();
  OverlaySystem machine_{*empty_};
  SmallKnowledge knowledge_;
  Question question_;
};

// A fact in one word, for comparing.
std::string Text(const Fact<std::string>& fact) {
  if (fact.state() == FactState::kUnknown) return "unknown";
  return fact.state() == FactState::kAbsent ? "absent" : *fact.Peek();
}
std::string Text(const Fact<bool>& fact) {
  if (fact.state() == FactState::kUnknown) return "unknown";
  return fact.state() == FactState::kAbsent ? "absent" : *fact.Peek() ? "yes" : "no";
}
std::string Text(const Fact<std::map<std::string, Gpu>>& fact) {
  if (fact.state() == FactState::kUnknown) return "unknown";
  if (fact.state() == FactState::kAbsent) return "absent";
  std::string text;
  for (const auto& [key, gpu] : *fact.Peek()) {
    text += (text.empty() ? "" : "; ") + key + " " + Text(gpu.vendor) + " " + Text(gpu.name) + ", " +
            Text(gpu.architecture) + ", " + Text(gpu.compute_capability) + ", " + Text(gpu.kernel_driver);
  }
  return text;
}
std::string Text(const Fact<std::map<std::string, DeviceNode>>& fact) {
  if (fact.state() == FactState::kUnknown) return "unknown";
  if (fact.state() == FactState::kAbsent) return "absent";
  std::string text;
  for (const auto& [key, node] : *fact.Peek()) {
    text += (text.empty() ? "" : "; ") + key + " " + Text(node.usable) + " " + Text(node.mode);
  }
  return text;
}

constexpr const char* kProprietary =
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.54.03  Tue Jun  6 22:20:39 UTC 2023\n"
    "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n";
constexpr const char* kOpen =
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.10  Release Build  "
    "(dvs-builder@U16-I3-B03-4-3)  Fri Jan 24 22:40:37 UTC 2025\n";

TEST_F(ProbesTest, LaptopWithNouveau) {
  Kernel("6.1.0-28-amd64", "nouveau 2433024 4 - Live 0x0000000000000000\nsnd_hda_intel 57344 0 - Live 0x0\n");
  machine_.AddFile("/lib/modules/6.1.0-28-amd64/modules.dep",
                   "kernel/drivers/gpu/drm/nouveau/nouveau.ko: kernel/drivers/gpu/drm/drm.ko\n"
                   "kernel/drivers/video/fbdev/nvidia/nvidiafb.ko:\n");
  machine_.AddFile("/etc/os-release", "NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n");
  machine_.AddFile("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu sse4_2 avx avx2\nbugs\t\t:\n");
  machine_.AddDirectory("/dev");
  Pci("0000:00:02.0", "030000", "8086", "9bc4", "i915");
  Pci("0000:01:00.0", "030200", "10de", "1c8d", "nouveau");
  Pci("0000:01:00.1", "040300", "10de", "0fb9", "snd_hda_intel");
  Facts facts = Look();
  EXPECT_EQ(Text(facts.gpus),
            "0000:00:02.0 Intel unknown, unknown, absent, i915; "
            "0000:01:00.0 NVIDIA GeForce GTX 1050 Mobile, Pascal, 6.1, nouveau");
  EXPECT_EQ(Text(facts.assumed), "no");
  EXPECT_EQ(Text(facts.kernel_driver.version), "absent");
  EXPECT_EQ(Text(facts.kernel_driver.flavour), "absent");
  EXPECT_EQ(Text(facts.kernel_driver.installed_version), "absent");
  EXPECT_EQ(Text(facts.kernel_driver.nouveau_loaded), "yes");
  EXPECT_EQ(Text(facts.device_access.nodes), "");
  EXPECT_EQ(Text(facts.host.distribution), "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(Text(facts.host.hypervisor), "absent");
  EXPECT_EQ(Text(facts.host.container), "absent");
  EXPECT_EQ(Text(facts.host.wsl), "absent");
  EXPECT_EQ(Text(facts.host.glibc), "unknown");  // there is none to look at
  EXPECT_EQ(*facts.host.cpu_flags.Peek(), (std::vector<std::string>{"fpu", "sse4_2", "avx", "avx2"}));
}

TEST_F(ProbesTest, A100WithTheProprietaryModule) {
  Kernel("5.15.0-91-generic",
         "nvidia_uvm 1540096 0 - Live 0x0\nnvidia 56717312 1 nvidia_uvm, Live 0x0 (POE)\n");
  machine_.AddFile("/proc/driver/nvidia/version", kProprietary);
  machine_.AddFile("/lib/modules/5.15.0-91-generic/modules.dep",
                   "updates/dkms/nvidia-uvm.ko: updates/dkms/nvidia.ko\nupdates/dkms/nvidia.ko:\n");
  machine_.AddDirectory("/var/lib/dkms/nvidia/545.23.08/5.15.0-91-generic/x86_64/module");
  machine_.AddDirectory("/var/lib/dkms/nvidia/535.54.03/5.15.0-60-generic/x86_64/module");
  machine_.AddFile("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n");
  machine_.AddFile("/etc/group", "root:x:0:\n");
  machine_.AddDevice("/dev/nvidia0", makedev(195, 0));
  machine_.AddDevice("/dev/nvidiactl", makedev(195, 255));
  machine_.AddDevice("/dev/nvidia-uvm", makedev(510, 0), 0660);
  machine_.AddDevice("/dev/nvidia-modeset", makedev(195, 254));
  machine_.AddFile("/dev/nvidia1", "");  // what `docker -v /dev/nvidia1` leaves where there is no such node
  machine_.AddSymlink("/dev/nvidia2", "nvidia7");
  Pci("0000:07:00.0", "030200", "10de", "20b0", "nvidia");
  Facts facts = Look();
  EXPECT_EQ(Text(facts.gpus), "0000:07:00.0 NVIDIA A100 SXM4 40GB, Ampere, 8.0, nvidia");
  EXPECT_EQ(Text(facts.kernel_driver.version), "535.54.03");
  EXPECT_EQ(facts.kernel_driver.version.origin().from, "/proc/driver/nvidia/version");
  EXPECT_EQ(Text(facts.kernel_driver.flavour), "proprietary");
  EXPECT_EQ(Text(facts.kernel_driver.installed_version), "545.23.08");
  EXPECT_EQ(Text(facts.kernel_driver.nouveau_loaded), "no");
  EXPECT_EQ(Text(facts.device_access.nodes),
            "/dev/nvidia-uvm no crw-rw---- root:root; /dev/nvidia0 yes crw-rw-rw- root:root; "
            "/dev/nvidia1 no -rw-r--r-- root:root; /dev/nvidia2 no unknown; "
            "/dev/nvidiactl yes crw-rw-rw- root:root");
}

TEST_F(ProbesTest, Rtx5090WithTheOpenModule) {
  Kernel("6.8.0-60-generic", "nvidia 14389248 40 - Live 0x0 (OE)\n");
  machine_.AddFile("/proc/driver/nvidia/version", kOpen);
  machine_.AddFile("/lib/modules/6.8.0-60-generic/modules.dep", "kernel/nvidia-570-open/nvidia.ko.zst:\n");
  Pci("0000:01:00.0", "030000", "10de", "2b85", "nvidia");
  Pci("0000:02:00.0", "030000", "10de", "2bff");
  Pci("0000:03:00.0", "030000", "10de", "ffff");
  machine_.AddFile("/proc/driver/nvidia/gpus/0000:02:00.0/information",
                   "Model: \t\t NVIDIA RTX 7090\nIRQ: 1\n");
  Facts facts = Look();
  EXPECT_EQ(Text(facts.gpus),
            "0000:01:00.0 NVIDIA GeForce RTX 5090, Blackwell, 12.0, nvidia; "
            "0000:02:00.0 NVIDIA NVIDIA RTX 7090, Blackwell, 12.0, absent; "
            "0000:03:00.0 NVIDIA unknown, unknown, unknown, absent");
  EXPECT_EQ(facts.gpus.Peek()->at("0000:03:00.0").compute_capability.why(),
            "device 10de:ffff is not in the data of 2026-11-23");
  EXPECT_EQ(Text(facts.kernel_driver.version), "570.86.10");
  EXPECT_EQ(Text(facts.kernel_driver.flavour), "open");
  EXPECT_EQ(Text(facts.kernel_driver.installed_version),
            "/lib/modules/6.8.0-60-generic/kernel/nvidia-570-open/nvidia.ko.zst");
  EXPECT_EQ(Text(facts.device_access.nodes), "unknown");  // no /dev at all
}

TEST_F(ProbesTest, VersionFromSysfsWhereProcIsMasked) {
  Kernel("6.8.0-60-generic", "nvidia 14389248 40 - Live 0x0 (OE)\n");
  machine_.Fail("/proc/driver/nvidia/version", {ErrorKind::kDenied, "denied"});
  Facts facts = Look();
  EXPECT_EQ(Text(facts.kernel_driver.version), "unknown");
  machine_.AddFile("/sys/module/nvidia/version", "570.86.10\n");
  machine_.AddFile("/sys/module/nvidia/taint", "OE\n");
  facts = Look();
  EXPECT_EQ(Text(facts.kernel_driver.version), "570.86.10");
  EXPECT_EQ(Text(facts.kernel_driver.flavour), "open");
}

TEST_F(ProbesTest, ContainerWithoutNodes) {
  Kernel("5.15.0-91-generic", "nvidia 56717312 1 - Live 0x0 (POE)\n");
  machine_.AddFile("/proc/driver/nvidia/version", kProprietary);
  machine_.AddFile("/.dockerenv", "");
  machine_.AddDevice("/dev/null", makedev(1, 3));
  Pci("0000:07:00.0", "030200", "10de", "20b0", "nvidia");
  Facts facts = Look();
  EXPECT_EQ(Text(facts.host.container), "docker");
  EXPECT_EQ(Text(facts.kernel_driver.version), "535.54.03");
  EXPECT_EQ(Text(facts.kernel_driver.installed_version), "unknown");  // the machine's /lib is not to be seen
  EXPECT_EQ(Text(facts.device_access.nodes), "");
  machine_.SetEnv("KUBERNETES_SERVICE_HOST", "10.0.0.1");
  EXPECT_EQ(Text(Look().host.container), "kubernetes");
}

TEST_F(ProbesTest, ControlGroupsOfContainers) {
  for (auto [line, engine] :
       {std::pair("12:pids:/docker/0a1b2c\n", "docker"),
        std::pair("0::/system.slice/docker-0a1b.scope\n", "docker"),
        std::pair("0::/kubepods.slice/kubepods-besteffort.slice\n", "kubernetes"),
        std::pair("0::/system.slice/docker.service\n", "absent"), std::pair("0::/\n", "absent")}) {
    machine_.AddFile("/proc/self/cgroup", line);
    EXPECT_EQ(Text(Look().host.container), engine) << line;
  }
  machine_.Remove("/proc/self/cgroup");
  EXPECT_EQ(Text(Look().host.container), "unknown");
}

TEST_F(ProbesTest, Wsl2) {
  Kernel("5.15.153.1-microsoft-standard-WSL2", "");
  machine_.AddDevice("/dev/dxg", makedev(10, 125));
  Pci("a8d4:00:00.0", "030200", "1414", "008e", "dxgkrnl");
  Facts facts = Look();
  EXPECT_EQ(Text(facts.host.wsl), "2");
  EXPECT_EQ(Text(facts.host.hypervisor), "Hyper-V");
  EXPECT_EQ(Text(facts.gpus), "unknown");
  EXPECT_EQ(Text(facts.kernel_driver.version), "unknown");
  EXPECT_EQ(Text(facts.kernel_driver.nouveau_loaded), "no");
  EXPECT_EQ(Text(facts.device_access.nodes), "/dev/dxg yes crw-rw-rw- 0:0");
  machine_.AddFile("/proc/sys/kernel/osrelease", "4.4.0-19041-Microsoft\n");
  EXPECT_EQ(Text(Look().host.wsl), "1");
}

TEST_F(ProbesTest, JetsonLinux) {
  machine_.SetMachine("aarch64", 1);
  EXPECT_EQ(Text(Look().host.jetson_linux), "absent");
  const std::string path = "/etc/nv_tegra_release";
  machine_.AddFile(path,
                   "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64\nx\n");
  EXPECT_EQ(Text(Look().host.jetson_linux), "36.4.3");
  machine_.AddFile(path, "# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref\n");
  EXPECT_EQ(Text(Look().host.jetson_linux), "32.7.1");
  for (const char* other :
       {"", "# R", "# R36 (release)", "# R (release), REVISION: 4.3", "R36, REVISION: 4.3"}) {
    machine_.AddFile(path, other);
    EXPECT_EQ(Text(Look().host.jetson_linux), "unknown") << other;
  }
}

TEST_F(ProbesTest, NothingToBeSeenIsUnknownAndNotAbsent) {
  Facts facts = Look();
  EXPECT_EQ(Text(facts.gpus), "unknown");
  EXPECT_EQ(Text(facts.kernel_driver.version), "unknown");
  EXPECT_EQ(Text(facts.kernel_driver.installed_version), "unknown");
  EXPECT_EQ(Text(facts.kernel_driver.nouveau_loaded), "unknown");
  EXPECT_EQ(Text(facts.device_access.nodes), "unknown");
  EXPECT_EQ(Text(facts.host.kernel), "unknown");
  EXPECT_EQ(Text(facts.host.wsl), "unknown");
  EXPECT_EQ(Text(facts.host.hypervisor), "unknown");
  EXPECT_EQ(facts.host.cpu_flags.state(), FactState::kUnknown);
  machine_.AddDirectory("/sys/bus/pci/devices");
  facts = Look();
  EXPECT_EQ(Text(facts.gpus), "unknown");
  EXPECT_EQ(facts.gpus.why(), "/sys/bus/pci/devices is empty");
}

TEST_F(ProbesTest, GpusWithoutSysfs) {
  machine_.AddFile("/proc/bus/pci/devices", "0100\t10de20b0\t10\t0\n0008\t80860d57\t0\n");
  EXPECT_EQ(Text(Look().gpus), "0000:01:00.0 NVIDIA A100 SXM4 40GB, Ampere, 8.0, unknown");
  machine_.AddFile("/proc/bus/pci/devices", "0008\t1af41041\t0\n");
  EXPECT_EQ(Text(Look().gpus), "");
  machine_.AddFile("/proc/bus/pci/devices", "0008\t10deffff\t0\n");  // a GPU or not?
  EXPECT_EQ(Text(Look().gpus), "unknown");
  machine_.AddFile("/proc/driver/nvidia/gpus/0000:07:00.0/information",
                   "Model: \t\t NVIDIA A100-SXM4-40GB\nBus Location: \t 0000:07:00.0\n");
  EXPECT_EQ(Text(Look().gpus), "0000:07:00.0 NVIDIA NVIDIA A100-SXM4-40GB, Ampere, 8.0, nvidia");
}

TEST_F(ProbesTest, KernelsWithoutPciOrWithAnIntegratedGpu) {
  machine_.AddDirectory("/sys/bus/virtio/devices");
  EXPECT_EQ(Text(Look().gpus), "");
  machine_.AddFile("/proc/device-tree/compatible", std::string("nvidia,p3768\0nvidia,tegra234\0", 29));
  EXPECT_EQ(Text(Look().gpus), "unknown");
}

TEST_F(ProbesTest, UnreadableDeviceMayHaveBeenAGpu) {
  Pci("0000:00:02.0", "030000", "8086", "9bc4", "i915");
  Pci("0000:01:00.0", "030200", "10de", "20b0", "nvidia");
  machine_.Fail("/sys/bus/pci/devices/0000:01:00.0/class", {ErrorKind::kDenied, "denied"});
  Facts facts = Look();
  EXPECT_EQ(Text(facts.gpus), "unknown");
  EXPECT_EQ(facts.gpus.why(), "denied");
  machine_.Fail("/sys/bus/pci/devices/0000:01:00.0/class", {ErrorKind::kNotFound, "gone"});
  EXPECT_EQ(Text(Look().gpus), "unknown");
  Pci("0000:02:00.0", "030200", "10de", "2b85");
  EXPECT_EQ(Text(Look().gpus),
            "0000:00:02.0 Intel unknown, unknown, absent, i915; "
            "0000:02:00.0 NVIDIA GeForce RTX 5090, Blackwell, 12.0, absent");
}

TEST_F(ProbesTest, UnreadableProc) {
  Kernel("6.1.0-28-amd64", "");
  EXPECT_EQ(Text(Look().kernel_driver.version), "absent");
  machine_.Fail("/proc/modules", {ErrorKind::kDenied, "denied"});
  Facts facts = Look();
  EXPECT_EQ(Text(facts.kernel_driver.version), "unknown");
  EXPECT_EQ(Text(facts.kernel_driver.nouveau_loaded), "unknown");
  machine_.Fail("/proc/modules", {ErrorKind::kIo, "io"});
  machine_.AddDirectory("/sys/module/ext4");
  EXPECT_EQ(Text(Look().kernel_driver.version), "unknown");
  // A kernel without loadable modules has no such file, but tells its parts in sysfs.
  machine_.Fail("/proc/modules", {ErrorKind::kNotFound, "not there"});
  EXPECT_EQ(Text(Look().kernel_driver.version), "absent");
  machine_.AddFile("/proc/driver/nvidia/version", "\x01\xff garbage");
  EXPECT_EQ(Text(Look().kernel_driver.version), "unknown");
}

TEST_F(ProbesTest, AssumedGpus) {
  Pci("0000:00:02.0", "030000", "8086", "9bc4", "i915");
  question_.assumed_gpus = {*knowledge_.FindGpu("2b85"), GpuModel{"", "", "", "8.9", false}};
  Facts facts = Look();
  EXPECT_EQ(Text(facts.assumed), "yes");
  EXPECT_EQ(Text(facts.gpus),
            "assumed NVIDIA GeForce RTX 5090, Blackwell, 12.0, nvidia; "
            "assumed 2 NVIDIA a GPU of compute capability 8.9, unknown, 8.9, nvidia");
  EXPECT_EQ(facts.gpus.origin().witness, Witness::kStated);
  EXPECT_EQ(facts.gpus.origin().from, "--assume");
  EXPECT_EQ(Text(facts.kernel_driver.version), "595.71.05");
  EXPECT_EQ(Text(facts.kernel_driver.nouveau_loaded), "no");
  EXPECT_EQ(Text(facts.device_access.nodes),
            "/dev/nvidia-uvm yes crw-rw-rw- root:root; /dev/nvidia0 yes crw-rw-rw- root:root; "
            "/dev/nvidia1 yes crw-rw-rw- root:root; /dev/nvidiactl yes crw-rw-rw- root:root");
  // The newest driver that still drives the oldest of them.
  question_.assumed_gpus.push_back(GpuModel{"", "K80", "Kepler", "3.7", false});
  question_.assumed_gpus.push_back(GpuModel{"", "GTX 1080", "Pascal", "6.1", false});
  EXPECT_EQ(Text(Look().kernel_driver.version), "470.256.02");
  question_.assumed_driver = "525.60.13";
  EXPECT_EQ(Text(Look().kernel_driver.version), "525.60.13");
}

TEST_F(ProbesTest, EnvironmentVariablesAreThereOrAbsent) {
  machine_.SetEnv("CUDA_VISIBLE_DEVICES", "");
  machine_.SetEnv("MY_TOKEN", "secret");
  Facts facts = Look();
  EXPECT_EQ(facts.environment.variables.Peek()->size(), EnvironmentNames().size());
  EXPECT_EQ(Text(facts.environment.Variable("CUDA_VISIBLE_DEVICES")), "");
  EXPECT_EQ(Text(facts.environment.Variable("LD_LIBRARY_PATH")), "absent");
  EXPECT_FALSE(facts.environment.variables.Peek()->contains("MY_TOKEN"));
  ReadScope scope;
  Environment nothing;
  EXPECT_TRUE(nothing.Variable("CUDA_VISIBLE_DEVICES").Unknown());
  ASSERT_FALSE(scope.unknown().empty());
  EXPECT_EQ(scope.unknown()[0], &nothing.variables);
}

TEST_F(ProbesTest, NoGlibcWhereTheShellIsOfMusl) {
  elf::Blueprint shell;
  shell.interpreter = "/lib/ld-musl-x86_64.so.1";
  machine_.AddFile("/bin/sh", elf::WriteObject(shell), 0755);
  EXPECT_EQ(Text(Look().host.glibc), "absent");
}

TEST_F(ProbesTest, GlibcWithoutABannerIsKnownByItsSymbols) {
  elf::Blueprint libc;
  libc.soname = "libc.so.6";
  libc.version_definitions = {"GLIBC_2.2.5", "GLIBC_2.4", "GLIBC_2.34", "GLIBC_2.9", "GLIBC_PRIVATE"};
  machine_.AddFile("/lib64/libc.so.6", elf::WriteObject(libc));
  EXPECT_EQ(Text(Look().host.glibc), "2.34");
  machine_.AddFile("/lib64/libc.so.6", "not ELF");
  EXPECT_EQ(Text(Look().host.glibc), "unknown");
}

// The machine of this test, whose own programs are the oracle.
// Where the log itself may not be read, its file may; it goes on over many starts of the machine.
TEST_F(ProbesTest, OfAKernelLogInAFileThisBootCounts) {
  const std::string fell =
      "Nov 01 10:00:00 host kernel: NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.\n";
  const std::string start = "Nov 02 08:00:00 host kernel: Linux version 6.1.0-28-amd64 (gcc-12)\n";
  const auto off_the_bus = [&](const std::string& text) {
    machine_.AddFile("/var/log/kern.log", text);
    KernelLog log;
    ReadKernelLog(machine_, log);
    return log.off_the_bus.state();
  };
  EXPECT_EQ(off_the_bus(fell), FactState::kValue);
  EXPECT_EQ(off_the_bus(start + fell), FactState::kValue);
  EXPECT_EQ(off_the_bus(fell + start), FactState::kAbsent);
  EXPECT_EQ(off_the_bus(fell + start + fell), FactState::kValue);
  // Written last before this start: it tells of another, and nothing of this one.
  class WrittenAt : public ForwardingSystem {
   public:
    WrittenAt(const System& below, int64_t time) : ForwardingSystem(below), time_(time) {}
    Result<FileStat> Stat(const std::string& path) const override {
      auto stat = below().Stat(path);
      if (stat.ok()) stat->mtime = time_;
      return stat;
    }

   private:
    int64_t time_;
  };
  machine_.AddFile("/proc/stat", "cpu 1\nbtime 1764083520\n");
  for (const int64_t late : {-1, 1}) {
    KernelLog log;
    ReadKernelLog(WrittenAt(machine_, 1764083520 + late), log);
    EXPECT_EQ(log.off_the_bus.state(), late < 0 ? FactState::kUnknown : FactState::kValue);
  }
}

// AMD's accelerators are no display controllers; others of their class are no GPUs.
TEST_F(ProbesTest, AcceleratorsOfAmd) {
  Pci("0000:01:00.0", "120000", "1002", "74a1");
  Pci("0000:02:00.0", "120000", "1da3", "1000");
  const Facts facts = Look();
  ASSERT_NE(facts.gpus.Peek(), nullptr);
  ASSERT_EQ(facts.gpus.Peek()->size(), 1U);
  EXPECT_TRUE(facts.gpus.Peek()->at("0000:01:00.0").vendor.Is("AMD"));
}

TEST(ProbesLive, ThisMachine) {
  auto live = LiveSystem();
  SmallKnowledge knowledge;
  Facts facts;
  ProbeHost(*live, knowledge, {}, facts);
  utsname names;
  ASSERT_EQ(uname(&names), 0);
  EXPECT_EQ(Text(facts.host.machine), names.machine);
  EXPECT_EQ(Text(facts.host.kernel), names.release);
  EXPECT_EQ(Text(facts.host.glibc), gnu_get_libc_version());
  ASSERT_NE(facts.host.cpu_flags.Peek(), nullptr);
  EXPECT_FALSE(facts.host.cpu_flags.Peek()->empty());
  ProbeHardware(*live, knowledge, {}, facts);
  ProbeKernelDriver(*live, knowledge, {}, facts);
  ProbeDeviceAccess(*live, knowledge, {}, facts);
  EXPECT_NE(facts.device_access.nodes.state(), FactState::kUnknown);
}

}  // namespace
}  // namespace tfdoctor
