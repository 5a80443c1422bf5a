// The command: arguments in, one answer out. All judgement is elsewhere; in this folder things are only
// wired.
#include <fmt/format.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "base/text.h"
#include "command/arguments.h"
#include "driver/child.h"
#include "main/commands.h"
#include "main/output.h"
#include "render/json.h"
#include "render/pages.h"
#include "rules/all.h"
#include "tensorflow/child.h"

namespace tfdoctor {
namespace {

int Run(int argc, char** argv, Arguments& arguments, const Clock& clock) {
  if (auto end = Parse(argc, argv, arguments)) return EndEarly(*end);
  switch (arguments.action) {
    case Action::kExplain:
      return Explain(arguments, clock);
    case Action::kProve:
      return ProveIt(arguments, clock);
    case Action::kCauses:
      return Finish(arguments.json() ? RenderCausesJson(AllRules())
                                     : RenderCauses(AllRules(), TextOptionsFor(arguments)),
                    0);
    case Action::kRecord:
      return Record(arguments, clock);
    case Action::kDiff:
      return Diff(arguments);
    case Action::kCheck:
      break;
  }
  if (arguments.list_processes) return ListProcesses(arguments);
  return arguments.all ? CheckAll(arguments, clock) : Check(arguments, clock);
}

int Main(int argc, char** argv) {
  // Else a reader that leaves early kills us before the exit status says the verdict.
  std::signal(SIGPIPE, SIG_IGN);
  const Clock clock;
  Arguments arguments;
  std::string failure;
  try {
    return Run(argc, argv, arguments, clock);
  } catch (const std::exception& error) {
    failure = fmt::format("internal error: {}", Printable(error.what()));
  } catch (...) {
    failure = "internal error";
  }
  Complain(failure + "; this is a fault of tfdoctor, please report it with what \"tfdoctor --version\" says");
  if (arguments.json()) return Finish(RenderFailureJson(failure, clock.Info()), kCouldNotTell);
  return kCouldNotTell;
}

// A check lasts some milliseconds, and fetches some two megabytes page by page: more than any system call,
// that is what it waits for. They are fetched at once, and what malloc would give back is kept.
void PrepareMemory() {
#ifdef __GLIBC__
  constexpr size_t kWorth = 2 << 20;
  ::mallopt(M_TRIM_THRESHOLD, 8 << 20);
  ::mallopt(M_TOP_PAD, kWorth);
  constexpr uintptr_t kPage = 4096;
  char* const heap_end = static_cast<char*>(::sbrk(0));
  char* const start = heap_end + (kPage - reinterpret_cast<uintptr_t>(heap_end) % kPage) % kPage;
  // More than what is left of the heap, less than what malloc maps by itself.
  constexpr size_t kSome = 127 << 10;
  void* volatile some = ::malloc(kSome);
  void* volatile more = ::malloc(kSome);
  char* const end = static_cast<char*>(::sbrk(0));
  ::free(more);
  ::free(some);
#ifdef MADV_POPULATE_WRITE
  // Where the kernel does not know it, or has little memory, all goes on as ever.
  if (end > start) ::madvise(start, std::min(static_cast<size_t>(end - start), kWorth), MADV_POPULATE_WRITE);
#endif
#endif
}

}  // namespace
}  // namespace tfdoctor

int main(int argc, char** argv) {
  // We ourselves, started once more to call the driver or TensorFlow: nothing else is to run in that process.
  if (argc > 1 && std::string_view(argv[1]) == tfdoctor::kDriverChild)
    return tfdoctor::DriverChildMain(argc, argv);
  if (argc > 1 && std::string_view(argv[1]) == tfdoctor::kProveChild)
    return tfdoctor::ProveChildMain(argc, argv);
  tfdoctor::PrepareMemory();
  return tfdoctor::Main(argc, argv);
}
