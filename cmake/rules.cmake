# The table of rules comes from the folder: every src/rules/<link>/<cause>.cpp defines `rule` in a namespace named after
# the file. No list to keep. With names that no other file has, many of them are compiled as one.
file(GLOB rule_files CONFIGURE_DEPENDS src/rules/*/*.cpp)
file(GLOB rules_support CONFIGURE_DEPENDS src/rules/*.cpp)
set(declarations "")
set(entries "")
foreach(file ${rule_files})
  get_filename_component(name ${file} NAME_WE)
  string(REPLACE "-" "_" symbol ${name})
  string(APPEND declarations "namespace ${symbol} {\nextern const Rule rule;\n}\n")
  string(APPEND entries "    &${symbol}::rule,\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/all_rules.cpp CONTENT
"// Made by cmake/rules.cmake from the files under src/rules/.
#include \"rules/all.h\"

namespace tfdoctor {

@declarations@
std::span<const Rule* const> AllRules() {
  static constexpr const Rule* kAll[] = {
@entries@  };
  return kAll;
}

}  // namespace tfdoctor
" @ONLY)
set(rules_support ${rules_support} ${CMAKE_BINARY_DIR}/generated/all_rules.cpp)
set_source_files_properties(${rules_support} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
set(tfdoctor_rules_sources ${rule_files} ${rules_support})
