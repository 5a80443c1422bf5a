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
  Fact<std::string> vendor;              // "NVIDIA", "AMD", "Intel", "Apple", else the PCI vendor in hex
  Fact<std::string> pci_id;              // device id in hex, "2684"
  Fact<std::string> name;                // "GeForce RTX 4090"
  Fact<std::string> architecture;        // "Ada Lovelace"
  Fact<std::string> compute_capability;  // "8.9"
  Fact<std::string> kernel_driver;       // bound in sysfs: "nvidia", "nouveau", "vfio-pci"; absent: none
  Fact<bool> responds;      // false: its configuration space reads as all ones, as after it fell off the bus
  Fact<std::string> power;  // "D0", "D3cold"
  Fact<std::string> lanes;  // of PCI Express that are in use, "16"; absent: no bus that tells is in sight
  Fact<std::string> most_lanes;  // that the GPU has

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("vendor", s.vendor, "maker of the display adapter");
    v("pci_id", s.pci_id, "PCI device id");
    v("name", s.name, "name of the GPU");
    v("architecture", s.architecture, "architecture of the GPU");
    v("compute_capability", s.compute_capability, "compute capability of the GPU");
    v("kernel_driver", s.kernel_driver, "kernel driver bound to the GPU");
    v("responds", s.responds, "whether the GPU answers on the PCI bus");
    v("power", s.power, "power state of the GPU");
    v("lanes", s.lanes, "PCI Express lanes in use");
    v("most_lanes", s.most_lanes, "PCI Express lanes that the GPU has");
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
  Fact<std::string> system;   // "Linux"; a log may tell "Windows" or "Darwin"
  Fact<std::string> runtime;  // "Google Colab", "Kaggle"; absent: none seen
  Fact<bool> secure_boot;     // firmware lets the kernel load signed code only
  // "36.4.3", the release of NVIDIA's Linux for its Jetson boards; absent: another machine
  Fact<std::string> jetson_linux;
  // bytes that a program may map (ulimit -v); absent: no limit; read only where the driver refuses
  Fact<std::string> address_space;

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
    v("system", s.system, "operating system");
    v("runtime", s.runtime, "hosted notebook or cloud service");
    v("secure_boot", s.secure_boot, "whether Secure Boot is on");
    v("jetson_linux", s.jetson_linux, "release of Jetson Linux");
    v("address_space", s.address_space, "limit of a program's address space");
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
  // "/etc/modprobe.d/x.conf: blacklist nvidia", "kernel command line: modprobe.blacklist=nvidia"; empty:
  // nowhere
  Fact<std::vector<std::string>> blacklisted;
  // releases below /lib/modules with a module file: "6.1.0-27-amd64"
  Fact<std::vector<std::string>> built_for;
  Fact<std::string> dkms;  // "added", "built" or "installed"; absent: not under DKMS
  // the line of make.log or of the program: "Kernel headers … cannot be found"; absent: no such failure
  Fact<std::string> dkms_failure;
  Fact<bool> headers;                         // /lib/modules/…/build leads somewhere
  Fact<bool> signed_module;                   // the installed module file carries a signature
  Fact<std::string> prime_profile;            // "intel", "on-demand", "nvidia"; absent: no such tool is used
  Fact<std::string> firmware;                 // folder with the firmware of the loaded version; absent: none
  Fact<std::vector<std::string>> nvswitches;  // PCI addresses of NVSwitches: "0000:c1:00.0"
  // of the installed file, or its path where no version can be told; absent: not installed
  Fact<std::string> fabric_manager;
  Fact<bool> fabric_manager_running;  // a process nv-fabricmanager is seen
  // "2026-11-25T08:12:00Z" or "yes" where only that is known; absent: not suspended since its start
  Fact<std::string> resumed;

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("version", s.version, "version of the loaded NVIDIA kernel module");
    v("flavour", s.flavour, "flavour of the loaded NVIDIA kernel module");
    v("installed_version", s.installed_version, "NVIDIA kernel module installed for this kernel");
    v("nouveau_loaded", s.nouveau_loaded, "whether nouveau is loaded");
    v("blacklisted", s.blacklisted, "where the NVIDIA module is kept from loading");
    v("built_for", s.built_for, "kernels that have an NVIDIA module");
    v("dkms", s.dkms, "state of the NVIDIA module in DKMS for this kernel");
    v("dkms_failure", s.dkms_failure, "why DKMS could not build the module");
    v("headers", s.headers, "whether the headers of this kernel are installed");
    v("signed_module", s.signed_module, "whether the module file is signed");
    v("prime_profile", s.prime_profile, "hybrid graphics profile");
    v("firmware", s.firmware, "firmware of the GPU system processor");
    v("nvswitches", s.nvswitches, "NVSwitches");
    v("fabric_manager", s.fabric_manager, "version of the fabric manager");
    v("fabric_manager_running", s.fabric_manager_running, "whether the fabric manager runs");
    v("resumed", s.resumed, "whether the machine was suspended since its start");
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
  // of version 1: "c 195:* rwm"; absent: version 2, whose rules cannot be read, or no rules
  Fact<std::vector<std::string>> cgroup_rules;
  // by path, what open() returned where a program or our child tried: "EPERM", "EACCES", "EIO"
  Fact<std::map<std::string, std::string>> refused;
  // "SELinux label system_u:system_r:container_t:s0", "AppArmor profile docker-default (enforce)"; absent:
  // this process is confined by neither
  Fact<std::string> confinement;

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("nodes", s.nodes, "device nodes of the GPU");
    v("cgroup_rules", s.cgroup_rules, "device rules of the control group");
    v("refused", s.refused, "what opening a device node said");
    v("confinement", s.confinement, "security module that confines this process");
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
      shadowed;  // files of this soname that it would take if the chosen one were gone
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

// Another Python near at hand that has a TensorFlow.
struct NearbyPython {
  Fact<std::string> kind;  // "venv", "conda", "poetry", "pipenv", "hatch", "Jupyter kernel", "VS Code", …
  Fact<std::string> tensorflow;  // "tensorflow 2.20.0"
  Fact<std::string> command;     // the line that activates it or runs a program in it

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("kind", s.kind, "kind of environment");
    v("tensorflow", s.tensorflow, "its TensorFlow");
    v("command", s.command, "command that uses it");
  }
};

// A package of a conda environment, of those that TensorFlow is linked with.
struct CondaPackage {
  Fact<std::string> version;
  Fact<std::string> build;    // "cuda120py311h5cbd639_1", "mkl_py37h04bc1aa_0"
  Fact<std::string> channel;  // "conda-forge", "defaults"

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("version", s.version, "version of the conda package");
    v("build", s.build, "build string of the conda package");
    v("channel", s.channel, "channel of the conda package");
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
  Fact<std::map<std::string, Module>> modules;       // tensorflow, keras, numpy, google.protobuf, ml_dtypes
  Fact<std::vector<std::string>> elsewhere;          // other environments nearby that hold TensorFlow
  Fact<std::map<std::string, NearbyPython>> nearby;  // the same, by interpreter, with what is known of each
  // whether `python -m venv` works with this Python: Debian keeps the ensurepip that it needs in a package of
  // its own
  Fact<bool> makes_environments;
  // other interpreters at hand for which it works, of no environment: path -> version, "3.12.1"
  Fact<std::map<std::string, std::string>> others;
  Fact<std::map<std::string, CondaPackage>> conda;  // by name; absent: no conda environment
  Fact<std::vector<std::string>> leftovers;         // "…/~ensorflow": of an interrupted pip
  Fact<std::string> keras_config;                   // the backend in keras.json; absent: none is named

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
    v("unread", s.unread, "code that may change sys.path");
    v("distributions", s.distributions, "installed distributions");
    v("modules", s.modules, "modules that would be imported");
    v("elsewhere", s.elsewhere, "other environments with TensorFlow");
    v("nearby", s.nearby, "what is known of them");
    v("makes_environments", s.makes_environments, "whether this Python can make a virtual environment");
    v("others", s.others, "other Pythons that can make one");
    v("conda", s.conda, "conda packages that TensorFlow is linked with");
    v("leftovers", s.leftovers, "what interrupted installations left behind");
    v("keras_config", s.keras_config, "backend in keras.json");
  }
};

// --- 6 tensorflow
// -------------------------------------------------------------------------------------------------------

// A requirement of TensorFlow that the environment does not meet so that the import fails.
struct ImportFault {
  Fact<std::string> reason;   // "numpy", "protobuf", "ml_dtypes", "keras", "missing", "cpu-instructions",
                              // "glibc", "files", "architecture"
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
  Fact<std::vector<std::string>> plugins;       // files that bring devices of their own: "libtfdml_plugin.so"
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
    v("plugins", s.plugins, "plug-ins of TensorFlow that bring devices of their own");
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

// --- 5 python: the program and its project
// ----------------------------------------------------------------------------------

// A line of the program (--script) that bears on the GPU, as its text says. The program is read, never run.
struct ProgramLine {
  // "import", "set-variable", "default-variable", "unset-variable", "visible-devices", "memory-growth",
  // "logical-devices", "session-devices", "device", "starts-devices", "eager", "jit"
  Fact<std::string> what;
  Fact<std::string> name;   // the module, variable or function: "CUDA_VISIBLE_DEVICES"
  Fact<std::string> value;  // "-1", "none", "/GPU:1"; unknown: only the running program knows
  Fact<std::string> text;   // the line itself
  Fact<bool> reached;       // whenever the program runs; unknown: it stands in a function, an if, …
  Fact<std::string>
      phase;  // "before-import" of TensorFlow, "after-import", "after-start" of its devices, "in-a-function"
  Fact<bool> trains;  // of a "device" block: the network is built or trained in it

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("what", s.what, "what the line does");
    v("name", s.name, "what it concerns");
    v("value", s.value, "the value that the line sets");
    v("text", s.text, "the line");
    v("reached", s.reached, "whether the line is reached");
    v("phase", s.phase, "when the line runs");
    v("trains", s.trains, "whether the network is trained there");
  }
};

struct Program {
  Fact<std::string> file;  // absent: no program was named
  Fact<std::map<std::string, ProgramLine>>
      lines;  // "00012 set-variable"; of what its import in line 12 does "00012.0003 …"

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("file", s.file, "the program");
    v("lines", s.lines, "lines of the program that bear on the GPU");
  }
};

// What the project in the working folder says of TensorFlow.
struct WantedTensorFlow {
  Fact<std::string> requirement;  // "tensorflow[and-cuda]==2.15.0"
  Fact<bool> locked;              // by a lock file, which names one version

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("requirement", s.requirement, "TensorFlow that the project wants");
    v("locked", s.locked, "whether a lock file says it");
  }
};

struct Project {
  Fact<std::map<std::string, WantedTensorFlow>> wanted;  // by where it is said: "…/requirements.txt line 3"
  Fact<std::vector<std::string>> unread;                 // files that were not understood

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("wanted", s.wanted, "TensorFlow that the project wants");
    v("unread", s.unread, "files of the project that were not understood");
  }
};

// --- 9 visibility
// ------------------------------------------------------------------------------------------------

struct Environment {
  // Every variable that bears on the chain; absent when not set. Always all of EnvironmentNames().
  Fact<std::map<std::string, Fact<std::string>>> variables;
  // Of XLA_FLAGS and TF_XLA_FLAGS, where set: the words, of the file where the value names one; absent: it
  // names a file that is not there.
  Fact<std::map<std::string, Fact<std::vector<std::string>>>> flags;

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("variables", s.variables, "environment variables");
    v("flags", s.flags, "flags of XLA");
  }
  // The fact of one variable; an unknown one if `variables` itself is unknown. Never null.
  const Fact<std::string>& Variable(const std::string& name) const;
};
// The variables that bear on the chain (facts.cpp). No others are read: they may hold secrets.
const std::vector<std::string>& EnvironmentNames();

// --- the driver's own answers, the kernel's messages, containers, memory
// -----------------------------------------------------------------------------------------------------

// What the kernel's messages say about the GPU: read only where something is wrong, or told by a log. Each
// fact is absent where the messages were read and have no such line.
struct KernelLog {
  Fact<std::vector<std::string>> xids;         // "0000:01:00.0 79", the newest last
  Fact<std::vector<std::string>> off_the_bus;  // PCI addresses
  // by PCI address: "0x26:0x56:1474", what RmInitAdapter said
  Fact<std::map<std::string, std::string>> init_failures;
  // "the client has the version 570.86.15, but this kernel module has the version 535.54.03"
  Fact<std::string> api_mismatch;
  Fact<std::string> dropped_branch;        // "470.xx": the GPU is supported through that legacy branch only
  Fact<std::string> open_module_required;  // the line that says so
  // the line that says so: "… does not include the required GPU System Processor (GSP)"
  Fact<std::string> open_module_unsupported;
  // "nouveau", "rivafb": "probe routine was not called … may have been obtained by …"
  Fact<std::string> other_driver_bound;
  Fact<std::string> module_rejected;          // "Loading of unsigned module is rejected", "version magic …"
  Fact<std::string> firmware_failure;         // "nvidia/570.86.15/gsp_ga10x.bin"
  Fact<std::vector<std::string>> denials;     // lines "avc: denied …", "apparmor=\"DENIED\" …"
  Fact<std::vector<std::string>> ecc_errors;  // lines about uncorrectable ECC errors

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("xids", s.xids, "Xid errors of the GPU");
    v("off_the_bus", s.off_the_bus, "GPUs that fell off the bus");
    v("init_failures", s.init_failures, "adapters whose initialisation failed");
    v("api_mismatch", s.api_mismatch, "version mismatch that the module reports");
    v("dropped_branch", s.dropped_branch, "legacy driver branch that the module names");
    v("open_module_required", s.open_module_required,
      "whether the module says that the open flavour is needed");
    v("open_module_unsupported", s.open_module_unsupported,
      "whether the open module says that it does not drive this GPU");
    v("other_driver_bound", s.other_driver_bound, "which driver the module found bound to the GPU");
    v("module_rejected", s.module_rejected, "why the kernel refused the module");
    v("firmware_failure", s.firmware_failure, "firmware that could not be loaded");
    v("denials", s.denials, "denials of SELinux or AppArmor that name the GPU");
    v("ecc_errors", s.ecc_errors, "uncorrectable memory errors");
  }
};

// What starts containers: inside one, what can be seen of the engine that started it; outside, what is
// installed, and that only where the program may be meant to run in a container.
struct ContainerEngine {
  Fact<bool> worked_before;  // the same container had the GPU when it started
  Fact<bool> snap;           // the engine is a snap
  // files of the driver that the engine put into this container
  Fact<std::vector<std::string>> mounted;
  Fact<std::vector<std::string>> programs;  // "/usr/bin/docker", "/snap/bin/docker"; empty: none
  Fact<std::string> toolkit;                // "/usr/bin/nvidia-container-runtime-hook"; absent: not installed
  Fact<std::string> context;  // that the docker command talks to: "desktop-linux"; absent: the default
  Fact<bool> no_cgroups;      // NVIDIA's hook gives containers no permission for the devices
  Fact<bool> nvidia_runtime;  // the containerd of this node of Kubernetes knows it; absent: no such node
  // of the driver whose files each CDI specification names: "/etc/cdi/nvidia.yaml" -> "570.86.15"
  Fact<std::map<std::string, std::string>> cdi;

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("worked_before", s.worked_before, "whether the GPU worked in this container before");
    v("snap", s.snap, "whether the container engine is a snap");
    v("mounted", s.mounted, "files of the driver that the engine put into this container");
    v("programs", s.programs, "container engines that are installed");
    v("toolkit", s.toolkit, "NVIDIA's container toolkit");
    v("context", s.context, "engine that the docker command talks to");
    v("no_cgroups", s.no_cgroups, "whether NVIDIA's hook leaves control groups alone");
    v("nvidia_runtime", s.nvidia_runtime, "whether the node's containerd knows NVIDIA's runtime");
    v("cdi", s.cdi, "driver version of the specifications for containers (CDI)");
  }
};

// A device as libcuda lists it.
struct CudaDevice {
  Fact<std::string> name;                // "NVIDIA GeForce RTX 4090"
  Fact<std::string> uuid;                // "GPU-46414b45-…", "MIG-…"
  Fact<std::string> pci_address;         // "0000:01:00.0"
  Fact<std::string> compute_capability;  // "8.9"
  Fact<std::string> total_memory;        // bytes: "25282281472"
  Fact<std::string> free_memory;         // bytes, before the program takes any
  Fact<std::string> compute_mode;        // "default", "exclusive-process", "prohibited"
  Fact<std::string> context;             // CUresult of creating a context on it: "0", "46"

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("name", s.name, "name that the driver gives");
    v("uuid", s.uuid, "UUID of the device");
    v("pci_address", s.pci_address, "PCI address that the driver gives");
    v("compute_capability", s.compute_capability, "compute capability that the driver gives");
    v("total_memory", s.total_memory, "device memory");
    v("free_memory", s.free_memory, "free device memory");
    v("compute_mode", s.compute_mode, "compute mode");
    v("context", s.context, "what creating a context returned");
  }
};

// A device as NVML lists it: by index, whatever CUDA_VISIBLE_DEVICES says.
struct NvmlDevice {
  Fact<std::string> name;                        // "NVIDIA A100-SXM4-40GB"
  Fact<std::string> uuid;                        // "GPU-…"
  Fact<std::string> pci_address;                 // "0000:01:00.0"
  Fact<std::string> compute_capability;          // "8.9"
  Fact<std::string> total_memory;                // bytes
  Fact<std::string> free_memory;                 // bytes
  Fact<std::string> compute_mode;                // "default", "exclusive-process", "prohibited"
  Fact<std::string> mig_mode;                    // "enabled", "disabled"; absent: the GPU has none
  Fact<std::vector<std::string>> mig_instances;  // UUIDs: "MIG-…"
  Fact<std::string> ecc_errors;                  // uncorrectable ones: "0", "3"; absent: the GPU has no ECC
  // "power-cap", "thermal", "hardware-slowdown", "power-brake"; empty: they are not
  Fact<std::vector<std::string>> throttle;
  Fact<std::string> virtualisation;  // "none", "passthrough", "vgpu", "host-vgpu"
  Fact<std::string> licence;         // "licensed", "unlicensed"; absent: needs none
  Fact<std::string> licence_ends;    // "2026-12-04 09:15", in UTC; absent: NVML tells no date
  Fact<std::string> fabric;          // "completed", "in-progress", "not-started"; absent: no fabric

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("name", s.name, "name that NVML gives");
    v("uuid", s.uuid, "UUID of the device");
    v("pci_address", s.pci_address, "PCI address that NVML gives");
    v("compute_capability", s.compute_capability, "compute capability that NVML gives");
    v("total_memory", s.total_memory, "device memory");
    v("free_memory", s.free_memory, "free device memory");
    v("compute_mode", s.compute_mode, "compute mode");
    v("mig_mode", s.mig_mode, "MIG mode");
    v("mig_instances", s.mig_instances, "MIG instances");
    v("ecc_errors", s.ecc_errors, "uncorrectable memory errors since the start");
    v("throttle", s.throttle, "why the clocks are reduced");
    v("virtualisation", s.virtualisation, "kind of virtualisation");
    v("licence", s.licence, "licence of the virtual GPU");
    v("licence_ends", s.licence_ends, "when the licence of the virtual GPU ends");
    v("fabric", s.fabric, "state of the NVLink fabric");
  }
};

// What the driver says when it is called: by our child process on the live machine, or as the log of a
// program reports it. Results are numbers as text: CUresult of libcuda ("100" is CUDA_ERROR_NO_DEVICE),
// nvmlReturn_t of NVML.
struct DriverAnswers {
  // false: it was not called (--no-driver-calls, --assume, no libcuda.so.1); the rest is unknown then
  Fact<bool> asked;
  Fact<std::string> library;              // file of libcuda.so.1
  Fact<std::string> open_failure;         // what dlopen said; absent: it was opened
  Fact<std::string> init;                 // "0", "100"
  Fact<std::vector<std::string>> hiding;  // set for the program: "CUDA_VISIBLE_DEVICES=-1"; empty: none
  // asked only where no device was found and a variable hides some; absent: not needed
  Fact<std::string> init_unhidden;
  Fact<std::string> count_unhidden;                 // "2"; absent: not asked
  Fact<std::string> version;                        // of cuDriverGetVersion: "12.8"
  Fact<std::string> count;                          // "0", "1"
  Fact<std::map<std::string, CudaDevice>> devices;  // by ordinal: "0"
  Fact<std::string> ended;     // "hang", "SIGSEGV", "exit 3", "garbage"; absent: every step came to its end
  Fact<std::string> ended_in;  // "cuInit"; absent: none
  Fact<std::string> nvml_open_failure;                   // what dlopen said; absent: it was opened
  Fact<std::string> nvml_init;                           // "0", "18"
  Fact<std::string> nvml_driver_version;                 // "570.86.15"
  Fact<std::map<std::string, NvmlDevice>> nvml_devices;  // by index: "0"
  // GPUs that NVML counts and cannot reach, by index: "1" -> "15" (NVML_ERROR_GPU_IS_LOST)
  Fact<std::map<std::string, std::string>> nvml_lost;
  Fact<std::string> nvml_ended;     // as `ended`, of the process that called NVML
  Fact<std::string> nvml_ended_in;  // "nvmlInit"; absent: none

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("asked", s.asked, "whether the driver was asked");
    v("library", s.library, "driver library that was called");
    v("open_failure", s.open_failure, "why the driver library could not be opened");
    v("init", s.init, "what cuInit returned");
    v("hiding", s.hiding, "variables that hide devices");
    v("init_unhidden", s.init_unhidden, "what cuInit returned without the variables that hide devices");
    v("count_unhidden", s.count_unhidden, "number of devices without the variables that hide devices");
    v("version", s.version, "newest CUDA of the driver");
    v("count", s.count, "number of devices");
    v("devices", s.devices, "devices that libcuda lists");
    v("ended", s.ended, "what ended the call of the driver");
    v("ended_in", s.ended_in, "step in which the call of the driver ended");
    v("nvml_open_failure", s.nvml_open_failure, "why NVML could not be opened");
    v("nvml_init", s.nvml_init, "what nvmlInit returned");
    v("nvml_driver_version", s.nvml_driver_version, "version of the driver that NVML tells");
    v("nvml_devices", s.nvml_devices, "devices that NVML lists");
    v("nvml_lost", s.nvml_lost, "devices that NVML cannot reach");
    v("nvml_ended", s.nvml_ended, "what ended the call of NVML");
    v("nvml_ended_in", s.nvml_ended_in, "step in which the call of NVML ended");
  }
};

// A process that holds device memory or has a device node open.
struct MemoryHolder {
  Fact<std::string> command;               // "python3 train.py"; absent: no such process is to be seen here
  Fact<std::string> user;                  // "ada", "1000"
  Fact<std::string> memory;                // bytes
  Fact<std::vector<std::string>> devices;  // PCI addresses, or nodes: "/dev/nvidia0"
  Fact<bool> listed;                       // nvidia-smi shows it
  Fact<std::string> container;             // engine of its container, "docker"; absent: in none

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("command", s.command, "command of the process");
    v("user", s.user, "user of the process");
    v("memory", s.memory, "device memory that the process holds");
    v("devices", s.devices, "devices of the process");
    v("listed", s.listed, "whether NVML lists the process");
    v("container", s.container, "container of the process");
  }
};

// Who holds device memory; asked only where too little is free, or told by a log.
struct DeviceMemory {
  Fact<std::map<std::string, MemoryHolder>> holders;  // by process number: "4711"
  Fact<bool> other_users;                             // some processes could not be looked at

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("holders", s.holders, "processes that hold the GPU");
    v("other_users", s.other_users, "whether processes of other users could not be looked at");
  }
};

// --- what changed
// -----------------------------------------------------------------------------------------------------

// A package that was installed, replaced or removed.
struct PackageChange {
  Fact<std::string> package;  // "nvidia-driver-570"
  Fact<std::string> before;   // its version; absent: it was not installed
  Fact<std::string> after;    // its version; absent: it was removed; unknown: the log does not tell

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("package", s.package, "package");
    v("before", s.before, "version before the change");
    v("after", s.after, "version after the change");
  }
};

// Read only where a cause was found.
struct History {
  Fact<std::string> booted;  // when this system started: "2026-11-25 08:12", local time as in packages' logs
  // What bears on the GPU, by time and package: "2026-11-25 06:33:10 nvidia-driver-570". Only the newest.
  Fact<std::map<std::string, PackageChange>> changes;

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("booted", s.booted, "when the machine was started");
    v("changes", s.changes, "packages that changed");
  }
};

// --- what a program printed, and what somebody states
// -----------------------------------------------------------------------------------------------------

// A message that a log holds, by the last line that prints it.
struct SeenMessage {
  Fact<std::string> text;  // the line, "failed call to cuInit: CUDA_ERROR_NO_DEVICE: …"
  Fact<std::map<std::string, std::vector<std::string>>>
      fields;  // what stood in the holes, in the order of the lines: "library" -> "libcudnn.so.8", …

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("text", s.text, "line of the log");
    v("fields", s.fields, "what the message names");
  }
};

struct Log {
  Fact<std::map<std::string, SeenMessage>> seen;  // by the message's id in our data; absent: there is no log
  Fact<bool> alone;           // nobody looked at the machine: what is not in the log is not known
  Fact<bool> covers_start;    // the log shows TensorFlow starting with its GPUs: silence would mean something
  Fact<bool> gpu_registered;  // TensorFlow listed or created a GPU device
  Fact<std::map<std::string, std::string>> stated;  // what somebody states: "os" -> "Windows 10"
  Fact<std::string> unread;  // of a short log: lines in which no message stands; absent: none, or a long log

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("seen", s.seen, "messages in the log");
    v("alone", s.alone, "whether the log is the only witness");
    v("covers_start", s.covers_start, "whether the log shows TensorFlow's start");
    v("gpu_registered", s.gpu_registered, "whether TensorFlow took a GPU");
    v("stated", s.stated, "what is stated");
    v("unread", s.unread, "lines of the log that nothing recognises");
  }
};

// --- the running process that is judged, if it is one
// --------------------------------------------------------------------------------------

struct RunningProcess {
  Fact<std::string> pid;      // "4711"; absent: no running process is judged
  Fact<std::string> command;  // "python3 train.py"
  // libraries of the driver, of CUDA and of TensorFlow that it has mapped
  Fact<std::vector<std::string>> mapped;
  // "libcudart.so.12: it has mapped /a/libcudart.so.12; a new process would take /b/libcudart.so.12"
  Fact<std::vector<std::string>> differences;

  template <class Self, class V>
  static void Describe(Self& s, V&& v) {
    v("pid", s.pid, "number of the running process");
    v("command", s.command, "command of the running process");
    v("mapped", s.mapped, "libraries that the running process has mapped");
    v("differences", s.differences, "libraries that a new process would take from elsewhere");
  }
};

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
  KernelLog kernel_log;
  ContainerEngine container_engine;
  DriverAnswers driver_answers;
  DeviceMemory device_memory;
  History history;
  Program program;
  Project project;
  Log log;
  RunningProcess process;

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
    v("kernel_log", s.kernel_log, "the kernel log");
    v("container_engine", s.container_engine, "the container engine");
    v("driver_answers", s.driver_answers, "what the driver answers");
    v("device_memory", s.device_memory, "who holds device memory");
    v("history", s.history, "what changed");
    v("program", s.program, "the program");
    v("project", s.project, "the project");
    v("log", s.log, "the log");
    v("process", s.process, "the running process");
  }
};

}  // namespace tfdoctor
