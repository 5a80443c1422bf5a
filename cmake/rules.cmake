# The table of rules comes from the folder: every src/rules/<link>/<cause>.cpp defines one constant, named after the
# file. No list to keep.
file(GLOB rule_files CONFIGURE_DEPENDS src/rules/*/*.cpp)
file(GLOB rules_support CONFIGURE_DEPENDS src/rules/*.cpp)
set(declarations "")
set(entries "")
foreach(file ${rule_files})
  get_filename_component(name ${file} NAME_WE)
  string(REPLACE "-" "_" symbol ${name})
  string(APPEND declarations "extern const Rule ${symbol};\n")
  string(APPEND entries "    &rules::${symbol},\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/all_rules.cpp CONTENT
"// Made by cmake/rules.cmake from the files under src/rules/.
#include \"rules/all.h\"

namespace tfdoctor {
namespace rules {
@declarations@}  // namespace rules

std::span<const Rule* const> AllRules() {
  static constexpr const Rule* kAll[] = {
@entries@  };
  return kAll;
}

}  // namespace tfdoctor
" @ONLY)
set(tfdoctor_rules_sources ${rule_files} ${rules_support} ${CMAKE_BINARY_DIR}/generated/all_rules.cpp)
