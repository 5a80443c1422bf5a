// One thing that was looked for: a value, absent, or unknown, and who says so.
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tfdoctor {

// Who says it, the more trusted the larger: what a process has mapped outweighs what the files let us
// predict, that outweighs what a program printed, and that what somebody states.
enum class Witness : uint8_t { kStated, kLog, kMachine, kProcess };

struct Origin {
  Witness witness = Witness::kMachine;
  std::string from;  // where it was read: a path, "environment variable X", "--assume", "line 12"
};

enum class FactState : uint8_t {
  kUnknown,  // could not look, or nobody looked: `why` says so
  kAbsent,   // looked in the right place: it is not there
  kValue,
};

class FactBase;

// While one lives, every unknown fact that is read is noted in it. The engine holds one around each rule, so
// a rule cannot forget that it did not know. Nested scopes: the innermost notes.
class ReadScope {
 public:
  ReadScope();
  ~ReadScope();
  ReadScope(const ReadScope&) = delete;
  ReadScope& operator=(const ReadScope&) = delete;
  const std::vector<const FactBase*>& unknown() const { return unknown_; }
  static void Note(const FactBase* fact);

 private:
  std::vector<const FactBase*> unknown_;
  ReadScope* outer_;
};

class FactBase {
 public:
  static constexpr std::string_view kNobodyLooked =
      "nobody looked";  // why a fact is unknown that nothing fills

  FactState state() const { return state_; }  // for printing and storing; rules use the readers below
  const std::string& why() const { return why_; }
  const Origin& origin() const { return origin_; }

  // For rules: reading an unknown fact is noted by the ReadScope.
  bool Unknown() const { return state_ == FactState::kUnknown ? Note() : false; }
  bool Absent() const { return state_ == FactState::kUnknown ? !Note() : state_ == FactState::kAbsent; }
  bool Present() const { return state_ == FactState::kUnknown ? !Note() : state_ == FactState::kValue; }

 protected:
  bool Note() const {
    ReadScope::Note(this);
    return true;
  }
  FactState state_ = FactState::kUnknown;
  std::string why_{kNobodyLooked};
  Origin origin_;
};

template <class T>
class Fact : public FactBase {
 public:
  using value_type = T;

  Fact() = default;  // unknown: nobody looked
  static Fact Value(T value, Origin origin) {
    Fact fact;
    fact.state_ = FactState::kValue;
    fact.value_ = std::move(value);
    fact.origin_ = std::move(origin);
    fact.why_.clear();
    return fact;
  }
  static Fact Absent(Origin origin) {
    Fact fact;
    fact.state_ = FactState::kAbsent;
    fact.origin_ = std::move(origin);
    fact.why_.clear();
    return fact;
  }
  static Fact Unknown(std::string why, Origin origin) {
    Fact fact;
    fact.why_ = std::move(why);
    fact.origin_ = std::move(origin);
    return fact;
  }
  using FactBase::Absent;
  using FactBase::Unknown;

  // The value, or nullptr when absent or unknown (the latter is noted).
  const T* Get() const { return Present() ? &*value_ : nullptr; }
  // Known to be this value.
  bool Is(const T& value) const {
    const T* known = Get();
    return known != nullptr && *known == value;
  }
  // The same without being noted: for probes, printing and storing.
  const T* Peek() const { return state_ == FactState::kValue ? &*value_ : nullptr; }
  T* Mutable() { return state_ == FactState::kValue ? &*value_ : nullptr; }

  // Hears a further witness. The more trusted one stays in front (of equals the first); the rest are in
  // others().
  void Add(Fact other) {
    if (state_ == FactState::kUnknown && others_.empty()) {
      *this = std::move(other);
      return;
    }
    if (other.state_ != FactState::kUnknown &&
        (state_ == FactState::kUnknown || other.origin_.witness > origin_.witness)) {
      std::swap(*this, other);
      others_ = std::move(other.others_);
      other.others_.clear();
    }
    others_.push_back(std::move(other));
  }
  const std::vector<Fact>& others() const { return others_; }

 private:
  std::optional<T> value_;
  std::vector<Fact> others_;
};

}  // namespace tfdoctor
