#include "prove/python_stand_in.h"

#include <set>

#include "elf/object.h"
#include "elf/synth.h"

namespace tfdoctor {

Result<std::string> PythonStandIn(const System& system, const std::vector<std::string>& files) {
  constexpr size_t kBytes = 1024;  // more than any object of Python's that a module refers to
  elf::Blueprint library;
  library.soname = "libpython-stand-in.so";
  std::set<std::string> names;
  for (const std::string& file : files) {
    Result<elf::Object> object = elf::ReadObject(system, file);
    if (!object) return object.error();
    library.machine = object->machine;
    Result<std::vector<elf::Symbol>> undefined = elf::UndefinedSymbols(system, file);
    if (!undefined) return undefined.error();
    for (const elf::Symbol& symbol : *undefined) {
      if (symbol.name.starts_with("Py") || symbol.name.starts_with("_Py")) names.insert(symbol.name);
    }
  }
  if (names.empty()) return std::string();
  for (const std::string& name : names) library.exports.push_back({name, "", std::string(kBytes, '\0')});
  return elf::WriteObject(library);
}

}  // namespace tfdoctor
