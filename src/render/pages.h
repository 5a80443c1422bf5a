// What tfdoctor knows about causes, without looking at a machine: `explain` and `causes`.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "diagnose/rule.h"
#include "render/terminal.h"

namespace tfdoctor {

const Rule* FindRule(std::span<const Rule* const> rules, std::string_view id);
// Up to `limit` of `names` that resemble `name`, the nearest first; none when nothing does.
std::vector<std::string> Nearest(std::string_view name, const std::vector<std::string>& names,
                                 size_t limit = 3);

std::string RenderPage(const Rule& rule, const TextOptions& options);
std::string RenderCauses(std::span<const Rule* const> rules, const TextOptions& options);

}  // namespace tfdoctor
