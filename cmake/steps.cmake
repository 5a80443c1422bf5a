# src/prove/steps.py goes into the binary as it is.
set(steps_file ${CMAKE_SOURCE_DIR}/src/prove/steps.py)
set(tfdoctor_steps_source ${CMAKE_BINARY_DIR}/generated/steps.cpp)
file(CONFIGURE OUTPUT ${tfdoctor_steps_source} CONTENT
"// Made by cmake/steps.cmake from src/prove/steps.py.
#include \"prove/steps.h\"

__asm__(\".pushsection .rodata\\ntfdoctor_steps:\\n.incbin \\\"@steps_file@\\\"\\ntfdoctor_steps_end:\\n.popsection\\n\");
extern \"C\" const char tfdoctor_steps[];
extern \"C\" const char tfdoctor_steps_end[];

namespace tfdoctor {

std::string_view PythonSteps() { return {tfdoctor_steps, static_cast<size_t>(tfdoctor_steps_end - tfdoctor_steps)}; }

}  // namespace tfdoctor
" @ONLY)
set_source_files_properties(${tfdoctor_steps_source} PROPERTIES OBJECT_DEPENDS ${steps_file})
