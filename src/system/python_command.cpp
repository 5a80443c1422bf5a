#include "system/python_command.h"

#include <string_view>

#include "base/text.h"

namespace tfdoctor {

PythonArguments ReadPythonArguments(const System& system, const std::vector<std::string>& words) {
  PythonArguments arguments;
  for (size_t i = 0; i < words.size(); i++) {
    const std::string& word = words[i];
    if (word == "-") return arguments;
    if (word == "-W" || word == "-X") {
      i++;
      continue;
    }
    if (word.starts_with('-')) {
      for (const char letter : word.starts_with("--") ? std::string() : word.substr(1)) {
        if (letter == 'm' || letter == 'c') return arguments;
        if (std::string_view("IEPsS").find(letter) != std::string_view::npos) arguments.flags += letter;
      }
      continue;
    }
    const std::string path = word.starts_with('/') ? word : system.WorkingDirectory() + "/" + word;
    const Result<FileStat> stat = system.Stat(path);
    if (stat.ok() && stat->type == FileType::kRegular) arguments.script = path;
    return arguments;
  }
  return arguments;
}

std::vector<std::string> PlacesOfProgram(const System& system, const std::string& name) {
  if (name.starts_with('/')) return {name};
  if (name.find('/') != std::string::npos) return {system.WorkingDirectory() + "/" + name};
  std::vector<std::string> places;
  if (name.empty() || !system.KnowsVariable("PATH")) return places;
  for (const std::string& folder : Split(system.Env("PATH").value_or("/usr/local/bin:/usr/bin:/bin"), ':')) {
    if (!folder.empty()) places.push_back(folder + "/" + name);
  }
  return places;
}

}  // namespace tfdoctor
