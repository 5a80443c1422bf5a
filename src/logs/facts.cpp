#include "logs/facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/text.h"
#include "facts/json.h"
#include "logs/prose.h"

namespace tfdoctor {

namespace {

Origin AtLine(uint64_t line) { return {Witness::kLog, fmt::format("line {}", line)}; }

// The file name of a library in a word of a sentence: "(libcudnn.so.7)," -> "libcudnn.so.7"; empty: it is
// none that CUDA or the driver has.
std::string_view LibraryIn(std::string_view word) {
  const size_t begin =
      std::min({word.find("lib"), word.find("nvcuda"), word.find("cud"), word.find("cublas"),
                word.find("cufft"), word.find("curand"), word.find("cusolver"), word.find("cusparse")});
  if (begin == word.npos) return {};
  word.remove_prefix(begin);
  word = word.substr(0, word.find_first_of("\"'`,;:()<>[]"));
  while (word.ends_with('.')) word.remove_suffix(1);
  return word.find(".so") + 1 + word.find(".dll") + 1 == 0 ? std::string_view() : word;
}

// Of a library: that it is not found, or does not load. `text` is in small letters.
bool SaysThatItIsMissing(std::string_view text) {
  static constexpr std::string_view kWords[] = {
      "not found",     "not find",       "n't find",        "not able to find", "unable to find",
      "cannot load",   "could not load", "n't load",        "not load",         "failed to load",
      "fails to load", "unable to load", "cannot open",     "could not open",   "n't open",
      "missing",       "misses",         "nowhere",         "does not exist",   "doesn't exist",
      "doesnt exist",  "dont exist",     "don't exist",     "is not there",     "isn't there",
      "no such",       "lacks",          "not be found",    "not be loaded",    "not installed",
      "fails to find", "failed to find", "no longer there", "are not in",       "is not in"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view word) { return text.find(word) != text.npos; });
}

// Whether a line in small letters, with a library's name at this place, shows that it is on the machine: what
// ls, find or ldconfig print, or the words of a person. `next` is the line after it.
bool ShowsThatItIsThere(std::string_view line, size_t at, size_t size, std::string_view next) {
  // What is done, asked or told to be done.
  static constexpr std::string_view kDoes[] = {"ln -",      "cp ",    "mv ",          "export ", "ld_preload",
                                               "rm ",       "import", "find_library", "wget",    "curl",
                                               "make sure", "please", "check ",       "should",  "whether",
                                               " if ",      "?",      "expected"};
  static constexpr std::string_view kThere[] = {" is in ",   " are in ",     " exists",  " exist ",
                                                " is there", " is present",  " located", " is installed",
                                                " lies in ", " is found in", " => /",    " -> ",
                                                " is at ",   " under /",     " in /"};
  const auto any_of = [&](const auto& list) {
    return std::any_of(std::begin(list), std::end(list),
                       [&](std::string_view word) { return line.find(word) != line.npos; });
  };
  if (SaysThatItIsMissing(line) || line.find("error") != line.npos || any_of(kDoes)) return false;
  if (line.find("listdir(") != line.npos || line.find("exists(") != line.npos) return next == "True";
  if (line.starts_with("-rw") || line.starts_with("lrw")) return true;
  const bool path = at > 0 && line[at - 1] == '/' && line.find('/') + 1 < at;
  // A path alone, as find prints it, or the beginning of one that ls was given.
  if (path && SplitWords(line).size() <= 2) return true;
  return any_of(kThere) && line.find_first_not_of(' ', at + size) != line.npos;
}

// Dotted numbers in a text as people write it: "570.133.07 user / 570.124.06 kernel" holds two.
std::vector<std::string> VersionsIn(std::string_view text) {
  std::vector<std::string> versions;
  for (size_t i = 0; i < text.size();) {
    if (text[i] < '0' || text[i] > '9') {
      i++;
      continue;
    }
    size_t end = i;
    while (end < text.size() && ((text[end] >= '0' && text[end] <= '9') || text[end] == '.')) end++;
    std::string version(text.substr(i, end - i));
    while (version.ends_with('.')) version.pop_back();
    const bool word = i > 0 && (std::isalpha(static_cast<unsigned char>(text[i - 1])) != 0);
    if (!word && !version.empty() && std::find(versions.begin(), versions.end(), version) == versions.end())
      versions.push_back(version);
    i = end;
  }
  return versions;
}

// "2x RTX 3080", "H100, L40S", "RTX 5080 Laptop 16GB", "GTX 1050 (per kernel log)": the names alone.
std::vector<std::string> GpuNamesIn(std::string_view text) {
  std::string plain;
  int depth = 0;
  for (char c : text) {
    if (c == '(') depth++;
    if (depth == 0) plain += c == '/' || c == ';' ? ',' : c;
    if (c == ')' && depth > 0) depth--;
  }
  std::vector<std::string> names;
  for (const std::string& part : Split(plain, ',')) {
    std::vector<std::string> words;
    for (std::string_view word : SplitWords(part)) {
      std::string lower = Lower(word);
      const auto digit_at = [&](size_t at) {
        return at < lower.size() && std::isdigit(static_cast<unsigned char>(lower[at])) != 0;
      };
      // "2xRTX"
      if (digit_at(0) && lower.size() > 2 && lower[1] == 'x' && !digit_at(2)) {
        word.remove_prefix(2);
        lower.erase(0, 2);
      }
      const bool number = word.find_first_not_of("0123456789") == word.npos;
      const bool times = lower == "x" || (lower.ends_with('x') && lower.size() <= 3 && digit_at(0));
      if (times || lower == "laptop" || lower == "gpu" || lower == "mobile") continue;
      if (lower == "gb" || lower == "gib") {  // "16 GB"
        if (!words.empty() && words.back().find_first_not_of("0123456789") == std::string::npos)
          words.pop_back();
        continue;
      }
      if ((lower.ends_with("gb") || lower.ends_with("gib")) && digit_at(0)) continue;
      if (lower.find_first_not_of("0123456789") == lower.size() - 1 && lower.ends_with('g'))
        continue;                                                                                // "11g"
      if (number && words.empty() && part.find('x') != part.npos && word.size() <= 2) continue;  // "4 x P100"
      words.emplace_back(word);
    }
    if (!words.empty()) names.push_back(Join(words, " "));
  }
  return names;
}

class Filler {
 public:
  Filler(const LogReading& reading, const Statements& statements, const Knowledge& knowledge, Facts& facts)
      : reading_(reading),
        statements_(statements),
        knowledge_(knowledge),
        facts_(facts),
        judged_(reading.Judged()) {}

  void Messages(bool alone) {
    std::map<std::string, SeenMessage> seen;
    auto take = [&](const std::map<std::string_view, LogMessage>& messages) {
      for (const auto& [id, message] : messages) {
        SeenMessage& entry = seen[std::string(id)];
        entry.text = Fact<std::string>::Value(message.text, AtLine(message.line));
        entry.fields = Fact<std::map<std::string, std::vector<std::string>>>::Value(message.fields,
                                                                                    AtLine(message.line));
      }
    };
    take(reading_.machine);
    if (judged_ != nullptr) take(judged_->messages);
    TakeQuoted(seen);
    TakeMissingLibraries(seen);
    TakeFoundLibraries(seen);
    TakeSayings(seen);
    const Origin log{Witness::kLog, "the log"};
    facts_.log.seen = Fact<std::map<std::string, SeenMessage>>::Value(std::move(seen), log);
    facts_.log.alone = Fact<bool>::Value(alone, log);
    facts_.log.unread = reading_.unread.empty() ? Fact<std::string>::Absent(log)
                                                : Fact<std::string>::Value(reading_.unread, log);
    const bool starts = Find("cpu-features") != nullptr || Find("onednn-on") != nullptr ||
                        Find("only-cpu-listed") != nullptr || Find("device-listed") != nullptr;
    facts_.log.covers_start = Fact<bool>::Value(starts, log);
    const LogMessage* gpu = Find("device-created");
    if (gpu == nullptr) gpu = Find("device-listed");
    facts_.log.gpu_registered = Fact<bool>::Value(gpu != nullptr, gpu == nullptr ? log : AtLine(gpu->line));
    std::map<std::string, std::string> stated = statements_.values;
    // A list of packages in the log says what one that is stated says.
    if (std::string list = PackageList(); !list.empty()) stated.try_emplace("pip_list", std::move(list));
    facts_.log.stated = Fact<std::map<std::string, std::string>>::Value(std::move(stated),
                                                                        {Witness::kStated, "what is stated"});
  }

  void Driver() {
    const LogMessage* versions = Find("versions-differ");
    if (versions == nullptr) versions = Find("api-mismatch");
    if (versions != nullptr) {
      Set(facts_.kernel_driver.version, Field(versions, "module"), AtLine(versions->line));
      Set(facts_.driver_library.cuda.version, Field(versions, "library"), AtLine(versions->line));
    }
    for (const char* id : {"version-file", "kernel-reported", "versions-match", "smi-table"}) {
      const LogMessage* message = Find(id);
      if (message == nullptr) continue;
      const std::string version = Field(message, id == std::string_view("smi-table") ? "driver" : "version");
      if (!version.empty()) Set(facts_.kernel_driver.version, version, AtLine(message->line));
    }
    if (const LogMessage* message = Find("libcuda-reported"))
      Set(facts_.driver_library.cuda.version, Field(message, "version"), AtLine(message->line));
    const std::vector<std::string> stated = VersionsIn(Stated("driver"));
    // Two versions: what is what, only the words tell.
    if (stated.size() == 1 && MajorVersion(stated[0]) >= 100 && Native())
      Set(facts_.kernel_driver.version, stated[0], {Witness::kStated, "stated: driver"});
  }

  void Gpus() {
    std::map<std::string, Gpu> gpus;
    auto add = [&](const std::string& key, const std::string& name, std::string cc, const Origin& origin) {
      Gpu& gpu = gpus[key];
      gpu.vendor = Fact<std::string>::Value("NVIDIA", origin);
      if (!name.empty()) gpu.name = Fact<std::string>::Value(name, origin);
      Result<GpuModel> model = knowledge_.FindGpuByName(cc.empty() ? name : cc);
      if (cc.empty() && model) cc = model->compute_capability;
      if (!cc.empty()) gpu.compute_capability = Fact<std::string>::Value(cc, origin);
      if (model && !model->architecture.empty())
        gpu.architecture = Fact<std::string>::Value(model->architecture, origin);
    };
    for (const char* id : {"device-created", "found-device"}) {
      const LogMessage* message = Find(id);
      if (message == nullptr || !gpus.empty()) continue;
      std::string cc = Field(message, "cc");
      if (cc.empty() && !Field(message, "major").empty())
        cc = Field(message, "major") + "." + Field(message, "minor");
      add("log", Field(message, "name"), cc, AtLine(message->line));
    }
    const std::vector<std::string> cc = VersionsIn(Stated("compute_capability"));
    std::string name = Stated("gpu");
    for (const std::string& one : GpuNamesIn(name)) {
      if (!knowledge_.FindGpuByName(one).ok()) continue;
      name = one;
      break;
    }
    const std::string capability =
        cc.size() == 1 && cc[0].find('.') != std::string::npos && Stated("compute_capability") == cc[0]
            ? cc[0]
            : std::string();
    if (gpus.empty() && (!capability.empty() || knowledge_.FindGpuByName(name).ok()))
      add("stated", name, capability, {Witness::kStated, "stated: gpu"});
    if (gpus.empty()) return;
    const Origin origin = gpus.begin()->second.vendor.origin();
    facts_.gpus.Add(Fact<std::map<std::string, Gpu>>::Value(std::move(gpus), origin));
  }

  void Host() {
    const std::string os = Lower(Stated("os"));
    const Origin stated{Witness::kStated, "stated: os"};
    if (const LogMessage* message = Find("wsl1-kernel")) Set(facts_.host.wsl, "1", AtLine(message->line));
    if (os.find("wsl") != os.npos || Stated("wsl") == "true")
      Set(facts_.host.wsl, os.find("wsl1") != os.npos || os.find("wsl 1") != os.npos ? "1" : "2", stated);
    if (os.find("aarch64") != os.npos || os.find("arm64") != os.npos || Stated("machine") == "aarch64" ||
        Stated("arch") == "aarch64")
      Set(facts_.host.machine, "aarch64", stated);
    if (const LogMessage* message = Find("uname")) Set(facts_.host.machine, "aarch64", AtLine(message->line));
    if (!Stated("kernel").empty())
      Set(facts_.host.kernel, Stated("kernel"), {Witness::kStated, "stated: kernel"});
    const std::string engine = Lower(Stated("container_engine") + " " + Stated("install_method"));
    const bool container = Stated("container") == "true" || engine.find("docker") != engine.npos ||
                           engine.find("podman") != engine.npos;
    if (!container) return;
    const char* name = engine.find("apptainer") != engine.npos     ? "apptainer"
                       : engine.find("singularity") != engine.npos ? "singularity"
                       : engine.find("podman") != engine.npos      ? "podman"
                       : Stated("kubernetes") == "true"            ? "kubernetes"
                                                                   : "docker";
    Set(facts_.host.container, name, {Witness::kStated, "stated: container"});
  }

  void Software() {
    const std::vector<std::string> tensorflow = VersionsIn(Stated("tf_version"));
    if (tensorflow.size() == 1 && !IsDate(tensorflow[0]))
      Set(facts_.tensorflow.version, tensorflow[0], {Witness::kStated, "stated: tf_version"});
    const std::vector<std::string> python = VersionsIn(Stated("python"));
    if (python.size() == 1) Set(facts_.python.version, python[0], {Witness::kStated, "stated: python"});
    if (auto found = reading_.packages.find("tensorflow"); found != reading_.packages.end())
      Set(facts_.tensorflow.version, found->second, AtLine(reading_.package_lines.at("tensorflow")));
    TakeInstalledTogether();
    if (const LogMessage* message = Find("built-with-cuda-false"))
      facts_.tensorflow.cuda_build.Add(Fact<bool>::Value(false, AtLine(message->line)));
  }

  void Variables() {
    std::map<std::string, Fact<std::string>> variables;
    for (const std::string& name : EnvironmentNames()) {
      auto found = statements_.values.find(Lower(name));
      if (found == statements_.values.end()) continue;
      // "empty in the worker processes": not what the program itself has.
      const std::string value = Lower(Trim(found->second));
      // "1 for the actors": words about it.
      const bool words = name == "CUDA_VISIBLE_DEVICES" && SplitWords(value).size() > 2 &&
                         std::isdigit(static_cast<unsigned char>(value[0])) != 0;
      if (words || value.find("worker") != value.npos) continue;
      const bool unset = value.find("unset") != value.npos || value.find("not set") != value.npos;
      if (unset) continue;
      taken_.insert(found->first);
      variables[name] = Fact<std::string>::Value(found->second, {Witness::kStated, "stated: " + name});
    }
    // What a shell, a batch system or TensorFlow itself prints; of several values nobody knows which one
    // held.
    if (const LogMessage* message = Find("visible-devices"); message != nullptr && variables.empty()) {
      const auto values = message->fields.find("value");
      if (values != message->fields.end() && values->second.size() == 1 &&
          !values->second[0].starts_with('$'))
        variables["CUDA_VISIBLE_DEVICES"] =
            Fact<std::string>::Value(values->second[0], AtLine(message->line));
    }
    if (variables.empty()) return;
    const Origin origin = variables.begin()->second.origin();
    facts_.environment.variables.Add(
        Fact<std::map<std::string, Fact<std::string>>>::Value(std::move(variables), origin));
  }

  void Answers() {
    // The forms are our data's own.
    for (const auto& [name, json] : statements_.facts)
      StateFact(facts_, name, nlohmann::ordered_json::parse(json, nullptr, false));
  }

  // Keys of statements that were of use.
  const std::set<std::string>& taken() const { return taken_; }

 private:
  // What people state is often what a program printed: "nvidia-smi": "No devices were found". The log comes
  // first.
  void TakeQuoted(std::map<std::string, SeenMessage>& seen) {
    std::string text;
    std::vector<const std::string*> keys;  // of each line
    for (const auto& [key, value] : statements_.values) {
      // "error": "804 when CUDA is initialised"
      const std::string first(value.substr(0, value.find_first_not_of("0123456789")));
      if (key.find("error") != key.npos && first.size() == 3) {
        for (const ErrorRow& error : knowledge_.Errors()) {
          if (error.library != "CUDA driver" || std::to_string(error.number) != first) continue;
          text += std::string(error.name) + "\n";
          keys.push_back(&key);
        }
      }
      for (const std::string_view line : SplitLines(value)) {
        text += std::string(line) + "\n";
        keys.push_back(&key);
      }
    }
    if (text.empty()) return;
    const LogReading quoted = ReadLog(text, knowledge_, false);
    const auto take = [&](const std::map<std::string_view, LogMessage>& messages) {
      for (const auto& [id, message] : messages) {
        if (message.line == 0 || message.line > keys.size() || seen.contains(std::string(id))) continue;
        taken_.insert(*keys[message.line - 1]);
        const Origin origin{Witness::kStated, "stated: " + *keys[message.line - 1]};
        SeenMessage& entry = seen[std::string(id)];
        entry.text = Fact<std::string>::Value(statements_.values.at(*keys[message.line - 1]), origin);
        entry.fields = Fact<std::map<std::string, std::vector<std::string>>>::Value(message.fields, origin);
      }
    };
    take(quoted.machine);
    for (const Attempt& attempt : quoted.attempts) take(attempt.messages);
  }
  // What was given in words; of a log the sentences between what programs printed.
  std::vector<std::string_view> OwnWords() const {
    if (!reading_.own_words.empty()) return {reading_.own_words};
    std::vector<std::string_view> words;
    for (const std::string& part : {std::cref(reading_.unread), std::cref(reading_.remarks)}) {
      for (const std::string_view line : SplitLines(part)) {
        if (IsSentence(line)) words.push_back(line);
      }
    }
    return words;
  }
  // What somebody says says what a list of the packages says.
  void TakeInstalledTogether() {
    if (!PackageList().empty()) return;
    const std::vector<std::string> known = knowledge_.TensorFlowDistributions();
    const auto take = [&](std::string_view text, const Origin& origin) {
      std::map<std::string, std::string> found = InstalledTogether(text, known);
      if (found.empty()) return false;
      facts_.tensorflow.installed.Add(
          Fact<std::map<std::string, std::string>>::Value(std::move(found), origin));
      return true;
    };
    const Origin said{Witness::kStated, "the text"};
    if (take(reading_.own_words, said) || take(reading_.unread, said)) return;
    for (const auto& [key, value] : statements_.values) {
      if (!take(key + " " + value, {Witness::kStated, "stated: " + key})) continue;
      taken_.insert(key);
      return;
    }
  }
  // "libcublas.so.10": "not found in /usr/local/cuda"; "it is not able to find libcudnn.so.7".
  void TakeMissingLibraries(std::map<std::string, SeenMessage>& seen) {
    SeenMessage missing;
    std::vector<std::string> libraries;
    const auto take = [&](std::string_view words, const std::string& text, const Origin& origin) {
      bool any = false;
      for (std::string_view word : SplitWords(words)) {
        const std::string_view name = LibraryIn(word);
        // Of the driver's own library the rules read the sentence.
        if (name.empty() || name.starts_with("libcuda.") || name.starts_with("nvcuda")) continue;
        any = true;
        libraries.emplace_back(name);
        missing.text = Fact<std::string>::Value(text, origin);
      }
      return any;
    };
    for (const auto& [key, value] : statements_.values) {
      const Origin origin{Witness::kStated, "stated: " + key};
      bool any = SaysThatItIsMissing(Lower(value)) && take(key, key + ": " + value, origin);
      for (const std::string& clause : Clauses(value)) {
        if (SaysThatItIsMissing(Lower(clause)) && take(clause, value, origin)) any = true;
      }
      if (any) taken_.insert(key);
    }
    for (const std::string_view words : OwnWords()) {
      for (const std::string& clause : Clauses(words)) {
        if (SaysThatItIsMissing(Lower(clause))) take(clause, clause, {Witness::kStated, "the text"});
      }
    }
    if (libraries.empty() || seen.contains("library-not-loaded")) return;
    missing.fields = Fact<std::map<std::string, std::vector<std::string>>>::Value({{"library", libraries}},
                                                                                  missing.text.origin());
    seen.emplace("library-not-loaded", std::move(missing));
  }
  // Of a library that is not found: a line that shows that it is there.
  // "/usr/local/cuda/lib64/libcublas.so.9.0", "lrwxrwxrwx … libcudnn.so.8 -> libcudnn.so.8.1.0",
  // "libcudart.so.10.0 is in /usr/local/cuda-10.0/lib64".
  void TakeFoundLibraries(std::map<std::string, SeenMessage>& seen) {
    std::vector<std::string> missing;
    for (const char* id : {"library-not-loaded", "import-library", "part-not-found"}) {
      const auto found = seen.find(id);
      const auto* fields = found == seen.end() ? nullptr : found->second.fields.Peek();
      if (fields == nullptr || !fields->contains("library")) continue;
      for (const std::string& library : fields->at("library"))
        missing.push_back(std::string(LibraryIn(library)));
    }
    if (missing.empty()) return;
    const auto take = [&](std::string_view words, std::string_view next, const std::string& text,
                          const Origin& origin) {
      const std::string lower = Lower(words);
      for (const std::string& library : missing) {
        const size_t at = library.empty() ? lower.npos : lower.find(Lower(library));
        if (at == lower.npos || !ShowsThatItIsThere(lower, at, library.size(), next)) continue;
        SeenMessage& there = seen["says-library-is-there"];
        there.text = Fact<std::string>::Value(text, origin);
        there.fields =
            Fact<std::map<std::string, std::vector<std::string>>>::Value({{"library", {library}}}, origin);
        return true;
      }
      return false;
    };
    const std::vector<std::string_view> lines = SplitLines(reading_.unread);
    for (size_t i = 0; i < lines.size(); i++) {
      if (take(lines[i], i + 1 < lines.size() ? Trim(lines[i + 1]) : "", std::string(lines[i]),
               {Witness::kLog, "the text"}))
        return;
    }
    for (const auto& [key, value] : statements_.values) {
      for (const std::string& clause : Clauses(value)) {
        if (!take(clause, "", value, {Witness::kStated, "stated: " + key})) continue;
        taken_.insert(key);
        return;
      }
    }
  }
  void TakeSayings(std::map<std::string, SeenMessage>& seen) {
    const std::vector<SayingRow> sayings = knowledge_.Sayings();
    const auto take = [&](const Said& said, std::string text, const Origin& origin) {
      seen[said.id].text = Fact<std::string>::Value(std::move(text), origin);
      if (said.id == "says-worked-before")
        facts_.container_engine.worked_before.Add(Fact<bool>::Value(true, origin));
    };
    // Each of somebody's own clauses speaks of one thing, as a statement does; groups of words may stand in
    // several clauses of a sentence.
    const auto take_clauses = [&](std::string_view text) {
      std::map<std::string, std::string> clauses;
      for (const std::string& clause : Clauses(text)) clauses.emplace(Lower(clause), "true");
      std::vector<Said> said = SayingsIn(clauses, sayings);
      for (Said& of_whole : GroupsIn(text, sayings)) said.push_back(std::move(of_whole));
      for (const Said& one : said) take(one, std::string(text), {Witness::kStated, "the text"});
    };
    for (const std::string_view words : OwnWords()) take_clauses(words);
    for (const Said& said : SayingsIn(statements_.values, sayings)) {
      taken_.insert(said.key);
      take(said, said.text, {Witness::kStated, "stated: " + said.key});
    }
  }
  const LogMessage* Find(std::string_view id) const {
    auto found = reading_.machine.find(id);
    if (found != reading_.machine.end()) return &found->second;
    if (judged_ == nullptr) return nullptr;
    auto of_attempt = judged_->messages.find(id);
    return of_attempt == judged_->messages.end() ? nullptr : &of_attempt->second;
  }
  static std::string Field(const LogMessage* message, const std::string& name) {
    auto found = message->fields.find(name);
    return found == message->fields.end() || found->second.empty() ? std::string() : found->second.back();
  }
  // "tensorflow 2.17.0; numpy 1.26.4"; empty: a single package is no list.
  std::string PackageList() const {
    const auto& packages = reading_.packages;
    const bool tensorflow = std::any_of(packages.begin(), packages.end(), [](const auto& package) {
      return package.first.starts_with("tensorflow");
    });
    if (!tensorflow || packages.size() < 2) return {};
    std::vector<std::string> list;
    for (const auto& [name, version] : packages) {
      // conda's package of this name has no files: it asks for a build of tensorflow with CUDA.
      if (name == "tensorflow-gpu" && reading_.builds.contains(name)) continue;
      list.push_back(name + " " + version);
    }
    return Join(list, "; ");
  }
  std::string Stated(const std::string& key) {
    auto found = statements_.values.find(key);
    if (found == statements_.values.end()) return {};
    taken_.insert(key);
    return found->second;
  }
  // A Linux driver: Windows counts its versions differently.
  bool Native() {
    const std::string os = Lower(Stated("os"));
    return os.find("windows") == os.npos && os.find("wsl") == os.npos && os.find("mac") == os.npos;
  }
  static void Set(Fact<std::string>& fact, std::string value, Origin origin) {
    if (!value.empty()) fact.Add(Fact<std::string>::Value(std::move(value), std::move(origin)));
  }

  const LogReading& reading_;
  const Statements& statements_;
  const Knowledge& knowledge_;
  Facts& facts_;
  const Attempt* judged_;
  std::set<std::string> taken_;
};

}  // namespace

std::set<std::string> AddLog(const LogReading& reading, const Statements& statements,
                             const Knowledge& knowledge, bool alone, Facts& facts) {
  // What is stated beside the log wins over what is stated in it.
  Statements all = statements;
  for (const auto& [key, value] : reading.stated) {
    if (!all.values.contains(key)) all.Set(key, value);
  }
  Filler filler(reading, all, knowledge, facts);
  filler.Messages(alone);
  filler.Driver();
  filler.Gpus();
  filler.Host();
  filler.Software();
  filler.Variables();
  filler.Answers();
  return filler.taken();
}

void WithoutLog(Facts& facts) {
  const Origin none{Witness::kMachine, "no log was given"};
  facts.log.seen = Fact<std::map<std::string, SeenMessage>>::Absent(none);
  facts.log.alone = Fact<bool>::Value(false, none);
  facts.log.covers_start = Fact<bool>::Absent(none);
  facts.log.gpu_registered = Fact<bool>::Absent(none);
  facts.log.stated = Fact<std::map<std::string, std::string>>::Absent(none);
  facts.log.unread = Fact<std::string>::Absent(none);
}

}  // namespace tfdoctor
