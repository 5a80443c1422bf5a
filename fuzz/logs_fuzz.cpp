// Any bytes as a log (first byte even: whole, else cut into pieces) or as statements, judged to the end.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.h"
#include "diagnose/diagnose.h"
#include "knowledge/knowledge.h"
#include "logs/decode.h"
#include "logs/errors.h"
#include "logs/facts.h"
#include "logs/read.h"
#include "logs/statements.h"
#include "logs/template.h"
#include "rules/all.h"

using namespace tfdoctor;

namespace {

void Judge(const LogReading& reading, const Statements& statements) {
  Facts facts;
  AddLog(reading, statements, BuiltInKnowledge(), true, facts);
  const Diagnosis diagnosis = Diagnose(facts, BuiltInKnowledge(), AllRules());
  double sum = diagnosis.other_likelihood;
  for (const Finding& finding : diagnosis.causes) sum += finding.holds ? 0 : finding.likelihood;
  if (sum > 1.0001) std::abort();
}

void FuzzPieces(std::string_view bytes) {
  LogReader reader(BuiltInKnowledge());
  Decoder decoder([&](std::string_view text) {
    reader.Feed(text);
    return true;
  });
  for (size_t at = 0; at < bytes.size(); at += 7) decoder.Feed(bytes.substr(at, 7));
  decoder.End();
  Judge(reader.Finish(), {});
}

void FuzzTemplate(std::string_view bytes) {
  const size_t cut = bytes.find('\n');
  if (cut == bytes.npos) return;
  const Template text(bytes.substr(0, cut));
  if (text.anchor().size() > bytes.size()) std::abort();
  (void)text.Match(bytes.substr(cut + 1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0: {
      LogReading reading = ReadLog(bytes, BuiltInKnowledge());
      reading.own_words = bytes;
      Judge(reading, {});
      break;
    }
    case 1:
      FuzzPieces(bytes);
      break;
    case 2:
      if (Result<Statements> statements = ReadStatements(bytes)) Judge(LogReading(), *statements);
      break;
    default:
      FuzzTemplate(bytes);
      (void)FindErrors(bytes, BuiltInKnowledge());
  }
  return 0;
}
