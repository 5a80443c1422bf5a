#include "system/shell.h"

#include <algorithm>
#include <cstddef>

namespace tfdoctor {

namespace {

bool IsNameLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// What begins more than a simple command.
bool IsReserved(std::string_view word) {
  for (const std::string_view reserved :
       {"if", "for", "while", "until", "case", "select", "function", "{", "!"}) {
    if (word == reserved) return true;
  }
  return false;
}

}  // namespace

bool IsAssignment(std::string_view word) {
  const size_t equals = word.find('=');
  return equals != std::string_view::npos && equals > 0 && (word[0] < '0' || word[0] > '9') &&
         std::all_of(word.begin(), word.begin() + static_cast<ptrdiff_t>(equals), IsNameLetter);
}

bool ShellText::Next(std::vector<std::string>& words) {
  words.clear();
  while (!failed_ && !rest_.empty() && words.empty()) {
    failed_ = !Take(words) || failed_;
    if (!words.empty() && IsReserved(words.front())) failed_ = true;
  }
  return !failed_ && !words.empty();
}

char ShellText::Pop() {
  const char c = rest_.front();
  rest_.remove_prefix(1);
  return c;
}

// Up to the end of a command. False: it is not understood.
bool ShellText::Take(std::vector<std::string>& words) {
  while (!rest_.empty() && !failed_) {
    const char c = Pop();
    if (c == ' ' || c == '\t') {
      EndWord(words);
    } else if (c == '\n' || c == ';' || c == '&' || c == '|') {
      break;
    } else if (c == '#' && !in_word_) {
      rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
    } else if (c == '(' || c == ')' || c == '`') {
      return false;
    } else if (c == '<' || c == '>') {
      Redirect(words);
    } else if (c == '\'' || c == '"') {
      Quoted(c, words);
    } else if (c == '$') {
      Expand(false, words);
    } else if (c != '\\') {
      word_ += c;
      in_word_ = true;
    } else if (!rest_.empty()) {
      const char escaped = Pop();
      if (escaped == '\n') continue;  // the line goes on
      word_ += escaped;
      in_word_ = true;
    }
  }
  EndWord(words);
  return true;
}

void ShellText::Quoted(char quote, std::vector<std::string>& words) {
  in_word_ = true;
  while (!rest_.empty() && !failed_) {
    const char c = Pop();
    if (c == quote) return;
    if (quote == '"' && c == '$') {
      Expand(true, words);
    } else if (quote == '"' && c == '`') {
      break;
    } else if (quote == '"' && c == '\\' && !rest_.empty() &&
               std::string_view("$`\"\\\n").find(rest_.front()) != std::string_view::npos) {
      const char escaped = Pop();
      if (escaped != '\n') word_ += escaped;
    } else {
      word_ += c;
    }
  }
  failed_ = true;  // it has no end, or a command inside
}

// Behind a "$". What only the running shell knows stays as it is written.
void ShellText::Expand(bool quoted, std::vector<std::string>& words) {
  const bool braces = rest_.starts_with('{');
  const std::string_view behind = rest_.substr(braces ? 1 : 0);
  size_t length = 0;
  while (length < behind.size() && IsNameLetter(behind[length])) length++;
  const bool named = length > 0 && (behind[0] < '0' || behind[0] > '9');
  if (named && (!braces || behind.substr(length).starts_with('}'))) {
    const std::string value = value_(std::string(behind.substr(0, length)));
    rest_.remove_prefix(length + (braces ? 2 : 0));
    if (value.size() > values_left_) {
      failed_ = true;
      return;
    }
    values_left_ -= value.size();
    // Without quotes blanks in a value part words, but not where a variable is set before the command.
    const bool whole =
        quoted || (IsAssignment(word_) && std::all_of(words.begin(), words.end(), IsAssignment));
    for (const char c : value) {
      if (!whole && (c == ' ' || c == '\t' || c == '\n')) {
        EndWord(words);
      } else {
        word_ += c;
        in_word_ = true;
      }
    }
    return;
  }
  in_word_ = open_ = true;
  word_ += '$';
  if (!braces && !rest_.starts_with('(')) return;  // "$1", "$@": one letter, which is taken as any other
  // Up to the bracket that closes it.
  int depth = 0;
  while (!rest_.empty()) {
    const char c = Pop();
    word_ += c;
    if (c == '{' || c == '(') depth++;
    if ((c == '}' || c == ')') && --depth == 0) return;
  }
  failed_ = true;
}

// Behind "<" or ">": the word that follows is a file, and a number before is that of a descriptor.
void ShellText::Redirect(std::vector<std::string>& words) {
  if (rest_.starts_with('<') || rest_.starts_with('(')) {  // a here-document, or what a command prints
    failed_ = true;
    return;
  }
  if (word_.find_first_not_of("0123456789") == std::string::npos) {
    word_.clear();
    in_word_ = false;
  }
  EndWord(words);
  while (!rest_.empty() && std::string_view(">&| \t").find(rest_.front()) != std::string_view::npos) Pop();
  to_file_ = true;
}

void ShellText::EndWord(std::vector<std::string>& words) {
  if (!in_word_) return;
  if (open_ && IsAssignment(word_)) failed_ = true;
  if (!to_file_) words.push_back(word_);
  word_.clear();
  in_word_ = open_ = to_file_ = false;
}

}  // namespace tfdoctor
