#include "tensorflow/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <string_view>

#include "tensorflow/trial.h"

namespace tfdoctor {

using Json = nlohmann::ordered_json;

nlohmann::json ToJson(const Settings& settings) {
  return {{"libraries", settings.libraries}, {"steps", settings.steps},
          {"device", settings.device},       {"seed", settings.seed},
          {"growth", settings.growth},       {"tf32", settings.tf32},
          {"address", settings.address},     {"load_seconds", settings.load_seconds}};
}

Settings SettingsFrom(const nlohmann::json& json) {
  return {.libraries = json.at("libraries").get<std::vector<std::string>>(),
          .steps = json.at("steps").get<std::vector<std::string>>(),
          .device = json.at("device").get<std::string>(),
          .seed = json.at("seed").get<int64_t>(),
          .growth = json.at("growth").get<bool>(),
          .tf32 = json.at("tf32").get<bool>(),
          .address = json.at("address").get<std::string>(),
          .load_seconds = json.at("load_seconds").get<double>()};
}

const Eager& Trial::eager() {
  if (eager_ == nullptr) eager_ = std::make_unique<Eager>(runtime, config());
  return *eager_;
}

Outcome Wrong(Outcome outcome, std::string message) {
  outcome.passed = false;
  outcome.wrong = true;
  outcome.message = std::move(message);
  return outcome;
}

bool OnDevice(const Trial& trial, Outcome& outcome, std::string device) {
  outcome.device = std::move(device);
  if (outcome.device == trial.settings.device) return true;
  outcome.passed = false;
  outcome.message = fmt::format("asked on {}, computed on {}", trial.settings.device, outcome.device);
  return false;
}

namespace {

constexpr int kAnswer = 3;

struct Step {
  std::string_view name;
  Outcome (*run)(Trial&);
};
constexpr Step kSteps[] = {
    {"devices", ProveDevices},     {"add", ProveAdd},
    {"matmul", ProveMatMul},       {"memory-growth", ProveMemoryGrowth},
    {"train-mlp", ProveMlp},       {"train-cnn", ProveCnn},
    {"precision", ProvePrecision}, {"xla", ProveXla},
    {"all-gpus", ProveAllGpus},    {"memory-fill", ProveMemoryFill},
    {"load", ProveLoad},
};

void Say(const Json& json) {
  const std::string line = json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
  for (size_t written = 0; written < line.size();) {
    const ssize_t count = ::write(kAnswer, line.data() + written, line.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) ::_exit(1);  // nobody listens any more
    written += static_cast<size_t>(count);
  }
}

// False: the device is not there, so that no further step can be run.
bool RunStep(const Step& step, Trial& trial) {
  Say({{"event", "begin"}, {"step", step.name}});
  const auto start = std::chrono::steady_clock::now();
  Json end = {{"event", "end"}, {"step", step.name}};
  try {
    const Outcome outcome = step.run(trial);
    end["state"] = outcome.passed ? "passed" : "failed";
    end["device"] = outcome.device;
    end["figures"] = outcome.figures;
    end["message"] = outcome.message;
    if (outcome.wrong) end["wrong"] = true;
  } catch (const TensorFlowError& error) {
    end["state"] = "failed";
    end["code"] = error.code;
    end["message"] = error.what();
  } catch (const std::exception& error) {
    end["state"] = "failed";
    end["message"] = error.what();
  }
  end["seconds"] = SecondsSince(start);
  Say(end);
  return step.run != ProveDevices || end["state"] == "passed";
}

// On the CPU, and for clusters this small, XLA compiles only when it is told so before it starts.
void AllowXla() {
  const char* flags = ::getenv("TF_XLA_FLAGS");
  const std::string more =
      std::string(flags == nullptr ? "" : flags) + " --tf_xla_cpu_global_jit --tf_xla_min_cluster_size=1";
  ::setenv("TF_XLA_FLAGS", more.c_str(), 1);
}

int Run(const Settings& settings) {
  CApi api;
  if (std::find(settings.steps.begin(), settings.steps.end(), "xla") != settings.steps.end()) AllowXla();
  const auto start = std::chrono::steady_clock::now();
  if (const LoadFailure failure = LoadCApi(settings.libraries, api); !failure.why.empty()) {
    Say({{"event", "failed"}, {"message", failure.why}, {"opened", failure.opened}});
    return 1;
  }
  Say({{"event", "loaded"}, {"version", api.TF_Version()}, {"seconds", SecondsSince(start)}});
  const Runtime runtime(api);
  Trial trial(runtime, settings);
  bool go_on = true;
  for (const std::string& name : settings.steps) {
    for (const Step& step : kSteps) {
      if (step.name == name && go_on) go_on = RunStep(step, trial);
    }
  }
  Say({{"event", "finished"}});
  return 0;
}

}  // namespace

int ProveChildMain(int argc, char** argv) {
  if (argc != 3 || ::fcntl(kAnswer, F_SETFD, FD_CLOEXEC) != 0) {
    constexpr std::string_view kWhy = "tfdoctor: prove-child is started by tfdoctor itself only\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kWhy.data(), kWhy.size());
    return 2;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // No core file, and no program that collects one: see src/driver/child.cpp.
  const rlimit no_core = {1, 1};
  ::setrlimit(RLIMIT_CORE, &no_core);
  try {
    ::_exit(Run(SettingsFrom(nlohmann::json::parse(argv[2]))));
  } catch (const std::exception& error) {
    Say({{"event", "failed"}, {"message", error.what()}});
  }
  ::_exit(2);
}

}  // namespace tfdoctor
