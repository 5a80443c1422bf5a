# The table of rules comes from the folder: every src/rules/<link>/<cause>.cpp defines one constant, named after the
# file. No list to keep.
file(GLOB rule_files CONFIGURE_DEPENDS src/rules/*/*.cpp)
list(FILTER rule_files EXCLUDE REGEX "/src/rules/logs/")
# What logs show, by link: src/rules/logs/<link>.cpp defines kLog_<link>, a table of its causes.
file(GLOB log_rule_files CONFIGURE_DEPENDS src/rules/logs/*.cpp)
file(GLOB rules_support CONFIGURE_DEPENDS src/rules/*.cpp)
set(declarations "")
set(entries "")
foreach(file ${rule_files})
  get_filename_component(name ${file} NAME_WE)
  string(REPLACE "-" "_" symbol ${name})
  string(APPEND declarations "extern const Rule ${symbol};\n")
  string(APPEND entries "    &rules::${symbol},\n")
endforeach()
set(log_declarations "")
set(log_entries "")
foreach(file ${log_rule_files})
  get_filename_component(name ${file} NAME_WE)
  string(REPLACE "-" "_" symbol ${name})
  string(APPEND log_declarations "extern const std::span<const LogRule> kLog_${symbol};\n")
  string(APPEND log_entries "    all.insert(all.end(), rules::kLog_${symbol}.begin(), rules::kLog_${symbol}.end());\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/all_rules.cpp CONTENT
"// Made by cmake/rules.cmake from the files under src/rules/.
#include \"rules/all.h\"

#include <vector>

namespace tfdoctor {
namespace rules {
@declarations@@log_declarations@}  // namespace rules

std::span<const Rule* const> AllRules() {
  static constexpr const Rule* kAll[] = {
@entries@  };
  return kAll;
}

std::span<const LogRule> AllLogRules() {
  static const std::vector<LogRule> kAll = [] {
    std::vector<LogRule> all;
@log_entries@    return all;
  }();
  return kAll;
}

}  // namespace tfdoctor
" @ONLY)
set(tfdoctor_rules_sources ${rule_files} ${log_rule_files} ${rules_support} ${CMAKE_BINARY_DIR}/generated/all_rules.cpp)
