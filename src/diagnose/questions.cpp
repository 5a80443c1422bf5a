#include "diagnose/questions.h"

#include <algorithm>
#include <map>

#include "base/text.h"

namespace tfdoctor {

namespace {

// How people answer: in words that they would use, with a command where one prints it.
struct Wording {
  std::string_view fact, question, command;
};
constexpr Wording kWordings[] = {
    {"gpus", "Which GPU is in the machine?", "lspci | grep -iE 'nvidia|vga|3d'"},
    {"driver_library.cuda.path", "Does the loader find the driver's library libcuda.so.1?",
     "ldconfig -p | grep libcuda"},
    {"kernel_driver.installed_version", "Is an NVIDIA driver installed for this kernel?",
     "modinfo -F version nvidia"},
    {"kernel_driver.version", "Is NVIDIA's kernel module loaded, and of which version?",
     "cat /proc/driver/nvidia/version"},
    {"device_access.nodes", "Which device nodes of the GPU are there?", "ls -l /dev/nvidia*"},
    {"driver_answers.devices", "What is the compute mode of the GPU?", "nvidia-smi -q -d COMPUTE"},
    {"container_engine.worked_before", "Did the GPU work in this container when it was started?", ""},
    {"cuda_libraries.opened", "Which library does TensorFlow fail to load?",
     "TF_CPP_MAX_VLOG_LEVEL=3 python3 -c 'import tensorflow as tf; tf.config.list_physical_devices()' 2>&1 | "
     "grep -i "
     "'could not load'"},
    {"environment.variables", "Which of these variables are set where the program runs?",
     "env | grep -E 'CUDA|NVIDIA|LD_LIBRARY_PATH|XLA|TF_'"},
    {"device_memory.holders", "Which processes hold the GPU's memory?",
     "nvidia-smi --query-compute-apps=pid,name,used_memory --format=csv"},
    {"tensorflow.version", "Which TensorFlow is it?",
     "python3 -c 'import tensorflow as tf; print(tf.__version__)'"},
};

}  // namespace

std::vector<Ask> NextQuestions(const Diagnosis& diagnosis) {
  // Every fact that an open cause misses, the one that most open causes miss first.
  std::vector<Ask> asks;
  for (const Finding& finding : diagnosis.causes) {
    if (finding.holds) continue;
    for (const Need& need : finding.needs) {
      auto same =
          std::find_if(asks.begin(), asks.end(), [&](const Ask& ask) { return ask.key == need.fact; });
      if (same == asks.end()) {
        const auto* wording = std::find_if(std::begin(kWordings), std::end(kWordings),
                                           [&](const Wording& w) { return w.fact == need.fact; });
        asks.push_back(
            wording == std::end(kWordings)
                ? Ask{need.fact, "What is the " + need.words + "?", "", {}}
                : Ask{need.fact, std::string(wording->question), std::string(wording->command), {}});
        same = std::prev(asks.end());
      }
      same->separates.emplace_back(finding.rule->id);
    }
  }
  std::stable_sort(asks.begin(), asks.end(),
                   [](const Ask& a, const Ask& b) { return a.separates.size() > b.separates.size(); });
  if (asks.size() > 3) asks.resize(3);
  return asks;
}

std::string FirstParagraph(std::string_view page) {
  std::vector<std::string> words;
  for (std::string_view line : SplitLines(page)) {
    line = Trim(line);
    if (line.starts_with('#') || line.empty()) {
      if (!words.empty()) break;
      continue;
    }
    words.emplace_back(line);
  }
  return Join(words, " ");
}

}  // namespace tfdoctor
