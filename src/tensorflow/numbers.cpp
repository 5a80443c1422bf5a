#include "tensorflow/numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace tfdoctor {

std::string First(const std::vector<float>& values) {
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(values.size(), 3); i++)
    text += fmt::format("{}{:g}", i == 0 ? "" : " ", values[i]);
  return text;
}

// Of n independent normal numbers the mean is within 6/sqrt(n) of 0, and the deviation within 5/sqrt(n) of 1,
// but for one time in hundreds of millions.
bool LooksNormal(const std::vector<float>& values, std::string& why) {
  double sum = 0;
  double squares = 0;
  for (const float value : values) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  const auto count = static_cast<double>(values.size());
  const double mean = sum / count;
  const double deviation = std::sqrt(std::max(0.0, squares / count - mean * mean));
  const double scale = 1 / std::sqrt(count);
  if (std::abs(mean) < 6 * scale && std::abs(deviation - 1) < 5 * scale) return true;
  why = fmt::format(
      "the random normal numbers have mean {:.3g} and deviation {:.3g}, right are 0 and 1 (first: {})", mean,
      deviation, First(values));
  return false;
}

double DifferenceOfRows(const Square& a, const Square& b, const Square& c, int rows) {
  double largest = 0;
  for (int i = 0; i < rows; i++) {
    const int row = static_cast<int>(static_cast<int64_t>(i) * a.size / rows);
    std::vector<double> right(static_cast<size_t>(a.size), 0.0);
    for (int k = 0; k < a.size; k++) {
      const double factor = a.at(row, k);
      for (int column = 0; column < a.size; column++)
        right[static_cast<size_t>(column)] += factor * b.at(k, column);
    }
    for (int column = 0; column < a.size; column++) {
      const double difference = std::abs(right[static_cast<size_t>(column)] - c.at(row, column));
      largest = std::isnan(difference) ? INFINITY : std::max(largest, difference);
    }
  }
  return largest / std::sqrt(a.size);
}

}  // namespace tfdoctor
