#include "system/redaction.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <span>

#include "base/text.h"

namespace tfdoctor {

namespace {

bool IsLetter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }
bool IsWordChar(char c) { return IsLetter(c) || IsDigit(c) || c == '_'; }

template <size_t Size>
bool IsOneOf(std::string_view word, const std::array<std::string_view, Size>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

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

constexpr std::array<std::string_view, 8> kHomes = {"/home/",    "/homes/", "/Users/", "/users/",
                                                    "/scratch/", "/media/", "/staff/", "/students/"};

// Hosts of which everybody knows.
constexpr std::array<std::string_view, 22> kPublicHosts = {"pypi.org",
                                                           "pypi.python.org",
                                                           "files.pythonhosted.org",
                                                           "test.pypi.org",
                                                           "pypi.nvidia.com",
                                                           "pypi.ngc.nvidia.com",
                                                           "developer.download.nvidia.com",
                                                           "docs.nvidia.com",
                                                           "download.pytorch.org",
                                                           "conda.anaconda.org",
                                                           "repo.anaconda.com",
                                                           "anaconda.org",
                                                           "github.com",
                                                           "raw.githubusercontent.com",
                                                           "www.tensorflow.org",
                                                           "tensorflow.org",
                                                           "storage.googleapis.com",
                                                           "www.python.org",
                                                           "docs.python.org",
                                                           "www.apache.org",
                                                           "www.debian.org",
                                                           "bugs.debian.org"};

constexpr std::array<std::string_view, 34> kTokenStarts = {
    "ghp_",   "gho_",     "ghu_",     "ghs_",     "ghr_",      "github_pat_", "glpat-",    "gldt-", "hf_",
    "sk-",    "pk-",      "rk_live_", "sk_live_", "xoxb-",     "xoxp-",       "xoxa-",     "xapp-", "AKIA",
    "ASIA",   "AIza",     "ya29.",    "eyJ",      "npm_",      "pypi-",       "dckr_pat_", "SG.",   "dop_v1_",
    "shpat_", "lin_api_", "nvapi-",   "r8_",      "wandb_v1_", "PMAK-",       "dapi"};

// Parts of names of what is secret.
constexpr std::array<std::string_view, 17> kSecretNames = {
    "token",       "secret",     "passw",         "passphrase", "apikey",     "api_key",
    "api-key",     "accesskey",  "access_key",    "access-key", "privatekey", "private_key",
    "private-key", "credential", "authorization", "cookie",     "auth_key"};

bool IsSecretName(std::string_view name) {
  const std::string lower = Lower(name);
  if (lower == "pwd" || lower == "oldpwd") return false;
  if (lower.ends_with("_pwd") || lower.ends_with("_key") || lower.ends_with("_pat") ||
      lower.ends_with("_dsn") || lower.ends_with("_auth") || lower.ends_with("_pass") || lower == "pass" ||
      lower == "key" || lower == "auth") {
    return true;
  }
  return std::any_of(kSecretNames.begin(), kSecretNames.end(),
                     [&](std::string_view part) { return lower.find(part) != std::string::npos; });
}

// Whether what begins at `at` is the value of an Authorization header ("Authorization: Basic …", RFC 7235).
bool IsBehindAuthorization(std::string_view text, size_t at) {
  constexpr size_t kQuotesBetween = 8;
  constexpr std::string_view kHeader = "authorization";
  const size_t from = at - std::min(at, kHeader.size() + kQuotesBetween);
  return Lower(text.substr(from, at - from)).find(kHeader) != std::string::npos;
}

// Whether the word behind "basic" or "bearer" in a text is one of a sentence ("Basic Debian utilities"), not
// a credential, which is long and not a word.
bool IsProse(std::string_view word) {
  constexpr size_t kShortestCredential = 16;
  return word.size() < kShortestCredential || std::all_of(word.begin(), word.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || c == '-' || c == '.';
         });
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

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); i++) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !IsHex(text[i])) return false;
  }
  return true;
}

bool IsIpv4(std::string_view text) {
  const std::vector<std::string> parts = Split(text, '.');
  return parts.size() == 4 && std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
           return !part.empty() && part.size() <= 3 && std::all_of(part.begin(), part.end(), IsDigit) &&
                  std::stoi(part) <= 255;
         });
}

bool IsHardwareAddress(std::string_view text) {
  if (text.size() != 17) return false;
  for (size_t i = 0; i < text.size(); i++) {
    if (i % 3 == 2 ? text[i] != ':' && text[i] != '-' : !IsHex(text[i])) return false;
  }
  return true;
}

// "fe80::1", "2001:db8:0:0:0:0:0:1"; not a time, a PCI address or a range in Python.
bool IsIpv6(std::string_view text) {
  if (text.size() < 6 || !std::all_of(text.begin(), text.end(), [](char c) { return IsHex(c) || c == ':'; }))
    return false;
  const auto colons = std::count(text.begin(), text.end(), ':');
  const bool groups = colons == 7 && text.find("::") == std::string_view::npos;
  return groups || (colons >= 2 && text.find("::") != std::string_view::npos &&
                    text.find(":::") == std::string_view::npos);
}

bool IsToken(std::string_view word, bool guess) {
  for (const std::string_view start : kTokenStarts) {
    if (word.size() >= start.size() + 12 && word.starts_with(start)) return true;
  }
  if (!guess) return false;
  size_t digits = 0, lower = 0, upper = 0, hex = 0;
  for (const char c : word) {
    digits += IsDigit(c) ? 1 : 0;
    lower += c >= 'a' && c <= 'z' ? 1 : 0;
    upper += c >= 'A' && c <= 'Z' ? 1 : 0;
    hex += IsHex(c) ? 1 : 0;
  }
  if (word.starts_with("0x")) hex++;
  if (hex == word.size() && word.size() >= 16 && digits >= 2 && lower + upper >= 2) return true;
  return word.size() >= 20 && digits >= 2 && lower >= 2 && upper >= 2 &&
         digits + lower + upper + 4 >= word.size();
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
    if (name.empty() || IsOneOf(name, kCommonWords)) continue;
    Add(SecretKind::kHost, name, Where::kWord);
    Add(SecretKind::kHost, std::string_view(name).substr(0, name.find('.')), Where::kWord);
  }
  for (const char* variable : {"USER", "LOGNAME", "SUDO_USER", "USERNAME", "JUPYTERHUB_USER", "NB_USER"}) {
    const std::string name = machine.Env(variable).value_or("");
    if (!IsOneOf(name, kCommonWords)) Add(SecretKind::kUser, name, Where::kWord);
  }
  for (const char* variable : {"HOSTNAME", "HOST", "SLURMD_NODENAME", "SLURM_SUBMIT_HOST"}) {
    const std::string name = machine.Env(variable).value_or("");
    if (!IsOneOf(name, kCommonWords)) Add(SecretKind::kHost, name, Where::kWord);
  }
  FindAccounts(machine.ReadAll("/etc/passwd", 4 << 20).value_or(""));
  FindHomes(machine.Env("HOME").value_or("") + "/");
}

void Redactor::Add(SecretKind kind, std::string_view secret, Where where) {
  if (secret.size() < 2) return;
  if (const auto known = known_.find(secret); known != known_.end()) {
    Entry& entry = entries_[known->second];
    entry.where = std::min(entry.where, where);
    return;
  }
  const size_t number = ++counts_[kind];
  std::string instead = kind == SecretKind::kUuid ? "00000000-0000-0000-0000-" + Made("0", number, 12)
                                                  : Made(StartOf(kind), number, secret.size());
  known_.emplace(secret, entries_.size());
  entries_.push_back({std::string(secret), std::move(instead), kind, where});
}

Redactor::Text Redactor::TextOf(const std::string& path, std::string_view content) {
  const bool of_kernel = path.starts_with("/proc/") || path.starts_with("/sys/");
  if (of_kernel) return Text::kPersonal;
  if (content.find('\0') != std::string_view::npos) return Text::kBinary;
  // Names and versions of packages: "passwd:amd64" is no password, 8.9.7.29 no address.
  for (const char* start : {"/var/lib/dpkg/", "/var/log/dpkg.log", "/var/log/apt/"}) {
    if (path.starts_with(start)) return Text::kPackage;
  }
  for (const char* folder : {"/site-packages/", "/dist-packages/", "/conda-meta/", "/lib/python"}) {
    if (path.find(folder) != std::string::npos) return Text::kPackage;
  }
  const std::string name = path.substr(path.rfind('/') + 1);
  if (name.ends_with(".py") || name.ends_with(".ipynb")) return Text::kProgram;
  for (const char* end : {".txt", ".lock", ".toml", ".yml", ".yaml", ".in"}) {
    if (name.ends_with(end)) return Text::kProject;
  }
  return Text::kPersonal;
}

void Redactor::Find(std::string_view text, Text kind) {
  FindHomes(text, kind != Text::kBinary && kind != Text::kPackage);
  if (kind == Text::kBinary) return;
  FindKeyBlocks(text);
  FindUrls(text);
  if (kind != Text::kPackage) FindAssignments(text, kind);
  FindWords(text, kind);
}

// The name behind "/home/" and the like.
void Redactor::FindHomes(std::string_view text, bool ours) {
  for (const std::string_view folder : kHomes) {
    for (size_t at = text.find(folder); at != std::string_view::npos; at = text.find(folder, at + 1)) {
      const size_t from = at + folder.size();
      size_t end = from;
      while (end < text.size() && (IsWordChar(text[end]) || text[end] == '-' || text[end] == '.' ||
                                   text[end] == '@' || static_cast<unsigned char>(text[end]) >= 0x80)) {
        end++;
      }
      const std::string_view name = text.substr(from, end - from);
      if (name.size() >= 2 && name.size() <= 64 && !IsOneOf(name, kCommonWords) && name != "..")
        Add(SecretKind::kUser, name, ours ? Where::kWord : Where::kInHome);
    }
  }
}

// A name that is also that of a folder of the system stays what it is there: who is called dev has a home,
// and /dev its devices.
void Redactor::ProtectFolders(const Recording& recording) {
  std::set<std::string, std::less<>> parts;
  for (const auto& recorded : recording.paths) {
    const std::string& path = recorded.first;
    const bool home = std::any_of(std::begin(kHomes), std::end(kHomes), [&](std::string_view folder) {
      return path.find(folder) != std::string::npos;
    });
    if (home) continue;
    for (std::string& part : Split(path, '/')) parts.insert(std::move(part));
  }
  for (Entry& entry : entries_) {
    if (entry.where == Where::kWord && parts.contains(entry.secret)) entry.where = Where::kInHome;
  }
}

// Of people: from 1000 on, but for nobody.
void Redactor::FindAccounts(std::string_view passwd) {
  for (const std::string_view line : SplitLines(passwd)) {
    const std::vector<std::string> fields = Split(line, ':');
    if (fields.size() < 6 || fields[2].size() < 4 || fields[2] == "65534") continue;
    if (!IsOneOf(fields[0], kCommonWords)) Add(SecretKind::kUser, fields[0], Where::kWord);
    const std::string person = fields[4].substr(0, fields[4].find(','));
    if (person.size() >= 3 && !IsOneOf(Lower(person), kCommonWords))
      Add(SecretKind::kUser, person, Where::kWord);
    if (fields[4].size() > person.size() + 3) Add(SecretKind::kUser, fields[4].substr(person.size() + 1));
  }
}

void Redactor::FindKeyBlocks(std::string_view text) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  for (size_t at = text.find(kBegin); at != std::string_view::npos; at = text.find(kBegin, at + 1)) {
    const size_t line = text.find("-----", at + kBegin.size());
    if (line == std::string_view::npos) return;
    const size_t end = std::min(text.find("-----END", line), text.size());
    for (const std::string_view part : SplitWords(text.substr(line + 5, end - line - 5))) {
      for (const std::string_view piece : SplitLines(part)) Add(SecretKind::kToken, piece);
    }
  }
}

// Who asks a server of his own for packages tells where he works.
void Redactor::FindUrls(std::string_view text) {
  constexpr std::string_view kSign = "://";
  for (size_t at = text.find(kSign); at != std::string_view::npos; at = text.find(kSign, at + 1)) {
    const size_t from = at + kSign.size();
    size_t end = from;
    while (end < text.size() && static_cast<unsigned char>(text[end]) > 0x20 &&
           std::string_view("\"'<>`\\{}|").find(text[end]) == std::string_view::npos) {
      end++;
    }
    while (end > from && std::string_view(".,;:)]").find(text[end - 1]) != std::string_view::npos) end--;
    std::string_view url = text.substr(from, end - from);
    const size_t slash = std::min(url.find('/'), url.size());
    std::string_view authority = url.substr(0, slash);
    if (const size_t sign = authority.rfind('@'); sign != std::string_view::npos) {
      if (authority.substr(0, sign) != "git") Add(SecretKind::kToken, authority.substr(0, sign));
      const size_t colon = authority.substr(0, sign).find(':');
      if (colon != std::string_view::npos)
        Add(SecretKind::kToken, authority.substr(colon + 1, sign - colon - 1));
      authority.remove_prefix(sign + 1);
    }
    const std::string host = Lower(authority.substr(0, authority.find(':')));
    if (const size_t query = url.find('?'); query != std::string_view::npos && url.size() - query > 4)
      Add(SecretKind::kToken, url.substr(query + 1));
    if (IsOneOf(host, kPublicHosts) || host.find('.') == std::string::npos) {
      if (host != "localhost" && host.size() > 2 && !IsOneOf(host, kPublicHosts) &&
          host.find('$') == std::string::npos)
        Add(SecretKind::kUrl, authority);
      continue;
    }
    Add(SecretKind::kUrl, authority);
    if (IsIpv4(host))
      Add(SecretKind::kAddress, host, Where::kWord);
    else
      Add(SecretKind::kUrl, authority.substr(0, authority.find(':')), Where::kWord);
    // The path, but for the name of a file, which may tell a version.
    std::string_view path = url.substr(slash);
    const size_t last = path.rfind('/');
    const std::string_view file = last == std::string_view::npos ? std::string_view() : path.substr(last + 1);
    if (file.ends_with(".whl") || file.ends_with(".gz")) path = path.substr(0, last);
    while (path.starts_with('/')) path.remove_prefix(1);
    if (path.size() >= 4 && path != "simple" && path != "simple/") Add(SecretKind::kUrl, path);
  }
}

// NAME=VALUE, "NAME": "VALUE", --NAME VALUE, NAME VALUE: where the name says that the value is secret.
void Redactor::FindAssignments(std::string_view text, Text kind) {
  auto name_char = [](char c) { return IsWordChar(c) || c == '-'; };
  for (size_t i = 0; i < text.size();) {
    if (!name_char(text[i])) {
      i++;
      continue;
    }
    size_t end = i;
    while (end < text.size() && name_char(text[end])) end++;
    const std::string_view name = text.substr(i, end - i);
    i = end;
    const std::string lower = Lower(name);
    const bool bearer = lower == "bearer" || lower == "basic";
    const bool serial = lower.find("serial") != std::string::npos && lower.find("ize") == std::string::npos;
    if (!bearer && !serial && !IsSecretName(name)) continue;
    size_t at = end;
    auto skip = [&](std::string_view set) {
      while (at < text.size() && set.find(text[at]) != std::string_view::npos) at++;
    };
    if (serial && text.substr(at, 7) == " Number") at += 7;
    const bool quoted_name = at < text.size() && (text[at] == '"' || text[at] == '\'');
    if (quoted_name) at++;
    if (at < text.size() && text[at] == ']') at++;  // os.environ["NAME"] = "VALUE"
    const size_t before = at;
    skip(" \t");
    const bool assigned = at < text.size() && (text[at] == '=' || text[at] == ':' || text[at] == '#' ||
                                               (text[at] == ',' && !bearer));
    if (assigned) {
      at++;
      skip(" \t=:");
    }
    // "--token VALUE" of a command line, whose parts /proc separates by NUL.
    const bool option =
        name.starts_with('-') && before < text.size() && (text[before] == ' ' || text[before] == '\0');
    if (option && !assigned && text[before] == '\0') at = before + 1;
    if (!assigned && !option && !bearer) continue;
    const bool quoted = at < text.size() && (text[at] == '"' || text[at] == '\'');
    if (kind == Text::kProgram && !quoted && !bearer) continue;
    const char quote = quoted ? text[at++] : '\0';
    size_t stop = at;
    while (stop < text.size() && text[stop] != '\n' && text[stop] != '\0' &&
           (quoted ? text[stop] != quote
                   : !std::isspace(static_cast<unsigned char>(text[stop])) &&
                         std::string_view("\"',;&)}]").find(text[stop]) == std::string_view::npos)) {
      stop++;
    }
    std::string_view value = text.substr(at, stop - at);
    if (lower.find("authorization") != std::string::npos && (value == "Bearer" || value == "Basic")) continue;
    if (value.size() < 3 || value.starts_with('/') || value.starts_with('$') || value.starts_with('<'))
      continue;
    if (bearer && !assigned && !IsBehindAuthorization(text, end - name.size()) && IsProse(value)) continue;
    const bool number = std::all_of(value.begin(), value.end(), IsDigit);
    if (serial) {
      Add(SecretKind::kSerial, value, Where::kWord);
    } else if (!number || value.size() >= 4) {
      Add(SecretKind::kToken, value, value.size() < 8 ? Where::kWord : Where::kAnywhere);
    }
    i = std::max(i, stop);
  }
}

// What is recognised by its form.
void Redactor::FindWords(std::string_view text, Text kind) {
  auto part = [](char c) {
    return IsWordChar(c) || c == '-' || c == '.' || c == '@' || c == ':' || c == '+' || c == '~';
  };
  for (size_t i = 0; i < text.size();) {
    if (!part(text[i])) {
      i++;
      continue;
    }
    size_t end = i;
    while (end < text.size() && part(text[end])) end++;
    std::string_view word = text.substr(i, end - i);
    const char before = i > 0 ? text[i - 1] : '\0';
    i = end;
    while (!word.empty() && (word.back() == '.' || word.back() == ':' || word.back() == '-'))
      word.remove_suffix(1);
    while (!word.empty() && (word.front() == '-' || word.front() == '.' || word.front() == '~'))
      word.remove_prefix(1);
    if (word.size() < 6) continue;
    // UUIDs inside: "GPU-…", "root=UUID=…".
    for (size_t at = 0; at + 36 <= word.size(); at++) {
      if (IsUuid(word.substr(at, 36))) Add(SecretKind::kUuid, word.substr(at, 36));
    }
    if (kind == Text::kPackage) {
      if (IsToken(word, false)) Add(SecretKind::kToken, word);
      continue;
    }
    const size_t sign = word.find('@');
    if (sign != std::string_view::npos && sign > 0 && sign + 3 < word.size() &&
        word.find('@', sign + 1) == std::string_view::npos) {
      const std::string_view domain = word.substr(sign + 1, word.find(':', sign) - sign - 1);
      if (!(word.starts_with("git@") && IsOneOf(domain, kPublicHosts)))
        Add(SecretKind::kMail, word.substr(0, sign + 1 + domain.size()));
      continue;
    }
    if (IsHardwareAddress(word) || IsIpv6(word)) {
      Add(SecretKind::kAddress, word, Where::kWord);
      continue;
    }
    const std::string_view host = word.substr(0, word.find(':'));
    const bool port = host.size() < word.size();
    const bool version = before == '=' && kind != Text::kPersonal;
    if (IsIpv4(host) && !version && (port || kind == Text::kPersonal || kind == Text::kProgram)) {
      Add(SecretKind::kAddress, host, Where::kWord);
      continue;
    }
    // A name of a machine in a network of its own: "node7.cluster.corp".
    for (const std::string_view domain : {".local", ".lan", ".internal", ".intranet", ".corp", ".home"}) {
      if (host.ends_with(domain)) Add(SecretKind::kHost, host, Where::kWord);
    }
    for (const std::string& piece : Split(word, ':')) {
      if (IsToken(piece, kind != Text::kProject)) Add(SecretKind::kToken, piece);
    }
  }
}

void Redactor::FindVariable(std::string_view name, std::string_view value) {
  if (IsSecretName(name)) Add(SecretKind::kToken, value);
  Find(value, Text::kPersonal);
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
      // "%2Fada%2Fvenv": what stands before is an escaped slash, as in names made of paths.
      const bool escaped = at >= 3 && text[at - 3] == '%' && IsHex(text[at - 2]) && IsHex(text[at - 1]);
      const auto goes_on = [](char c) { return IsLetter(c) || IsDigit(c); };
      const bool inside = entry.where != Where::kAnywhere && ((at > 0 && !escaped && goes_on(text[at - 1])) ||
                                                              (end < text.size() && goes_on(text[end])));
      if (!inside) text.replace(at, entry.secret.size(), entry.instead);
    }
  }
  return text;
}

std::map<SecretKind, size_t> Redactor::Counts() const { return counts_; }

namespace {

// Keeps the fields whose names are `kept`, and blanks what the others say. With `body`, what follows the
// first empty line is a text without fields; without, empty lines part one package from the next.
void BlankFields(std::string& text, std::span<const std::string_view> kept, bool body) {
  bool in_body = false;
  bool keep = false;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    if (body && (line.empty() || line == "\r")) in_body = true;
    const bool continued = line.starts_with(' ') || line.starts_with('\t');
    if (!continued)
      keep = !in_body &&
             std::any_of(kept.begin(), kept.end(), [&](std::string_view k) { return line.starts_with(k); });
    if (!keep) {
      const size_t colon = in_body || continued ? std::string_view::npos : line.find(':');
      const size_t from = colon == std::string_view::npos ? 0 : colon + 1;
      std::fill(text.begin() + static_cast<ptrdiff_t>(at + from), text.begin() + static_cast<ptrdiff_t>(end),
                'x');
    }
    at = end + 1;
  }
}

// Of METADATA only what is judged: no author, no description.
constexpr std::array<std::string_view, 8> kMetadataFields = {
    "Metadata-Version:", "Name:",           "Version:",  "Requires-Dist:",
    "Requires-Python:",  "Provides-Extra:", "Platform:", "Requires:"};

// Of dpkg's list likewise: no maintainer, no home page.
constexpr std::array<std::string_view, 3> kDpkgFields = {"Package:", "Status:", "Version:"};

// Of apt's log neither the command line nor who asked for it.
constexpr std::array<std::string_view, 5> kAptFields = {
    "Start-Date:", "Install:", "Upgrade:", "Remove:", "Purge:"};

// RECORD's hashes are the larger part of a recording, and nothing looks at them.
void BlankHashes(std::string& text) {
  constexpr std::string_view kHash = "sha256=";
  for (size_t at = text.find(kHash); at != std::string::npos; at = text.find(kHash, at)) {
    at += kHash.size();
    while (at < text.size() && text[at] != ',' && text[at] != '\n' && text[at] != '\r') text[at++] = 'x';
  }
}

// dpkg notes every step ("status half-installed …"), eight lines a package; what became of the package stands
// in the line of its action.
void BlankPackageSteps(std::string& text) {
  constexpr size_t kAction = 20;  // behind "2026-11-25 06:33:10 "
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view line = std::string_view(text).substr(start, end - start);
    const std::string_view action = line.substr(std::min(kAction, line.size()));
    if (!action.starts_with("install ") && !action.starts_with("upgrade ") &&
        !action.starts_with("remove ") && !action.starts_with("purge "))
      std::fill(text.begin() + static_cast<std::ptrdiff_t>(start),
                text.begin() + static_cast<std::ptrdiff_t>(end), ' ');
    start = end + 1;
  }
}

}  // namespace

void Redactor::Redact(Recording& recording) {
  for (auto& [path, known] : recording.paths) {
    for (auto& [offset, bytes] : known.pieces) {
      if (path.ends_with("/METADATA") || path.ends_with("/PKG-INFO"))
        BlankFields(bytes, kMetadataFields, true);
      if (path == "/var/lib/dpkg/status") BlankFields(bytes, kDpkgFields, false);
      if (path == "/var/log/apt/history.log") BlankFields(bytes, kAptFields, false);
      if (path.ends_with("/RECORD")) BlankHashes(bytes);
      if (path.starts_with("/var/log/dpkg.log")) BlankPackageSteps(bytes);
      if (path == "/etc/passwd") FindAccounts(bytes);
      Find(bytes, TextOf(path, bytes));
    }
    FindHomes(path + "/");
    if (known.link && known.link->ok()) FindHomes(**known.link + "/");
    if ((path == "/home" || path == "/Users") && known.entries && known.entries->ok()) {
      for (const DirEntry& entry : **known.entries) FindHomes("/home/" + entry.name + "/");
    }
  }
  FindHomes(recording.working_directory + "/");
  for (const auto& [name, value] : recording.variables) {
    if (value) FindVariable(name, *value);
  }
  for (const auto& [option, value] : recording.question) FindHomes(value + "/");
  for (const auto& [key, end] : recording.children) Find(end.output, Text::kPersonal);
  if (recording.kernel_log && recording.kernel_log->ok()) Find(**recording.kernel_log, Text::kPersonal);

  ProtectFolders(recording);
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
      for (DirEntry& entry : **known.entries) replace(entry.name);
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
