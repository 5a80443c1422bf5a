// Where the machine that is judged comes from: this one, as it is, or something that stands in for it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "system/recording.h"
#include "system/system.h"

namespace tfdoctor {

struct SourceOptions {
  std::string from;                            // --from: a recording
  std::string root;                            // --root: the folder of another root
  std::string image;                           // --image: an OCI layout, or what docker save wrote; FILE:NAME
  std::string platform;                        // --platform: "linux/arm64", of an image for several
  std::string pid;                             // --pid: a running process
  std::vector<std::string> environment;        // --env: KEY=VALUE
  std::vector<std::string> environment_files;  // --env-file: lines KEY=VALUE

  bool states_environment() const { return !environment.empty() || !environment_files.empty(); }
  bool names_none() const { return (from + root + image + pid).empty(); }
  bool another_root() const { return !root.empty() || !image.empty(); }
};

// What somebody named without an option, by what is there: the file of a recording, the folder of a root, an
// image, the number of a process. With none of them set: an interpreter or the folder of an environment of
// this machine. Error: why it is nothing of these.
Result<SourceOptions> SourceNamed(const std::string& named, const System& live);

struct Source {
  std::unique_ptr<System> system;
  // Of an image: reads what was asked for in vain, false when there is nothing more to be had. Empty: all is
  // at hand.
  std::function<Result<bool>()> fetch;
  std::string name;  // for people: "the recording job.tfdoctor of 2026-11-26"; empty: this machine as it is
  // What a recording was made to judge: options of check without their dashes.
  std::vector<std::pair<std::string, std::string>> question;
  // Of a recording: the clock of its machine (Recording::local_time).
  std::string local_time, zone;
};

// Error: for people, with the option in front ("--from x: it is cut short").
// `progress`: of what takes longer than a moment, in words; may be empty.
Result<Source> OpenSource(const SourceOptions& options, const System& live,
                          const std::function<void(const std::string&)>& progress = {});

// Reads the file of a recording. Error: without the file's name in front.
Result<Recording> ReadRecordingFile(const System& live, const std::string& path);

// Writes a file that is whole or not there: first beside it, then moved into its place. Something other than
// a file in its place is an error.
Result<bool> WriteWhole(const std::string& path, std::string_view bytes);

}  // namespace tfdoctor
