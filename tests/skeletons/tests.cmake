# The real process that skeleton_test compares the prediction with, and the code for the object that calls dlopen: that
# one is linked by the test, once for each search path that a TensorFlow release has.
add_executable(skeleton_opener ${CMAKE_CURRENT_SOURCE_DIR}/skeletons/opener.c)
# A sanitizer's own dlopen would be the caller of every search.
target_compile_options(skeleton_opener PRIVATE -fno-sanitize=all)
target_link_options(skeleton_opener PRIVATE -fno-sanitize=all)
target_link_libraries(skeleton_opener PRIVATE ${CMAKE_DL_LIBS})
set_target_properties(skeleton_opener PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
add_library(skeleton_caller OBJECT ${CMAKE_CURRENT_SOURCE_DIR}/skeletons/caller.c)
target_compile_options(skeleton_caller PRIVATE -fPIC -fno-sanitize=all)
add_dependencies(skeleton_test skeleton_opener skeleton_caller)
target_compile_definitions(skeleton_test PRIVATE SKELETON_OPENER="$<TARGET_FILE:skeleton_opener>"
                           SKELETON_CALLER="$<TARGET_OBJECTS:skeleton_caller>"
                           SKELETON_LINKER="${CMAKE_C_COMPILER}")
