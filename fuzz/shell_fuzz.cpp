// Any bytes as the text that a container's shell gets.
#include <cstddef>
#include <cstdint>
#include <string>

#include "system/overlay.h"
#include "system/start_command.h"

using namespace tfdoctor;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto empty = EmptySystem();
  OverlaySystem machine(*empty);
  machine.AddFile("/usr/bin/python3",
                  "\x7f"
                  "ELF",
                  0755);
  machine.AddFile("/usr/bin/serve", "#!/usr/bin/env python3\n", 0755);
  machine.SetEnv("PATH", "/usr/bin");
  const std::string text(reinterpret_cast<const char*>(data), size);
  const StartedPython started = ReadStartCommand(machine, {"sh", "-c", text}, [&](const std::string& path) {
    return machine.Read(path, 0, 512).value_or("");
  });
  // What was not understood names no Python.
  if (!started.understood && !started.python.empty()) __builtin_trap();
  return 0;
}
