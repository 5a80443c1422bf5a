# The fences between the folders, asked of the compiler and of the built libraries.
find_program(SYSTEM_PYTHON3 NAMES /usr/bin/python3 python3 REQUIRED)
add_test(NAME fences COMMAND ${SYSTEM_PYTHON3} ${CMAKE_CURRENT_LIST_DIR}/fence_test.py ${CMAKE_CXX_COMPILER} ${CMAKE_BINARY_DIR})
