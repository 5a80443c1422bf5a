# The built binary, from outside.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_test(NAME cli COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/cli_test.py $<TARGET_FILE:tfdoctor>)
add_test(NAME cause_pages_are_current
         COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/cause_pages.py $<TARGET_FILE:tfdoctor> --check)
