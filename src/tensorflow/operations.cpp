// Steps of single operations.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "tensorflow/numbers.h"
#include "tensorflow/nvml.h"
#include "tensorflow/trial.h"

namespace tfdoctor {

namespace {

constexpr const char* kCpu = "CPU:0";

// A product of float32 is off by the rounding of its inputs and sums: relative to sqrt(inner dimension), the
// deviation of an entry for normal inputs. TF32 keeps 10 bits of each input instead of 23 (NVIDIA's A100
// white paper), so the largest of many entries is off by about 0.003.
constexpr double kFloat32Tolerance = 1e-4;
constexpr double kTf32Tolerance = 1e-2;

// Freivalds' check of all entries: c times a vector of ±1 against a times (b times it), in the same units.
// An entry that is off shows in its row with certainty.
double DifferenceOfAll(const Square& a, const Square& b, const Square& c) {
  const auto sign = [](int i) {
    return (static_cast<unsigned>(i) * 2654435761U >> 16 & 1U) == 0U ? 1.0 : -1.0;
  };
  const auto times = [&](const Square& matrix, const std::vector<double>& vector) {
    std::vector<double> result(vector.size(), 0.0);
    for (int row = 0; row < matrix.size; row++) {
      for (int column = 0; column < matrix.size; column++)
        result[static_cast<size_t>(row)] += matrix.at(row, column) * vector[static_cast<size_t>(column)];
    }
    return result;
  };
  std::vector<double> signs;
  for (int i = 0; i < a.size; i++) signs.push_back(sign(i));
  const std::vector<double> left = times(c, signs);
  const std::vector<double> right = times(a, times(b, signs));
  double largest = 0;
  for (size_t i = 0; i < left.size(); i++) {
    const double difference = std::abs(left[i] - right[i]);
    largest = std::isnan(difference) ? INFINITY : std::max(largest, difference);
  }
  // The errors of `size` entries are added up.
  return largest / a.size;
}

double LargestDifference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0;
  for (size_t i = 0; i < a.size(); i++) {
    const double difference = std::abs(static_cast<double>(a[i]) - b[i]);
    largest = std::isnan(difference) ? INFINITY : std::max(largest, difference);
  }
  return largest;
}

double Tolerance(const Settings& settings) { return settings.tf32 ? kTf32Tolerance : kFloat32Tolerance; }

// Says what was found of a difference, and whether it is small enough.
bool JudgeDifference(const Settings& settings, double difference, Outcome& outcome) {
  const double tolerance = Tolerance(settings);
  outcome.figures["largest_difference"] = std::isfinite(difference) ? difference : 1e308;
  outcome.figures["tolerance"] = tolerance;
  outcome.figures["precision"] = difference <= kFloat32Tolerance ? "float32" : "TF32";
  return difference <= tolerance;
}

std::string TooDifferent(const Settings& settings, double difference, const std::vector<float>& c) {
  return fmt::format(
      "the product is off by {:.3g} times the root of its size, allowed is {:g} (first numbers: {})",
      difference, Tolerance(settings), First(c));
}

struct Product {
  Square a, b, c;
  std::string device;
  double seconds = 0;  // of one product
};

// Multiplies `runs` times; what is computed before them is not timed, if there are any. The products are
// waited for by the copy of a vector: that of a matrix takes longer than to multiply it on a fast GPU.
double SecondsOfProduct(const Eager& eager, const std::string& device, const Eager::Value& a,
                        const Eager::Value& b, const Eager::Value& column, int runs) {
  const auto start = std::chrono::steady_clock::now();
  Eager::Value c = eager.MatMul(device, a.get(), b.get());
  for (int i = 1; i < runs; i++) c = eager.MatMul(device, a.get(), b.get());
  eager.Get(eager.MatMul(device, c.get(), column.get()).get());
  return SecondsSince(start) / runs;
}

// What one product in a library's first call takes says little: it is left out.
Product Multiply(const Trial& trial, const Eager& eager, const std::string& device, int size, int runs) {
  const auto seed = trial.settings.seed;
  const Eager::Value a = eager.Normal(device, size, size, seed);
  const Eager::Value b = eager.Normal(device, size, size, seed + 1);
  const Eager::Value column = eager.Normal(device, size, 1, seed + 2);
  const Eager::Value c = eager.MatMul(device, a.get(), b.get());
  eager.Get(eager.MatMul(device, c.get(), column.get()).get());
  Product product{{size, eager.Get(a.get())},
                  {size, eager.Get(b.get())},
                  {size, eager.Get(c.get())},
                  eager.DeviceOf(c.get()),
                  0};
  product.seconds = SecondsOfProduct(eager, device, a, b, column, runs);
  return product;
}

// The same product of the same numbers by TensorFlow on the CPU.
Product MultiplyOnCpu(const Trial& trial, const Eager& eager, const Product& as, int runs) {
  const std::vector<int64_t> shape = {as.a.size, as.a.size};
  const Eager::Value a = eager.Put(trial.runtime.Floats(shape, as.a.values).get());
  const Eager::Value b = eager.Put(trial.runtime.Floats(shape, as.b.values).get());
  const Eager::Value column = eager.Normal(kCpu, as.a.size, 1, trial.settings.seed);
  const Eager::Value c = eager.MatMul(kCpu, a.get(), b.get());
  Product product{{}, {}, {as.a.size, eager.Get(c.get())}, eager.DeviceOf(c.get()), 0};
  product.seconds = SecondsOfProduct(eager, kCpu, a, b, column, runs);
  return product;
}

double GigaFlops(int size, double seconds) { return seconds <= 0 ? 0 : 2e-9 * std::pow(size, 3) / seconds; }

}  // namespace

Outcome ProveDevices(Trial& trial) {
  Outcome outcome;
  std::string names;
  int gpus = 0;
  for (const LogicalDevice& device : trial.eager().Devices()) {
    names += (names.empty() ? "" : ", ") + device.name;
    if (device.name.starts_with("GPU:")) {
      gpus++;
      outcome.figures[device.name + "_memory_limit_bytes"] = device.memory_limit;
    }
    if (device.name == trial.settings.device) outcome.device = device.name;
  }
  outcome.figures["logical_devices"] = names;
  outcome.figures["logical_gpus"] = gpus;
  outcome.passed = !outcome.device.empty();
  if (!outcome.passed)
    outcome.message = fmt::format("TensorFlow has no {}; it has {}", trial.settings.device, names);
  return outcome;
}

Outcome ProveAdd(Trial& trial) {
  Outcome outcome;
  const Eager& eager = trial.eager();
  const Eager::Value a = eager.Put(trial.runtime.Floats({3}, {1, 2, 3}).get());
  const Eager::Value b = eager.Put(trial.runtime.Floats({3}, {4, 5, 6}).get());
  const Eager::Value sum = eager.Run("AddV2", trial.settings.device, {a.get(), b.get()});
  const std::vector<float> values = eager.Get(sum.get());
  outcome.figures["result"] = First(values);
  if (!OnDevice(trial, outcome, eager.DeviceOf(sum.get()))) return outcome;
  if (values != std::vector<float>{5, 7, 9})
    return Wrong(std::move(outcome), fmt::format("the sum is {}, right is 5 7 9", First(values)));
  outcome.passed = true;
  return outcome;
}

Outcome ProveMatMul(Trial& trial) {
  constexpr int kSize = 1000;
  constexpr int kCpuRuns = 5;
  constexpr int kRows = 64;
  Outcome outcome;
  const Eager& eager = trial.eager();
  const int runs = trial.settings.gpu() ? 100 : kCpuRuns;  // a GPU takes less for one than to ask for it
  const Product product = Multiply(trial, eager, trial.settings.device, kSize, runs);
  if (!OnDevice(trial, outcome, product.device)) return outcome;
  std::string why;
  if (!LooksNormal(product.a.values, why) || !LooksNormal(product.b.values, why))
    return Wrong(std::move(outcome), why);
  double difference = DifferenceOfRows(product.a, product.b, product.c, kRows);
  outcome.figures["milliseconds"] = product.seconds * 1e3;
  outcome.figures["gigaflops"] = GigaFlops(kSize, product.seconds);
  if (trial.settings.gpu()) {
    const Product on_cpu = MultiplyOnCpu(trial, eager, product, kCpuRuns);
    difference =
        std::max(difference, LargestDifference(product.c.values, on_cpu.c.values) / std::sqrt(kSize));
    outcome.figures["cpu_milliseconds"] = on_cpu.seconds * 1e3;
    outcome.figures["times_faster_than_cpu"] = on_cpu.seconds / product.seconds;
  }
  if (!JudgeDifference(trial.settings, difference, outcome))
    return Wrong(std::move(outcome), TooDifferent(trial.settings, difference, product.c.values));
  outcome.passed = true;
  return outcome;
}

Outcome ProveMemoryGrowth(Trial& trial) {
  constexpr int kSize = 5000;
  Outcome outcome;
  const Settings& settings = trial.settings;
  const auto before = ReadDeviceMemory(settings.address);
  const Eager& eager = trial.eager();
  if (before) outcome.figures["free_before_bytes"] = before->free;
  try {
    const Product product = Multiply(trial, eager, settings.device, kSize, 1);
    outcome.figures["milliseconds"] = product.seconds * 1e3;
    if (!OnDevice(trial, outcome, product.device)) return outcome;
    std::string why;
    if (!LooksNormal(product.a.values, why) || !LooksNormal(product.b.values, why))
      return Wrong(std::move(outcome), why);
    const double difference = DifferenceOfAll(product.a, product.b, product.c);
    if (!JudgeDifference(settings, difference, outcome))
      return Wrong(std::move(outcome), TooDifferent(settings, difference, product.c.values));
  } catch (const TensorFlowError& error) {
    if (error.code != kResourceExhausted) throw;
    constexpr uint64_t kNeeded = 3ULL * kSize * kSize * sizeof(float);
    outcome.figures["needed_bytes"] = kNeeded;
    outcome.message = error.what();
    if (before && before->free < kNeeded)
      outcome.message += fmt::format("; {} MiB are free, {} MiB are missing", before->free >> 20,
                                     (kNeeded - before->free) >> 20);
    return outcome;
  }
  if (settings.gpu()) {
    if (const auto after = ReadDeviceMemory(settings.address); before && after) {
      outcome.figures["used_before_bytes"] = before->used;
      outcome.figures["used_after_bytes"] = after->used;
      outcome.figures["taken_bytes"] = static_cast<int64_t>(after->used) - static_cast<int64_t>(before->used);
    } else {
      outcome.message = "NVML does not tell how much memory was taken";
    }
    for (const LogicalDevice& device : eager.Devices()) {
      if (device.name == settings.device) outcome.figures["without_growth_bytes"] = device.memory_limit;
    }
  }
  outcome.passed = true;
  return outcome;
}

}  // namespace tfdoctor
