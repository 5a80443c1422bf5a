#include "base/text.h"
#include "rules/logs.h"

namespace tfdoctor {

namespace {

void Visible(Signs& s) {
  const LogStory& story = s.story;
  const auto* variables = story.facts.environment.variables.Peek();
  const Fact<std::string>* stated = nullptr;
  if (variables != nullptr && variables->contains("CUDA_VISIBLE_DEVICES"))
    stated = &variables->at("CUDA_VISIBLE_DEVICES");
  if (stated != nullptr && stated->Peek() != nullptr) {
    // What the driver makes of the value, the rule of the machine says; that no device is left, the log.
    const std::string& value = *stated->Peek();
    s.States(NoDevice(story) && value != "0" && value != "all", "CUDA_VISIBLE_DEVICES",
             "CUDA_VISIBLE_DEVICES=" + value + ", and the driver shows no device", kDecisive);
    return;
  }
  if (story.Saw("cuda-no-device") && !story.wsl) {
    s.Speaks("cuda-no-device", kWeak);
    s.Speaks("versions-match", kStrong);
    s.That(story.smi_works, "nvidia-smi sees a GPU, and the program none", kStrong);
    s.Wants(story.facts.environment.variables);
  }
}

void XlaFlags(Signs& s) { s.Proves("xla-flags-unknown").Proves("xla-flag-value"); }
void Variable(Signs& s) { s.Proves("variable-not-parsed").Proves("allocator-unsupported"); }
void AfterInitialisation(Signs& s) { s.Proves("devices-initialised"); }
void NotUniform(Signs& s) { s.Proves("growth-differs"); }

void Unavailable(Signs& s) {
  const LogStory& story = s.story;
  // Where something else keeps the GPU away, this is what follows.
  const bool other = story.cuinit_failed || LibrariesFail(story) || NoDevice(story) ||
                     MissesDriverLibrary(story) ||
                     story.SawAny({"no-gpu-kernel", "gpu-ignored-cc", "cudaget-failed"});
  if (other) return;
  const bool list = !story.Field("device-unavailable", "list").empty();
  if (list) {
    s.Proves("device-unavailable");
  } else {
    s.Speaks("device-unavailable", kStrong);
  }
}

void Backend(Signs& s) {
  const LogStory& story = s.story;
  const std::string backend = Lower(story.Field("keras-backend", "backend"));
  if (backend == "theano" || backend == "cntk" || backend == "jax" || backend == "torch" ||
      backend == "pytorch")
    s.Proves("keras-backend");
}

void ProgramHides(Signs& s) {
  const LogStory& story = s.story;
  s.States(StatedAnywhere(story, "set_visible_devices([]") || StatedAnywhere(story, "tf.device('/cpu:0')"),
           "check", "the program itself turns the GPU away", kDecisive);
}

constexpr LogRule kRules[] = {
    {"cuda-visible-devices", Visible},         {"xla-flags-invalid", XlaFlags},
    {"tensorflow-variable-invalid", Variable}, {"gpu-config-after-initialisation", AfterInitialisation},
    {"memory-growth-not-uniform", NotUniform}, {"explicit-device-unavailable", Unavailable},
    {"keras-backend-not-tensorflow", Backend}, {"program-hides-gpu", ProgramHides},
};

}  // namespace

namespace rules {
extern const std::span<const LogRule> kLog_visibility;
const std::span<const LogRule> kLog_visibility = kRules;
}  // namespace rules

}  // namespace tfdoctor
