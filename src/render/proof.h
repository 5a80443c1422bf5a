// The answer of `tfdoctor prove` for people.
#pragma once

#include <string>

#include "diagnose/diagnosis.h"
#include "diagnose/proof.h"
#include "facts/facts.h"
#include "render/terminal.h"

namespace tfdoctor {

// The steps; and where one failed, the same report as of `check`.
std::string RenderProof(const Proof& proof, const Diagnosis& diagnosis, const Facts& facts,
                        const TextOptions& options);

}  // namespace tfdoctor
