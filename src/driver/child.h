// The other side of System::RunChildren(): a process that opens the driver's libraries and calls them, so
// that a driver that crashes, hangs or ends the process ends only this one. It judges nothing. What it learns
// it writes to descriptor 3, a line for each step, in the words of src/probes/driver.cpp:
//
//   call cuInit                      the step begins; what it ended in is told so
//   done cuInit 999                  and what it returned
//   failed dlopen TEXT               what the dynamic loader said
//   device 0 name NVIDIA A100        of CUDA's device 0
//   nvml 0 uuid GPU-…                of NVML's device 0
//   nvml-failed 0 mig_mode 3         what asking for it returned
//   nvml-lost 1 15                   what asking for the device itself returned
//   process 0 4711 1073741824        holds so many bytes on NVML's device 0
//   refused /dev/nvidia-uvm EPERM    what open() said of a device node
//   end                              every step came to its end
#pragma once

namespace tfdoctor {

// The hidden first argument that makes tfdoctor this child: `tfdoctor driver-child cuda|nvml FILE`.
constexpr const char* kDriverChild = "driver-child";

// Never returns into what called main(): the driver may have left anything in this process.
int DriverChildMain(int argc, char** argv);

}  // namespace tfdoctor
