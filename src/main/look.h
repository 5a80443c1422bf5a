// What the commands share: which machine is judged, what is asked about it, and the data to judge it by.
#pragma once

#include <unistd.h>

#include <chrono>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "command/arguments.h"
#include "diagnose/diagnosis.h"
#include "knowledge/knowledge.h"
#include "probes/probes.h"
#include "render/json.h"
#include "source/source.h"
#include "system/caching.h"
#include "system/recording.h"
#include "system/system.h"

namespace tfdoctor {

class Clock {
 public:
  // As the logs of packages have it: "2026-11-26 09:00"; with "%z" its zone, "+0100".
  std::string LocalTime(const char* form = "%Y-%m-%d %H:%M") const {
    const std::time_t started = std::chrono::system_clock::to_time_t(started_);
    std::tm local = {};
    ::localtime_r(&started, &local);
    char text[32] = "";
    std::strftime(text, sizeof text, form, &local);
    return text;
  }
  RunInfo Info() const {
    using std::chrono::steady_clock;
    const std::time_t started = std::chrono::system_clock::to_time_t(started_);
    std::tm utc = {};
    ::gmtime_r(&started, &utc);
    char text[32] = "";
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    const std::chrono::duration<double, std::milli> elapsed = steady_clock::now() - start_;
    return {TFDOCTOR_VERSION, text, elapsed.count(), ::getpid(), 0};
  }

 private:
  std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// What changed on this machine before the cause that was found. It is asked only where something is wrong.
void TellWhatChanged(const CachingSystem& machine, const std::string& now, Probing& present,
                     Diagnosis& diagnosis);

// All that check finds: the causes, the repairs that were tried, what changed.
Diagnosis Judged(const CachingSystem& machine, const Knowledge& knowledge, const std::string& now,
                 Probing& present);

// What a recording keeps of the question, by name.
inline constexpr std::pair<const char*, std::string Arguments::*> kOfQuestion[] = {
    {"python", &Arguments::python},
    {"script", &Arguments::script},
    {"python-flags", &Arguments::python_flags},
    {"assume", &Arguments::assume},
    {"pid", &Arguments::process},
    {"command", &Arguments::process_command},
    {"python-doubt", &Arguments::python_doubt},
};

class Look {
 public:
  // What ends the command before it looked.
  std::optional<EarlyEnd> Open(Arguments& arguments, Recording* recording = nullptr);

  // Takes what the options say of the question; what ends the command: one of them cannot be right. Of an
  // image only what was asked for is read, so this asks until all answers are there.
  std::optional<EarlyEnd> Ask(const Arguments& arguments, Question& question);

  std::string LocalTime(const Clock& clock) const {
    return source_.local_time.empty() ? clock.LocalTime() : source_.local_time;
  }
  const System& live() const { return *live_; }  // where the files lie that options name
  const System& source() const { return *source_.system; }
  const CachingSystem& machine() const { return *machine_; }
  const Knowledge& knowledge() const { return with_file_ ? *with_file_ : BuiltInKnowledge(); }
  const std::string& name() const { return source_.name; }

 private:
  const std::unique_ptr<System> live_ = LiveSystem();
  Source source_;
  std::unique_ptr<RecordingSystem> recorder_;
  std::unique_ptr<CachingSystem> machine_;
  std::unique_ptr<Knowledge> with_file_;  // --data
};

}  // namespace tfdoctor
