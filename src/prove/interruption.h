// Ctrl-C while the experiments run.
#pragma once

#include <csignal>

namespace tfdoctor {

// While it lives, SIGINT, SIGTERM and SIGHUP are noted instead of ending this process. At most one at a time.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  static bool Asked();
  // Ends this process by the signal that was noted, as its parent expects; call it when all is cleaned up.
  [[noreturn]] static void End();

 private:
  struct sigaction before_[3];
};

}  // namespace tfdoctor
