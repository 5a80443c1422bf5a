#include "prove/attend.h"

#include <unistd.h>

#include <cstdlib>
#include <iterator>
#include <string_view>

namespace tfdoctor {

namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
volatile std::sig_atomic_t noted = 0;

void Write(std::string_view text) {
  // Nobody is left to tell when this fails.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

ProgressLine::ProgressLine() {
  const char* kind = std::getenv("TERM");
  terminal_ = ::isatty(STDERR_FILENO) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
}

void ProgressLine::Show(const std::string& text) {
  if (!terminal_ || text == shown_) return;
  Write("\r\x1b[K" + text);
  shown_ = text;
}

void ProgressLine::Clear() {
  if (!shown_.empty()) Write("\r\x1b[K");
  shown_.clear();
}

Interruption::Interruption() {
  noted = 0;
  struct sigaction action = {};
  action.sa_handler = [](int signal) { noted = signal; };
  for (size_t i = 0; i < std::size(kSignals); i++) ::sigaction(kSignals[i], &action, &before_[i]);
}

Interruption::~Interruption() {
  for (size_t i = 0; i < std::size(kSignals); i++) ::sigaction(kSignals[i], &before_[i], nullptr);
}

bool Interruption::Asked() { return noted != 0; }

void Interruption::End() {
  const int signal = noted == 0 ? SIGINT : noted;
  ::signal(signal, SIG_DFL);
  ::raise(signal);
  constexpr int kBySignal = 128;  // as a shell tells it
  ::_exit(kBySignal + signal);
}

}  // namespace tfdoctor
