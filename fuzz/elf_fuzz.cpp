// Any bytes as a library, as the program, as its loader: no crash, no hang.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "elf/loader.h"
#include "elf/object.h"
#include "elf/synth.h"
#include "system/overlay.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tfdoctor;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  static const std::unique_ptr<System> kNothing = EmptySystem();
  static const std::string kLoader = elf::WriteObject({.soname = "ld.so"}) +
                                     "GLIBC_2.4 release version 2.36." +
                                     std::string("\0/lib/\0/usr/lib/\0", 16);
  static const std::string kProgram = elf::WriteObject({.needed = {"libx.so"}, .interpreter = "/ld.so"});

  OverlaySystem system(*kNothing);
  system.SetMachine("x86_64", 3);
  system.SetWorkingDirectory("/");
  system.AddFile("/ld.so", kLoader);
  system.AddFile("/lib/libx.so", elf::WriteObject({.soname = "libx.so", .exports = {{"x", "X", "1234"}}}));
  system.AddFile("/lib/fuzz.so", bytes);
  system.AddFile("/program", kProgram);
  system.AddFile("/fuzz", bytes);

  (void)elf::ReadObject(system, "/fuzz");
  (void)elf::UndefinedSymbols(system, "/fuzz");
  (void)elf::SymbolBytes(system, "/fuzz", "x", 16);
  if (Result<elf::Process> process = elf::Process::Start(system, "/program"); process.ok()) {
    (void)process->Open("fuzz.so");
    (void)process->Open("libx.so", "/lib/fuzz.so");
    (void)process->AlsoOnPath("fuzz.so");
  }
  (void)elf::Process::Start(system, "/fuzz");
  return 0;
}
