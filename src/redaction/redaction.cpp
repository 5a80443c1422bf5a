#include "redaction/redaction.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "redaction/blank.h"
#include "redaction/forms.h"

namespace tfdoctor {

namespace {

// Accounts and host names that tell nobody's name, and words that paths and programs are full of: to replace
// them everywhere would change what is there.
constexpr std::array<std::string_view, 74> kCommonWords = {
    "root",      "daemon",        "bin",         "sys",    "nobody",    "ubuntu",     "debian",
    "centos",    "fedora",        "admin",       "user",   "users",     "jovyan",     "ec2-user",
    "azureuser", "vscode",        "runner",      "colab",  "kaggle",    "www-data",   "default",
    "linuxbrew", "localhost",     "localdomain", "python", "python3",   "tensorflow", "cuda",
    "nvidia",    "gpu",           "keras",       "conda",  "anaconda",  "miniconda",  "pip",
    "venv",      "env",           "lib",         "lib64",  "local",     "share",      "opt",
    "etc",       "var",           "usr",         "home",   "tmp",       "data",       "test",
    "tests",     "train",         "model",       "models", "work",      "workspace",  "project",
    "projects",  "site-packages", "linux",       "docker", "container", "kernel",     "driver",
    "version",   "device",        "none",        "true",   "false",     "name",       "host",
    "server",    "main",          "app",         "src"};

bool IsCommonWord(std::string_view word) {
  return std::find(kCommonWords.begin(), kCommonWords.end(), Lower(word)) != kCommonWords.end();
}

// `size` characters that begin like `start` and end in `number`.
std::string Made(std::string_view start, size_t number, size_t size) {
  const std::string digits = std::to_string(number);
  std::string made(start.substr(0, size - std::min(size, digits.size())));
  if (made.size() + digits.size() < size) made.append(size - made.size() - digits.size(), '0');
  return (made + digits).substr(0, size);
}

std::string_view StartOf(SecretKind kind) {
  switch (kind) {
    case SecretKind::kUser:
      return "user";
    case SecretKind::kHost:
      return "host";
    case SecretKind::kToken:
      return "token";
    case SecretKind::kUuid:
      return "0";
    case SecretKind::kSerial:
      return "serial";
    case SecretKind::kAddress:
      return "address";
    case SecretKind::kUrl:
      return "server";
    case SecretKind::kMail:
      return "mail";
  }
  return "token";
}

// What stands in the place of a secret: as long, and for a UUID with "-" or "_" where they were.
std::string Instead(SecretKind kind, std::string_view secret, size_t number) {
  if (kind != SecretKind::kUuid) return Made(StartOf(kind), number, secret.size());
  constexpr size_t kLast = 24;  // behind the last "-"
  std::string uuid(secret.substr(0, kLast));
  std::replace_if(uuid.begin(), uuid.end(), IsHex, '0');
  return uuid + Made("0", number, secret.size() - kLast);
}

// What stands before the names of a folder's files.
std::string Folder(const std::string& path) { return path.ends_with('/') ? path : path + "/"; }

// The folders of a path whose names mean something: those of the system, and those of packages.
std::string_view FoldersThatMean(std::string_view path) {
  constexpr std::string_view kPackages = "-packages/";
  if (const size_t at = path.find(kPackages); at != std::string_view::npos)
    return path.substr(at + kPackages.size());
  for (const std::string_view folder :
       {"/usr/", "/lib", "/bin/", "/sbin/", "/etc/", "/dev/", "/proc/", "/sys/", "/boot/"}) {
    if (path.starts_with(folder)) return path;
  }
  return {};
}

}  // namespace

std::string_view Plural(SecretKind kind) {
  switch (kind) {
    case SecretKind::kUser:
      return "user names";
    case SecretKind::kHost:
      return "host names";
    case SecretKind::kToken:
      return "tokens and passwords";
    case SecretKind::kUuid:
      return "UUIDs";
    case SecretKind::kSerial:
      return "serial numbers";
    case SecretKind::kAddress:
      return "network addresses";
    case SecretKind::kUrl:
      return "private servers";
    case SecretKind::kMail:
      return "mail addresses";
  }
  return "others";
}

Redactor::Redactor(const System& machine) {
  for (const char* path : {"/proc/sys/kernel/hostname", "/etc/hostname"}) {
    const std::string name(Trim(machine.ReadAll(path, 4096).value_or("")));
    Add(SecretKind::kHost, name, Where::kWord);
    Add(SecretKind::kHost, std::string_view(name).substr(0, name.find('.')), Where::kWord);
  }
  for (const char* variable : {"USER", "LOGNAME", "SUDO_USER", "USERNAME", "JUPYTERHUB_USER", "NB_USER"})
    Add(SecretKind::kUser, machine.Env(variable).value_or(""), Where::kWord);
  for (const char* variable : {"HOSTNAME", "HOST", "SLURMD_NODENAME", "SLURM_SUBMIT_HOST"})
    Add(SecretKind::kHost, machine.Env(variable).value_or(""), Where::kWord);
  FindAccounts(machine.ReadAll("/etc/passwd", 4 << 20).value_or(""));
  const std::string home = machine.Env("HOME").value_or("");
  FindHomes(home + "/");
  // "/srv/people/ada"; what stands alone below the root is no name ("/content").
  if (const size_t slash = home.rfind('/'); slash != std::string::npos && slash > 0)
    Add(SecretKind::kUser, std::string_view(home).substr(slash + 1), Where::kWord);
}

void Redactor::Add(SecretKind kind, std::string_view secret, Where where) {
  if (secret.size() < 2 || IsCommonWord(secret)) return;
  if (const auto known = known_.find(secret); known != known_.end()) {
    Entry& entry = entries_[known->second];
    entry.where = std::min(entry.where, where);
    return;
  }
  const size_t number = ++counts_[kind];
  known_.emplace(secret, entries_.size());
  entries_.push_back({std::string(secret), Instead(kind, secret, number), kind, where, number});
}

void Redactor::AddEscaped() {
  using Json = nlohmann::json;
  const size_t count = entries_.size();
  for (size_t i = 0; i < count; i++) {
    for (const bool ascii : {false, true}) {
      const Entry entry = entries_[i];
      std::string quoted = Json(entry.secret).dump(-1, ' ', ascii, Json::error_handler_t::replace);
      quoted = quoted.substr(1, quoted.size() - 2);
      if (known_.contains(quoted)) continue;
      known_.emplace(quoted, entries_.size());
      entries_.push_back(
          {quoted, Instead(entry.kind, quoted, entry.number), entry.kind, entry.where, entry.number});
    }
  }
}

// A name that is also that of such a folder stays what it is there: who is called dev has a home, and /dev
// its devices.
void Redactor::ProtectFolders(const Recording& recording) {
  std::set<std::string, std::less<>> parts;
  for (const auto& recorded : recording.paths) {
    for (std::string& part : Split(FoldersThatMean(recorded.first), '/')) parts.insert(std::move(part));
  }
  for (Entry& entry : entries_) {
    const bool name = entry.kind == SecretKind::kUser || entry.kind == SecretKind::kHost ||
                      entry.kind == SecretKind::kToken || entry.kind == SecretKind::kSerial;
    if (name && entry.where == Where::kWord && parts.contains(entry.secret)) entry.where = Where::kInHome;
  }
}

std::string Redactor::Replaced(std::string text) const {
  for (const Entry& entry : entries_) {
    for (size_t at = text.find(entry.secret); at != std::string::npos; at = text.find(entry.secret, at + 1)) {
      const size_t end = at + entry.secret.size();
      if (entry.where == Where::kInHome &&
          std::none_of(kHomes.begin(), kHomes.end(), [&](std::string_view folder) {
            return std::string_view(text).substr(0, at).ends_with(folder);
          })) {
        continue;
      }
      // "%2Fada%2Fvenv": what stands before is an escaped slash, as in names made of paths; "\nada" a
      // newline.
      const bool escaped = (at >= 3 && text[at - 3] == '%' && IsHex(text[at - 2]) && IsHex(text[at - 1])) ||
                           (at >= 2 && text[at - 2] == '\\' &&
                            std::string_view("nrtbf").find(text[at - 1]) != std::string::npos);
      const auto goes_on = [](char c) { return IsLetter(c) || IsDigit(c); };
      const bool inside = entry.where != Where::kAnywhere && ((at > 0 && !escaped && goes_on(text[at - 1])) ||
                                                              (end < text.size() && goes_on(text[end])));
      if (!inside) text.replace(at, entry.secret.size(), entry.instead);
    }
  }
  return text;
}

std::map<SecretKind, size_t> Redactor::Counts() const { return counts_; }

void Redactor::FindAll(Recording& recording) {
  for (const auto& [option, value] : recording.question) {
    if (option == "script") script_ = value;
    if (option == "command") {
      FindInCommand(value);
    } else {
      FindInPath(value);
    }
  }
  for (auto& [path, known] : recording.paths) {
    for (auto& [offset, bytes] : known.pieces) {
      BlankUnjudged(path, bytes);
      if (path == "/etc/passwd") FindAccounts(bytes);
      Find(bytes, TextOf(path, bytes));
    }
    FindInPath(path);
    if (known.link && known.link->ok()) FindInPath(**known.link);
    if (known.real_path && known.real_path->ok()) FindInPath(**known.real_path);
    if (!known.entries || !known.entries->ok()) continue;
    for (const DirEntry& entry : **known.entries) FindInPath(Folder(path) + entry.name);
  }
  FindInPath(recording.working_directory);
  for (const auto& [name, value] : recording.variables) {
    if (value) FindVariable(name, *value);
  }
  if (recording.mapped_files && recording.mapped_files->ok()) {
    for (const std::string& file : **recording.mapped_files) FindInPath(file);
  }
  for (const auto& [key, end] : recording.children) {
    FindInPath(key);
    Find(end.output, Text::kPersonal);
  }
  if (recording.kernel_log && recording.kernel_log->ok()) Find(**recording.kernel_log, Text::kPersonal);
}

void Redactor::Redact(Recording& recording) {
  FindAll(recording);
  ProtectFolders(recording);
  AddEscaped();
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.secret.size() > b.secret.size(); });

  auto replace = [&](std::string& text) { text = Replaced(std::move(text)); };
  auto in_error = [&](auto& answer) {
    if (!answer.ok()) answer = Error{answer.error().kind, Replaced(answer.error().message)};
  };
  auto in_text = [&](auto& answer) {
    if (!answer) return;
    if (answer->ok()) replace(**answer);
    in_error(*answer);
  };
  std::map<std::string, RecordedPath, std::less<>> paths;
  for (auto& [path, known] : recording.paths) {
    if (known.stat) in_error(*known.stat);
    if (known.link_stat) in_error(*known.link_stat);
    in_text(known.link);
    in_text(known.real_path);
    for (auto& [access, may] : known.access) in_error(may);
    if (known.entries && known.entries->ok()) {
      // As in the path of the file itself.
      for (DirEntry& entry : **known.entries)
        entry.name = Replaced(Folder(path) + entry.name).substr(Folder(path).size());
    } else if (known.entries) {
      in_error(*known.entries);
    }
    for (auto& [offset, bytes] : known.pieces) replace(bytes);
    if (known.read_error) replace(known.read_error->message);
    paths.insert_or_assign(Replaced(path), std::move(known));
  }
  recording.paths = std::move(paths);
  for (auto& [name, value] : recording.variables) {
    if (value) replace(*value);
  }
  for (auto& [option, value] : recording.question) replace(value);
  replace(recording.working_directory);
  in_text(recording.kernel_log);
  if (recording.mapped_files && recording.mapped_files->ok()) {
    for (std::string& file : **recording.mapped_files) replace(file);
  }
  std::map<std::string, ChildEnd> children;
  for (auto& [key, end] : recording.children) {
    replace(end.output);
    replace(end.why);
    children.insert_or_assign(Replaced(key), std::move(end));
  }
  recording.children = std::move(children);
  recording.redacted = true;
}

}  // namespace tfdoctor
