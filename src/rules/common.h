// What several rules need: which GPUs count, which code runs on them, and how repairs are worded.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "diagnose/rule.h"

namespace tfdoctor {

enum class Answer { kNo, kYes, kUnknown };

// A TensorFlow with CUDA is imported: without one, rules about libraries and code have nothing to say.
bool IsCudaBuild(const Facts& facts);

// What this TensorFlow computes on instead of NVIDIA's GPUs, which alone are judged: "ROCm (AMD)", "the
// plug-in libtfdml_plugin.so"; empty: nothing of the kind, or it has CUDA.
std::string OtherAccelerator(const Facts& facts);

// Whether the machine has an NVIDIA GPU: PCI says so, or the loaded driver, or a device node.
Answer HasNvidiaGpu(const Facts& facts);
std::vector<const Gpu*> NvidiaGpus(const Facts& facts);
// "GeForce RTX 4090 (compute capability 8.9)"
std::string Describe(const Gpu& gpu);
// The driver that answers CUDA: the loaded module's version, under WSL (no module there) libcuda's.
const Fact<std::string>& DriverVersion(const Facts& facts);
// The driver was called and lists a device. That refutes whatever is only inferred from something not being
// there.
bool DriverFindsGpu(const Facts& facts);
// The driver was called and lists none with the variables of this shell, and some without those that hide
// devices.
bool VariablesHideAllFromDriver(const Facts& facts);
// The answer of a rule for which the driver could list no device, where it lists one, with the variables of
// this shell or without those that hide devices; nullopt: it lists none, or was not asked.
std::optional<Verdict> ExcludedByDriver(const Facts& facts);
// As DriverFindsGpu(), or NVML lists one, which no program does without the kernel module.
bool DriverIsThere(const Facts& facts);
// NVML lists the GPU at this PCI address: it is alive, whatever the kernel log says of it.
bool NvmlLists(const Facts& facts, const std::string& pci_address);
// The other kernels of this machine that have an NVIDIA module: "6.1.0-27-amd64"; empty: none.
std::string OtherKernelsWithModule(const Facts& facts);
// "CUDA_ERROR_NO_DEVICE (100)"; "CUDA error 12345" for one that our data does not name. NVML's likewise.
std::string CudaErrorText(const Knowledge& knowledge, const std::string& number);
std::string NvmlErrorText(const Knowledge& knowledge, const std::string& number);
// What is known of an Xid: "79"; its fault is empty where nothing is.
ErrorRow FindXid(const Knowledge& knowledge, const std::string& code);
// Xids of this fault after which a GPU works no more until it is reset, in the kernel log since the start, of
// GPUs that NVML no longer lists: lines for evidence. None where something else keeps NVML or cuInit from the
// GPU. Call it where cuInit fails.
std::vector<std::string> FatalXids(const Facts& facts, const Knowledge& knowledge, std::string_view fault);
bool HasNvidiaNode(const std::map<std::string, DeviceNode>& nodes);
// What a program needs to reach a GPU and is not there: "/dev/nvidiactl and /dev/nvidia0"; empty: nothing.
std::string MissingNodes(const std::map<std::string, DeviceNode>& nodes);

// Machine code sm_XY runs on GPUs X.Z with Z >= Y; PTX compute_XY is compiled for any later GPU.
// Source: CUDA C++ Programming Guide, "Binary Compatibility" and "PTX Compatibility".
bool MachineCodeRuns(const std::vector<std::string>& sass, const std::string& capability);
bool PtxRuns(const std::vector<std::string>& ptx, const std::string& capability);

// Whether all that could add to sys.path was understood: else TensorFlow may be out of sight.
bool SysPathIsKnown(const Facts& facts);
// This interpreter has no TensorFlow for certain: none is found, and all that could bring one was understood.
bool LacksTensorFlow(const Facts& facts);
// What was not, as a sign of the verdict.
void NameWhatMayAddToSysPath(const Facts& facts, Verdict& verdict);

// "23.5 GiB"
std::string Gigabytes(double bytes);
// The processes that hold the GPU, where they were looked for, as signs of the verdict.
void NameHolders(const Facts& facts, Verdict& verdict);

// --- repairs; nothing here notes what is not known, since a repair is no judgement
// ---------------------------------

// "/home/a/venv/bin/python", quoted for a shell; "python3" when not known.
std::string Interpreter(const Facts& facts);
// The commands that install these requirements into the environment of the program.
std::vector<std::string> PipInstall(const Facts& facts, const std::vector<std::string>& requirements);
// The same for what is installed and damaged: "tensorflow==2.20.0".
std::vector<std::string> PipReinstall(const Facts& facts, std::vector<std::string> requirements);
std::string PipUninstall(const Facts& facts, const std::vector<std::string>& names);
// The folder that holds TensorFlow, else where pip would put it; empty when not known.
std::string SitePackages(const Facts& facts);

// What is wrong with this release's and-cuda extra as it was published: "unresolvable" or "search-path" of
// the data, "none" before 2.14, which has no such extra; empty: it gives a working GPU as pip installs it.
std::string ExtraDefect(const Knowledge& knowledge, const std::string& version);
// The newest TensorFlow of our data with CUDA that fits this Python and C library and whose and-cuda extra
// works as it is; `same` is kept if it is such a one. Empty: none known.
std::string WorkingTensorFlow(const Facts& facts, const Knowledge& knowledge, const std::string& same);
// The newest release of the same line, "2.16.2" for "2.16.1", under the same conditions; empty: none.
std::string WorkingPatch(const Facts& facts, const Knowledge& knowledge, const std::string& version);
// "tensorflow[and-cuda]==2.20.0"; releases before 2.14 have no such extra.
std::string WithCuda(const std::string& version);
// Installs TensorFlow `version` with its CUDA libraries in place of the distributions named.
Fix InstallTensorFlow(const Facts& facts, const Knowledge& knowledge, const std::string& version,
                      const std::vector<std::string>& instead_of);
// Makes a virtual environment with a Python of one of these minor versions and installs the requirement
// there, which is for this version of TensorFlow.
Fix InNewPython(const Facts& facts, const std::set<int>& minors, const std::string& version,
                const std::string& requirement);
Fix InNewPython(const Facts& facts, const TensorFlowBuild& build);
// As WorkingTensorFlow(), for any Python: the newest that meets "<2.21,>=2.16"; nullptr: none known.
const TensorFlowBuild* WorkingBuild(const Facts& facts, const Knowledge& knowledge,
                                    const std::string& specifiers);
// A TensorFlow with GPU code for a processor other than x86_64, for which PyPI has none.
Fix InstallOnArm(const Facts& facts, const Knowledge& knowledge);
// Installs the CUDA libraries that this TensorFlow wants, at versions that fit this GPU.
Fix InstallCudaLibraries(const Facts& facts, const Knowledge& knowledge);
// The newest version of an NVIDIA distribution in our data that meets "<10.0,>=9.3.0.75"; empty: none.
std::string NewestFitting(const Knowledge& knowledge, const std::string& name, const std::string& specifiers);
// "nvidia-cudnn-cu12<10.0,>=9.3" -> "nvidia-cudnn-cu12"
std::string RequirementName(const std::string& requirement);

// Takes a variable out of this shell: "Remove the variable NAME from this shell" or the title given.
Fix Unset(const std::string& variable, std::string title = "");
// A repair in words and commands that cannot be tried on an overlay.
Fix Advice(std::string title, std::vector<std::string> commands, bool needs_root = false,
           bool needs_reboot = false);

}  // namespace tfdoctor
