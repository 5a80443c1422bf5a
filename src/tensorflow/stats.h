// Where the operations of a step ran, as TensorFlow's statistics say it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tfdoctor {

// By device ("/job:localhost/replica:0/task:0/device:GPU:0"), the names of the operations.
using DeviceStats = std::map<std::string, std::vector<std::string>>;

// Of the bytes of a RunMetadata (tensorflow/core/protobuf/config.proto, framework/step_stats.proto); what is
// not understood is left out.
DeviceStats ReadStepStats(std::string_view bytes);

}  // namespace tfdoctor
