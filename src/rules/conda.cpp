#include "rules/conda.h"

#include "base/text.h"
#include "rules/common.h"

namespace tfdoctor {

CondaBuild FindCondaTensorFlow(const Facts& facts) {
  const auto* packages = facts.python.conda.Get();
  if (packages == nullptr) return {};
  // What pip installed over it is not conda's.
  const auto* distributions = facts.python.distributions.Get();
  if (distributions == nullptr) return {};
  auto distribution = distributions->find("tensorflow");
  if (distribution != distributions->end()) {
    const std::string* installer = distribution->second.installer.Get();
    if (installer != nullptr && *installer != "conda") return {};
  }
  for (const char* name : {"tensorflow-base", "tensorflow", "tensorflow-gpu", "tensorflow-cpu"}) {
    auto found = packages->find(name);
    if (found == packages->end()) continue;
    const std::string* build = found->second.build.Get();
    if (build != nullptr) return {&found->second, name, *build};
  }
  return {};
}

bool SaysCuda(std::string_view build) { return build.starts_with("cuda") || build.starts_with("gpu"); }

Fix InstallCondaCuda(const CondaBuild& build) {
  const std::string* version = build.package->version.Peek();
  std::string wanted = "tensorflow=" + (version == nullptr ? std::string("*") : *version) + "=cuda*";
  return Advice("Ask conda for a build with CUDA by name",
                {"conda install -c conda-forge --override-channels " + ShellQuote(wanted)});
}

}  // namespace tfdoctor
