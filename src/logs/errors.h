// An error by name or number: "CUDA_ERROR_804", "303", "Xid 79", "CUDNN_STATUS_NOT_INITIALIZED".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "knowledge/knowledge.h"

namespace tfdoctor {

// All meanings; empty: the words are no error's name or number.
std::vector<ErrorRow> FindErrors(std::string_view words, const Knowledge& knowledge);

// The same as a program would print it, so that it is judged like a log.
std::string AsLog(const std::vector<ErrorRow>& errors);

}  // namespace tfdoctor
