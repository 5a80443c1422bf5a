// What is to be replaced, found in texts of every kind.
#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <optional>
#include <span>

#include "base/text.h"
#include "python/program.h"
#include "python/tokenizer.h"
#include "redaction/forms.h"
#include "redaction/redaction.h"

namespace tfdoctor {

namespace {

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

bool IsPublicHost(std::string_view host) {
  return std::find(kPublicHosts.begin(), kPublicHosts.end(), host) != kPublicHosts.end();
}

bool IsName(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return IsWordChar(c) || c == '-' || c == '.'; });
}

// In full, "db7.acme.example": without dots it may be any word.
bool IsNameOfPrivateHost(std::string_view text) {
  return IsName(text) && text.find('.') != std::string_view::npos && !IsIpv4(text) && !IsPublicHost(text);
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

// "Bearer VALUE", "Basic VALUE"
bool IsScheme(std::string_view word) {
  const std::string lower = Lower(word);
  return lower == "bearer" || lower == "basic";
}

// Options whose value is USER:PASSWORD, as curl has them; of others it may be 1000:1000.
bool TakesUserAndPassword(std::string_view option) {
  return option == "-u" || option == "--user" || option == "-U" || option == "--proxy-user";
}

// What a value is of which a name says that it tells something.
std::optional<SecretKind> KindOfNamed(std::string_view name) {
  const std::string lower = Lower(name);
  if (lower.find("serial") != std::string::npos && lower.find("ize") == std::string::npos)
    return SecretKind::kSerial;
  if (IsSecretName(lower) && lower.find("tokeniz") == std::string::npos) return SecretKind::kToken;
  if (IsNameOfUser(lower)) return SecretKind::kUser;
  if (IsNameOfHost(lower)) return SecretKind::kHost;
  return std::nullopt;
}

using Kind = PythonToken::Kind;

bool IsAnyOf(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

// NAME=VALUE, "NAME": "VALUE", --NAME VALUE, NAME VALUE.
struct Assigned {
  std::string_view value;
  bool quoted = false;
  bool option = false;
  bool sign = false;  // "=" or the like stands between
};

// What follows a name, which ends at `at`; nullopt: it is given no value.
std::optional<Assigned> ValueBehind(std::string_view text, std::string_view name, size_t at) {
  auto skip = [&](std::string_view set) {
    while (at < text.size() && IsAnyOf(text[at], set)) at++;
  };
  // A quote in a text that itself is in quotes has a backslash before it.
  auto take_quote = [&]() -> char {
    size_t quote = at;
    while (quote < text.size() && text[quote] == '\\') quote++;
    if (quote == text.size() || !IsAnyOf(text[quote], "\"'")) return '\0';
    at = quote + 1;
    return text[quote];
  };
  Assigned found;
  const bool scheme = IsScheme(name);
  const bool serial = Lower(name).find("serial") != std::string::npos;
  if (serial && text.substr(at, 7) == " Number") at += 7;
  const bool in_quotes = take_quote() != '\0';
  if (at < text.size() && text[at] == ']') at++;  // os.environ["NAME"] = "VALUE"
  const size_t before = at;
  skip(" \t");
  found.sign = at < text.size() && (IsAnyOf(text[at], "=:") || (text[at] == '#' && serial) ||
                                    (text[at] == ',' && in_quotes && !scheme));
  if (found.sign) {
    at++;
    skip(" \t=:");
  }
  // The parts of a command line are separated by NUL in /proc.
  found.option =
      name.starts_with('-') && before < text.size() && (text[before] == ' ' || text[before] == '\0');
  if (found.option && !found.sign && text[before] == '\0') at = before + 1;
  if (!found.sign && !found.option && !scheme) return std::nullopt;
  const char quote = take_quote();
  found.quoted = quote != '\0';
  size_t stop = at;
  while (stop < text.size() && text[stop] != '\n' && text[stop] != '\0' &&
         (found.quoted ? text[stop] != quote
                       : std::isspace(static_cast<unsigned char>(text[stop])) == 0 &&
                             !IsAnyOf(text[stop], "\"',;&)}]"))) {
    stop++;
  }
  found.value = text.substr(at, stop - at);
  while (found.value.ends_with('\\')) found.value.remove_suffix(1);
  return found;
}

// Names of files end in these; what stands before may be anything.
constexpr std::array<std::string_view, 24> kFileEndings = {
    ".py",   ".pyc", ".ipynb", ".txt", ".json", ".log",   ".csv", ".md", ".sh",  ".so",  ".toml", ".yml",
    ".yaml", ".cfg", ".ini",   ".pth", ".h5",   ".keras", ".zip", ".gz", ".tar", ".whl", ".pem",  ".key"};

// Where the code begins that "python -c CODE" runs; npos: it runs a file or a module.
size_t CodeOfCommand(std::string_view command) {
  const std::vector<std::string_view> words = SplitWords(command);
  for (size_t i = 1; i < words.size() && words[i].starts_with('-'); i++) {
    if (words[i].starts_with("--")) continue;
    if (words[i].ends_with('m')) break;
    if (words[i].ends_with('c'))
      return static_cast<size_t>(words[i].data() - command.data()) + words[i].size();
    if (words[i] == "-W" || words[i] == "-X") i++;
  }
  return std::string_view::npos;
}

// "abc" of the token r"abc".
std::string_view InsideQuotes(std::string_view token) {
  token.remove_prefix(std::min(token.find_first_of("'\""), token.size()));
  const size_t width = token.size() >= 6 && token[1] == token[0] && token[2] == token[0] ? 3 : 1;
  if (token.size() < 2 * width) return {};
  return token.substr(width, token.size() - 2 * width);
}

// An f-string with {a field}.
bool Computes(std::string_view token) {
  const std::string prefix = Lower(token.substr(0, token.find_first_of("'\"")));
  return prefix.find_first_of("ft") != std::string::npos && token.find('{') != std::string_view::npos;
}

bool IsAnyOperator(const PythonToken& token, std::initializer_list<std::string_view> texts) {
  return std::any_of(texts.begin(), texts.end(),
                     [&](std::string_view text) { return IsOperator(token, text); });
}

// Functions whose arguments are secret: smtp.login(…), HTTPBasicAuth(…).
bool TakesSecrets(std::string_view function) {
  const std::string lower = Lower(function);
  return lower.ends_with("login") || lower.ends_with("auth") || lower.ends_with("password") ||
         lower.ends_with("credentials");
}

// NAME: ANNOTATION = "VALUE"
size_t BehindAnnotation(std::span<const PythonToken> tokens, size_t at) {
  for (; at < tokens.size(); at++) {
    if (IsOperator(tokens[at], "=")) return at + 1;
    if (tokens[at].kind != Kind::kName && !IsAnyOperator(tokens[at], {".", "[", "]", "|", ","})) break;
  }
  return tokens.size();
}

// Where the value of the name at `at` begins, the end where it is given none. `literal`: the name is one,
// as in {"NAME": "VALUE"}, os.environ["NAME"] = "VALUE" and setdefault("NAME", "VALUE").
size_t ValueOf(std::span<const PythonToken> tokens, size_t at, bool literal) {
  const bool argument = literal && at > 0 && IsOperator(tokens[at - 1], "(") &&
                        InsideQuotes(tokens[at].text) != "key";  // f("key", "value") says nothing
  // Of a statement or of a parameter: "if key: …" is no annotation.
  const bool begins = at == 0 || IsAnyOperator(tokens[at - 1], {"(", ","}) ||
                      tokens[at - 1].kind == Kind::kNewline || tokens[at - 1].kind == Kind::kIndent ||
                      tokens[at - 1].kind == Kind::kDedent;
  at++;
  if (literal && IsOperator(tokens[at], "]")) at++;
  if (at >= tokens.size()) return tokens.size();
  if (IsAnyOperator(tokens[at], {"=", "==", "!=", ":="}) || (literal && IsOperator(tokens[at], ":")) ||
      (argument && IsOperator(tokens[at], ",")))
    return at + 1;
  if (!IsOperator(tokens[at], ":")) return tokens.size();
  // As a key of a dictionary, a name is followed by its value.
  if (at + 1 < tokens.size() && tokens[at + 1].kind == Kind::kString) return at + 1;
  return begins ? BehindAnnotation(tokens, at + 1) : tokens.size();
}

// The literals that a value consists of: "a" "b"; of ("a", b, "c") those that stand there themselves.
std::vector<PythonToken> LiteralsAt(std::span<const PythonToken> tokens) {
  std::vector<PythonToken> literals;
  int depth = 0;
  for (size_t i = 0; i < tokens.size(); i++) {
    const PythonToken& token = tokens[i];
    const bool string = token.kind == Kind::kString;
    if (IsAnyOperator(token, {"(", "[", "{"})) depth++;
    if (IsAnyOperator(token, {")", "]", "}"}) && --depth <= 0) break;
    if (depth == 0 && !string) break;
    if (depth > 1 || !string) continue;
    const bool first =
        i == 0 || IsAnyOperator(tokens[i - 1], {"(", "[", ","}) || tokens[i - 1].kind == Kind::kString;
    if (first && !Computes(token.text)) literals.push_back(token);
  }
  return literals;
}

}  // namespace

void Redactor::AddNamed(SecretKind kind, std::string_view name, std::string_view value) {
  constexpr size_t kShortest = 3;
  constexpr size_t kLongWord = 8;  // that nothing else is called by chance
  if (value.size() < kShortest) return;
  const bool number = std::all_of(value.begin(), value.end(), IsDigit);
  // "max_tokens=4096"
  const bool count = number && value.size() < kLongWord && Lower(name).find("token") != std::string::npos;
  if (count || (number && kind != SecretKind::kSerial && value.size() == kShortest)) return;
  if (kind == SecretKind::kUser && (number || !IsName(value))) return;
  if (kind == SecretKind::kHost && !IsNameOfPrivateHost(value)) return;
  const bool word = kind != SecretKind::kToken || value.size() < kLongWord;
  Add(kind, value, word ? Where::kWord : Where::kAnywhere);
}

Redactor::Text Redactor::TextOf(const std::string& path, std::string_view content) const {
  const bool of_kernel = path.starts_with("/proc/") || path.starts_with("/sys/");
  const bool notebook = path.ends_with(".ipynb");
  if (path == script_) return notebook ? Text::kNotebook : Text::kProgram;
  if (of_kernel) return Text::kPersonal;
  if (content.find('\0') != std::string_view::npos) return Text::kBinary;
  // Names and versions of packages: "passwd:amd64" is no password, 8.9.7.29 no address.
  for (const char* start : {"/var/lib/dpkg/", "/var/log/dpkg.log", "/var/log/apt/"}) {
    if (path.starts_with(start)) return Text::kPackage;
  }
  for (const char* folder : {"/site-packages/", "/dist-packages/", "/conda-meta/", "/lib/python"}) {
    if (path.find(folder) != std::string::npos) return Text::kPackage;
  }
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  const std::string_view first_line = content.substr(0, content.find('\n'));
  const bool of_python = first_line.starts_with("#!") && first_line.find("python") != std::string_view::npos;
  if (notebook) return Text::kNotebook;
  if (name.ends_with(".py") || of_python) return Text::kProgram;
  for (const char* end : {".txt", ".lock", ".toml", ".yml", ".yaml", ".in"}) {
    if (name.ends_with(end)) return Text::kProject;
  }
  return Text::kPersonal;
}

void Redactor::Find(std::string_view text, Text kind) {
  if (kind == Text::kNotebook) return FindInNotebook(text);
  FindHomes(text, kind != Text::kBinary && kind != Text::kPackage);
  if (kind == Text::kBinary) return;
  FindKeyBlocks(text);
  FindSshKeys(text);
  FindUrls(text);
  if (kind != Text::kPackage) {
    FindNetrc(text);
    FindAuthors(text);
  }
  if (kind == Text::kPersonal) FindDisks(text);
  if (kind == Text::kProgram || kind == Text::kCell) {
    FindInPython(text, kind == Text::kCell);
  } else if (kind != Text::kPackage) {
    FindAssignments(text, Values::kAny);
  }
  FindWords(text, kind);
}

// The name behind "/home/" and the like.
void Redactor::FindHomes(std::string_view text, bool ours) {
  if (text.find('\\') != std::string_view::npos) {  // "C:\Users\ada", in a program "C:\\Users\\ada"
    std::string slashes;
    for (const char c : text) {
      if (c != '\\') slashes += c;
      if (c == '\\' && !slashes.ends_with('/')) slashes += '/';
    }
    FindHomes(slashes, ours);
  }
  for (const std::string_view folder : kHomes) {
    for (size_t at = text.find(folder); at != std::string_view::npos; at = text.find(folder, at + 1)) {
      const size_t from = at + folder.size();
      const auto end_of = [&](size_t end) {
        while (end < text.size() && (IsWordChar(text[end]) || text[end] == '-' || text[end] == '.' ||
                                     text[end] == '@' || static_cast<unsigned char>(text[end]) >= 0x80)) {
          end++;
        }
        return end;
      };
      size_t end = end_of(from);
      // "/homes/a/ada"
      if (end == from + 1 && end + 1 < text.size() && text[end] == '/' && text[end + 1] == text[from]) {
        const std::string_view name = text.substr(end + 1, end_of(end + 1) - end - 1);
        if (name.size() <= 64) Add(SecretKind::kUser, name, ours ? Where::kWord : Where::kInHome);
      }
      const std::string_view name = text.substr(from, end - from);
      if (name.size() >= 2 && name.size() <= 64 && name != "..")
        Add(SecretKind::kUser, name, ours ? Where::kWord : Where::kInHome);
    }
  }
}

// Of people: from 1000 on, but for nobody.
void Redactor::FindAccounts(std::string_view passwd) {
  for (const std::string_view line : SplitLines(passwd)) {
    const std::vector<std::string> fields = Split(line, ':');
    if (fields.size() < 6 || fields[2].size() < 4 || fields[2] == "65534") continue;
    Add(SecretKind::kUser, fields[0], Where::kWord);
    const std::string person = fields[4].substr(0, fields[4].find(','));
    if (person.size() >= 3) Add(SecretKind::kUser, person, Where::kWord);
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

// Keys and fingerprints of SSH, whose base64 has slashes.
void Redactor::FindSshKeys(std::string_view text) {
  constexpr std::pair<std::string_view, size_t> kStarts[] = {
      {"AAAAB3NzaC1", 20}, {"AAAAC3NzaC1", 20}, {"AAAAE2VjZHNh", 20}, {"SHA256:", 50}};
  for (const auto& [start, shortest] : kStarts) {
    for (size_t at = text.find(start); at != std::string_view::npos; at = text.find(start, at + 1)) {
      size_t end = at + start.size();
      while (end < text.size() && (IsLetter(text[end]) || IsDigit(text[end]) || IsAnyOf(text[end], "+/=")))
        end++;
      if (end - at < shortest) continue;
      const size_t from = start.ends_with(':') ? at + start.size() : at;
      Add(SecretKind::kToken, text.substr(from, end - from));
    }
  }
}

// "machine SERVER login USER password VALUE", on lines of a .netrc or in what writes one.
void Redactor::FindNetrc(std::string_view text) {
  constexpr std::string_view kMachine = "machine ";
  for (size_t at = text.find(kMachine); at != std::string_view::npos; at = text.find(kMachine, at + 1)) {
    std::string_view rest = text.substr(at);
    const auto next = [&] {
      const size_t from = std::min(rest.find_first_not_of(" \t\r\n"), rest.size());
      const size_t to = std::min(rest.find_first_of(" \t\r\n\"'\\", from), rest.size());
      const std::string_view word = rest.substr(from, to - from);
      rest.remove_prefix(to);
      return word;
    };
    next();
    const std::string_view server = next();
    if (!IsName(server) || server.find('.') == std::string_view::npos) continue;
    std::string_view field = next();
    bool is_one = false;
    for (; field == "login" || field == "password" || field == "account"; field = next(), is_one = true) {
      const std::string_view value = next();
      if (field == "password" && !IsPlaceOfValue(value)) AddNamed(SecretKind::kToken, field, value);
      if (field == "login" && value != "user") AddNamed(SecretKind::kUser, "user", value);
    }
    if (is_one && IsNameOfPrivateHost(server)) Add(SecretKind::kHost, server, Where::kWord);
  }
}

// "# Author: NAME", __author__ = "NAME"
void Redactor::FindAuthors(std::string_view text) {
  const std::string lower = Lower(text);
  for (size_t at = lower.find("author"); at != std::string::npos; at = lower.find("author", at + 1)) {
    size_t from = std::min(lower.find_first_not_of("sS_ \t", at + 6), lower.size());
    if (from == lower.size() || !IsAnyOf(lower[from], ":=")) continue;
    from = std::min(lower.find_first_not_of(" \t'\"", from + 1), lower.size());
    const size_t end = std::min(lower.find_first_of("\r\n\"'<(,;[{=\\", from), lower.size());
    const std::string_view name = Trim(text.substr(from, end - from));
    // A name of one word may be anything.
    if (name.size() <= 64 && name.find(' ') != std::string_view::npos && IsLetter(name.front()))
      Add(SecretKind::kUser, name, Where::kWord);
  }
}

// Disks are called by their serial numbers, by random numbers and by what people call them.
void Redactor::FindDisks(std::string_view text) {
  for (const std::string_view start : {"/by-id/", "/by-label/", "/by-partuuid/", "/by-partlabel/",
                                       "PARTUUID=", "PARTLABEL=", "LABEL=", "UUID="}) {
    for (size_t at = text.find(start); at != std::string_view::npos; at = text.find(start, at + 1)) {
      if (start.ends_with('=') && at > 0 && IsWordChar(text[at - 1])) continue;
      const size_t from = at + start.size();
      size_t end = from;
      while (end < text.size() && (IsWordChar(text[end]) || IsAnyOf(text[end], "-.:+"))) end++;
      const std::string_view name = text.substr(from, end - from);
      if (name.size() >= 4 && !IsUuid(name)) Add(SecretKind::kSerial, name, Where::kWord);
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
    if (IsPublicHost(host) || host.find('.') == std::string::npos) {
      if (host != "localhost" && host.size() > 2 && !IsPublicHost(host) &&
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

void Redactor::FindAssignments(std::string_view text, Values values) {
  auto of_name = [](char c) { return IsWordChar(c) || c == '-'; };
  for (size_t i = 0; i < text.size();) {
    if (!of_name(text[i])) {
      i++;
      continue;
    }
    const size_t begin = i;
    while (i < text.size() && of_name(text[i])) i++;
    const std::string_view name = text.substr(begin, i - begin);
    const bool scheme = IsScheme(name);
    if (TakesUserAndPassword(name)) {
      const std::optional<Assigned> pair = ValueBehind(text, name, i);
      const size_t colon = pair ? pair->value.find(':') : std::string_view::npos;
      const bool numbers = pair && pair->value.find_first_not_of("0123456789:") == std::string_view::npos;
      if (colon != std::string_view::npos && colon >= 2 && !numbers && !IsPlaceOfValue(pair->value)) {
        Add(SecretKind::kToken, pair->value, Where::kWord);
        AddNamed(SecretKind::kToken, "password", pair->value.substr(colon + 1));
      }
      continue;
    }
    const std::optional<SecretKind> kind = scheme ? SecretKind::kToken : KindOfNamed(name);
    const std::optional<Assigned> found = kind ? ValueBehind(text, name, i) : std::nullopt;
    if (!found) continue;
    const std::string_view value = found->value;
    const bool header = Lower(name).find("authorization") != std::string::npos;
    if (IsPlaceOfValue(value) || (header && IsScheme(value))) continue;
    if (*kind == SecretKind::kUser || *kind == SecretKind::kHost) {
      // "user=NAME host=SERVER" of what a program connects to; elsewhere these are words like others.
      const bool beside = i < text.size() && text[i] == '=' && value.data() == text.data() + i + 1;
      const bool stated = *kind == SecretKind::kHost && found->sign && values == Values::kAny;
      if (beside || stated) AddNamed(*kind, name, value);
      continue;
    }
    if (scheme) {
      if (!found->sign && !IsBehindAuthorization(text, begin) && IsProse(value)) continue;
    } else if (!found->quoted) {
      if (values == Values::kLikely && !IsNoWord(value)) continue;
      if (values == Values::kOptions && !name.starts_with('-')) continue;
    }
    AddNamed(*kind, name, value);
    i = std::max(i, static_cast<size_t>(value.data() - text.data()) + value.size());
  }
}

// What is recognised by its form.
void Redactor::FindWords(std::string_view text, Text kind) {
  auto part = [](char c) { return IsWordChar(c) || IsAnyOf(c, "-.@:+~"); };
  for (size_t i = 0; i < text.size();) {
    if (!part(text[i])) {
      i++;
      continue;
    }
    const size_t begin = i;
    while (i < text.size() && part(text[i])) i++;
    std::string_view word = text.substr(begin, i - begin);
    while (!word.empty() && IsAnyOf(word.back(), ".:-")) word.remove_suffix(1);
    while (!word.empty() && IsAnyOf(word.front(), "-.~")) word.remove_prefix(1);
    if (word.size() < 6) continue;
    // UUIDs inside: "GPU-…", "root=UUID=…".
    for (size_t at = 0; at + 36 <= word.size(); at++) {
      if (IsUuid(word.substr(at, 36))) Add(SecretKind::kUuid, word.substr(at, 36));
    }
    if (kind == Text::kPackage) {
      if (IsTokenAsName(word)) Add(SecretKind::kToken, word);
    } else if (kind == Text::kPath) {
      const bool whole = begin > 0 && text[begin - 1] == '/' && (i == text.size() || text[i] == '/');
      FindInName(word, whole);
    } else {
      FindInWord(word, begin > 0 ? text[begin - 1] : '\0', kind);
    }
  }
}

void Redactor::FindInWord(std::string_view word, char before, Text kind) {
  if (const std::string_view mail = MailIn(word); !mail.empty()) {
    if (!mail.starts_with("git@") || !IsPublicHost(mail.substr(4))) Add(SecretKind::kMail, mail);
    return;
  }
  if (FindAddress(word)) return;
  const std::string_view host = word.substr(0, word.find(':'));
  const bool port = host.size() < word.size();
  const bool version = before == '=' && kind != Text::kPersonal;
  if (IsIpv4(host) && !version && (port || kind != Text::kProject)) {
    Add(SecretKind::kAddress, host, Where::kWord);
    return;
  }
  FindHost(host);
  if (kind != Text::kProject) FindIds(word);
  for (const std::string& piece : Split(word, ':')) {
    if (IsToken(piece, kind != Text::kProject)) Add(SecretKind::kToken, piece);
  }
}

// Of the name of a file or folder: of numbers with dots most are versions.
void Redactor::FindInName(std::string_view word, bool whole) {
  for (const std::string_view ending : kFileEndings) {
    if (word.ends_with(ending)) word.remove_suffix(ending.size());
  }
  if (const std::string_view mail = MailIn(word); mail.find('.', mail.find('@')) != std::string_view::npos) {
    Add(SecretKind::kMail, mail);
    return;
  }
  if (FindAddress(word)) return;
  const std::string_view host = word.substr(0, word.find(':'));
  if (whole && IsPrivateIpv4(host)) Add(SecretKind::kAddress, host, Where::kWord);
  FindHost(host);
  FindIds(word);
  if (IsTokenAsName(word)) Add(SecretKind::kToken, word);
}

bool Redactor::FindAddress(std::string_view word) {
  if (word.starts_with("iqn.")) {  // of a disk on the network
    Add(SecretKind::kSerial, word, Where::kWord);
    return true;
  }
  // "::ffff:10.1.2.3"
  const size_t last = word.rfind(':') + 1;
  if (word.find("::") != std::string_view::npos && IsIpv4(word.substr(last)))
    Add(SecretKind::kAddress, word.substr(last), Where::kWord);
  const bool is_one = IsHardwareAddress(word) || IsIpv6(word);
  if (is_one) Add(SecretKind::kAddress, word, Where::kWord);
  return is_one;
}

// A name of a machine in a network of its own: "node7.cluster.corp".
void Redactor::FindHost(std::string_view host) {
  for (const std::string_view domain : {".local", ".lan", ".internal", ".intranet", ".corp", ".home"}) {
    if (host.ends_with(domain)) Add(SecretKind::kHost, host, Where::kWord);
  }
}

// "cri-containerd-0a1b2c….scope"
void Redactor::FindIds(std::string_view word) {
  for (size_t i = 0; i < word.size(); i++) {
    const size_t begin = i;
    while (i < word.size() && (IsLetter(word[i]) || IsDigit(word[i]))) i++;
    if (IsId(word.substr(begin, i - begin))) Add(SecretKind::kToken, word.substr(begin, i - begin));
  }
}

void Redactor::FindVariable(std::string_view name, std::string_view value) {
  if (IsSecretName(name)) Add(SecretKind::kToken, value);
  if (IsNameOfHost(name)) {
    for (const std::string_view word : SplitWords(value)) {
      for (const std::string& host : Split(word, ',')) {
        const std::string_view without_port = std::string_view(host).substr(0, host.find(':'));
        if (IsNameOfPrivateHost(without_port)) Add(SecretKind::kHost, without_port, Where::kWord);
      }
    }
  }
  Find(value, Text::kPersonal);
}

void Redactor::FindInPath(std::string_view path) {
  // The kernel's own names tell nobody: ".../efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c".
  if (path.starts_with("/sys/") || path.starts_with("/proc/")) return;
  constexpr std::string_view kPackages = "-packages/";
  const size_t at = path.find(kPackages);
  const std::string ours(path.substr(0, at));
  FindHomes(ours + "/");
  FindWords(ours, Text::kPath);
  if (at != std::string_view::npos) FindWords(path.substr(at + kPackages.size()), Text::kPackage);
}

// A command line as a recording keeps it, its words joined by blanks.
void Redactor::FindInCommand(std::string_view command) {
  const size_t code = std::min(CodeOfCommand(command), command.size());
  Find(command.substr(0, code), Text::kPersonal);
  Find(command.substr(code), Text::kProgram);
  FindAssignments(command.substr(code), Values::kOptions);
}

void Redactor::FindInNotebook(std::string_view notebook) {
  for (const NotebookCell& cell : NotebookCells(notebook).value_or({}))
    Find(cell.source, cell.python ? Text::kCell : Text::kPersonal);
}

// Python's code, where a value is secret if it is a literal; and what it says: its strings, its comments, the
// lines that it gives to a shell.
void Redactor::FindInPython(std::string_view bytes, bool cell) {
  const std::string source = DecodePython(bytes).value_or(std::string(bytes));
  const std::vector<PythonToken> tokens = TokenizePython(source, cell).tokens;
  FindLiterals(tokens);
  std::string rest = source;  // comments, and what Python would refuse
  for (const PythonToken& token : tokens) {
    if (token.text.empty() || token.kind == Kind::kNewline) continue;
    if (token.kind == Kind::kString) FindAssignments(InsideQuotes(token.text), Values::kLikely);
    if (token.kind == Kind::kMagic) FindInMagic(token.text);
    rest.replace(static_cast<size_t>(token.text.data() - source.data()), token.text.size(), token.text.size(),
                 ' ');
  }
  FindAssignments(rest, Values::kLikely);
}

// "%env NAME=VALUE", "%env NAME VALUE", "!program --token VALUE"
void Redactor::FindInMagic(std::string_view line) {
  const std::vector<std::string_view> words = SplitWords(line);
  if (words.size() == 3 && words[0].ends_with("env") && IsSecretName(words[1]))
    AddNamed(SecretKind::kToken, words[1], words[2]);
  FindAssignments(line, Values::kAny);
}

// NAME = "VALUE", NAME: str = "VALUE", "NAME": "VALUE", NAME=("USER", "VALUE"), login(USER, "VALUE")
void Redactor::FindLiterals(std::span<const PythonToken> tokens) {
  for (size_t i = 0; i + 2 < tokens.size(); i++) {
    const bool literal = tokens[i].kind == Kind::kString;
    const std::string_view name = literal ? InsideQuotes(tokens[i].text) : tokens[i].text;
    if (tokens[i].kind != Kind::kName && !(literal && IsName(name))) continue;
    const std::optional<SecretKind> kind = KindOfNamed(name);
    const bool call = !literal && IsOperator(tokens[i + 1], "(") && TakesSecrets(name);
    if (!kind && !call) continue;
    const size_t value = call ? i + 1 : ValueOf(tokens, i, literal);
    for (const PythonToken& token : LiteralsAt(tokens.subspan(value))) {
      std::string_view text = InsideQuotes(token.text);
      for (const std::string_view scheme : {"Bearer ", "Basic "}) {
        if (text.starts_with(scheme)) text.remove_prefix(scheme.size());
      }
      if (IsPlaceOfValue(text)) continue;
      for (const std::string_view line : SplitLines(text))
        AddNamed(kind.value_or(SecretKind::kToken), name, line);
    }
  }
}

}  // namespace tfdoctor
