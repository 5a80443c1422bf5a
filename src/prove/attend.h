// What a person sees and does while the experiments run: one line on the terminal, and Ctrl-C.
#pragma once

#include <csignal>
#include <string>

namespace tfdoctor {

// One line of standard error that is written over; nothing where that is no terminal.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine() { Clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  void Show(const std::string& text);
  void Clear();

 private:
  bool terminal_;
  std::string shown_;
};

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
