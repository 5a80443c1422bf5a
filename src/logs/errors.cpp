#include "logs/errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.h"

namespace tfdoctor {

namespace {

std::optional<int> Number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// What people write before a number: "CUDA error 804", "CUDA_ERROR_804", "cudaError 35", "NVML 18".
struct Named {
  std::string_view words;  // in lower case
  std::string_view library;
};
constexpr Named kPrefixes[] = {
    {"cuda_error_", "CUDA "},
    {"cuda error", "CUDA "},
    {"cudaerror", "CUDA "},
    {"cuda", "CUDA "},
    {"cuinit", "CUDA driver"},
    {"error", ""},
    {"xid", "Xid"},
    {"nvml_error_", "NVML"},
    {"nvml error", "NVML"},
    {"nvml", "NVML"},
    {"cudnn_status_", "cuDNN"},
    {"cudnn", "cuDNN"},
    {"cublas_status_", "cuBLAS"},
    {"cublas", "cuBLAS"},
    {"nccl", "NCCL"},
};

}  // namespace

std::vector<ErrorRow> FindErrors(std::string_view words, const Knowledge& knowledge) {
  std::vector<ErrorRow> found;
  const std::string lower = Lower(Trim(words));
  if (lower.empty() || lower.size() > 80) return found;
  const std::vector<ErrorRow> all = knowledge.Errors();
  for (const ErrorRow& row : all) {
    if (Lower(row.name) == lower) found.push_back(row);
  }
  if (!found.empty()) return found;
  std::string_view library;
  std::string_view rest = lower;
  for (const Named& prefix : kPrefixes) {
    if (!rest.starts_with(prefix.words)) continue;
    library = prefix.library;
    rest = Trim(rest.substr(prefix.words.size()));
    while (rest.starts_with(':') || rest.starts_with('=') || rest.starts_with('('))
      rest = Trim(rest.substr(1));
    while (rest.ends_with(')')) rest.remove_suffix(1);
    break;
  }
  const std::optional<int> number = Number(rest);
  if (!number) return found;
  for (const ErrorRow& row : all) {
    // A bare number is no status of TensorFlow: nothing prints those as numbers.
    const bool fits = library.empty() ? row.library != "TensorFlow" : row.library.starts_with(library);
    if (row.number == *number && fits) found.push_back(row);
  }
  return found;
}

std::string AsLog(const std::vector<ErrorRow>& errors) {
  std::string log;
  const bool cuda = std::any_of(errors.begin(), errors.end(),
                                [](const ErrorRow& row) { return row.library.starts_with("CUDA "); });
  for (const ErrorRow& row : errors) {
    // A number that several libraries use is most likely CUDA's.
    if (cuda && !row.library.starts_with("CUDA ")) continue;
    log += row.library == "Xid" ? fmt::format("NVRM: Xid (PCI:0000:00:00): {}\n", row.number)
                                : fmt::format("{}\n", row.name);
  }
  return log;
}

}  // namespace tfdoctor
