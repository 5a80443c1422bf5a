// The rows of data/*.toml, read and checked. The table generator and `--data FILE` share this reader, so a
// row that one takes the other takes too.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "knowledge/knowledge.h"

namespace tfdoctor {

// Where a library lies in the wheels of a distribution, whatever their version.
struct SonameRow {
  std::string soname;
  int cuda_major = 0;
  std::string distribution;
  std::string path;
  std::vector<std::string> needed;
};

struct ArchitectureRow {
  std::string compute_capability;
  std::string name;
  std::string first_branch;
  std::string last_branch;
};

struct GpuRangeRow {
  std::string first;
  std::string last;
  std::string architecture;
  std::string compute_capability;
};

struct MessageData {
  std::string id, by, kind, cause, meaning, releases;
  std::vector<std::string> texts;
  bool machine = false;
  bool unchecked = false;
  uint32_t shows = 0;
};

struct ErrorData {
  std::string library, name, text, fault;
  int number = 0;
  bool reset = false;
};

struct Rows {
  std::vector<TensorFlowBuild> builds;
  std::vector<std::string> flavours;
  std::vector<NvidiaWheel> wheels;
  std::vector<SonameRow> sonames;
  std::map<std::string, std::string> driver_floors;     // CUDA -> lowest driver
  std::map<std::string, std::string> toolkit_drivers;   // CUDA -> the driver that came with it
  std::map<std::string, std::string> cuda_of_branches;  // driver branch -> CUDA
  std::map<std::string, std::string> drivers_of_ptx;    // PTX ISA -> first driver
  std::vector<ArchitectureRow> architectures;
  std::map<std::string, ArchitectureLimits> cuda_limits;  // by CUDA
  std::map<std::pair<std::string, int>, ArchitectureLimits>
      cudnn_limits;  // by cuDNN and CUDA's major version
  std::vector<GpuModel> gpus;
  std::vector<GpuRangeRow> gpu_ranges;
  std::vector<MessageData> messages;
  std::vector<ErrorData> errors;
  std::vector<DefectRow> defects;
  std::vector<JetsonRow> jetsons;
  std::vector<CudaOfReleaseRow> cudas_of_releases;
  std::vector<XlaFlagRow> xla_flags;
  std::vector<QuestionRow> questions;
  std::vector<SayingRow> sayings;
  std::string date;            // of the newest row
  std::set<std::string> keys;  // what is there: no row may be given twice
};

// Adds the rows of one file. The error says file, line and column, and what would be right. A row given
// twice, in this file or before, is an error.
std::optional<Error> AddRows(std::string_view toml, std::string_view file_name, Rows& rows);

}  // namespace tfdoctor
