#include "facts/visible_devices.h"

#include <gtest/gtest.h>

#include "diagnose/summary.h"
#include "facts/json.h"

namespace tfdoctor {
namespace {

using Entries = std::vector<std::string>;

TEST(VisibleDevices, CountsUpToTheFirstInvalidEntry) {
  EXPECT_EQ(ReadVisibleDevices("1, 0", 2).entries, (Entries{"1", "0"}));
  EXPECT_EQ(ReadVisibleDevices("0,-1,1", 2).entries, Entries{"0"});
  EXPECT_EQ(ReadVisibleDevices("0,7,1", 2).entries, Entries{"0"});
  EXPECT_EQ(ReadVisibleDevices("0,7,1", 2).ended_by, "there is no GPU 7: this machine has 2");
  EXPECT_EQ(ReadVisibleDevices("0,7,1", std::nullopt).entries, (Entries{"0", "7", "1"}));
  for (const char* none : {"", " ", "-1", "none", ",0", "99999999999999999999"})
    EXPECT_TRUE(ReadVisibleDevices(none, 2).entries.empty()) << none;
  EXPECT_TRUE(ReadVisibleDevices("GPU-8f3a,1", 2).FirstByName());
  EXPECT_FALSE(ReadVisibleDevices("1,GPU-8f3a", 2).FirstByName());
}

// Each was asked of cuInit with one H200 and driver 580, as tests/real/gpu_test.py does.
TEST(VisibleDevices, AreReadAsTheDriverReadsThem) {
  for (const char* first :
       {"0",    "+0",    "-0",         "0x0",         "0x1",           "00", "0.5", "0abc", "0 1",
        "0;1",  "0:0",   "0#",         " 0",          "\t0",           "0 ", "0,",  "0,1",  "0,-1",
        "0,,0", "0,abc", "4294967296", "-4294967296", "0,GPU-00000000"}) {
    const VisibleDevices devices = ReadVisibleDevices(first, 1);
    EXPECT_EQ(devices.entries, Entries{"0"}) << first;
    EXPECT_FALSE(devices.None()) << first;
  }
  for (const char* none : {"",
                           " ",
                           "-1",
                           "1",
                           "9",
                           "01",
                           "010",
                           "all",
                           "none",
                           "O",
                           ",0",
                           "1,0",
                           "-1,0",
                           "abc,0",
                           "GPU",
                           "GPU-",
                           "MIG",
                           "MIG-",
                           "GPU:0",
                           "cuda:0",
                           "[0]",
                           "'0'",
                           "gpu-f81e7441",
                           " GPU-f81e7441",
                           "GPU-zz",
                           "+ 0",
                           "4294967295",
                           "4294967297",
                           "2147483648",
                           "99999999999999999999999"})
    EXPECT_TRUE(ReadVisibleDevices(none, 1).None()) << none;
  for (const char* twice :
       {"0,0", " 0 , 0 ", "0,0x0", "0,+0", "0,0abc", "0,4294967296", "GPU-f81e,GPU-F81E"}) {
    const VisibleDevices devices = ReadVisibleDevices(twice, 1);
    EXPECT_NE(devices.refused, "") << twice;
    EXPECT_TRUE(devices.None()) << twice;
  }
  EXPECT_EQ(ReadVisibleDevices("GPU-8f3a,1", 2).entries, Entries{"GPU-8f3a"});
}

Facts Machine(const char* first, const char* second, const char* visible, const char* order) {
  nlohmann::ordered_json json = {
      {"gpus",
       {{"0000:01:00.0", {{"vendor", "NVIDIA"}, {"name", first}}},
        {"0000:02:00.0", {{"vendor", "NVIDIA"}, {"name", second}}}}},
      {"environment", {{"variables", {{"CUDA_VISIBLE_DEVICES", visible}, {"CUDA_DEVICE_ORDER", order}}}}}};
  return FactsFromJson(json).value_or({});
}

TEST(VisibleDevices, TheChainTellsWhichGpuIsWhich) {
  EXPECT_EQ(Summary(Link::kVisibility, Machine("A", "A", "1", "@absent")),
            "CUDA_VISIBLE_DEVICES=1: GPU:0 is 1 (A); 1 of 2 GPUs is hidden");
  EXPECT_EQ(Summary(Link::kVisibility, Machine("A", "B", "1,0", "PCI_BUS_ID")),
            "CUDA_VISIBLE_DEVICES=1,0: GPU:0 is 1 (B), GPU:1 is 0 (A)");
  // The driver puts the fastest first; which that is, it alone knows.
  EXPECT_EQ(Summary(Link::kVisibility, Machine("A", "B", "1", "@absent")),
            "CUDA_VISIBLE_DEVICES=1: GPU:0 is 1; 1 of 2 GPUs is hidden");
  EXPECT_EQ(
      Summary(Link::kVisibility, Machine("A", "B", "@absent", "PCI_BUS_ID")),
      "no environment variable hides the GPU; CUDA_DEVICE_ORDER=PCI_BUS_ID: GPU:0 is 0 (A), GPU:1 is 1 (B)");
  EXPECT_EQ(Summary(Link::kVisibility, Machine("A", "B", "@absent", "FASTEST_FIRST")),
            "no environment variable hides the GPU");
}

}  // namespace
}  // namespace tfdoctor
