#include "main/output.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "base/text.h"
#include "render/terminal.h"

namespace tfdoctor {

void Complain(const std::string& message) {
  const std::string line = "tfdoctor: " + message + "\n";
  // Nobody is left to tell when this fails.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

int WriteOut(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EPIPE) {
      return 0;
    } else if (errno == EAGAIN) {  // somebody made the terminal or pipe non-blocking
      pollfd out = {STDOUT_FILENO, POLLOUT, 0};
      ::poll(&out, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

int Finish(std::string_view text, int status) {
  const int error = WriteOut(text);
  if (error == 0) return status;
  Complain(fmt::format("cannot write the answer: {}", std::strerror(error)));
  return kCouldNotTell;
}

int EndEarly(const EarlyEnd& end) {
  if (!end.usage_error) return Finish(end.text, 0);
  Complain(Printable(end.text) + "\nTry: tfdoctor --help");
  return kUsageError;
}

namespace {

std::string_view Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

bool Utf8Locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {  // the first that is set decides
    if (Variable(name).empty()) continue;
    const std::string locale = Lower(Variable(name));
    return locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos;
  }
  return false;
}

}  // namespace

TextOptions TextOptionsFor(const Arguments& arguments) {
  TextOptions options;
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  options.verbose = arguments.verbose;
  options.unicode = Utf8Locale();
  options.color = arguments.color == "always" || (arguments.color == "auto" && terminal &&
                                                  Variable("NO_COLOR").empty() && Variable("TERM") != "dumb");
  winsize size = {};
  if (arguments.width > 0) {
    options.width = arguments.width;
  } else if (terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    options.width = std::clamp<size_t>(size.ws_col, kNarrowest, kWidest);
  }
  return options;
}

std::function<void(const std::string&)> ProgressLine() {
  if (::isatty(STDERR_FILENO) != 1) return {};
  return [start = std::chrono::steady_clock::now(), last = std::string()](const std::string& text) mutable {
    if (std::chrono::steady_clock::now() - start < std::chrono::seconds(1) || text == last) return;
    last = text;
    const std::string line = "\r" + text + "\x1b[K";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  };
}
void EndProgressLine() {
  constexpr std::string_view kErase = "\r\x1b[K";
  if (::isatty(STDERR_FILENO) != 1) return;
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kErase.data(), kErase.size());
}

}  // namespace tfdoctor
