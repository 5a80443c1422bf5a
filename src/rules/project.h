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
struct WantedReleases {
  // What a lock file says, else what any file does; never empty: any TensorFlow where the project says
  // nothing. What cannot be the case together is here, too (two files of requirements, two forks of a lock):
  // a rule is sure of what is true of each of them.
  std::vector<WantedRelease> all;
  const FactBase* unread = nullptr;  // there is more, which was not understood
};
WantedReleases Wanted(const Facts& facts);

// "2.15.1" meets "<3,>=2.15", "==2.15.*", "~=2.15".
bool Fits(const std::string& version, const std::string& specifiers);

// The tag of this Python's wheels: "cp311", "cp313t"; empty: not known.
std::string PythonTag(const Facts& facts);
// "cp311" -> 11, "cp313t" -> 13; 0: none of CPython 3.
int MinorOf(std::string_view tag);

}  // namespace tfdoctor
