# The programs that loader_test runs to learn what ld.so does, in <build>/loader/. The long search paths are room that
# the test overwrites with those of each scenario.
string(REPEAT "X" 400 room)
function(tfdoctor_opener name)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/loader
                        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/loader PREFIX "" SKIP_BUILD_RPATH ON)
  # They stand for programs of others: a sanitizer would bring its own libraries.
  # ld.so takes the return address for the caller: a tail call of dlopen() would make it another object.
  target_compile_options(${name} PRIVATE -fno-sanitize=all -fno-optimize-sibling-calls)
  target_link_options(${name} PRIVATE -fno-sanitize=all ${ARGN})
  add_dependencies(loader_test ${name})
endfunction()

set(opener_source ${CMAKE_SOURCE_DIR}/tests/fakes/opener.c)
set(runpath -Wl,--enable-new-dtags,-rpath,${room})
set(rpath -Wl,--disable-new-dtags,-rpath,${room})
foreach(kind plain runpath rpath)
  add_executable(opener_${kind} ${opener_source})
  tfdoctor_opener(opener_${kind} ${${kind}})
  add_library(caller_${kind} MODULE ${opener_source})
  target_compile_definitions(caller_${kind} PRIVATE CALLER)
  tfdoctor_opener(caller_${kind} ${${kind}})
endforeach()
