#include "system/children.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace tfdoctor {

namespace {

using Time = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

constexpr int kAnswer = 3;  // the child's descriptor

Time Now() { return std::chrono::steady_clock::now(); }

int MillisecondsUntil(Time end) {
  auto left = std::chrono::duration_cast<milliseconds>(end - Now()).count();
  return static_cast<int>(std::clamp<long long>(left + 1, 0, 1000 * 1000));
}

// Where something comes from a child.
struct Stream {
  int file = -1;
  void Close() {
    if (file >= 0) close(file);
    file = -1;
  }
};

class Child {
 public:
  // `environment`: of the child; nullptr: our own.
  Child(const std::string& program, const ChildTask& task,
        const std::map<std::string, std::string>* environment)
      : task_(task), environment_(environment) {
    Start(task.program.empty() ? program : task.program);
  }
  ~Child() { CloseStreams(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  ChildEnd& end() { return end_; }
  std::vector<Stream*> OpenStreams() {
    std::vector<Stream*> open;
    for (Stream* stream : {&answer_, &printed_}) {
      if (stream->file >= 0) open.push_back(stream);
    }
    return open;
  }
  void CloseStreams() {
    answer_.Close();
    printed_.Close();
  }

  // What is there to read; false when there is nothing for now.
  bool Read(Stream& stream, const ChildLimits& limits) {
    char buffer[16 * 1024];
    ssize_t got = read(stream.file, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) return true;
    if (got < 0 && errno == EAGAIN) return false;
    if (got <= 0) {
      stream.Close();
      return false;
    }
    const std::string_view piece(buffer, static_cast<size_t>(got));
    if (&stream == &printed_) {
      printed_bytes_ += piece.size();
      task_.printed(piece);
      if (limits.printed > 0 && printed_bytes_ > limits.printed) TooMuch();
      return true;
    }
    answer_bytes_ += piece.size();
    if (task_.answered) {
      task_.answered(piece);
    } else {
      end_.output += piece;
      if (end_.output.size() > limits.output) end_.output.resize(limits.output);
    }
    if (answer_bytes_ > limits.output) TooMuch();
    return true;
  }

  void Kill(ChildEnd::How how) {
    if (pid_ <= 0) return;
    // Its whole group: the driver starts programs of its own.
    kill(-pid_, SIGKILL);
    kill(pid_, SIGKILL);
    killed_ = true;
    end_.how = how;
  }

  // It has come to its end, which is not taken yet.
  bool Ended() const {
    siginfo_t info = {};
    return pid_ <= 0 || (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
                         info.si_pid != 0);
  }

  // Takes its end; false: it has none yet.
  bool Reap() {
    siginfo_t info = {};
    int asked = waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    if (asked < 0 && errno == EINTR) return false;
    if (asked == 0 && info.si_pid == 0) return false;
    if (asked == 0 && !killed_) {
      end_.how = info.si_code == CLD_EXITED ? ChildEnd::How::kExit : ChildEnd::How::kSignal;
      end_.number = info.si_status;
    }
    // What it may have started must not go on. Before it is reaped its number is nobody else's.
    kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, WNOHANG);
    pid_ = -1;
    return true;
  }

  void WatchMemory(uint64_t limit) {
    if (pid_ <= 0) return;
    // proc(5): size and resident, in pages.
    char text[128] = "";
    const std::string path = "/proc/" + std::to_string(pid_) + "/statm";
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    const ssize_t got = read(file, text, sizeof text - 1);
    close(file);
    unsigned long long pages = 0;
    if (got <= 0 || std::sscanf(text, "%*u %llu", &pages) != 1) return;
    const uint64_t resident = pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    end_.most_resident = std::max(end_.most_resident, resident);
    if (resident > limit) Kill(ChildEnd::How::kMemory);
  }

 private:
  static std::vector<char*> Pointers(const std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
    pointers.push_back(nullptr);
    return pointers;
  }

  std::vector<std::string> Variables() const {
    const auto stays = [&](const std::string& name) {
      return std::find(task_.without.begin(), task_.without.end(), name) == task_.without.end() &&
             !task_.variables.contains(name);
    };
    std::vector<std::string> entries;
    if (environment_ != nullptr) {
      for (const auto& [name, value] : *environment_) {
        if (stays(name)) entries.push_back(name + "=" + value);
      }
    } else {
      for (char** entry = environ; entry != nullptr && *entry != nullptr; entry++) {
        const std::string_view text = *entry;
        if (stays(std::string(text.substr(0, text.find('='))))) entries.emplace_back(text);
      }
    }
    for (const auto& [name, value] : task_.variables) entries.push_back(name + "=" + value);
    return entries;
  }

  // The end that the child writes to; negative: it cannot be made.
  static int MakePipe(Stream& stream) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    stream.file = ends[0];
    fcntl(stream.file, F_SETFL, O_NONBLOCK);
    return ends[1];
  }

  void TooMuch() {
    Kill(ChildEnd::How::kOutput);
    CloseStreams();
  }

  void Start(const std::string& program) {
    const int answer = MakePipe(answer_);
    const int printed = task_.printed ? MakePipe(printed_) : -1;
    if (answer < 0 || (task_.printed && printed < 0)) {
      end_.why = std::strerror(errno);
      if (answer >= 0) close(answer);
      CloseStreams();
      return;
    }
    std::vector<std::string> words = {program};
    words.insert(words.end(), task_.arguments.begin(), task_.arguments.end());
    std::vector<std::string> variables = Variables();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    // Before a descriptor of ours is taken: the pipe may itself have one of these numbers.
    if (printed >= 0) {
      for (int stream : {STDOUT_FILENO, STDERR_FILENO})
        posix_spawn_file_actions_adddup2(&actions, printed, stream);
    }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
    for (int stream : {STDOUT_FILENO, STDERR_FILENO}) {
      if (printed < 0) posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0);
    }
    // Where the pipe already is 3, this still takes its close-on-exec flag away.
    posix_spawn_file_actions_adddup2(&actions, answer, kAnswer);
    if (!task_.folder.empty()) posix_spawn_file_actions_addchdir_np(&actions, task_.folder.c_str());
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int error = posix_spawn(&pid_, program.c_str(), &actions, &attributes, Pointers(words).data(),
                            Pointers(variables).data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(answer);
    if (printed >= 0) close(printed);
    if (error == 0) return;
    pid_ = -1;
    end_.why = std::strerror(error);
    CloseStreams();
  }

  const ChildTask& task_;
  const std::map<std::string, std::string>* const environment_;
  pid_t pid_ = -1;
  Stream answer_;
  Stream printed_;
  uint64_t answer_bytes_ = 0;
  uint64_t printed_bytes_ = 0;
  bool killed_ = false;
  ChildEnd end_;
};

using Children = std::vector<std::unique_ptr<Child>>;

// What those that have come to their end said, to its last word.
void TakeLastWords(Children& children, const ChildLimits& limits) {
  for (auto& child : children) {
    if (!child->Ended()) continue;
    for (Stream* stream : child->OpenStreams()) {
      while (stream->file >= 0 && child->Read(*stream, limits)) {
      }
    }
    child->CloseStreams();
  }
}

// Those that still run.
void KillAll(Children& children, ChildEnd::How how, const ChildLimits& limits) {
  TakeLastWords(children, limits);
  for (auto& child : children) {
    if (!child->Ended()) child->Kill(how);
    child->CloseStreams();
  }
}

// Every now and then; false: they were ended.
bool Watch(Children& children, const ChildLimits& limits) {
  if (limits.interrupted && limits.interrupted()) {
    KillAll(children, ChildEnd::How::kInterrupted, limits);
    return false;
  }
  for (auto& child : children) {
    if (limits.resident > 0) child->WatchMemory(limits.resident);
  }
  // What it has started may live on and hold its streams: what it said itself is in them already.
  TakeLastWords(children, limits);
  return true;
}

void ReadAll(Children& children, const ChildLimits& limits, Time deadline) {
  constexpr int kOften = 50;  // milliseconds between two looks at the children
  Time last_look = Now();
  for (;;) {
    std::vector<pollfd> waits;
    std::vector<std::pair<Child*, Stream*>> of;
    for (auto& child : children) {
      for (Stream* stream : child->OpenStreams()) {
        waits.push_back({stream->file, POLLIN, 0});
        of.emplace_back(child.get(), stream);
      }
    }
    if (waits.empty()) return;
    poll(waits.data(), waits.size(), std::min(kOften, MillisecondsUntil(deadline)));
    if (Now() >= deadline) return KillAll(children, ChildEnd::How::kTime, limits);
    for (size_t i = 0; i < waits.size(); i++) {
      auto [child, stream] = of[i];
      if (waits[i].revents != 0 && stream->file >= 0) child->Read(*stream, limits);
    }
    if (Now() - last_look < milliseconds(kOften)) continue;
    last_look = Now();
    if (!Watch(children, limits)) return;
  }
}

void ReapAll(Children& children, const ChildLimits& limits, Time deadline) {
  // A process that hangs inside the kernel does not even die when it is killed: it is left behind then.
  constexpr milliseconds kDying{500};
  Time give_up = std::max(deadline, Now()) + kDying;
  bool late = false;
  for (;;) {
    bool any = false;
    for (auto& child : children) {
      if (child->pid() > 0 && !child->Reap()) any = true;
    }
    if (!any || Now() >= give_up) return;
    if (!late && limits.interrupted && limits.interrupted()) {
      KillAll(children, ChildEnd::How::kInterrupted, limits);
      late = true;
      give_up = Now() + kDying;
    }
    if (!late && Now() >= deadline) {
      late = true;
      for (auto& child : children) {
        if (!child->Ended()) child->Kill(ChildEnd::How::kTime);
      }
    }
    poll(nullptr, 0, 1);
  }
}

}  // namespace

std::vector<ChildEnd> RunProcesses(const std::string& program, const std::vector<ChildTask>& tasks,
                                   const ChildLimits& limits,
                                   const std::map<std::string, std::string>* environment) {
  const Time deadline = Now() + limits.time;
  std::vector<std::unique_ptr<Child>> children;
  for (const ChildTask& task : tasks) children.push_back(std::make_unique<Child>(program, task, environment));
  ReadAll(children, limits, deadline);
  ReapAll(children, limits, deadline);
  std::vector<ChildEnd> ends;
  for (auto& child : children) ends.push_back(std::move(child->end()));
  return ends;
}

}  // namespace tfdoctor
