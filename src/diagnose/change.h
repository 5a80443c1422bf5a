// What a repair changes in the machine, as plain data. src/plan/ lays it over the machine and probes again.
#pragma once

#include <string>
#include <variant>

namespace tfdoctor {

struct SetVariable {
  std::string name;
  std::string value;
};
struct UnsetVariable {
  std::string name;
};
// pip installs a distribution into this site-packages folder, in place of any other version.
struct InstallDistribution {
  std::string folder;
  std::string name;
  std::string version;
};
struct RemoveDistribution {
  std::string folder;
  std::string name;
};
struct AddSymlink {
  std::string path;
  std::string target;
};
struct RemoveFile {
  std::string path;
};

using Change =
    std::variant<SetVariable, UnsetVariable, InstallDistribution, RemoveDistribution, AddSymlink, RemoveFile>;

}  // namespace tfdoctor
