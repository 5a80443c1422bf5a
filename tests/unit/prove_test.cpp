// What an experiment means, and what is read of the process that ran it.
#include "prove/prove.h"

#include <gtest/gtest.h>

#include "diagnose/judge_proof.h"
#include "render/pages.h"
#include "rules/all.h"
#include "tensorflow/runtime.h"
#include "tensorflow/stats.h"

namespace tfdoctor {
namespace {

// --- verdicts

Diagnosis Says(VerdictKind verdict, const char* cause = nullptr, bool holds = true) {
  Diagnosis diagnosis;
  diagnosis.verdict = verdict;
  diagnosis.confident = true;
  for (size_t i = 0; i < kLinkCount; i++)
    diagnosis.chain[i] = {static_cast<Link>(i), LinkState::kUnknown, ""};
  if (cause != nullptr) {
    diagnosis.causes.emplace_back();
    diagnosis.causes.back().rule = FindRule(AllRules(), cause);
    diagnosis.causes.back().holds = holds;
    EXPECT_NE(diagnosis.causes.back().rule, nullptr) << cause;
  }
  return diagnosis;
}

Proof Saw(const char* device, std::vector<std::pair<const char*, StepState>> steps, bool certain = true) {
  Proof proof;
  proof.device = device;
  for (const auto& [name, state] : steps) {
    proof.steps.emplace_back();
    proof.steps.back().name = name;
    proof.steps.back().state = state;
    proof.steps.back().certain = certain;
  }
  return proof;
}

constexpr StepState kPassed = StepState::kPassed;
constexpr StepState kFailed = StepState::kFailed;
constexpr StepState kSkipped = StepState::kSkipped;

TEST(JudgeProof, WhatWorksIsUsableWhateverWasNotKnown) {
  Proof proof = Saw("GPU:0", {{"devices", kPassed}, {"add", kPassed}});
  Diagnosis diagnosis = Says(VerdictKind::kUnknown);
  JudgeProof(diagnosis, diagnosis, proof);
  EXPECT_EQ(diagnosis.verdict, VerdictKind::kGpuUsable);
  EXPECT_EQ(proof.disagreement, "");
  EXPECT_EQ(diagnosis.chain[static_cast<size_t>(Link::kExecution)].state, LinkState::kOk);
  EXPECT_EQ(ExitStatus(proof, diagnosis), 0);
  diagnosis = Says(VerdictKind::kGpuDegraded, "ptx-jit-slow-start");
  JudgeProof(diagnosis, diagnosis, proof);
  EXPECT_EQ(diagnosis.verdict, VerdictKind::kGpuDegraded);
}

TEST(JudgeProof, ListingADeviceIsNoProof) {
  Proof proof = Saw("GPU:0", {{"devices", kPassed}});
  Diagnosis diagnosis = Says(VerdictKind::kUnknown);
  JudgeProof(diagnosis, diagnosis, proof);
  EXPECT_EQ(diagnosis.verdict, VerdictKind::kUnknown);
}

TEST(JudgeProof, ARunOnTheCpuSaysNothingOfTheGpu) {
  for (const VerdictKind verdict :
       {VerdictKind::kGpuUsable, VerdictKind::kGpuDegraded, VerdictKind::kUnknown}) {
    Proof proof = Saw("CPU:0", {{"add", kPassed}});
    Diagnosis diagnosis = Says(verdict);
    JudgeProof(diagnosis, diagnosis, proof);
    EXPECT_EQ(diagnosis.verdict, VerdictKind::kUnknown);
    EXPECT_FALSE(diagnosis.confident);
    EXPECT_EQ(ExitStatus(proof, diagnosis), 0);
  }
  Proof proof = Saw("CPU:0", {{"add", kFailed}});
  Diagnosis diagnosis = Says(VerdictKind::kGpuBlocked, "no-nvidia-gpu");
  JudgeProof(diagnosis, diagnosis, proof);
  EXPECT_EQ(diagnosis.verdict, VerdictKind::kGpuBlocked);
  EXPECT_EQ(proof.disagreement, "");
  EXPECT_EQ(ExitStatus(proof, diagnosis), 1);
}

TEST(JudgeProof, AFailedStepBlocksButALimitDoesNotTell) {
  Diagnosis diagnosis = Says(VerdictKind::kUnknown);
  Proof proof = Saw("GPU:0", {{"devices", kPassed}, {"add", kFailed}, {"matmul", kSkipped}});
  JudgeProof(diagnosis, diagnosis, proof);
  EXPECT_EQ(diagnosis.verdict, VerdictKind::kGpuBlocked);
  EXPECT_FALSE(diagnosis.confident);  // why, nobody knows
  EXPECT_EQ(diagnosis.chain[static_cast<size_t>(Link::kExecution)].state, LinkState::kBroken);
  diagnosis = Says(VerdictKind::kGpuUsable);
  proof = Saw("GPU:0", {{"add", kFailed}}, false);
  JudgeProof(diagnosis, diagnosis, proof);
  EXPECT_EQ(diagnosis.verdict, VerdictKind::kUnknown);
  EXPECT_EQ(proof.disagreement, "");
  EXPECT_EQ(ExitStatus(proof, diagnosis), 1);
}

TEST(JudgeProof, WhatOnlySlowsDownIsNotTheCauseOfAFailure) {
  Diagnosis diagnosis = Says(VerdictKind::kGpuDegraded, "ptx-jit-slow-start");
  diagnosis.causes.push_back(
      Says(VerdictKind::kUnknown, "memory-pool-starves-libraries", false).causes.front());
  Proof proof = Saw("GPU:0", {{"add", kFailed}});
  JudgeProof(diagnosis, diagnosis, proof);
  EXPECT_EQ(diagnosis.verdict, VerdictKind::kGpuBlocked);
  EXPECT_EQ(diagnosis.causes.front().rule->id, "memory-pool-starves-libraries");
  // But what TensorFlow itself complained of stays in front.
  diagnosis = Says(VerdictKind::kGpuDegraded, "tensorflow-variable-invalid");
  diagnosis.causes.front().evidence.push_back(
      {"line 7", Witness::kLog, "TF_GPU_ALLOCATOR", Strength::kStrong});
  diagnosis.causes.push_back(
      Says(VerdictKind::kUnknown, "memory-pool-starves-libraries", false).causes.front());
  JudgeProof(diagnosis, diagnosis, proof);
  EXPECT_EQ(diagnosis.causes.front().rule->id, "tensorflow-variable-invalid");
}

TEST(JudgeProof, TheTwoMustAgree) {
  const Diagnosis usable = Says(VerdictKind::kGpuUsable);
  const Diagnosis blocked = Says(VerdictKind::kGpuBlocked, "no-nvidia-gpu");
  const auto disagreement = [](const Diagnosis& predicted, Diagnosis seen, Proof proof) {
    JudgeProof(predicted, seen, proof);
    return proof.disagreement;
  };
  const Proof works = Saw("GPU:0", {{"devices", kPassed}, {"add", kPassed}});
  const Proof not_there = Saw("GPU:0", {{"devices", kFailed}, {"add", kSkipped}});
  const Proof fails = Saw("GPU:0", {{"devices", kPassed}, {"add", kFailed}});
  EXPECT_EQ(disagreement(usable, usable, works), "");
  EXPECT_NE(disagreement(blocked, blocked, works), "");
  EXPECT_EQ(disagreement(blocked, blocked, not_there), "");
  EXPECT_NE(disagreement(usable, usable, not_there), "");
  EXPECT_EQ(disagreement(Says(VerdictKind::kUnknown), usable, not_there), "");
  // What only a running program shows, check cannot know; what it judges, it must.
  EXPECT_EQ(disagreement(usable, Says(VerdictKind::kGpuBlocked, "gpu-computes-wrongly"), fails), "");
  EXPECT_NE(disagreement(usable, Says(VerdictKind::kGpuBlocked, "driver-too-old"), fails), "");
  EXPECT_EQ(disagreement(usable, Says(VerdictKind::kGpuBlocked, "driver-too-old", false), fails), "");
}

TEST(JudgeProof, WhereNothingCouldBeStartedCheckDecides) {
  Proof proof = Saw("GPU:0", {{"devices", kSkipped}});
  proof.unstarted = "no TensorFlow is installed there";
  for (const VerdictKind verdict :
       {VerdictKind::kGpuBlocked, VerdictKind::kUnknown, VerdictKind::kGpuUsable}) {
    Diagnosis diagnosis = Says(verdict);
    JudgeProof(diagnosis, diagnosis, proof);
    EXPECT_EQ(diagnosis.verdict,
              verdict == VerdictKind::kGpuBlocked ? VerdictKind::kGpuBlocked : VerdictKind::kUnknown);
    EXPECT_EQ(ExitStatus(proof, diagnosis), verdict == VerdictKind::kGpuBlocked ? 1 : 3);
  }
}

// --- what people ask for

TEST(ProveOptions, Devices) {
  for (const char* text : {"GPU:0", "gpu:0", "/GPU:0", "/device:GPU:0", "gpu:00"})
    EXPECT_EQ(ReadDevice(text).value_or("none"), "GPU:0") << text;
  EXPECT_EQ(ReadDevice("/device:CPU:0").value_or("none"), "CPU:0");
  EXPECT_EQ(ReadDevice("GPU:12").value_or("none"), "GPU:12");
  for (const char* text :
       {"", "GPU", "GPU:", "GPU:x", "GPU:-1", "GPU:1234", "TPU:0", "/job:x/GPU:0", "GPU:0 "})
    EXPECT_FALSE(ReadDevice(text).ok()) << text;
}

// --- where operations ran

// A field of bytes; a length of two bytes is as right as the shortest.
std::string Field(int number, const std::string& bytes) {
  const char length[] = {static_cast<char>((bytes.size() & 0x7F) | 0x80),
                         static_cast<char>(bytes.size() >> 7)};
  return std::string(1, static_cast<char>(number << 3 | 2)) + std::string(length, 2) + bytes;
}

TEST(StepStats, NamesByDevice) {
  const std::string padding = std::string("\x10\x96\x01", 3) +
                              "\x1d"
                              "1234"
                              "\x19"
                              "12345678";
  const auto node = [&](const char* name) { return Field(2, padding + Field(1, name) + Field(8, "label")); };
  const std::string gpu =
      Field(1, "/job:localhost/replica:0/task:0/device:GPU:0") + node("forward/a") + node("update/0");
  const std::string cpu = node("x") + Field(1, "/device:CPU:0");
  const std::string bytes = Field(3, "else") + Field(1, Field(1, gpu) + Field(1, cpu));
  const DeviceStats stats = ReadStepStats(bytes);
  const DeviceStats right = {{"/job:localhost/replica:0/task:0/device:GPU:0", {"forward/a", "update/0"}},
                             {"/device:CPU:0", {"x"}}};
  EXPECT_EQ(stats, right);
  // Cut anywhere, and of any bytes, it ends.
  for (size_t length = 0; length < bytes.size(); length++)
    ReadStepStats(std::string_view(bytes).substr(0, length));
  EXPECT_TRUE(ReadStepStats(std::string(64, '\xff')).empty());
}

TEST(Config, IsTheProtobufOfTheSameSettings) {
  // As protoc encodes gpu_options { allow_growth: true }, device_count { key: "GPU" value: 0 } and
  // graph_options { rewrite_options { disable_meta_optimizer: true } }.
  EXPECT_EQ(Config{.growth = true}.Bytes(), std::string("\x32\x02\x20\x01", 4));
  EXPECT_EQ(Config{.no_gpu = true}.Bytes(), std::string("\x0a\x07\x0a\x03GPU\x10\x00", 9));
  EXPECT_EQ(Config{.unfused = true}.Bytes(), std::string("\x52\x05\x52\x03\x98\x01\x01", 7));
  EXPECT_EQ(ShortDevice("/job:localhost/replica:0/task:0/device:GPU:0"), "GPU:0");
  EXPECT_EQ(ShortDevice("elsewhere"), "elsewhere");
}

}  // namespace
}  // namespace tfdoctor
