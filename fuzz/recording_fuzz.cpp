// Any bytes as a recording, packed or not; what can be read is judged.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "diagnose/diagnose.h"
#include "probes/probes.h"
#include "redaction/redaction.h"
#include "rules/all.h"
#include "system/caching.h"
#include "system/recording.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tfdoctor;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Result<Recording> recording = UnpackRecording(bytes);
  if (!recording.ok()) recording = ParseRecording(bytes);
  if (!recording.ok()) return 0;
  // What can be read can be written, and is read as the same.
  const std::string packed = PackRecording(*recording);
  Result<Recording> again = UnpackRecording(packed);
  if (!again.ok() || PackRecording(*again) != packed) __builtin_trap();
  const ReplaySystem replay(*recording);
  const CachingSystem machine(replay);
  Question question;
  for (const auto& [option, value] : recording->question) {
    if (option == "python") question.python = value;
    if (option == "script") question.script = value;
  }
  (void)Diagnose(ProbeAll(machine, BuiltInKnowledge(), question), BuiltInKnowledge(), AllRules());
  Redactor redactor(replay);
  redactor.Redact(*recording);
  return 0;
}
