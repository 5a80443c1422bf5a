#include "facts/fact.h"

#include <algorithm>

namespace tfdoctor {

namespace {
thread_local ReadScope* innermost = nullptr;
}

ReadScope::ReadScope() : outer_(innermost) { innermost = this; }
ReadScope::~ReadScope() { innermost = outer_; }

void ReadScope::Note(const FactBase* fact) {
  if (innermost == nullptr) return;
  auto& unknown = innermost->unknown_;
  if (std::find(unknown.begin(), unknown.end(), fact) == unknown.end()) unknown.push_back(fact);
}

}  // namespace tfdoctor
