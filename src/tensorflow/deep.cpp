// The steps of --deep that are no training.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "tensorflow/numbers.h"
#include "tensorflow/nvml.h"
#include "tensorflow/trial.h"

namespace tfdoctor {

namespace {

// A product in a type of fewer bits; what it is off by, in units of sqrt(size).
struct Narrow {
  const char* name;
  DataType type;
  // Inputs and result are rounded to 11 and 8 bits; the largest of the results is about five deviations.
  double tolerance;
};
constexpr Narrow kNarrow[] = {{"float16", kHalf, 2e-2}, {"bfloat16", kBfloat16, 1e-1}};

// The same sum on each GPU at once, through NCCL. Empty: right on all.
std::string AllReduce(const Trial& trial, const std::vector<std::string>& gpus) {
  const Runtime& runtime = trial.runtime;
  const CApi& api = runtime.api;
  TF_Graph* graph = api.TF_NewGraph();
  std::vector<TF_Output> sums;
  for (size_t i = 0; i < gpus.size(); i++) {
    const std::string number = std::to_string(i);
    const auto add = [&](const char* type, const std::string& name) {
      TF_OperationDescription* op = api.TF_NewOperation(graph, type, name.c_str());
      api.TF_SetDevice(op, FullDevice(gpus[i]).c_str());
      return op;
    };
    TF_OperationDescription* value = add("Const", "value" + number);
    api.TF_SetAttrType(value, "dtype", kFloat);
    const auto tensor = runtime.Floats({3}, {1.0F + static_cast<float>(i), 2, 3});
    runtime.Call("a constant", api.TF_SetAttrTensor, value, "value", tensor.get());
    TF_Operation* made = runtime.Call("a constant", api.TF_FinishOperation, value);
    TF_OperationDescription* reduce = add("NcclAllReduce", "reduce" + number);
    api.TF_AddInput(reduce, {made, 0});
    api.TF_SetAttrType(reduce, "T", kFloat);
    api.TF_SetAttrString(reduce, "reduction", "sum", 3);
    api.TF_SetAttrInt(reduce, "num_devices", static_cast<int64_t>(gpus.size()));
    api.TF_SetAttrString(reduce, "shared_name", "all", 3);
    sums.push_back({runtime.Call("NcclAllReduce", api.TF_FinishOperation, reduce), 0});
  }
  const std::string bytes = trial.config().Bytes();
  const Owned<TF_SessionOptions> options{api.TF_NewSessionOptions(), {api.TF_DeleteSessionOptions}};
  runtime.Call("the configuration of the session", api.TF_SetConfig, options.get(),
               static_cast<const void*>(bytes.data()), bytes.size());
  TF_Session* session = runtime.Call("creating the session", api.TF_NewSession, graph,
                                     static_cast<const TF_SessionOptions*>(options.get()));
  std::vector<TF_Tensor*> results(sums.size(), nullptr);
  runtime.Call("NcclAllReduce", api.TF_SessionRun, session, static_cast<const TF_Buffer*>(nullptr),
               static_cast<const TF_Output*>(nullptr), static_cast<TF_Tensor* const*>(nullptr), 0,
               static_cast<const TF_Output*>(sums.data()), results.data(), static_cast<int>(sums.size()),
               static_cast<const TF_Operation* const*>(nullptr), 0, static_cast<TF_Buffer*>(nullptr));
  const auto count = static_cast<float>(gpus.size());
  const std::vector<float> right = {count * (count + 1) / 2, 2 * count, 3 * count};
  for (size_t i = 0; i < results.size(); i++) {
    const Owned<TF_Tensor> owned{results[i], {api.TF_DeleteTensor}};
    const std::vector<float> values = runtime.Values(owned.get());
    if (values != right)
      return fmt::format("the sum over all GPUs is {} on {}, right is {}", First(values), gpus[i],
                         First(right));
  }
  return {};
}

}  // namespace

Outcome ProvePrecision(Trial& trial) {
  // The CPU has no fast product of these types.
  const int size = trial.settings.gpu() ? 1000 : 256;
  constexpr int kRows = 32;
  Outcome outcome;
  const Eager& eager = trial.eager();
  const std::string& device = trial.settings.device;
  const Eager::Value a = eager.Normal(device, size, size, trial.settings.seed);
  const Eager::Value b = eager.Normal(device, size, size, trial.settings.seed + 1);
  const Square x{size, eager.Get(a.get())};
  const Square y{size, eager.Get(b.get())};
  std::string why;
  if (!LooksNormal(x.values, why) || !LooksNormal(y.values, why)) return Wrong(std::move(outcome), why);
  for (const Narrow& narrow : kNarrow) {
    const Eager::Value narrow_a = eager.Cast(device, a.get(), narrow.type);
    const Eager::Value narrow_b = eager.Cast(device, b.get(), narrow.type);
    const Eager::Value c = eager.MatMul(device, narrow_a.get(), narrow_b.get());
    const Eager::Value wide = eager.Cast(device, c.get(), kFloat);
    if (!OnDevice(trial, outcome, eager.DeviceOf(c.get()))) return outcome;
    const double difference = DifferenceOfRows(x, y, {size, eager.Get(wide.get())}, kRows);
    const std::string name = narrow.name;
    outcome.figures[name + "_largest_difference"] = std::isfinite(difference) ? difference : 1e308;
    outcome.figures[name + "_tolerance"] = narrow.tolerance;
    if (difference <= narrow.tolerance) continue;
    return Wrong(std::move(outcome),
                 fmt::format("the product in {} is off by {:.3g} times the root of its size, "
                             "allowed is {:g}",
                             narrow.name, difference, narrow.tolerance));
  }
  outcome.passed = true;
  return outcome;
}

Outcome ProveAllGpus(Trial& trial) {
  Outcome outcome;
  const Eager& eager = trial.eager();
  std::vector<std::string> gpus;
  for (const LogicalDevice& device : eager.Devices()) {
    if (device.name.starts_with("GPU:")) gpus.push_back(device.name);
  }
  outcome.figures["gpus"] = gpus.size();
  // A run on the CPU has that one only.
  std::vector<std::string> devices =
      trial.settings.gpu() ? gpus : std::vector<std::string>{trial.settings.device};
  constexpr int kSize = 500;
  for (const std::string& device : devices) {
    const Eager::Value a = eager.Normal(device, kSize, kSize, trial.settings.seed);
    const Eager::Value b = eager.Normal(device, kSize, kSize, trial.settings.seed + 1);
    const Eager::Value c = eager.MatMul(device, a.get(), b.get());
    outcome.device = eager.DeviceOf(c.get());
    if (outcome.device != device) {
      outcome.message = fmt::format("asked on {}, computed on {}", device, outcome.device);
      return outcome;
    }
    const Square x{kSize, eager.Get(a.get())};
    std::string why;
    // Whether one of them has TF32 is not known here.
    constexpr double kTolerance = 1e-2;
    const double difference =
        DifferenceOfRows(x, {kSize, eager.Get(b.get())}, {kSize, eager.Get(c.get())}, 32);
    if (!LooksNormal(x.values, why) || difference > kTolerance)
      return Wrong(std::move(outcome),
                   why.empty()
                       ? fmt::format("the product is off by {:.3g} times the root of its size", difference)
                       : why);
  }
  outcome.figures["all_reduce"] = gpus.size() > 1 && trial.settings.gpu();
  if (gpus.size() > 1 && trial.settings.gpu()) {
    if (const std::string wrong = AllReduce(trial, gpus); !wrong.empty())
      return Wrong(std::move(outcome), wrong);
  } else {
    outcome.message = "there are not several GPUs: no all-reduce";
  }
  outcome.device = trial.settings.device;
  outcome.passed = true;
  return outcome;
}

Outcome ProveMemoryFill(Trial& trial) {
  Outcome outcome;
  const Settings& settings = trial.settings;
  const Eager& eager = trial.eager();
  // Three matrices in 90 % of what TensorFlow took, which is what was free. Of the CPU's memory less, and no
  // more than the fence allows.
  constexpr double kShare = 0.9;
  constexpr double kOnCpu = 512.0 * 1024 * 1024;
  double room = kOnCpu;
  if (settings.gpu()) {
    for (const LogicalDevice& device : eager.Devices()) {
      if (device.name == settings.device) room = static_cast<double>(device.memory_limit);
    }
  }
  const auto size = static_cast<int32_t>(std::sqrt(room * kShare / 3 / sizeof(float)));
  outcome.figures["size"] = size;
  outcome.figures["filled_bytes"] = 3.0 * sizeof(float) * size * size;
  const auto start = std::chrono::steady_clock::now();
  const std::string& device = settings.device;
  const Eager::Value a = eager.Normal(device, size, size, settings.seed);
  const Eager::Value b = eager.Normal(device, size, size, settings.seed + 1);
  const Eager::Value c = eager.MatMul(device, a.get(), b.get());
  if (!OnDevice(trial, outcome, eager.DeviceOf(c.get()))) return outcome;
  // Too large to be brought here: two vectors tell (Freivalds' check), multiplied on the device.
  const Eager::Value v = eager.Normal(device, size, 1, settings.seed + 2);
  const std::vector<float> left = eager.Get(eager.MatMul(device, c.get(), v.get()).get());
  const Eager::Value of_b = eager.MatMul(device, b.get(), v.get());
  const std::vector<float> right = eager.Get(eager.MatMul(device, a.get(), of_b.get()).get());
  outcome.figures["milliseconds"] = SecondsSince(start) * 1e3;
  // Of a, b and v normal, each number of the result has the deviation `size`.
  std::vector<float> scaled;
  double difference = 0;
  for (size_t i = 0; i < left.size(); i++) {
    scaled.push_back(right[i] / static_cast<float>(size));
    const double one = std::abs(static_cast<double>(left[i]) - right[i]) / size;
    difference = std::isnan(one) ? INFINITY : std::max(difference, one);
  }
  double squares = 0;
  for (const float value : scaled)
    squares += static_cast<double>(value) * value / static_cast<double>(scaled.size());
  constexpr double kTolerance = 2e-2;
  outcome.figures["largest_difference"] = std::isfinite(difference) ? difference : 1e308;
  outcome.figures["tolerance"] = kTolerance;
  // Its deviation is itself the length of one vector: within a tenth of 1.
  if (!(difference <= kTolerance) || !(squares > 0.8 && squares < 1.25))
    return Wrong(
        std::move(outcome),
        fmt::format(
            "the product of {0}x{0} is not right: two ways to multiply it by a vector differ by {1:.3g}, "
            "and its numbers have the deviation {2:.3g}, right is 1",
            size, difference, std::sqrt(squares)));
  outcome.passed = true;
  return outcome;
}

Outcome ProveLoad(Trial& trial) {
  constexpr int kRows = 8;
  const int size = trial.settings.gpu() ? 4000 : 1000;
  Outcome outcome;
  const Eager& eager = trial.eager();
  const std::string& device = trial.settings.device;
  const Eager::Value a = eager.Normal(device, size, size, trial.settings.seed);
  const Eager::Value b = eager.Normal(device, size, size, trial.settings.seed + 1);
  const Square x{size, eager.Get(a.get())};
  const Square y{size, eager.Get(b.get())};
  std::string why;
  if (!LooksNormal(x.values, why)) return Wrong(std::move(outcome), why);
  const auto before = ReadDeviceHealth(trial.settings.address);
  uint64_t throttled = 0;
  unsigned hottest = 0;
  int64_t products = 0;
  double largest = 0;
  const auto start = std::chrono::steady_clock::now();
  do {
    Eager::Value c = eager.MatMul(device, a.get(), b.get());
    // A second's work or so between two looks.
    constexpr int kBetween = 50;
    for (int i = 0; i < kBetween && SecondsSince(start) < trial.settings.load_seconds; i++, products++)
      c = eager.MatMul(device, a.get(), b.get());
    const double difference = DifferenceOfRows(x, y, {size, eager.Get(c.get())}, kRows);
    if (!OnDevice(trial, outcome, eager.DeviceOf(c.get()))) return outcome;
    largest = std::max(largest, difference);
    constexpr double kTolerance = 1e-2;
    if (!(difference <= kTolerance))
      return Wrong(std::move(outcome),
                   fmt::format("after {:.0f} s of load a product is off by {:.3g} times the root of "
                               "its size",
                               SecondsSince(start), difference));
    if (const auto now = ReadDeviceHealth(trial.settings.address)) {
      throttled |= now->throttle;
      hottest = std::max(hottest, now->celsius);
    }
  } while (SecondsSince(start) < trial.settings.load_seconds);
  outcome.figures["load_seconds"] = SecondsSince(start);
  outcome.figures["products"] = products;
  outcome.figures["largest_difference"] = largest;
  const auto after = ReadDeviceHealth(trial.settings.address);
  outcome.passed = true;
  if (!trial.settings.gpu()) return outcome;
  if (!before || !after) {
    outcome.message = "NVML does not tell of memory errors and throttling";
    return outcome;
  }
  outcome.figures["hottest_celsius"] = hottest;
  outcome.figures["uncorrectable_errors"] = after->errors - before->errors;
  // nvmlClocksThrottleReason: hardware slowdown 0x8, software thermal 0x20, hardware thermal 0x40, power
  // brake 0x80. A power cap (0x4) is ordinary under load.
  constexpr uint64_t kHarmful = 0x8 | 0x20 | 0x40 | 0x80;
  outcome.figures["throttled"] = (throttled & kHarmful) != 0;
  if (after->errors > before->errors) {
    outcome.passed = false;
    outcome.message = fmt::format("{} uncorrectable ECC errors under load", after->errors - before->errors);
  } else if ((throttled & kHarmful) != 0) {
    outcome.message =
        fmt::format("the clocks were lowered by heat or power (reasons {:#x})", throttled & kHarmful);
  }
  return outcome;
}

}  // namespace tfdoctor
