#include "probes/probes.h"

namespace tfdoctor {

namespace {

template <class T>
void Doubt(const std::string& why, Fact<T>& fact) {
  if (fact.Peek() == nullptr) fact = Fact<T>::Unknown(why, fact.origin());
}

// An image gets the driver's libraries from the machine that runs it.
void Doubt(const std::string& why, Library& library) {
  if (library.path.state() != FactState::kAbsent) return;
  const Origin origin = library.path.origin();
  Library::Describe(library, [&](const char*, auto& field, const char*) {
    field = std::remove_cvref_t<decltype(field)>::Unknown(why, origin);
  });
}

bool HasNvidia(const std::map<std::string, Gpu>& gpus) {
  for (const auto& [address, gpu] : gpus) {
    if (const std::string* vendor = gpu.vendor.Peek(); vendor != nullptr && *vendor == "NVIDIA") return true;
  }
  return false;
}

}  // namespace

void ProbeNotRunning(const System& system, const Knowledge&, const Question& question, Facts& facts) {
  const std::string why = system.NotRunning();
  if (why.empty()) return;
  Host& host = facts.host;
  const std::initializer_list<Fact<std::string>*> of_machine = {&host.hypervisor, &host.container, &host.wsl,
                                                                &host.runtime};
  if (!question.assumed_gpus.empty()) {
    // A plain machine with that GPU.
    for (Fact<std::string>* fact : of_machine) {
      if (fact->Peek() == nullptr) *fact = Fact<std::string>::Absent({Witness::kStated, "--assume"});
    }
    return;
  }
  using Gpus = Fact<std::map<std::string, Gpu>>;
  if (const auto* gpus = facts.gpus.Peek(); gpus == nullptr || !HasNvidia(*gpus))
    facts.gpus = Gpus::Unknown(why, facts.gpus.origin());
  using Nodes = Fact<std::map<std::string, DeviceNode>>;
  if (const auto* nodes = facts.device_access.nodes.Peek(); nodes == nullptr || nodes->empty())
    facts.device_access.nodes = Nodes::Unknown(why, facts.device_access.nodes.origin());
  for (Fact<std::string>* fact : of_machine) Doubt(why, *fact);
  Doubt(why, facts.kernel_driver.version);
  Doubt(why, facts.kernel_driver.flavour);
  Doubt(why, facts.kernel_driver.installed_version);
  Doubt(why, facts.driver_library.cuda);
  Doubt(why, facts.driver_library.nvml);
}

}  // namespace tfdoctor
