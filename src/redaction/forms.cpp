#include "redaction/forms.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <vector>

#include "base/text.h"

namespace tfdoctor {

namespace {

constexpr std::string_view kTokenStarts[] = {
    "ghp_",   "gho_",     "ghu_",     "ghs_",     "ghr_",      "github_pat_", "glpat-",    "gldt-", "hf_",
    "sk-",    "pk-",      "rk_live_", "sk_live_", "xoxb-",     "xoxp-",       "xoxa-",     "xapp-", "AKIA",
    "ASIA",   "AIza",     "ya29.",    "eyJ",      "npm_",      "pypi-",       "dckr_pat_", "SG.",   "dop_v1_",
    "shpat_", "lin_api_", "nvapi-",   "r8_",      "wandb_v1_", "PMAK-",       "dapi",      "glrt-", "glcbt-",
    "gloas-", "xoxe-",    "xoxr-",    "xoxs-",    "GOCSPX-",   "hvs.",        "dckr_oat_", "gsk_",  "lsv2_",
    "pcsk_",  "KGAT_",    "ATATT3",   "AKCp",     "api_org_"};

// Parts of names of what is secret.
constexpr std::string_view kSecretNames[] = {
    "token",       "secret",     "passw",         "passphrase", "apikey",     "api_key",
    "api-key",     "accesskey",  "access_key",    "access-key", "privatekey", "private_key",
    "private-key", "credential", "authorization", "cookie",     "auth_key",   "accountkey"};

template <class Test>
bool All(std::string_view text, Test test) {
  return std::all_of(text.begin(), text.end(), test);
}

}  // namespace

bool IsLetter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool IsHex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }
bool IsWordChar(char c) { return IsLetter(c) || IsDigit(c) || c == '_'; }

bool IsSecretName(std::string_view name) {
  const std::string lower = Lower(name);
  if (lower.ends_with("_pwd") || lower.ends_with("_key") || lower.ends_with("_pat") ||
      lower.ends_with("_dsn") || lower.ends_with("_auth") || lower.ends_with("_pass") || lower == "pass" ||
      lower == "pwd" || lower == "key" || lower == "auth") {
    return true;
  }
  return std::any_of(std::begin(kSecretNames), std::end(kSecretNames),
                     [&](std::string_view part) { return lower.find(part) != std::string::npos; });
}

bool IsNameOfUser(std::string_view name) {
  const std::string lower = Lower(name);
  return lower == "user" || lower == "username" || lower == "user_name" || lower == "uid";
}

bool IsNameOfHost(std::string_view name) {
  const std::string lower = Lower(name);
  for (const std::string_view end : {"host", "hostname", "server", "node", "nodelist", "addr"}) {
    if (lower == end || lower.ends_with("_" + std::string(end)) || lower.ends_with("-" + std::string(end)))
      return true;
  }
  return false;
}

bool IsPlaceOfValue(std::string_view value) {
  if (value.starts_with('/') || value.starts_with('{')) return true;
  if (value.starts_with('<')) return value.ends_with('>');
  if (value.starts_with('%'))
    return value.starts_with("%s") || value.starts_with("%(") || value.ends_with('%');
  const auto of_name = [](char c) { return IsLetter(c) || c == '_'; };
  if (value.starts_with('$'))
    return value.starts_with("${") || value.starts_with("$(") || All(value.substr(1), of_name);
  return value.find('_') != std::string_view::npos &&
         All(value, [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
}

bool IsNoWord(std::string_view value) {
  return value.find_first_of("()[]{}") == std::string_view::npos &&
         !All(value, [](char c) { return IsLetter(c) || c == '_' || c == '.' || c == '-' || c == ':'; });
}

bool IsUuid(std::string_view text) {
  if (text.size() != 36 || (text[8] != '-' && text[8] != '_')) return false;
  for (size_t i = 0; i < text.size(); i++) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != text[8] : !IsHex(text[i])) return false;
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

bool IsPrivateIpv4(std::string_view text) {
  if (!IsIpv4(text)) return false;
  const std::vector<std::string> parts = Split(text, '.');
  const int second = std::stoi(parts[1]);
  return parts[0] == "10" || (parts[0] == "192" && second == 168) ||
         (parts[0] == "172" && second >= 16 && second < 32);
}

bool IsHardwareAddress(std::string_view text) {
  constexpr std::string_view kNames[] = {"enx", "wlx", "wwx"};  // of network cards that are called by it
  const bool name = std::any_of(std::begin(kNames), std::end(kNames), [&](std::string_view start) {
    return text.size() == start.size() + 12 && text.starts_with(start) &&
           All(text.substr(start.size()), IsHex);
  });
  if (name) return true;
  // "0002:c903:00ab:cdef", a GUID of InfiniBand.
  if (text.size() == 19) {
    for (size_t i = 0; i < text.size(); i++) {
      if (i % 5 == 4 ? text[i] != ':' : !IsHex(text[i])) return false;
    }
    return true;
  }
  // Of Ethernet, EUI-64, InfiniBand.
  if (text.size() != 17 && text.size() != 23 && text.size() != 59) return false;
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

// "python@3.11" and "user@1000.service" are none.
std::string_view MailIn(std::string_view word) {
  const size_t sign = word.find('@');
  if (sign == 0 || sign == std::string_view::npos || word.find('@', sign + 1) != std::string_view::npos)
    return {};
  const std::string_view mail = word.substr(0, word.find(':', sign));
  const std::string_view domain = mail.substr(sign + 1);
  return domain.size() > 2 && IsLetter(domain.front()) ? mail : std::string_view();
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

bool IsTokenAsName(std::string_view name) {
  return IsToken(name, false) && name.find('.') == std::string_view::npos &&
         std::count_if(name.begin(), name.end(), IsDigit) >= 2;
}

bool IsId(std::string_view word) {
  return word.size() >= 32 && All(word, IsHex) && std::any_of(word.begin(), word.end(), IsDigit);
}

}  // namespace tfdoctor
