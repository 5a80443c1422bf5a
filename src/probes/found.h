// What the probes write their facts with.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "facts/fact.h"

namespace tfdoctor {

using Text = Fact<std::string>;
using List = Fact<std::vector<std::string>>;

inline constexpr Witness kMachine = Witness::kMachine;

// `where`: a file, or what else was asked.
inline Origin From(std::string where) { return {kMachine, std::move(where)}; }

}  // namespace tfdoctor
