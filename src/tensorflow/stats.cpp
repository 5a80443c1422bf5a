#include "tensorflow/stats.h"

#include <cstdint>
#include <optional>

namespace tfdoctor {

namespace {

// Reads the fields of a protobuf message, as its encoding is documented.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  // Goes to the next field of length-delimited bytes; false: there is none.
  bool Next() {
    while (!rest_.empty()) {
      const auto key = Varint();
      if (!key) return false;
      switch (*key & 7) {
        case 0:
          if (!Varint()) return false;
          break;
        case 1:
          if (!Take(8)) return false;
          break;
        case 5:
          if (!Take(4)) return false;
          break;
        case 2: {
          const auto length = Varint();
          const auto taken = length ? Take(*length) : std::nullopt;
          if (!taken) return false;
          number_ = *key >> 3;
          bytes_ = *taken;
          return true;
        }
        default:
          return false;
      }
    }
    return false;
  }
  uint64_t number() const { return number_; }
  std::string_view bytes() const { return bytes_; }

 private:
  std::optional<uint64_t> Varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    return std::nullopt;
  }
  std::optional<std::string_view> Take(uint64_t length) {
    if (length > rest_.size()) return std::nullopt;
    const std::string_view taken = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return taken;
  }

  std::string_view rest_;
  uint64_t number_ = 0;
  std::string_view bytes_;
};

}  // namespace

DeviceStats ReadStepStats(std::string_view bytes) {
  constexpr uint64_t kStepStats = 1;    // of RunMetadata
  constexpr uint64_t kDeviceStats = 1;  // of StepStats
  constexpr uint64_t kDevice = 1;       // of DeviceStepStats
  constexpr uint64_t kNodeStats = 2;
  constexpr uint64_t kNodeName = 1;  // of NodeExecStats
  DeviceStats stats;
  for (Fields run(bytes); run.Next();) {
    if (run.number() != kStepStats) continue;
    for (Fields step(run.bytes()); step.Next();) {
      if (step.number() != kDeviceStats) continue;
      std::string device;
      std::vector<std::string> names;
      for (Fields of(step.bytes()); of.Next();) {
        if (of.number() == kDevice) device = of.bytes();
        if (of.number() != kNodeStats) continue;
        for (Fields node(of.bytes()); node.Next();) {
          if (node.number() == kNodeName) names.emplace_back(node.bytes());
        }
      }
      std::vector<std::string>& all = stats[device];
      all.insert(all.end(), names.begin(), names.end());
    }
  }
  return stats;
}

}  // namespace tfdoctor
