#include "system/children.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

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

class Child {
 public:
  Child(const std::string& program, const ChildTask& task,
        const std::map<std::string, std::string>* environment) {
    Start(program, task, environment);
  }
  ~Child() {
    if (pipe_ >= 0) close(pipe_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int pipe() const { return pipe_; }
  pid_t pid() const { return pid_; }
  ChildEnd& end() { return end_; }

  // What is there to read; false when nothing more will come.
  bool Read(size_t limit) {
    char buffer[16 * 1024];
    ssize_t got = read(pipe_, buffer, sizeof buffer);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (got <= 0) return false;
    end_.output.append(buffer, static_cast<size_t>(got));
    if (end_.output.size() <= limit) return true;
    end_.output.resize(limit);
    Kill(ChildEnd::How::kOutput);
    return false;
  }
  void ClosePipe() {
    close(pipe_);
    pipe_ = -1;
  }

  void Kill(ChildEnd::How how) {
    if (pid_ <= 0) return;
    // Its whole group: the driver starts programs of its own.
    kill(-pid_, SIGKILL);
    kill(pid_, SIGKILL);
    killed_ = true;
    end_.how = how;
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

 private:
  static std::vector<char*> Pointers(const std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
    pointers.push_back(nullptr);
    return pointers;
  }

  static std::vector<std::string> EnvironmentWithout(const std::vector<std::string>& names,
                                                     const std::map<std::string, std::string>* environment) {
    std::vector<std::string> entries;
    if (environment != nullptr) {
      for (const auto& [name, value] : *environment) {
        if (std::find(names.begin(), names.end(), name) == names.end()) entries.push_back(name + "=" + value);
      }
      return entries;
    }
    for (char** entry = environ; entry != nullptr && *entry != nullptr; entry++) {
      std::string_view text = *entry;
      std::string_view name = text.substr(0, text.find('='));
      if (std::find(names.begin(), names.end(), name) == names.end()) entries.emplace_back(text);
    }
    return entries;
  }

  void Start(const std::string& program, const ChildTask& task,
             const std::map<std::string, std::string>* environment) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      end_.why = std::strerror(errno);
      return;
    }
    pipe_ = ends[0];
    fcntl(pipe_, F_SETFL, O_NONBLOCK);

    std::vector<std::string> words = {program};
    words.insert(words.end(), task.arguments.begin(), task.arguments.end());
    std::vector<std::string> variables = EnvironmentWithout(task.without, environment);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
      posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0);
    // Where the pipe already is 3, this still takes its close-on-exec flag away.
    posix_spawn_file_actions_adddup2(&actions, ends[1], kAnswer);
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
    close(ends[1]);
    if (error == 0) return;
    pid_ = -1;
    end_.why = std::strerror(error);
    ClosePipe();
  }

  pid_t pid_ = -1;
  int pipe_ = -1;
  bool killed_ = false;
  ChildEnd end_;
};

void ReadAll(std::vector<std::unique_ptr<Child>>& children, const ChildLimits& limits, Time deadline) {
  for (;;) {
    std::vector<pollfd> waits;
    std::vector<Child*> of;
    for (auto& child : children) {
      if (child->pipe() < 0) continue;
      waits.push_back({child->pipe(), POLLIN, 0});
      of.push_back(child.get());
    }
    if (waits.empty()) return;
    int left = MillisecondsUntil(deadline);
    int ready = poll(waits.data(), waits.size(), left);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      if (Now() < deadline) continue;
      for (Child* child : of) {
        child->Kill(ChildEnd::How::kTime);
        child->ClosePipe();
      }
      return;
    }
    for (size_t i = 0; i < waits.size(); i++) {
      if (waits[i].revents != 0 && !of[i]->Read(limits.output)) of[i]->ClosePipe();
    }
  }
}

void ReapAll(std::vector<std::unique_ptr<Child>>& children, Time deadline) {
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
    if (!late && Now() >= deadline) {
      late = true;
      for (auto& child : children) {
        if (child->pid() > 0) child->Kill(ChildEnd::How::kTime);
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
  ReapAll(children, deadline);
  std::vector<ChildEnd> ends;
  for (auto& child : children) ends.push_back(std::move(child->end()));
  return ends;
}

}  // namespace tfdoctor
