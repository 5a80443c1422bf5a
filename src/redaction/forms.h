// What is recognised by its form or by its name, wherever it stands. Pure functions.
#pragma once

#include <array>
#include <string_view>

namespace tfdoctor {

// Where people's folders lie.
inline constexpr std::array<std::string_view, 8> kHomes = {"/home/",    "/homes/", "/Users/", "/users/",
                                                           "/scratch/", "/media/", "/staff/", "/students/"};

bool IsLetter(char c);
bool IsHex(char c);
bool IsWordChar(char c);  // of a name: a letter, a digit, "_"

// Whether a name says that its value is secret: "DB_PASSWORD", "api-key".
bool IsSecretName(std::string_view name);
// "user", "host": whose values tell people and machines.
bool IsNameOfUser(std::string_view name);
bool IsNameOfHost(std::string_view name);

// Whether a value is only the place of one ("$TOKEN", "{token}", "<token>", "%s"), the name of one
// ("HF_TOKEN"), or the path of a file that has it.
bool IsPlaceOfValue(std::string_view value);
// Whether a value in a text that people write is no word of theirs.
bool IsNoWord(std::string_view value);

bool IsUuid(std::string_view text);  // with "-", or with "_" as systemd names its slices
bool IsIpv4(std::string_view text);
bool IsPrivateIpv4(std::string_view text);  // of a network of one's own (RFC 1918)
bool IsHardwareAddress(std::string_view text);
bool IsIpv6(std::string_view text);
// The mail address that a word begins with ("ada@acme.example:x"); empty: it is none.
std::string_view MailIn(std::string_view word);
// `guess`: also what begins like no known token, but looks random.
bool IsToken(std::string_view word, bool guess);
// The same of the name of a file, which may begin with "hf_" or "pk-" for other reasons.
bool IsTokenAsName(std::string_view name);
// "0a1b2c…" of 32 digits or more: the id of a container, a key.
bool IsId(std::string_view word);

}  // namespace tfdoctor
