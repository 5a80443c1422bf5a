// What the project in the working folder wants of TensorFlow. Looked for only where none is installed: then
// it says which one is missing.
#include "python/project.h"

#include "base/text.h"
#include "probes/found.h"
#include "probes/probes.h"
#include "python/path.h"

namespace tfdoctor {

namespace {

MarkerVariables Here(const Facts& facts) {
  const std::string* machine = facts.host.machine.Peek();
  const std::string* python = facts.python.version.Peek();
  return MarkersOnLinux(machine == nullptr ? "" : *machine, python == nullptr ? "" : *python);
}

}  // namespace

void ProbeProject(const System& system, const Knowledge& knowledge, const Question& question, Facts& facts) {
  using Wanted = Fact<std::map<std::string, WantedTensorFlow>>;
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
  ProjectRequirements found =
      WhatApplies(ReadProject(system, folder, knowledge.TensorFlowDistributions()), Here(facts));
  std::map<std::string, WantedTensorFlow> wanted;
  for (const ProjectRequirement& requirement : found.requirements) {
    const Origin from{Witness::kMachine, requirement.where};
    // One list of a pyproject.toml may have several.
    std::string key = requirement.where;
    for (int i = 2; wanted.contains(key); ++i) key = requirement.where + " (" + std::to_string(i) + ")";
    const std::string& condition = requirement.only.empty() ? requirement.marker : requirement.only;
    wanted[key] = {condition.empty()
                       ? Fact<std::string>::Value(requirement.requirement, from)
                       : Fact<std::string>::Unknown("whether " + requirement.requirement +
                                                        " counts hangs on " + Printable(condition, 200),
                                                    from),
                   Fact<bool>::Value(requirement.locked, from)};
  }
  project.wanted = Wanted::Value(std::move(wanted), origin);
  project.unread = List::Value(std::move(found.unread), origin);
}

}  // namespace tfdoctor
