#include "logs/statements.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace tfdoctor {

namespace {

constexpr size_t kMostValues = 200;
constexpr size_t kLongestValue = 8192;

// What the rules or the facts read; everything else is named as not understood.
bool Understood(std::string_view key) {
  static constexpr std::string_view kKeys[] = {
      "tf_version",
      "python",
      "os",
      "gpu",
      "driver",
      "cuda",
      "cudnn",
      "install_method",
      "container",
      "container_engine",
      "image",
      "nvidia_smi_ok",
      "compute_capability",
      "pip_list",
      "conda_list",
      "kernel",
      "wsl",
      "mig",
      "vgpu",
      "ecc",
      "xid",
      "secure_boot",
      "after_suspend",
      "kubernetes",
      "compute_mode",
      "no_cgroups",
      "gpu_present",
      "gpu_used",
      "works_with_sudo",
      "works_as_root",
      "torch_cuda_works",
      "torch_cuda_available",
      "other_gpu_processes",
      "listed",
      "device_created",
      "dtype",
      "batch_size",
      "nvswitch",
      "cuda_error",
      "worked_at_start",
      "worked_before",
      "driver_updated",
      "rebooted",
      "unattended_upgrades",
      "machine",
      "arch",
      "macos",
      "native_windows",
      "dev_dxg",
      "start_method",
      "docker_build_step",
      "gpu_memory_used",
      "free_mib",
      "total_gib",
      "recurrent_dropout",
      "import_order",
      "install_order",
      "requirement",
      "conda_build_string",
      "tensorflow_file",
      "ptxas_version",
      "works_after_wait",
      "machine_reboots",
      "gpus",
      "command",
      "jit_compile",
      "conv_fails",
      "dense_ok",
      "systemd",
      "selinux",
      "cgroup",
      "ld_debug",
      "kernel_version",
      "dso_version",
      "nccl",
      "gcc",
      "pip",
      "framework",
      "model",
      "xla",
      "symptom",
      "dmesg",
      "check",
      "conda_packages",
      "missing_package",
      "docker_install",
      "docker inspect",
  };
  // What people write in many ways: "nvidia-smi in the pod", "slower on GPU than on CPU".
  static constexpr std::string_view kParts[] = {
      "nvidia-smi", "nvidia_smi", "capabilities", "backend", "slower",  "libcuda",
      "runtime",    "terminal",   "shell",        "script",  "console", "list_physical_devices"};
  const auto in_key = [&](std::string_view part) { return key.find(part) != key.npos; };
  if (std::any_of(std::begin(kParts), std::end(kParts), in_key)) return true;
  return std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys) || key.starts_with("cuda_") ||
         key.starts_with("tf_") || key.starts_with("nvidia_") || key.starts_with("tf.") ||
         key.starts_with("find ") || key.starts_with("ld_") || key.starts_with("xla_") ||
         key.starts_with("keras_") || key.find("_works") != key.npos || key.starts_with("lib");
}

std::string Words(const nlohmann::json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_array() && !json.empty()) {
    std::vector<std::string> parts;
    for (const auto& part : json) parts.push_back(Words(part));
    return Join(parts, "; ");
  }
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

void Statements::Set(std::string_view key, std::string_view value) {
  const std::string name = Lower(Trim(key));
  if (name.empty() || values.size() >= kMostValues) return;
  values[name] = std::string(value.substr(0, kLongestValue));
  if (!Understood(name) &&
      std::find(not_understood.begin(), not_understood.end(), name) == not_understood.end())
    not_understood.push_back(name);
}

void Statements::Answer(std::string_view key, std::string_view value, const Knowledge& knowledge) {
  const std::string name = Lower(Trim(key));
  const auto question = knowledge.FindQuestion(name);
  if (!question) return Set(name, value);
  for (const auto& [word, fact] : question->answers) {
    if (Lower(word) == Lower(Trim(value))) return void(facts[name] = fact);
  }
  Set(question->stated.empty() ? name : question->stated, value);
}

Result<Statements> ReadStatements(std::string_view json) {
  const auto document = nlohmann::json::parse(json, nullptr, false);
  constexpr const char* kForm = R"(right is {"context": {"tf_version": "2.15.1", …}, "observed": {…}})";
  if (document.is_discarded()) return Error{ErrorKind::kMalformed, std::string("is not JSON; ") + kForm};
  if (!document.is_object()) return Error{ErrorKind::kMalformed, std::string("is no object; ") + kForm};
  Statements statements;
  for (const auto& [part, object] : document.items()) {
    if (part != "context" && part != "observed") {
      statements.not_understood.push_back(part);
      continue;
    }
    if (!object.is_object()) return Error{ErrorKind::kMalformed, "\"" + part + "\" is no object; " + kForm};
    for (const auto& [key, value] : object.items()) {
      if (!value.is_null()) statements.Set(key, Words(value));
    }
  }
  return statements;
}

}  // namespace tfdoctor
