// What the project wants, against the releases that exist: for the rules about missing wheels.
#pragma once

#include <string>
#include <vector>

#include "diagnose/rule.h"

namespace tfdoctor {

// "tensorflow[and-cuda]<3,>=2.15"
struct WantedRelease {
  const Fact<std::string>* fact = nullptr;  // of the project; nullptr: the project says nothing
  std::string name = "tensorflow";
  bool and_cuda = false;
  std::string specifiers;
};
// What the project wants first and foremost: what a lock file says, else the first that names a version.
WantedRelease Wanted(const Facts& facts);

// "2.15.1" meets "<3,>=2.15", "==2.15.*", "~=2.15".
bool Fits(const std::string& version, const std::string& specifiers);

// The tag of this Python's wheels: "cp311", "cp313t"; empty: not known.
std::string PythonTag(const Facts& facts);
// "cp311" -> 11, "cp313t" -> 13; 0: none of CPython 3.
int MinorOf(std::string_view tag);

}  // namespace tfdoctor
