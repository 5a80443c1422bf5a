// Long lists are divided among commits: `make test` sets TFDOCTOR_COMMIT, and runs the part whose turn it is.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace tfdoctor {

class Turn {
 public:
  explicit Turn(size_t parts) : parts_(parts) {
    const char* commit = std::getenv("TFDOCTOR_COMMIT");
    if (commit == nullptr || *commit == '\0')
      parts_ = 1;
    else
      mine_ = std::strtoul(std::string(commit).substr(0, 8).c_str(), nullptr, 16) % parts_;
  }
  ~Turn() {
    if (left_out_ > 0) std::printf("%zu of %zu wait for another commit's turn\n", left_out_, met_);
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  // Whether the next one of the list is to be run.
  bool Next() {
    const bool mine = met_++ % parts_ == mine_;
    left_out_ += mine ? 0 : 1;
    return mine;
  }

 private:
  size_t parts_, mine_ = 0, met_ = 0, left_out_ = 0;
};

}  // namespace tfdoctor
