// The experiments of `tfdoctor prove`, in the process that has TensorFlow in it. Each compares what was
// computed with what is right; it judges nothing else.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tensorflow/eager.h"

namespace tfdoctor {

// What the parent asks for.
struct Settings {
  std::vector<std::string> libraries;  // files, in the order in which they are opened
  std::vector<std::string> steps;      // names, in the order in which they are run
  std::string device = "CPU:0";
  int64_t seed = 1;
  bool growth = false;       // memory growth on
  bool tf32 = false;         // the device may compute float32 products as TF32
  std::string address;       // of the device for NVML: "0000:01:00.0"; empty: it is not asked
  double load_seconds = 60;  // that step load takes

  bool gpu() const { return device.starts_with("GPU"); }
};
nlohmann::json ToJson(const Settings& settings);
Settings SettingsFrom(const nlohmann::json& json);  // throws what nlohmann::json throws

struct Outcome {
  bool passed = false;
  bool wrong = false;   // it failed since what was computed is not right
  std::string device;   // that it was computed on, "GPU:0"
  std::string message;  // why it failed, or what is worth knowing
  nlohmann::ordered_json figures = nlohmann::ordered_json::object();  // name -> number, text or truth
};

class Trial {
 public:
  Trial(const Runtime& of_runtime, Settings of_settings)
      : runtime(of_runtime), settings(std::move(of_settings)) {}

  // Made at the first use, so that a step that needs it is charged with its failure.
  const Eager& eager();
  Config config() const { return {.growth = settings.growth, .no_gpu = !settings.gpu()}; }

  const Runtime& runtime;
  const Settings settings;

 private:
  std::unique_ptr<Eager> eager_;
};

inline double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The outcome of a step whose result is not right.
Outcome Wrong(Outcome outcome, std::string message);
// Notes the device; whether it is the one that was asked for.
bool OnDevice(const Trial& trial, Outcome& outcome, std::string device);

Outcome ProveDevices(Trial&);
Outcome ProveAdd(Trial&);
Outcome ProveMatMul(Trial&);
Outcome ProveMemoryGrowth(Trial&);
Outcome ProveMlp(Trial&);
Outcome ProveCnn(Trial&);
// --deep
Outcome ProvePrecision(Trial&);
Outcome ProveXla(Trial&);
Outcome ProveAllGpus(Trial&);
Outcome ProveMemoryFill(Trial&);
Outcome ProveLoad(Trial&);

}  // namespace tfdoctor
