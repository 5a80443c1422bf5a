// A value or the reason why there is none. (std::expected comes with C++23.)
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace tfdoctor {

// Why an operation on the machine gave no value. "Not found" is an answer about the machine (absent); every
// other kind means that we could not look (unknown). The two must never be confused.
enum class ErrorKind {
  kNotFound,   // looked in the right place, it is not there (ENOENT, ENOTDIR)
  kDenied,     // no permission to look
  kLoop,       // symbolic links without end
  kTooLarge,   // refused: larger than the caller's bound
  kWrongType,  // a directory, device or FIFO where a regular file was expected
  kTimeout,    // a child took longer than its limit
  kMalformed,  // read, but not what it claims to be
  kIo,         // everything else (EIO, EMFILE, …)
};

struct Error {
  ErrorKind kind = ErrorKind::kIo;
  std::string
      message;  // one line without the final full stop, for people: "cannot read /x: Permission denied"
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  // Only after ok(); else std::bad_variant_access.
  T& value() { return std::get<0>(state_); }
  const T& value() const { return std::get<0>(state_); }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const { return std::get<1>(state_); }
  bool not_found() const { return !ok() && error().kind == ErrorKind::kNotFound; }
  T value_or(T other) const { return ok() ? value() : std::move(other); }

 private:
  std::variant<T, Error> state_;
};

}  // namespace tfdoctor
