#include "fakes/faults.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace fakes {
namespace {

// The value of `name` in "name=value,name=value", nullptr if it has none. It ends at a comma or at the end.
const char* Find(const char* list, const char* name) {
  const size_t length = strlen(name);
  for (const char* entry = list; entry != nullptr;) {
    if (strncmp(entry, name, length) == 0 && entry[length] == '=') return entry + length + 1;
    entry = strchr(entry, ',');
    if (entry != nullptr) ++entry;
  }
  return nullptr;
}

bool Says(const char* value, const char* word) { return strncmp(value, word, strlen(word)) == 0; }

void Trace(const char* function) {
  const char* path = getenv("FAKE_GPU_TRACE");
  if (path == nullptr) return;
  FILE* file = fopen(path, "a");
  if (file == nullptr) return;
  fprintf(file, "%d %s\n", getpid(), function);
  fclose(file);
}

}  // namespace

long Number(const char* variable, long otherwise) {
  const char* value = getenv(variable);
  return value != nullptr && *value != '\0' ? strtol(value, nullptr, 0) : otherwise;
}

const char* Text(const char* variable, const char* otherwise) {
  const char* value = getenv(variable);
  return value != nullptr ? value : otherwise;
}

int GpuCount() {
  const long count = Number("FAKE_GPU_COUNT", 1);
  return count < 0 ? 0 : count > 16 ? 16 : static_cast<int>(count);
}

void ComputeCapability(int* major, int* minor) {
  if (sscanf(Text("FAKE_GPU_CC", "8.9"), "%d.%d", major, minor) == 2) return;
  *major = 8;
  *minor = 9;
}

unsigned long long TotalMemory() {
  return static_cast<unsigned long long>(Number("FAKE_GPU_MEMORY_MB", 8192)) << 20;
}

unsigned long long FreeMemory() {
  const long total = Number("FAKE_GPU_MEMORY_MB", 8192);
  const long otherwise = total > 200 ? total - 200 : 0;
  return static_cast<unsigned long long>(Number("FAKE_GPU_FREE_MB", otherwise)) << 20;
}

int Fault(const char* function) {
  Trace(function);
  const char* fault = Find(getenv("FAKE_GPU_FAULTS"), function);
  if (fault == nullptr) return 0;
  if (Says(fault, "hang")) {
    for (;;) pause();
  }
  if (Says(fault, "crash")) {
    // Python and TensorFlow may have installed handlers of their own; a driver that crashes is not to be
    // caught.
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
  }
  if (Says(fault, "abort")) {
    fprintf(stderr, "F fake.cc:1] Check failed: %s is told to abort\n", function);
    signal(SIGABRT, SIG_DFL);
    raise(SIGABRT);
  }
  if (Says(fault, "flood")) {
    for (;;) fprintf(stderr, "W fake.cc:2] %s is told to print without end\n", function);
  }
  if (Says(fault, "eat")) {
    for (;;) {
      constexpr size_t kPiece = 16 << 20;
      // Nobody reads it: a compiler may leave out what is not volatile.
      auto* volatile piece = static_cast<volatile char*>(malloc(kPiece));
      for (size_t i = 0; piece != nullptr && i < kPiece; i += 4096) piece[i] = 1;
      usleep(5000);
    }
  }
  if (Says(fault, "exit")) _exit(3);
  return atoi(fault);
}

}  // namespace fakes
