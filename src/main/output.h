// What the command writes: the answer to stdout, all else to stderr, and how the terminal there is.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "command/arguments.h"
#include "render/text.h"

namespace tfdoctor {

constexpr int kUsageError = 2;
constexpr int kCouldNotTell = 3;

// One line, "tfdoctor: …".
void Complain(const std::string& message);
// The number of the system's error; 0 when all was written. A reader that has left (`tfdoctor | head`) is no
// error.
int WriteOut(std::string_view text);
// The answer; gives the exit status, which is another one where it cannot be written.
int Finish(std::string_view text, int status);
int EndEarly(const EarlyEnd& end);

// Width, colour and characters of the terminal, as far as nothing else is asked for.
TextOptions TextOptionsFor(const Arguments& arguments);

// On a terminal, what is being done after the first second; one line that is written over. Elsewhere empty.
std::function<void(const std::string&)> ProgressLine();
void EndProgressLine();

}  // namespace tfdoctor
