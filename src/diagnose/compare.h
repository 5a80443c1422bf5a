// What differs between two machines, environments or moments, as far as it bears on the chain.
#pragma once

#include <string>
#include <vector>

#include "diagnose/rule.h"
#include "facts/facts.h"

namespace tfdoctor {

struct Side {
  FactState state = FactState::kAbsent;
  std::string text;  // the value; why it is unknown

  std::string Words() const;  // for people: the value, "none", "not known (why)"
};

struct Difference {
  Link link = Link::kNone;
  std::string fact;  // "tensorflow.version"
  std::string what;  // for people: "version of TensorFlow"
  Side a, b;

  // Whether both sides are known: else it is a gap rather than a difference.
  bool known() const { return a.state != FactState::kUnknown && b.state != FactState::kUnknown; }
};

// In the order of the links. Paths below each side's own environment count as the same ("{environment}/lib"),
// those below the home of who uses it too, GPUs are compared one by one in the order of their addresses, and
// what changes from run to run (free memory, serial numbers) is left out.
std::vector<Difference> Compare(const Facts& a, const Facts& b, const std::string& home_of_a = {},
                                const std::string& home_of_b = {});

}  // namespace tfdoctor
