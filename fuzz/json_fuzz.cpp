// Any bytes as the JSON that is read: facts (first byte even) and listings of wheels (odd).
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "elf/synth.h"
#include "facts/json.h"
#include "plan/wheel_listing.h"

using namespace tfdoctor;

namespace {

void FuzzFacts(std::string_view text) {
  const auto json = nlohmann::ordered_json::parse(text, nullptr, false);
  if (json.is_discarded()) return;
  Result<Facts> facts = FactsFromJson(json);
  if (!facts) return;
  Result<Facts> again = FactsFromJson(ToJson(*facts));
  if (!again.ok() || ToJson(*again) != ToJson(*facts)) std::abort();
}

void FuzzListing(std::string_view text) {
  Result<WheelListing> listing = ReadWheelListing(text);
  if (!listing) return;
  for (const ListedLibrary& library : listing->libraries) (void)elf::WriteObject(library.blueprint);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  data[0] % 2 == 0 ? FuzzFacts(text) : FuzzListing(text);
  return 0;
}
