# Stand-ins for the libraries of a driver and of the CUDA runtime: <build>/fakes/driver and <build>/fakes/runtime, two
# folders since most tests want the real runtime on a fake driver.

function(fake_target target soname folder)
  # Loaded into Python and TensorFlow: no sanitizer, no C++ run-time library, and a call from one function of the
  # library to another stays inside it even where a second copy is loaded.
  set_target_properties(${target} PROPERTIES
    COMPILE_OPTIONS "-Wall;-Wextra;-Wshadow;-Wconversion;-Werror;-O1;-fvisibility=hidden;-fno-exceptions;-fno-rtti;-fno-threadsafe-statics"
    LINK_OPTIONS "-Wl,--as-needed;-Wl,-soname,${soname};-Wl,-Bsymbolic;-Wl,-z,defs"
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fakes/${folder}
    PREFIX "" OUTPUT_NAME ${soname} SUFFIX "" NO_SONAME ON)
  add_dependencies(fakes ${target})
endfunction()

# fake_library(soname FOLDER <folder> SYMBOLS <list> SOURCE <file> [DEFINITIONS …])
function(fake_library soname)
  cmake_parse_arguments(arg "" "FOLDER;SYMBOLS;SOURCE" "DEFINITIONS" ${ARGN})
  set(here ${CMAKE_CURRENT_SOURCE_DIR}/fakes)
  set(symbols ${here}/${arg_SYMBOLS})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${symbols})
  # One weak function for each name that the real library exports; a function written by hand takes its place.
  set(text "#include \"fakes/faults.h\"\n\n")
  file(STRINGS ${symbols} lines REGEX "^[^#]")
  foreach(line ${lines})
    if(NOT line MATCHES "^([A-Za-z0-9_]+) ([0-9]+)$")
      message(FATAL_ERROR "${symbols}: ${line}")
    endif()
    string(APPEND text "FAKE_EXPORT __attribute__((weak)) int ${CMAKE_MATCH_1}() {\n  FAKE_ENTER();\n"
                       "  return ${CMAKE_MATCH_2};\n}\n")
  endforeach()
  set(rest ${CMAKE_BINARY_DIR}/fakes/generated/${soname}.cpp)
  file(CONFIGURE OUTPUT ${rest} CONTENT "${text}" @ONLY)

  set(target fake-${soname})
  add_library(${target} SHARED ${here}/${arg_SOURCE} ${here}/faults.cpp ${rest})
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_compile_definitions(${target} PRIVATE ${arg_DEFINITIONS})
  fake_target(${target} ${soname} ${arg_FOLDER})
endfunction()

add_custom_target(fakes ALL)
fake_library(libcuda.so.1 FOLDER driver SOURCE libcuda.cpp SYMBOLS libcuda.txt)
fake_library(libnvidia-ml.so.1 FOLDER driver SOURCE libnvidia-ml.cpp SYMBOLS libnvidia-ml.txt)
fake_library(libcudart.so.12 FOLDER runtime SOURCE libcudart.cpp SYMBOLS libcudart-12.txt
             DEFINITIONS FAKE_CUDART_VERSION=12050)
fake_library(libcudart.so.11.0 FOLDER runtime SOURCE libcudart.cpp SYMBOLS libcudart-11.txt
             DEFINITIONS FAKE_CUDART_VERSION=11080)

# TensorFlow itself, as its two libraries: all functions are in the second.
foreach(part framework cc)
  add_library(fake-tensorflow-${part} SHARED ${CMAKE_CURRENT_SOURCE_DIR}/fakes/faults.cpp)
  target_include_directories(fake-tensorflow-${part} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  fake_target(fake-tensorflow-${part} libtensorflow_${part}.so.2 tensorflow)
endforeach()
target_sources(fake-tensorflow-cc PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/fakes/tensorflow.cpp)
# And as before 2.13: one module of Python, whose symbols it leaves undefined.
add_library(fake-tensorflow-pywrap SHARED ${CMAKE_CURRENT_SOURCE_DIR}/fakes/faults.cpp ${CMAKE_CURRENT_SOURCE_DIR}/fakes/tensorflow.cpp)
target_include_directories(fake-tensorflow-pywrap PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_compile_definitions(fake-tensorflow-pywrap PRIVATE FAKE_NEEDS_PYTHON)
fake_target(fake-tensorflow-pywrap _pywrap_tensorflow_internal.so tensorflow)
target_link_options(fake-tensorflow-pywrap PRIVATE -Wl,-z,undefs)
