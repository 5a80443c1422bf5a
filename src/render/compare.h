// The answer of `tfdoctor diff`.
#pragma once

#include <string>
#include <vector>

#include "diagnose/compare.h"
#include "diagnose/diagnosis.h"
#include "render/terminal.h"

namespace tfdoctor {

struct ComparedSide {
  std::string name;  // "the recording job.tfdoctor", "this shell"
  Diagnosis diagnosis;
};

struct Comparison {
  ComparedSide a, b;
  std::vector<Difference> differences;
};

std::string RenderComparison(const Comparison& comparison, const TextOptions& options);
// docs/schema/diff-1.schema.json
std::string RenderComparisonJson(const Comparison& comparison);

}  // namespace tfdoctor
