// What is right of the numbers that an experiment works with; computed here, on the CPU.
#pragma once

#include <string>
#include <vector>

namespace tfdoctor {

// The first three, for people.
std::string First(const std::vector<float>& values);

// Whether they look like independent numbers of a normal distribution with mean 0 and deviation 1; else why
// not.
bool LooksNormal(const std::vector<float>& values, std::string& why);

struct Square {
  int size;
  std::vector<float> values;
  double at(int row, int column) const {
    return values[static_cast<size_t>(row) * static_cast<size_t>(size) + static_cast<size_t>(column)];
  }
};

// The largest difference between c and the product of a and b, in units of sqrt(size), of `rows` whole rows
// that are computed here in double precision.
double DifferenceOfRows(const Square& a, const Square& b, const Square& c, int rows);

}  // namespace tfdoctor
