// Everything that src/python/ reads from files, on arbitrary bytes: the first byte chooses the parser.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "python/distributions.h"
#include "python/environment.h"
#include "python/path.h"
#include "python/requirement.h"
#include "python/version.h"

using namespace tfdoctor;

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void FuzzVersion(std::string_view text) {
  Result<Version> version = Version::Parse(text);
  if (!version) return;
  Result<Version> again = Version::Parse(version->Text());
  Require(again.ok() && *again == *version);
}

void FuzzSpecifiers(std::string_view text) {
  Result<SpecifierSet> set = SpecifierSet::Parse(text);
  if (!set) return;
  for (const char* version : {"1.0", "2.15.0+x", "1!2.0rc1.post2.dev3"}) {
    Require(!set->Contains(std::string_view(version), false) ||
            set->Contains(std::string_view(version), true));
  }
}

void FuzzRequirement(std::string_view text) {
  Result<Requirement> requirement = Requirement::Parse(text);
  if (requirement) (void)requirement->Applies({{"python_version", "3.11"}}, "x");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 9) {
    case 0:
      (void)VenvConfig::Parse(text);
      break;
    case 1:
      for (const PthLine& line : ParsePth(text, size % 2 == 0).lines) (void)RecognisePthCode(line.text);
      break;
    case 2:
      (void)ParseEditableFinder(text);
      break;
    case 3:
      (void)RequirementsOf(Metadata::Parse(text), {{"python_version", "3.11"}}, "and-cuda");
      break;
    case 4:
      (void)ParseRecordLine(text);
      break;
    case 5:
      FuzzVersion(text);
      break;
    case 6:
      FuzzSpecifiers(text);
      break;
    case 7:
      FuzzRequirement(text);
      break;
    default:
      Require(NormPath(NormPath(text)) == NormPath(text));
  }
  return 0;
}
