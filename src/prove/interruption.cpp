#include "prove/interruption.h"

#include <unistd.h>

#include <iterator>

namespace tfdoctor {

namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
volatile std::sig_atomic_t noted = 0;

}  // namespace

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
