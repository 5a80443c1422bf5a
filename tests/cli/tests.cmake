# The built binary, from outside.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_test(NAME cli COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/cli_test.py $<TARGET_FILE:tfdoctor>)
add_test(NAME cause_pages_are_current
         COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/cause_pages.py $<TARGET_FILE:tfdoctor> --check)

# Bad input: over made-up environments, which a small program lays out.
add_executable(lay_environment ${CMAKE_CURRENT_LIST_DIR}/lay_environment.cpp)
target_include_directories(lay_environment PRIVATE ${view} ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(lay_environment PRIVATE plan)
set_target_properties(lay_environment PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
add_test(NAME hostile COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/hostile_test.py $<TARGET_FILE:tfdoctor>
                              $<TARGET_FILE:lay_environment>)
set_tests_properties(hostile PROPERTIES LABELS slow)  # a minute of two cores: not for the inner loop
# The live driver's answers, over the stand-ins of tests/fakes.
add_test(NAME driver COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/driver_test.py $<TARGET_FILE:tfdoctor>
                             ${CMAKE_BINARY_DIR}/fakes/driver $<TARGET_FILE:lay_environment>)
# Other machines than this shell's.
add_test(NAME from COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/from_test.py $<TARGET_FILE:tfdoctor>
                           $<TARGET_FILE:lay_environment> $<TARGET_FILE:machines_test> ${CMAKE_BINARY_DIR}/fakes/driver)
add_test(NAME lying_roots COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/lying_roots_test.py $<TARGET_FILE:tfdoctor>
                                  $<TARGET_FILE:lay_environment>)
set_tests_properties(lying_roots PROPERTIES LABELS slow)  # a million files
# Container images, against the tools that make and unpack them.
add_executable(dump_tree ${CMAKE_CURRENT_LIST_DIR}/dump_tree.cpp)
target_include_directories(dump_tree PRIVATE ${view})
target_link_libraries(dump_tree PRIVATE image)
set_target_properties(dump_tree PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
add_test(NAME image COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/image_test.py $<TARGET_FILE:tfdoctor>
                            $<TARGET_FILE:lay_environment> $<TARGET_FILE:dump_tree>)
set_tests_properties(image PROPERTIES LABELS slow)
add_dependencies(slow_tests lay_environment dump_tree)
# The real driver, where there is one; elsewhere ctest says "Skipped", which is not "Passed".
add_test(NAME gpu COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/real/gpu_test.py $<TARGET_FILE:tfdoctor>
                          $<TARGET_FILE:lay_environment>)
set_tests_properties(gpu PROPERTIES SKIP_RETURN_CODE 77)
# Experiments with TensorFlow, over the stand-in of tests/fakes.
add_test(NAME prove COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/prove_test.py $<TARGET_FILE:tfdoctor>
                            ${CMAKE_BINARY_DIR}/fakes $<TARGET_FILE:lay_environment>)
