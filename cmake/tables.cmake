# data/*.toml -> compiled tables. The reader of the rows (the only file with toml++, slow to compile) is compiled once,
# for the generator here and for --data.
set(view ${CMAKE_BINARY_DIR}/view/tables)
file(MAKE_DIRECTORY ${view})
foreach(seen base knowledge)
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/src/${seen} ${view}/${seen} SYMBOLIC)
endforeach()
add_library(knowledge_rows OBJECT src/knowledge/rows/rows.cpp)
target_include_directories(knowledge_rows PRIVATE ${view})
set_source_files_properties(src/knowledge/rows/rows.cpp PROPERTIES COMPILE_OPTIONS -O1)  # runs rarely, so compile it fast
add_executable(make_tables tools/make_tables.cpp)
target_include_directories(make_tables PRIVATE ${view})
target_link_libraries(make_tables PRIVATE knowledge_rows base)

file(GLOB data_files CONFIGURE_DEPENDS data/*.toml)
set(tables ${CMAKE_BINARY_DIR}/generated/tables.cpp)
add_custom_command(
  OUTPUT ${tables}
  COMMAND make_tables ${tables} ${data_files}
  DEPENDS make_tables ${data_files}
  COMMENT "Tables from data/*.toml"
  VERBATIM)
set(tfdoctor_tables_sources ${tables} $<TARGET_OBJECTS:knowledge_rows>)
