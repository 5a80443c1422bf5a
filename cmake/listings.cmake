# data/wheels/*.json go into the binary as they are: a table of name -> text. Only what a repair needs is ever read.
file(GLOB listing_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/data/wheels/*.json)
set(listing_source ${CMAKE_BINARY_DIR}/generated/listings.cpp)
set(blobs "")
set(declarations "")
set(entries "")
set(number 0)
foreach(file ${listing_files})
  get_filename_component(name ${file} NAME)
  string(REGEX REPLACE "\\.json$" "" name ${name})
  string(APPEND blobs "tfdoctor_listing_${number}:\\n.incbin \\\"${file}\\\"\\ntfdoctor_listing_end_${number}:\\n")
  string(APPEND declarations "extern \"C\" const char tfdoctor_listing_${number}[];\nextern \"C\" const char tfdoctor_listing_end_${number}[];\n")
  string(APPEND entries "    {\"${name}\", tfdoctor_listing_${number}, tfdoctor_listing_end_${number}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(CONFIGURE OUTPUT ${listing_source} CONTENT
"// Made by cmake/listings.cmake from data/wheels/.
#include \"plan/listings.h\"

__asm__(\".pushsection .rodata\\n@blobs@.popsection\\n\");
@declarations@
namespace tfdoctor {

std::span<const EmbeddedListing> EmbeddedListings() {
  static const EmbeddedListing kAll[] = {
@entries@  };
  return kAll;
}

}  // namespace tfdoctor
" @ONLY)
set_source_files_properties(${listing_source} PROPERTIES OBJECT_DEPENDS "${listing_files}")
set(tfdoctor_listing_sources ${listing_source})
