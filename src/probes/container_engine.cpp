#include "probes/container_engine.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "probes/control_group.h"
#include "probes/found.h"

namespace tfdoctor {

namespace {

using Flag = Fact<bool>;

constexpr size_t kLargestFile = 1 << 20;

// The first of these files that is there.
template <size_t N>
Text FirstFile(const System& system, const char* const (&paths)[N]) {
  std::string unsure;
  for (const char* path : paths) {
    auto there = system.Stat(path);
    if (there.ok()) return Text::Value(path, From(path));
    if (!there.not_found()) unsure = there.error().message;
  }
  return unsure.empty() ? Text::Absent(From(paths[0])) : Text::Unknown(std::move(unsure), From(paths[0]));
}

// "no-cgroups = true"; commented out, as the package has it, it is off.
Flag NoCgroups(const System& system) {
  const std::string path = "/etc/nvidia-container-runtime/config.toml";
  auto text = system.ReadAll(path, kLargestFile);
  if (text.not_found()) return Flag::Absent(From(path));
  if (!text.ok()) return Flag::Unknown(text.error().message, From(path));
  bool on = false;
  for (std::string_view line : SplitLines(*text)) {
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos || Trim(line.substr(0, equals)) != "no-cgroups") continue;
    const std::string_view value = line.substr(equals + 1);
    on = Trim(value.substr(0, value.find('#'))) == "true";
  }
  return Flag::Value(on, From(path));
}

// The version in the file names that a specification lists: "libcuda.so.570.86.15".
std::string DriverOfSpecification(std::string_view text) {
  constexpr std::string_view kLibrary = "libcuda.so.";
  for (size_t at = text.find(kLibrary); at != std::string_view::npos; at = text.find(kLibrary, at + 1)) {
    std::string_view rest = text.substr(at + kLibrary.size(), 32);
    std::string version = FindVersion(rest);
    if (rest.starts_with(version) && version.find('.') != std::string::npos) return version;
  }
  return {};
}

// The folders that engines read, in the order of the CDI specification.
Fact<std::map<std::string, std::string>> Specifications(const System& system) {
  using Specs = Fact<std::map<std::string, std::string>>;
  std::map<std::string, std::string> found;
  for (const char* folder : {"/etc/cdi", "/var/run/cdi"}) {
    auto files = system.List(folder, 1000);
    if (files.not_found()) continue;
    if (!files.ok()) return Specs::Unknown(files.error().message, From(folder));
    for (const DirEntry& file : *files) {
      if (!file.name.ends_with(".yaml") && !file.name.ends_with(".json")) continue;
      const std::string path = std::string(folder) + "/" + file.name;
      auto text = system.ReadAll(path, 8 << 20);
      if (!text.ok()) return Specs::Unknown(text.error().message, From(path));
      if (text->find("nvidia.com/") == std::string::npos) continue;
      found[path] = DriverOfSpecification(*text);
    }
  }
  return Specs::Value(std::move(found), From("/etc/cdi"));
}

// {"currentContext": "desktop-linux"} in the client's own configuration.
Text Context(const System& system) {
  const std::string path = system.Env("HOME").value_or("") + "/.docker/config.json";
  if (auto variable = system.Env("DOCKER_CONTEXT"))
    return Text::Value(Printable(*variable, 100), From("environment variable DOCKER_CONTEXT"));
  auto text = system.ReadAll(path, kLargestFile);
  if (text.not_found()) return Text::Absent(From(path));
  if (!text.ok()) return Text::Unknown(text.error().message, From(path));
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  if (!json.is_object()) return Text::Unknown("it is no JSON object", From(path));
  const auto context = json.find("currentContext");
  if (context == json.end() || !context->is_string()) return Text::Absent(From(path));
  return Text::Value(Printable(context->get<std::string>(), 100), From(path));
}

// On a node of Kubernetes.
Flag NvidiaRuntime(const System& system) {
  static constexpr const char* kFiles[] = {
      "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
      "/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
      "/var/snap/microk8s/current/args/containerd.toml",
      "/etc/containerd/config.toml",
  };
  static constexpr const char* kOfNodes[] = {"/var/lib/kubelet", "/var/lib/rancher"};
  const Text node = FirstFile(system, kOfNodes);
  if (node.state() == FactState::kAbsent) return Flag::Absent(node.origin());
  if (node.Peek() == nullptr) return Flag::Unknown(node.why(), node.origin());
  const Text file = FirstFile(system, kFiles);
  const std::string* path = file.Peek();
  if (path == nullptr) return Flag::Unknown("no configuration of containerd is found", file.origin());
  auto text = system.ReadAll(*path, kLargestFile);
  return text.ok() ? Flag::Value(text->find("nvidia-container-runtime") != std::string::npos, From(*path))
                   : Flag::Unknown(text.error().message, From(*path));
}

}  // namespace

void ReadEngineFromInside(const System& system, ContainerEngine& engine) {
  const std::string path = "/proc/self/mountinfo";
  auto mounts = system.ReadAll(path, 4 << 20);
  if (!mounts.ok()) {
    engine.snap = Flag::Unknown(mounts.error().message, From(path));
    engine.mounted = List::Unknown(mounts.error().message, From(path));
    return;
  }
  engine.snap = Flag::Value(RootIsOfSnap(*mounts), From(path));
  std::vector<std::string> mounted;
  for (std::string_view line : SplitLines(*mounts)) {
    auto words = SplitWords(line);
    if (words.size() < 6 || mounted.size() >= 64) continue;
    if (words[4].find("/libcuda.so.") != std::string_view::npos ||
        words[4].find("/libnvidia-ml.so.") != std::string_view::npos)
      mounted.push_back(Printable(words[4], 300));
  }
  engine.mounted = List::Value(std::move(mounted), From(path));
}

void ReadInstalledEngines(const System& system, ContainerEngine& engine) {
  std::vector<std::string> programs;
  std::string unsure;
  for (const char* path :
       {"/usr/bin/dockerd", "/usr/local/bin/dockerd", "/snap/bin/docker", "/usr/bin/podman"}) {
    auto there = system.Stat(path);
    if (there.ok()) programs.emplace_back(path);
    if (!there.ok() && !there.not_found()) unsure = there.error().message;
  }
  if (unsure.empty()) {
    auto is = [&](std::string_view path) {
      return std::find(programs.begin(), programs.end(), path) != programs.end();
    };
    const bool docker = is("/usr/bin/dockerd") || is("/usr/local/bin/dockerd");
    engine.snap = Flag::Value(!docker && is("/snap/bin/docker"), From("/snap/bin/docker"));
    engine.programs = List::Value(std::move(programs), From("/usr/bin"));
  } else {
    engine.snap = Flag::Unknown(unsure, From("/snap/bin/docker"));
    engine.programs = List::Unknown(std::move(unsure), From("/usr/bin"));
  }
  static constexpr const char* kToolkit[] = {
      "/usr/bin/nvidia-container-runtime-hook", "/usr/bin/nvidia-container-toolkit", "/usr/bin/nvidia-ctk",
      "/usr/local/nvidia/toolkit/nvidia-container-runtime-hook", "/run/current-system/sw/bin/nvidia-ctk"};
  engine.toolkit = FirstFile(system, kToolkit);
  engine.context = Context(system);
  engine.no_cgroups = NoCgroups(system);
  engine.cdi = Specifications(system);
  engine.nvidia_runtime = NvidiaRuntime(system);
}

}  // namespace tfdoctor
