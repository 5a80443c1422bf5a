// What is known about a machine, a Python environment and a TensorFlow: plain data that probes (or logs, or
// statements) fill and rules read. Each struct lists its fields once more in Describe(), with the words that
// people see; that list alone makes the JSON form, the names in `needs`, and the property tests.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "facts/fact.h"

namespace tfdoctor {

// --- 1 hardware
// -----------------------------------------------------------------------------------------------------

struct Gpu {
  Fact<std::string> vendor;              // "NVIDIA", "AMD", "Intel", else the PCI vendor in hex
  Fact<std::string> pci_id;              // device id in hex, "2684"
  Fact<std::string> name;                // "GeForce RTX 4090"
  Fact<std::string> architecture;        // "Ada Lovelace"
  Fact<std::string> compute_capability;  // "8.9"
  Fact<std::string> kernel_driver;       // bound in sysfs: "nvidia", "nouveau", "vfio-pci"; absent: none

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("vendor", s.vendor, "maker of the display adapter");
    v("pci_id", s.pci_id, "PCI device id");
    v("name", s.name, "name of the GPU");
    v("architecture", s.architecture, "architecture of the GPU");
    v("compute_capability", s.compute_capability, "compute capability of the GPU");
    v("kernel_driver", s.kernel_driver, "kernel driver bound to the GPU");
  }
};

struct Host {
  Fact<std::string> machine;       // "x86_64", "aarch64"
  Fact<std::string> kernel;        // release of the running kernel, "6.1.0-28-amd64"
  Fact<std::string> distribution;  // PRETTY_NAME of os-release
  Fact<std::string> glibc;         // "2.36"
  Fact<std::string> hypervisor;    // "KVM", …; absent: none seen
  Fact<std::string> container;     // "docker", "podman", "kubernetes", …; absent: none seen
  Fact<std::string> wsl;           // "1" or "2"; absent: not the Windows Subsystem for Linux
  Fact<std::vector<std::string>> cpu_flags;

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("machine", s.machine, "processor architecture");
    v("kernel", s.kernel, "running kernel");
    v("distribution", s.distribution, "Linux distribution");
    v("glibc", s.glibc, "version of the C library");
    v("hypervisor", s.hypervisor, "hypervisor");
    v("container", s.container, "container engine");
    v("wsl", s.wsl, "Windows Subsystem for Linux");
    v("cpu_flags", s.cpu_flags, "instruction sets of the CPU");
  }
};

// --- 2 kernel driver, 3 device access, 4 driver library
// ----------------------------------------------------------------

struct KernelDriver {
  Fact<std::string> version;  // of the loaded NVIDIA module, "535.54.03"; absent: not loaded
  Fact<std::string> flavour;  // "open" or "proprietary"
  Fact<std::string>
      installed_version;  // of a module file for the running kernel (its path, "/lib/modules/…", where no
                          // version can be told); absent: no such file
  Fact<bool> nouveau_loaded;

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("version", s.version, "version of the loaded NVIDIA kernel module");
    v("flavour", s.flavour, "flavour of the loaded NVIDIA kernel module");
    v("installed_version", s.installed_version, "NVIDIA kernel module installed for this kernel");
    v("nouveau_loaded", s.nouveau_loaded, "whether nouveau is loaded");
  }
};

struct DeviceNode {
  Fact<bool> usable;       // this user may open it for reading and writing
  Fact<std::string> mode;  // "crw-rw---- root:video"

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("usable", s.usable, "whether this user may open the device node");
    v("mode", s.mode, "permissions of the device node");
  }
};

struct DeviceAccess {
  Fact<std::map<std::string, DeviceNode>>
      nodes;  // by path: /dev/nvidia0, /dev/nvidiactl, /dev/nvidia-uvm, /dev/dxg

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("nodes", s.nodes, "device nodes of the GPU");
  }
};

// A library as the dynamic loader would take it for this program.
struct Library {
  Fact<std::string> path;      // the file taken; absent: the loader finds none
  Fact<std::string> found_by;  // "RUNPATH of …", "LD_LIBRARY_PATH", "ld.so.cache", "already loaded", …
  Fact<std::string> version;   // of the file itself, "12.9.79", "9.28.0"
  Fact<std::string> failure;   // why the file taken would still not load; absent: it loads
  Fact<std::string> missing;   // the soname of the dependency that makes it fail; absent: none
  Fact<std::string> owner;  // distribution or Debian package that installed it: "nvidia-cudnn-cu12 9.28.0.42"
  Fact<bool> needed_to_start;                // without it TensorFlow registers no GPU
  Fact<bool> stub;                           // a link-time stub
  Fact<std::vector<std::string>> elsewhere;  // files of this soname that the loader does not look at
  Fact<std::vector<std::string>>
      shadowed;                         // files of this soname that it would take if the chosen one were gone
  // Files of this library for another CUDA or cuDNN, "/usr/local/cuda/lib64/libcudart.so.13"; absent: not
  // looked for, since the loader finds one or a fitting one lies elsewhere.
  Fact<std::vector<std::string>> other_versions;
  Fact<std::vector<std::string>> sass;  // compute capabilities with machine code inside: "7.5"
  Fact<std::vector<std::string>> ptx;   // compute capabilities with PTX inside: "9.0"
  Fact<std::string>
      oldest_gpu;  // lowest compute capability it has code for, by its content or by its version

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("path", s.path, "file that the loader takes");
    v("found_by", s.found_by, "how the loader finds it");
    v("version", s.version, "version of the library");
    v("failure", s.failure, "why the file would not load");
    v("missing", s.missing, "dependency that is missing");
    v("owner", s.owner, "package that installed the file");
    v("needed_to_start", s.needed_to_start, "whether TensorFlow gives up the GPU without it");
    v("stub", s.stub, "whether the file is a link-time stub");
    v("elsewhere", s.elsewhere, "other copies on this machine, outside the search path");
    v("shadowed", s.shadowed, "other copies later on the search path");
    v("other_versions", s.other_versions, "the same library for another CUDA");
    v("sass", s.sass, "compute capabilities with machine code in the library");
    v("ptx", s.ptx, "compute capabilities with PTX in the library");
    v("oldest_gpu", s.oldest_gpu, "lowest compute capability that the library supports");
  }
};

struct DriverLibrary {
  Library cuda;  // libcuda.so.1
  Library nvml;  // libnvidia-ml.so.1

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("cuda", s.cuda, "libcuda.so.1");
    v("nvml", s.nvml, "libnvidia-ml.so.1");
  }
};

// --- 5 python
// -----------------------------------------------------------------------------------------------------------

struct Distribution {
  Fact<std::string> version;
  Fact<std::string> folder;     // the sys.path entry that holds it
  Fact<std::string> installer;  // "pip", "uv", "conda", …

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("version", s.version, "version of the distribution");
    v("folder", s.folder, "folder that holds the distribution");
    v("installer", s.installer, "what installed the distribution");
  }
};

// Where the import of a module by this name ends.
struct Module {
  Fact<std::string> path;  // file or package folder that wins; absent: not importable
  Fact<std::string> kind;  // "package", "module", "namespace"
  Fact<std::string>
      owner;  // normalised name of the distribution that owns it; absent: nobody's (a stray file)

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("path", s.path, "file or folder that is imported");
    v("kind", s.kind, "package, module or namespace");
    v("owner", s.owner, "distribution that owns it");
  }
};

struct Python {
  Fact<std::string> interpreter;  // as the user would type or reach it: /home/a/venv/bin/python
  Fact<std::string> executable;   // the file behind all symbolic links and shims
  Fact<std::string> chosen_by;    // "--python", "PATH (python)", "PATH (python3)", "pyenv shim …"
  Fact<std::string> version;      // "3.11.2"
  Fact<std::string> prefix;       // sys.prefix
  Fact<std::string> base_prefix;  // sys.base_prefix
  Fact<std::string> environment;  // "venv", "virtualenv", "uv", "conda", "system", "pyenv", …
  Fact<std::string>
      other_environment;  // VIRTUAL_ENV or CONDA_PREFIX when it is not this prefix; absent: agree
  Fact<std::vector<std::string>> sys_path;
  Fact<std::vector<std::string>> unread;  // what could add to sys.path and was not understood
  Fact<std::map<std::string, Distribution>> distributions;  // by normalised name, the first on sys.path
  Fact<std::map<std::string, Module>> modules;  // tensorflow, keras, numpy, google.protobuf, ml_dtypes
  Fact<std::vector<std::string>> elsewhere;     // other environments nearby that hold TensorFlow

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("interpreter", s.interpreter, "Python interpreter");
    v("executable", s.executable, "file of the interpreter");
    v("chosen_by", s.chosen_by, "how the interpreter was chosen");
    v("version", s.version, "version of Python");
    v("prefix", s.prefix, "sys.prefix");
    v("base_prefix", s.base_prefix, "sys.base_prefix");
    v("environment", s.environment, "kind of environment");
    v("other_environment", s.other_environment, "another environment that is activated");
    v("sys_path", s.sys_path, "sys.path");
    v("unread", s.unread, "what may change sys.path and was not understood");
    v("distributions", s.distributions, "installed distributions");
    v("modules", s.modules, "modules that would be imported");
    v("elsewhere", s.elsewhere, "other environments with TensorFlow");
  }
};

// --- 6 tensorflow
// -------------------------------------------------------------------------------------------------------

// A requirement of TensorFlow that the environment does not meet so that the import fails.
struct ImportFault {
  Fact<std::string>
      reason;  // "numpy", "protobuf", "ml_dtypes", "keras", "missing", "cpu-instructions", "glibc", "files"
  Fact<std::string> wanted;   // "numpy<2", "AVX", "glibc 2.27"
  Fact<std::string> present;  // "numpy 2.2.6"

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("reason", s.reason, "what breaks the import");
    v("wanted", s.wanted, "what TensorFlow needs");
    v("present", s.present, "what is there");
  }
};

struct TensorFlow {
  Fact<std::string> folder;        // the package folder that is imported; absent: no TensorFlow
  Fact<std::string> distribution;  // whose files won: "tensorflow", "tensorflow-cpu", …
  Fact<std::string> version;       // "2.21.0"
  Fact<std::map<std::string, std::string>> installed;  // every TensorFlow distribution there: name -> version
  Fact<bool> files_disagree;      // the files on disk are not those of `distribution`'s RECORD alone
  Fact<std::string> known_build;  // key of our data for this very build; absent: not in our data
  Fact<bool> cuda_build;
  Fact<bool> rocm_build;
  Fact<std::string> cuda_version;               // built with, "12.5.1"
  Fact<std::string> cudnn_version;              // built with, "9" or "9.3.0"
  Fact<std::vector<std::string>> sass;          // compute capabilities with machine code: "6.0", "8.9"
  Fact<std::vector<std::string>> ptx;           // compute capabilities with PTX: "9.0"
  Fact<std::string> ptx_isa;                    // the newest PTX ISA that must be compiled at start, "8.5"
  Fact<std::vector<std::string>> sass_partial;  // where part of the kernels (MLIR's) exist as PTX only: "9.0"
  Fact<std::string> opens_from;          // the object that calls dlopen: …/libtensorflow_framework.so.2
  Fact<std::vector<std::string>> opens;  // sonames opened at run time, in TensorFlow's order
  Fact<std::vector<std::string>> opens_at_start;  // of these, those without which it registers no GPU
  Fact<std::map<std::string, ImportFault>> import_faults;  // by what is at fault; empty: imports
  Fact<bool> needs_nvml;                                   // gives up the GPU without libnvidia-ml.so.1
  Fact<std::vector<std::string>> extra_missing;  // requirements of [and-cuda] that are not installed
  Fact<std::vector<std::string>> extra_at_odds;  // "nvidia-cudnn-cu12 9.1.0.70, wanted ==9.3.0.75"

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("folder", s.folder, "folder of the TensorFlow that is imported");
    v("distribution", s.distribution, "TensorFlow distribution whose files are there");
    v("version", s.version, "version of TensorFlow");
    v("installed", s.installed, "TensorFlow distributions installed");
    v("files_disagree", s.files_disagree, "whether files of several distributions are mixed");
    v("known_build", s.known_build, "this very build in our data");
    v("cuda_build", s.cuda_build, "whether this build has CUDA");
    v("rocm_build", s.rocm_build, "whether this build has ROCm");
    v("cuda_version", s.cuda_version, "CUDA that TensorFlow was built with");
    v("cudnn_version", s.cudnn_version, "cuDNN that TensorFlow was built with");
    v("sass", s.sass, "compute capabilities with machine code in TensorFlow");
    v("ptx", s.ptx, "compute capabilities with PTX in TensorFlow");
    v("ptx_isa", s.ptx_isa, "newest PTX ISA in TensorFlow");
    v("sass_partial", s.sass_partial, "compute capabilities for which some kernels are PTX only");
    v("opens_from", s.opens_from, "file that opens the CUDA libraries");
    v("opens", s.opens, "libraries that TensorFlow opens at run time");
    v("opens_at_start", s.opens_at_start, "libraries without which TensorFlow registers no GPU");
    v("import_faults", s.import_faults, "what breaks the import of TensorFlow");
    v("needs_nvml", s.needs_nvml, "whether this release needs libnvidia-ml.so.1");
    v("extra_missing", s.extra_missing, "distributions of the and-cuda extra that are missing");
    v("extra_at_odds", s.extra_at_odds, "distributions at odds with the and-cuda extra");
  }
};

// --- 7 cuda-libraries
// -----------------------------------------------------------------------------------------------------

struct CudaTools {
  Fact<std::string> libdevice;  // the file XLA takes; absent: none where it looks
  Fact<std::string> ptxas;      // the program XLA takes; absent: none where it looks
  Fact<std::string> ptxas_version;

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("libdevice", s.libdevice, "libdevice.10.bc that XLA finds");
    v("ptxas", s.ptxas, "ptxas that XLA finds");
    v("ptxas_version", s.ptxas_version, "version of ptxas");
  }
};

struct CudaLibraries {
  Fact<std::map<std::string, Library>> opened;  // by soname, every library that this build opens at run time
  CudaTools tools;
  Fact<std::vector<std::string>>
      search_path_notes;  // "LD_LIBRARY_PATH entry X: set by environment module cuda/12.2"
  Fact<std::map<std::string, std::string>> cudnn_parts;  // version of each cuDNN sub-library that would load

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("opened", s.opened, "libraries that TensorFlow opens");
    v("tools", s.tools, "tools of the CUDA toolkit");
    v("search_path_notes", s.search_path_notes, "who put entries into LD_LIBRARY_PATH");
    v("cudnn_parts", s.cudnn_parts, "versions of the cuDNN sub-libraries");
  }
};

// --- 9 visibility, 5 program
// ------------------------------------------------------------------------------------------------

struct Environment {
  // Every variable that bears on the chain; absent when not set. Always all of EnvironmentNames().
  Fact<std::map<std::string, Fact<std::string>>> variables;

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("variables", s.variables, "environment variables");
  }
  // The fact of one variable; an unknown one if `variables` itself is unknown. Never null.
  const Fact<std::string>& Variable(const std::string& name) const;
};
// The variables that bear on the chain (facts.cpp). No others are read: they may hold secrets.
const std::vector<std::string>& EnvironmentNames();

struct Facts {
  Fact<std::map<std::string, Gpu>> gpus;  // by PCI address "0000:01:00.0", or "assumed"
  Fact<bool> assumed;                     // --assume: the links below TensorFlow are stated, not read
  Host host;
  KernelDriver kernel_driver;
  DeviceAccess device_access;
  DriverLibrary driver_library;
  Python python;
  TensorFlow tensorflow;
  CudaLibraries cuda_libraries;
  Environment environment;

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("gpus", s.gpus, "display adapters");
    v("assumed", s.assumed, "whether GPU and driver are assumed");
    v("host", s.host, "the machine");
    v("kernel_driver", s.kernel_driver, "the kernel driver");
    v("device_access", s.device_access, "access to the device");
    v("driver_library", s.driver_library, "the driver's libraries");
    v("python", s.python, "the Python environment");
    v("tensorflow", s.tensorflow, "TensorFlow");
    v("cuda_libraries", s.cuda_libraries, "the CUDA libraries");
    v("environment", s.environment, "the environment");
  }
};

}  // namespace tfdoctor
