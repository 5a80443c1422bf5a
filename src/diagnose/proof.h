// What `tfdoctor prove` did and saw: plain data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tfdoctor {

enum class StepState : uint8_t { kPassed, kFailed, kSkipped };
std::string_view Name(StepState state);  // "passed"

using Figure = std::variant<bool, int64_t, double, std::string>;

struct ProvedStep {
  std::string name;  // "train-mlp"
  StepState state = StepState::kSkipped;
  std::string device;  // that it was computed on, "GPU:0"; empty: on none
  double seconds = 0;
  std::vector<std::pair<std::string, Figure>> figures;  // "first_loss" -> 1.6
  std::string message;         // why it failed or was skipped, or what is worth knowing
  bool out_of_memory = false;  // it failed since the device has too little memory left
  // What was seen allows no doubt about the device. Not so where the step met a limit of ours.
  bool certain = true;

  // nullptr: it has no such figure, or none of this kind.
  template <class T>
  const T* Find(std::string_view figure) const {
    for (const auto& [name_of, value] : figures) {
      if (name_of == figure) return std::get_if<T>(&value);
    }
    return nullptr;
  }
};

struct Proof {
  std::string device;      // that was asked for, "GPU:0"
  std::string tensorflow;  // the version that it says itself; empty: it was not loaded
  std::string by;          // "C API" or "Python"; empty: nothing was started
  std::string note;        // why it is that one, where it is not the usual
  std::string unstarted;   // why nothing could be started; empty: something was
  std::vector<ProvedStep> steps;
  std::string disagreement;  // between what `check` predicted and what was seen; empty: none

  bool OnGpu() const { return device.starts_with("GPU"); }
  bool AllPassed() const;
  bool AnyFailed() const;
  // An operation was computed on the device, with a right result.
  bool Computed() const;
};

}  // namespace tfdoctor
