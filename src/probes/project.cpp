// What the project in the working folder wants of TensorFlow. Looked for only where none is installed: then
// it says which one is missing.
#include "python/project.h"

#include "probes/probes.h"
#include "python/path.h"

namespace tfdoctor {

void ProbeProject(const System& system, const Knowledge& knowledge, const Question& question, Facts& facts) {
  using Wanted = Fact<std::map<std::string, WantedTensorFlow>>;
  using List = Fact<std::vector<std::string>>;
  Project& project = facts.project;
  const auto* installed = facts.tensorflow.installed.Peek();
  if (installed != nullptr && !installed->empty()) {
    const Origin origin{Witness::kMachine, "not looked for, since this Python has TensorFlow"};
    project.wanted = Wanted::Absent(origin);
    project.unread = List::Absent(origin);
    return;
  }
  std::string folder = question.script.empty() ? system.WorkingDirectory() : DirName(question.script);
  const Origin origin{Witness::kMachine, folder};
  ProjectRequirements found = ReadProject(system, folder, knowledge.TensorFlowDistributions());
  std::map<std::string, WantedTensorFlow> wanted;
  for (const ProjectRequirement& requirement : found.requirements) {
    const Origin from{Witness::kMachine, requirement.where};
    wanted[requirement.where] = {Fact<std::string>::Value(requirement.requirement, from),
                                 Fact<bool>::Value(requirement.locked, from)};
  }
  project.wanted = Wanted::Value(std::move(wanted), origin);
  project.unread = List::Value(std::move(found.unread), origin);
}

}  // namespace tfdoctor
