#include "base/text.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

// The GPU is used and nothing fails: what is left is how it is used, or how it looks.
bool Works(const LogStory& story) {
  return !story.trouble && (story.Yes("gpu_used") || story.gpu_registered);
}

void Misread(Signs& s) {
  const LogStory& story = s.story;
  s.States(Works(story) && (story.Yes("gpu_memory_used") || StatedAnywhere(story, "task manager")),
           "gpu_memory_used", "the GPU's memory is in use, so TensorFlow has it", kDecisive);
}

void TooSmall(Signs& s) {
  const LogStory& story = s.story;
  s.States(Works(story) && story.Stated("batch_size") == "1", "batch_size", "a batch of one", kDecisive);
  s.States(Works(story) && story.Yes("gpu_used") && story.Stated("batch_size").empty(), "gpu_used",
           "the GPU is used; small work does not keep it busy", kWeak);
}

void InputPipeline(Signs& s) {
  s.Proves("input-pipeline");
  s.States(Works(s.story) && s.story.Yes("gpu_used"), "gpu_used", "the GPU is used and may wait for data",
           kWeak);
}

void WrongDevice(Signs& s) {
  s.States(Works(s.story) && StatedAnywhere(s.story, "input on gpu"), "model", "the input is on the GPU",
           kStrong);
}

void Retracing(Signs& s) { s.Proves("retracing").Speaks("slow-compile", kStrong); }

void Rnn(Signs& s) {
  const LogStory& story = s.story;
  s.Proves("rnn-criteria");
  const std::string dropout = story.Stated("recurrent_dropout");
  s.StatesProof(!dropout.empty() && dropout != "0" && dropout != "0.0", "recurrent_dropout",
                "recurrent_dropout=" + dropout + " excludes cuDNN's kernel");
}

void Mixed(Signs& s) { s.Proves("mixed-precision-slow"); }

constexpr LogRule kRules[] = {
    {"monitoring-misread", Misread},
    {"workload-too-small", TooSmall},
    {"input-pipeline-bottleneck", InputPipeline},
    {"input-on-wrong-device", WrongDevice},
    {"retracing-or-recompilation", Retracing},
    {"rnn-not-using-cudnn", Rnn},
    {"mixed-precision-no-speedup", Mixed},
};

}  // namespace

namespace rules {
extern const std::span<const LogRule> kLog_utilisation;
const std::span<const LogRule> kLog_utilisation = kRules;
}  // namespace rules

}  // namespace tfdoctor
