// The options of check that say what is judged, as the command line and recordings have them.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "probes/probes.h"

namespace tfdoctor {

namespace {

Error Wrong(std::string message) { return {ErrorKind::kMalformed, std::move(message)}; }

bool IsDriverVersion(std::string_view text) {
  const std::vector<std::string> parts = Split(text, '.');
  return parts.size() <= 3 && parts.front().size() >= 2 &&
         std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
           return !part.empty() && part.size() <= 4 &&
                  part.find_first_not_of("0123456789") == std::string::npos;
         });
}

// "gpu=H100,gpu=8.9,driver=570.124.06"
Result<bool> TakeAssumption(const std::string& text, const Knowledge& knowledge, Question& question) {
  constexpr std::string_view kForm =
      "; right is gpu=NAME|CC[,driver=VERSION], as in gpu=H100,driver=570.124.06";
  for (const std::string& part : Split(text, ',')) {
    const size_t equals = part.find('=');
    const std::string key(Trim(part.substr(0, equals)));
    const std::string value(equals == std::string::npos ? "" : Trim(part.substr(equals + 1)));
    if (value.empty()) return Wrong(fmt::format("--assume: '{}' has no value{}", part, kForm));
    if (key == "gpu") {
      Result<GpuModel> gpu = knowledge.FindGpuByName(value);
      if (!gpu) return Wrong(fmt::format("--assume gpu={}: {}", value, gpu.error().message));
      question.assumed_gpus.push_back(*gpu);
    } else if (key == "driver") {
      if (!question.assumed_driver.empty()) return Wrong("--assume: driver= may be given once");
      if (!IsDriverVersion(value)) {
        return Wrong(fmt::format("--assume: '{}' is not a driver version such as 570.124.06", value));
      }
      question.assumed_driver = value;
    } else {
      return Wrong(fmt::format("--assume: '{}' is neither gpu nor driver{}", key, kForm));
    }
  }
  if (question.assumed_gpus.empty()) return Wrong(fmt::format("--assume: which GPU?{}", kForm));
  return true;
}

// "-I", "-Es", "-P -s": only what bears on sys.path is understood; other options of python change nothing
// here.
Result<bool> TakeFlags(const std::string& text, Question& question) {
  for (std::string_view word : SplitWords(text)) {
    constexpr std::string_view kKnown = "IEPsSuBbdOqv";
    if (word.size() < 2 || word[0] != '-' || word.find_first_not_of(kKnown, 1) != std::string_view::npos)
      return Wrong(
          fmt::format("--python-flags: '{}' is not understood; right is -I, -E, -P, -s or -S", word));
    question.python_flags += word.substr(1);
  }
  return true;
}

}  // namespace

Result<bool> TakeOption(const std::string& option, const std::string& value, const Knowledge& knowledge,
                        Question& question) {
  if (option == "assume") return TakeAssumption(value, knowledge, question);
  if (option == "python-flags") return TakeFlags(value, question);
  if (option == "python") question.python = value;
  if (option == "script") question.script = value;
  if (option == "pid") question.process = value;
  if (option == "command") question.process_command = value;
  if (option == "python-doubt") question.python_doubt = value;
  if (option == "no-driver-calls") question.driver_calls = false;
  return true;
}

}  // namespace tfdoctor
