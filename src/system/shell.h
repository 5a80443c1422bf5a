// The commands in a text that a POSIX shell would run, one after the other.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tfdoctor {

// "cd /app && exec python 'my train.py' > log" has the words "cd /app", then "exec python my train.py".
class ShellText {
 public:
  // `value` is asked for the variables in it at the time of their command.
  ShellText(std::string_view text, std::function<std::string(const std::string&)> value)
      : rest_(text), value_(std::move(value)) {}

  // The words of the next command, without quotes, redirections and comments; false: there is none, or what
  // stands there is more than a simple command.
  bool Next(std::vector<std::string>& words);
  // Something was not understood: if, for, a here-document, an assignment of what a command prints, ….
  bool failed() const { return failed_; }

 private:
  bool Take(std::vector<std::string>& words);
  void Quoted(char quote, std::vector<std::string>& words);
  void Expand(bool quoted, std::vector<std::string>& words);
  void Redirect(std::vector<std::string>& words);
  void EndWord(std::vector<std::string>& words);
  char Pop();

  std::string_view rest_;
  std::function<std::string(const std::string&)> value_;
  size_t values_left_ = 1 << 20;  // bytes of values: they may double again and again
  std::string word_;
  bool in_word_ = false;  // "''" is an empty word
  bool open_ = false;     // a part of the word only the running shell knows
  bool to_file_ = false;  // the word is the file of a redirection
  bool failed_ = false;
};

// "NAME=value"
bool IsAssignment(std::string_view word);

}  // namespace tfdoctor
