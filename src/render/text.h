// The answer for people. Pure functions: nothing is read or written here.
#pragma once

#include <string>

#include "diagnose/diagnosis.h"
#include "facts/facts.h"
#include "render/terminal.h"

namespace tfdoctor {

std::string RenderText(const Diagnosis& diagnosis, const Facts& facts, const TextOptions& options);

// The answer about a log.
std::string RenderLogText(const Diagnosis& diagnosis, const Facts& facts, const LogAnswer& log,
                          const TextOptions& options);

}  // namespace tfdoctor
