// Reads a log: which messages it holds, by which process and attempt. No judgement.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/knowledge.h"

namespace tfdoctor {

// A message as a log holds it; lines that say the same are counted once.
struct LogMessage {
  const MessageRow* row = nullptr;
  uint64_t line = 0;  // the last that prints it, from 1
  uint64_t first_line = 0;
  uint64_t count = 0;
  std::string text;                                        // of the last, at most kLongestShown bytes
  std::map<std::string, std::vector<std::string>> fields;  // different values, in the order of the lines
};

// One run of one program.
struct Attempt {
  std::string process;  // "client_2" of docker compose, "3" of a Slurm task; empty: the log names none
  uint64_t first_line = 0;
  std::map<std::string_view, LogMessage> messages;  // by id

  bool Fails() const;  // a message of trouble is among them
};

// A line of the answer.
struct LogLine {
  uint64_t line = 0;
  std::string text;
  const MessageRow* row = nullptr;
};

struct LogReading {
  std::shared_ptr<const std::vector<MessageRow>> rows;  // that the messages point into
  std::vector<Attempt> attempts;                        // in the order of their first lines
  std::map<std::string_view, LogMessage> machine;       // messages about the machine or an installation
  std::map<std::string, std::string> packages;  // "tensorflow" -> "2.15.0", of pip's and conda's lists
  std::map<std::string, uint64_t> package_lines;
  // What people and programs say of the machine: "tf_version" -> "2.16.1", "gpu" -> "RTX 3060 12GB".
  std::map<std::string, std::string> stated;
  std::map<std::string, std::string> builds;  // conda's build string: "cuda120py311h5cbd639_1"
  std::vector<LogLine> lines;                 // that were recognised, each kind of text once
  uint64_t line_count = 0;
  uint64_t bytes = 0;
  std::string own_words;  // of somebody who describes instead of giving a log: may hold sayings
  std::string unread;     // of a short log: the lines in which no message stands
  std::string remarks;    // what stands around a message that a sentence quotes: may hold sayings
  std::string trouble;    // why not all of it was read

  // The last attempt that shows trouble, else the last; nullptr: none.
  const Attempt* Judged() const;
};

class LogReader {
 public:
  // Of a longer literal not every cut by a terminal would be seen.
  static constexpr size_t kLongestAnchor = 200;

  explicit LogReader(const Knowledge& knowledge);
  ~LogReader();
  LogReader(const LogReader&) = delete;
  LogReader& operator=(const LogReader&) = delete;

  // Text in pieces, cut anywhere.
  void Feed(std::string_view text);
  // What the whole lines so far hold: of a log that is still being written.
  LogReading SoFar() const;
  // Grows with each message that is recognised.
  uint64_t recognised() const;
  // The rest of the last line. Call once. `parts`: in a few words that are no whole message, the part of one
  // is taken for it.
  LogReading Finish(bool parts = true);

  // The literals that are searched for: for the benchmark.
  std::vector<std::string_view> Anchors() const;

 private:
  struct Tables;
  struct State;
  std::unique_ptr<State> state_;
};

// A whole log that lies in memory, in whatever form. `parts`: as LogReader::Finish.
LogReading ReadLog(std::string_view bytes, const Knowledge& knowledge, bool parts = true);

// Without escape sequences, and of a line that overwrites itself (progress bars) what stays at last.
std::string CleanLine(std::string_view line);

}  // namespace tfdoctor
